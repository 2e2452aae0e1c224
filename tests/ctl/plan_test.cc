// hearthctl product and plan: what is sent of a file, and what is made of the answer.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/ids.h"
#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Local times in the tests are China's.
class Plan : public ::testing::Test {
 protected:
  Plan() {
    setenv("TZ", "Asia/Shanghai", 1);
    tzset();
    head_end_.schedule.push_plan = [this](const v1::PushPlanRequest& request, v1::PushPlanResponse* answer) {
      sent_ = request;
      *answer = answer_;
      return grpc::Status::OK;
    };
  }
  Outcome Push(const std::string& csv, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"plan", "push", dir_.Write("plan.csv", csv)};
    args.insert(args.end(), more.begin(), more.end());
    return RunAgainst(head_end_, args);
  }

  FakeHeadEnd head_end_;
  TempDir dir_;
  v1::PushPlanRequest sent_;
  v1::PushPlanResponse answer_;
};

constexpr const char* kHeader = "channel,kind,start,end,mode,product,region,title,event_id\n";

std::string TimeText(const google::protobuf::Timestamp& time) {
  return ToString(UnixMillis(time.seconds() * 1000 + time.nanos() / 1'000'000));
}

TEST_F(Plan, AFileOfEachKindIsSentAsItStands) {
  answer_.set_done(3);
  answer_.set_existed(1);
  answer_.set_removed(2);
  answer_.mutable_changed()->set_revision_token("r1.q");
  const Outcome outcome =
      Push(std::string(kHeader) +
               "CCTV-5,event,2026-11-24T20:00:00+08:00,2026-11-24T22:00:00.5+08:00,product,7,!6401,"
               "足球,E-1\n"
               "1064,FREE_TO_AIR,2026-11-24T10:00:00Z,2026-11-24T11:00:00Z,,,,,\n"
               "CCTV-5,blackout,2026-11-24T20:00:00+08:00,2026-11-24T21:00:00+08:00,,,64,,\n"
               "CCTV-1,event,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z,,,,,\n",
           {"--services", "1-3", "--reason", "day"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("2 windows were taken out\n"),
                                 HasSubstr("3 done, 1 existed, 0 refused\n"), HasSubstr("r1.q")));
  EXPECT_EQ(sent_.change().reason(), "day");
  EXPECT_TRUE(RequestId::Parse(sent_.change().request_id()));
  EXPECT_EQ(TimeText(sent_.from()), "2026-11-24T00:00:00.000Z");
  EXPECT_EQ(TimeText(sent_.to()), "2026-11-24T14:00:00.500Z");
  EXPECT_THAT(sent_.service_ids(), ElementsAre(1U, 2U, 3U));
  ASSERT_EQ(sent_.items_size(), 4);
  const v1::PlanItem& event = sent_.items(0);
  EXPECT_EQ(event.channel_name(), "CCTV-5");
  EXPECT_EQ(event.kind(), v1::PlanWindow::EVENT);
  EXPECT_EQ(TimeText(event.start()), "2026-11-24T12:00:00.000Z");
  EXPECT_EQ(event.criteria().mode(), v1::AccessCriteria::PRODUCT);
  EXPECT_EQ(event.criteria().product(), 7U);
  EXPECT_EQ(event.criteria().region(), "6401");
  EXPECT_TRUE(event.criteria().region_except());
  EXPECT_EQ(event.title(), "足球");
  EXPECT_EQ(event.event_id(), "E-1");
  EXPECT_EQ(sent_.items(1).service_id(), 1064U);
  EXPECT_EQ(sent_.items(1).kind(), v1::PlanWindow::FREE_TO_AIR);
  EXPECT_FALSE(sent_.items(1).has_criteria());
  EXPECT_EQ(sent_.items(2).kind(), v1::PlanWindow::BLACKOUT);
  EXPECT_EQ(sent_.items(2).region(), "64");
  EXPECT_EQ(sent_.items(3).criteria().mode(), v1::AccessCriteria::SUBSCRIBERS);
}

