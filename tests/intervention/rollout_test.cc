#include "intervention/rollout.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hearth::intervention {
namespace {

using enum RolloutState;

constexpr AreaId kArea(640122001);

RolloutActor Actor(const char* name, int64_t now = 100) { return {name, "", "new survey", UnixMillis(now)}; }

Rollout Proposed() {
  Rollout rollout;
  rollout.number = 7;
  rollout.lists = {{false, kArea, 3, 4, 10, 2, 30}};
  rollout.steps = {{kProposed, "li", "", "new survey", UnixMillis(1)}};
  return rollout;
}

Forecast Harmless() { return {.at = UnixMillis(50), .judged = 300}; }

Rollout Previewed(const Forecast& forecast = Harmless()) {
  return *DecidePreviewed(Proposed(), forecast, Actor("li"));
}

Rollout ActiveRollout() { return *DecideActivate(Previewed(), DefaultStaging(), Actor("li")); }

Rollout In(RolloutState state) {
  Rollout rollout = state == kProposed ? Proposed() : state == kPreviewed ? Previewed() : ActiveRollout();
  rollout.staging.judged = true;
  rollout.state = state;
  return rollout;
}

constexpr RolloutState kAll[] = {kProposed, kPreviewed, kActive, kStopped, kDone, kUndone, kWithdrawn};

TEST(Rollout, EachStepStartsFromItsStates) {
  struct Row {
    const char* name;
    std::function<Result<Rollout>(Rollout)> step;
    std::vector<RolloutState> from;
    RolloutState to;
  };
  const RolloutActor li = Actor("li");
  const Row rows[] = {
      {"preview",
       [&](Rollout r) { return DecidePreviewed(std::move(r), Harmless(), li); },
       {kProposed, kPreviewed},
       kPreviewed},
      {"activate",
       [&](Rollout r) { return DecideActivate(std::move(r), DefaultStaging(), li); },
       {kPreviewed},
       kActive},
      {"advance", [&](Rollout r) { return DecideAdvance(std::move(r), li); }, {kActive}, kActive},
      {"stop", [&](Rollout r) { return DecideStop(std::move(r), "too many", li); }, {kActive}, kStopped},
      {"resume", [&](Rollout r) { return DecideResume(std::move(r), li); }, {kStopped}, kActive},
      {"withdraw",
       [&](Rollout r) { return DecideWithdraw(std::move(r), li); },
       {kProposed, kPreviewed},
       kWithdrawn},
      {"undo", [&](Rollout r) { return DecideUndo(std::move(r), li); }, {kActive, kStopped, kDone}, kUndone},
  };
  for (const Row& row : rows) {
    for (const RolloutState state : kAll) {
      const auto next = row.step(In(state));
      const bool possible = std::find(row.from.begin(), row.from.end(), state) != row.from.end();
      ASSERT_EQ(next.has_value(), possible) << row.name << " from " << NameOf(state);
      if (!possible) {
        EXPECT_EQ(next.error().reason(), Reason::kRolloutStateInvalid) << row.name;
        EXPECT_NE(next.error().message().find(NameOf(state)), std::string::npos) << next.error().message();
        continue;
      }
      EXPECT_EQ(next->state, row.to) << row.name;
      EXPECT_EQ(next->steps.back(), (RolloutStep{row.to, "li", "", "new survey", UnixMillis(100)}))
          << row.name;
    }
  }
}

TEST(Rollout, AgainPreviewedReplacesTheStep) {
  Rollout rollout = Previewed();
  EXPECT_EQ(rollout.steps.size(), 2U);
  rollout = *DecidePreviewed(rollout, {.at = UnixMillis(60), .judged = 301}, Actor("wang"));
  EXPECT_EQ(rollout.steps.size(), 2U);
  EXPECT_EQ(rollout.steps.back().actor, "wang");
  EXPECT_EQ(rollout.forecast.judged, 301U);
}

TEST(Rollout, WhoMayActivate) {
  struct Row {
    const char* name;
    bool needs;
    const char* actor;
    const char* approver;
    bool ok;
  };
  const Row rows[] = {
      {"below the cap", false, "li", "", true},   {"nobody", true, "wang", "", false},
      {"the actor", true, "wang", "wang", false}, {"who proposed it", true, "wang", "li", false},
      {"another", true, "li", "wang", true},      {"a third", true, "wang", "zhao", true},
  };
  for (const Row& row : rows) {
    Forecast forecast = Harmless();
    forecast.needs_approver = row.needs;
    forecast.why_approver = "area 640122001: 12 of 310 cards go dark, 6 are allowed";
    RolloutActor actor = Actor(row.actor);
    actor.approver = row.approver;
    const auto active = DecideActivate(Previewed(forecast), DefaultStaging(), actor);
    ASSERT_EQ(active.has_value(), row.ok) << row.name;
    if (row.ok) {
      EXPECT_EQ(active->steps.back().approver, row.approver) << row.name;
    } else {
      EXPECT_EQ(active.error().reason(), Reason::kSecondApproverNeeded) << row.name;
      EXPECT_NE(active.error().message().find("12 of 310"), std::string::npos) << row.name;
    }
  }
}

TEST(Rollout, SomebodyGoesDarkOnlyWithAReason) {
  RolloutActor silent = Actor("li");
  silent.reason.clear();
  EXPECT_TRUE(DecideActivate(Previewed(), DefaultStaging(), silent));
  for (const auto field : {&Forecast::dark, &Forecast::box}) {
    Forecast forecast = Harmless();
    forecast.*field = 1;
    EXPECT_EQ(DecideActivate(Previewed(forecast), DefaultStaging(), silent).error().reason(),
              Reason::kFieldMissing);
    EXPECT_TRUE(DecideActivate(Previewed(forecast), DefaultStaging(), Actor("li")));
  }
  EXPECT_EQ(DecideUndo(ActiveRollout(), silent).error().reason(), Reason::kFieldMissing);
}

TEST(Rollout, GoesThroughItsStages) {
  Staging plan = DefaultStaging();
  plan.forecast_dark = 3;
  plan.stage = 3;  // only the plan and its forecast count
  plan.dark = 99;
  Rollout rollout = *DecideActivate(Previewed(), plan, Actor("li", 200));
  EXPECT_EQ(rollout.staging.forecast_dark, 3U);
  EXPECT_EQ(rollout.staging.dark, 0U);
  for (uint32_t stage = 1; stage <= 4; ++stage) {
    EXPECT_EQ(rollout.state, kActive);
    EXPECT_EQ(rollout.staging.stage, stage);
    EXPECT_EQ(rollout.staging.begun, UnixMillis(199 + stage));
    EXPECT_FALSE(rollout.staging.judged);
    const auto early = DecideAdvance(rollout, Actor("li"));
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().reason(), Reason::kRolloutStateInvalid);
    rollout.staging.judged = true;
    rollout = *DecideAdvance(rollout, Actor("li", 200 + stage));
  }
  EXPECT_EQ(rollout.state, kDone);
}

