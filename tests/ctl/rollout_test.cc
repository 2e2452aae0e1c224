// hearthctl rollout: what is sent, what is shown before anything wide, and how stages are followed.
#include <cstdlib>

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kCells =
    "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n"
    "LTE,460,0,33301,26879745,78,106.372859,38.559456,1966,191,1,1757388447,1790000000,-105\n"
    "GSM,460,1,4101,777,0,106.3,38.5,100,1,1,1757388447,1790000000,-90\n";
constexpr const char* kOneCell = "LTE,460,0,33301,5,78,106.3,38.5,1966,191,1,1757388447,1790000000,-105\n";
constexpr const char* kBadCell = "LTE,460,0,33301,x,78,106.3,38.5,1966,191,1,1757388447,1790000000,-105\n";

void Fill(v1::Rollout* rollout, uint64_t number, v1::RolloutState state) {
  rollout->set_number(number);
  rollout->set_state(state);
  v1::ListEdit& list = *rollout->add_lists();
  list.set_kind(v1::BLACKLIST);
  list.set_list_id("640104001");
  list.set_from_version(3);
  list.set_to_version(4);
  list.set_added(9);
  rollout->mutable_previewed()->set_seconds(1'795'409'000);
  v1::Forecast& area = *rollout->add_areas();
  area.set_area_id("640122001");
  area.set_installed(310);
  area.set_dark(12);
  rollout->mutable_total()->set_installed(4000);
  rollout->mutable_total()->set_dark(14);
  rollout->set_needs_approver(true);
  rollout->set_why_approver("area 640122001: 12 of 310 cards go dark, 6 are allowed");
  v1::RolloutStep& step = *rollout->add_steps();
  step.set_state(v1::ROLLOUT_PROPOSED);
  step.set_actor("li");
  rollout->set_revision(5);
}

void SetStage(v1::Rollout* rollout, uint32_t stage, bool judged) {
  v1::Staging& staging = *rollout->mutable_staging();
  staging.add_percents(10);
  staging.add_percents(100);
  staging.set_stages(2);
  staging.set_stage(stage);
  staging.set_judged(judged);
  staging.set_dark(stage);
  staging.set_forecast_dark(7);
}

class RolloutCommand : public ::testing::Test {
 protected:
  RolloutCommand() {
    setenv("TZ", "Asia/Shanghai", 1);
    tzset();
    head_end_.rollouts.propose = [this](const v1::ProposeHeader& header,
                                        const std::vector<std::vector<std::string>>& cells,
                                        v1::RolloutResponse* answer) {
      headers_.push_back(header);
      cells_ = cells;
      const bool dry_run = header.change().dry_run();
      Fill(answer->mutable_rollout(), dry_run ? 0 : 12, v1::ROLLOUT_PREVIEWED);
      if (!dry_run) answer->mutable_changed()->set_revision_token("r1.x");
      return grpc::Status::OK;
    };
    head_end_.rollouts.get = [](const v1::GetRolloutRequest& request, v1::RolloutResponse* answer) {
      Fill(answer->mutable_rollout(), request.number(), v1::ROLLOUT_PREVIEWED);
      return grpc::Status::OK;
    };
  }
  Outcome Run(std::vector<std::string> args, Surroundings surroundings = {}) {
    args.insert(args.begin(), "rollout");
    return RunAgainst(head_end_, args, std::move(surroundings));
  }
  // A head-end that needs one look for each stage. `stop_at`: the stage in which it stops by itself.
  void Stages(uint32_t stop_at = 0) {
    head_end_.rollouts.activate = [this](const v1::ActivateRolloutRequest& request,
                                         v1::RolloutResponse* answer) {
      activated_.push_back(request);
      stage_ = 1;
      Fill(answer->mutable_rollout(), request.number(), v1::ROLLOUT_ACTIVE);
      SetStage(answer->mutable_rollout(), 1, false);
      return grpc::Status::OK;
    };
    head_end_.rollouts.get = [this, stop_at](const v1::GetRolloutRequest& request,
                                             v1::RolloutResponse* answer) {
      const bool stopped = stage_ != 0 && stage_ == stop_at;
      const auto state = stage_ == 0 ? v1::ROLLOUT_PREVIEWED : v1::ROLLOUT_ACTIVE;
      Fill(answer->mutable_rollout(), request.number(), stopped ? v1::ROLLOUT_STOPPED : state);
      SetStage(answer->mutable_rollout(), stage_, true);
      if (stopped) answer->mutable_rollout()->mutable_staging()->set_stopped_why("16 went dark");
      return grpc::Status::OK;
    };
    head_end_.rollouts.advance = [this](const v1::RolloutStepRequest& request, v1::RolloutResponse* answer) {
      advanced_.push_back(request);
      const bool done = stage_ == 2;
      if (!done) ++stage_;
      Fill(answer->mutable_rollout(), request.number(), done ? v1::ROLLOUT_DONE : v1::ROLLOUT_ACTIVE);
      SetStage(answer->mutable_rollout(), stage_, done);
      return grpc::Status::OK;
    };
  }

  TempDir dir_;
  FakeHeadEnd head_end_;
  std::vector<v1::ProposeHeader> headers_;
  std::vector<std::vector<std::string>> cells_;
  std::vector<v1::ActivateRolloutRequest> activated_;
  std::vector<v1::RolloutStepRequest> advanced_;
  uint32_t stage_ = 0;
};

TEST_F(RolloutCommand, ProposesAListAndShowsThePreview) {
  const Outcome outcome = Run({"propose", "--blacklist", "640104001", "--cells", dir_.Write("c", kCells),
                               "--name", "银川城区", "--reason", "survey"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  ASSERT_THAT(headers_, SizeIs(1));
  ASSERT_EQ(headers_[0].lists_size(), 1);
  EXPECT_EQ(headers_[0].lists(0).kind(), v1::BLACKLIST);
  EXPECT_EQ(headers_[0].lists(0).list_id(), "640104001");
  EXPECT_EQ(headers_[0].lists(0).name(), "银川城区");
  EXPECT_FALSE(headers_[0].lists(0).edit());
  EXPECT_EQ(headers_[0].change().reason(), "survey");
  ASSERT_THAT(cells_, SizeIs(1));
  EXPECT_THAT(cells_[0], ElementsAre("lte:460:00:33301:26879745", "gsm:460:01:4101:777"));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("rollout:    12\n"), HasSubstr("640104001  blacklist  3 to 4"),
                                 HasSubstr("old evidence"), HasSubstr("640122001        310    12"),
                                 HasSubstr("total           4000    14"),
                                 HasSubstr("12 of 310 cards go dark, 6 are allowed"),
                                 HasSubstr("next: hearthctl rollout activate 12 --reason TEXT --approver"),
                                 HasSubstr("nothing is in force yet"), HasSubstr("token r1.x")));
}

TEST_F(RolloutCommand, ADryRunKeepsNothingAndNamesNoNextStep) {
  const Outcome outcome =
      Run({"propose", "--area", "640122001", "--cells", "-", "--dry-run"}, {.input = kCells});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_TRUE(headers_.at(0).change().dry_run());
  EXPECT_EQ(headers_[0].lists(0).kind(), v1::WHITELIST);
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("dry run: nothing was changed"), Not(HasSubstr("next:")), HasSubstr("total")));
}

