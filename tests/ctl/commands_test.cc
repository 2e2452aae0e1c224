// What commands send and print, against a head-end in this process.
#include <algorithm>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Local times in the tests are China's.
class Commands : public ::testing::Test {
 protected:
  Commands() {
    setenv("TZ", "Asia/Shanghai", 1);
    tzset();
  }

  FakeHeadEnd head_end_;
  TempDir dir_;
};

TEST_F(Commands, StatusAsTextAndJsonAndFromAPortFile) {
  head_end_.admin.get_status = [](const auto&, v1::GetStatusResponse* answer) {
    answer->set_site("nx-1");
    answer->set_epoch(7);
    answer->set_clock_jumped(true);
    answer->mutable_started()->set_seconds(1'795'409'412);
    return grpc::Status::OK;
  };
  const Outcome text = RunAgainst(head_end_, {"status"});
  EXPECT_EQ(text.code, kExitOk);
  EXPECT_EQ(head_end_.admin.actor, "tester");
  EXPECT_THAT(text.out, AllOf(HasSubstr("site:            nx-1\n"), HasSubstr("JUMPED"),
                              HasSubstr("started:         2026-11-23 12:50:12\n")));

  const std::string ports =
      dir_.Write("ports.json", "{\"grpc\":\"" + head_end_.address() + "\",\"metrics\":\"127.0.0.1:9\"}");
  const Outcome json =
      RunHearthctl({"--json", "status", "--insecure", "--actor", "li", "--port-file", ports});
  EXPECT_EQ(json.code, kExitOk);
  EXPECT_EQ(head_end_.admin.actor, "li");
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"site\": \"nx-1\""), HasSubstr("\"clock_jumped\": true"),
                              HasSubstr("\"store_read_only\": false")));
}

TEST_F(Commands, AccountsOfSeveralPagesInOneAlignedTable) {
  head_end_.registry.list_accounts = [](const v1::ListAccountsRequest& request,
                                        v1::ListAccountsResponse* answer) {
    EXPECT_EQ(request.region(), "640122");
    EXPECT_EQ(request.revision_token(), "r1.x");
    auto* account = answer->add_accounts();
    account->set_state(v1::OPEN);
    account->set_village("640122100201");
    account->set_card_number("640000000001");
    if (request.page().token().empty()) {
      account->set_form_number("NX-1");
      account->set_name("欧阳娜娜");
      answer->set_next_page_token("2");
    } else {
      account->set_form_number("NX-2000");
      account->set_name("马");
    }
    return grpc::Status::OK;
  };
  const std::vector<std::string> args = {"account", "list", "--region", "640122", "--revision-token", "r1.x"};
  EXPECT_EQ(RunAgainst(head_end_, args).out,
            "account  state  village       card          name\n"
            "NX-1     OPEN   640122100201  640000000001  欧阳娜娜\n"
            "NX-2000  OPEN   640122100201  640000000001  马\n");
  auto with_json = args;
  with_json.emplace_back("--json");
  EXPECT_EQ(
      RunAgainst(head_end_, with_json).out,
      "[\n"
      R"(  {"form_number":"NX-1","village":"640122100201","name":"欧阳娜娜","card_number":"640000000001","state":"OPEN"},)"
      "\n"
      R"(  {"form_number":"NX-2000","village":"640122100201","name":"马","card_number":"640000000001","state":"OPEN"})"
      "\n]\n");
}

TEST_F(Commands, OpenSendsTheFormAndARequestId) {
  v1::OpenAccountRequest sent;
  head_end_.registry.open_account = [&](const v1::OpenAccountRequest& request,
                                        v1::OpenAccountResponse* answer) {
    sent = request;
    *answer->mutable_account()->mutable_form() = request.form();
    answer->mutable_changed()->set_revision(1);
    answer->mutable_changed()->set_revision_token("r1.q");
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end_, {"account",       "open",
                                                 "--form-number", "NX-1",
                                                 "--name",        "张三",
                                                 "--person-id",   "11010519491231002X",
                                                 "--class",       "military-family",
                                                 "--village",     "640122100201",
                                                 "--card",        "640000000001",
                                                 "--box",         "0640000000000001",
                                                 "--sim",         "13900000001",
                                                 "--if-revision", "9"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(sent.form().person().subsidy_class(), v1::Person::MILITARY_FAMILY);
  EXPECT_EQ(sent.form().box_serial(), "0640000000000001");
  EXPECT_EQ(sent.change().if_revision(), 9U);
  const auto id = RequestId::Parse(sent.change().request_id());
  ASSERT_TRUE(id);
  EXPECT_EQ(ToString(id->time()), "2026-11-23T04:50:12.345Z");
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("name:      张三\n"), HasSubstr("class:     military-family\n"),
                                 HasSubstr("revision 1, token r1.q\n")));
}

