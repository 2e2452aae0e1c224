// The offline lock (docs/messages.md section 6), from the lists and the policy of the head-end to boxes that
// never speak: after installation nothing here reports. What boxes do, they do by what they heard.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/cas/area_table.h"
#include "tests/app/site.h"

namespace hearth::app {
namespace {

using geofence::ListKind;
using receiver::Module;
using receiver::Reading;

constexpr uint64_t kHour = 3600;
constexpr AreaId kOtherArea{640104001};  // in another county of the same prefecture

Reading Hears(const Heard& cells, Module module = Module::kOk) {
  Reading reading;
  reading.module = module;
  for (const std::string& cell : cells) reading.cells.push_back(receiver::ParseHeardCell(cell).value());
  return reading;
}

Heard Numbered(size_t count, unsigned tac) {
  Heard cells;
  for (size_t i = 0; i < count; ++i) cells.push_back(fmt::format("lte:460:00:{}:{}", tac, 256 * i + 1));
  return cells;
}

class OfflineLock : public testing::Test {
 protected:
  // Lit, with everything of its area from the air.
  Home Installed(uint64_t n) {
    Home home = site.Installed(n);
    Listen(home);
    return home;
  }
  // To all that is due, and a pass of the cycles.
  void Listen(Home& home, const std::function<bool(const Bytes&)>& heard = nullptr) {
    site.Pass();
    site.Listen(home, heard);
  }
  Status Put(ListKind kind, AreaId id, const Heard& cells) {
    const auto put = site.head().geo().PutList(site.NewRequest(), {kind, id, "", CellsOf(cells)});
    if (!put) return put.error();
    return Ok();
  }
  Result<RolloutChanged> Propose(const WantedChange& wanted) {
    EXPECT_TRUE(WaitUntil([&] { return site.head().column().loaded(); }));
    return site.head().rollouts().Propose(site.NewRequest("test"), wanted);
  }
  // What the viewer sees after this reading: a picture, or the code.
  std::string After(Home& home, uint64_t second, const Reading& reading) {
    home.receiver.Read(reading, second, site.clock.Now());
    const auto shown = site.TryWatch(home, "CCTV-1");
    return shown.opened() ? "" : shown.screen.code;
  }
  receiver::LocationRules RulesOf(const Home& home) { return home.receiver.card()->Rules(); }
  // An area in the other county, with a cell of its own.
  Home InstalledInTheOtherCounty(uint64_t n, const Heard& cells) {
    const auto geo = site.head().geo().snapshot();
    uint64_t village = 0;
    for (const geofence::Region& region : geo->regions.all()) {
      if (region.level == RegionLevel::kVillage && region.code.value / 1'000'000 == 640104)
        village = region.code.value;
    }
    GeoState& lists = site.head().geo();
    EXPECT_TRUE(lists.CreateArea(site.NewRequest(), {kOtherArea, "兴庆", {geofence::PlaceCode(village)}}));
    EXPECT_TRUE(lists.StepArea(site.NewRequest(), kOtherArea, geofence::AreaState::kSubmitted));
    Request approval = site.NewRequest();
    approval.actor = "second";
    EXPECT_TRUE(lists.StepArea(approval, kOtherArea, geofence::AreaState::kApproved));
    EXPECT_TRUE(Put(ListKind::kWhitelist, kOtherArea, cells));
    Home home = site.NewHome(n);
    const auto opened = site.Open(n, village);
    EXPECT_TRUE(opened) << opened.error().ToString();
    const auto answer = site.Send(home, cells);
    EXPECT_TRUE(answer && answer->outcome == ReportOutcome::kActivated);
    Listen(home);
    EXPECT_TRUE(site.Watches(home));
    return home;
  }

