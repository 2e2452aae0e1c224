#include "src/import/regions.h"

#include <utility>

#include <fmt/format.h>

#include "src/import/field.h"

namespace hearth::import {
namespace {

enum RegionColumn : size_t { kRegionCode, kRegionName, kRegionParent, kRegionLevel };

std::span<const Column> RegionColumns() {
  static const std::vector<Column> columns = {
      {"code", {"代码", "区划代码", "行政区划代码"}},
      {"name", {"名称", "区划名称"}},
      {"parent", {"上级", "上级代码"}},
      {"level", {"级别", "层级"}},
  };
  return columns;
}

struct LevelName {
  std::string_view name;
  RegionLevel level;
  RegionLevel above;
};

constexpr LevelName kLevels[] = {
    {"province", RegionLevel::kProvince, RegionLevel::kProvince},
    {"prefecture", RegionLevel::kPrefecture, RegionLevel::kProvince},
    {"county", RegionLevel::kCounty, RegionLevel::kPrefecture},
    {"township", RegionLevel::kTownship, RegionLevel::kCounty},
    {"village", RegionLevel::kVillage, RegionLevel::kTownship},
};

const LevelName& NameOfLevel(RegionLevel level) {
  for (const LevelName& row : kLevels) {
    if (row.level == level) return row;
  }
  return kLevels[0];
}

void CheckLevelAndParent(RowErrors& errors, const TableRow& row, const RegionRow& region) {
  const LevelName& level = NameOfLevel(region.level);
  if (Lower(row.Get(kRegionLevel)) != level.name) {
    errors.Add("level",
               fmt::format("\"{}\" is not the level of a code of {} digits",
                           CutText(row.Get(kRegionLevel), 40), row.Get(kRegionCode).size()),
               fmt::format("write {}", level.name));
  }
  const std::string parent =
      region.level == RegionLevel::kProvince ? "" : ToString(Ancestor(region.code, level.above));
  if (row.Get(kRegionParent) != parent) {
    errors.Add(
        "parent",
        fmt::format("\"{}\" does not contain {}", CutText(row.Get(kRegionParent), 40), row.Get(kRegionCode)),
        parent.empty() ? "leave it empty for a province" : "write " + parent);
  }
}

}  // namespace

RegionReader::RegionReader(const Limits& limits, RowSink<RegionRow> sink)
    : text_bytes_(limits.text_bytes),
      sink_(std::move(sink)),
      table_(
          RegionColumns(), {.max_row_bytes = limits.csv_row_bytes}, [this](const TableRow& row) { Row(row); },
          sink_.error) {}

void RegionReader::Row(const TableRow& row) {
  RowErrors errors(row.line(), sink_.error);
  RegionRow region;
  region.line = row.line();
  region.code = errors.Number("code", row.Get(kRegionCode), 12, &ParseRegionCode);
  region.name = errors.Text("name", row.Get(kRegionName), text_bytes_, true);
  if (region.code.value == 0) return;
  region.level = LevelOf(region.code);
  if (region.level != RegionLevel::kProvince) {
    region.parent = Ancestor(region.code, NameOfLevel(region.level).above);
  }
  CheckLevelAndParent(errors, row, region);
  if (!errors.ok()) return;
  const auto [first, inserted] = first_lines_.try_emplace(region.code.value, region.line);
  if (!inserted) {
    errors.Duplicate("code", first->second);
    return;
  }
  sink_.row(std::move(region));
}

Result<Parsed<RegionRow>> ParseRegions(std::string_view text, const Limits& limits) {
  return ParseWhole<RegionReader, RegionRow>(text, limits);
}

}  // namespace hearth::import
