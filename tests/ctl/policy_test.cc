// hearthctl policy: what is shown, and that only what is given changes.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "tests/ctl/fake_head_end.h"
#include "tools/ctl/failure.h"

namespace hearth::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

v1::Policy InForce() {
  v1::Policy policy;
  policy.set_version(4);
  v1::PolicyRules& rules = *policy.mutable_national();
  rules.set_strictness(v1::STRICTNESS_VILLAGE);
  rules.set_blacklisted_reports(2);
  rules.set_blacklisted_gap_seconds(60);
  rules.set_out_of_area_reports(3);
  rules.set_out_of_area_window_minutes(30);
  rules.set_grace_hours(72);
  v1::RegionRules& region = *policy.add_regions();
  region.set_division("64");
  *region.mutable_rules() = rules;
  region.mutable_rules()->set_grace_hours(24);
  policy.mutable_breaker()->set_cards(5);
  policy.mutable_breaker()->set_percent(2);
  policy.mutable_breaker()->set_window_minutes(15);
  policy.mutable_breaker()->set_national_per_hour(1000);
  policy.mutable_changes()->set_cards(5);
  policy.mutable_changes()->set_percent(2.5);
  policy.mutable_changes()->set_total(1000);
  policy.mutable_changes()->set_evidence_days(30);
  v1::RetiringNetwork& network = *policy.add_retiring();
  network.set_network("460-01");
  network.set_radio(v1::GSM);
  network.set_day("2027-06-30");
  return policy;
}

class PolicyCommand : public ::testing::Test {
 protected:
  PolicyCommand() {
    head_end_.rollouts.get_policy = [](const auto&, v1::GetPolicyResponse* answer) {
      *answer->mutable_policy() = InForce();
      return grpc::Status::OK;
    };
    head_end_.rollouts.propose = [this](const v1::ProposeHeader& header, const auto&,
                                        v1::RolloutResponse* answer) {
      ++calls_;
      proposed_ = header;
      answer->mutable_rollout()->set_number(13);
      answer->mutable_rollout()->set_state(v1::ROLLOUT_PREVIEWED);
      answer->mutable_rollout()->set_policy_from(4);
      answer->mutable_rollout()->set_policy_to(5);
      return grpc::Status::OK;
    };
  }
  Outcome Run(std::vector<std::string> args) {
    args.insert(args.begin(), "policy");
    return RunAgainst(head_end_, args);
  }

  FakeHeadEnd head_end_;
  int calls_ = 0;
  v1::ProposeHeader proposed_;
};

TEST_F(PolicyCommand, ShowsAllOfIt) {
  const Outcome outcome = Run({"show"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("policy version 4"), HasSubstr("national  village"), HasSubstr("72 h"),
                    HasSubstr("over 5 cards or 2 percent of an area's network in 15 min"),
                    HasSubstr("2.5 percent"), HasSubstr("30 days"), HasSubstr("460-01"), HasSubstr("GSM")));
}

TEST_F(PolicyCommand, ItsJsonCanBeProposedAgain) {
  v1::Policy policy;
  const std::string json = Run({"show", "--json"}).out;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &policy).ok()) << json;
  EXPECT_EQ(policy.SerializeAsString(), InForce().SerializeAsString());
  const TempDir dir;
  const Outcome outcome =
      RunAgainst(head_end_, {"rollout", "propose", "--policy", dir.Write("policy.json", json)});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(proposed_.policy().SerializeAsString(), InForce().SerializeAsString());
}

