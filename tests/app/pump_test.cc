// From the outbox to the outputs: nothing is lost over restarts and failing outputs, no group section claims
// more than it shows, and receivers go on over the epochs.
#include <gtest/gtest.h>

#include "src/cas/group.h"
#include "tests/app/workload.h"

namespace hearth::app {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kDay{24};

TEST(Pump, ARestartSendsWhatAFailingOutputDidNotTake) {
  Site site;
  Home home = site.NewHome(1);
  site.sink.Fail(true);
  ASSERT_TRUE(site.Open(1));
  ASSERT_TRUE(site.Send(home, kHome));
  EXPECT_TRUE(WaitUntil([&] { return site.sink.refused() > 0; }));
  EXPECT_GT(site.head().pump().waiting(), 0U);
  site.Restart();
  for (const Bytes& section : site.sink.all()) EXPECT_NE(section[0], receiver::kRecord);
  site.sink.Fail(false);
  site.Drain();
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home));
}

TEST(Pump, ARestartSendsWhatAnOutputTookButHadNotOnTheAir) {
  Site site;
  Home home = site.NewHome(1);
  site.sink.Hold();
  ASSERT_TRUE(site.Open(1));
  ASSERT_TRUE(site.Send(home, kHome));
  EXPECT_TRUE(WaitUntil([&] { return site.sink.Backlog() >= 4; }));
  EXPECT_GT(site.head().pump().waiting(), 0U) << "taken is not sent";
  site.Stop();
  site.sink.LoseHeld();
  site.Start();
  site.Drain();
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home));
}

TEST(Pump, ARestartSendsWhatWaitedForTheWatermark) {
  Site site;
  Home home = site.NewHome(1);
  ASSERT_TRUE(site.Open(1));
  ASSERT_TRUE(site.Send(home, kHome));
  // The clock stands still: the unique messages are out, the group's section is not.
  EXPECT_TRUE(WaitUntil([&] { return site.sink.size() >= 4; }));
  site.Restart();
  site.Restart();
  site.Drain();
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home));
}

TEST(Pump, AnOutputThatFailsForAWhileGetsEverythingInOrder) {
  Site site;
  Home home = site.Installed(1);
  site.sink.Fail(true);
  const auto before = site.sink.refused();
  ASSERT_TRUE(site.Send(home, kCity));
  site.clock.Advance(seconds(60));
  ASSERT_TRUE(site.Send(home, kCity));
  EXPECT_TRUE(WaitUntil([&] { return site.sink.refused() > before; }));
  ASSERT_TRUE(site.Send(home, kHome));
  site.sink.Fail(false);
  site.Drain();
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home)) << "off, then on";
}

// Whatever happens in between: in the end every receiver shows what the books say.
TEST(Pump, ReceiversAgreeWithTheBooksAfterAnyLife) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  Site site;
  Workload workload(site, seed, 10);
  for (int round = 0; round < 12; ++round) {
    workload.Run(25);
    switch (random() % 4) {
      case 0:
        site.Restart();
        break;
      case 1:
        site.sink.Fail(true);
        workload.Run(5);
        site.Restart();
        site.sink.Fail(false);
        break;
      case 2:
        site.Drain();
        break;
      default:
        break;
    }
  }
  site.Drain();
  int lit = 0;
  for (uint64_t n = 1; n <= 10; ++n) {
    const auto record = site.head().registry().Card(CardOf(n));
    ASSERT_TRUE(record);
    const entitlement::Card& card = record->value.card;
    const uint64_t box = card.box.value == 0 ? n : card.box.value - BoxOf(0).value;
    Home home = site.NewHome(n, box, n);
    site.Listen(home);
    const bool on = card.standing != entitlement::Standing::kDark;
    EXPECT_EQ(site.Watches(home), on) << "card " << n;
    EXPECT_EQ(home.receiver.screen().code,
              entitlement::ViewerCode(card) == "E02" ? "E04" : std::string(entitlement::ViewerCode(card)))
        << "card " << n;
    lit += on ? 1 : 0;
  }
  std::cout << lit << " lit" << std::endl;
}

// One change of what a slot's bit shall be.
struct BitChange {
  Stamp stamp;
  bool on = false;
};

// From the change records: what each card wanted its slot to show, from which stamp on, oldest first.
using BitHistory = std::map<std::pair<uint32_t, uint8_t>, std::map<std::string, std::vector<BitChange>>>;

