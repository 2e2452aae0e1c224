// The tree of administrative divisions (行政区划): province, prefecture, county, township, village.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::geofence {

// One division. A province has parent 0; every other parent is the code without its last level.
struct Region {
  RegionCode code;
  std::string name;
  RegionCode parent;
  RegionLevel level = RegionLevel::kProvince;

  bool operator==(const Region&) const = default;
};

// What is wrong with one division by itself: FIELD_INVALID for a level that is not that of the code's digits,
// a parent that is not the code's prefix one level up (0 for a province), an empty name.
Status CheckRegion(const Region& region);

// All divisions known to the site; immutable, so any thread may read. Pointers and spans it gives live as
// long as the tree. The whole country is 665,000 rows and about 70 MB.
class RegionTree {
 public:
  RegionTree() = default;

  // Takes rows in any order. Refuses the whole set, naming the first bad code:
  //   FIELD_INVALID     a level that is not that of the code's digits, a parent that is not the code's
  //                     prefix one level up, an empty name
  //   REGION_CONFLICT   a code that occurs twice
  //   REGION_UNKNOWN    a parent that has no row
  static Result<RegionTree> Build(std::vector<Region> regions);

  // nullptr when the code is unknown.
  const Region* Find(RegionCode code) const;
  // Direct children in order of their codes; empty for a village or an unknown code.
  std::span<const Region> Children(RegionCode code) const;
  // "宁夏回族自治区 银川市 贺兰县"; "" when the code is unknown.
  std::string PathName(RegionCode code) const;
  // Divisions whose name contains `part`, larger divisions first, at most `limit`. An empty part finds none.
  std::vector<const Region*> Search(std::string_view part, size_t limit) const;

  // All divisions, by level and then code.
  std::span<const Region> all() const { return regions_; }
  size_t size() const { return regions_.size(); }

 private:
  explicit RegionTree(std::vector<Region> sorted) : regions_(std::move(sorted)) {}

  std::vector<Region> regions_;  // by (level, code): the children of one division are neighbours
};

}  // namespace hearth::geofence
