// The carousel at work over a clock that is set: order, places, rates, several outputs, and what is promised
// of them.
#include <algorithm>

#include <gtest/gtest.h>

#include "src/carousel/pacer.h"
#include "tests/app/workload.h"

namespace hearth::app {
namespace {

using carousel::Tier;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Sections of a kind, of those from number `from` on.
std::vector<Bytes> Of(const CollectingSink& sink, uint8_t table_id, size_t from = 0) {
  std::vector<Bytes> found;
  for (Bytes& section : sink.From(from)) {
    if (section[0] == table_id) found.push_back(std::move(section));
  }
  return found;
}

size_t CountOf(const CollectingSink& sink, uint8_t table_id, CardNumber card, size_t from = 0) {
  const auto all = Of(sink, table_id, from);
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const Bytes& section) {
    return receiver::AddressedCard(section) == card;
  }));
}

class AirTest : public testing::Test {
 protected:
  // Lets so much time go by, in steps that the carousel keeps up with.
  void Go(milliseconds time, milliseconds step = milliseconds(20)) {
    for (; time > milliseconds(0); time -= step) {
      site.clock.Advance(std::min(step, time));
      Look();
    }
  }
  // Until the carousel has sent what is due at the time as it is now: the second answer comes after that.
  void Look() {
    for (int i = 0; i < 2; ++i) (void)site.head().pump().DeliveryOf(CardOf(1));
  }
  bool GoUntil(const std::function<bool()>& done, milliseconds step = milliseconds(100)) {
    return WaitUntil([&] {
      if (done()) return true;
      Go(step, step);
      return done();
    });
  }
  const AirTierStatus& TierOf(const AirStatus& air, Tier tier) {
    return air.outputs.at(0).tiers[static_cast<size_t>(tier)];
  }
  DeliveryState StateOf(uint64_t n) { return site.head().pump().DeliveryOf(CardOf(n))->state; }
  // Off, and on, and so on.
  void CarryToTown(Home& home) {
    ASSERT_TRUE(site.Send(home, kCity));
    site.clock.Advance(seconds(60));
    const auto answer = site.Send(home, kCity);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->outcome, ReportOutcome::kSwitchedOff);
  }

  Site site;
};

TEST_F(AirTest, TheNewestStateAloneGoesOutWhenTheRateComesBack) {
  Home home = site.Installed(1);
  site.sink.SetRate(site.clock, 0);
  Go(seconds(1));
  const size_t before = site.sink.size();
  CarryToTown(home);
  ASSERT_TRUE(site.Send(home, kHome));
  CarryToTown(home);
  EXPECT_EQ(StateOf(1), DeliveryState::kQueued);
  Go(seconds(1));
  EXPECT_EQ(site.sink.size(), before) << "nothing without a rate";
  site.sink.SetRate(site.clock, 1000);
  EXPECT_TRUE(GoUntil([&] { return CountOf(site.sink, receiver::kStanding, CardOf(1), before) > 0; }));
  const auto first = receiver::DecodeStanding(Of(site.sink, receiver::kStanding, before).front());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->standing.standing, receiver::Standing::kDark);
  EXPECT_EQ(first->stamp, site.head().registry().Card(CardOf(1))->value.card.standing_stamp);
  site.Drain();
  site.Listen(home);
  EXPECT_FALSE(site.Watches(home));
}

TEST_F(AirTest, AnActivationWaitsForNoRecord) {
  site.sink.SetRate(site.clock, 4);
  for (uint64_t n = 1; n <= 20; ++n) ASSERT_TRUE(site.Open(n));
  Home home = site.NewHome(1);
  const size_t before = site.sink.size();
  ASSERT_TRUE(site.Send(home, kHome));
  // Alone, or with the others of its group.
  const auto told = [](const Bytes& section) {
    return section[0] == receiver::kGroup ||
           (section[0] == receiver::kStanding && receiver::AddressedCard(section) == CardOf(1));
  };
  EXPECT_TRUE(GoUntil([&] {
    const auto sent = site.sink.From(before);
    return std::any_of(sent.begin(), sent.end(), told);
  }));
  size_t records = 0;
  for (const Bytes& section : site.sink.From(before)) {
    if (told(section)) break;
    records += section[0] == receiver::kRecord || section[0] == receiver::kPairing ? 1 : 0;
  }
  EXPECT_LE(records, 10U) << "of forty records and pairings";
}

