// Section 5 of docs/messages.md, rule by rule.
#include "tools/receiver/card.h"

#include <gtest/gtest.h>

#include "tests/receiver/home.h"

namespace hearth::receiver {
namespace {

TEST(CardRecord, NewestWinsAndARepeatIsHarmless) {
  Home home;
  EXPECT_EQ(home.SendRecord(200), Why::kTaken);
  const CardState once = home.card();
  EXPECT_EQ(home.SendRecord(200), Why::kTaken);
  EXPECT_EQ(home.card(), once);
  home.record.area_version = 6;
  EXPECT_EQ(home.SendRecord(199), Why::kOldStamp);
  EXPECT_EQ(home.card(), once);
}

TEST(CardRecord, OlderThanTheStandingKeepsTheStanding) {
  Home home;
  home.SendRecord(100);
  EXPECT_EQ(home.SendStanding(300, Standing::kDark, StandingReason::kLocation), Why::kTaken);
  home.record.rights[0] = 0x80;
  EXPECT_EQ(home.SendRecord(200), Why::kTaken);  // its own subject is newer
  EXPECT_TRUE(home.card().record->HasRight(0));
  EXPECT_EQ(home.card().standing, (StandingPair{Standing::kDark, StandingReason::kLocation}));
  EXPECT_EQ(home.card().standing_stamp, Stamp(300));
}

TEST(CardRecord, OnlyForThisCardAndOnlyAuthentic) {
  Home home;
  const Bytes right = air::MakeRecord(home.card_key, kCard, Stamp(5), home.record);
  EXPECT_EQ(home.receiver.Feed(air::MakeRecord(home.card_key, CardNumber(1), Stamp(5), home.record)).why,
            Why::kNotMine);
  EXPECT_EQ(home.receiver.Feed(air::MakeRecord(air::TestKey(99), kCard, Stamp(5), home.record)).why,
            Why::kNotAuthentic);
  for (size_t byte = 0; byte < right.size(); ++byte) {
    Bytes changed = right;
    changed[byte] ^= 1;
    EXPECT_NE(home.receiver.Feed(changed).why, Why::kTaken) << byte;
  }
  EXPECT_FALSE(home.card().record.has_value());
  EXPECT_EQ(home.receiver.Feed(right).why, Why::kTaken);
}

TEST(CardRecord, BrokenRulesAreIgnoredWhole) {
  struct Row {
    const char* name;
    void (*spoil)(Record&);
  };
  const Row rows[] = {
      {"standing 3", [](Record& r) { r.standing.standing = static_cast<Standing>(3); }},
      {"reason 7", [](Record& r) { r.standing.reason = static_cast<StandingReason>(7); }},
      {"key without group", [](Record& r) { r.group = GroupId(0); }},
      {"half a hash", [](Record& r) { r.cells.resize(4); }},
      {"a box of 17 digits", [](Record& r) { r.box = BoxSerial(kMaxBoxSerial + 1); }},
      {"an area of 10 digits", [](Record& r) { r.area = AreaId(1'000'000'000); }},
      {"33 cells", [](Record& r) { r.cells.resize(99); }},
  };
  for (const Row& row : rows) {
    Home home;
    row.spoil(home.record);
    EXPECT_EQ(home.SendRecord(5), Why::kMalformed) << row.name;
    EXPECT_FALSE(home.card().record.has_value()) << row.name;
  }
}

TEST(CardHeader, WhatIsNotWholeOrNotOursIsSkipped) {
  Home home;
  const Bytes good = air::MakeStanding(home.card_key, kCard, Stamp(5), {Standing::kOn, {}});
  const auto with = [&](size_t at, uint8_t value) {
    Bytes section = good;
    section[at] = value;
    return home.receiver.Feed(section).why;
  };
  EXPECT_EQ(with(0, 0x89), Why::kUnknownTable);
  EXPECT_EQ(with(0, 0x87), Why::kMalformed) << "an emergency message has more than 24 bytes";
  EXPECT_EQ(with(0, 0x42), Why::kUnknownTable);
  EXPECT_EQ(with(1, 0xF0), Why::kMalformed);
  EXPECT_EQ(with(1, 0x30), Why::kMalformed);
  EXPECT_EQ(with(3, 2), Why::kUnknownSuite);
  EXPECT_EQ(with(2, 22), Why::kMalformed);
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(home.receiver.Feed(longer).why, Why::kMalformed);
  EXPECT_EQ(home.receiver.Feed(ByteView(good).first(23)).why, Why::kMalformed);
  EXPECT_EQ(home.receiver.Feed({}).why, Why::kMalformed);
  EXPECT_EQ(home.receiver.Feed(good).why, Why::kTaken);
}

TEST(CardStanding, StampsOrderIt) {
  Home home;
  home.SendRecord(100);
  EXPECT_EQ(home.SendStanding(99, Standing::kDark), Why::kOldStamp);
  EXPECT_EQ(home.card().standing.standing, Standing::kOn);
  EXPECT_EQ(home.SendStanding(100, Standing::kDark, StandingReason::kOperator), Why::kTaken);
  EXPECT_EQ(home.card().standing, (StandingPair{Standing::kDark, StandingReason::kOperator}));
  EXPECT_EQ(home.card().record_stamp, Stamp(100));
}

TEST(CardGroup, BitmapIsTheAuthorityOnStanding) {
  Home home;
  home.SendRecord(100);
  EXPECT_EQ(home.SendGroup(150, false), Why::kTaken);
  EXPECT_EQ(home.card().standing.standing, Standing::kDark);
  EXPECT_TRUE(home.card().packages.empty());  // a dark card takes no key
  EXPECT_EQ(home.SendGroup(151, true), Why::kTaken);
  EXPECT_EQ(home.card().standing, (StandingPair{Standing::kOn, StandingReason::kNone}));
  EXPECT_EQ(home.card().packages.at(kPackage).epoch, Epoch(9));
}

TEST(CardGroup, AClearBitKeepsTheReasonThatIsThere) {
  Home home;
  home.SendRecord(100);
  home.SendStanding(110, Standing::kDark, StandingReason::kLocation);
  EXPECT_EQ(home.SendGroup(120, false), Why::kTaken);
  EXPECT_EQ(home.card().standing, (StandingPair{Standing::kDark, StandingReason::kLocation}));
  EXPECT_EQ(home.Screen(), "E09");
}

TEST(CardGroup, WhyIsLearntFromTheUniqueMessageThatComesAfterTheBitmap) {
  Home home;
  home.SendRecord(100);
  home.SendGroup(200, false);
  EXPECT_EQ(home.SendStanding(90, Standing::kDark, StandingReason::kSwapped), Why::kOldStamp)
      << "older than what was said last";
  EXPECT_EQ(home.SendStanding(150, Standing::kOn), Why::kOldStamp) << "the bitmap is newer";
  EXPECT_EQ(home.SendStanding(150, Standing::kDark, StandingReason::kLocation), Why::kTaken);
  EXPECT_EQ(home.card().standing, (StandingPair{Standing::kDark, StandingReason::kLocation}));
  EXPECT_EQ(home.card().standing_stamp, Stamp(200)) << "the bitmap's";
  home.SendGroup(300, true);
  EXPECT_EQ(home.SendStanding(250, Standing::kDark, StandingReason::kLocation), Why::kOldStamp);
  EXPECT_EQ(home.SendStanding(260, Standing::kExempt), Why::kTaken);
  EXPECT_EQ(home.card().standing.standing, Standing::kExempt);
}

TEST(CardGroup, ASetBitKeepsAnExemption) {
  Home home;
  home.record.standing.standing = Standing::kExempt;
  home.SendRecord(100);
  home.SendGroup(120, true);
  EXPECT_EQ(home.card().standing.standing, Standing::kExempt);
}

TEST(CardGroup, AnOldBitmapIsNotObeyedButItsKeysAreTaken) {
  Home home;
  home.SendRecord(100);
  home.SendStanding(300, Standing::kOn);
  EXPECT_EQ(home.SendGroup(200, false), Why::kTaken);
  EXPECT_EQ(home.card().standing.standing, Standing::kOn);
  EXPECT_EQ(home.card().standing_stamp, Stamp(300));
  EXPECT_EQ(home.card().packages.at(kPackage).key_stamp, Stamp(200));
}

TEST(CardGroup, AnOldBitmapDoesNotLightADarkCard) {
  Home home;
  home.SendRecord(100);
  home.SendStanding(300, Standing::kDark);
  EXPECT_EQ(home.SendGroup(200, true), Why::kOldStamp);
  EXPECT_EQ(home.card().standing.standing, Standing::kDark);
  EXPECT_TRUE(home.card().packages.empty());
}

TEST(CardGroup, KeysHaveAStampOfTheirOwn) {
  Home home;
  home.SendRecord(100);
  home.SendGroup(200, true, 9);
  EXPECT_EQ(home.SendGroup(150, true, 8), Why::kOldStamp);
  EXPECT_EQ(home.card().packages.at(kPackage).epoch, Epoch(9));
  EXPECT_EQ(home.SendGroup(200, true, 10), Why::kTaken);  // the same stamp is not older
  EXPECT_EQ(home.card().packages.at(kPackage).epoch, Epoch(10));
}

TEST(CardGroup, OtherGroupGenerationAndKeyAreIgnored) {
  Home home;
  const auto group = [&](GroupId id, uint8_t generation, const Key& key) {
    return home.receiver.Feed(air::MakeGroup(key, id, generation, Stamp(500), Epoch(9), {17}, {})).why;
  };
  EXPECT_EQ(group(kHomeGroup, 2, home.group_key), Why::kNotMine);  // no record yet
  home.SendRecord(100);
  EXPECT_EQ(group(GroupId(4712), 2, home.group_key), Why::kNotMine);
  EXPECT_EQ(group(kHomeGroup, 3, home.group_key), Why::kNoKey);
  EXPECT_EQ(group(kHomeGroup, 2, air::TestKey(77)), Why::kNotAuthentic);
  EXPECT_EQ(home.card().standing_stamp, Stamp(100));
  EXPECT_EQ(group(kHomeGroup, 2, home.group_key), Why::kTaken);  // no keys at all is allowed
}

TEST(CardGroup, EverySlotReadsItsOwnBit) {
  for (const int slot : {0, 1, 7, 8, 127, 128, 255}) {
    Home home;
    home.record.slot = static_cast<uint8_t>(slot);
    home.SendRecord(100);
    std::vector<int> others;
    for (int i = 0; i < 256; ++i) {
      if (i != slot) others.push_back(i);
    }
    home.receiver.Feed(air::MakeGroup(home.group_key, kHomeGroup, 2, Stamp(101), Epoch(9), others, {}));
    EXPECT_EQ(home.card().standing.standing, Standing::kDark) << slot;
    home.receiver.Feed(air::MakeGroup(home.group_key, kHomeGroup, 2, Stamp(102), Epoch(9), {slot}, {}));
    EXPECT_EQ(home.card().standing.standing, Standing::kOn) << slot;
  }
}

TEST(CardGroup, ANewGroupKeepsKeys) {
  Home home;
  home.SendRecord(100);
  home.SendGroup(100, true);
  home.SendServiceKeys(100);
  home.record.group = GroupId(5000);
  home.record.generation = 9;
  home.SendRecord(101);
  EXPECT_EQ(home.card().packages.size(), 1U);
  EXPECT_EQ(home.card().service_keys.size(), 1U);
}

TEST(CardChain, DerivesSixtyFourStepsBackAndNoFurther) {
  Home home;
  home.SendRecord(100);
  home.SendGroup(100, true, 9);
  EXPECT_EQ(home.SendServiceKeys(100, 21, 8), Why::kTaken);
  EXPECT_EQ(home.SendServiceKeys(100, 21, 0), Why::kTaken);
  EXPECT_EQ(home.SendServiceKeys(100, 21, 65535), Why::kTaken);       // 10 steps: the epoch wraps
  EXPECT_EQ(home.SendServiceKeys(100, 21, 65536 - 55), Why::kTaken);  // 64 steps
  EXPECT_EQ(home.SendServiceKeys(100, 21, 65536 - 56), Why::kNoKey);
  const auto newer = home.receiver.card()->PackageKey(kPackage, Epoch(10));
  EXPECT_FALSE(newer.has_value());  // the chain is one-way
}

TEST(CardServiceKeys, KeepsTheTwoNewestEpochsOfEachService) {
  struct Row {
    const char* name;
    std::vector<uint16_t> come;
    std::vector<uint16_t> stay;
  };
  const Row rows[] = {
      {"in order", {20, 21, 22}, {21, 22}},
      {"late comer is the oldest", {21, 22, 20}, {21, 22}},
      {"across the wrap", {65534, 65535, 0}, {0, 65535}},
      {"a gap", {5, 6, 300}, {6, 300}},
      {"the same again", {5, 6, 6}, {5, 6}},
  };
  for (const Row& row : rows) {
    Home home;
    home.SendRecord(100);
    home.SendGroup(100, true);
    uint64_t stamp = 100;
    for (const uint16_t epoch : row.come) EXPECT_EQ(home.SendServiceKeys(stamp++, epoch), Why::kTaken);
    std::vector<uint16_t> held;
    for (const auto& [id, key] : home.card().service_keys) held.push_back(id.second.value);
    EXPECT_EQ(held, row.stay) << row.name;
  }
}

TEST(CardServiceKeys, StampsAreOfThePackage) {
  Home home;
  home.SendRecord(100);
  home.SendGroup(100, true);
  EXPECT_EQ(home.SendServiceKeys(200, 22), Why::kTaken);
  EXPECT_EQ(home.SendServiceKeys(199, 21), Why::kOldStamp);
  EXPECT_EQ(home.card().service_keys.count({kService, Epoch(21)}), 0U);
  EXPECT_EQ(home.SendServiceKeys(200, 21), Why::kTaken);  // several sections share a stamp
}

TEST(CardServiceKeys, RunsThatBreakTheRulesAreIgnoredWhole) {
  Home home;
  home.SendRecord(100);
  home.SendGroup(100, true);
  const ServiceKeysHead head{kPackage, Epoch(9), Stamp(100), Epoch(1)};
  const Key& k = home.service_key;
  const auto send = [&](ServiceId first, const std::vector<Key>& keys) {
    return home.receiver.Feed(air::MakeServiceKeys(home.package_key, head, first, keys)).why;
  };
  EXPECT_EQ(send(ServiceId(5), {}), Why::kMalformed);          // a count of 0
  EXPECT_EQ(send(ServiceId(65535), {k, k}), Why::kMalformed);  // beyond the last service
  EXPECT_TRUE(home.card().service_keys.empty());
  EXPECT_EQ(send(ServiceId(65535), {k}), Why::kTaken);
  EXPECT_EQ(send(ServiceId(1), {k, k, k}), Why::kTaken);
  EXPECT_EQ(home.card().service_keys.count({ServiceId(3), Epoch(1)}), 1U);
}

TEST(CardTables, PartsInAnyOrderMakeOneTable) {
  Home home;
  ASSERT_TRUE(home.Install());
  const auto part = [&](uint64_t stamp, uint16_t version, uint8_t at, const char* cell) {
    return home.SendTable(TableKind::kArea, kArea, stamp, {cell}, 24, version, at, 3);
  };
  EXPECT_EQ(part(200, 8, 2, kStrangeCell), Why::kTaken);
  EXPECT_EQ(part(200, 8, 0, kHomeCell), Why::kTaken);
  EXPECT_EQ(part(200, 8, 0, kHomeCell), Why::kTaken);
  EXPECT_EQ(home.card().tables.at({TableKind::kArea, kArea}).table->version, 7);  // still the old one
  EXPECT_EQ(part(200, 8, 1, kHomeCell2), Why::kTaken);
  const TableSlot& slot = home.card().tables.at({TableKind::kArea, kArea});
  EXPECT_EQ(slot.table->version, 8);
  EXPECT_EQ(slot.table->grace_hours, 24);
  EXPECT_EQ(slot.table->cells.size(), 3U);
  EXPECT_EQ(slot.stamp, Stamp(200));
  EXPECT_FALSE(slot.collecting.has_value());
  EXPECT_EQ(part(199, 9, 0, kHomeCell), Why::kOldStamp);
}

TEST(CardTables, ANewerVersionReplacesAHalfCollectedOne) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.SendTable(TableKind::kArea, kArea, 200, {kHomeCell}, 72, 8, 0, 2);
  home.SendTable(TableKind::kArea, kArea, 300, {kStrangeCell}, 72, 9, 0, 2);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 200, {kHomeCell}, 72, 8, 1, 2), Why::kOldStamp);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 300, {kHomeCell}, 72, 9, 1, 2), Why::kTaken);
  EXPECT_EQ(home.card().tables.at({TableKind::kArea, kArea}).table->version, 9);
}

