#include "geofence/snapshot.h"

#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/geofence/generators.h"

namespace hearth::geofence {
namespace {

Cell Lte(uint64_t cell) {
  return {.radio = Radio::kLte, .mcc = 460, .mnc = 0, .mnc_digits = 2, .area = 33301, .cell = cell};
}

CellList List(ListKind kind, uint32_t id, std::vector<Cell> cells, uint32_t version = 1) {
  Limits limits;
  limits.cells_per_list = 1'000'000;
  return *MakeCellList(kind, AreaId(id), version, std::move(cells), limits);
}

Bytes Build(const std::vector<CellList>& lists) {
  SnapshotBuilder builder;
  for (const CellList& list : lists) builder.Add(list);
  return *std::move(builder).Build();
}

std::span<const std::byte> View(const Bytes& bytes) { return std::as_bytes(std::span(bytes)); }

TEST(Snapshot, ACellKnowsItsLists) {
  const Bytes bytes = Build({List(ListKind::kBlacklist, 640104001, {Lte(3), Lte(4)}, 7),
                             List(ListKind::kWhitelist, 640122002, {Lte(2), Lte(3)}),
                             List(ListKind::kWhitelist, 640122001, {Lte(1), Lte(2)})});
  const auto snapshot = Snapshot::Open(View(bytes));
  ASSERT_TRUE(snapshot) << snapshot.error().ToString();
  EXPECT_TRUE(snapshot->Verify());
  EXPECT_EQ(snapshot->cell_count(), 4U);
  ASSERT_EQ(snapshot->lists().size(), 3U);
  EXPECT_EQ(snapshot->lists()[0].id, AreaId(640122001));
  EXPECT_EQ(snapshot->lists()[2], (ListRef{ListKind::kBlacklist, AreaId(640104001), 7}));

  const Membership two = snapshot->Find(Lte(2));
  ASSERT_EQ(two.whitelists.size(), 2U);
  EXPECT_EQ(two.whitelists[0].id, AreaId(640122001));
  EXPECT_EQ(two.whitelists[1].id, AreaId(640122002));
  EXPECT_TRUE(two.blacklists.empty());
  const Membership three = snapshot->Find(Lte(3));
  EXPECT_EQ(three.whitelists.size(), 1U);
  ASSERT_EQ(three.blacklists.size(), 1U);
  EXPECT_EQ(three.blacklists[0].version, 7U);
  EXPECT_FALSE(snapshot->Find(Lte(0)).known());
  EXPECT_FALSE(snapshot->Find(Lte(5)).known());
}

TEST(Snapshot, CellsThatDifferInOneFieldAreDifferent) {
  const Bytes bytes = Build({List(ListKind::kWhitelist, 640122001, {Lte(1)})});
  const auto snapshot = Snapshot::Open(View(bytes));
  Cell other = Lte(1);
  EXPECT_TRUE(snapshot->Find(other).known());
  other.mnc_digits = 3;
  EXPECT_FALSE(snapshot->Find(other).known());
  other = Lte(1);
  other.radio = Radio::kUmts;
  EXPECT_FALSE(snapshot->Find(other).known());
  other = Lte(1);
  other.area = 70000;  // out of range, would spill into other fields
  EXPECT_FALSE(snapshot->Find(other).known());
}

TEST(Snapshot, NoListsMeanNoCells) {
  EXPECT_FALSE(Snapshot().Find(Lte(1)).known());
  const auto snapshot = Snapshot::FromBytes(Build({}));
  ASSERT_TRUE(snapshot);
  EXPECT_FALSE(snapshot->Find(Lte(1)).known());
  EXPECT_TRUE(snapshot->Verify());
}

TEST(Snapshot, TheSameVersionTwiceIsRefused) {
  SnapshotBuilder builder;
  builder.Add(List(ListKind::kWhitelist, 640122001, {Lte(1)}, 2));
  builder.Add(List(ListKind::kWhitelist, 640122001, {Lte(2)}, 2));
  const auto bytes = std::move(builder).Build();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().reason(), Reason::kFieldInvalid);
}

TEST(Snapshot, AListMayBeThereInTwoVersions) {
  const auto snapshot =
      Snapshot::FromBytes(Build({List(ListKind::kWhitelist, 640122002, {Lte(2)}),
                                 List(ListKind::kWhitelist, 640122001, {Lte(2), Lte(3)}, 8),
                                 List(ListKind::kBlacklist, 640122001, {Lte(3)}, 7),
                                 List(ListKind::kWhitelist, 640122001, {Lte(1), Lte(2)}, 7)}));
  ASSERT_TRUE(snapshot) << snapshot.error().ToString();
  EXPECT_TRUE(snapshot->Verify());
  const ListRef seven{ListKind::kWhitelist, AreaId(640122001), 7};
  const ListRef eight{ListKind::kWhitelist, AreaId(640122001), 8};
  const ListRef other{ListKind::kWhitelist, AreaId(640122002), 1};
  const ListRef black{ListKind::kBlacklist, AreaId(640122001), 7};
  const auto lists = snapshot->lists();
  EXPECT_EQ(std::vector(lists.begin(), lists.end()), (std::vector<ListRef>{seven, eight, other, black}));
  const auto whites = [&](uint64_t cell) {
    const Membership found = snapshot->Find(Lte(cell));
    return std::vector(found.whitelists.begin(), found.whitelists.end());
  };
  EXPECT_EQ(whites(1), std::vector<ListRef>{seven});
  EXPECT_EQ(whites(2), (std::vector<ListRef>{seven, eight, other}));
  EXPECT_EQ(whites(3), std::vector<ListRef>{eight});
}

TEST(Snapshot, EveryCellIsFoundAtEveryDepthOfFences) {
  for (const uint64_t count : {1, 31, 32, 33, 1024, 1025, 32768, 32769, 50000}) {
    std::vector<Cell> cells;
    for (uint64_t i = 0; i < count; ++i) cells.push_back(Lte(2 * i + 1));
    const auto snapshot = Snapshot::FromBytes(Build({List(ListKind::kWhitelist, 640122001, cells)}));
    ASSERT_TRUE(snapshot) << count;
    ASSERT_TRUE(snapshot->Verify()) << count;
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(snapshot->Find(Lte(2 * i + 1)).known()) << count << " " << i;
      ASSERT_FALSE(snapshot->Find(Lte(2 * i)).known()) << count << " " << i;
    }
    ASSERT_FALSE(snapshot->Find(Lte(2 * count)).known()) << count;
  }
}

