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
      {"held", InterventionState::kHeld, true, true},
      {"lifted", InterventionState::kLifted, false, false},
      {"dropped", InterventionState::kDropped, false, false},
      {"expired", InterventionState::kExpired, false, false},
  };
  for (const Row& row : rows) {
    const auto returned = LiftByReturn(Make(row.state), UnixMillis(9));
    EXPECT_EQ(returned.has_value(), row.by_return) << row.name;
    if (!returned) {
      EXPECT_EQ(returned.error().reason(), Reason::kNotUnderIntervention) << row.name;
    }
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

constexpr InterventionState kAllStates[] = {InterventionState::kInForce,        InterventionState::kLifted,
                                            InterventionState::kRefusedInstall, InterventionState::kProposed,
                                            InterventionState::kHeld,           InterventionState::kDropped,
                                            InterventionState::kExpired};

TEST(Lifecycle, OnlyWhatWaitsIsReleasedDroppedOrExpires) {
  const Say say = {"wang", "saw it in town", UnixMillis(9)};
  for (const InterventionState state : kAllStates) {
    const bool waits = state == InterventionState::kHeld || state == InterventionState::kProposed;
    const Result<Intervention> results[] = {Release(Make(state), say, Limits()),
                                            Drop(Make(state), say, Limits()),
                                            Expire(Make(state), UnixMillis(9))};
    for (const auto& result : results) {
      EXPECT_EQ(result.has_value(), waits) << NameOf(state);
      if (!result) {
        EXPECT_EQ(result.error().reason(), Reason::kInterventionNotHeld) << NameOf(state);
      }
    }
  }
}

TEST(Lifecycle, WhatWaitedEndsInOneOfThreeWays) {
  const Say say = {"wang", "saw it in town", UnixMillis(9)};
  const auto released = Release(Make(InterventionState::kHeld), say, Limits());
  EXPECT_EQ(released->state, InterventionState::kInForce);
  EXPECT_EQ(released->released_by, "wang");
  EXPECT_EQ(released->released, UnixMillis(9));
  EXPECT_EQ(released->lifted, UnixMillis(0));
  const auto dropped = Drop(Make(InterventionState::kProposed), say, Limits());
  EXPECT_EQ(dropped->state, InterventionState::kDropped);
  EXPECT_EQ(dropped->lifted_by, "wang");
  EXPECT_EQ(dropped->lift_reason, "saw it in town");
  EXPECT_EQ(dropped->lifted, UnixMillis(9));
  const auto expired = Expire(Make(InterventionState::kHeld), UnixMillis(9));
  EXPECT_EQ(expired->state, InterventionState::kExpired);
  EXPECT_EQ(expired->lifted_by, "");
  EXPECT_EQ(expired->lifted, UnixMillis(9));
}

TEST(Lifecycle, WhoDecidesGivesNameAndReason) {
  struct Row {
    const char* name;
    Say say;
    Reason reason;
  };
  const Row rows[] = {
      {"nobody", {"", "why", UnixMillis(9)}, Reason::kFieldMissing},
      {"no reason", {"wang", "", UnixMillis(9)}, Reason::kFieldMissing},
      {"too much", {"wang", std::string(513, 'x'), UnixMillis(9)}, Reason::kLimitExceeded},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Release(Make(InterventionState::kHeld), row.say, Limits()).error().reason(), row.reason)
        << row.name;
    EXPECT_EQ(Drop(Make(InterventionState::kHeld), row.say, Limits()).error().reason(), row.reason)
        << row.name;
  }
}

TEST(Lifecycle, AfterAReleaseOrADropCountsBeginAnew) {
  LocationState counting;
  counting.standing = Standing::kActive;
  counting.blacklisted_count = 1;
  counting.blacklisted_since = UnixMillis(7);
  counting.out_of_area_count = 2;
  counting.out_of_area_since = UnixMillis(8);
  const auto report = [](Verdict verdict, int64_t at) {
    return Input{.verdict = verdict,
                 .whitelisted_neighbour = false,
                 .card_authenticated = true,
                 .counter = std::nullopt,
                 .report_time = UnixMillis(at),
                 .now = UnixMillis(9000)};
  };

  const LocationState released = AfterRelease(counting, UnixMillis(5000));
  EXPECT_EQ(released.standing, Standing::kIntervened);
  EXPECT_EQ(Decide(released, {}, report(Verdict::kInArea, 4999)).action, Action::kNone);
  EXPECT_EQ(Decide(released, {}, report(Verdict::kInArea, 5000)).action, Action::kRestore);

  const LocationState dropped = AfterDrop(counting, UnixMillis(5000));
  EXPECT_EQ(dropped.standing, Standing::kActive);
  EXPECT_EQ(dropped.last_decision_time, UnixMillis(5000));
  EXPECT_EQ(Decide(dropped, {}, report(Verdict::kBlacklisted, 4999)).cause, Cause::kStale);
  EXPECT_EQ(Decide(dropped, {}, report(Verdict::kBlacklisted, 5000)).next.blacklisted_count, 1U);

  for (const LocationState& state : {released, dropped}) {
    EXPECT_EQ(state.blacklisted_count, 0U);
    EXPECT_EQ(state.blacklisted_since, UnixMillis(0));
    EXPECT_EQ(state.out_of_area_count, 0U);
    EXPECT_EQ(state.out_of_area_since, UnixMillis(0));
  }
  EXPECT_EQ(AfterRelease(LocationState(), UnixMillis(1)).standing, Standing::kWaiting);
}

TEST(Lifecycle, StatesHaveNames) {
  const std::string_view names[] = {"IN_FORCE", "LIFTED",  "REFUSED_INSTALL", "PROPOSED",
                                    "HELD",     "DROPPED", "EXPIRED"};
  for (size_t i = 0; i < std::size(names); ++i) EXPECT_EQ(NameOf(kAllStates[i]), names[i]);
}

}  // namespace
}  // namespace hearth::intervention