TEST(CardTables, PartsThatContradictEachOtherAreIgnored) {
  Home home;
  ASSERT_TRUE(home.Install());
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 200, {kHomeCell}, 72, 8, 0, 2), Why::kTaken);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 200, {kHomeCell}, 24, 8, 1, 2), Why::kMalformed);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 200, {kHomeCell}, 72, 8, 1, 3), Why::kMalformed);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 200, {kHomeCell}, 72, 8, 2, 2), Why::kMalformed);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 200, {kHomeCell}, 72, 8, 0, 0), Why::kMalformed);
}

TEST(CardTables, ScopeDecidesWhichDenyListsConcern) {
  struct Row {
    const char* name;
    TableKind kind;
    uint32_t list;
    bool concerns;
  };
  const Row rows[] = {
      {"own area", TableKind::kArea, 640122001, true},
      {"another area of the county", TableKind::kArea, 640122002, false},
      {"deny list of the county", TableKind::kDeny, 640122009, true},
      {"deny list of another county", TableKind::kDeny, 640121001, false},
      {"deny list of the prefecture", TableKind::kDeny, 640100001, true},
      {"deny list of another prefecture", TableKind::kDeny, 640200001, false},
      {"deny list of the province", TableKind::kDeny, 640000001, true},
      {"deny list of another province", TableKind::kDeny, 620000001, false},
      {"deny list of the country", TableKind::kDeny, 1, true},
  };
  for (const Row& row : rows) {
    Home home;
    home.SendRecord(100);
    home.SendGroup(100, true);
    const Why why = home.SendTable(row.kind, AreaId(row.list), 100, {kCityCell});
    EXPECT_EQ(why, row.concerns ? Why::kTaken : Why::kNotMine) << row.name;
  }
}