TEST(Rollout, WhoResumesAcceptsWhatItDid) {
  Rollout rollout = ActiveRollout();
  rollout.staging.forecast_dark = 10;
  rollout.staging.dark = 30;
  ASSERT_TRUE(MustStop(rollout.staging));
  rollout = *DecideStop(rollout, *MustStop(rollout.staging), Actor("hearthd"));
  EXPECT_EQ(rollout.staging.stopped_why, "30 cards went dark, 10 were forecast for the stages begun");
  rollout = *DecideResume(rollout, Actor("li"));
  EXPECT_EQ(rollout.staging.stopped_why, "");
  EXPECT_FALSE(MustStop(rollout.staging));
  rollout.staging.dark = 46;
  EXPECT_TRUE(MustStop(rollout.staging));
}

TEST(Rollout, AnOperatorsReasonIsWhyItStopped) {
  EXPECT_EQ(DecideStop(ActiveRollout(), "", Actor("li"))->staging.stopped_why, "new survey");
}

TEST(Rollout, StopsAboveTheForecastByHalfAndByFive) {
  struct Row {
    uint64_t forecast;
    uint64_t dark;
    bool stop;
  };
  const Row rows[] = {{0, 0, false},   {0, 5, false},  {0, 6, true},      {2, 7, false},    {2, 8, true},
                      {10, 15, false}, {10, 16, true}, {100, 150, false}, {100, 151, true}, {100, 0, false}};
  for (const Row& row : rows) {
    Staging staging;
    staging.forecast_dark = row.forecast;
    staging.dark = row.dark;
    EXPECT_EQ(MustStop(staging).has_value(), row.stop) << row.forecast << " " << row.dark;
  }
}