TEST_F(RolloutCommand, EditsAListAndChangesOthersAndThePolicyWithIt) {
  const Outcome outcome =
      Run({"propose", "--area", "640122001", "--add", dir_.Write("add", kOneCell), "--remove",
           dir_.Write("remove", kCells), "--also", "blacklist:640104001:" + dir_.Write("b", kCells), "--also",
           "area:640122002:" + dir_.Write("a", kOneCell), "--policy",
           dir_.Write("p.json", R"({"national":{"strictness":"STRICTNESS_COUNTY","grace_hours":48}})")});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  ASSERT_EQ(headers_.at(0).lists_size(), 3);
  EXPECT_TRUE(headers_[0].lists(0).edit());
  EXPECT_THAT(headers_[0].lists(0).remove(), ElementsAre("lte:460:00:33301:26879745", "gsm:460:01:4101:777"));
  EXPECT_EQ(headers_[0].lists(1).kind(), v1::BLACKLIST);
  EXPECT_EQ(headers_[0].lists(2).list_id(), "640122002");
  EXPECT_EQ(headers_[0].policy().national().grace_hours(), 48U);
  ASSERT_THAT(cells_, SizeIs(3));
  EXPECT_THAT(cells_[0], ElementsAre("lte:460:00:33301:5"));
  EXPECT_THAT(cells_[1], SizeIs(2));
  EXPECT_THAT(cells_[2], SizeIs(1));
}