TEST_F(PolicyCommand, OnlyWhatIsGivenChanges) {
  struct Row {
    const char* name;
    std::vector<std::string> args;
    void (*change)(v1::Policy&);
    const char* told;
  };
  const Row rows[] = {
      {"the country",
       {"--grace", "48", "--strictness", "county"},
       [](v1::Policy& policy) {
         policy.mutable_national()->set_grace_hours(48);
         policy.mutable_national()->set_strictness(v1::STRICTNESS_COUNTY);
       },
       "national.grace_hours: 72 -> 48"},
      {"a region that has rules",
       {"--region", "64", "--grace", "0"},
       [](v1::Policy& policy) { policy.mutable_regions(0)->mutable_rules()->set_grace_hours(0); },
       "24 -> 0"},
      {"a region that gets rules, from the province's",
       {"--region", "640122", "--blacklisted-reports", "1"},
       [](v1::Policy& policy) {
         v1::RegionRules& region = *policy.add_regions();
         *region.mutable_rules() = policy.regions(0).rules();
         region.set_division("640122");
         region.mutable_rules()->set_blacklisted_reports(1);
       },
       "added: regions"},
      {"a region no more",
       {"--drop-region", "64"},
       [](v1::Policy& policy) { policy.clear_regions(); },
       "deleted: regions"},
      {"breaker",
       {"--breaker-window", "20", "--breaker-cards", "9", "--breaker-percent", "1.5", "--national-per-hour",
        "500"},
       [](v1::Policy& policy) {
         policy.mutable_breaker()->set_window_minutes(20);
         policy.mutable_breaker()->set_cards(9);
         policy.mutable_breaker()->set_percent(1.5);
         policy.mutable_breaker()->set_national_per_hour(500);
       },
       "breaker.cards: 5 -> 9"},
      {"cap",
       {"--cap-cards", "0", "--cap-percent", "0", "--cap-total", "7", "--evidence-days", "14"},
       [](v1::Policy& policy) {
         policy.mutable_changes()->set_cards(0);
         policy.mutable_changes()->set_percent(0);
         policy.mutable_changes()->set_total(7);
         policy.mutable_changes()->set_evidence_days(14);
       },
       "changes.cards: 5 -> 0"},
      {"networks",
       {"--retire", "460-01:2027-12-31:gsm", "--retire", "460-11:2028-01-01:64:lte"},
       [](v1::Policy& policy) {
         policy.mutable_retiring(0)->set_day("2027-12-31");
         v1::RetiringNetwork& network = *policy.add_retiring();
         network.set_network("460-11");
         network.set_day("2028-01-01");
         network.set_division("64");
         network.set_radio(v1::LTE);
       },
       "added: retiring"},
  };
  for (const Row& row : rows) {
    v1::Policy wanted = InForce();
    row.change(wanted);
    auto args = row.args;
    args.insert(args.begin(), "set");
    const Outcome outcome = Run(args);
    EXPECT_EQ(outcome.code, kExitOk) << row.name << outcome.err;
    EXPECT_EQ(proposed_.policy().DebugString(), wanted.DebugString()) << row.name;
    EXPECT_EQ(proposed_.lists_size(), 0) << row.name;
    EXPECT_THAT(outcome.out,
                AllOf(HasSubstr(row.told), HasSubstr("version 4 to 5"), HasSubstr("rollout activate 13")))
        << row.name;
  }
}

TEST_F(PolicyCommand, ADryRunIsOneAndJsonIsOneDocument) {
  const Outcome dry = Run({"set", "--grace", "1", "--dry-run"});
  EXPECT_TRUE(proposed_.change().dry_run());
  EXPECT_THAT(dry.out, AllOf(HasSubstr("nothing was changed"), Not(HasSubstr("next:"))));
  const Outcome json = Run({"set", "--grace", "1", "--json"});
  EXPECT_TRUE(json.out.starts_with("{")) << json.out;
}

TEST_F(PolicyCommand, WhatIsWrongIsNotSent) {
  const std::vector<std::string> rows[] = {
      {"set"},
      {"set", "--region", "64"},
      {"set", "--region", "640122100", "--grace", "1"},
      {"set", "--grace", "241"},
      {"set", "--strictness", "town"},
      {"set", "--cap-percent", "101"},
      {"set", "--drop-region", "63"},
      {"set", "--retire", "460-01"},
      {"set", "--retire", "460-01:2027-12-31:wimax"},
      {"set", "--retire", "460-01:2027-12-31:64:lte:x"},
  };
  for (const auto& args : rows) EXPECT_EQ(Run(args).code, kExitUsage) << args.back();
  EXPECT_EQ(calls_, 0);
}

}  // namespace
}  // namespace hearth::ctl