TEST_F(AirTest, RepeatsDecayAndGoOnOverARestart) {
  Home home = site.Installed(1);
  Go(minutes(40), seconds(1));  // what came before has been repeated enough
  size_t from = site.sink.size();
  CarryToTown(home);
  Go(seconds(15));
  const size_t early = CountOf(site.sink, receiver::kStanding, CardOf(1), from);
  EXPECT_GE(early, 3U) << "at once, after 2 and after 6 seconds";
  EXPECT_LE(early, 5U);
  EXPECT_EQ(StateOf(1), DeliveryState::kSent);
  site.Drain();
  site.Restart();
  from = site.sink.size();
  Go(minutes(2), milliseconds(500));
  const size_t later = CountOf(site.sink, receiver::kStanding, CardOf(1), from);
  EXPECT_GE(later, 2U) << "its place was kept";
  EXPECT_LE(later, 4U) << "and nothing began anew";
  Go(minutes(40), seconds(1));
  EXPECT_EQ(StateOf(1), DeliveryState::kBoundedByEpoch);
  EXPECT_GT(site.head().pump().DeliveryOf(CardOf(1))->bounded->value, site.clock.Now().value);
}

TEST_F(AirTest, CyclesGoOnWhereTheyStood) {
  for (uint64_t n = 1; n <= 20; ++n) ASSERT_TRUE(site.Open(n));
  site.Drain();
  site.sink.SetRate(site.clock, 4);
  Go(seconds(40), milliseconds(100));
  const auto records = [&] { return *TierOf(site.head().pump().air(), Tier::kRecords).cycle; };
  ASSERT_TRUE(GoUntil([&] { return records().done > 0.3 && records().done < 0.7; }));
  const CycleStatus before = records();
  site.Stop();
  site.Start();
  Look();
  EXPECT_EQ(records().passes, before.passes);
  EXPECT_GE(records().done, before.done);
  EXPECT_LT(records().done, before.done + 0.3);
}

TEST_F(AirTest, ARecordIsRepeatedUntilTheHomeReports) {
  Home home = site.NewHome(1);
  ASSERT_TRUE(site.Open(1));
  site.Drain();
  EXPECT_TRUE(GoUntil([&] { return site.head().pump().air().unconfirmed == 1; }));
  const auto in_a_minute = [&] {
    const size_t from = site.sink.size();
    Go(minutes(5), milliseconds(500));
    return CountOf(site.sink, receiver::kRecord, CardOf(1), from);
  };
  const size_t unconfirmed = in_a_minute();
  site.Restart();
  EXPECT_TRUE(GoUntil([&] { return site.head().pump().air().unconfirmed == 1; })) << "remembered";
  ASSERT_TRUE(site.Send(home, kHome));
  EXPECT_TRUE(GoUntil([&] { return site.head().pump().air().unconfirmed == 0; }));
  EXPECT_EQ(StateOf(1), DeliveryState::kSent) << "the activation has come since";
  Go(minutes(2), seconds(1));
  ASSERT_TRUE(site.Send(home, kHome));
  EXPECT_EQ(StateOf(1), DeliveryState::kConfirmed);
  EXPECT_LT(in_a_minute(), unconfirmed) << "now only with those of all cards";
}

TEST_F(AirTest, ManyOfOneGroupGoAsItsBitmap) {
  site.Stop();
  site.options.policy.breaker.cards = 100;  // it would take them for a renumbered network
  site.Start();
  std::vector<Home> homes;
  for (uint64_t n = 1; n <= 20; ++n) homes.push_back(site.Installed(n));
  site.Pass();
  site.sink.SetRate(site.clock, 0);
  Look();
  const size_t from = site.sink.size();
  for (Home& home : homes) CarryToTown(home);
  Go(seconds(5));  // the watermark passes
  site.sink.SetRate(site.clock, 1000);
  site.Drain();
  std::set<uint64_t> alone;
  for (const Bytes& section : Of(site.sink, receiver::kStanding, from))
    alone.insert(receiver::AddressedCard(section).value);
  EXPECT_LE(alone.size(), 3U) << "as many as cost less than the bitmap";
  EXPECT_FALSE(Of(site.sink, receiver::kGroup, from).empty());
  for (Home& home : homes) {
    site.Listen(home);
    EXPECT_FALSE(site.Watches(home));
  }
}

