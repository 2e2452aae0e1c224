// What must hold for any run of reports, in any order, under any policy.
#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "intervention/decide.h"
#include "intervention/lifecycle.h"

namespace hearth::intervention {
namespace {

using enum geofence::Verdict;

constexpr int64_t kStart = 1'790'000'000'000;

Input AnyInput(std::initializer_list<Verdict> verdicts) {
  const int64_t at = kStart + *rc::gen::inRange<int64_t>(0, 4000) * 1000;
  return {.verdict = *rc::gen::elementOf(std::vector<Verdict>(verdicts)),
          .whitelisted_neighbour = *rc::gen::weightedElement<bool>({{4, false}, {1, true}}),
          .card_authenticated = *rc::gen::weightedElement<bool>({{4, true}, {1, false}}),
          .counter = std::nullopt,
          .report_time = UnixMillis(at),
          .now = UnixMillis(at)};
}

std::vector<Input> AnyInputs(std::initializer_list<Verdict> verdicts) {
  std::vector<Input> inputs;
  const size_t count = *rc::gen::inRange<size_t>(0, 30);
  inputs.reserve(count);
  for (size_t i = 0; i < count; ++i) inputs.push_back(AnyInput(verdicts));
  return inputs;
}

LocationState Active() {
  LocationState state;
  state.standing = Standing::kActive;
  return state;
}

// The state that some run of reports makes of `state`.
LocationState After(LocationState state) {
  for (const Input& input :
       AnyInputs({kInArea, kOutOfArea, kBlacklisted, kUnknownCell, kNoSignal, kExempt})) {
    state = Decide(state, {}, input).next;
  }
  return state;
}

LocationState AnyState() { return After(*rc::gen::element(LocationState(), Active())); }

RC_GTEST_PROP(DecideProperty, NothingButCityCellsEverDisables, ()) {
  LocationState state = AnyState();
  state.blacklisted_count = 0;
  for (const Input& input : AnyInputs({kInArea, kOutOfArea, kUnknownCell, kNoSignal, kExempt})) {
    const Decision decision = Decide(state, {}, input);
    RC_ASSERT(decision.action != Action::kDisable);
    state = decision.next;
  }
}

RC_GTEST_PROP(DecideProperty, SilenceAndUnknownCellsChangeNoStandingOfAnInstalledCard, ()) {
  const LocationState start = After(Active());
  LocationState state = start;
  for (const Input& input : AnyInputs({kUnknownCell, kNoSignal})) {
    const Decision decision = Decide(state, {}, input);
    RC_ASSERT(decision.action == Action::kNone);
    RC_ASSERT(!decision.changed_durably);
    state = decision.next;
  }
  RC_ASSERT(state.standing == start.standing);
  RC_ASSERT(state.blacklisted_count == start.blacklisted_count);
}

RC_GTEST_PROP(DecideProperty, AReportOlderThanTheLastDecisionChangesNothing, ()) {
  const LocationState state = AnyState();
  Input input = AnyInput({kInArea, kOutOfArea, kBlacklisted, kUnknownCell, kNoSignal, kExempt});
  input.report_time = UnixMillis(state.last_decision_time.value - *rc::gen::inRange<int64_t>(1, 100'000'000));
  const Decision decision = Decide(state, {}, input);
  RC_ASSERT(decision.action == Action::kNone);
  RC_ASSERT(decision.next == state);
  RC_ASSERT(!decision.changed_durably);
}

Policy AnyPolicy() {
  Policy policy;
  policy.blacklisted_reports = *rc::gen::inRange(1, 6);
  policy.blacklisted_gap = std::chrono::seconds(*rc::gen::inRange(0, 3600));
  policy.out_of_area_reports = *rc::gen::inRange(1, 6);
  policy.out_of_area_window = std::chrono::minutes(*rc::gen::inRange(0, 60));
  return policy;
}

RC_GTEST_PROP(DecideProperty, AReportOlderThanAnOperatorsDecisionChangesNothing, ()) {
  const UnixMillis decided(kStart + *rc::gen::inRange<int64_t>(0, 5'000'000));
  const int which = *rc::gen::inRange(0, 3);
  const LocationState before = AnyState();
  const LocationState state = which == 0   ? AfterRelease(before, decided)
                              : which == 1 ? AfterDrop(before, decided)
                                           : AfterOperatorLift(before, decided);
  Input input = AnyInput({kInArea, kOutOfArea, kBlacklisted, kUnknownCell, kNoSignal, kExempt});
  input.report_time = UnixMillis(decided.value - *rc::gen::inRange<int64_t>(1, 10'000'000));
  const Decision decision = Decide(state, AnyPolicy(), input);
  RC_ASSERT(decision.action == Action::kNone);
  RC_ASSERT(decision.next == state);
}

// Silence: however long it lasts, nothing is decided from the head-end's clock.
RC_GTEST_PROP(DecideProperty, TheTimeOfArrivalNeverMatters, ()) {
  const LocationState state = AnyState();
  const Policy policy = AnyPolicy();
  Input input = AnyInput({kInArea, kOutOfArea, kBlacklisted, kUnknownCell, kNoSignal, kExempt});
  const Decision soon = Decide(state, policy, input);
  input.now = UnixMillis(input.now.value + *rc::gen::inRange<int64_t>(0, 100'000'000'000));
  const Decision late = Decide(state, policy, input);
  RC_ASSERT(soon.action == late.action);
  RC_ASSERT(soon.cause == late.cause);
  RC_ASSERT(soon.next == late.next);
}

RC_GTEST_PROP(DecideProperty, SilenceInBetweenNeverChangesWhatFollows, ()) {
  const Policy policy = AnyPolicy();
  LocationState spoken = After(Active());
  LocationState silent = spoken;
  for (const Input& input : AnyInputs({kInArea, kOutOfArea, kBlacklisted, kUnknownCell, kExempt})) {
    Input silence = AnyInput({kNoSignal});
    // In its turn: a report that overtakes others is another matter.
    silence.report_time = std::max(silent.last_report_time, silent.last_decision_time);
    silent = Decide(silent, policy, silence).next;
    const Decision with = Decide(silent, policy, input);
    const Decision without = Decide(spoken, policy, input);
    RC_ASSERT(with.action == without.action);
    RC_ASSERT(with.cause == without.cause);
    RC_ASSERT(with.next.standing == without.next.standing);
    RC_ASSERT(with.next.blacklisted_count == without.next.blacklisted_count);
    silent = with.next;
    spoken = without.next;
  }
}

RC_GTEST_PROP(DecideProperty, OneCityReportNeverDisables, ()) {
  // Any run with a single BLACKLISTED report in it.
  std::vector<Input> inputs = AnyInputs({kInArea, kOutOfArea, kUnknownCell, kNoSignal, kExempt});
  const auto at = *rc::gen::inRange<size_t>(0, inputs.size() + 1);
  inputs.insert(inputs.begin() + static_cast<std::ptrdiff_t>(at), AnyInput({kBlacklisted}));
  LocationState state = Active();
  for (const Input& input : inputs) {
    const Decision decision = Decide(state, {}, input);
    RC_ASSERT(decision.action != Action::kDisable);
    state = decision.next;
  }
}

RC_GTEST_PROP(DecideProperty, CityReportsWithinTheGapNeverDisable, ()) {
  Policy policy;
  policy.blacklisted_reports = *rc::gen::inRange(2, 6);
  policy.blacklisted_gap = std::chrono::seconds(*rc::gen::inRange(1, 3600));
  LocationState state = Active();
  for (Input input : AnyInputs({kBlacklisted, kOutOfArea, kUnknownCell})) {
    input.report_time =
        UnixMillis(kStart + *rc::gen::inRange<int64_t>(0, policy.blacklisted_gap.count() * 1000));
    const Decision decision = Decide(state, policy, input);
    RC_ASSERT(decision.action != Action::kDisable);
    state = decision.next;
  }
}

RC_GTEST_PROP(DecideProperty, UnsignedReportsNeverDisable, ()) {
  LocationState state = AnyState();
  for (Input input : AnyInputs({kBlacklisted, kOutOfArea, kInArea})) {
    input.card_authenticated = false;
    const Decision decision = Decide(state, {}, input);
    RC_ASSERT(decision.action != Action::kDisable);
    state = decision.next;
  }
}

RC_GTEST_PROP(DecideProperty, ADisabledCardIsRestoredByOneReportFromHome, ()) {
  LocationState state = After(Active());
  while (state.standing != Standing::kIntervened) {
    Input city = AnyInput({kBlacklisted});
    city.whitelisted_neighbour = false;
    city.card_authenticated = true;
    city.report_time = UnixMillis(state.last_report_time.value + 60'000);
    state = Decide(state, {}, city).next;
  }
  Input home = AnyInput({kInArea, kExempt});
  home.report_time = UnixMillis(state.last_decision_time.value + *rc::gen::inRange<int64_t>(0, 1'000'000));
  const Decision decision = Decide(state, {}, home);
  RC_ASSERT(decision.action == Action::kRestore);
  RC_ASSERT(decision.next.standing == Standing::kActive);
  RC_ASSERT(decision.next.blacklisted_count == 0U);
}

RC_GTEST_PROP(DecideProperty, AReportFromHomeForgetsTheCount, ()) {
  const LocationState state = After(Active());
  Input home = AnyInput({kInArea});
  home.report_time = state.last_report_time;
  const Decision decision = Decide(state, {}, home);
  RC_ASSERT(decision.next.blacklisted_count == 0U);
  RC_ASSERT(decision.next.out_of_area_count == 0U);
}

RC_GTEST_PROP(DecideProperty, WhatMatterForDecisionsIsMarkedDurable, ()) {
  const LocationState state = AnyState();
  const Decision decision =
      Decide(state, {}, AnyInput({kInArea, kOutOfArea, kBlacklisted, kUnknownCell, kNoSignal, kExempt}));
  const LocationState& next = decision.next;
  const bool changed = next.standing != state.standing || next.blacklisted_count != state.blacklisted_count ||
                       next.out_of_area_count != state.out_of_area_count;
  if (changed) RC_ASSERT(decision.changed_durably);
  if (decision.action != Action::kNone && decision.action != Action::kRefuseInstall) {
    RC_ASSERT(decision.changed_durably);
  }
}

}  // namespace
}  // namespace hearth::intervention