TEST(CardTables, MovingForgetsTablesButNotTheirStamps) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.SendTable(TableKind::kDeny, AreaId(640122009), 100, {kCityCell});
  home.record.area = AreaId(640121001);  // another county of the same prefecture
  home.SendRecord(300);
  EXPECT_FALSE(home.card().tables.at({TableKind::kArea, kArea}).table.has_value());
  EXPECT_FALSE(home.card().tables.at({TableKind::kDeny, AreaId(640122009)}).table.has_value());
  EXPECT_TRUE(home.card().tables.at({TableKind::kDeny, kCityDeny}).table.has_value());
  home.record.area = kArea;
  home.SendRecord(301);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 99, {kHomeCell}), Why::kOldStamp);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 100, {kHomeCell}), Why::kTaken);
  EXPECT_TRUE(home.card().tables.at({TableKind::kArea, kArea}).table.has_value());
}

TEST(CardTables, TheNewerOfRecordAndTableIsInForce) {
  struct Row {
    const char* name;
    uint16_t record_version;
    bool record_has_cells;
    uint16_t table_version;
    const char* in_force;
  };
  const Row rows[] = {
      {"record newer", 8, true, 7, kHomeCell2},
      {"the same version", 7, true, 7, kHomeCell},
      {"record older", 6, true, 7, kHomeCell},
      {"record newer across the wrap", 0, true, 65535, kHomeCell2},
      {"record older across the wrap", 65535, true, 0, kHomeCell},
      {"record newer but without cells", 8, false, 7, kHomeCell},
  };
  for (const Row& row : rows) {
    Home home;
    home.record.area_version = row.record_version;
    if (row.record_has_cells) home.record.cells = HashesOf(kArea, 3, {kHomeCell2});
    home.SendRecord(100);
    home.SendGroup(100, true);
    home.SendTable(TableKind::kArea, kArea, 100, {kHomeCell}, 72, row.table_version);
    const LocationRules rules = home.receiver.card()->Rules();
    ASSERT_TRUE(rules.area_cells.has_value()) << row.name;
    EXPECT_TRUE(rules.area_cells->Contains(CellOf(row.in_force))) << row.name;
    EXPECT_EQ(rules.area_cells->size(), 1U) << row.name;
  }
}