TEST_F(Commands, WideChangesAskOnATerminalOnly) {
  int closed = 0;
  head_end_.registry.close_account = [&](const auto&, auto*) {
    ++closed;
    return grpc::Status::OK;
  };
  struct Row {
    const char* name;
    bool terminal;
    const char* input;
    std::vector<std::string> more;
    int code;
    int closed;
  };
  const Row rows[] = {
      {"no terminal", false, "", {}, kExitOk, 1},      {"answer no", true, "n\n", {}, kExitUsage, 0},
      {"answer empty", true, "\n", {}, kExitUsage, 0}, {"answer yes", true, "y\n", {}, kExitOk, 1},
      {"--yes", true, "", {"--yes"}, kExitOk, 1},      {"--dry-run", true, "", {"--dry-run"}, kExitOk, 1},
  };
  for (const Row& row : rows) {
    closed = 0;
    std::vector<std::string> args = {"account", "close", "NX-1", "--reason", "moved away"};
    args.insert(args.end(), row.more.begin(), row.more.end());
    const Outcome outcome =
        RunAgainst(head_end_, args, {.input = row.input, .terminal = row.terminal, .env = {}});
    EXPECT_EQ(outcome.code, row.code) << row.name;
    EXPECT_EQ(closed, row.closed) << row.name;
  }
}

TEST_F(Commands, ASecondTryOfASingleChangeHasTheSameRequestId) {
  std::vector<std::string> ids;
  head_end_.registry.close_account = [&](const v1::CloseAccountRequest& request, auto*) {
    ids.push_back(request.change().request_id());
    return ids.size() == 1 ? Refusal(Error(Reason::kAccountPending, "still being settled"))
                           : grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end_, {"account", "close", "NX-1", "--reason", "moved away"});
  EXPECT_EQ(outcome.code, kExitOk);
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_THAT(outcome.err, HasSubstr("ACCOUNT_PENDING"));
}

TEST_F(Commands, AreaStepsGoToTheirState) {
  v1::AreaState to = v1::AREA_STATE_UNSPECIFIED;
  head_end_.geofence.step_area = [&](const v1::StepAreaRequest& request, auto*) {
    to = request.to();
    return grpc::Status::OK;
  };
  const std::pair<const char*, v1::AreaState> steps[] = {
      {"submit", v1::SUBMITTED}, {"approve", v1::APPROVED}, {"file", v1::ON_FILE}, {"retire", v1::RETIRED}};
  for (const auto& [verb, state] : steps) {
    EXPECT_EQ(RunAgainst(head_end_, {"area", verb, "640122001"}).code, kExitOk);
    EXPECT_EQ(to, state) << verb;
  }
}

TEST_F(Commands, PackageServices) {
  v1::Package sent;
  head_end_.schedule.put_package = [&](const v1::PutPackageRequest& request, v1::PutPackageResponse* answer) {
    sent = request.package();
    *answer->mutable_package() = sent;
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end_, {"package", "put", "--id", "64", "--name", "宁夏",
                                                 "--province", "64", "--services", "1064,1-3"});
  EXPECT_THAT(sent.service_ids(), ElementsAre(1, 2, 3, 1064));
  EXPECT_THAT(outcome.out, HasSubstr("64  64            0  宁夏  1-3,1064\n"));
}

