#include "geofence/cell.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "geofence/cell_list.h"
#include "tests/geofence/generators.h"

namespace hearth::geofence {
namespace {

constexpr Limits kLimits;

Cell Lte(uint64_t cell) {
  return {.radio = Radio::kLte, .mcc = 460, .mnc = 0, .mnc_digits = 2, .area = 33301, .cell = cell};
}

TEST(Cell, RangesAreThoseOfTheRadio) {
  struct Row {
    const char* name;
    Cell cell;
    const char* bad_field;  // "" when good
  };
  const Row rows[] = {
      {"lte", {Radio::kLte, 460, 0, 2, 33301, 26879745}, ""},
      {"gsm largest", {Radio::kGsm, 460, 0, 2, 0xFFFF, 0xFFFF}, ""},
      {"gsm ci 17 bits", {Radio::kGsm, 460, 0, 2, 1, 0x10000}, "cell.cell"},
      {"umts largest", {Radio::kUmts, 460, 1, 2, 0xFFFF, 0xFFFFFFF}, ""},
      {"umts 29 bits", {Radio::kUmts, 460, 1, 2, 1, 0x10000000}, "cell.cell"},
      {"lte tac 17 bits", {Radio::kLte, 460, 0, 2, 0x10000, 1}, "cell.area"},
      {"nr largest", {Radio::kNr, 460, 0, 2, 0xFFFFFF, 0xFFFFFFFFF}, ""},
      {"nr tac 25 bits", {Radio::kNr, 460, 0, 2, 0x1000000, 1}, "cell.area"},
      {"nr nci 37 bits", {Radio::kNr, 460, 0, 2, 1, 0x1000000000}, "cell.cell"},
      {"cdma largest", {Radio::kCdma, 460, 3, 2, 0xFFFF, 0x7FFFFFFF}, ""},
      {"cdma 32 bits", {Radio::kCdma, 460, 3, 2, 1, 0x80000000}, "cell.cell"},
      {"mcc 0", {Radio::kLte, 0, 0, 2, 1, 1}, "cell.mcc"},
      {"mcc 1000", {Radio::kLte, 1000, 0, 2, 1, 1}, "cell.mcc"},
      {"mnc 100 in two digits", {Radio::kLte, 460, 100, 2, 1, 1}, "cell.mnc"},
      {"mnc 100 in three digits", {Radio::kLte, 310, 100, 3, 1, 1}, ""},
      {"mnc of one digit", {Radio::kLte, 460, 1, 1, 1, 1}, "cell.mnc_digits"},
      {"radio 0", {static_cast<Radio>(0), 460, 0, 2, 1, 1}, "cell.radio"},
      {"radio 7", {static_cast<Radio>(7), 460, 0, 2, 1, 1}, "cell.radio"},
  };
  for (const Row& row : rows) {
    const Status status = CheckCell(row.cell);
    EXPECT_EQ(status.has_value(), InRange(row.cell)) << row.name;
    EXPECT_EQ(status ? "" : status.error().violations().front().field, row.bad_field) << row.name;
  }
}

TEST(Cell, TextIsStrict) {
  struct Row {
    const char* name;
    const char* text;
    bool ok;
  };
  const Row rows[] = {
      {"lte", "lte:460:00:33301:26879745", true},
      {"three-digit mnc", "gsm:310:410:17:9", true},
      {"nr", "nr:460:15:3330115:5018828801", true},
      {"zeroes", "gsm:460:00:0:0", true},
      {"upper case", "LTE:460:00:33301:26879745", false},
      {"mcc too short", "lte:46:00:33301:26879745", false},
      {"mnc too short", "lte:460:0:33301:26879745", false},
      {"leading zero", "lte:460:00:033301:26879745", false},
      {"sign", "lte:460:00:+3301:26879745", false},
      {"sign in the code", "lte:+46:00:33301:26879745", false},
      {"a part missing", "lte:460:00:33301", false},
      {"a part too many", "lte:460:00:33301:1:2", false},
      {"empty part", "lte:460:00::1", false},
      {"beyond 64 bits", "lte:460:00:1:99999999999999999999", false},
      {"out of range", "gsm:460:00:1:65536", false},
      {"space", "lte:460:00:33301: 1", false},
      {"empty", "", false},
  };
  for (const Row& row : rows) {
    const auto cell = ParseCell(row.text, "serving");
    ASSERT_EQ(cell.has_value(), row.ok) << row.name;
    if (cell) {
      EXPECT_EQ(ToString(*cell), row.text) << row.name;
    } else {
      EXPECT_EQ(cell.error().violations().front().field, "serving") << row.name;
    }
  }
}

TEST(Cell, PackedFormIsFixed) {
  // radio 3 (011), MCC 460 (0111001100), MNC 0 (0000000000), flag 0, TAC 33301 (000000001000001000010101),
  // ECI 26879745 in 36 bits, behind four zero bits.
  EXPECT_EQ(ToHex(PackCell(Lte(26879745))), "06e60000082150019a2701");
  EXPECT_EQ(ToHex(PackCell({Radio::kNr, 999, 999, 3, 0xFFFFFF, 0xFFFFFFFFF})), "09f3fcffffffffffffffff");
}

TEST(Cell, UnpackRefusesWhatPackNeverWrites) {
  const CellKey good = PackCell(Lte(1));
  EXPECT_TRUE(UnpackCell(good));
  EXPECT_FALSE(UnpackCell(ByteView(good).first(10)));
  CellKey high = good;
  high[0] |= 0x10;
  EXPECT_FALSE(UnpackCell(high)) << "the four zero bits";
  EXPECT_FALSE(UnpackCell(CellKey{})) << "radio 0";
}

TEST(Cell, CdmaPutsTheSystemAboveTheBaseStation) {
  const Cell cell = CdmaCell(460, 14224, 2, 2049);
  EXPECT_TRUE(CheckCell(cell));
  EXPECT_EQ(ToString(cell), "cdma:460:03:2:932186113");
  EXPECT_NE(CdmaCell(460, 14225, 2, 2049), cell);
  EXPECT_EQ(CdmaCell(310, 22, 2, 2049).mnc, 0);
}

RC_GTEST_PROP(CellProperty, PackingAndTextRoundTripAndKeepTheOrder, ()) {
  const Cell a = *AnyCell();
  const Cell b = *AnyCell();
  RC_ASSERT(*UnpackCell(PackCell(a)) == a);
  RC_ASSERT(*ParseCell(ToString(a)) == a);
  RC_ASSERT((a < b) == (PackCell(a) < PackCell(b)));
}

RC_GTEST_PROP(CellProperty, AnyBytesUnpackToTheCellThatPacksToThem, (const CellKey& key)) {
  const auto cell = UnpackCell(key);
  if (cell) RC_ASSERT(PackCell(*cell) == key);
}

TEST(CellList, IsSortedWithoutDoubles) {
  const auto list =
      MakeCellList(ListKind::kWhitelist, AreaId(640122001), 1, {Lte(3), Lte(1), Lte(3), Lte(2)}, kLimits);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->cells, (std::vector<Cell>{Lte(1), Lte(2), Lte(3)}));
}

TEST(CellList, RefusesWhatIsNoList) {
  struct Row {
    const char* name;
    AreaId id;
    uint32_t version;
    std::vector<Cell> cells;
    size_t limit;
    Reason reason;
  };
  Cell bad = Lte(1);
  bad.area = 70000;
  const Row rows[] = {
      {"empty", AreaId(640122001), 1, {}, 10, Reason::kCellListEmpty},
      {"too many", AreaId(640122001), 1, {Lte(1), Lte(2), Lte(3)}, 2, Reason::kLimitExceeded},
      {"out of range", AreaId(640122001), 1, {Lte(1), bad}, 10, Reason::kFieldInvalid},
      {"version 0", AreaId(640122001), 0, {Lte(1)}, 10, Reason::kFieldInvalid},
      {"serial 0", AreaId(640122000), 1, {Lte(1)}, 10, Reason::kFieldInvalid},
  };
  for (const Row& row : rows) {
    Limits limits;
    limits.cells_per_list = row.limit;
    const auto list = MakeCellList(ListKind::kBlacklist, row.id, row.version, row.cells, limits);
    ASSERT_FALSE(list) << row.name;
    EXPECT_EQ(list.error().reason(), row.reason) << row.name;
  }
  const auto list = MakeCellList(ListKind::kWhitelist, AreaId(640122001), 1, {Lte(1), bad}, kLimits);
  EXPECT_EQ(list.error().violations().front().field, "cells[1].area");
}

TEST(CellList, DiffNamesWhatChanges) {
  const std::vector<Cell> before = {Lte(1), Lte(2), Lte(3)};
  const std::vector<Cell> after = {Lte(2), Lte(3), Lte(4)};
  const CellDiff diff = Diff(before, after);
  EXPECT_EQ(diff.added, std::vector<Cell>{Lte(4)});
  EXPECT_EQ(diff.removed, std::vector<Cell>{Lte(1)});
  EXPECT_EQ(diff.kept, 2U);
  EXPECT_TRUE(Diff(before, before).empty());
  EXPECT_EQ(Diff({}, before).added, before);
}

RC_GTEST_PROP(CellListProperty, DiffAppliedToTheOldListGivesTheNew, ()) {
  auto before = *rc::gen::container<std::vector<Cell>>(FewCells());
  auto after = *rc::gen::container<std::vector<Cell>>(FewCells());
  for (auto* cells : {&before, &after}) {
    std::sort(cells->begin(), cells->end());
    cells->erase(std::unique(cells->begin(), cells->end()), cells->end());
  }
  const CellDiff diff = Diff(before, after);
  std::vector<Cell> applied;
  std::set_difference(before.begin(), before.end(), diff.removed.begin(), diff.removed.end(),
                      std::back_inserter(applied));
  RC_ASSERT(diff.kept == applied.size());
  applied.insert(applied.end(), diff.added.begin(), diff.added.end());
  std::sort(applied.begin(), applied.end());
  RC_ASSERT(applied == after);
}

TEST(CellList, BothListsOfOnePlaceAreRefused) {
  const auto list = [](ListKind kind, uint32_t id, std::vector<Cell> cells) {
    return *MakeCellList(kind, AreaId(id), 1, std::move(cells), kLimits);
  };
  const CellList helan = list(ListKind::kWhitelist, 640122001, {Lte(1), Lte(2)});
  struct Row {
    const char* name;
    CellList other;
    bool ok;
  };
  const Row rows[] = {
      {"city district elsewhere", list(ListKind::kBlacklist, 640104001, {Lte(1)}), true},
      {"same county", list(ListKind::kBlacklist, 640122901, {Lte(1)}), false},
      {"prefecture above", list(ListKind::kBlacklist, 640100001, {Lte(2)}), false},
      {"province above", list(ListKind::kBlacklist, 640000001, {Lte(2)}), false},
      {"no cell shared", list(ListKind::kBlacklist, 640122901, {Lte(9)}), true},
      {"a whitelist", list(ListKind::kWhitelist, 640122002, {Lte(1)}), true},
  };
  for (const Row& row : rows) {
    const CellList* others[] = {&row.other};
    const Status status = CheckBothLists(helan, others);
    EXPECT_EQ(status.has_value(), row.ok) << row.name;
    const CellList* back[] = {&helan};
    EXPECT_EQ(CheckBothLists(row.other, back).has_value(), row.ok) << row.name << ", the other way round";
    if (status) continue;
    EXPECT_EQ(status.error().reason(), Reason::kCellBothLists) << row.name;
    ASSERT_EQ(status.error().violations().size(), 1U) << row.name;
    EXPECT_EQ(status.error().violations()[0].field, ToString(row.other.cells[0])) << row.name;
  }
}

}  // namespace
}  // namespace hearth::geofence
