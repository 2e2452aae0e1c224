#include "intervention/decide.h"

#include <gtest/gtest.h>

namespace hearth::intervention {
namespace {

using enum geofence::Verdict;

constexpr int64_t kStart = 1'790'000'000'000;

// One report `seconds` after the start.
struct Step {
  int64_t seconds;
  Verdict verdict;
  bool neighbour = false;
  bool authenticated = true;
};

Input ToInput(const Step& step) {
  return {.verdict = step.verdict,
          .whitelisted_neighbour = step.neighbour,
          .card_authenticated = step.authenticated,
          .counter = static_cast<uint64_t>(step.seconds + 100),
          .report_time = UnixMillis(kStart + step.seconds * 1000),
          .now = UnixMillis(kStart + step.seconds * 1000 + 500)};
}

struct Expected {
  Action action;
  Cause cause;
  bool durable;
};

struct Story {
  const char* name;
  Standing standing;
  std::vector<std::pair<Step, Expected>> steps;
};

void Tell(const Story& story, const Policy& policy = {}) {
  LocationState state;
  state.standing = story.standing;
  for (size_t i = 0; i < story.steps.size(); ++i) {
    const auto& [step, expected] = story.steps[i];
    const Decision decision = Decide(state, policy, ToInput(step));
    EXPECT_EQ(NameOf(decision.action), NameOf(expected.action)) << story.name << ", report " << i;
    EXPECT_EQ(NameOf(decision.cause), NameOf(expected.cause)) << story.name << ", report " << i;
    EXPECT_EQ(decision.changed_durably, expected.durable) << story.name << ", report " << i;
    state = decision.next;
  }
}

constexpr Expected kCounting = {Action::kNone, Cause::kBlacklistedCounting, true};
constexpr Expected kDisabled = {Action::kDisable, Cause::kBlacklistedConfirmed, true};
constexpr Expected kFine = {Action::kNone, Cause::kInPlace, false};
constexpr Expected kFineAgain = {Action::kNone, Cause::kInPlace, true};
constexpr Expected kOutCounting = {Action::kNone, Cause::kOutOfAreaCounting, true};
constexpr Expected kProposed = {Action::kPropose, Cause::kOutOfAreaWindow, true};
constexpr Expected kStaleReport = {Action::kNone, Cause::kStale, false};
constexpr Expected kAway = {Action::kNone, Cause::kStillAway, false};

TEST(Decide, Installation) {
  constexpr auto kW = Standing::kWaiting;
  const Story stories[] = {
      {"at home",
       kW,
       {{{0, kInArea}, {Action::kActivate, Cause::kFirstReport, true}}, {{9, kInArea}, kFine}}},
      {"exempt", kW, {{{0, kExempt}, {Action::kActivate, Cause::kFirstReport, true}}}},
      {"gateway alone may activate",
       kW,
       {{{0, kInArea, false, false}, {Action::kActivate, Cause::kFirstReport, true}}}},
      {"in town, then the same, then elsewhere, then home",
       kW,
       {{{0, kBlacklisted}, {Action::kRefuseInstall, Cause::kInstallBlacklisted, true}},
        {{60, kBlacklisted}, {Action::kRefuseInstall, Cause::kInstallBlacklisted, false}},
        {{120, kOutOfArea}, {Action::kRefuseInstall, Cause::kInstallOutOfArea, true}},
        {{180, kInArea}, {Action::kActivate, Cause::kFirstReport, true}}}},
      {"unknown cell", kW, {{{0, kUnknownCell}, {Action::kRefuseInstall, Cause::kInstallUnknownCell, true}}}},
      {"no signal", kW, {{{0, kNoSignal}, {Action::kRefuseInstall, Cause::kInstallNoSignal, true}}}},
      {"a report from before the refusal does not open",
       kW,
       {{{100, kBlacklisted}, {Action::kRefuseInstall, Cause::kInstallBlacklisted, true}},
        {{50, kInArea}, kStaleReport}}},
  };
  for (const Story& story : stories) Tell(story);
}

TEST(Decide, CityCells) {
  constexpr auto kA = Standing::kActive;
  const Story stories[] = {
      {"twice, 60 s apart", kA, {{{0, kBlacklisted}, kCounting}, {{60, kBlacklisted}, kDisabled}}},
      {"twice, 59 s apart", kA, {{{0, kBlacklisted}, kCounting}, {{59, kBlacklisted}, kCounting}}},
      {"many within a minute, then one later",
       kA,
       {{{0, kBlacklisted}, kCounting},
        {{20, kBlacklisted}, kCounting},
        {{40, kBlacklisted}, kCounting},
        {{61, kBlacklisted}, kDisabled}}},
      {"home in between",
       kA,
       {{{0, kBlacklisted}, kCounting},
        {{30, kInArea}, kFineAgain},
        {{90, kBlacklisted}, kCounting},
        {{149, kBlacklisted}, kCounting}}},
      {"a neighbour of home in between",
       kA,
       {{{0, kBlacklisted}, kCounting},
        {{60, kBlacklisted, true}, {Action::kNone, Cause::kNeighbourHeard, true}},
        {{90, kBlacklisted}, kCounting}}},
      {"always with a neighbour of home",
       kA,
       {{{0, kBlacklisted, true}, {Action::kNone, Cause::kNeighbourHeard, false}},
        {{100, kBlacklisted, true}, {Action::kNone, Cause::kNeighbourHeard, false}}}},
      {"silence and unknown cells in between do not break it",
       kA,
       {{{0, kBlacklisted}, kCounting},
        {{20, kNoSignal}, {Action::kNone, Cause::kNoSignal, false}},
        {{40, kUnknownCell}, {Action::kNone, Cause::kUnknownCell, false}},
        {{60, kBlacklisted}, kDisabled}}},
      {"only a gateway says so",
       kA,
       {{{0, kBlacklisted, false, false}, {Action::kNone, Cause::kNotAuthenticated, false}},
        {{100, kBlacklisted, false, false}, {Action::kNone, Cause::kNotAuthenticated, false}}}},
      {"the first from a gateway does not count",
       kA,
       {{{0, kBlacklisted, false, false}, {Action::kNone, Cause::kNotAuthenticated, false}},
        {{100, kBlacklisted}, kCounting}}},
      {"overtaken by a report from home",
       kA,
       {{{0, kBlacklisted}, kCounting}, {{120, kInArea}, kFineAgain}, {{60, kBlacklisted}, kStaleReport}}},
      {"a late report from home still speaks for the card",
       kA,
       {{{0, kBlacklisted}, kCounting},
        {{50, kBlacklisted}, kCounting},
        {{30, kInArea}, kFineAgain},
        {{70, kBlacklisted}, kCounting}}},
  };
  for (const Story& story : stories) Tell(story);
}

TEST(Decide, ReturnAndStaleReports) {
  const Story stories[] = {
      {"home restores",
       Standing::kActive,
       {{{0, kBlacklisted}, kCounting},
        {{60, kBlacklisted}, kDisabled},
        {{70, kBlacklisted}, kAway},
        {{80, kUnknownCell}, kAway},
        {{90, kNoSignal}, kAway},
        {{100, kOutOfArea}, kAway},
        {{110, kInArea}, {Action::kRestore, Cause::kReturned, true}},
        {{120, kBlacklisted}, kCounting}}},
      {"an exemption restores",
       Standing::kIntervened,
       {{{0, kExempt}, {Action::kRestore, Cause::kReturned, true}}}},
      {"a report from before the decision does not",
       Standing::kActive,
       {{{0, kBlacklisted}, kCounting}, {{60, kBlacklisted}, kDisabled}, {{59, kInArea}, kStaleReport}}},
  };
  for (const Story& story : stories) Tell(story);
}

TEST(Decide, OutOfAreaIsProposedOncePerWindow) {
  const Story stories[] = {
      {"three over half an hour, and again after another",
       Standing::kActive,
       {{{0, kOutOfArea}, kOutCounting},
        {{900, kOutOfArea}, kOutCounting},
        {{1800, kOutOfArea}, kProposed},
        {{1810, kOutOfArea}, kOutCounting},
        {{1820, kOutOfArea}, kOutCounting},
        {{1830, kOutOfArea}, kOutCounting},
        {{3609, kOutOfArea}, kOutCounting},
        {{3610, kOutOfArea}, kProposed}}},
      {"three too close together",
       Standing::kActive,
       {{{0, kOutOfArea}, kOutCounting},
        {{60, kOutOfArea}, kOutCounting},
        {{1799, kOutOfArea}, kOutCounting}}},
      {"two far apart",
       Standing::kActive,
       {{{0, kOutOfArea}, kOutCounting}, {{9000, kOutOfArea}, kOutCounting}}},
      {"home in between",
       Standing::kActive,
       {{{0, kOutOfArea}, kOutCounting},
        {{900, kInArea}, kFineAgain},
        {{1800, kOutOfArea}, kOutCounting},
        {{1900, kOutOfArea}, kOutCounting}}},
  };
  for (const Story& story : stories) Tell(story);
}

TEST(Decide, ThePolicyCounts) {
  Policy one;
  one.blacklisted_reports = 1;
  Tell({"one report suffices", Standing::kActive, {{{0, kBlacklisted}, kDisabled}}}, one);
  Policy three;
  three.blacklisted_reports = 3;
  three.blacklisted_gap = std::chrono::seconds(0);
  Tell({"three at once",
        Standing::kActive,
        {{{0, kBlacklisted}, kCounting}, {{0, kBlacklisted}, kCounting}, {{0, kBlacklisted}, kDisabled}}},
       three);
}

TEST(Decide, RemembersTheNewestReport) {
  LocationState state;
  state.standing = Standing::kActive;
  state = Decide(state, {}, ToInput({100, kUnknownCell})).next;
  EXPECT_EQ(state.last_report_time, UnixMillis(kStart + 100'000));
  EXPECT_EQ(state.last_verdict, kUnknownCell);
  EXPECT_EQ(state.last_counter, 200U);
  state = Decide(state, {}, ToInput({50, kInArea})).next;
  EXPECT_EQ(state.last_report_time, UnixMillis(kStart + 100'000));
  EXPECT_EQ(state.last_verdict, kUnknownCell);
  EXPECT_EQ(state.last_counter, 200U);
}

TEST(Policy, ChecksItsRanges) {
  EXPECT_TRUE(Policy().Check());
  Policy bad;
  bad.version = 0;
  bad.blacklisted_reports = 0;
  bad.blacklisted_gap = std::chrono::seconds(-1);
  bad.out_of_area_reports = 101;
  bad.out_of_area_window = std::chrono::minutes(30 * 24 * 60 + 1);
  bad.grace_hours = 241;
  const Status status = bad.Check();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().reason(), Reason::kFieldInvalid);
  EXPECT_EQ(status.error().violations().size(), 6U);
}

TEST(Cause, RefusalsHaveReasons) {
  EXPECT_EQ(ReasonOf(Cause::kInstallBlacklisted), Reason::kInstallBlacklisted);
  EXPECT_EQ(ReasonOf(Cause::kInstallOutOfArea), Reason::kInstallOutOfArea);
  EXPECT_EQ(ReasonOf(Cause::kInstallUnknownCell), Reason::kInstallUnknownCell);
  EXPECT_EQ(ReasonOf(Cause::kInstallNoSignal), Reason::kInstallNoSignal);
  EXPECT_EQ(ReasonOf(Cause::kBlacklistedConfirmed), std::nullopt);
}

}  // namespace
}  // namespace hearth::intervention