TEST_F(RolloutCommand, ManyCellsGoInMessagesOfTenThousand) {
  std::string text;
  for (int i = 1; i <= 20'001; ++i) {
    text += "LTE,460,0,33301," + std::to_string(i) + ",,,,,,,,,\n";
  }
  EXPECT_EQ(Run({"propose", "--area", "640122001", "--cells", dir_.Write("c", text)}).code, kExitOk);
  EXPECT_EQ(head_end_.rollouts.messages, 4U);
  EXPECT_THAT(cells_.at(0), SizeIs(20'001));
}

TEST_F(RolloutCommand, RefusedRowsAreToldByFileAndLine) {
  const std::vector<std::string> args = {"propose", "--area", "640122001", "--cells",
                                         dir_.Write("c", std::string(kCells) + kBadCell)};
  const Outcome outcome = Run(args);
  EXPECT_EQ(outcome.code, kExitRowsRefused) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("/c 4  cell "), HasSubstr("2 done, 0 existed, 1 refused"),
                                 HasSubstr("next: hearthctl")));
  auto with_json = args;
  with_json.emplace_back("--json");
  const Outcome json = Run(with_json);
  EXPECT_EQ(json.code, kExitRowsRefused);
  google::protobuf::Struct object;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json.out, &object).ok()) << json.out;
  EXPECT_EQ(object.fields().at("rollout").struct_value().fields().at("number").string_value(), "12");
  EXPECT_EQ(object.fields().at("rows").list_value().values_size(), 1);

  EXPECT_EQ(Run({"propose", "--area", "640122001", "--cells", dir_.Write("bad", kBadCell)}).code,
            kExitBadFile);
  EXPECT_THAT(headers_, SizeIs(2)) << "a file of nothing but mistakes was sent";
}

TEST_F(RolloutCommand, WhatCannotBeProposedIsRefusedHere) {
  const std::string file = dir_.Write("c", kCells);
  const std::string also = "area:640122002:" + file;
  struct Row {
    const char* name;
    std::vector<std::string> args;
    int code;
  };
  const Row rows[] = {
      {"nothing", {"propose"}, kExitUsage},
      {"a list without cells", {"propose", "--area", "640122001"}, kExitUsage},
      {"cells without a list", {"propose", "--cells", file}, kExitUsage},
      {"a name without a list", {"propose", "--name", "x", "--also", also}, kExitUsage},
      {"two lists",
       {"propose", "--area", "640122001", "--blacklist", "640104001", "--cells", file},
       kExitUsage},
      {"all and some", {"propose", "--area", "640122001", "--cells", file, "--add", file}, kExitUsage},
      {"stdin twice", {"propose", "--area", "640122001", "--add", "-", "--remove", "-"}, kExitUsage},
      {"also without a file", {"propose", "--also", "area:640122002"}, kExitUsage},
      {"also of another kind", {"propose", "--also", "city:640122002:" + file}, kExitUsage},
      {"also of no area", {"propose", "--also", "area:64:" + file}, kExitUsage},
      {"a file that is not there", {"propose", "--area", "640122001", "--cells", "/no/such"}, kExitBadFile},
      {"an empty file", {"propose", "--area", "640122001", "--cells", "/dev/null"}, kExitBadFile},
      {"no policy", {"propose", "--policy", file}, kExitBadFile},
      {"percent of nothing", {"activate", "12", "--percents", "0,100"}, kExitUsage},
      {"percents and regions", {"activate", "12", "--percents", "100", "--regions", "64"}, kExitUsage},
      {"a township", {"activate", "12", "--regions", "640122100"}, kExitUsage},
      {"undo without a reason", {"undo", "12"}, kExitUsage},
  };
  for (const Row& row : rows) EXPECT_EQ(Run(row.args).code, row.code) << row.name;
  EXPECT_THAT(headers_, IsEmpty());
}