TEST(Rollout, TheCap) {
  const ChangeRules rules;
  EXPECT_FALSE(AboveCap(rules, 5, 10));
  EXPECT_TRUE(AboveCap(rules, 6, 10));
  EXPECT_FALSE(AboveCap(rules, 6, 310));
  EXPECT_TRUE(AboveCap(rules, 7, 310));
  EXPECT_TRUE(AboveCap({0, 0, 0, 30}, 1, 310));
  EXPECT_FALSE(AboveCap({0, 0, 0, 30}, 0, 310));
}

TEST(Rollout, StagingIsChecked) {
  struct Row {
    const char* name;
    std::vector<uint8_t> percents;
    std::vector<uint32_t> regions;
    const char* field;  // nullptr: valid
  };
  const Row rows[] = {
      {"at once", {100}, {}, nullptr},
      {"default", DefaultStaging().percents, {}, nullptr},
      {"by region", {}, {640122, 6401, 64}, nullptr},
      {"neither", {}, {}, "staging"},
      {"both", {100}, {64}, "staging"},
      {"not to the end", {1, 50}, {}, "percents"},
      {"not ascending", {10, 10, 100}, {}, "percents[1]"},
      {"zero", {0, 100}, {}, "percents[0]"},
      {"beyond", {50, 101}, {}, "percents[1]"},
      {"no division", {}, {64, 640}, "regions[1]"},
      {"filled with zeros", {}, {640000}, "regions[0]"},
      {"twice", {}, {64, 65, 64}, "regions[2]"},
  };
  for (const Row& row : rows) {
    Staging staging;
    staging.percents = row.percents;
    staging.regions = row.regions;
    const Status status = CheckStaging(staging);
    ASSERT_EQ(status.has_value(), row.field == nullptr) << row.name;
    if (row.field == nullptr) continue;
    EXPECT_EQ(status.error().violations()[0].field, row.field) << row.name;
    EXPECT_EQ(DecideActivate(Previewed(), staging, Actor("li")).error().reason(), Reason::kFieldInvalid);
  }
  Staging many;
  for (uint32_t i = 1; i <= 100; ++i) many.regions.push_back(6400 * 100 + i / 90 * 100 + 100 + i % 90 + 1);
  EXPECT_EQ(CheckStaging(many).error().reason(), Reason::kLimitExceeded);
  many.regions.pop_back();
  EXPECT_TRUE(CheckStaging(many));
  EXPECT_EQ(StagesOf(many), 100U);
}

TEST(Rollout, RegionsInTheirOrderAndTheRestAtTheEnd) {
  Staging staging;
  staging.regions = {640122, 6401, 65};
  EXPECT_EQ(StagesOf(staging), 4U);
  const struct {
    uint32_t area;
    uint32_t stage;
  } rows[] = {{640122001, 1}, {640121001, 2}, {650101001, 3}, {640221001, 4}, {110101001, 4}};
  for (const auto& row : rows) {
    EXPECT_EQ(StageOfCard(staging, 7, CardNumber(1), AreaId(row.area)), row.stage) << row.area;
  }
}

