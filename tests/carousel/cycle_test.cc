#include "src/carousel/cycle.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace hearth::carousel {
namespace {

using std::chrono::seconds;

Section At(uint64_t number) { return {Subject(Kind::kGroup, number), 81}; }

// The next `count` numbers, one a second from `now` on.
std::vector<uint64_t> Turns(Feed& feed, size_t count, Time& now) {
  std::vector<uint64_t> turns;
  for (size_t waited = 0; turns.size() < count && waited < 100 * count + 10'000; ++waited) {
    if (const auto section = feed.Peek(now)) {
      turns.push_back(section->subject.number());
      feed.Advance(now);
    }
    now += seconds(1);
  }
  return turns;
}

TEST(Cycle, EachPassHasAllOfThemOnceInAnotherOrder) {
  for (const uint32_t segments : {1U, 8U, 1024U}) {
    Cycle cycle(At, {.seed = 3}, {.segments = segments});
    constexpr size_t kCount = 300;
    cycle.SetCount(kCount);
    Time now{0};
    std::set<std::vector<uint64_t>> orders;
    for (int pass = 0; pass < 5; ++pass) {
      const auto turns = Turns(cycle, kCount, now);
      EXPECT_EQ(std::set<uint64_t>(turns.begin(), turns.end()).size(), kCount) << segments;
      orders.insert(turns);
    }
    EXPECT_EQ(orders.size(), segments == 1024 ? 1U : 5U) << segments << ": a segment of one has one order";
  }
}

// How long the longest wait between two turns of one number was, in passes.
double LongestGap(uint32_t segments) {
  constexpr size_t kCount = 4096;
  Cycle cycle(At, {.seed = 5}, {.segments = segments});
  cycle.SetCount(kCount);
  Time now{0};
  std::map<uint64_t, size_t> last;
  size_t longest = 0;
  size_t turn = 0;
  for (const uint64_t number : Turns(cycle, 8 * kCount, now)) {
    if (last.contains(number)) longest = std::max(longest, turn - last[number]);
    last[number] = turn++;
  }
  return static_cast<double>(longest) / kCount;
}

TEST(Cycle, SegmentsBoundTheGaps) {
  EXPECT_LE(LongestGap(16), 1 + 1.0 / 16);
  EXPECT_GT(LongestGap(16), 1.03);
  EXPECT_LE(LongestGap(1), 2);
  EXPECT_GT(LongestGap(1), 1.9);
}

TEST(Cycle, GoesOnWhereItStood) {
  Cycle whole(At, {.seed = 11}, {.segments = 4});
  whole.SetCount(1000);
  Time now{0};
  (void)Turns(whole, 2345, now);
  const CyclePosition position = whole.position();
  EXPECT_EQ(position.pass, 2U);
  Cycle resumed(At, position, {.segments = 4});
  resumed.SetCount(1000);
  Time later{0};
  EXPECT_EQ(Turns(resumed, 3000, later), Turns(whole, 3000, now));
}

TEST(Cycle, WhatIsNewComesWithTheNextPassAndWhatIsGoneIsPassedOver) {
  std::set<uint64_t> gone;
  Cycle cycle([&](uint64_t number) { return gone.contains(number) ? Section{} : At(number); }, {.seed = 1},
              {});
  cycle.SetCount(100);
  Time now{0};
  (void)Turns(cycle, 50, now);
  cycle.SetCount(120);
  const auto rest = Turns(cycle, 50, now);
  EXPECT_LT(*std::max_element(rest.begin(), rest.end()), 100U);
  gone = {7, 119};
  const auto next = Turns(cycle, 118, now);
  const std::set<uint64_t> seen(next.begin(), next.end());
  EXPECT_EQ(seen.size(), 118U);
  EXPECT_FALSE(seen.contains(7) || seen.contains(119));
}

TEST(Cycle, NothingWithoutContentOrWhileHeld) {
  Cycle cycle(At, {}, {});
  EXPECT_FALSE(cycle.Peek(Time(0)));
  cycle.SetCount(3);
  EXPECT_TRUE(cycle.Peek(Time(0)));
  cycle.Hold(true);
  EXPECT_FALSE(cycle.Peek(seconds(1)));
  cycle.Hold(false);
  EXPECT_TRUE(cycle.Peek(seconds(1)));
  Cycle empty([](uint64_t) { return Section{}; }, {}, {});
  empty.SetCount(1'000'000);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(empty.Peek(Time(i)));
}

TEST(Cycle, APassTakesItsLeastTimeAndIsSpreadOverIt) {
  Cycle cycle(At, {.seed = 2}, {.min_pass = seconds(1000)});
  cycle.SetCount(64);
  Time now{0};
  std::vector<double> at;
  while (at.size() < 128) {
    if (cycle.Peek(now)) {
      at.push_back(std::chrono::duration<double>(now).count());
      cycle.Advance(now);
    }
    now += seconds(1);
  }
  for (size_t i = 0; i < at.size(); ++i) EXPECT_NEAR(at[i], 1000.0 / 64 * static_cast<double>(i), 3);
  EXPECT_NEAR(std::chrono::duration<double>(cycle.last_pass()).count(), 1000, 3);
}

TEST(SetCycle, EachPassHasAllOfThemOnceWhateverComesAndGoes) {
  std::mt19937 random(17);
  SetCycle cycle(9);
  std::map<uint64_t, uint64_t> members;  // number → passes since its last turn that have begun
  Time now{0};
  uint64_t bytes = 0;
  size_t turns_of_pass = 0;
  std::set<uint64_t> seen;
  for (int step = 0; step < 50'000; ++step) {
    const uint64_t number = random() % 200;
    const uint64_t what = random() % 20;
    if (what == 0) {
      if (!members.contains(number)) bytes += 100 + number;
      members[number];
      cycle.Put({Subject(Kind::kRecord, number), static_cast<uint32_t>(100 + number)});
    } else if (what == 1) {
      EXPECT_EQ(cycle.Remove(Subject(Kind::kRecord, number)), members.erase(number) > 0);
      if (seen.erase(number) > 0) --turns_of_pass;
      bytes = 0;
      for (const auto& [n, unused] : members) bytes += 100 + n;
    } else if (const auto section = cycle.Peek(now)) {
      const uint64_t turn = section->subject.number();
      ASSERT_TRUE(members.contains(turn)) << turn << " is gone";
      if (!seen.insert(turn).second) {
        // A new pass; all of those that are there have had their turn.
        ASSERT_EQ(seen.size(), members.size());
        seen = {turn};
      }
      cycle.Advance(now);
    }
    ASSERT_EQ(cycle.size(), members.size());
    ASSERT_EQ(cycle.bytes(), bytes);
    now += seconds(1);
  }
}

TEST(Alternate, TheSecondHasItsTurnsAndThoseLeftOver) {
  SetCycle first(1);
  SetCycle second(2);
  for (uint64_t i = 0; i < 10; ++i) first.Put({Subject(Kind::kRecord, i), 182});
  for (uint64_t i = 100; i < 110; ++i) second.Put({Subject(Kind::kRecord, i), 182});
  Alternate both(first, second, 5);
  Time now{0};
  const auto turns = Turns(both, 1000, now);
  EXPECT_EQ(std::count_if(turns.begin(), turns.end(), [](uint64_t n) { return n >= 100; }), 200);
  for (uint64_t i = 0; i < 10; ++i) first.Remove(Subject(Kind::kRecord, i));
  const auto left = Turns(both, 100, now);
  EXPECT_TRUE(std::all_of(left.begin(), left.end(), [](uint64_t n) { return n >= 100; }));
  EXPECT_EQ(left.size(), 100U);
}

}  // namespace
}  // namespace hearth::carousel
