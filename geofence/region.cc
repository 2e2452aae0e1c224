#include "geofence/region.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

// The level above; a province has none and is its own.
RegionLevel LevelAbove(RegionLevel level) {
  switch (level) {
    case RegionLevel::kProvince:
    case RegionLevel::kPrefecture:
      return RegionLevel::kProvince;
    case RegionLevel::kCounty:
      return RegionLevel::kPrefecture;
    case RegionLevel::kTownship:
      return RegionLevel::kCounty;
    case RegionLevel::kVillage:
      return RegionLevel::kTownship;
  }
  return RegionLevel::kProvince;
}

// How many codes one division can have at the level below; 0 for a village.
uint64_t ChildSpan(RegionLevel level) {
  switch (level) {
    case RegionLevel::kProvince:
    case RegionLevel::kPrefecture:
      return 100;
    case RegionLevel::kCounty:
    case RegionLevel::kTownship:
      return 1000;
    case RegionLevel::kVillage:
      return 0;
  }
  return 0;
}

bool ByLevelAndCode(const Region& a, const Region& b) {
  return std::tie(a.level, a.code) < std::tie(b.level, b.code);
}

// The first division at or behind (level, code).
std::vector<Region>::const_iterator LowerBound(const std::vector<Region>& sorted, RegionLevel level,
                                               uint64_t code) {
  return std::lower_bound(sorted.begin(), sorted.end(), std::pair(level, RegionCode(code)),
                          [](const Region& region, const std::pair<RegionLevel, RegionCode>& key) {
                            return std::tie(region.level, region.code) < std::tie(key.first, key.second);
                          });
}

}  // namespace

Status CheckRegion(const Region& region) {
  const std::string code = ToString(region.code);
  if (auto parsed = ParseRegionCode(code, "code"); !parsed) return std::move(parsed).error();
  if (region.name.empty()) return InvalidField("name", fmt::format("division {} has no name", code));
  if (region.level != LevelOf(region.code)) {
    return InvalidField(
        "level", fmt::format("division {} has a level that its {} digits are not of", code, code.size()));
  }
  const bool province = region.level == RegionLevel::kProvince;
  const RegionCode parent = province ? RegionCode(0) : Ancestor(region.code, LevelAbove(region.level));
  if (region.parent != parent) {
    return InvalidField("parent", province ? fmt::format("province {} has a parent", code)
                                           : fmt::format("division {} lies in {}, not in {}", code,
                                                         ToString(parent), ToString(region.parent)));
  }
  return Ok();
}

Result<RegionTree> RegionTree::Build(std::vector<Region> regions) {
  for (const Region& region : regions) HEARTH_RETURN_IF_ERROR(CheckRegion(region));
  std::sort(regions.begin(), regions.end(), ByLevelAndCode);
  for (size_t i = 1; i < regions.size(); ++i) {
    if (regions[i].code == regions[i - 1].code) {
      return Error(Reason::kRegionConflict,
                   fmt::format("division {} occurs twice, as \"{}\" and \"{}\"", ToString(regions[i].code),
                               regions[i - 1].name, regions[i].name));
    }
  }
  RegionTree tree(std::move(regions));
  for (const Region& region : tree.regions_) {
    if (region.level != RegionLevel::kProvince && tree.Find(region.parent) == nullptr) {
      return Error(Reason::kRegionUnknown,
                   fmt::format("division {} \"{}\" lies in {}, which has no row", ToString(region.code),
                               region.name, ToString(region.parent)));
    }
  }
  return tree;
}

const Region* RegionTree::Find(RegionCode code) const {
  const auto at = LowerBound(regions_, LevelOf(code), code.value);
  return at != regions_.end() && at->code == code ? &*at : nullptr;
}

std::span<const Region> RegionTree::Children(RegionCode code) const {
  const RegionLevel level = LevelOf(code);
  const uint64_t span = ChildSpan(level);
  if (span == 0 || Find(code) == nullptr) return {};
  const RegionLevel below = LevelOf(RegionCode(code.value * span));
  const auto begin = LowerBound(regions_, below, code.value * span);
  const auto end = LowerBound(regions_, below, (code.value + 1) * span);
  return {begin, end};
}

std::string RegionTree::PathName(RegionCode code) const {
  const Region* region = Find(code);
  std::string path;
  while (region != nullptr) {
    path.insert(0, path.empty() ? region->name : region->name + " ");
    region = region->level == RegionLevel::kProvince ? nullptr : Find(region->parent);
  }
  return path;
}

std::vector<const Region*> RegionTree::Search(std::string_view part, size_t limit) const {
  std::vector<const Region*> found;
  if (part.empty()) return found;
  for (const Region& region : regions_) {
    if (found.size() >= limit) break;
    if (region.name.find(part) != std::string::npos) found.push_back(&region);
  }
  return found;
}

}  // namespace hearth::geofence