BitHistory HistoryOf(Site& site) {
  BitHistory history;
  for (const auto& [id, sequence] : site.Sequences()) {
    std::map<std::string, entitlement::Card> cards;
    const auto records = site.store->Scan(store::BucketId(id), store::Space::kRecord, "", "", 1'000'000);
    for (const auto& item : records->items) {
      const auto record = records::Decode<records::ChangeRecord>(item.value);
      for (const auto& [key, value] : record->puts) {
        if (!key.starts_with("card/")) continue;
        const entitlement::Card now = records::Decode<records::CardRecord>(SplitRevision(value)->value)->card;
        const entitlement::Card before = std::exchange(cards[key], now);
        if (now.standing_stamp == before.standing_stamp) continue;
        if (before.place.group.value != 0 && !(before.place == now.place)) {
          history[{before.place.group.value, before.place.slot}][key].push_back({now.standing_stamp, false});
        }
        if (now.place.group.value != 0) {
          const bool on = now.standing != entitlement::Standing::kDark;
          history[{now.place.group.value, now.place.slot}][key].push_back({now.standing_stamp, on});
        }
      }
    }
  }
  return history;
}

TEST(GroupSections, ClaimNoChangeThatTheyDoNotShow) {
  const uint64_t seed = TestSeed();
  Site site;
  Workload workload(site, seed, 12);
  for (int round = 0; round < 6; ++round) {
    workload.Run(60);
    if (round % 2 == 1) site.Restart();
  }
  site.Drain();
  const BitHistory history = HistoryOf(site);
  // By group and generation: evictions make new ones.
  std::map<std::pair<uint32_t, uint8_t>, crypto::GroupKey> keys;
  for (const auto& [id, sequence] : site.Sequences()) {
    const auto changes = site.store->Scan(store::BucketId(id), store::Space::kRecord, "", "", 1'000'000);
    for (const auto& item : changes->items) {
      const auto change = records::Decode<records::ChangeRecord>(item.value);
      for (const auto& [key, value] : change->puts) {
        if (!key.starts_with("group/")) continue;
        const auto record = records::Decode<records::GroupRecord>(SplitRevision(value)->value);
        auto unwrapped = site.head().keys().UnwrapGroupKey(*record);
        ASSERT_TRUE(unwrapped);
        keys.emplace(std::pair(record->group.id.value, record->group.generation), std::move(*unwrapped));
      }
    }
  }
  size_t sections = 0;
  size_t judged = 0;
  for (const Bytes& section : site.sink.all()) {
    if (section[0] != receiver::kGroup) continue;
    const auto head = receiver::DecodeGroupHead(section);
    const auto message = cas::DecodeGroup(section, keys[std::pair(head->group.value, head->generation)]);
    ASSERT_TRUE(message) << message.error().ToString();
    ++sections;
    for (const auto& [place, cards] : history) {
      if (place.first != message->group.value) continue;
      const bool bit = message->bitmap.IsOn(place.second);
      bool shown = false;  // clear until a card that sits there is on
      bool newer_says_so = false;
      for (const auto& [card, changes] : cards) {
        bool on = false;
        for (const BitChange& change : changes) {
          if (change.stamp <= message->stamp) {
            on = change.on;
          } else {
            newer_says_so = newer_says_so || change.on == bit;
          }
        }
        shown = shown || on;
      }
      EXPECT_TRUE(bit == shown || newer_says_so)
          << "group " << place.first << " slot " << int{place.second} << " stamp " << message->stamp.value;
      ++judged;
    }
  }
  EXPECT_GT(sections, 10U);
  EXPECT_GT(judged, 50U);
}

// --- Epochs

