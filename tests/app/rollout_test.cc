// Changes of lists and policy: who is said to go dark, who does, in which stage, and how it is undone.
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/site.h"

namespace hearth::app {
namespace {

using geofence::ListKind;
using intervention::RolloutState;
using intervention::Staging;

// A cell of the village that a city gets by the change.
const Heard kLost = {"lte:460:00:33301:999"};

Heard Both(const Heard& a, const Heard& b) {
  Heard both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

class RolloutTest : public testing::Test {
 protected:
  RolloutTest() : site(Options()) {}

  static SiteOptions Options() {
    SiteOptions options;
    options.head_end.policy.breaker.cards = 1000;
    return options;
  }

  void SetUp() override {
    Put(ListKind::kWhitelist, kArea, Both(kHome, kLost));
    ASSERT_TRUE(WaitUntil([&] { return site.head().column().loaded(); }));
  }
  void TearDown() override {
    if (!site.running()) return;
    site.head().rollouts().AwaitJudged();
    site.Drain();
    for (const std::string& broken : site.BrokenInvariants(/*drained=*/true)) ADD_FAILURE() << broken;
  }

  void Put(ListKind kind, AreaId id, const Heard& cells) {
    const auto put = site.head().geo().PutList(site.NewRequest(), {kind, id, "", CellsOf(cells)});
    ASSERT_TRUE(put) << put.error().ToString();
  }
  // Homes `from` to `to`, lit, whose newest report says `heard`.
  void Install(uint64_t from, uint64_t to, const Heard& heard) {
    for (uint64_t n = from; n <= to; ++n) {
      homes.emplace(n, site.NewHome(n));
      ASSERT_TRUE(site.Open(n));
      const auto answer = site.Send(homes.at(n), heard);
      ASSERT_TRUE(answer) << answer.error().ToString();
      ASSERT_EQ(answer->outcome, ReportOutcome::kActivated);
    }
  }
  // The village loses kLost, and the city gets it.
  WantedChange LoseToCity(bool at_once_if_harmless = false) {
    return {.lists = {{.list = {ListKind::kWhitelist, kArea, "", {}}, .edit = true, .remove = CellsOf(kLost)},
                      {.list = {ListKind::kBlacklist, kCityList, "", CellsOf(kLost)}, .edit = true}},
            .policy = std::nullopt,
            .at_once_if_harmless = at_once_if_harmless};
  }
  RolloutView Propose(const WantedChange& wanted) {
    const auto proposed = site.head().rollouts().Propose(site.NewRequest("renumbered"), wanted);
    EXPECT_TRUE(proposed) << proposed.error().ToString();
    return proposed ? proposed->view : RolloutView{};
  }
  Request Approved(const std::string& reason = "the city has that number") {
    Request request = site.NewRequest(reason);
    request.approver = "second";
    return request;
  }
  size_t Dark() {
    size_t dark = 0;
    for (const auto& [n, home] : homes) {
      dark +=
          site.head().registry().Card(CardOf(n))->value.card.standing == entitlement::Standing::kDark ? 1 : 0;
    }
    return dark;
  }
  RolloutView Judged(uint64_t number) {
    site.head().rollouts().AwaitJudged();
    return *site.head().rollouts().Get(number);
  }
  std::vector<geofence::Cell> InForce(ListKind kind, AreaId id) {
    const auto geo = site.head().geo().snapshot();
    return site.head().geo().CellsOf(kind, id, geo->lists.at({kind, id}).version)->cells;
  }

  Site site;
  std::map<uint64_t, Home> homes;
};

TEST_F(RolloutTest, WhatCutsNobodyOffIsInForceAtOnce) {
  Install(1, 3, kHome);
  const RolloutView view =
      Propose({.lists = {{.list = {ListKind::kWhitelist, kArea, "", CellsOf(kRenumbered)}, .edit = true}},
               .policy = std::nullopt,
               .at_once_if_harmless = true});
  EXPECT_EQ(view.rollout.state, RolloutState::kDone);
  EXPECT_EQ(view.rollout.forecast.judged, 3U);
  EXPECT_EQ(InForce(ListKind::kWhitelist, kArea).size(), 5U);
  Home& home = homes.at(1);
  site.clock.Advance(std::chrono::minutes(1));
  EXPECT_EQ(site.Send(home, kRenumbered)->verdict, geofence::Verdict::kInArea);
}

TEST_F(RolloutTest, ThePreviewNamesWhoGoesDarkAndNothingHappensBeforeItIsActivated) {
  Install(1, 12, kLost);
  Install(13, 20, kHome);
  const RolloutView view = Propose(LoseToCity());
  EXPECT_EQ(view.rollout.state, RolloutState::kPreviewed);
  EXPECT_EQ(view.rollout.forecast.judged, 20U);
  EXPECT_EQ(view.rollout.forecast.dark, 12U);
  EXPECT_TRUE(view.rollout.forecast.needs_approver);
  ASSERT_EQ(view.areas.size(), 1U);
  EXPECT_EQ(view.areas[0].area, kArea);
  EXPECT_EQ(view.areas[0].installed, 20U);
  EXPECT_EQ(view.areas[0].counts.dark, 12U);
  std::set<uint64_t> named;
  ASSERT_TRUE(
      site.head().rollouts().Affected(view.rollout.number, std::nullopt, [&](const AffectedCard& card) {
        EXPECT_EQ(card.effect, Effect::kGoesDark);
        EXPECT_EQ(card.before, geofence::Verdict::kInArea);
        EXPECT_EQ(card.after, geofence::Verdict::kBlacklisted);
        named.insert(card.card.value);
      }));
  EXPECT_EQ(named.size(), 12U);
  EXPECT_EQ(*named.begin(), CardOf(1).value);
  EXPECT_EQ(Dark(), 0U);
  site.clock.Advance(std::chrono::minutes(2));
  EXPECT_EQ(site.Send(homes.at(1), kLost)->verdict, geofence::Verdict::kInArea);
}

TEST_F(RolloutTest, ADryRunPreviewsAndKeepsNothing) {
  Install(1, 3, kLost);
  Request request = site.NewRequest();
  request.dry_run = true;
  site.Drain();
  const auto objects = site.Objects();
  const auto proposed = site.head().rollouts().Propose(request, LoseToCity());
  ASSERT_TRUE(proposed) << proposed.error().ToString();
  EXPECT_EQ(proposed->view.rollout.forecast.dark, 3U);
  EXPECT_TRUE(site.Objects() == objects);
}

TEST_F(RolloutTest, AboveTheCapASecondPersonIsNeeded) {
  Install(1, 12, kLost);
  const uint64_t number = Propose(LoseToCity()).rollout.number;
  Rollouts& rollouts = site.head().rollouts();
  EXPECT_EQ(rollouts.Activate(site.NewRequest(), number, intervention::DefaultStaging()).error().reason(),
            Reason::kSecondApproverNeeded);
  Request self = Approved();
  self.approver = self.actor;
  EXPECT_EQ(rollouts.Activate(self, number, intervention::DefaultStaging()).error().reason(),
            Reason::kSecondApproverNeeded);
  EXPECT_EQ(Dark(), 0U);
  EXPECT_TRUE(rollouts.Activate(Approved(), number, intervention::DefaultStaging()));
}

TEST_F(RolloutTest, StageByStageThenUndoneInOneStep) {
  Install(1, 12, kLost);
  Install(13, 16, kHome);
  const auto before = InForce(ListKind::kWhitelist, kArea);
  const auto city = InForce(ListKind::kBlacklist, kCityList);
  const uint64_t number = Propose(LoseToCity()).rollout.number;
  Rollouts& rollouts = site.head().rollouts();
  ASSERT_TRUE(rollouts.Activate(Approved(), number, Staging{.percents = {50, 100}}));
  RolloutView view = Judged(number);
  EXPECT_EQ(view.rollout.state, RolloutState::kActive);
  EXPECT_TRUE(view.rollout.staging.judged);
  EXPECT_EQ(view.rollout.staging.dark, view.rollout.staging.forecast_dark);
  EXPECT_EQ(Dark(), view.rollout.staging.dark);
  EXPECT_LT(Dark(), 12U);
  EXPECT_EQ(InForce(ListKind::kWhitelist, kArea), before) << "boxes are not told before it is done";
  ASSERT_TRUE(rollouts.Advance(site.NewRequest(), number));
  EXPECT_EQ(Judged(number).rollout.staging.dark, 12U);
  EXPECT_EQ(Dark(), 12U);
  const auto done = rollouts.Advance(site.NewRequest(), number);
  ASSERT_TRUE(done) << done.error().ToString();
  EXPECT_EQ(done->view.rollout.state, RolloutState::kDone);
  EXPECT_EQ(InForce(ListKind::kWhitelist, kArea), CellsOf(kHome));
  site.Pass();
  for (auto& [n, home] : homes) {
    site.Listen(home);
    EXPECT_EQ(site.Watches(home), n > 12) << n;
  }

  EXPECT_EQ(rollouts.Undo(site.NewRequest(""), number).error().reason(), Reason::kFieldMissing);
  ASSERT_TRUE(rollouts.Undo(site.NewRequest("the number was the village's"), number));
  view = Judged(number);
  EXPECT_EQ(view.rollout.state, RolloutState::kUndone);
  EXPECT_EQ(view.rollout.staging.back, 12U);
  EXPECT_EQ(Dark(), 0U);
  EXPECT_EQ(InForce(ListKind::kWhitelist, kArea), before);
  EXPECT_EQ(InForce(ListKind::kBlacklist, kCityList), city);
  const auto geo = site.head().geo().snapshot();
  EXPECT_GT(geo->lists.at({ListKind::kWhitelist, kArea}).version, view.rollout.lists[0].to)
      << "boxes take only a newer version";
  site.Pass();
  for (auto& [n, home] : homes) {
    site.Listen(home);
    EXPECT_TRUE(site.Watches(home)) << n;
  }
  EXPECT_EQ(rollouts.Undo(site.NewRequest("again"), number).error().reason(), Reason::kRolloutStateInvalid);
}

TEST_F(RolloutTest, CardsInsideTheStageAreJudgedByTheNewListsAndTheOthersByTheOld) {
  Install(1, 20, kHome);
  const uint64_t number = Propose(LoseToCity()).rollout.number;
  ASSERT_TRUE(site.head().rollouts().Activate(Approved(), number, Staging{.percents = {50, 100}}));
  const auto rollout = Judged(number).rollout;
  site.clock.Advance(std::chrono::minutes(1));
  size_t inside = 0;
  for (auto& [n, home] : homes) {
    const bool in = intervention::Contains(rollout, CardOf(n), kArea);
    inside += in ? 1 : 0;
    const auto answer = site.Send(home, kLost);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->verdict, in ? geofence::Verdict::kBlacklisted : geofence::Verdict::kInArea) << n;
  }
  EXPECT_GT(inside, 0U);
  EXPECT_LT(inside, 20U);
}

TEST_F(RolloutTest, ItStopsByItselfWhenMoreGoDarkThanForecast) {
  Install(1, 12, kHome);
  const uint64_t number = Propose(LoseToCity()).rollout.number;
  Rollouts& rollouts = site.head().rollouts();
  ASSERT_TRUE(rollouts.Activate(Approved(), number, Staging{.percents = {100}}));
  EXPECT_EQ(Judged(number).rollout.staging.forecast_dark, 0U);
  for (int round = 0; round < 2; ++round) {
    site.clock.Advance(std::chrono::seconds(70));
    for (uint64_t n = 1; n <= 8; ++n) ASSERT_TRUE(site.Send(homes.at(n), kLost));
  }
  const auto stopped = Judged(number).rollout;
  EXPECT_EQ(stopped.state, RolloutState::kStopped);
  EXPECT_NE(stopped.staging.stopped_why.find("forecast"), std::string::npos) << stopped.staging.stopped_why;
  EXPECT_EQ(rollouts.Advance(site.NewRequest(), number).error().reason(), Reason::kRolloutStateInvalid);
  site.head().HousekeepNow();
  const auto alarms = site.head().alarms().List(true, 10, "");
  ASSERT_TRUE(alarms);
  ASSERT_EQ(alarms->items.size(), 1U);
  EXPECT_EQ(alarms->items[0].kind, records::AlarmKind::kRolloutStopped);
  ASSERT_TRUE(rollouts.Undo(site.NewRequest("wrong"), number));
  EXPECT_EQ(Judged(number).rollout.state, RolloutState::kUndone);
  EXPECT_EQ(Dark(), 0U) << "what reports darkened by its lists is lifted too";
}

TEST_F(RolloutTest, EvidenceTooOldIsListedAndNotActedUpon) {
  Install(1, 2, kLost);
  site.clock.Advance(std::chrono::hours(24 * 31));
  site.head().HousekeepNow();
  Install(3, 4, kLost);
  const RolloutView view = Propose(LoseToCity());
  EXPECT_EQ(view.rollout.forecast.dark, 2U);
  EXPECT_EQ(view.rollout.forecast.box + view.rollout.forecast.old_dark, 2U);
  ASSERT_TRUE(site.head().rollouts().Activate(Approved(), view.rollout.number, Staging{.percents = {100}}));
  EXPECT_EQ(Judged(view.rollout.number).rollout.staging.dark, 2U);
  EXPECT_EQ(Dark(), 2U);
}

TEST_F(RolloutTest, HomesThatLoseTheirOnlyCellAreCountedAsUnknownAndStayLit) {
  Install(1, 4, kLost);
  WantedChange wanted = LoseToCity();
  wanted.lists.resize(1);
  const RolloutView view = Propose(wanted);
  EXPECT_EQ(view.rollout.state, RolloutState::kPreviewed);
  EXPECT_EQ(view.rollout.forecast.unknown, 4U);
  EXPECT_EQ(view.rollout.forecast.dark, 0U);
  ASSERT_TRUE(site.head().rollouts().Activate(Approved(), view.rollout.number, Staging{.percents = {100}}));
  Judged(view.rollout.number);
  EXPECT_EQ(Dark(), 0U);
}

TEST_F(RolloutTest, ARestartInTheMiddleGoesOnWhereItWas) {
  Install(1, 12, kLost);
  const uint64_t number = Propose(LoseToCity()).rollout.number;
  ASSERT_TRUE(site.head().rollouts().Activate(Approved(), number, Staging{.percents = {50, 100}}));
  site.Restart();
  ASSERT_TRUE(WaitUntil([&] { return site.head().column().loaded(); }));
  EXPECT_TRUE(WaitUntil([&] { return Judged(number).rollout.staging.judged; }));
  const auto first = Judged(number).rollout;
  EXPECT_EQ(Dark(), first.staging.forecast_dark);
  ASSERT_TRUE(site.head().rollouts().Advance(site.NewRequest(), number));
  Judged(number);
  EXPECT_EQ(Dark(), 12U);
  site.Restart();
  ASSERT_TRUE(site.head().rollouts().Advance(site.NewRequest(), number));
  site.Restart();
  EXPECT_EQ(InForce(ListKind::kWhitelist, kArea), CellsOf(kHome));
  ASSERT_TRUE(WaitUntil([&] { return site.head().column().loaded(); }));
  ASSERT_TRUE(site.head().rollouts().Undo(site.NewRequest("no"), number));
  Judged(number);
  EXPECT_EQ(Dark(), 0U);
}

TEST_F(RolloutTest, OneListIsChangedByOneRolloutAtATime) {
  Install(1, 2, kLost);
  const uint64_t number = Propose(LoseToCity()).rollout.number;
  Rollouts& rollouts = site.head().rollouts();
  EXPECT_EQ(rollouts.Propose(site.NewRequest(), LoseToCity()).error().reason(), Reason::kRolloutOverlaps);
  ASSERT_TRUE(rollouts.Withdraw(site.NewRequest(), number));
  EXPECT_EQ(rollouts.Activate(Approved(), number, Staging{.percents = {100}}).error().reason(),
            Reason::kRolloutStateInvalid);
  const RolloutView next = Propose(LoseToCity());
  EXPECT_EQ(next.rollout.number, number + 1);
  EXPECT_GT(next.rollout.lists[0].to, 3U) << "a withdrawn version's number is not used again";
  Put(ListKind::kWhitelist, kArea, kHome);
  EXPECT_EQ(rollouts.Activate(Approved(), next.rollout.number, Staging{.percents = {100}}).error().reason(),
            Reason::kRolloutStale);
}

TEST_F(RolloutTest, ARepeatGetsTheFirstAnswer) {
  Install(1, 2, kLost);
  const Request request = site.NewRequest("once");
  const auto first = site.head().rollouts().Propose(request, LoseToCity());
  const auto again = site.head().rollouts().Propose(request, LoseToCity());
  ASSERT_TRUE(first && again) << again.error().ToString();
  EXPECT_TRUE(again->change.repeated);
  EXPECT_EQ(again->view.rollout, first->view.rollout);
}

TEST_F(RolloutTest, ThePolicyIsChangedAndUndoneLikeAList) {
  Install(1, 3, kHome);
  intervention::PolicyBook policy = site.head().geo().snapshot()->policy;
  EXPECT_EQ(site.head().rollouts().Propose(site.NewRequest(), {.policy = policy}).error().reason(),
            Reason::kRolloutUnchanged);
  policy.regions[6401].blacklisted_reports = 3;
  const RolloutView view = Propose({.policy = policy, .at_once_if_harmless = true});
  EXPECT_EQ(view.rollout.state, RolloutState::kDone);
  EXPECT_EQ(site.head().geo().snapshot()->policy.For(kArea).blacklisted_reports, 3);
  const uint32_t version = site.head().geo().snapshot()->policy.version;
  EXPECT_EQ(version, view.rollout.policy_to);
  for (int i = 0; i < 3; ++i) {
    site.clock.Advance(std::chrono::seconds(61));
    const auto answer = site.Send(homes.at(1), kCity);
    EXPECT_EQ(answer->outcome, i == 2 ? ReportOutcome::kSwitchedOff : ReportOutcome::kCounted);
  }
  site.Restart();
  EXPECT_EQ(site.head().geo().snapshot()->policy.version, version);
  ASSERT_TRUE(site.head().rollouts().Undo(site.NewRequest("too lax"), view.rollout.number));
  EXPECT_EQ(site.head().geo().snapshot()->policy.For(kArea).blacklisted_reports, 2);
  EXPECT_GT(site.head().geo().snapshot()->policy.version, version);
  policy.regions[6401].blacklisted_reports = 0;
  EXPECT_EQ(site.head().rollouts().Propose(site.NewRequest(), {.policy = policy}).error().reason(),
            Reason::kFieldInvalid);
}

TEST_F(RolloutTest, StagesByRegion) {
  Install(1, 6, kLost);
  const uint64_t number = Propose(LoseToCity()).rollout.number;
  ASSERT_TRUE(site.head().rollouts().Activate(Approved(), number, Staging{.regions = {640104}}));
  Judged(number);
  EXPECT_EQ(Dark(), 0U) << "the area lies in another county";
  ASSERT_TRUE(site.head().rollouts().Advance(site.NewRequest(), number));
  Judged(number);
  EXPECT_EQ(Dark(), 6U);
}

// Retiring takes an area's cells from everybody, with no way back: it waits until nobody lives there.
TEST_F(RolloutTest, AnAreaIsRetiredWhenItHasNoHomeLeft) {
  Install(1, 1, kHome);
  ASSERT_TRUE(site.Open(2)) << "opened, not installed: a home as well";
  const auto retire = [&] {
    const auto retired = site.head().rollouts().RetireArea(site.NewRequest(), kArea);
    return retired ? "" : retired.error().ToString();
  };
  EXPECT_THAT(retire(), testing::HasSubstr("2 homes are in area"));
  ASSERT_TRUE(site.head().registry().Close(site.NewRequest("moved away"), FormNumberOf(1)));
  EXPECT_THAT(retire(), testing::HasSubstr("1 home is in area"));
  ASSERT_TRUE(site.head().registry().Close(site.NewRequest("never came"), FormNumberOf(2)));
  EXPECT_EQ(retire(), "");
  EXPECT_EQ(site.head().geo().GetArea(kArea)->area.state, geofence::AreaState::kRetired);
}

}  // namespace
}  // namespace hearth::app