TEST_F(AirTest, ARefreshComesInTimeForItsPromise) {
  Home home = site.Installed(1);
  site.sink.SetRate(site.clock, 10);
  for (uint64_t n = 2; n <= 40; ++n) ASSERT_TRUE(site.Open(n));
  Go(seconds(2));
  ASSERT_GT(site.head().pump().waiting(), 0U) << "there is a backlog";
  Home deaf = site.NewHome(1);
  deaf.heard_sections = site.sink.size();
  const auto refreshed = site.head().pump().RefreshCard(site.NewRequest(), CardOf(1), site.options.limits);
  ASSERT_TRUE(refreshed);
  ASSERT_TRUE(refreshed->expected);
  const int64_t promised = refreshed->expected->value - site.clock.Now().value;
  EXPECT_GT(promised, 0);
  EXPECT_LT(promised, 10'000);
  Go(milliseconds(promised));
  site.Listen(deaf);
  EXPECT_TRUE(site.Watches(deaf)) << "within " << promised << " ms";
}

TEST_F(AirTest, NothingOfCardsAndGroupsGoesOutWhileTheyAreHeld) {
  Home home = site.Installed(1);
  site.head().pump().HoldGroups(true);
  Go(seconds(1));
  EXPECT_TRUE(site.head().pump().air().held);
  const size_t from = site.sink.size();
  CarryToTown(home);
  Go(seconds(60));
  EXPECT_FALSE(Of(site.sink, receiver::kServiceKeys, from).empty()) << "they go on";
  for (const uint8_t held : {receiver::kRecord, receiver::kStanding, receiver::kGroup, receiver::kPairing})
    EXPECT_TRUE(Of(site.sink, held, from).empty()) << int{held};
  EXPECT_GT(site.head().pump().waiting(), 0U);
  site.head().pump().HoldGroups(false);
  site.Drain();
  site.Listen(home);
  EXPECT_FALSE(site.Watches(home)) << "nothing was lost";
}

TEST_F(AirTest, NeverAboveTheRateAndNeverIdle) {
  constexpr uint32_t kKbps = 20;
  site.Stop();
  site.sink.SetRate(site.clock, kKbps);
  site.options.air.least = {AirTime(0), AirTime(0), AirTime(0), AirTime(0)};  // there is always something
  site.Start();
  for (uint64_t n = 1; n <= 20; ++n) ASSERT_TRUE(site.Open(n));
  Go(seconds(3));
  const size_t before = site.sink.size();
  constexpr seconds kTime{20};
  Go(kTime);
  double bytes = 0;
  for (const Bytes& section : site.sink.From(before))
    bytes += carousel::AirBytes(section.size(), mpegts::Packing::kPacked);
  const double granted = kKbps * 125.0 * kTime.count();
  // An output holds some hundredths of a second ahead, and at least one section.
  EXPECT_LT(bytes, granted + 2 * 200 + kKbps * 125 * 0.04);
  EXPECT_GT(bytes, 0.99 * granted);
}

TEST(AirOutputs, EachKeepsItsOwnPaceAndNothingIsDoneBeforeAllHaveIt) {
  Site site({.two_outputs = true});
  Home home = site.NewHome(1);
  site.other.SetRate(site.clock, 0);
  ASSERT_TRUE(site.Open(1));
  ASSERT_TRUE(WaitUntil([&] { return CountOf(site.sink, receiver::kRecord, CardOf(1)) > 0; }));
  EXPECT_GT(site.head().pump().waiting(), 0U);
  EXPECT_TRUE(Of(site.other, receiver::kRecord).empty());
  site.Restart();  // the other output lacks all of it
  site.other.SetRate(site.clock, 100);
  site.Drain();
  EXPECT_GT(CountOf(site.other, receiver::kRecord, CardOf(1)), 0U);
  EXPECT_FALSE(Of(site.other, receiver::kPairing).empty());
}

TEST(AirOutputs, AnOutputHearsOfItsProvincesOnly) {
  HeadEndOptions options;
  options.air.regions.push_back({.output = "other", .provinces = {65}});
  Site site({.head_end = options, .two_outputs = true});
  (void)site.Installed(1);
  site.Pass();
  EXPECT_GT(site.sink.size(), 10U);
  EXPECT_EQ(site.other.size(), 0U) << "all is of 64, and nobody waits for the other";
}

// Whatever happens in between, on outputs that are slow, that fail and that lose what they held: in the end
// every receiver shows what the books say.
TEST(AirOutputs, NothingIsLostOverAnyLife) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  Site site({.two_outputs = true});
  Workload workload(site, seed, 10);
  const std::vector<uint32_t> rates = {0, 5, 50, 1000};
  for (int round = 0; round < 16; ++round) {
    site.sink.SetRate(site.clock, rates[random() % rates.size()]);
    site.other.SetRate(site.clock, rates[random() % rates.size()]);
    workload.Run(20);
    CollectingSink& sink = random() % 2 == 0 ? site.sink : site.other;
    switch (random() % 4) {
      case 0:
        site.Restart();
        break;
      case 1:  // killed with sections on the way
        sink.Hold();
        workload.Run(5);
        site.Stop();
        sink.LoseHeld();
        site.Start();
        break;
      case 2:
        sink.Fail(true);
        workload.Run(5);
        sink.Fail(false);
        break;
      default:
        break;
    }
  }
  site.sink.SetRate(site.clock, 1000);
  site.other.SetRate(site.clock, 1000);
  site.Pass();
  for (const CollectingSink* output : {&site.sink, &site.other}) {
    for (uint64_t n = 1; n <= 10; ++n) {
      const auto record = site.head().registry().Card(CardOf(n));
      ASSERT_TRUE(record);
      const entitlement::Card& card = record->value.card;
      const uint64_t box = card.box.value == 0 ? n : card.box.value - BoxOf(0).value;
      Home home = site.NewHome(n, box, n);
      for (const Bytes& section : output->all()) (void)home.receiver.Feed(section);
      EXPECT_EQ(site.Watches(home), card.standing != entitlement::Standing::kDark)
          << "card " << n << " at " << output->name();
    }
  }
}

}  // namespace
}  // namespace hearth::app