class Epochs : public testing::Test {
 protected:
  // The epochs follow the clock within a second of real time.
  void WaitForEpochs() {
    const EpochPlan& plan = site.head().keys().plan();
    EXPECT_TRUE(WaitUntil([&] {
      return site.head().keys().current() == plan.Current(site.clock.Now()) &&
             site.head().keys().on_air() == plan.OnAir(site.clock.Now());
    }));
  }
  // Until so much of the present epoch is left before its end.
  void AdvanceToEnd(hours left) { AdvanceToEnd(site.head().keys().plan(), left); }
  void AdvanceToEnd(const EpochPlan& plan, hours left) {
    const UnixMillis now = site.clock.Now();
    const int64_t end = plan.zero.value + static_cast<int64_t>(plan.Current(now) + 1) * plan.length.count();
    site.clock.Advance(std::chrono::milliseconds(end - now.value) - left);
  }
  // Into the lead, all of the renewal sent.
  void EnterLead() {
    AdvanceToEnd(6 * kDay);
    WaitForEpochs();
    WaitForRenewal();
  }
  // What the pump remembers when all of a renewal is sent.
  void WaitForRenewal() {
    constexpr store::BucketId kPumpBucket(store::kFirstViewBucket.value + 1);
    EXPECT_TRUE(WaitUntil([&] {
      site.clock.Advance(std::chrono::milliseconds(200));
      const auto renewed = site.store->Get(kPumpBucket, store::Space::kObject, "renewed");
      return *renewed && ByteReader(AsBytes(**renewed)).U64() == site.head().keys().on_air();
    }));
    site.Drain();
  }
  void EnterNext() {
    AdvanceToEnd(hours(0));
    WaitForEpochs();
  }
  Epoch KeyEpoch() {
    return site.head().ecm().Issue({.channel = ServiceId(1), .control_words = {Bytes(8)}})->key_epoch;
  }

  Site site;
};

TEST_F(Epochs, ReceiversGoOnFromOneToTheNext) {
  Home home = site.Installed(1);
  Epoch epoch = KeyEpoch();
  for (int round = 0; round < 4; ++round) {
    EnterLead();
    EXPECT_EQ(KeyEpoch(), epoch) << "in the lead the ECMs are still of the present epoch";
    site.Listen(home);
    EXPECT_TRUE(site.Watches(home)) << "the present key is derived from the next";
    if (round == 2) site.Restart();
    EnterNext();
    EXPECT_EQ(KeyEpoch(), NextEpoch(epoch));
    epoch = KeyEpoch();
    EXPECT_TRUE(site.Watches(home)) << "nothing new is needed at the change, round " << round;
  }
}

TEST_F(Epochs, ACardActivatedInTheLeadGoesOnToo) {
  (void)site.Installed(2);
  EnterLead();
  Home home = site.Installed(1);
  EnterNext();
  EXPECT_TRUE(site.Watches(home));
}

TEST_F(Epochs, ADarkCardFallsBehindAndCatchesUpWhenItIsLit) {
  Home home = site.Installed(1);
  ASSERT_TRUE(site.Send(home, kCity));
  site.clock.Advance(seconds(60));
  ASSERT_TRUE(site.Send(home, kCity));
  EnterLead();
  EnterNext();
  EnterLead();
  EnterNext();
  site.Drain();
  site.Listen(home);
  EXPECT_FALSE(site.Watches(home));
  const auto restored = site.Send(home, kHome);
  ASSERT_TRUE(restored) << restored.error().ToString();
  site.Drain();
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home));
}

TEST_F(Epochs, ABoxThatWasOffForTheLeadIsCuredByARefresh) {
  Home home = site.Installed(1);
  EnterLead();
  EnterNext();
  home.heard_sections = site.sink.size();
  const auto dark = site.TryWatch(home, "CCTV-1");
  EXPECT_FALSE(dark.opened());
  EXPECT_EQ(dark.screen.code, "E04");
  ASSERT_TRUE(site.head().pump().RefreshCard(site.NewRequest(), CardOf(1), site.options.limits));
  site.Drain();
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home));
}

TEST_F(Epochs, ARenewalCutOffByARestartBeginsAnew) {
  Home home = site.Installed(1);
  site.Drain();
  site.sink.Fail(true);
  AdvanceToEnd(6 * kDay);
  const auto before = site.sink.refused();
  WaitForEpochs();
  EXPECT_TRUE(WaitUntil([&] { return site.sink.refused() > before; })) << "it tries to send";
  site.Stop();
  site.sink.Fail(false);
  site.Start();
  WaitForRenewal();
  site.Listen(home);
  EnterNext();
  EXPECT_TRUE(site.Watches(home));
}

TEST_F(Epochs, ALeadThatBeganWhileTheSiteWasOffIsMadeUpFor) {
  Home home = site.Installed(1);
  site.Drain();
  const EpochPlan plan = site.head().keys().plan();
  site.Stop();
  AdvanceToEnd(plan, 6 * kDay);
  site.Start();
  WaitForRenewal();
  site.Listen(home);
  EnterNext();
  EXPECT_TRUE(site.Watches(home));
}

}  // namespace
}  // namespace hearth::app