// The draw is fixed: a card must not change its stage when the program is upgraded.
TEST(Rollout, TheDrawIsFixed) {
  Staging staging;
  for (int percent = 1; percent <= 100; ++percent) staging.percents.push_back(static_cast<uint8_t>(percent));
  const struct {
    uint64_t rollout;
    uint64_t card;
    uint32_t stage;
  } rows[] = {{1, 640000000017, 97},
              {1, 640000000018, 77},
              {2, 640000000017, 23},
              {1, 0, 59},
              {99, 999'999'999'999, 11}};
  for (const auto& row : rows) {
    EXPECT_EQ(StageOfCard(staging, row.rollout, CardNumber(row.card), kArea), row.stage);
  }
}

TEST(Rollout, PercentagesAreWhatTheySay) {
  constexpr uint64_t kCards = 100'000;
  Rollout rollout = ActiveRollout();
  for (const uint64_t number : {1, 2, 1000}) {
    rollout.number = number;
    for (uint32_t stage = 1; stage <= 4; ++stage) {
      rollout.staging.stage = stage;
      uint64_t inside = 0;
      // Cards of one batch have numbers in a row.
      for (uint64_t i = 0; i < kCards; ++i) inside += Contains(rollout, CardNumber(640000000000 + i), kArea);
      const double percent = rollout.staging.percents[stage - 1];
      // Five standard deviations of a fair draw.
      const double tolerance = 5 * std::sqrt(percent * (100 - percent) / kCards);
      EXPECT_NEAR(static_cast<double>(inside) * 100 / kCards, percent, tolerance) << number << " " << stage;
    }
  }
}

TEST(Rollout, NotTheSameHomesAreAlwaysFirst) {
  const Staging staging = DefaultStaging();
  int both = 0;
  for (uint64_t i = 0; i < 100'000; ++i) {
    const CardNumber card(640000000000 + i);
    both += StageOfCard(staging, 1, card, kArea) == 1 && StageOfCard(staging, 2, card, kArea) == 1;
  }
  EXPECT_LT(both, 40) << "a hundredth of a hundredth are 10";
}

TEST(Rollout, ContainsByState) {
  for (const RolloutState state : kAll) {
    Rollout rollout = In(state);
    rollout.staging = DefaultStaging();
    rollout.staging.stage = 4;
    EXPECT_EQ(Contains(rollout, CardNumber(5), kArea),
              state == kActive || state == kStopped || state == kDone);
    EXPECT_EQ(IsUnderWay(state), state == kActive || state == kStopped);
    EXPECT_EQ(IsOver(state), state == kDone || state == kUndone || state == kWithdrawn);
  }
}

Staging AnyStaging() {
  Staging staging;
  if (*rc::gen::arbitrary<bool>()) {
    const auto some = *rc::gen::container<std::set<int>>(rc::gen::inRange(1, 100));
    staging.percents.assign(some.begin(), some.end());
    staging.percents.push_back(100);
  } else {
    const auto some = *rc::gen::nonEmpty(
        rc::gen::container<std::set<uint32_t>>(rc::gen::element(64U, 6401U, 640122U, 65U)));
    staging.regions.assign(some.begin(), some.end());
  }
  return staging;
}

RC_GTEST_PROP(RolloutProperty, WhoIsInsideStaysInsideAndTheLastStageHasAll, ()) {
  Rollout rollout = ActiveRollout();
  rollout.number = *rc::gen::arbitrary<uint64_t>();
  rollout.staging = AnyStaging();
  RC_ASSERT(CheckStaging(rollout.staging).has_value());
  const CardNumber card(*rc::gen::inRange<uint64_t>(0, kMaxCardNumber));
  const AreaId area(*rc::gen::element(640122001U, 640121001U, 640221001U, 650101001U, 110101001U));
  bool inside = false;
  for (uint32_t stage = 0; stage <= StagesOf(rollout.staging); ++stage) {
    rollout.staging.stage = stage;
    const bool now = Contains(rollout, card, area);
    RC_ASSERT(!inside || now);
    RC_ASSERT(stage > 0 || !now);
    inside = now;
  }
  RC_ASSERT(inside);
}

RC_GTEST_PROP(RolloutProperty, UndoIsPossibleWheneverSomethingIsInForce, ()) {
  Rollout rollout = Proposed();
  const int steps = *rc::gen::inRange(0, 20);
  const RolloutActor actor = Actor("li");
  for (int i = 0; i < steps; ++i) {
    rollout.staging.judged = *rc::gen::weightedElement<bool>({{3, true}, {1, false}});
    const int step = *rc::gen::inRange(0, 6);
    const auto next = step == 0   ? DecidePreviewed(rollout, Harmless(), actor)
                      : step == 1 ? DecideActivate(rollout, DefaultStaging(), actor)
                      : step == 2 ? DecideAdvance(rollout, actor)
                      : step == 3 ? DecideStop(rollout, "why", actor)
                      : step == 4 ? DecideResume(rollout, actor)
                                  : DecideWithdraw(rollout, actor);
    if (next) rollout = *next;
    const bool in_force = Contains(rollout, CardNumber(1), kArea) || IsUnderWay(rollout.state);
    const auto undone = DecideUndo(rollout, actor);
    RC_ASSERT(undone.has_value() == in_force);
    if (undone) RC_ASSERT(!Contains(*undone, CardNumber(1), kArea));
  }
}

}  // namespace
}  // namespace hearth::intervention
