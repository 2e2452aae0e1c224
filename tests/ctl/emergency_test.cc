// hearthctl emergency: what is sent, and what is made of the answer.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

void Fill(v1::Emergency* emergency, uint64_t number) {
  emergency->set_number(number);
  emergency->set_state(v1::Emergency::PROPOSED);
  emergency->set_kind(v1::Emergency::FLOOD);
  emergency->set_severity(v1::Emergency::ORANGE);
  emergency->add_regions("640122");
  emergency->add_regions("63");
  emergency->set_duration_minutes(90);
  emergency->set_proposed_by("li");
  emergency->mutable_proposed()->set_seconds(1'795'000'000);
  emergency->mutable_end()->set_seconds(1'795'086'400);
  emergency->set_revision(12);
}

class EmergencyCommand : public ::testing::Test {
 protected:
  EmergencyCommand() {
    setenv("TZ", "Asia/Shanghai", 1);
    tzset();
    head_end_.schedule.propose_emergency = [this](const v1::ProposeEmergencyRequest& request,
                                                  v1::EmergencyResponse* answer) {
      proposed_ = request;
      Fill(answer->mutable_emergency(), 7);
      answer->mutable_changed()->set_revision_token("r1.16384.12");
      return grpc::Status::OK;
    };
    head_end_.schedule.approve_emergency = [this](const v1::ApproveEmergencyRequest& request,
                                                  v1::EmergencyResponse* answer) {
      approved_ = request;
      Fill(answer->mutable_emergency(), request.number());
      answer->mutable_emergency()->set_state(v1::Emergency::APPROVED);
      answer->mutable_emergency()->set_approved_by("wang");
      return grpc::Status::OK;
    };
  }
  Outcome Run(std::vector<std::string> args, Surroundings surroundings = {}) {
    args.insert(args.begin(), "emergency");
    return RunAgainst(head_end_, args, std::move(surroundings));
  }

  FakeHeadEnd head_end_;
  v1::ProposeEmergencyRequest proposed_;
  v1::ApproveEmergencyRequest approved_;
};

TEST_F(EmergencyCommand, AProposalIsSentAsItWasTyped) {
  const Outcome outcome = Run({"propose",
                               "--region",
                               "640122",
                               "--region",
                               "63",
                               "--kind",
                               "hazardous-material",
                               "--severity",
                               "blue",
                               "--minutes",
                               "90",
                               "--service",
                               "65280.3.101",
                               "--reference",
                               "NX-15",
                               "--start",
                               "2026-11-24T08:00:00+08:00",
                               "--drill",
                               "--reason",
                               "exercise",
                               "--dry-run"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  const v1::Emergency& sent = proposed_.emergency();
  EXPECT_THAT(sent.regions(), ElementsAre("640122", "63"));
  EXPECT_FALSE(sent.everywhere());
  EXPECT_EQ(sent.kind(), v1::Emergency::HAZARDOUS_MATERIAL);
  EXPECT_EQ(sent.severity(), v1::Emergency::BLUE);
  EXPECT_EQ(sent.duration_minutes(), 90U);
  EXPECT_EQ(sent.service().original_network_id(), 65280U);
  EXPECT_EQ(sent.service().transport_stream_id(), 3U);
  EXPECT_EQ(sent.service().service_id(), 101U);
  EXPECT_EQ(sent.reference(), "NX-15");
  EXPECT_EQ(sent.start().seconds(), 1'795'478'400);
  EXPECT_TRUE(sent.drill());
  EXPECT_EQ(proposed_.change().reason(), "exercise");
  EXPECT_TRUE(proposed_.change().dry_run());
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("proposed"), HasSubstr("flood"), HasSubstr("640122 63"),
                                 HasSubstr("when it is approved")));
}

TEST_F(EmergencyCommand, WhatCannotBeSentIsRefusedHere) {
  const std::vector<std::string> good = {"propose",    "--everywhere", "--kind",    "flood",
                                         "--severity", "red",          "--minutes", "5"};
  EXPECT_EQ(Run(good).code, kExitOk);
  EXPECT_TRUE(proposed_.emergency().everywhere());
  struct Row {
    const char* name;
    std::vector<std::string> args;
  };
  const std::vector<std::string> nowhere = {"propose", "--kind",    "flood", "--severity",
                                            "red",     "--minutes", "5"};
  const Row rows[] = {
      {"nowhere", nowhere},
      {"everywhere and somewhere",
       {"propose", "--everywhere", "--region", "64", "--kind", "flood", "--severity", "red", "--minutes",
        "5"}},
      {"another kind", {"propose", "--everywhere", "--kind", "tax", "--severity", "red", "--minutes", "5"}},
      {"no time", {"propose", "--everywhere", "--kind", "flood", "--severity", "red", "--minutes", "0"}},
      {"half a service",
       {"propose", "--everywhere", "--kind", "flood", "--severity", "red", "--minutes", "5", "--service",
        "1.2"}},
      {"a service and more",
       {"propose", "--everywhere", "--kind", "flood", "--severity", "red", "--minutes", "5", "--service",
        "1.2.3.4"}},
      {"no number", {"approve"}},
  };
  for (const Row& row : rows) EXPECT_EQ(Run(row.args).code, kExitUsage) << row.name;
}

TEST_F(EmergencyCommand, ApprovingAsksFirst) {
  const Outcome no = Run({"approve", "7"}, {.input = "n\n", .terminal = true});
  EXPECT_NE(no.code, kExitOk);
  EXPECT_EQ(approved_.number(), 0U);
  const Outcome yes = Run({"approve", "7", "--yes", "--if-revision", "12"}, {.terminal = true});
  EXPECT_EQ(yes.code, kExitOk) << yes.err;
  EXPECT_EQ(approved_.number(), 7U);
  EXPECT_EQ(approved_.change().if_revision(), 12U);
  EXPECT_THAT(yes.out, AllOf(HasSubstr("approved by"), HasSubstr("wang")));
}

TEST_F(EmergencyCommand, CancelDoesNotAsk) {
  uint64_t number = 0;
  head_end_.schedule.cancel_emergency = [&](const v1::CancelEmergencyRequest& request,
                                            v1::EmergencyResponse* answer) {
    number = request.number();
    Fill(answer->mutable_emergency(), number);
    answer->mutable_emergency()->set_state(v1::Emergency::CANCELLED);
    return grpc::Status::OK;
  };
  const Outcome outcome = Run({"cancel", "7"}, {.terminal = true});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(number, 7U);
  EXPECT_THAT(outcome.out, HasSubstr("cancelled"));
}

TEST_F(EmergencyCommand, TheListAndOneOfIt) {
  head_end_.schedule.list_emergencies = [](const v1::ListEmergenciesRequest& request,
                                           v1::ListEmergenciesResponse* answer) {
    const bool first = request.page().token().empty();
    Fill(answer->add_emergencies(), first ? 7 : 8);
    if (!first) answer->mutable_emergencies(0)->set_over(true);
    if (first) answer->set_next_page_token("7");
    return grpc::Status::OK;
  };
  head_end_.schedule.get_emergency = [](const v1::GetEmergencyRequest& request,
                                        v1::GetEmergencyResponse* answer) {
    Fill(answer->mutable_emergency(), request.number());
    return grpc::Status::OK;
  };
  const Outcome list = Run({"list", "--open"});
  EXPECT_EQ(list.code, kExitOk) << list.err;
  EXPECT_THAT(list.out, AllOf(HasSubstr("640122 63"), HasSubstr("lapsed"), HasSubstr("proposed")));
  const Outcome json = Run({"list", "--json"});
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"kind\":\"FLOOD\""), HasSubstr("\"number\":\"8\"")));
  const Outcome shown = Run({"show", "7"});
  EXPECT_EQ(shown.code, kExitOk) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("li, "), HasSubstr("revision 12"), Not(HasSubstr("approved by"))));
  EXPECT_THAT(Run({"show", "7", "--json"}).out, HasSubstr("ORANGE"));
}

TEST_F(EmergencyCommand, ARefusalTellsItsCure) {
  head_end_.schedule.approve_emergency = [](const v1::ApproveEmergencyRequest&, v1::EmergencyResponse*) {
    return Refusal(Error(Reason::kSecondApproverNeeded, "alert 7 is real and was proposed by tester"));
  };
  const Outcome outcome = Run({"approve", "7", "--yes"});
  EXPECT_NE(outcome.code, kExitOk);
  EXPECT_THAT(outcome.err, HasSubstr("SECOND_APPROVER_NEEDED"));
}

}  // namespace
}  // namespace hearth::ctl