TEST(CardTables, WithoutATableTheRecordsCellsHoldAndGraceIsThreeDays) {
  Home home;
  home.SendRecord(100);
  EXPECT_FALSE(home.receiver.card()->Rules().area_cells.has_value());
  home.record.cells = HashesOf(kArea, 3, {kHomeCell});
  home.SendRecord(101);
  const LocationRules rules = home.receiver.card()->Rules();
  EXPECT_TRUE(rules.area_cells->Contains(CellOf(kHomeCell)));
  EXPECT_EQ(rules.grace_hours, 72);
}

TEST(CardLimitsTest, AFullCardSaysSo) {
  CardState state;
  state.number = kCard;
  state.card_key = air::TestKey(1);
  Home home;
  home.receiver.Insert(Card::Create(state, {.packages = 1, .services = 2, .tables = 1}).value());
  home.SendRecord(100);
  home.SendGroup(100, true);
  home.receiver.Feed(air::MakeGroup(home.group_key, kHomeGroup, 2, Stamp(101), Epoch(9), {17},
                                    {{PackageId(65), air::TestKey(8)}}));
  EXPECT_EQ(home.card().packages.size(), 1U);
  const ServiceKeysHead head{kPackage, Epoch(9), Stamp(100), Epoch(1)};
  const Key& k = home.service_key;
  EXPECT_EQ(home.receiver.Feed(air::MakeServiceKeys(home.package_key, head, ServiceId(1), {k, k, k})).why,
            Why::kFull);
  EXPECT_EQ(home.SendTable(TableKind::kArea, kArea, 100, {kHomeCell}), Why::kTaken);
  EXPECT_EQ(home.SendTable(TableKind::kDeny, kCityDeny, 100, {kCityCell}), Why::kFull);
}