TEST_F(Commands, EcmPrintsTheSectionInHexadecimal) {
  v1::IssueEcmRequest sent;
  head_end_.entitlement.issue_ecm = [&](const v1::IssueEcmRequest& request, v1::IssueEcmResponse* answer) {
    sent = request;
    answer->set_section("\x80\x70\x37");
    return grpc::Status::OK;
  };
  const Outcome outcome = RunAgainst(head_end_, {"ecm", "issue", "--channel", "CCTV-1", "--cp", "65535",
                                                 "--cw", "0011223344556677", "--cw", "8899aabbccddeeff"});
  EXPECT_EQ(outcome.out, "807037\n") << outcome.err;
  EXPECT_EQ(sent.channel_name(), "CCTV-1");
  EXPECT_EQ(sent.cp_number(), 65535U);
  ASSERT_EQ(sent.control_words_size(), 2);
  EXPECT_EQ(ToHex(AsBytes(sent.control_words(1))), "8899aabbccddeeff");
}

constexpr const char* kReport =
    R"({"card_number":"640000000001","box_serial":"0640000000000001","sim_number":"13900000001","counter":17,)"
    R"("time":"2026-11-23T12:50:12+08:00","cells":[{"cell":"lte:460:00:33301:26879745","signal_dbm":-70}],)"
    R"("mac":"0102030405060708"})";

TEST_F(Commands, ReportsAsTheReceiverPrintsThem) {
  std::vector<v1::ReportRequest> sent;
  head_end_.location.report = [&](const v1::ReportRequest& request, v1::ReportResponse* answer) {
    sent.push_back(request);
    answer->set_outcome(v1::INSTALL_REFUSED);
    answer->set_verdict(v1::BLACKLISTED);
    answer->set_reason("INSTALL_BLACKLISTED");
    answer->set_message("the serving cell is on blacklist 640104001");
    answer->set_viewer_code("E09");
    return grpc::Status::OK;
  };
  const std::string path = dir_.Write("reports.json", std::string(kReport) + "\n" + kReport + "\n");
  const Outcome two = RunAgainst(head_end_, {"location", "report", "--file", path, "--json"});
  EXPECT_EQ(two.code, kExitOk) << two.err;
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].counter(), 17U);
  EXPECT_EQ(sent[0].time().seconds(), 1'795'409'412);
  EXPECT_EQ(sent[0].cells(0).signal_dbm(), -70);
  EXPECT_EQ(ToHex(AsBytes(sent[0].mac())), "0102030405060708");
  EXPECT_EQ(std::count(two.out.begin(), two.out.end(), '\n'), 2);

  const Outcome piped = RunAgainst(head_end_, {"location", "report", "--file", "-"},
                                   {.input = kReport, .terminal = false, .env = {}});
  EXPECT_EQ(piped.out,
            "card 640000000001: INSTALL_REFUSED (BLACKLISTED) INSTALL_BLACKLISTED: the serving cell is on "
            "blacklist "
            "640104001 [viewer code E09]\n");

  const Outcome flags =
      RunAgainst(head_end_, {"location", "report", "--card", "640000000001", "--box", "0640000000000001",
                             "--sim", "13900000001", "--counter", "17", "--time", "2026-11-23T04:50:12Z",
                             "--cell", "lte:460:00:33301:26879745@-70", "--mac", "0102030405060708"});
  EXPECT_EQ(flags.code, kExitOk) << flags.err;
  EXPECT_EQ(sent.back().SerializeAsString(), sent[0].SerializeAsString());
}