TEST_F(RolloutCommand, ShowAndListAndEachStep) {
  head_end_.rollouts.list = [](const v1::ListRolloutsRequest& request, v1::ListRolloutsResponse* answer) {
    EXPECT_TRUE(request.open_only());
    const bool first = request.page().token().empty();
    Fill(answer->add_rollouts(), first ? 12 : 11, v1::ROLLOUT_ACTIVE);
    if (first) answer->set_next_page_token("12");
    return grpc::Status::OK;
  };
  const Outcome shown = Run({"show", "12"});
  EXPECT_EQ(shown.code, kExitOk) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("PREVIEWED"), HasSubstr("revision 5"), HasSubstr("li")));
  const Outcome list = Run({"list", "--open"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("12"), HasSubstr("11"), HasSubstr("needed"), HasSubstr("640104001")));
  EXPECT_THAT(Run({"list", "--open", "--json"}).out, HasSubstr("\"number\":\"11\""));

  std::vector<std::string> steps;
  const auto step = [&](const char* name, v1::RolloutState state) {
    return [&steps, name, state](const v1::RolloutStepRequest& request, v1::RolloutResponse* answer) {
      steps.emplace_back(name);
      Fill(answer->mutable_rollout(), request.number(), state);
      return grpc::Status::OK;
    };
  };
  head_end_.rollouts.preview = step("preview", v1::ROLLOUT_PREVIEWED);
  head_end_.rollouts.stop = step("stop", v1::ROLLOUT_STOPPED);
  head_end_.rollouts.resume = step("resume", v1::ROLLOUT_ACTIVE);
  head_end_.rollouts.advance = step("advance", v1::ROLLOUT_DONE);
  head_end_.rollouts.withdraw = step("withdraw", v1::ROLLOUT_WITHDRAWN);
  head_end_.rollouts.undo = step("undo", v1::ROLLOUT_UNDONE);
  EXPECT_THAT(Run({"preview", "12"}).out, HasSubstr("rollout activate 12"));
  EXPECT_THAT(Run({"stop", "12"}).out,
              HasSubstr("rollout undo 12 --reason TEXT, or hearthctl rollout resume"));
  EXPECT_THAT(Run({"resume", "12"}).out, HasSubstr("rollout show 12"));
  EXPECT_THAT(Run({"advance", "12"}).out, HasSubstr("to take it back: hearthctl rollout undo 12"));
  EXPECT_THAT(Run({"withdraw", "12"}).out, HasSubstr("WITHDRAWN"));
  EXPECT_THAT(Run({"undo", "12", "--reason", "wrong city"}).out, HasSubstr("UNDONE"));
  for (const char* name : {"resume", "advance", "undo"}) {
    const Outcome no = Run({name, "12", "--reason", "x"}, {.input = "n\n", .terminal = true});
    EXPECT_EQ(no.code, kExitUsage) << name;
    EXPECT_THAT(no.out, HasSubstr("640122001")) << name << ": nothing was shown before the question";
  }
  EXPECT_THAT(steps, ElementsAre("preview", "stop", "resume", "advance", "withdraw", "undo"));
}

