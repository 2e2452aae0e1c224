#include "intervention/lifecycle.h"

#include <gtest/gtest.h>

namespace hearth::intervention {
namespace {

Intervention Make(InterventionState state) {
  Intervention intervention;
  intervention.id = "640000000017-1";
  intervention.card = CardNumber(640000000017);
  intervention.state = state;
  intervention.evidence = "lte:460:00:33281:27341953";
  intervention.lists = {{AreaId(640104001), 3}};
  return intervention;
}

TEST(Lifecycle, ActionsBeginInterventions) {
  EXPECT_EQ(*StateOf(Action::kDisable), InterventionState::kInForce);
  EXPECT_EQ(*StateOf(Action::kRefuseInstall), InterventionState::kRefusedInstall);
  EXPECT_EQ(*StateOf(Action::kPropose), InterventionState::kProposed);
  EXPECT_FALSE(StateOf(Action::kNone));
  EXPECT_FALSE(StateOf(Action::kActivate));
  EXPECT_FALSE(StateOf(Action::kRestore));
}

TEST(Lifecycle, WhoMayLiftWhat) {
  struct Row {
    const char* name;
    InterventionState state;
    bool by_return;
    bool by_operator;
  };
  const Row rows[] = {
      {"in force", InterventionState::kInForce, true, true},
      {"proposed", InterventionState::kProposed, true, true},
      {"refused installation", InterventionState::kRefusedInstall, true, false},
      {"lifted", InterventionState::kLifted, false, false},
  };
  for (const Row& row : rows) {
    const auto returned = LiftByReturn(Make(row.state), UnixMillis(9));
    EXPECT_EQ(returned.has_value(), row.by_return) << row.name;
    const auto lifted = LiftByOperator(Make(row.state), "wang", "moved house", UnixMillis(9), Limits());
    EXPECT_EQ(lifted.has_value(), row.by_operator) << row.name;
    if (!lifted) {
      EXPECT_EQ(lifted.error().reason(), Reason::kNotUnderIntervention) << row.name;
    }
  }
}

TEST(Lifecycle, ALiftIsRecorded) {
  const auto returned = LiftByReturn(Make(InterventionState::kInForce), UnixMillis(9));
  EXPECT_EQ(returned->state, InterventionState::kLifted);
  EXPECT_EQ(returned->lifted, UnixMillis(9));
  EXPECT_EQ(returned->lifted_by, "");
  const auto lifted =
      LiftByOperator(Make(InterventionState::kInForce), "wang", "moved house", UnixMillis(9), Limits());
  EXPECT_EQ(lifted->lifted_by, "wang");
  EXPECT_EQ(lifted->lift_reason, "moved house");
}

TEST(Lifecycle, AnOperatorGivesNameAndReason) {
  const auto lift = [](const char* actor, const std::string& reason) {
    return LiftByOperator(Make(InterventionState::kInForce), actor, reason, UnixMillis(9), Limits())
        .error()
        .reason();
  };
  EXPECT_EQ(lift("", "why"), Reason::kFieldMissing);
  EXPECT_EQ(lift("wang", ""), Reason::kFieldMissing);
  EXPECT_EQ(lift("wang", std::string(513, 'x')), Reason::kLimitExceeded);
}

TEST(Lifecycle, ReportsFromBeforeAnOperatorsLiftChangeNothing) {
  LocationState state;
  state.standing = Standing::kIntervened;
  state.blacklisted_count = 1;
  state = AfterOperatorLift(state, UnixMillis(5000));
  EXPECT_EQ(state.standing, Standing::kActive);
  EXPECT_EQ(state.blacklisted_count, 0U);
  Policy policy;
  policy.blacklisted_reports = 1;
  const auto report = [](int64_t at) {
    return Input{.verdict = Verdict::kBlacklisted,
                 .whitelisted_neighbour = false,
                 .card_authenticated = true,
                 .counter = std::nullopt,
                 .report_time = UnixMillis(at),
                 .now = UnixMillis(9000)};
  };
  EXPECT_EQ(Decide(state, policy, report(4999)).action, Action::kNone);
  EXPECT_EQ(Decide(state, policy, report(5000)).action, Action::kDisable);
  EXPECT_EQ(AfterOperatorLift(LocationState(), UnixMillis(1)).standing, Standing::kWaiting);
}

}  // namespace
}  // namespace hearth::intervention
