// Evictions: who goes on watching and who does not, what spans buckets, and what an evicted card may still be
// used for.
#include <chrono>

#include <gtest/gtest.h>

#include "src/carousel/compile.h"
#include "src/cas/group.h"
#include "tests/app/site.h"

namespace hearth::app {
namespace {

using std::chrono::hours;

constexpr uint8_t kRecordTable = 0x82;
constexpr uint8_t kStandingTable = 0x83;
constexpr uint8_t kGroupTable = 0x84;

void ExpectSound(Site& site, bool drained, const std::string& when) {
  for (const std::string& broken : site.BrokenInvariants(drained)) ADD_FAILURE() << when << ": " << broken;
}

uint64_t Number(const Bytes& section, size_t from, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) number = number << 8 | section[from + i];
  return number;
}
bool IsOf(const Bytes& section, uint8_t table, CardNumber card) {
  return section[0] == table && Number(section, 4, 5) == card.value;
}
// docs/messages.md 0x84.
uint8_t GenerationOf(const Bytes& section) { return section[7]; }

class Evict : public testing::Test {
 protected:
  Result<EvictionAnswer> Run(const std::vector<uint64_t>& cards) {
    std::vector<CardNumber> numbers;
    for (const uint64_t n : cards) numbers.push_back(CardOf(n));
    return site.head().evictions().Evict(site.NewRequest("cloned"), numbers);
  }
  void RunWell(const std::vector<uint64_t>& cards) {
    const auto done = Run(cards);
    ASSERT_TRUE(done) << done.error().ToString();
  }
  entitlement::Card Card(uint64_t n) { return site.head().registry().Card(CardOf(n))->value.card; }
  entitlement::Group Group(uint32_t id) {
    return site.head().executor().Read<records::GroupRecord>(GroupKey(GroupId(id)))->value().value.group;
  }
  // Feeds what was sent from `first` on, in two turns: what `early` takes goes first.
  template <typename Early>
  void Hear(Home& home, size_t first, Early early) {
    const auto sections = site.sink.From(first);
    for (const bool turn : {true, false}) {
      for (const Bytes& section : sections) {
        if (early(section) != turn) continue;
        home.receiver.Feed(section);
        EXPECT_TRUE(site.Watches(home)) << "after a section of table " << int{section[0]};
      }
    }
    home.heard_sections = first + sections.size();
  }
  // A card that takes nothing that says it is dark: no unique message, no section of its group that clears
  // its bit; only what could give it keys.
  void HearAsPirate(Home& home, uint64_t n, uint8_t from_generation) {
    site.Listen(home, [&](const Bytes& section) {
      if (IsOf(section, kRecordTable, CardOf(n)) || IsOf(section, kStandingTable, CardOf(n))) return false;
      return section[0] != kGroupTable || GenerationOf(section) >= from_generation;
    });
  }

  // --- Epochs
  void WaitForEpochs() {
    const EpochPlan& plan = site.head().keys().plan();
    site.head().HousekeepNow();
    EXPECT_TRUE(WaitUntil([&] {
      return site.head().keys().current() == plan.Current(site.clock.Now()) &&
             site.head().keys().on_air() == plan.OnAir(site.clock.Now());
    }));
  }
  void AdvanceToEnd(hours left) {
    const EpochPlan& plan = site.head().keys().plan();
    const UnixMillis now = site.clock.Now();
    const int64_t end = plan.zero.value + static_cast<int64_t>(plan.Current(now) + 1) * plan.length.count();
    site.clock.Advance(std::chrono::milliseconds(end - now.value) - left);
    WaitForEpochs();
  }
  void EnterLead() {
    AdvanceToEnd(hours(6 * 24));
    EXPECT_TRUE(WaitUntil([&] {
      site.clock.Advance(std::chrono::milliseconds(200));
      return site.head().pump().renewed() == site.head().keys().on_air();
    }));
    site.Drain();
  }
  void EnterNext() { AdvanceToEnd(hours(0)); }

