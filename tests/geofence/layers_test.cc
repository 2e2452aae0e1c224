#include "geofence/layers.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "geofence/judge.h"
#include "tests/geofence/generators.h"

namespace hearth::geofence {
namespace {

Cell Lte(uint64_t cell) {
  return {.radio = Radio::kLte, .mcc = 460, .mnc = 0, .mnc_digits = 2, .area = 33301, .cell = cell};
}

constexpr AreaId kOwn(640122001);
constexpr AreaId kNextDoor(640122002);
constexpr AreaId kCity(640104001);

CellList List(ListKind kind, AreaId id, uint32_t version, std::vector<Cell> cells) {
  return {.kind = kind, .id = id, .version = version, .cells = std::move(cells)};
}

std::shared_ptr<const Snapshot> Make(const std::vector<CellList>& lists) {
  SnapshotBuilder builder;
  for (const CellList& list : lists) builder.Add(list);
  return std::make_shared<Snapshot>(*Snapshot::FromBytes(*std::move(builder).Build()));
}

std::vector<ListRef> ListsOf(const CellIndex& index, const Cell& cell) {
  std::vector<ListRef> lists;
  index.ForEach(index.Find(cell), [&](const ListRef& list) { lists.push_back(list); });
  std::sort(lists.begin(), lists.end());
  return lists;
}

TEST(Layers, TheOverlayReplacesAddsAndRemoves) {
  const auto base = Make({List(ListKind::kWhitelist, kOwn, 3, {Lte(1), Lte(2)}),
                          List(ListKind::kWhitelist, kNextDoor, 1, {Lte(2), Lte(3)}),
                          List(ListKind::kBlacklist, kCity, 5, {Lte(4)})});
  const auto overlay = Make({List(ListKind::kWhitelist, kOwn, 4, {Lte(1), Lte(7)}),
                             List(ListKind::kWhitelist, AreaId(640122003), 1, {Lte(3)})});
  const Layers layers(base, overlay, {{ListKind::kBlacklist, kCity}, {ListKind::kWhitelist, kOwn}});
  const ListRef own{ListKind::kWhitelist, kOwn, 4};
  const ListRef next{ListKind::kWhitelist, kNextDoor, 1};
  const ListRef added{ListKind::kWhitelist, AreaId(640122003), 1};
  EXPECT_EQ(layers.Lists(), (std::vector<ListRef>{own, next, added}));
  EXPECT_EQ(ListsOf(layers.index(), Lte(1)), std::vector<ListRef>{own});
  EXPECT_EQ(ListsOf(layers.index(), Lte(2)), std::vector<ListRef>{next});
  EXPECT_EQ(ListsOf(layers.index(), Lte(3)), (std::vector<ListRef>{next, added}));
  EXPECT_EQ(ListsOf(layers.index(), Lte(4)), std::vector<ListRef>{})
      << "a retired list is superseded by none";
  EXPECT_EQ(ListsOf(layers.index(), Lte(7)), std::vector<ListRef>{own});
}

TEST(Layers, ARolloutHasBothVersionsAndTheFilterChooses) {
  const auto base = Make({List(ListKind::kWhitelist, kOwn, 3, {Lte(1)})});
  const auto overlay = Make({List(ListKind::kWhitelist, kOwn, 4, {Lte(2)})});
  const Layers layers(base, overlay, {});
  const std::vector<ListRef> three = {{ListKind::kWhitelist, kOwn, 3}};
  const std::vector<ListRef> four = {{ListKind::kWhitelist, kOwn, 4}};
  const CardPlace card{.area = kOwn};
  EXPECT_EQ(FateOf(layers.index(), card, Lte(1), ListFilter(four)), CellFate::kOwnPlace);
  EXPECT_EQ(FateOf(layers.index(), card, Lte(1), ListFilter(three)), CellFate::kUnknown);
  EXPECT_EQ(FateOf(layers.index(), card, Lte(2), ListFilter(three)), CellFate::kOwnPlace);
  EXPECT_EQ(FateOf(layers.index(), card, Lte(2), ListFilter(four)), CellFate::kUnknown);
}

TEST(Layers, WithoutListsEveryCellIsUnknown) {
  const Layers layers;
  EXPECT_TRUE(layers.Lists().empty());
  EXPECT_EQ(FateOf(layers.index(), {.area = kOwn}, Lte(1)), CellFate::kUnknown);
}

// Whatever is in the base, the overlay or both: layers judge as one snapshot of the lists that count.
RC_GTEST_PROP(LayersProperty, JudgeAsOneSnapshot, ()) {
  std::vector<CellList> base;
  std::vector<CellList> overlay;
  std::vector<CellList> all;
  std::vector<ListName> superseded;
  for (const AreaId id : {kOwn, kNextDoor, kCity}) {
    const ListKind kind = id == kCity ? ListKind::kBlacklist : ListKind::kWhitelist;
    const auto cells = [] {
      auto some = *rc::gen::container<std::vector<Cell>>(FewCells());
      std::sort(some.begin(), some.end());
      some.erase(std::unique(some.begin(), some.end()), some.end());
      return some;
    };
    const bool in_base = *rc::gen::arbitrary<bool>();
    const bool in_overlay = *rc::gen::arbitrary<bool>();
    const bool gone = *rc::gen::arbitrary<bool>();
    if (in_base) base.push_back(List(kind, id, 1, cells()));
    if (in_overlay) overlay.push_back(List(kind, id, 2, cells()));
    if (gone) superseded.push_back({kind, id});
    if (in_base && !gone) all.push_back(base.back());
    if (in_overlay) all.push_back(overlay.back());
  }
  const Layers layers(Make(base), Make(overlay), superseded);
  const auto one = Make(all);
  const auto one_lists = one->lists();
  RC_ASSERT(layers.Lists() == std::vector(one_lists.begin(), one_lists.end()));

  CardPlace card{.area = kOwn, .strictness = *rc::gen::element(Strictness::kVillage, Strictness::kCounty)};
  Evidence evidence;
  for (const Cell& cell : *rc::gen::container<std::vector<Cell>>(FewCells()))
    evidence.cells.push_back({cell, -90});
  std::vector<ListRef> out;
  if (*rc::gen::arbitrary<bool>()) out.push_back({ListKind::kWhitelist, kOwn, *rc::gen::element(1U, 2U)});
  const ListFilter filter(out);
  const Judgement expected = Judge(*one, card, evidence, filter);
  const Judgement got = Judge(layers.index(), card, evidence, filter);
  RC_ASSERT(got.verdict == expected.verdict);
  RC_ASSERT(got.whitelisted_neighbour == expected.whitelisted_neighbour);
  RC_ASSERT(got.unknown_cells == expected.unknown_cells);
  for (size_t i = 0; i < got.findings.size(); ++i) {
    RC_ASSERT(got.findings[i].fate == expected.findings[i].fate);
    RC_ASSERT(got.findings[i].list.id == expected.findings[i].list.id);
  }
  const Question question{card, evidence.cells, filter};
  Outcome outcome;
  JudgeMany(layers.index(), {&question, 1}, {&outcome, 1});
  RC_ASSERT(outcome.verdict == expected.verdict);
}

}  // namespace
}  // namespace hearth::geofence