TEST_F(RolloutCommand, AffectedCardsAsTableJsonLinesAndFile) {
  head_end_.rollouts.affected = [](const v1::ListAffectedRequest& request,
                                   grpc::ServerWriter<v1::AffectedCards>* writer) {
    EXPECT_EQ(request.area_id(), "640122001");
    for (const char* number : {"640000000001", "640000000002"}) {
      v1::AffectedCards part;
      v1::AffectedCard& card = *part.add_cards();
      card.set_card_number(number);
      card.set_area_id("640122001");
      card.set_effect(v1::GOES_DARK);
      card.set_before(v1::IN_AREA);
      card.set_after(v1::BLACKLISTED);
      card.set_serving_cell("lte:460:00:33301:5");
      card.mutable_reported()->set_seconds(1'795'409'412);
      writer->Write(part);
    }
    return grpc::Status::OK;
  };
  const std::vector<std::string> args = {"affected", "12", "--area", "640122001"};
  EXPECT_THAT(Run(args).out, AllOf(HasSubstr("640000000002"), HasSubstr("GOES_DARK"), HasSubstr("12:50:12")));
  auto json = args;
  json.emplace_back("--json");
  EXPECT_THAT(Run(json).out, AllOf(HasSubstr("{\"card_number\":\"640000000001\""), HasSubstr("}\n{")));
  auto file = args;
  file.insert(file.end(), {"--export", dir_.Path("out.csv")});
  const Outcome written = Run(file);
  EXPECT_EQ(written.code, kExitOk) << written.err;
  EXPECT_THAT(written.out, HasSubstr("2 cards written"));
  EXPECT_EQ(
      dir_.Read("out.csv"),
      "card,area,effect,before,after,serving_cell,reported\n"
      "640000000001,640122001,GOES_DARK,IN_AREA,BLACKLISTED,lte:460:00:33301:5,2026-11-23T04:50:12.000Z\n"
      "640000000002,640122001,GOES_DARK,IN_AREA,BLACKLISTED,lte:460:00:33301:5,2026-11-23T04:50:12.000Z\n");
  file.back() = "/no/such/folder/out.csv";
  EXPECT_EQ(Run(file).code, kExitBadFile);
}

TEST_F(RolloutCommand, AFileIsWholeOrNotThere) {
  head_end_.rollouts.affected = [](const auto&, grpc::ServerWriter<v1::AffectedCards>* writer) {
    v1::AffectedCards part;
    part.add_cards()->set_card_number("640000000001");
    writer->Write(part);
    return Refusal(Error(Reason::kRolloutLoading, "the last reports are still being read"));
  };
  const Outcome outcome = Run({"affected", "12", "--export", dir_.Path("out.csv")});
  EXPECT_EQ(outcome.code, kExitRefused);
  EXPECT_EQ(dir_.Read("out.csv"), "");
  EXPECT_EQ(dir_.Read("out.csv.new"), "");
}

TEST_F(RolloutCommand, ActivatingShowsAPreviewOfNowAndAsks) {
  Stages();
  bool counted = false;
  head_end_.rollouts.get = [&](const v1::GetRolloutRequest& request, v1::RolloutResponse* answer) {
    counted = request.preview();
    Fill(answer->mutable_rollout(), request.number(), v1::ROLLOUT_PREVIEWED);
    return grpc::Status::OK;
  };
  const Outcome no = Run({"activate", "12", "--regions", "640122,6401"}, {.input = "n\n", .terminal = true});
  EXPECT_EQ(no.code, kExitUsage);
  EXPECT_TRUE(counted);
  EXPECT_THAT(activated_, IsEmpty());
  EXPECT_THAT(no.out, HasSubstr("640122001        310    12"));
  EXPECT_THAT(no.err, HasSubstr("Activate rollout 12 region by region, 640122 first?"));

  const Outcome yes =
      Run({"activate", "12", "--regions", "640122,6401", "--reason", "x", "--approver", "wang"},
          {.input = "y\n", .terminal = true});
  EXPECT_EQ(yes.code, kExitOk) << yes.err;
  ASSERT_THAT(activated_, SizeIs(1));
  EXPECT_THAT(activated_[0].divisions(), ElementsAre("640122", "6401"));
  EXPECT_EQ(activated_[0].change().approver(), "wang");
  EXPECT_THAT(yes.out, AllOf(HasSubstr("1 of 2, still being judged"), HasSubstr("rollout show 12")));
  EXPECT_EQ(Run({"activate", "12", "--percents", "5,100"}).code, kExitOk);
  EXPECT_EQ(Run({"activate", "12", "--at-once"}).code, kExitOk);
  EXPECT_THAT(activated_.at(1).percents(), ElementsAre(5, 100));
  EXPECT_TRUE(activated_.at(2).at_once());
}

TEST_F(RolloutCommand, WatchGoesFromStageToStageWithAQuestionEach) {
  Stages();
  const Outcome outcome = Run({"activate", "12", "--reason", "x", "--if-revision", "5", "--watch"},
                              {.input = "y\ny\ny\n", .terminal = true});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  ASSERT_THAT(advanced_, SizeIs(2));
  EXPECT_NE(advanced_[0].change().request_id(), advanced_[1].change().request_id());
  EXPECT_EQ(activated_.at(0).change().if_revision(), 5U);
  EXPECT_EQ(advanced_[0].change().if_revision(), 0U);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("stage 1 of 2, being judged"), HasSubstr("Go on with stage 2 of 2?"),
                    HasSubstr("stage 2 of 2, judged: 2 dark of 7 forecast"),
                    HasSubstr("Tell the boxes and finish?")));
  EXPECT_THAT(outcome.out, HasSubstr("to take it back: hearthctl rollout undo 12"));
  EXPECT_THAT(outcome.sleeps, SizeIs(2));
}