TEST_F(Commands, ReportsThatAreNoneAndReportsThatAreRefused) {
  head_end_.location.report = [&](const v1::ReportRequest& request, auto*) {
    return request.counter() == 18 ? Refusal(Error(Reason::kReportReplayed, "counter 18 was used"))
                                   : grpc::Status::OK;
  };
  std::string replayed = kReport;
  replayed.replace(replayed.find("17"), 2, "18");
  struct Row {
    const char* name;
    std::string input;
    int code;
    const char* part;
  };
  const Row rows[] = {
      {"no JSON", "{nonsense}", kExitBadFile, "FIELD_INVALID"},
      {"unknown field", R"({"card":"640000000001"})", kExitBadFile, "FIELD_INVALID"},
      {"mac no hex", R"({"mac":"xx"})", kExitBadFile, "mac"},
      {"counter no number", R"({"counter":"many"})", kExitBadFile, "FIELD_INVALID"},
      {"cut off", "{\"card_number\":", kExitBadFile, "FIELD_INVALID"},
      {"one refused", replayed, kExitRefused, "REPORT_REPLAYED"},
      {"one of two refused", replayed + kReport, kExitRowsRefused, "REPORT_REPLAYED"},
  };
  for (const Row& row : rows) {
    const Outcome outcome = RunAgainst(head_end_, {"location", "report", "--file", "-"},
                                       {.input = row.input, .terminal = false, .env = {}});
    EXPECT_EQ(outcome.code, row.code) << row.name;
    EXPECT_THAT(outcome.err, HasSubstr(row.part)) << row.name;
  }
}