TEST_F(Plan, ADryRunSaysSo) {
  answer_.set_done(1);
  const Outcome outcome =
      Push(std::string(kHeader) + "A,event,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z\n",
           {"--dry-run", "--from", "2026-11-23T00:00:00Z", "--to", "2026-11-25T00:00:00Z"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_TRUE(sent_.change().dry_run());
  EXPECT_EQ(TimeText(sent_.from()), "2026-11-23T00:00:00.000Z");
  EXPECT_EQ(TimeText(sent_.to()), "2026-11-25T00:00:00.000Z");
  EXPECT_THAT(outcome.out, HasSubstr("dry run, nothing was changed: 1 done"));
}

TEST_F(Plan, RefusedItemsAreToldByTheLineOfTheFile) {
  auto* row = answer_.add_rows();
  row->set_line(2);
  row->set_outcome(v1::RowResult::REFUSED);
  row->set_reason("PLAN_OVERLAP");
  row->set_field("start");
  row->set_message("it overlaps item 1");
  row->set_cure("Shorten one.");
  answer_.set_refused(3);
  const std::string csv = std::string(kHeader) +
                          "A,event,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z\n\n\n"
                          "A,event,2026-11-24T00:30:00Z,2026-11-24T01:00:00Z\n";
  const Outcome outcome = Push(csv, {"--rejects", dir_.Path("rejects.csv")});
  EXPECT_EQ(outcome.code, kExitRowsRefused);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("   5  start  PLAN_OVERLAP"),
                                 HasSubstr("2 more that the head-end does not list"),
                                 HasSubstr("0 done, 0 existed, 3 refused\n")));
  EXPECT_THAT(outcome.err, HasSubstr("nothing was taken"));
  EXPECT_THAT(dir_.Read("rejects.csv"), HasSubstr(",5,start,PLAN_OVERLAP,it overlaps item 1,Shorten one.\n"));
  const Outcome json = Push(csv, {"--json"});
  EXPECT_EQ(json.code, kExitRowsRefused);
  EXPECT_THAT(json.out,
              AllOf(HasSubstr("\"removed\":0,"), HasSubstr("\"refused\":3"), HasSubstr("\"line\":\"5\"")));
}

TEST_F(Plan, ARowThatCannotBeReadKeepsTheFileHere) {
  struct Row {
    const char* name;
    const char* line;
    const char* field;
  };
  const Row rows[] = {
      {"no channel", ",event,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z", "channel"},
      {"channel 65536", "65536,event,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z", "channel"},
      {"kind", "A,film,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z", "kind"},
      {"no zone", "A,event,2026-11-24T00:00:00,2026-11-24T01:00:00Z", "start"},
      {"no end", "A,event,2026-11-24T00:00:00Z,", "end"},
      {"mode", "A,event,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z,free", "mode"},
      {"product", "A,event,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z,product,128", "product"},
      {"mode of a blackout", "A,blackout,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z,open,,64", "mode"},
      {"product of a free window", "A,free-to-air,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z,,7", "product"},
  };
  head_end_.schedule.push_plan = [](const auto&, auto*) {
    ADD_FAILURE() << "sent";
    return grpc::Status::OK;
  };
  for (const Row& row : rows) {
    const Outcome outcome =
        Push(kHeader + std::string("A,event,2026-11-24T00:00:00Z,2026-11-24T01:00:00Z\n") + row.line + "\n");
    EXPECT_EQ(outcome.code, kExitRowsRefused) << row.name;
    EXPECT_THAT(outcome.out, HasSubstr(std::string("   3  ") + row.field)) << row.name;
    EXPECT_THAT(outcome.err, HasSubstr("nothing was sent")) << row.name;
  }
  EXPECT_EQ(Push(kHeader).code, kExitUsage);
  EXPECT_EQ(Push("channel,start\n").code, kExitBadFile);
}