TEST_F(RolloutCommand, WatchEndsWhereTheAnswerIsNo) {
  Stages();
  const Outcome outcome = Run({"activate", "12", "--watch"}, {.input = "y\nn\n", .terminal = true});
  EXPECT_EQ(outcome.code, kExitOk) << "the first stage was begun";
  EXPECT_THAT(advanced_, IsEmpty());
  EXPECT_THAT(outcome.out, HasSubstr("next: hearthctl rollout advance 12"));
}

TEST_F(RolloutCommand, WatchTellsThatItStoppedByItself) {
  Stages(2);
  const Outcome outcome = Run({"activate", "12", "--watch"});
  EXPECT_EQ(outcome.code, kExitRefused);
  EXPECT_THAT(advanced_, SizeIs(1));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("16 went dark"), HasSubstr("rollout undo 12")));
  stage_ = 0;
  const Outcome json = Run({"activate", "12", "--watch", "--json"});
  EXPECT_EQ(json.code, kExitRefused);
  EXPECT_TRUE(json.out.starts_with("{")) << json.out;
  EXPECT_THAT(json.out, HasSubstr("\"ROLLOUT_STOPPED\""));
}

TEST_F(RolloutCommand, ARefusalTellsItsCure) {
  head_end_.rollouts.activate = [](const auto&, auto*) {
    return Refusal(Error(Reason::kSecondApproverNeeded, "14 cards go dark"));
  };
  const Outcome outcome = Run({"activate", "12", "--watch"});
  EXPECT_EQ(outcome.code, kExitRefused);
  EXPECT_THAT(outcome.err, HasSubstr("SECOND_APPROVER_NEEDED"));
}

}  // namespace
}  // namespace hearth::ctl