TEST(Serial, ComparesByRfc1982) {
  EXPECT_TRUE(SerialNewer(1, 0));
  EXPECT_TRUE(SerialNewer(0, 65535));
  EXPECT_FALSE(SerialNewer(0, 0));
  EXPECT_TRUE(SerialNewer(32767, 0));
  EXPECT_FALSE(SerialNewer(32768, 0));
  EXPECT_FALSE(SerialNewer(0, 32768));
}

TEST(Scope, ZerosAtTheRightWiden) {
  EXPECT_TRUE(ScopeHolds(640122, 640122));
  EXPECT_FALSE(ScopeHolds(640122, 640121));
  EXPECT_TRUE(ScopeHolds(640100, 640122));
  EXPECT_FALSE(ScopeHolds(640100, 640222));
  EXPECT_TRUE(ScopeHolds(640000, 640222));
  EXPECT_FALSE(ScopeHolds(640000, 620222));
  EXPECT_TRUE(ScopeHolds(0, 620222));
  EXPECT_FALSE(ScopeHolds(640110, 640111));
}

TEST(Reports, CountersGrowAndTheMacCoversEverything) {
  Home home;
  Card& card = *home.receiver.mutable_card();
  ReportEvidence evidence{kBox, SimNumber(13909500017), kNow, Hears({kHomeCell, kCityCell}).cells};
  const SignedReport first = card.SignReport(evidence).value();
  const SignedReport second = card.SignReport(evidence).value();
  EXPECT_EQ(first.counter, 1U);
  EXPECT_EQ(second.counter, 2U);
  EXPECT_NE(first.mac, second.mac);
  evidence.cells.resize(33);
  EXPECT_EQ(card.SignReport(evidence).error().reason(), Reason::kLimitExceeded);
  EXPECT_EQ(card.state().counter, 2U);
}

TEST(Reports, TheLastCounterIsNeverUsedTwice) {
  CardState state;
  state.number = kCard;
  state.counter = UINT32_MAX - 1;
  Card card = Card::Create(state).value();
  EXPECT_EQ(card.SignReport({}).value().counter, UINT32_MAX);
  EXPECT_EQ(card.SignReport({}).error().reason(), Reason::kLimitExceeded);
}

}  // namespace
}  // namespace hearth::receiver