  Site site;
};

// --- Who watches

TEST_F(Evict, SurvivorsWatchBeforeDuringAndAfterInWhateverOrderTheyHearIt) {
  struct Row {
    const char* name;
    bool (*early)(const Bytes& section);
  };
  const Row rows[] = {
      {"as sent", [](const Bytes&) { return true; }},
      {"groups first", [](const Bytes& section) { return section[0] == kGroupTable; }},
      {"records last", [](const Bytes& section) { return section[0] != kRecordTable; }},
      {"groups last", [](const Bytes& section) { return section[0] != kGroupTable; }},
  };
  std::vector<Home> homes;
  for (size_t n = 0; n <= std::size(rows); ++n) homes.push_back(site.Installed(n + 1));
  for (Home& home : homes) site.Listen(home);
  const size_t first = site.sink.size();
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  site.Drain();
  ExpectSound(site, true, "evicted");
  EXPECT_EQ(Group(1).generation, 2);
  for (size_t i = 0; i < std::size(rows); ++i) {
    SCOPED_TRACE(rows[i].name);
    Hear(homes[i + 1], first, rows[i].early);
  }
  // Whoever heard the group's section before its record hears the next one.
  EnterLead();
  EnterNext();
  for (size_t i = 0; i < std::size(rows); ++i) {
    site.Listen(homes[i + 1]);
    EXPECT_TRUE(site.Watches(homes[i + 1])) << rows[i].name << ", in the next epoch";
  }
}

TEST_F(Evict, AnHonestCardGoesDarkAtOnce) {
  Home evicted = site.Installed(1);
  Home other = site.Installed(2);
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  site.Drain();
  site.Listen(evicted);
  site.Listen(other);
  const auto dark = site.TryWatch(evicted, "CCTV-1");
  EXPECT_FALSE(dark.opened());
  EXPECT_EQ(dark.screen.code, "E04");
  EXPECT_TRUE(site.Watches(other));
}

TEST_F(Evict, ACardThatIgnoresItIsDarkWhenTheEpochOnTheAirEnds) {
  Home pirate = site.Installed(1);
  Home other = site.Installed(2);
  const auto done = Run({1});
  ASSERT_TRUE(done);
  site.Drain();
  HearAsPirate(pirate, 1, 2);
  EXPECT_TRUE(site.Watches(pirate)) << "it has the keys of the epoch";
  EnterLead();
  HearAsPirate(pirate, 1, 2);
  EXPECT_TRUE(site.Watches(pirate));
  EnterNext();
  EXPECT_EQ(site.clock.Now(), done->eviction.open_until);
  HearAsPirate(pirate, 1, 2);
  EXPECT_FALSE(site.Watches(pirate)) << "no key of the next epoch reaches it";
  site.Listen(other);
  EXPECT_TRUE(site.Watches(other));
}

// Whoever has the former key and writes his own card, which minds no generation.
TEST_F(Evict, TheFormerGroupKeyOpensNoSectionOfTheNextGeneration) {
  (void)site.Installed(1);
  (void)site.Installed(2);
  const auto key = [&] {
    const auto record = site.head().executor().Read<records::GroupRecord>(GroupKey(GroupId(1)));
    return site.head().keys().UnwrapGroupKey(record->value().value);
  };
  const auto former = key();
  ASSERT_TRUE(former);
  const size_t first = site.sink.size();
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  site.Drain();
  const auto next = key();
  ASSERT_TRUE(next);
  int sections = 0;
  for (const Bytes& section : site.sink.From(first)) {
    if (section[0] != kGroupTable || GenerationOf(section) != 2) continue;
    ++sections;
    EXPECT_FALSE(cas::DecodeGroup(section, *former));
    EXPECT_TRUE(cas::DecodeGroup(section, *next));
  }
  EXPECT_GE(sections, 1);
}

TEST_F(Evict, InTheLeadItHasTheNextEpochsKeyAlready) {
  Home pirate = site.Installed(1);
  Home other = site.Installed(2);
  EnterLead();
  site.Listen(pirate);
  const auto done = Run({1});
  ASSERT_TRUE(done);
  site.Drain();
  EnterNext();
  HearAsPirate(pirate, 1, 2);
  EXPECT_TRUE(site.Watches(pirate));
  EXPECT_GT(done->eviction.open_until, site.clock.Now());
  EnterLead();
  HearAsPirate(pirate, 1, 2);
  EnterNext();
  EXPECT_EQ(site.clock.Now(), done->eviction.open_until);
  HearAsPirate(pirate, 1, 2);
  EXPECT_FALSE(site.Watches(pirate));
  site.Listen(other);
  EXPECT_TRUE(site.Watches(other));
}

TEST_F(Evict, ASurvivorThatWasOffForAllOfItWatchesOnAndHasItsRecordFromTheCycle) {
  (void)site.Installed(1);
  Home late = site.Installed(2);
  Home too_late = site.Installed(3);
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  site.Drain();
  late.heard_sections = too_late.heard_sections = site.sink.size();
  EXPECT_TRUE(site.Watches(late));
  EnterLead();
  site.Pass();  // the record, and the group's section after it
  site.Listen(late);
  site.Listen(too_late, [](const Bytes& section) { return !IsOf(section, kRecordTable, CardOf(3)); });
  EXPECT_TRUE(site.Watches(late));
  EXPECT_TRUE(site.Watches(too_late)) << "sections that it cannot read take nothing from it";
  EnterNext();
  EXPECT_TRUE(site.Watches(late));
  EXPECT_FALSE(site.Watches(too_late)) << "its keys have ended, and it had no record";
  site.Pass();
  site.Listen(too_late);
  EXPECT_TRUE(site.Watches(too_late));
}

TEST_F(Evict, ASurvivorThatIsSwitchedOffOrOnMeanwhileIsSo) {
  Home off = site.Installed(2);
  Home on = site.NewHome(3);
  (void)site.Installed(1);
  ASSERT_TRUE(site.Open(3));
  site.Drain();
  ASSERT_TRUE(site.Send(off, kCity));
  site.clock.Advance(std::chrono::minutes(1));
  site.head().evictions().SetProbe([&](std::string_view step) -> Status {
    if (step != "began generation") return Ok();
    EXPECT_EQ(site.Send(off, kCity)->outcome, ReportOutcome::kSwitchedOff);
    EXPECT_EQ(site.Send(on, kHome)->outcome, ReportOutcome::kActivated);
    return Ok();
  });
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  site.Drain();
  ExpectSound(site, true, "switched meanwhile");
  site.Listen(off);
  site.Listen(on);
  EXPECT_FALSE(site.Watches(off));
  EXPECT_TRUE(site.Watches(on));
}

// A recorded section of the former generation is nothing to a survivor that has its record.
TEST_F(Evict, FormerRecordsAndSectionsAreNotTakenAnyMore) {
  (void)site.Installed(1);
  Home home = site.Installed(2);
  // Its newest record of the former generation has the stamp of its standing.
  ASSERT_TRUE(site.head().pump().RefreshCard(site.NewRequest(), CardOf(2), site.options.limits));
  site.Drain();
  site.Listen(home);
  const size_t first = site.sink.size();
  const auto former = site.sink.all();
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  site.Drain();
  site.Listen(home);
  for (const Bytes& section : former) home.receiver.Feed(section);
  EnterLead();
  site.Listen(home);
  EnterNext();
  EXPECT_TRUE(site.Watches(home)) << "it kept its new group key";
  EXPECT_GT(site.sink.size(), first);
}

TEST_F(Evict, TwoCardsOfOneGroupCostOneGeneration) {
  for (uint64_t n = 1; n <= 4; ++n) (void)site.Installed(n);
  const auto far = site.Open(5, kFarVillage);
  ASSERT_TRUE(far);
  const auto done = Run({1, 3, 5});
  ASSERT_TRUE(done);
  site.Drain();
  ExpectSound(site, true, "evicted");
  EXPECT_EQ(done->eviction.groups, 2U);
  EXPECT_EQ(done->eviction.survivors, 2U);
  EXPECT_EQ(Group(1).generation, 2);
  EXPECT_EQ(Group(2).generation, 2);
  EXPECT_TRUE(Group(2).members.empty());
  EXPECT_EQ(Card(2).place.slot, 1) << "who stays keeps its slot";
  EXPECT_EQ(Card(2).generation, 2);
}

TEST_F(Evict, ItsSlotAndThoseOfCardsThatLeftAreGivenAgain) {
  for (uint64_t n = 1; n <= 5; ++n) (void)site.Installed(n);
  ASSERT_TRUE(site.Close(2));
  site.Drain();
  ASSERT_NO_FATAL_FAILURE(RunWell({4}));
  for (const uint64_t n : {11, 12, 13}) (void)site.Installed(n);
  EXPECT_EQ(Card(11).place.slot, 1);
  EXPECT_EQ(Card(12).place.slot, 3);
  EXPECT_EQ(Card(13).place.slot, 5);
  site.Drain();
  ExpectSound(site, true, "at the end");
}

TEST_F(Evict, EveryGroupComesThroughMoreGenerationsThanOneByteHolds) {
  Home home = site.Installed(1);
  (void)site.Installed(2);
  // The two cards that take turns are made good again by hand, as no site has 300 to lose.
  for (uint64_t round = 0; round < 300; ++round) {
    const uint64_t now = 2 + round % 2;
    ASSERT_NO_FATAL_FAILURE(RunWell({now}));
    const ObjectKey key = CardKey(CardOf(now));
    ASSERT_TRUE(site.head().executor().Run(key.bucket, {}, [&](Txn& txn) -> Status {
      auto record = *txn.Read<records::CardRecord>(key.key);
      record->value.card.reason = entitlement::StandingReason::kNone;
      txn.Write(key.key, record->value);
      return Ok();
    }));
    ASSERT_TRUE(site.Swap(2, {.card = CardOf(5 - now), .box = {}, .sim = {}}));
    site.clock.Advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(Group(1).generation, 300 % 255 + 1);
  site.Drain();
  site.Listen(home);
  EnterLead();
  site.Listen(home);
  EnterNext();
  EXPECT_TRUE(site.Watches(home));
}

// --- What it says

TEST_F(Evict, ADryRunSaysWhatItCostsAndChangesNothing) {
  for (uint64_t n = 1; n <= 6; ++n) (void)site.Installed(n);
  const auto before = site.Objects();
  const auto sequences = site.Quiet();
  Request request = site.NewRequest("cloned");
  request.dry_run = true;
  const auto plan = site.head().evictions().Evict(request, {CardOf(1), CardOf(2)});
  ASSERT_TRUE(plan) << plan.error().ToString();
  EXPECT_EQ(site.Quiet(), sequences);
  EXPECT_EQ(site.Objects(), before);

  const size_t first = site.sink.size();
  const auto done = Run({1, 2});
  ASSERT_TRUE(done);
  site.Drain();
  records::Eviction same = plan->eviction;
  same.id = done->eviction.id;
  same.content_hash = done->eviction.content_hash;
  same.started = done->eviction.started;
  EXPECT_EQ(done->eviction, same) << "the answer of the real one is that of the dry run";

  EXPECT_EQ(same.groups, 1U);
  EXPECT_EQ(same.survivors, 4U);
  // Of what went out: a record of each card, the standings of the evicted, the service keys, and the group.
  std::map<uint64_t, size_t> records;
  std::map<uint64_t, size_t> standings;
  std::map<uint64_t, size_t> service_keys;
  size_t group = 0;
  for (const Bytes& section : site.sink.From(first)) {
    const bool evicted = IsOf(section, kStandingTable, CardOf(1)) || IsOf(section, kStandingTable, CardOf(2));
    if (section[0] == kRecordTable) records[Number(section, 4, 5)] = section.size();
    if (evicted) standings[Number(section, 4, 5)] = section.size();
    if (section[0] == 0x85) service_keys[Number(section, 4, 4)] = section.size();
    if (section[0] == kGroupTable) group = section.size();
  }
  EXPECT_EQ(records.size(), 6U);
  EXPECT_EQ(standings.size(), 2U);
  EXPECT_EQ(same.messages, records.size() + standings.size() + service_keys.size() + 1);
  uint64_t bytes = group;
  for (const auto& sizes : {records, standings, service_keys}) {
    for (const auto& [address, size] : sizes) bytes += size;
  }
  EXPECT_EQ(same.bytes, bytes);
  // As docs/security.md has it: 255 records of 182 bytes.
  EXPECT_EQ(carousel::PackedPackets(255, 255 * 182), 254U);
  EXPECT_NEAR(carousel::AirSeconds(254, 1000), 0.38, 0.01);
}

TEST_F(Evict, TheBooksSayWhoDidItAndWhy) {
  (void)site.Installed(1);
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  const auto account = site.head().registry().Get(FormNumberOf(1));
  ASSERT_TRUE(account);
  EXPECT_EQ(account->account.place, entitlement::GroupSlot());
  EXPECT_EQ(account->account.state, entitlement::AccountState::kOpen);
  EXPECT_EQ(account->account.history.back().action, "evict card");
  EXPECT_EQ(account->account.history.back().actor, "tester");
  EXPECT_EQ(account->account.history.back().reason, "cloned");
  const auto why = site.head().location().Explain(CardOf(1));
  ASSERT_TRUE(why);
  EXPECT_EQ(why->reason, Reason::kCardEvicted);
  EXPECT_EQ(why->viewer_code, "E04");
}

// --- What is refused

TEST_F(Evict, WhatCannotBeEvictedIsRefusedWhole) {
  (void)site.Installed(1);
  (void)site.Installed(2);
  ASSERT_TRUE(site.Open(3));
  ASSERT_TRUE(site.Close(3));
  ASSERT_NO_FATAL_FAILURE(RunWell({2}));
  struct Row {
    const char* name;
    std::vector<CardNumber> cards;
    Reason reason;
    const char* field;
  };
  std::vector<CardNumber> many;
  for (uint64_t n = 1; n <= site.options.limits.evicted_cards + 1; ++n) many.push_back(CardOf(n));
  const Row rows[] = {
      {"nobody", {}, Reason::kFieldMissing, "card_numbers"},
      {"unknown", {CardOf(1), CardOf(399)}, Reason::kCardUnknown, "card_numbers[1]"},
      {"in stock", {CardOf(1), CardOf(20)}, Reason::kCardNotInAccount, "card_numbers[1]"},
      {"of a closed account", {CardOf(3), CardOf(1)}, Reason::kCardNotInAccount, "card_numbers[0]"},
      {"evicted before", {CardOf(1), CardOf(2)}, Reason::kCardEvicted, "card_numbers[1]"},
      {"named twice", {CardOf(1), CardOf(1)}, Reason::kFieldInvalid, "card_numbers[1]"},
      {"too many", many, Reason::kLimitExceeded, nullptr},
  };
  const auto before = site.Quiet();
  for (const Row& row : rows) {
    const auto refused = site.head().evictions().Evict(site.NewRequest("cloned"), row.cards);
    ASSERT_FALSE(refused) << row.name;
    EXPECT_EQ(refused.error().reason(), row.reason) << row.name;
    if (row.field != nullptr) {
      ASSERT_FALSE(refused.error().violations().empty()) << row.name;
      EXPECT_EQ(refused.error().violations().front().field, row.field) << row.name;
    }
  }
  EXPECT_EQ(site.head().evictions().Evict(site.NewRequest(""), {CardOf(1)}).error().reason(),
            Reason::kFieldMissing);
  EXPECT_EQ(site.Quiet(), before);
}

TEST_F(Evict, TheSameRequestTwiceIsDoneOnce) {
  (void)site.Installed(1);
  (void)site.Installed(2);
  const Request request = site.NewRequest("cloned");
  const auto first = site.head().evictions().Evict(request, {CardOf(1)});
  ASSERT_TRUE(first);
  const auto sequences = site.Quiet();
  const auto again = site.head().evictions().Evict(request, {CardOf(1)});
  ASSERT_TRUE(again) << again.error().ToString();
  EXPECT_TRUE(again->change.repeated);
  EXPECT_EQ(again->change.revision, first->change.revision);
  EXPECT_EQ(again->eviction, first->eviction);
  EXPECT_EQ(site.Quiet(), sequences);
  Request other = request;
  other.content_hash[0] ^= 1;
  EXPECT_EQ(site.head().evictions().Evict(other, {CardOf(2)}).error().reason(), Reason::kRequestIdReused);
  site.clock.Advance(hours(25));
  EXPECT_EQ(site.head().evictions().Evict(request, {CardOf(1)}).error().reason(), Reason::kRequestIdExpired);
}

TEST_F(Evict, AnEvictedCardIsGoodForNothingAndItsHomeGetsAnother) {
  Home home = site.Installed(1);
  (void)site.Installed(2);
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  site.Drain();
  const auto reason = [](const auto& result) { return result ? Reason::kInternal : result.error().reason(); };
  EXPECT_EQ(reason(site.Send(home, kHome)), Reason::kCardEvicted);
  EXPECT_EQ(reason(site.head().pump().RefreshCard(site.NewRequest(), CardOf(1), site.options.limits)),
            Reason::kCardEvicted);
  EXPECT_EQ(reason(site.head().location().Lift(site.NewRequest(), CardOf(1))), Reason::kNotUnderIntervention);
  EXPECT_EQ(reason(site.Swap(1, {.card = {}, .box = BoxOf(21), .sim = {}})), Reason::kCardEvicted);
  EXPECT_EQ(reason(site.Swap(1, {.card = CardOf(1), .box = BoxOf(21), .sim = {}})), Reason::kCardEvicted);
  EXPECT_EQ(reason(site.Swap(2, {.card = CardOf(1), .box = {}, .sim = {}})), Reason::kCardEvicted);

  const auto swapped = site.Swap(1, {.card = CardOf(21), .box = {}, .sim = {}});
  ASSERT_TRUE(swapped) << swapped.error().ToString();
  entitlement::Form form = FormOf(3);
  form.devices.card = CardOf(1);
  EXPECT_EQ(reason(site.head().registry().Open(site.NewRequest(), form)), Reason::kCardEvicted);
  Home again = site.NewHome(21, 1, 1);
  ASSERT_TRUE(site.Send(again, kHome));
  site.Drain();
  site.Listen(again);
  EXPECT_TRUE(site.Watches(again));
  ASSERT_TRUE(site.Close(2));
  site.Drain();
  ExpectSound(site, true, "at the end");
}

TEST_F(Evict, AnInterventionEndsWithIt) {
  Home home = site.Installed(1);
  ASSERT_TRUE(site.Send(home, kCity));
  site.clock.Advance(std::chrono::minutes(1));
  ASSERT_EQ(site.Send(home, kCity)->outcome, ReportOutcome::kSwitchedOff);
  ASSERT_NO_FATAL_FAILURE(RunWell({1}));
  const auto record = site.head().registry().Card(CardOf(1));
  EXPECT_EQ(record->value.in_force, 0U);
  const auto noted = site.head().executor().Read<records::InterventionRecord>(InterventionKey(CardOf(1), 1));
  EXPECT_EQ(noted->value().value.intervention.state, intervention::InterventionState::kLifted);
  EXPECT_EQ(noted->value().value.intervention.lift_reason, "card.evict: cloned");
}

// --- Others at the same time

const std::string kSteps[] = {"begun",    "claimed card", "joined group",
                              "in force", "unbound card", "bound card"};

TEST_F(Evict, WhoeverJoinsMeanwhileWatches) {
  for (const std::string& step : kSteps) {
    Site meanwhile;
    (void)meanwhile.Installed(1);
    bool evicted = false;
    meanwhile.head().registry().SetProbe([&](std::string_view at) -> Status {
      if (at != step || evicted) return Ok();
      evicted = true;
      EXPECT_TRUE(meanwhile.head().evictions().Evict(meanwhile.NewRequest("cloned"), {CardOf(1)}));
      return Ok();
    });
    Home home = meanwhile.NewHome(2);
    ASSERT_TRUE(meanwhile.Open(2));
    ASSERT_TRUE(meanwhile.Send(home, kHome));
    meanwhile.Drain();
    meanwhile.Listen(home);
    EXPECT_TRUE(meanwhile.Watches(home)) << step;
    ExpectSound(meanwhile, true, step);
  }
}

TEST_F(Evict, ACardIsEvictedWhateverHappensToItsAccountMeanwhile) {
  const entitlement::Devices swaps[] = {{.card = {}, .box = BoxOf(21), .sim = {}},
                                        {.card = CardOf(21), .box = {}, .sim = {}}};
  for (const entitlement::Devices& wanted : swaps) {
    for (const std::string& step : kSteps) {
      Site meanwhile;
      (void)meanwhile.Installed(1);
      (void)meanwhile.Installed(2);
      std::optional<Result<EvictionAnswer>> evicted;
      meanwhile.head().registry().SetProbe([&](std::string_view at) -> Status {
        if (at == step && !evicted) {
          evicted = meanwhile.head().evictions().Evict(meanwhile.NewRequest("cloned"), {CardOf(1)});
        }
        return Ok();
      });
      const auto swapped = meanwhile.Swap(1, wanted);
      EXPECT_TRUE(swapped) << step << ": " << swapped.error().ToString();
      if (evicted && *evicted) {
        EXPECT_TRUE(entitlement::IsEvicted(meanwhile.head().registry().Card(CardOf(1))->value.card)) << step;
      } else if (evicted) {
        EXPECT_EQ(evicted->error().reason(), Reason::kCardNotInAccount) << step;
      }
      meanwhile.Drain();
      ExpectSound(meanwhile, true, step);
    }
  }
}

TEST_F(Evict, ACardThatMovesAfterThePlanCostsBothGroupsAGeneration) {
  (void)site.Installed(1);
  Home near = site.Installed(2);
  ASSERT_TRUE(site.Open(3, kFarVillage));
  bool moved = false;
  site.head().evictions().SetProbe([&](std::string_view step) -> Status {
    if (step != "begun" || moved) return Ok();
    moved = true;
    EXPECT_TRUE(site.Close(1));
    entitlement::Form form = FormOf(1, kFarVillage);
    form.form_number = "NX-AGAIN";
    EXPECT_TRUE(site.head().registry().Open(site.NewRequest(), form));
    return Ok();
  });
  const auto done = Run({1});
  ASSERT_TRUE(done) << done.error().ToString();
  ASSERT_TRUE(moved);
  EXPECT_EQ(done->eviction.cards.size(), 2U);
  EXPECT_EQ(Group(1).generation, 2);
  EXPECT_EQ(Group(2).generation, 2);
  EXPECT_TRUE(entitlement::IsEvicted(Card(1)));
  site.Drain();
  ExpectSound(site, true, "at the end");
}

// --- A stop at every step, or a kill between any two commits

class EvictCrash : public Evict {
 protected:
  void Prepare(Site& cut) {
    for (uint64_t n = 1; n <= 4; ++n) homes_.push_back(cut.Installed(n));
    ASSERT_TRUE(cut.Open(5, kFarVillage));
    ASSERT_TRUE(cut.Open(6, kFarVillage));
    cut.Drain();
  }
  const std::vector<CardNumber> cards_ = {CardOf(1), CardOf(3), CardOf(5)};

  void Finish(Site& cut, const Request& request, bool begun, const std::string& when) {
    ExpectSound(cut, false, when + ", recovered");
    const auto answer = cut.head().evictions().Evict(request, cards_);
    ASSERT_TRUE(answer) << when << ": " << answer.error().ToString();
    EXPECT_EQ(answer->change.repeated, begun) << when;
    const auto again = cut.head().evictions().Evict(request, cards_);
    ASSERT_TRUE(again) << when;
    EXPECT_EQ(again->eviction, answer->eviction) << when;
    EXPECT_EQ(again->change.revision, answer->change.revision) << when;
    cut.Drain();
    ExpectSound(cut, true, when + ", drained");
    for (const uint32_t id : {1U, 2U}) {
      const auto group = cut.head().executor().Read<records::GroupRecord>(GroupKey(GroupId(id)));
      EXPECT_EQ(group->value().value.group.generation, 2) << when << ", group " << id;
    }
    for (const size_t survivor : {1U, 3U}) {
      cut.Listen(homes_[survivor]);
      EXPECT_TRUE(cut.Watches(homes_[survivor])) << when;
    }
    for (const size_t evicted : {0U, 2U}) {
      cut.Listen(homes_[evicted]);
      EXPECT_FALSE(cut.Watches(homes_[evicted])) << when;
    }
    homes_.clear();
  }

  std::vector<Home> homes_;
};

TEST_F(EvictCrash, StoppedAtAnyStepItIsFinished) {
  int steps = 0;
  for (int stop_at = 1;; ++stop_at) {
    Site cut;
    ASSERT_NO_FATAL_FAILURE(Prepare(cut));
    int calls = 0;
    std::string stopped;
    cut.head().evictions().SetProbe([&](std::string_view step) -> Status {
      if (++calls < stop_at) return Ok();
      if (stopped.empty()) stopped = step;
      return Error(Reason::kInternal, "stopped by the test");
    });
    const Request request = cut.NewRequest("cloned");
    (void)cut.head().evictions().Evict(request, cards_);
    if (stopped.empty()) break;
    ++steps;
    if (steps % 2 == 0) {
      // Without a restart: the same request goes on with it.
      cut.head().evictions().SetProbe(nullptr);
      ASSERT_TRUE(cut.head().evictions().Evict(request, cards_));
    } else {
      cut.Restart();
      ASSERT_TRUE(cut.running());
    }
    ASSERT_NO_FATAL_FAILURE(Finish(cut, request, true, "stopped at " + stopped));
  }
  EXPECT_GE(steps, 13);
}

TEST_F(EvictCrash, KilledBetweenAnyTwoCommitsItIsFinished) {
  int kills = 0;
  for (int survive = 0;; ++survive) {
    Site cut;
    ASSERT_NO_FATAL_FAILURE(Prepare(cut));
    cut.sink.Fail(true);
    std::atomic<int> left = survive;
    std::atomic<bool> killed = false;
    cut.store->SetGuard([&](store::BucketId bucket, const store::Batch&) -> Status {
      if (!killed && bucket.value > store::kSystemBucket.value) return Ok();
      if (!killed && left-- > 0) return Ok();
      killed = true;
      return Error(Reason::kStoreReadOnly, "killed by the test");
    });
    const Request request = cut.NewRequest("cloned");
    const auto answer = cut.head().evictions().Evict(request, cards_);
    EXPECT_EQ(answer.has_value(), !killed) << "answered before all of it was synced";
    if (!killed) break;
    ++kills;
    cut.Stop();
    cut.store->SetGuard(nullptr);
    cut.sink.Fail(false);
    cut.Start();
    ASSERT_TRUE(cut.running());
    ASSERT_NO_FATAL_FAILURE(
        Finish(cut, request, survive > 0, "killed after " + std::to_string(survive) + " commits"));
  }
  EXPECT_GE(kills, 14);
  homes_.clear();
}

// --- Cards join, leave and change groups

TEST_F(Evict, ACardThatMovesToAnotherTownshipIsInItsGroupAndDarkInTheFormer) {
  Home moving = site.Installed(1);
  Home neighbour = site.Installed(2);
  const entitlement::GroupSlot former = Card(1).place;
  EXPECT_TRUE(Group(former.group.value).members[former.slot].on);
  ASSERT_TRUE(site.Close(1));
  entitlement::Form form = FormOf(1, kFarVillage);
  form.form_number = "NX-MOVED";
  ASSERT_TRUE(site.head().registry().Open(site.NewRequest(), form));
  const entitlement::GroupSlot now = Card(1).place;
  EXPECT_NE(now.group, former.group);
  EXPECT_EQ(Group(now.group.value).township, RegionCode(kFarVillage / 1000));
  EXPECT_EQ(Group(now.group.value).members[now.slot].card, CardOf(1));
  site.Drain();
  site.Listen(moving);
  EXPECT_FALSE(site.Watches(moving)) << "waits for its installation in the new home";
  EXPECT_FALSE(Group(former.group.value).members[former.slot].on) << "its bit in the former group is clear";
  ASSERT_TRUE(site.Send(moving, kHome));
  site.Drain();
  site.Listen(moving);
  EXPECT_TRUE(site.Watches(moving));
  EXPECT_FALSE(Group(former.group.value).members[former.slot].on);
  EXPECT_TRUE(Group(now.group.value).members[now.slot].on);

  // Its former slot is given to nobody until that group's next generation.
  (void)site.Installed(3);
  EXPECT_EQ(Card(3).place.group, former.group);
  EXPECT_NE(Card(3).place.slot, former.slot);
  ASSERT_NO_FATAL_FAILURE(RunWell({3}));
  (void)site.Installed(4);
  EXPECT_EQ(Card(4).place, former);
  EnterLead();
  EnterNext();
  for (Home* home : {&moving, &neighbour}) {
    site.Listen(*home);
    EXPECT_TRUE(site.Watches(*home));
  }
  ExpectSound(site, true, "at the end");
}

}  // namespace
}  // namespace hearth::app