  Site site;
};

TEST_F(OfflineLock, CarriedToTownItIsDarkAfterAMinuteAndLitAgainAtHomeThoughNobodyWasAsked) {
  Home home = Installed(1);
  EXPECT_EQ(RulesOf(home).area, kArea);
  EXPECT_EQ(After(home, 0, Hears(kHome)), "");
  EXPECT_EQ(After(home, 100, Hears(kCity)), "");
  EXPECT_EQ(After(home, 159, Hears(kCity)), "");
  EXPECT_EQ(After(home, 160, Hears(kCity)), "E09");
  EXPECT_EQ(After(home, 1000, Hears(kRenumbered)), "E09");
  EXPECT_EQ(site.head().registry().Card(CardOf(1))->value.card.standing, entitlement::Standing::kOn)
      << "the head-end knows nothing of it";
  EXPECT_EQ(After(home, 2000, Hears(kHome)), "");
}

TEST_F(OfflineLock, ADeafAMissingAndAChangedModuleDarkenAfterTheGraceAndNotBefore) {
  struct Row {
    const char* name;
    Reading reading;
  };
  const Row rows[] = {{"deaf", Hears({})},
                      {"missing", Hears({}, Module::kMissing)},
                      {"changed", Hears(kHome, Module::kChanged)},
                      {"unknown cells", Hears(kRenumbered)}};
  uint64_t n = 0;
  for (const Row& row : rows) {
    Home home = Installed(++n);
    ASSERT_EQ(RulesOf(home).grace_hours, 72);
    EXPECT_EQ(After(home, 0, Hears(kHome)), "") << row.name;
    EXPECT_EQ(After(home, 10, row.reading), "") << row.name;
    EXPECT_EQ(After(home, 10 + 72 * kHour - 1, row.reading), "") << row.name;
    EXPECT_EQ(After(home, 10 + 72 * kHour, row.reading), "E09") << row.name;
    EXPECT_EQ(After(home, 10 + 72 * kHour + 1, Hears(kHome)), "") << row.name;
  }
}

TEST_F(OfflineLock, ACellThatIsAddedIsHomeToBoxesThatHeardOfItAndToNoOther) {
  Home hears = Installed(1);
  Home misses = Installed(2);
  for (Home* home : {&hears, &misses}) EXPECT_EQ(After(*home, 0, Hears(kRenumbered)), "");
  Heard more = kHome;
  more.push_back(kRenumbered[0]);
  ASSERT_TRUE(Put(ListKind::kWhitelist, kArea, more));
  EXPECT_FALSE(RulesOf(hears).area_cells->Contains(*receiver::ParseCell(kRenumbered[0]))) << "not heard yet";
  Listen(hears);
  for (const uint64_t second : {71 * kHour, 72 * kHour, 144 * kHour}) {
    EXPECT_EQ(After(hears, second, Hears(kRenumbered)), "") << second;
  }
  EXPECT_EQ(After(misses, 71 * kHour, Hears(kRenumbered)), "");
  EXPECT_EQ(After(misses, 72 * kHour, Hears(kRenumbered)), "E09");
  Listen(misses);
  EXPECT_EQ(After(misses, 73 * kHour, Hears(kRenumbered)), "") << "and it comes back by the table alone";
}

TEST_F(OfflineLock, ACellThatIsRemovedIsForeignToBoxesThatHeardOfItAndToNoOther) {
  Home hears = Installed(1);
  Home misses = Installed(2);
  ASSERT_TRUE(Put(ListKind::kWhitelist, kArea, {kHome[0]}));
  const Reading removed = Hears({kHome[1]});
  EXPECT_EQ(After(hears, 0, removed), "");
  EXPECT_FALSE(hears.receiver.box().state().grace_since.has_value()) << "not heard yet";
  Listen(hears);
  EXPECT_EQ(After(hears, 10, removed), "");
  EXPECT_EQ(After(hears, 10 + 72 * kHour - 1, removed), "");
  EXPECT_EQ(After(hears, 10 + 72 * kHour, removed), "E09");
  EXPECT_EQ(After(hears, 10 + 73 * kHour, Hears(kHome)), "");
  EXPECT_EQ(After(misses, 10, removed), "");
  EXPECT_EQ(After(misses, 10 + 720 * kHour, removed), "");
}

TEST_F(OfflineLock, ADenyListReachesTheBoxesOfItsScopeOnceTheyHearIt) {
  const Heard other_cells = {"lte:460:00:33401:1"};
  Home here = Installed(1);
  Home there = InstalledInTheOtherCounty(2, other_cells);
  const Reading county_town = Hears({"lte:460:00:41000:1"});
  const Reading next_province = Hears({"lte:460:00:42000:1"});  // a city's, just over the border
  for (Home* home : {&here, &there}) {
    EXPECT_EQ(After(*home, 0, county_town), "");
    EXPECT_EQ(After(*home, 60, county_town), "");
    EXPECT_EQ(After(*home, 70, Hears(home == &here ? kHome : other_cells)), "");
  }
  ASSERT_TRUE(Put(ListKind::kBlacklist, AreaId(640122009), {"lte:460:00:41000:1"}));
  ASSERT_TRUE(Put(ListKind::kBlacklist, AreaId(640000001), {"lte:460:00:42000:1"}));
  EXPECT_EQ(After(here, 100, county_town), "");
  EXPECT_EQ(After(here, 200, county_town), "") << "not heard yet";
  EXPECT_EQ(After(here, 210, Hears(kHome)), "");
  Listen(here);
  Listen(there);
  EXPECT_EQ(RulesOf(here).deny.size(), 3U);
  EXPECT_EQ(RulesOf(there).deny.size(), 2U) << "no list of another county";
  EXPECT_EQ(After(here, 300, county_town), "");
  EXPECT_EQ(After(here, 360, county_town), "E09");
  EXPECT_EQ(After(there, 300, county_town), "");
  EXPECT_EQ(After(there, 360, county_town), "");
  EXPECT_EQ(After(there, 370, Hears(other_cells)), "");
  EXPECT_EQ(After(there, 400, next_province), "");
  EXPECT_EQ(After(there, 460, next_province), "E09");
}

TEST_F(OfflineLock, AGraceThatIsChangedAloneReachesTheBoxes) {
  Home hears = Installed(1);
  Home misses = Installed(2);
  Home elsewhere = InstalledInTheOtherCounty(3, {"lte:460:00:33401:1"});
  intervention::PolicyBook policy = site.head().geo().snapshot()->policy;
  policy.regions[640122] = policy.national;
  policy.regions[640122].grace_hours = 24;
  const auto changed = Propose({.policy = policy, .at_once_if_harmless = true});
  ASSERT_TRUE(changed) << changed.error().ToString();
  ASSERT_EQ(changed->view.rollout.state, intervention::RolloutState::kDone);
  site.Restart();
  Listen(hears);
  Listen(elsewhere);
  EXPECT_EQ(RulesOf(hears).grace_hours, 24);
  EXPECT_EQ(RulesOf(misses).grace_hours, 72);
  EXPECT_EQ(RulesOf(elsewhere).grace_hours, 72);
  for (Home* home : {&hears, &misses}) {
    EXPECT_EQ(After(*home, 0, Hears({})), "");
    EXPECT_EQ(After(*home, 24 * kHour - 1, Hears({})), "");
    EXPECT_EQ(After(*home, 24 * kHour, Hears({})), home == &hears ? "E09" : "");
  }
  EXPECT_EQ(After(misses, 72 * kHour, Hears({})), "E09");

  ASSERT_TRUE(WaitUntil([&] { return site.head().column().loaded(); }));
  const auto undone =
      site.head().rollouts().Undo(site.NewRequest("too strict"), changed->view.rollout.number);
  ASSERT_TRUE(undone) << undone.error().ToString();
  Listen(hears);
  EXPECT_EQ(RulesOf(hears).grace_hours, 72);
  EXPECT_TRUE(RulesOf(hears).area_cells->Contains(*receiver::ParseCell(kHome[0])));
}

TEST_F(OfflineLock, AnotherRuleOfThePolicySendsNoTableAnew) {
  Home home = Installed(1);
  const Stamp before = home.receiver.card()->state().tables.at({receiver::TableKind::kArea, kArea}).stamp;
  intervention::PolicyBook policy = site.head().geo().snapshot()->policy;
  policy.national.blacklisted_reports = 3;
  policy.regions[62].grace_hours = 0;  // where there is no area
  ASSERT_TRUE(Propose({.policy = policy, .at_once_if_harmless = true}));
  Listen(home);
  EXPECT_EQ(home.receiver.card()->state().tables.at({receiver::TableKind::kArea, kArea}).stamp, before);
}

TEST_F(OfflineLock, ATableOfManyPartsIsInForceWhenTheLastOfThemWasHeard) {
  Home home = Installed(1);
  const Heard many = Numbered(1000, 50000);  // 28 parts, of 4 bytes a cell
  ASSERT_TRUE(Put(ListKind::kWhitelist, kArea, many));
  Listen(home, [](const Bytes& section) {
    const auto head = receiver::DecodeTableHead(section);
    return section[0] != receiver::kTable || !head || head->list != kArea || head->part != 13;
  });
  EXPECT_EQ(RulesOf(home).area_cells->size(), 2U) << "the former table, until the new one is whole";
  EXPECT_EQ(After(home, 0, Hears(kHome)), "");
  Listen(home);
  ASSERT_EQ(RulesOf(home).area_cells->size(), 1000U);
  for (const std::string& cell : many) {
    ASSERT_TRUE(RulesOf(home).area_cells->Contains(*receiver::ParseCell(cell))) << cell;
  }
  EXPECT_FALSE(RulesOf(home).area_cells->Contains(*receiver::ParseCell(kHome[0])));
}

TEST_F(OfflineLock, WhatIsTooLongForATableIsRefusedAndTheLongestThatIsNotReachesTheBoxes) {
  struct Row {
    ListKind kind;
    AreaId id;
    size_t most;
  };
  const Row rows[] = {{ListKind::kWhitelist, kArea, 9180}, {ListKind::kBlacklist, AreaId(640100002), 7140}};
  Home home = Installed(1);
  for (const Row& row : rows) {
    const Status refused = Put(row.kind, row.id, Numbered(row.most + 1, 51000));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason(), Reason::kLimitExceeded);
    const unsigned tac = row.kind == ListKind::kWhitelist ? 51000 : 52000;
    ASSERT_TRUE(Put(row.kind, row.id, Numbered(row.most, tac)));
  }
  Listen(home);
  const auto rules = RulesOf(home);
  EXPECT_EQ(rules.area_cells->size(), 9180U);
  ASSERT_EQ(rules.deny.size(), 2U);
  EXPECT_EQ(rules.deny[0].size() + rules.deny[1].size(), 2U + 7140U);
}

// As a store of before lists were measured may hold one: the last of those that are built after a start.
TEST_F(OfflineLock, AListThatCannotBeSentKeepsNoOtherBack) {
  geofence::CellList list{.kind = ListKind::kWhitelist, .id = kOtherArea, .version = 1, .cells = {}};
  list.cells = CellsOf(Numbered(9181, 51000));
  const auto stored = site.head().executor().Run(store::kSystemBucket, {}, [&](Txn& txn) {
    GeoState::WriteCells(txn, list);
    return GeoState::PutInForce(txn, list, "too long", "test");
  });
  ASSERT_TRUE(stored) << stored.error().ToString();
  site.Restart();                          // the snapshot takes it in
  for (int hour = 0; hour < 13; ++hour) {  // until nothing of the lists is repeated any more
    site.clock.Advance(std::chrono::hours(1));
    site.Pass();
  }
  site.Restart();
  Home home = site.NewHome(1);
  home.heard_sections = site.sink.size();
  ASSERT_TRUE(site.Open(1));
  ASSERT_TRUE(site.Send(home, kHome));
  Listen(home);
  EXPECT_TRUE(RulesOf(home).area_cells.has_value());
  EXPECT_EQ(RulesOf(home).deny.size(), 1U) << "which only the cycle brings";
}

}  // namespace
}  // namespace hearth::app