TEST(Snapshot, ACellCostsSixteenBytesAndHalfAByteOfFences) {
  std::vector<Cell> cells;
  for (uint64_t i = 0; i < 100'000; ++i) cells.push_back(Lte(i));
  EXPECT_LT(Build({List(ListKind::kWhitelist, 640122001, cells)}).size(), 100'000 * 16.6);
}

TEST(Snapshot, MovesKeepTheBytes) {
  auto opened = Snapshot::FromBytes(Build({List(ListKind::kWhitelist, 640122001, {Lte(1)})}));
  ASSERT_TRUE(opened);
  Snapshot moved = *std::move(opened);
  Snapshot again;
  again = std::move(moved);
  EXPECT_TRUE(again.Find(Lte(1)).known());
}

RC_GTEST_PROP(SnapshotProperty, AgreesWithAMap, ()) {
  std::map<Cell, std::set<ListRef>> model;
  std::vector<CellList> lists;
  const int count = *rc::gen::inRange(0, 6);
  for (int i = 0; i < count; ++i) {
    auto cells =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<Cell>>(rc::gen::oneOf(FewCells(), AnyCell())));
    const ListKind kind = i % 2 == 0 ? ListKind::kWhitelist : ListKind::kBlacklist;
    lists.push_back(List(kind, static_cast<uint32_t>(640122009 - i), std::move(cells)));
    for (const Cell& cell : lists.back().cells) model[cell].insert({kind, lists.back().id, 1});
  }
  const auto snapshot = Snapshot::FromBytes(Build(lists));
  RC_ASSERT(snapshot.has_value());
  RC_ASSERT(snapshot->Verify().has_value());
  RC_ASSERT(snapshot->cell_count() == model.size());
  auto asked = *rc::gen::container<std::vector<Cell>>(rc::gen::oneOf(FewCells(), AnyCell()));
  for (const auto& [cell, refs] : model) asked.push_back(cell);
  std::vector<Membership> batch(asked.size());
  for (size_t at = 0; at < asked.size(); at += Snapshot::kBatch) {
    const size_t some = std::min(asked.size() - at, Snapshot::kBatch);
    snapshot->FindBatch(std::span(asked).subspan(at, some), std::span(batch).subspan(at, some));
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    const Cell& cell = asked[i];
    const Membership found = snapshot->Find(cell);
    RC_ASSERT(found.whitelists.data() == batch[i].whitelists.data());
    RC_ASSERT(found.whitelists.size() == batch[i].whitelists.size());
    RC_ASSERT(found.blacklists.size() == batch[i].blacklists.size());
    std::set<ListRef> got(found.whitelists.begin(), found.whitelists.end());
    got.insert(found.blacklists.begin(), found.blacklists.end());
    RC_ASSERT(got == (model.contains(cell) ? model[cell] : std::set<ListRef>()));
  }
}

// Whatever the bytes are, opening and asking ends, and stays inside them (checked under AddressSanitizer).
RC_GTEST_PROP(SnapshotProperty, DamagedBytesDoNoHarm, ()) {
  std::vector<Cell> cells;
  for (uint64_t i = 0; i < 100; ++i) cells.push_back(Lte(i));
  Bytes bytes = Build({List(ListKind::kWhitelist, 640122001, cells),
                       List(ListKind::kBlacklist, 640104001, {Lte(3), Lte(200)})});
  const int damages = *rc::gen::inRange(1, 5);
  for (int i = 0; i < damages; ++i) {
    const bool in_head = *rc::gen::arbitrary<bool>();
    const size_t at = *rc::gen::inRange<size_t>(0, in_head ? 128 : bytes.size());
    bytes[at] = *rc::gen::arbitrary<uint8_t>();
  }
  const auto keep = *rc::gen::weightedOneOf<size_t>(
      {{3, rc::gen::just(bytes.size())}, {1, rc::gen::inRange<size_t>(0, bytes.size())}});
  bytes.resize(keep);
  const auto snapshot = Snapshot::Open(View(bytes));
  if (!snapshot) {
    RC_ASSERT(snapshot.error().reason() == Reason::kCellSnapshotInvalid);
    return;
  }
  for (uint64_t i = 0; i < 210; ++i) {
    const Cell cell = Lte(i);
    Membership found;
    snapshot->FindBatch({&cell, 1}, {&found, 1});
    RC_ASSERT(found.whitelists.data() == snapshot->Find(cell).whitelists.data());
  }
  (void)snapshot->Verify();
}

TEST(Snapshot, HugeCountsInASmallHeaderAreRefused) {
  Bytes bytes = Build({});
  for (size_t at = 12; at < 40; ++at) {
    Bytes damaged = bytes;
    for (size_t i = at; i < std::min<size_t>(at + 8, damaged.size()); ++i) damaged[i] = 0xFF;
    EXPECT_FALSE(Snapshot::Open(View(damaged))) << at;
  }
}

TEST(Snapshot, VerifyFindsWhatOpenDoesNotRead) {
  Bytes bytes = Build({List(ListKind::kWhitelist, 640122001, {Lte(1), Lte(2)})});
  Bytes swapped = bytes;
  std::swap_ranges(swapped.end() - 32, swapped.end() - 16, swapped.end() - 16);
  Bytes no_set = bytes;
  no_set.at(no_set.size() - 1) = 9;
  for (const Bytes& damaged : {swapped, no_set}) {
    const auto snapshot = Snapshot::Open(View(damaged));
    ASSERT_TRUE(snapshot);
    EXPECT_FALSE(snapshot->Verify());
  }
}

}  // namespace
}  // namespace hearth::geofence