TEST_F(Commands, WhyInWords) {
  head_end_.location.explain = [](const v1::ExplainRequest& request, v1::ExplainResponse* answer) {
    EXPECT_EQ(request.form_number(), "NX-1");
    answer->set_card_number("640000000001");
    answer->mutable_since()->set_seconds(1'795'409'412);
    answer->set_viewer_code("E09");
    answer->set_why("The box hears cells of the city.");
    answer->set_what_to_do("Carry it home; it comes back by itself.");
    answer->add_evidence("12:50 BLACKLISTED lte:460:00:33281:27340801");
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunAgainst(head_end_, {"why", "--form", "NX-1"}).out,
            "card 640000000001 is dark since 2026-11-23 12:50:12\n"
            "viewer code:  E09\n"
            "why:          The box hears cells of the city.\n"
            "what to do:   Carry it home; it comes back by itself.\n"
            "evidence:\n"
            "  12:50 BLACKLISTED lte:460:00:33281:27340801\n");
}

TEST_F(Commands, ExplainInEitherLanguage) {
  head_end_.location.explain = [](const v1::ExplainRequest& request, v1::ExplainResponse* answer) {
    EXPECT_EQ(request.card_number(), "640000000001");
    answer->set_card_number("640000000001");
    answer->set_lit(true);
    answer->mutable_since()->set_seconds(1'795'409'412);
    answer->set_why(request.language() == v1::CHINESE ? "该卡已开通。" : "The card is open.");
    answer->set_would_change("Two reports from a city.");
    answer->set_delivery("On the air.");
    answer->set_screen("No code.");
    answer->set_area_id("640122001");
    answer->set_held(3);
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunAgainst(head_end_, {"explain", "640000000001"}).out,
            "card 640000000001 is lit since 2026-11-23 12:50:12\n"
            "screen:        No code.\n"
            "why:           The card is open.\n"
            "would change:  Two reports from a city.\n"
            "delivery:      On the air.\n"
            "area:          640122001\n"
            "held:          640000000001-3\n");
  EXPECT_THAT(RunAgainst(head_end_, {"explain", "640000000001", "--lang", "zh"}).out,
              HasSubstr("该卡已开通"));
  EXPECT_THAT(RunAgainst(head_end_, {"explain", "640000000001", "--json"}).out,
              HasSubstr("\"would_change\""));
  EXPECT_EQ(RunAgainst(head_end_, {"explain"}).code, kExitUsage);
  EXPECT_EQ(RunAgainst(head_end_, {"explain", "640000000001", "--form", "NX-1"}).code, kExitUsage);
}

v1::InterventionEvent Event(const std::string& token, const std::string& card) {
  v1::InterventionEvent event;
  event.set_resume_token(token);
  if (!card.empty()) {
    event.mutable_intervention()->set_card_number(card);
    event.mutable_intervention()->set_kind(v1::SWITCH_OFF);
    event.mutable_pushed()->set_seconds(1'795'409'412);
    event.mutable_pushed()->set_nanos(5);
  }
  return event;
}

TEST_F(Commands, WatchKeepsItsTokenAndResumes) {
  std::vector<std::string> tokens;
  head_end_.intervention.watch =
      [&](const v1::WatchInterventionsRequest& request,
          grpc::ServerWriter<v1::InterventionEvent>* writer) -> std::optional<grpc::Status> {
    tokens.push_back(request.resume_token());
    writer->Write(Event("t0", ""));
    writer->Write(Event("t1", "640000000001"));
    if (tokens.size() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting");
    writer->Write(Event("t2", "640000000002"));
    return std::nullopt;
  };
  const std::vector<std::string> args = {"intervention",  "watch",           "--json", "--count", "3",
                                         "--resume-file", dir_.Path("token")};
  const Outcome outcome = RunAgainst(head_end_, args);
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(tokens, ElementsAre("", "t1"));
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 3);
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("{\"received_ns\":"), HasSubstr("\"pushed_ns\":1795409412000000005,"),
                    HasSubstr("\"kind\":\"SWITCH_OFF\"")));
  EXPECT_THAT(outcome.err, HasSubstr("the watch broke"));
  EXPECT_EQ(dir_.Read("token"), "7432\n");

  EXPECT_EQ(
      RunAgainst(head_end_, {"intervention", "watch", "--count", "1", "--resume-file", dir_.Path("token")})
          .code,
      kExitOk);
  EXPECT_EQ(tokens.back(), "t2");
}

TEST_F(Commands, WatchEndsAfterItsTimeAndWhenItIsRefused) {
  head_end_.intervention.watch =
      [](const auto&, grpc::ServerWriter<v1::InterventionEvent>* writer) -> std::optional<grpc::Status> {
    writer->Write(Event("t0", ""));
    return std::nullopt;
  };
  const Outcome ended = RunAgainst(head_end_, {"intervention", "watch", "--for", "0.3"});
  EXPECT_EQ(ended.code, kExitOk) << ended.err;
  EXPECT_EQ(ended.out, "");

  head_end_.intervention.watch = [](const auto&, auto*) -> std::optional<grpc::Status> {
    return Refusal(Error(Reason::kWatchCompacted, "too old"));
  };
  const Outcome refused = RunAgainst(head_end_, {"intervention", "watch", "--for", "5"});
  EXPECT_EQ(refused.code, kExitRefused);
  EXPECT_THAT(refused.err, HasSubstr("WATCH_COMPACTED"));

  const std::string bad = dir_.Write("bad", "no token");
  EXPECT_EQ(RunAgainst(head_end_, {"intervention", "watch", "--resume-file", bad}).code, kExitBadFile);
}

// ISO/IEC 13818-1, 2.6.16: tag 0x09, length, CA_system_ID, reserved 111 and the PID, the suite.
TEST_F(Commands, DescriptorsArePrintedWithoutAHeadEnd) {
  const Outcome text = RunHearthctl({"simulcrypt", "descriptors", "--system-id", "0x4A75", "--emm-pid",
                                     "0x1FF0", "--service", "1:0x1001", "--service", "101:4098"});
  EXPECT_EQ(text.code, kExitOk) << text.err;
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("09054a75fff001"), HasSubstr("09054a75f00101"), HasSubstr("09054a75f00201")));
  const Outcome json = RunHearthctl(
      {"--json", "simulcrypt", "descriptors", "--system-id", "19061", "--service", "101:0x1002"});
  EXPECT_EQ(json.out,
            "{\"table\":\"PMT\",\"service\":101,\"pid\":4098,\"ca_descriptor\":\"09054a75f00201\"}\n");
  const std::vector<std::vector<std::string>> bad = {
      {"--system-id", "0x14A75", "--emm-pid", "0x100"},
      {"--system-id", "0x4A75"},
      {"--system-id", "0x4A75", "--emm-pid", "0x1FFF"},
      {"--system-id", "0x4A75", "--service", "101"},
      {"--system-id", "0x4A75", "--service", "0:0x100"},
      {"--system-id", "CAS", "--emm-pid", "0x100"},
      {"--emm-pid", "0x100"},
      {"--system-id", "0x4A75", "--emm-pid", "x", "--suite", "1"}};
  for (std::vector<std::string> words : bad) {
    words.insert(words.begin(), {"simulcrypt", "descriptors"});
    EXPECT_EQ(RunHearthctl(words).code, kExitUsage) << words.back();
  }
}

