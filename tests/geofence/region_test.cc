#include "geofence/region.h"

#include <gtest/gtest.h>

namespace hearth::geofence {
namespace {

Region Make(uint64_t code, const char* name, uint64_t parent) {
  return {RegionCode(code), name, RegionCode(parent), LevelOf(RegionCode(code))};
}

std::vector<Region> Helan() {
  return {Make(640122100200, "黎明村委会", 640122100),
          Make(64, "宁夏回族自治区", 0),
          Make(640122100, "习岗镇", 640122),
          Make(6401, "银川市", 64),
          Make(640122, "贺兰县", 6401),
          Make(640104, "兴庆区", 6401),
          Make(640122100201, "经济桥村委会", 640122100)};
}

TEST(RegionTree, FindsNamesAndChildren) {
  const auto tree = RegionTree::Build(Helan());
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->size(), 7U);
  EXPECT_EQ(tree->Find(RegionCode(640122))->name, "贺兰县");
  EXPECT_EQ(tree->Find(RegionCode(640123)), nullptr);
  EXPECT_EQ(tree->Find(RegionCode(0)), nullptr);
  EXPECT_EQ(tree->PathName(RegionCode(640122100200)), "宁夏回族自治区 银川市 贺兰县 习岗镇 黎明村委会");
  EXPECT_EQ(tree->PathName(RegionCode(65)), "");
  const auto counties = tree->Children(RegionCode(6401));
  ASSERT_EQ(counties.size(), 2U);
  EXPECT_EQ(counties[0].name, "兴庆区");
  EXPECT_EQ(counties[1].name, "贺兰县");
  EXPECT_EQ(tree->Children(RegionCode(640122100)).size(), 2U);
  EXPECT_TRUE(tree->Children(RegionCode(640122100200)).empty());
  EXPECT_TRUE(tree->Children(RegionCode(65)).empty());
}

TEST(RegionTree, SearchGoesFromLargeToSmallAndStopsAtTheLimit) {
  const auto tree = RegionTree::Build(Helan());
  const auto found = tree->Search("村", 10);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0]->name, "黎明村委会");
  EXPECT_EQ(tree->Search("村", 1).size(), 1U);
  EXPECT_TRUE(tree->Search("", 10).empty());
  EXPECT_TRUE(tree->Search("没有", 10).empty());
}

TEST(RegionTree, AnEmptyTreeFindsNothing) {
  const RegionTree tree;
  EXPECT_EQ(tree.Find(RegionCode(64)), nullptr);
  EXPECT_TRUE(tree.Children(RegionCode(64)).empty());
  EXPECT_TRUE(RegionTree::Build({}));
}

TEST(RegionTree, RefusesWhatIsNoTree) {
  struct Row {
    const char* name;
    Region extra;
    Reason reason;
  };
  Region wrong_level = Make(640105, "西夏区", 6401);
  wrong_level.level = RegionLevel::kTownship;
  const Row rows[] = {
      {"twice", Make(640122, "贺兰", 6401), Reason::kRegionConflict},
      {"parent without a row", Make(640205, "惠农区", 6402), Reason::kRegionUnknown},
      {"parent is not the prefix", Make(640105, "西夏区", 64), Reason::kFieldInvalid},
      {"level does not match the digits", wrong_level, Reason::kFieldInvalid},
      {"province with a parent", Make(65, "新疆", 64), Reason::kFieldInvalid},
      {"no name", Make(640105, "", 6401), Reason::kFieldInvalid},
      {"five digits", Make(64012, "?", 64), Reason::kFieldInvalid},
      {"no code", Make(0, "?", 0), Reason::kFieldInvalid},
  };
  for (const Row& row : rows) {
    auto regions = Helan();
    regions.push_back(row.extra);
    const auto tree = RegionTree::Build(std::move(regions));
    ASSERT_FALSE(tree) << row.name;
    EXPECT_EQ(tree.error().reason(), row.reason) << row.name;
  }
}

}  // namespace
}  // namespace hearth::geofence
