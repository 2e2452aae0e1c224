#include "intervention/breaker.h"

#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hearth::intervention {
namespace {

constexpr int64_t kStart = 1'790'000'000'000;
constexpr AreaId kVillage(640122001);

UnixMillis At(int64_t seconds) { return UnixMillis(kStart + seconds * 1000); }

// A card of a village of 100 homes that left cell 7 a minute before its deciding report.
Departure Leaves(uint64_t card, int64_t seconds) {
  return {.card = CardNumber(card),
          .area = kVillage,
          .network = 1,
          .area_cards = 100,
          .old_cell = 7,
          .away_since = At(seconds - 60),
          .reported = At(seconds),
          .old_cell_heard = UnixMillis(0),
          .now = At(seconds + 1)};
}

// Up to the limit of five, one each second.
void Fill(Breaker& breaker) {
  for (uint64_t card = 1; card <= 5; ++card) {
    EXPECT_EQ(breaker.Judge(Leaves(card, static_cast<int64_t>(card))), BreakerAnswer::kOrder) << card;
  }
}

TEST(Breaker, TheSixthOfAVillageIsHeld) {
  Breaker breaker{BreakerRules()};
  Fill(breaker);
  EXPECT_TRUE(breaker.tripped(At(10)).empty());
  EXPECT_EQ(breaker.Judge(Leaves(6, 6)), BreakerAnswer::kHoldArea);
  EXPECT_EQ(breaker.Judge(Leaves(7, 899)), BreakerAnswer::kHoldArea);
  const std::vector<Tripped> expected = {{kVillage, 1, 7, 5, 2, At(1)}};
  EXPECT_EQ(breaker.tripped(At(900)), expected);
  EXPECT_EQ(breaker.OrderedInHour(At(900)), 5U);
}

TEST(Breaker, LimitsAndWindows) {
  struct Row {
    const char* name;
    std::function<void(Departure&)> change;
    BreakerAnswer answer;
  };
  const Row rows[] = {
      {"in the window", [](Departure&) {}, BreakerAnswer::kHoldArea},
      {"the window is over for one of them", [](Departure& d) { d.reported = At(1 + 900); },
       BreakerAnswer::kOrder},
      {"just not", [](Departure& d) { d.reported = UnixMillis(At(1 + 900).value - 1); },
       BreakerAnswer::kHoldArea},
      {"a late report from before", [](Departure& d) { d.reported = At(5 - 900); }, BreakerAnswer::kOrder},
      {"a late report just from before", [](Departure& d) { d.reported = At(6 - 900); },
       BreakerAnswer::kHoldArea},
      {"another network", [](Departure& d) { d.network = 2; }, BreakerAnswer::kOrder},
      {"another area", [](Departure& d) { d.area = AreaId(640122002); }, BreakerAnswer::kOrder},
      {"2 % of 299 cards are five", [](Departure& d) { d.area_cards = 299; }, BreakerAnswer::kHoldArea},
      {"2 % of 300 cards are six", [](Departure& d) { d.area_cards = 300; }, BreakerAnswer::kOrder},
      {"old cell heard since",
       [](Departure& d) { d.old_cell_heard = UnixMillis(At(6 - 60 + 300).value + 1); },
       BreakerAnswer::kOrderMoved},
      {"old cell heard within the skew", [](Departure& d) { d.old_cell_heard = At(6 - 60 + 300); },
       BreakerAnswer::kHoldArea},
      {"old cell heard, but unknown which", [](Departure& d) { d.old_cell = 0, d.old_cell_heard = At(3600); },
       BreakerAnswer::kHoldArea},
      {"away since unknown: since the report",
       [](Departure& d) { d.away_since = UnixMillis(0), d.old_cell_heard = At(6 + 300); },
       BreakerAnswer::kHoldArea},
  };
  for (const Row& row : rows) {
    Breaker breaker{BreakerRules()};
    Fill(breaker);
    Departure departure = Leaves(6, 6);
    row.change(departure);
    EXPECT_EQ(NameOf(breaker.Judge(departure)), NameOf(row.answer)) << row.name;
  }
}

// The village's cell is renumbered at 0; a thief left it half an hour before, and was judged within the
// window.
TEST(Breaker, AThiefWhoLeftJustBeforeDoesNotCondemnTheVillage) {
  Breaker breaker{BreakerRules()};
  Departure thief = Leaves(99, 0);
  thief.away_since = At(-1800);
  thief.old_cell_heard = At(-30);
  EXPECT_EQ(breaker.Judge(thief), BreakerAnswer::kOrder);
  for (uint64_t card = 1; card <= 100; ++card) {
    Departure departure = Leaves(card, 120);
    departure.old_cell_heard = At(-30);  // the last report from home before the night
    EXPECT_EQ(IsHold(breaker.Judge(departure)), card > 4) << card;
  }
}

TEST(Breaker, ACardCountsOnceAndIsJudgedAgain) {
  Breaker breaker{BreakerRules()};
  Fill(breaker);
  EXPECT_EQ(breaker.Judge(Leaves(6, 6)), BreakerAnswer::kHoldArea);
  for (int64_t i = 0; i < 10; ++i) EXPECT_EQ(breaker.Judge(Leaves(6, 66 + i)), BreakerAnswer::kHoldArea);
  EXPECT_EQ(breaker.tripped(At(100))[0].cards, 6U);
  EXPECT_EQ(breaker.tripped(At(100))[0].held, 1U);
  Departure again = Leaves(6, 900);
  again.away_since = At(-54);
  again.old_cell_heard = At(800);
  EXPECT_EQ(breaker.Judge(again), BreakerAnswer::kOrderMoved);
  EXPECT_EQ(breaker.tripped(At(901))[0].held, 0U);
}

TEST(Breaker, ReportsOfOneCardCountInEveryWindowBetween) {
  Breaker breaker{BreakerRules()};
  for (int64_t second = 0; second <= 3000; second += 300) (void)breaker.Judge(Leaves(1, second));
  for (uint64_t card = 2; card <= 5; ++card) {
    EXPECT_EQ(breaker.Judge(Leaves(card, 1550)), BreakerAnswer::kOrder) << card;
  }
  EXPECT_EQ(breaker.Judge(Leaves(6, 1550)), BreakerAnswer::kHoldArea);
}

TEST(Breaker, ForgottenCardsMakeRoom) {
  Breaker breaker{BreakerRules()};
  Fill(breaker);
  EXPECT_EQ(breaker.Judge(Leaves(6, 6)), BreakerAnswer::kHoldArea);
  breaker.Forget(CardNumber(6));
  EXPECT_TRUE(breaker.tripped(At(10)).empty());
  EXPECT_EQ(breaker.Judge(Leaves(7, 7)), BreakerAnswer::kHoldArea);
  breaker.Forget(CardNumber(7));
  breaker.Forget(CardNumber(1));
  EXPECT_EQ(breaker.OrderedInHour(At(10)), 4U);
  EXPECT_EQ(breaker.Judge(Leaves(8, 8)), BreakerAnswer::kOrder);
}

TEST(Breaker, AReleasedCardStillCounts) {
  Breaker breaker{BreakerRules()};
  Fill(breaker);
  (void)breaker.Judge(Leaves(6, 6));
  breaker.Released(CardNumber(6));
  EXPECT_EQ(breaker.tripped(At(10))[0].held, 0U);
  EXPECT_EQ(breaker.tripped(At(10))[0].cards, 6U);
  EXPECT_EQ(breaker.Judge(Leaves(7, 7)), BreakerAnswer::kHoldArea);
}

TEST(Breaker, TrippedEndsWithTheStormUnlessSomethingIsHeld) {
  Breaker breaker{BreakerRules()};
  Fill(breaker);
  (void)breaker.Judge(Leaves(6, 6));
  EXPECT_EQ(breaker.tripped(At(100'000)).size(), 1U);
  breaker.Released(CardNumber(6));
  EXPECT_EQ(breaker.tripped(At(900)).size(), 1U);
  EXPECT_EQ(breaker.tripped(At(1000)).size(), 0U);
}

TEST(Breaker, TheCountryHasACapOfTheHour) {
  BreakerRules rules;
  rules.national_per_hour = 3;
  Breaker breaker(rules);
  const auto judge = [&](uint64_t card, int64_t second) {
    Departure departure = Leaves(card, second);
    departure.area = AreaId(static_cast<uint32_t>(640122000 + card));
    departure.old_cell_heard = At(second + 600);
    return breaker.Judge(departure);
  };
  for (uint64_t card = 1; card <= 3; ++card) EXPECT_EQ(judge(card, 0), BreakerAnswer::kOrder);
  EXPECT_EQ(judge(4, 1), BreakerAnswer::kHoldNational);
  EXPECT_EQ(judge(3, 1), BreakerAnswer::kOrder) << "it was ordered already, and is not one more";
  EXPECT_EQ(breaker.OrderedInHour(At(2)), 3U);
  EXPECT_EQ(judge(4, 3598), BreakerAnswer::kHoldNational);
  EXPECT_EQ(judge(4, 3600), BreakerAnswer::kOrder);
  EXPECT_EQ(breaker.OrderedInHour(At(3602)), 1U)
      << "1 and 2 are over, so is 3 an hour after its second order";
}

TEST(Breaker, ReplayGivesTheSameStateAsBefore) {
  Breaker before{BreakerRules()};
  Breaker after{BreakerRules()};
  for (uint64_t card = 1; card <= 8; ++card) {
    const Departure departure = Leaves(card, static_cast<int64_t>(card));
    after.Replay(departure, before.Judge(departure));
  }
  EXPECT_EQ(after.tripped(At(10)), before.tripped(At(10)));
  EXPECT_EQ(after.OrderedInHour(At(10)), before.OrderedInHour(At(10)));
  EXPECT_EQ(after.Judge(Leaves(9, 9)), BreakerAnswer::kHoldArea);
}

TEST(Breaker, NewRulesCountWhatWasCounted) {
  Breaker breaker{BreakerRules()};
  Fill(breaker);
  BreakerRules rules;
  rules.cards = 3;
  breaker.SetRules(rules);
  EXPECT_EQ(breaker.tripped(At(10))[0].limit, 3U);
  rules.cards = 6;
  breaker.SetRules(rules);
  EXPECT_EQ(breaker.Judge(Leaves(6, 6)), BreakerAnswer::kOrder);
  EXPECT_EQ(breaker.Judge(Leaves(7, 7)), BreakerAnswer::kHoldArea);
}

TEST(Breaker, AnswersHaveNames) {
  EXPECT_EQ(NameOf(BreakerAnswer::kOrder), "ORDER");
  EXPECT_EQ(NameOf(BreakerAnswer::kOrderMoved), "ORDER_MOVED");
  EXPECT_EQ(NameOf(BreakerAnswer::kHoldArea), "HOLD_AREA");
  EXPECT_EQ(NameOf(BreakerAnswer::kHoldNational), "HOLD_NATIONAL");
}

// Departures of few cards and areas, in any order of report time; `now` goes on.
std::vector<Departure> AnyStorm(bool evidence) {
  std::vector<Departure> storm;
  const int count = *rc::gen::inRange(0, 60);
  int64_t now = 10'000;
  for (int i = 0; i < count; ++i) {
    now += *rc::gen::inRange(0, 120);
    const int64_t second = now - *rc::gen::weightedOneOf<int64_t>({{3, rc::gen::inRange<int64_t>(0, 60)},
                                                                   {1, rc::gen::inRange<int64_t>(0, 5000)}});
    const uint64_t card = *rc::gen::inRange<uint64_t>(1, 40);
    Departure departure = Leaves(card, second);
    departure.area = AreaId(static_cast<uint32_t>(640122001 + card % 3));
    departure.area_cards = 13;
    departure.now = At(now);
    if (evidence && *rc::gen::arbitrary<bool>())
      departure.old_cell_heard = At(*rc::gen::inRange<int64_t>(0, 20'000));
    storm.push_back(departure);
  }
  return storm;
}

BreakerRules AnyRules() {
  BreakerRules rules;
  rules.cards = *rc::gen::inRange<uint32_t>(1, 6);
  rules.percent = *rc::gen::element(0.0, 2.0, 25.0);
  rules.window = std::chrono::minutes(*rc::gen::inRange(1, 30));
  return rules;
}

RC_GTEST_PROP(BreakerProperty, WithoutEvidenceNoWindowHasMoreOrdersThanTheLimit, ()) {
  const BreakerRules rules = AnyRules();
  Breaker breaker(rules);
  std::map<AreaId, std::vector<std::pair<int64_t, CardNumber>>> ordered;
  for (const Departure& departure : AnyStorm(false)) {
    const BreakerAnswer answer = breaker.Judge(departure);
    RC_ASSERT(answer == BreakerAnswer::kOrder || answer == BreakerAnswer::kHoldArea);
    if (!IsHold(answer)) ordered[departure.area].emplace_back(departure.reported.value, departure.card);
  }
  const int64_t window = std::chrono::milliseconds(rules.window).count();
  for (const auto& [area, orders] : ordered) {
    for (const auto& [begin, card] : orders) {
      std::set<CardNumber> cards;
      for (const auto& [at, other] : orders) {
        if (at >= begin && at < begin + window) cards.insert(other);
      }
      RC_ASSERT(cards.size() <= CardLimit(rules.cards, rules.percent, 13));
    }
  }
}

RC_GTEST_PROP(BreakerProperty, OrderedOnEvidenceOnlyWhenTheOldCellWasHeardAfterTheCardLeft, ()) {
  Breaker breaker(AnyRules());
  for (const Departure& departure : AnyStorm(true)) {
    if (breaker.Judge(departure) != BreakerAnswer::kOrderMoved) continue;
    RC_ASSERT(departure.old_cell_heard.value > departure.away_since.value + 300'000);
  }
}

RC_GTEST_PROP(BreakerProperty, AHoldIsNeverTurnedIntoAnOrderByAskingAgain, ()) {
  Breaker breaker(AnyRules());
  for (const Departure& departure : AnyStorm(true)) {
    if (!IsHold(breaker.Judge(departure))) continue;
    const int times = *rc::gen::inRange(1, 4);
    for (int i = 0; i < times; ++i) RC_ASSERT(IsHold(breaker.Judge(departure)));
  }
}

RC_GTEST_PROP(BreakerProperty, AreasDoNotDependOnEachOther, ()) {
  const BreakerRules rules = AnyRules();
  const std::vector<Departure> storm = AnyStorm(true);
  Breaker all(rules);
  std::map<AreaId, std::vector<BreakerAnswer>> together;
  for (const Departure& departure : storm) together[departure.area].push_back(all.Judge(departure));
  const UnixMillis end = storm.empty() ? At(0) : storm.back().now;
  std::vector<Tripped> tripped;
  for (const auto& [area, answers] : together) {
    Breaker alone(rules);
    std::vector<BreakerAnswer> got;
    for (const Departure& departure : storm) {
      if (departure.area == area) got.push_back(alone.Judge(departure));
    }
    RC_ASSERT(got == answers);
    for (const Tripped& trip : alone.tripped(end)) tripped.push_back(trip);
  }
  RC_ASSERT(all.tripped(end) == tripped);
}

RC_GTEST_PROP(BreakerProperty, TheHourNeverHasMoreOrdersThanTheNationalCap, ()) {
  BreakerRules rules = AnyRules();
  rules.national_per_hour = *rc::gen::inRange<uint32_t>(1, 8);
  Breaker breaker(rules);
  for (const Departure& departure : AnyStorm(true)) {
    (void)breaker.Judge(departure);
    RC_ASSERT(breaker.OrderedInHour(departure.now) <= rules.national_per_hour);
  }
}

}  // namespace
}  // namespace hearth::intervention