TEST_F(Plan, AnEmptyFileClearsTheServicesNamed) {
  const Outcome outcome =
      Push(kHeader, {"--services", "7", "--from", "2026-11-24T00:00:00Z", "--to", "2026-11-25T00:00:00Z"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(sent_.service_ids(), ElementsAre(7U));
  EXPECT_EQ(sent_.items_size(), 0);
}

void FillWindow(v1::PlanWindow* window, v1::PlanWindow::Kind kind) {
  window->set_service_id(5);
  window->set_channel_name("CCTV-5");
  window->set_kind(kind);
  window->mutable_start()->set_seconds(1'795'409'412);
  window->mutable_end()->set_seconds(1'795'413'012);
  if (kind == v1::PlanWindow::EVENT) {
    window->mutable_criteria()->set_mode(v1::AccessCriteria::PRODUCT);
    window->mutable_criteria()->set_product(7);
    window->set_title("足球");
  }
  if (kind == v1::PlanWindow::BLACKOUT) window->set_region("64");
}

TEST_F(Plan, ShowPrintsEveryPage) {
  head_end_.schedule.list_plan = [](const v1::ListPlanRequest& request, v1::ListPlanResponse* answer) {
    EXPECT_EQ(request.channel_name(), "CCTV-5");
    EXPECT_EQ(TimeText(request.from()), "2026-11-23T00:00:00.000Z");
    EXPECT_FALSE(request.has_to());
    const bool first = request.page().token().empty();
    FillWindow(answer->add_windows(), first ? v1::PlanWindow::EVENT : v1::PlanWindow::BLACKOUT);
    if (first) answer->set_next_page_token("p1.5.1.1");
    return grpc::Status::OK;
  };
  const std::vector<std::string> args = {"plan",   "show",   "--channel",
                                         "CCTV-5", "--from", "2026-11-23T08:00:00+08:00"};
  EXPECT_EQ(RunAgainst(head_end_, args).out,
            "channel  kind   start                end                  criteria   title  event\n"
            "CCTV-5   EVENT  2026-11-23 12:50:12  2026-11-23 13:50:12  product 7  足球   -\n"
            "CCTV-5   BLACKOUT  2026-11-23 12:50:12  2026-11-23 13:50:12  all but 64  -      -\n");
  auto with_json = args;
  with_json.emplace_back("--json");
  EXPECT_THAT(RunAgainst(head_end_, with_json).out,
              AllOf(HasSubstr("[\n  {\"service_id\":5"), HasSubstr("\"kind\":\"BLACKOUT\"")));
}

TEST_F(Plan, AtSaysWhatIsInForceAndWhy) {
  head_end_.schedule.get_in_force = [](const v1::GetInForceRequest& request, v1::GetInForceResponse* answer) {
    answer->set_service_id(5);
    answer->set_channel_name("CCTV-5");
    *answer->mutable_at() = request.at();
    if (request.has_service_id()) return grpc::Status::OK;
    EXPECT_EQ(TimeText(request.at()), "2026-11-23T04:50:12.000Z");
    answer->mutable_criteria()->set_mode(v1::AccessCriteria::PRODUCT);
    answer->mutable_criteria()->set_product(7);
    answer->mutable_criteria()->set_region("64");
    answer->mutable_criteria()->set_region_except(true);
    FillWindow(answer->add_windows(), v1::PlanWindow::EVENT);
    FillWindow(answer->add_windows(), v1::PlanWindow::BLACKOUT);
    answer->mutable_since()->set_seconds(1'795'409'412);
    answer->set_ac_id(9);
    return grpc::Status::OK;
  };
  const Outcome outcome =
      RunAgainst(head_end_, {"plan", "at", "--channel", "CCTV-5", "--at", "2026-11-23T04:50:12Z"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("channel:   CCTV-5 (5)\n"), HasSubstr("criteria:  product 7, except 64\n"),
                    HasSubstr("since:     2026-11-23 12:50:12\n"), HasSubstr("until:     further notice\n"),
                    HasSubstr("AC id:     9\n"), HasSubstr("all but 64"), Not(HasSubstr("own criteria"))));
  EXPECT_THAT(
      RunAgainst(head_end_, {"plan", "at", "--service", "5"}).out,
      AllOf(HasSubstr("criteria:  subscribers\n"), HasSubstr("from:      the channel's own criteria\n")));
  EXPECT_EQ(RunAgainst(head_end_, {"plan", "at"}).code, kExitUsage);
  EXPECT_EQ(RunAgainst(head_end_, {"plan", "at", "--service", "5", "--at", "noon"}).code, kExitUsage);
}

TEST_F(Plan, Products) {
  head_end_.schedule.put_product = [](const v1::PutProductRequest& request, v1::PutProductResponse* answer) {
    EXPECT_EQ(request.product().product_id(), 7U);
    *answer->mutable_product() = request.product();
    answer->mutable_changed()->set_revision(3);
    answer->mutable_changed()->set_revision_token("r1.q");
    return grpc::Status::OK;
  };
  head_end_.schedule.list_products = [](const auto&, v1::ListProductsResponse* answer) {
    answer->add_products()->set_name("base");
    return grpc::Status::OK;
  };
  EXPECT_THAT(RunAgainst(head_end_, {"product", "put", "--id", "7", "--name", "体育"}).out,
              AllOf(HasSubstr("      7  体育\n"), HasSubstr("revision 3")));
  EXPECT_EQ(RunAgainst(head_end_, {"product", "list"}).out, "product  name\n      0  base\n");
  EXPECT_EQ(RunAgainst(head_end_, {"product", "put", "--id", "128", "--name", "x"}).code, kExitUsage);
}

}  // namespace
}  // namespace hearth::ctl
