// The files shipped in deploy/data are what their README says.
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "geofence/cell_list.h"
#include "geofence/region.h"
#include "src/import/cells.h"
#include "src/import/csv.h"
#include "src/import/regions.h"

namespace hearth::import {
namespace {

std::string File(const char* name) {
  std::ifstream file(std::string(HEARTH_SOURCE_DIR "/deploy/data/") + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

geofence::RegionTree Tree(const std::vector<RegionRow>& rows) {
  std::vector<geofence::Region> regions;
  regions.reserve(rows.size());
  for (const RegionRow& row : rows) regions.push_back({row.code, row.name, row.parent, row.level});
  auto tree = geofence::RegionTree::Build(std::move(regions));
  EXPECT_TRUE(tree) << tree.error().ToString();
  return tree ? *std::move(tree) : geofence::RegionTree();
}

std::vector<geofence::Cell> CellsOf(const char* name) {
  const auto parsed = ParseCells(File(name), Limits());
  EXPECT_TRUE(parsed);
  EXPECT_TRUE(parsed->errors.empty())
      << name << " line " << parsed->errors.front().line << ": " << parsed->errors.front().message;
  std::vector<geofence::Cell> cells;
  for (const CellRow& row : parsed->rows) {
    cells.push_back({.radio = static_cast<geofence::Radio>(row.radio),
                     .mcc = row.mcc,
                     .mnc = row.mnc,
                     .mnc_digits = row.mnc_digits,
                     .area = row.area,
                     .cell = row.cell});
  }
  return cells;
}

TEST(Data, DivisionsOfNingxia) {
  const auto parsed = ParseRegions(File("regions-64-ningxia.csv"), Limits());
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->errors.empty());
  EXPECT_EQ(parsed->rows.size(), 3199U);
  const geofence::RegionTree tree = Tree(parsed->rows);
  EXPECT_EQ(tree.size(), 3199U);
  std::map<RegionLevel, int> levels;
  for (const auto& region : tree.all()) ++levels[region.level];
  EXPECT_EQ(levels[RegionLevel::kPrefecture], 5);
  EXPECT_EQ(levels[RegionLevel::kCounty], 22);
  EXPECT_EQ(levels[RegionLevel::kTownship], 259);
  EXPECT_EQ(levels[RegionLevel::kVillage], 2912);
  EXPECT_EQ(tree.PathName(RegionCode(640122100201)), "宁夏回族自治区 银川市 贺兰县 习岗镇 经济桥村委会");
  EXPECT_EQ(tree.Children(RegionCode(64)).size(), 5U);
}

TEST(Data, RowsOfDivisionsThatDoNotFitAreRefused) {
  const auto parsed = ParseRegions(
      "code,name,parent,level\n64,宁夏,,province\n6401,银川市,64,county\n640122,贺兰县,64,county\n"
      "6401,银川市,64,prefecture\n6401,银川市,64,prefecture\n640,x,64,county\n65,新疆,64,province\n6402,,64,"
      "prefecture\n",
      Limits());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->rows.size(), 2U);
  const std::vector<std::tuple<uint64_t, std::string, Reason>> expected = {
      {3, "level", Reason::kRowFieldInvalid},  {4, "parent", Reason::kRowFieldInvalid},
      {6, "code", Reason::kRowDuplicate},      {7, "code", Reason::kRowFieldInvalid},
      {8, "parent", Reason::kRowFieldInvalid}, {9, "name", Reason::kRowFieldInvalid},
  };
  ASSERT_EQ(parsed->errors.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const RowError& error = parsed->errors[i];
    EXPECT_EQ(std::tuple(error.line, error.column, error.reason), expected[i]) << i;
  }
}

TEST(Data, CellsOfVillagesAndCityAreGoodAndDisjoint) {
  using geofence::ListKind;
  const auto helan = geofence::MakeCellList(ListKind::kWhitelist, AreaId(640122001), 1,
                                            CellsOf("cells-640122-helan.csv"), Limits());
  const auto city = geofence::MakeCellList(ListKind::kBlacklist, AreaId(640104001), 1,
                                           CellsOf("cells-640104-xingqing.csv"), Limits());
  ASSERT_TRUE(helan);
  ASSERT_TRUE(city);
  EXPECT_EQ(helan->cells.size(), 116U);
  EXPECT_EQ(city->cells.size(), 200U);
  EXPECT_EQ(geofence::Diff(helan->cells, city->cells).kept, 0U);
  std::set<geofence::Radio> radios;
  for (const auto& cell : helan->cells) radios.insert(cell.radio);
  EXPECT_EQ(radios.size(), 5U);
}

TEST(Data, ChannelsOfTheHandbook) {
  std::map<std::string, int> kinds;
  std::set<std::string> ids;
  bool header = true;
  CsvReader reader(
      1024,
      [&](const CsvRow& row) {
        ASSERT_EQ(row.fields.size(), 6U) << row.line;
        if (header) {
          header = false;
          return;
        }
        EXPECT_TRUE(ids.insert(std::string(row.fields[0])).second) << row.line;
        ++kinds[std::string(row.fields[3]) + " " + std::string(row.fields[4])];
        EXPECT_EQ(row.fields[5], row.fields[4] == "provincial" ? "64" : "") << row.line;
      },
      [](const RowError& error) { ADD_FAILURE() << error.line << ": " << error.message; });
  reader.Feed(File("channels-huhutong.csv"));
  reader.Finish();
  const std::map<std::string, int> expected = {
      {"tv national", 24}, {"tv provincial", 1}, {"radio national", 16}, {"radio provincial", 1}};
  EXPECT_EQ(kinds, expected);
  for (int id = 1; id <= 40; ++id) EXPECT_TRUE(ids.contains(std::to_string(id))) << id;
  EXPECT_TRUE(ids.contains("1064"));
  EXPECT_TRUE(ids.contains("2064"));
}

}  // namespace
}  // namespace hearth::import
