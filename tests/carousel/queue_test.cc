#include "src/carousel/queue.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace hearth::carousel {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Subject Card(uint64_t number) { return {Kind::kStanding, number}; }
Section Standing(uint64_t number, uint32_t bytes = 24) { return {Card(number), bytes}; }

uint64_t SendFirst(Queue& queue, Time now) {
  const auto section = queue.firsts().Peek(now);
  if (!section) return 0;
  queue.firsts().Advance(now);
  return section->subject.number();
}

TEST(Queue, InTheOrderTheyCame) {
  Queue queue({});
  for (const uint64_t card : {5U, 3U, 9U}) queue.Put(Standing(card), seconds(card));
  EXPECT_EQ(queue.waiting(), 3U);
  EXPECT_EQ(queue.waiting_bytes(), 72U);
  EXPECT_EQ(queue.Oldest(seconds(20)), seconds(15));
  EXPECT_EQ(SendFirst(queue, seconds(20)), 5U);
  EXPECT_EQ(SendFirst(queue, seconds(20)), 3U);
  EXPECT_EQ(SendFirst(queue, seconds(20)), 9U);
  EXPECT_EQ(SendFirst(queue, seconds(20)), 0U);
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_EQ(queue.size(), 3U) << "they repeat";
}

TEST(Queue, NewerReplacesOlderInItsPlace) {
  Queue queue({});
  queue.Put(Standing(1, 24), seconds(0));
  queue.Put(Standing(2), seconds(1));
  queue.Put(Standing(1, 50), seconds(2));
  EXPECT_EQ(queue.waiting(), 2U);
  EXPECT_EQ(queue.waiting_bytes(), 74U);
  EXPECT_EQ(queue.firsts().Peek(seconds(3))->bytes, 50U);
  EXPECT_EQ(queue.Oldest(seconds(3)), seconds(3)) << "the wait of the subject, not of the last change";
  EXPECT_EQ(SendFirst(queue, seconds(3)), 1U);
}

TEST(Queue, NewerThanWhatWasOnTheAirBeginsAnew) {
  Queue queue({.first = seconds(2), .bound = minutes(1)});
  queue.Put(Standing(1), seconds(0));
  EXPECT_EQ(SendFirst(queue, seconds(0)), 1U);
  queue.Put(Standing(2), seconds(1));
  queue.Put(Standing(1), seconds(1));
  EXPECT_FALSE(queue.repeats().Peek(seconds(5))) << "the older state is not repeated";
  EXPECT_EQ(SendFirst(queue, seconds(5)), 2U);
  EXPECT_EQ(SendFirst(queue, seconds(5)), 1U);
  EXPECT_EQ(queue.Find(Card(1))->sends, 1U);
  EXPECT_EQ(queue.size(), 2U);
}

TEST(Queue, RepeatsDecayUntilTheCycleTakesOver) {
  Queue queue({.first = seconds(2), .bound = seconds(60)});
  queue.Put(Standing(1), seconds(0));
  EXPECT_EQ(SendFirst(queue, seconds(10)), 1U);
  std::vector<int64_t> gaps;
  Time last = seconds(10);
  for (Time now = seconds(10); now < minutes(30); now += milliseconds(100)) {
    if (!queue.repeats().Peek(now)) continue;
    queue.repeats().Advance(now);
    gaps.push_back(std::chrono::duration_cast<seconds>(now - last).count());
    last = now;
  }
  EXPECT_EQ(gaps, (std::vector<int64_t>{2, 4, 8, 16, 32}));
  EXPECT_EQ(queue.size(), 0U);
}

TEST(Queue, RepeatsThatFoundNoRoomEndWithTheCyclesSecondPass) {
  Queue queue({.first = seconds(2), .bound = seconds(60)});
  queue.Put(Standing(1), seconds(0));
  EXPECT_EQ(SendFirst(queue, seconds(0)), 1U);
  EXPECT_TRUE(queue.repeats().Peek(seconds(120)));
  EXPECT_FALSE(queue.repeats().Peek(milliseconds(120'001)));
  EXPECT_EQ(queue.size(), 0U);
}

TEST(Queue, WhatIsConfirmedGoes) {
  Queue queue({});
  queue.Put(Standing(1), seconds(0));
  queue.Put(Standing(2), seconds(0));
  EXPECT_TRUE(queue.Remove(Card(1)));
  EXPECT_FALSE(queue.Remove(Card(1)));
  EXPECT_EQ(SendFirst(queue, seconds(0)), 2U);
  EXPECT_TRUE(queue.Remove(Card(2)));
  EXPECT_FALSE(queue.repeats().Peek(seconds(5)));
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(queue.waiting_bytes(), 0U);
  queue.Put(Standing(1), seconds(9));
  EXPECT_EQ(SendFirst(queue, seconds(9)), 1U);
}

// Against a plain list, with restarts at any moment: nothing is lost, nothing old comes back, first ones keep
// their order.
TEST(Queue, NothingIsLostOverRestarts) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const Decay decay{.first = seconds(1), .bound = seconds(30)};
    auto queue = std::make_unique<Queue>(decay);
    std::map<uint64_t, Time> never_sent;
    Time now{0};
    for (int step = 0; step < 5000; ++step) {
      now += milliseconds(random() % 200);
      const uint64_t card = 1 + random() % 100;
      switch (random() % 8) {
        case 0:
        case 1:
          queue->Put(Standing(card), now);
          never_sent.try_emplace(card, now);
          break;
        case 2:
          if (random() % 4 == 0) {
            queue->Remove(Card(card));
            never_sent.erase(card);
          }
          break;
        case 3: {
          if (random() % 20 != 0) break;
          std::vector<Queue::Item> kept;
          queue->ForEach([&](const Queue::Item& item) { kept.push_back(item); });
          std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
          queue = std::make_unique<Queue>(decay);
          for (const Queue::Item& item : kept) queue->Restore(item);
          break;
        }
        default:
          if (const uint64_t sent = SendFirst(*queue, now)) {
            ASSERT_TRUE(never_sent.contains(sent)) << "seed " << seed;
            for (const auto& [other, put] : never_sent) ASSERT_LE(never_sent[sent], put) << "seed " << seed;
            never_sent.erase(sent);
          } else if (queue->repeats().Peek(now)) {
            ASSERT_FALSE(never_sent.contains(queue->repeats().Peek(now)->subject.number()));
            queue->repeats().Advance(now);
          }
      }
      ASSERT_EQ(queue->waiting(), never_sent.size()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace hearth::carousel
