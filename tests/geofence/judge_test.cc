#include "geofence/judge.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/geofence/generators.h"

namespace hearth::geofence {
namespace {

Cell Lte(uint64_t cell) {
  return {.radio = Radio::kLte, .mcc = 460, .mnc = 0, .mnc_digits = 2, .area = 33301, .cell = cell};
}

constexpr AreaId kOwn(640122001);
constexpr AreaId kNextDoor(640122002);  // same county
constexpr AreaId kSameProvince(640221001);
constexpr AreaId kOtherProvince(150121001);
constexpr AreaId kCity(640104001);  // blacklist

enum : uint64_t {
  kHome = 1,
  kHome2,
  kCounty,
  kProvince,
  kFar,
  kTown,
  kHomeAndTown,
  kCountyAndTown,
  kNew,
  kNew2
};

CellList List(ListKind kind, AreaId id, std::vector<Cell> cells) {
  return {.kind = kind, .id = id, .version = 3, .cells = std::move(cells)};
}

Snapshot Make(const std::vector<CellList>& lists) {
  SnapshotBuilder builder;
  for (const CellList& list : lists) builder.Add(list);
  return *Snapshot::FromBytes(*std::move(builder).Build());
}

Snapshot Lists() {
  return Make({
      List(ListKind::kWhitelist, kOwn, {Lte(kHome), Lte(kHome2), Lte(kHomeAndTown)}),
      List(ListKind::kWhitelist, kNextDoor, {Lte(kCounty), Lte(kCountyAndTown)}),
      List(ListKind::kWhitelist, kSameProvince, {Lte(kProvince)}),
      List(ListKind::kWhitelist, kOtherProvince, {Lte(kFar)}),
      List(ListKind::kBlacklist, kCity, {Lte(kTown), Lte(kHomeAndTown), Lte(kCountyAndTown)}),
  });
}

Evidence Heard(const std::vector<uint64_t>& cells) {
  Evidence evidence;
  for (const uint64_t cell : cells) evidence.cells.push_back({Lte(cell), -80});
  evidence.no_signal = cells.empty();
  return evidence;
}

TEST(Judge, TheServingCellDecides) {
  const Snapshot lists = Lists();
  struct Row {
    const char* name;
    Strictness strictness;
    bool exempt;
    std::vector<uint64_t> heard;
    Verdict verdict;
    bool whitelisted_neighbour;
    bool by_neighbour;
  };
  constexpr auto kV = Strictness::kVillage;
  constexpr auto kC = Strictness::kCounty;
  constexpr auto kP = Strictness::kProvince;
  const Row rows[] = {
      {"at home", kV, false, {kHome}, Verdict::kInArea, false, false},
      {"at home, city cell behind", kV, false, {kHome, kTown}, Verdict::kInArea, false, false},
      {"at home, home behind", kV, false, {kHome, kHome2}, Verdict::kInArea, true, false},
      {"next area, village", kV, false, {kCounty}, Verdict::kOutOfArea, false, false},
      {"next area, county", kC, false, {kCounty}, Verdict::kInArea, false, false},
      {"other county, county", kC, false, {kProvince}, Verdict::kOutOfArea, false, false},
      {"other county, province", kP, false, {kProvince}, Verdict::kInArea, false, false},
      {"other province, province", kP, false, {kFar}, Verdict::kOutOfArea, false, false},
      {"in town", kV, false, {kTown}, Verdict::kBlacklisted, false, false},
      {"in town, province", kP, false, {kTown}, Verdict::kBlacklisted, false, false},
      {"town cell heard on the hill", kV, false, {kTown, kHome}, Verdict::kBlacklisted, true, false},
      {"town cell on the own whitelist", kV, false, {kHomeAndTown}, Verdict::kInArea, false, false},
      {"town cell of the next area, village",
       kV,
       false,
       {kCountyAndTown},
       Verdict::kBlacklisted,
       false,
       false},
      {"town cell of the next area, county", kC, false, {kCountyAndTown}, Verdict::kInArea, false, false},
      {"new cell", kV, false, {kNew}, Verdict::kUnknownCell, false, false},
      {"new cell, home behind", kV, false, {kNew, kFar, kHome}, Verdict::kInArea, true, true},
      {"new cell, elsewhere behind", kV, false, {kNew, kFar}, Verdict::kUnknownCell, false, false},
      {"new cell, town behind", kV, false, {kNew, kTown}, Verdict::kUnknownCell, false, false},
      {"elsewhere, home behind", kV, false, {kFar, kHome}, Verdict::kOutOfArea, true, false},
      {"nothing heard", kV, false, {}, Verdict::kNoSignal, false, false},
      {"exempt at home", kV, true, {kHome}, Verdict::kExempt, false, false},
      {"exempt elsewhere", kV, true, {kFar}, Verdict::kExempt, false, false},
      {"exempt unknown", kV, true, {kNew}, Verdict::kExempt, false, false},
      {"exempt without signal", kV, true, {}, Verdict::kExempt, false, false},
      {"exempt in town", kV, true, {kTown}, Verdict::kBlacklisted, false, false},
      {"exempt, town cell of its own", kV, true, {kHomeAndTown}, Verdict::kExempt, false, false},
  };
  for (const Row& row : rows) {
    const Judgement judgement = Judge(lists, {kOwn, row.strictness, row.exempt}, Heard(row.heard));
    EXPECT_EQ(NameOf(judgement.verdict), NameOf(row.verdict)) << row.name;
    EXPECT_EQ(judgement.whitelisted_neighbour, row.whitelisted_neighbour) << row.name;
    EXPECT_EQ(judgement.by_neighbour, row.by_neighbour) << row.name;
    EXPECT_EQ(judgement.findings.size(), row.heard.size()) << row.name;
  }
}

TEST(Judge, FindingsNameTheListAndItsVersion) {
  const Judgement judgement =
      Judge(Lists(), {.area = kOwn}, Heard({kTown, kNew2, kCounty, kHome, kNew, kNew2}));
  ASSERT_EQ(judgement.findings.size(), 6U);
  const struct {
    CellFate fate;
    ListRef list;
  } expected[] = {
      {CellFate::kBlacklisted, {ListKind::kBlacklist, kCity, 3}},
      {CellFate::kUnknown, {}},
      {CellFate::kElsewhere, {ListKind::kWhitelist, kNextDoor, 3}},
      {CellFate::kOwnPlace, {ListKind::kWhitelist, kOwn, 3}},
      {CellFate::kUnknown, {}},
      {CellFate::kUnknown, {}},
  };
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(NameOf(judgement.findings[i].fate), NameOf(expected[i].fate)) << i;
    EXPECT_EQ(judgement.findings[i].list, expected[i].list) << i;
  }
  EXPECT_EQ(judgement.unknown_cells, (std::vector<Cell>{Lte(kNew), Lte(kNew2)}));
}

TEST(Judge, EvidenceIsChecked) {
  struct Row {
    const char* name;
    Evidence evidence;
    Reason reason;
  };
  Evidence both = Heard({kHome});
  both.no_signal = true;
  Evidence nothing;
  Evidence bad = Heard({kHome, kHome2});
  bad.cells[1].cell.mcc = 0;
  const Row rows[] = {
      {"neither", nothing, Reason::kReportNoEvidence},
      {"both", both, Reason::kFieldInvalid},
      {"out of range", bad, Reason::kFieldInvalid},
      {"too many", Heard(std::vector<uint64_t>(33, kHome)), Reason::kLimitExceeded},
  };
  for (const Row& row : rows) {
    const Status status = CheckEvidence(row.evidence, Limits());
    ASSERT_FALSE(status) << row.name;
    EXPECT_EQ(status.error().reason(), row.reason) << row.name;
  }
  EXPECT_EQ(CheckEvidence(bad, Limits()).error().violations()[0].field, "evidence.cells[1].mcc");
  EXPECT_TRUE(CheckEvidence(Heard({}), Limits()));
  EXPECT_TRUE(CheckEvidence(Heard({kHome}), Limits()));
}

TEST(Judge, BothAreasAreHomeWhileTheCardMoves) {
  const Snapshot lists = Lists();
  struct Row {
    const char* name;
    Strictness strictness;
    AreaId also;
    std::vector<uint64_t> heard;
    Verdict verdict;
    AreaId list;
  };
  constexpr auto kV = Strictness::kVillage;
  const Row rows[] = {
      {"old area", kV, kNextDoor, {kHome}, Verdict::kInArea, kOwn},
      {"new area", kV, kNextDoor, {kCounty}, Verdict::kInArea, kNextDoor},
      {"new area, a city cell too", kV, kNextDoor, {kCountyAndTown}, Verdict::kInArea, kNextDoor},
      {"new area behind an unknown cell", kV, kNextDoor, {kNew, kCounty}, Verdict::kInArea, AreaId()},
      {"neither", kV, kNextDoor, {kProvince}, Verdict::kOutOfArea, kSameProvince},
      {"in town", kV, kNextDoor, {kTown}, Verdict::kBlacklisted, kCity},
      {"county of the new area",
       Strictness::kCounty,
       AreaId(640221002),
       {kProvince},
       Verdict::kInArea,
       kSameProvince},
      {"province of the new area",
       Strictness::kProvince,
       AreaId(150221001),
       {kFar},
       Verdict::kInArea,
       kOtherProvince},
  };
  for (const Row& row : rows) {
    const CardPlace card{.area = kOwn, .strictness = row.strictness, .also = row.also};
    const Judgement judgement = Judge(lists, card, Heard(row.heard));
    EXPECT_EQ(NameOf(judgement.verdict), NameOf(row.verdict)) << row.name;
    EXPECT_EQ(judgement.findings[0].list.id, row.list) << row.name;
  }
  EXPECT_EQ(Judge(lists, {.area = kOwn}, Heard({kCounty})).verdict, Verdict::kOutOfArea);
}

TEST(Judge, AnExemptionLiftsTheBlacklistFromTheCellsItNames) {
  const Snapshot lists = Lists();
  const std::vector<Cell> named = {Lte(kTown), Lte(kNew2)};
  struct Row {
    const char* name;
    bool exempt;
    std::vector<uint64_t> heard;
    Verdict verdict;
    CellFate serving;
    size_t unknown;
  };
  const Row rows[] = {
      {"named", true, {kTown}, Verdict::kExempt, CellFate::kUnknown, 0},
      {"another city cell", true, {kCountyAndTown}, Verdict::kBlacklisted, CellFate::kBlacklisted, 0},
      {"another city cell, a named one behind",
       true,
       {kCountyAndTown, kTown},
       Verdict::kBlacklisted,
       CellFate::kBlacklisted,
       0},
      {"named, not exempt", false, {kTown}, Verdict::kUnknownCell, CellFate::kUnknown, 0},
      {"named and on no list", true, {kNew2}, Verdict::kExempt, CellFate::kUnknown, 1},
  };
  for (const Row& row : rows) {
    const CardPlace card{.area = kOwn, .exempt = row.exempt, .exempt_cells = named};
    const Judgement judgement = Judge(lists, card, Heard(row.heard));
    EXPECT_EQ(NameOf(judgement.verdict), NameOf(row.verdict)) << row.name;
    EXPECT_EQ(NameOf(judgement.findings[0].fate), NameOf(row.serving)) << row.name;
    EXPECT_EQ(judgement.unknown_cells.size(), row.unknown) << row.name;
  }
  const std::vector<Cell> next_door = {Lte(kCountyAndTown)};
  EXPECT_EQ(FateOf(lists, {.area = kOwn, .exempt = true, .exempt_cells = next_door}, Lte(kCountyAndTown)),
            CellFate::kElsewhere);
}

TEST(Judge, WhileARolloutIsUnderWayEachCardHasItsVersion) {
  CellList before = List(ListKind::kWhitelist, kOwn, {Lte(kHome), Lte(kHome2)});
  CellList after = List(ListKind::kWhitelist, kOwn, {Lte(kHome), Lte(kNew)});
  after.version = before.version + 1;
  CellList town = List(ListKind::kBlacklist, kCity, {Lte(kTown)});
  CellList more_town = List(ListKind::kBlacklist, kCity, {Lte(kTown), Lte(kNew2)});
  more_town.version = town.version + 1;
  const Snapshot lists = Make({before, after, town, more_town});
  const std::vector<ListRef> out_old = {{ListKind::kWhitelist, kOwn, 3}, {ListKind::kBlacklist, kCity, 3}};
  const std::vector<ListRef> out_new = {{ListKind::kWhitelist, kOwn, 4}, {ListKind::kBlacklist, kCity, 4}};
  struct Row {
    uint64_t heard;
    Verdict before;
    Verdict after;
  };
  const Row rows[] = {
      {kHome, Verdict::kInArea, Verdict::kInArea},
      {kHome2, Verdict::kInArea, Verdict::kUnknownCell},
      {kNew, Verdict::kUnknownCell, Verdict::kInArea},
      {kNew2, Verdict::kUnknownCell, Verdict::kBlacklisted},
      {kTown, Verdict::kBlacklisted, Verdict::kBlacklisted},
  };
  for (const Row& row : rows) {
    const Evidence heard = Heard({row.heard});
    const Judgement old_one = Judge(lists, {.area = kOwn}, heard, ListFilter(out_new));
    EXPECT_EQ(NameOf(old_one.verdict), NameOf(row.before)) << row.heard;
    EXPECT_EQ(old_one.unknown_cells.size(), row.before == Verdict::kUnknownCell) << row.heard;
    const Judgement new_one = Judge(lists, {.area = kOwn}, heard, ListFilter(out_old));
    EXPECT_EQ(NameOf(new_one.verdict), NameOf(row.after)) << row.heard;
    EXPECT_EQ(new_one.findings[0].list.version, row.after == Verdict::kUnknownCell ? 0U : 4U) << row.heard;
  }
}

TEST(Judge, FatesAloneComeToTheSame) {
  using enum CellFate;
  struct Row {
    std::vector<CellFate> fates;
    Outcome outcome;
    Verdict exempt;
  };
  const Row rows[] = {
      {{}, {Verdict::kNoSignal, false, false}, Verdict::kExempt},
      {{kOwnPlace, kOwnPlace}, {Verdict::kInArea, false, false}, Verdict::kExempt},
      {{kBlacklisted}, {Verdict::kBlacklisted, false, false}, Verdict::kBlacklisted},
      {{kBlacklisted, kUnknown, kOwnPlace}, {Verdict::kBlacklisted, true, false}, Verdict::kBlacklisted},
      {{kElsewhere, kOwnPlace}, {Verdict::kOutOfArea, true, false}, Verdict::kExempt},
      {{kUnknown, kBlacklisted}, {Verdict::kUnknownCell, false, false}, Verdict::kExempt},
      {{kUnknown, kBlacklisted, kOwnPlace}, {Verdict::kInArea, true, true}, Verdict::kExempt},
  };
  for (size_t i = 0; i < std::size(rows); ++i) {
    EXPECT_EQ(Conclude(rows[i].fates, false), rows[i].outcome) << i;
    EXPECT_EQ(Conclude(rows[i].fates, true).verdict, rows[i].exempt) << i;
  }
}

// Random lists, evidence and card over a few cells.
struct Scene {
  std::vector<CellList> lists;
  CardPlace card;
  Evidence evidence;
};

Scene AnyScene() {
  Scene scene;
  for (const AreaId area : {kOwn, kNextDoor, kSameProvince, kCity}) {
    auto cells = *rc::gen::container<std::vector<Cell>>(FewCells());
    std::sort(cells.begin(), cells.end());
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
    scene.lists.push_back(
        List(area == kCity ? ListKind::kBlacklist : ListKind::kWhitelist, area, std::move(cells)));
  }
  scene.card = {kOwn, *rc::gen::element(Strictness::kVillage, Strictness::kCounty, Strictness::kProvince),
                *rc::gen::arbitrary<bool>()};
  for (const Cell& cell : *rc::gen::container<std::vector<Cell>>(FewCells())) {
    scene.evidence.cells.push_back({cell, -90});
  }
  return scene;
}

RC_GTEST_PROP(JudgeProperty, TheOrderOfNeighboursNeverMatters, ()) {
  Scene scene = AnyScene();
  for (int i = 0; i < 3; ++i) scene.evidence.cells.push_back({*FewCells(), -95});
  const Snapshot lists = Make(scene.lists);
  const Judgement before = Judge(lists, scene.card, scene.evidence);
  std::vector<HeardCell>& cells = scene.evidence.cells;
  const auto turn = *rc::gen::inRange<size_t>(1, cells.size());
  std::rotate(cells.begin() + 1, cells.begin() + static_cast<std::ptrdiff_t>(turn), cells.end());
  if (*rc::gen::arbitrary<bool>()) std::reverse(cells.begin() + 1, cells.end());
  const Judgement after = Judge(lists, scene.card, scene.evidence);
  RC_ASSERT(after.verdict == before.verdict);
  RC_ASSERT(after.whitelisted_neighbour == before.whitelisted_neighbour);
  RC_ASSERT(after.by_neighbour == before.by_neighbour);
  RC_ASSERT(after.unknown_cells == before.unknown_cells);
}

RC_GTEST_PROP(JudgeProperty, AddingToTheOwnWhitelistNeverHurts, ()) {
  Scene scene = AnyScene();
  const Judgement before = Judge(Make(scene.lists), scene.card, scene.evidence);
  std::vector<Cell>& own = scene.lists[0].cells;
  own.push_back(*FewCells());
  std::sort(own.begin(), own.end());
  own.erase(std::unique(own.begin(), own.end()), own.end());
  const Judgement after = Judge(Make(scene.lists), scene.card, scene.evidence);
  const auto good = [](Verdict v) { return v == Verdict::kInArea || v == Verdict::kExempt; };
  if (good(before.verdict)) RC_ASSERT(after.verdict == before.verdict);
  if (before.verdict != Verdict::kBlacklisted) RC_ASSERT(after.verdict != Verdict::kBlacklisted);
}

// Only BLACKLISTED reports without a neighbour of home switch a card off.
RC_GTEST_PROP(JudgeProperty, AddingToAnyWhitelistNeverDarkens, ()) {
  Scene scene = AnyScene();
  const Judgement before = Judge(Make(scene.lists), scene.card, scene.evidence);
  std::vector<Cell>& cells = scene.lists[*rc::gen::inRange<size_t>(0, 3)].cells;
  cells.push_back(*FewCells());
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  const Judgement after = Judge(Make(scene.lists), scene.card, scene.evidence);
  if (before.verdict != Verdict::kBlacklisted) RC_ASSERT(after.verdict != Verdict::kBlacklisted);
  if (before.verdict == Verdict::kInArea && after.verdict != Verdict::kInArea) {
    // By a neighbour before; the serving cell has turned out to be another place's.
    RC_ASSERT(after.verdict == Verdict::kOutOfArea);
    RC_ASSERT(after.whitelisted_neighbour);
  }
}

RC_GTEST_PROP(JudgeProperty, WiderStrictnessNeverHurts, ()) {
  Scene scene = AnyScene();
  const Snapshot lists = Make(scene.lists);
  scene.card.strictness = Strictness::kVillage;
  const Verdict village = Judge(lists, scene.card, scene.evidence).verdict;
  scene.card.strictness = Strictness::kCounty;
  const Verdict county = Judge(lists, scene.card, scene.evidence).verdict;
  scene.card.strictness = Strictness::kProvince;
  const Verdict province = Judge(lists, scene.card, scene.evidence).verdict;
  const auto good = [](Verdict v) { return v == Verdict::kInArea || v == Verdict::kExempt; };
  RC_ASSERT(!good(village) || good(county));
  RC_ASSERT(!good(county) || good(province));
}

RC_GTEST_PROP(JudgeProperty, ManyAtOnceComeToTheSame, ()) {
  const Scene lists = AnyScene();
  const size_t count = *rc::gen::inRange<size_t>(0, 40);
  std::vector<Scene> scenes(count);
  std::vector<std::vector<Cell>> named(count);
  std::vector<std::vector<ListRef>> out(count);
  std::vector<Question> questions;
  for (size_t i = 0; i < count; ++i) {
    scenes[i] = AnyScene();
    if (*rc::gen::arbitrary<bool>()) scenes[i].card.also = kNextDoor;
    named[i] = *rc::gen::container<std::vector<Cell>>(FewCells());
    scenes[i].card.exempt_cells = named[i];
    if (*rc::gen::arbitrary<bool>()) out[i] = {{ListKind::kWhitelist, kOwn, 3}};
    questions.push_back({scenes[i].card, scenes[i].evidence.cells, ListFilter(out[i])});
  }
  const Snapshot snapshot = Make(lists.lists);
  std::vector<Outcome> outcomes(count, {Verdict::kOutOfArea, true, true});
  JudgeMany(snapshot, questions, outcomes);
  for (size_t i = 0; i < count; ++i) {
    const Judgement one = Judge(snapshot, scenes[i].card, scenes[i].evidence, questions[i].filter);
    RC_ASSERT(outcomes[i].verdict == one.verdict);
    RC_ASSERT(outcomes[i].by_neighbour == one.by_neighbour);
    const bool own = !one.findings.empty() && one.findings[0].fate == CellFate::kOwnPlace;
    RC_ASSERT(outcomes[i].whitelisted_neighbour == (one.whitelisted_neighbour && !own));
  }
}

// A relocation and an exemption only ever help.
RC_GTEST_PROP(JudgeProperty, ASecondAreaAndNamedCellsNeverHurt, ()) {
  Scene scene = AnyScene();
  const Snapshot lists = Make(scene.lists);
  const Verdict before = Judge(lists, scene.card, scene.evidence).verdict;
  const auto named = *rc::gen::container<std::vector<Cell>>(FewCells());
  scene.card.exempt_cells = named;
  scene.card.also = *rc::gen::element(kNextDoor, kSameProvince);
  const Verdict after = Judge(lists, scene.card, scene.evidence).verdict;
  const auto good = [](Verdict v) { return v == Verdict::kInArea || v == Verdict::kExempt; };
  RC_ASSERT(!good(before) || good(after));
  if (before != Verdict::kBlacklisted) RC_ASSERT(after != Verdict::kBlacklisted);
}

}  // namespace
}  // namespace hearth::geofence