TEST_F(Commands, AirIsPlannedWithoutAHeadEnd) {
  const Outcome text = RunHearthctl({"carousel", "plan"});
  EXPECT_EQ(text.code, kExitOk) << text.err;
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("664.9 packets a second"), HasSubstr("12.6 min"), HasSubstr("7 to 21 days")));
  const Outcome json =
      RunHearthctl({"--json", "carousel", "plan", "--rate", "300kbit/s", "--cards", "1000000", "--padded"});
  EXPECT_THAT(json.out,
              AllOf(HasSubstr("\"cards\":1000000,\"rate_kbps\":300,"), HasSubstr("\"sections\":3907,")));
  const std::vector<std::vector<std::string>> bad = {{"--rate", "fast"},    {"--rate", "0"},
                                                     {"--rate", "1Gbit/s"}, {"--cards", "0"},
                                                     {"--lead", "15"},      {"--churn", "2"}};
  for (std::vector<std::string> words : bad) {
    words.insert(words.begin(), {"carousel", "plan"});
    EXPECT_EQ(RunHearthctl(words).code, kExitUsage) << words.back();
  }
}

TEST_F(Commands, TheCarouselIsShownOutputByOutput) {
  int asked = 0;
  head_end_.entitlement.get_carousel = [&](const auto&, v1::GetCarouselResponse* answer) {
    ++asked;
    v1::CarouselOutput& output = *answer->add_outputs();
    output.set_name("yinchuan");
    output.set_kbps(1000);
    v1::CarouselTier& individual = *output.add_tiers();
    individual.set_name("individual");
    individual.set_kbps(250);
    individual.set_waiting(7);
    individual.set_repeating(12);
    individual.set_worst_seconds(0.3);
    v1::CarouselTier& groups = *output.add_tiers();
    groups.set_name("groups");
    groups.set_share(0.45);
    groups.mutable_cycle()->set_count(508'000);
    groups.mutable_cycle()->set_predicted_seconds(780);
    answer->add_outputs()->set_name("lanzhou");
    answer->set_unconfirmed(42);
    answer->set_groups_held(true);
    answer->mutable_bounded()->set_seconds(1'795'409'412);
    return grpc::Status::OK;
  };
  const Outcome text = RunAgainst(head_end_, {"carousel", "status"});
  EXPECT_EQ(text.code, kExitOk) << text.err;
  EXPECT_THAT(
      text.out,
      AllOf(HasSubstr("output yinchuan: 1000 kbit/s\n"), HasSubstr("█████   "), HasSubstr("13.0 min"),
            HasSubstr("lanzhou: NOT CONNECTED"), HasSubstr("THE GROUP TIER IS HELD"),
            HasSubstr("queued 7, sent and repeated 12"), HasSubstr("takes effect by 2026-11-23 12:50:12")));
  const Outcome watched = RunAgainst(head_end_, {"carousel", "status", "--watch", "--count", "3"});
  EXPECT_EQ(watched.code, kExitOk);
  EXPECT_EQ(asked, 4);
  EXPECT_THAT(RunAgainst(head_end_, {"carousel", "status", "--json"}).out,
              HasSubstr("\"unconfirmed\": \"42\""));
}

TEST_F(Commands, ReasonsAreExplainedWithoutAHeadEnd) {
  const Outcome text = RunHearthctl({"reason", "CARD_UNKNOWN"});
  EXPECT_EQ(text.code, kExitOk);
  EXPECT_THAT(text.out, AllOf(HasSubstr("number:       110\n"), HasSubstr("viewer code:  E02\n")));
  EXPECT_THAT(RunHearthctl({"reason", "CARD_UNKNOWN", "--json"}).out,
              HasSubstr("{\"reason\":\"CARD_UNKNOWN\",\"number\":110,\"code\":\"NOT_FOUND\","));
  EXPECT_THAT(RunHearthctl({"version"}).out, HasSubstr("hearthctl "));
  EXPECT_EQ(RunHearthctl({"--version"}).code, kExitOk);
}

}  // namespace
}  // namespace hearth::ctl
