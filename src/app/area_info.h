// What the parts of the head-end know about an area together: villages, homes, cells; and cells proposed for
// it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/app/geo.h"
#include "src/app/survey.h"
#include "src/app/views.h"

namespace hearth::app {

struct VillageView {
  geofence::Village village;
  std::string name;                   // of the division, or of the natural village
  std::optional<uint64_t> installed;  // homes whose box is authorised; of whole villages
  std::optional<AreaId> area;         // that holds it
};

struct CellView {
  geofence::Cell cell;
  std::optional<survey::Row> row;  // what the register knows
};

struct AreaInfo {
  AreaView area;
  std::vector<VillageView> villages;
  std::vector<CellView> cells;  // of its whitelist
  bool no_register = false;     // nothing is known of the cells, since there is no register to be read
};

// How many villages have what, and homes; rolled up.
struct HomesCount {
  uint32_t villages = 0;
  uint32_t with_plan = 0;
  uint32_t with_homes = 0;
  uint32_t with_cable = 0;
  uint32_t naturals = 0;
  uint32_t naturals_with_plan = 0;
  uint32_t naturals_with_cable = 0;
  uint64_t planned = 0;
  uint64_t installed = 0;

  HomesCount& operator+=(const HomesCount& other);
  bool operator==(const HomesCount&) const = default;
};
struct Homes {
  HomesCount total;
  std::vector<std::pair<RegionCode, HomesCount>> below;  // one level below
  std::vector<VillageView> villages;                     // of a township
};

struct ProposedCell {
  survey::Row row;
  double km = 0;
  geofence::PlaceCode village;  // the nearest
  std::vector<geofence::ListRef> lists;
};
struct Proposal {
  std::vector<ProposedCell> cells;  // nearest first
  std::vector<geofence::PlaceCode> without_place;
};

// Reads only. Threads: any. What it is given must outlive it.
class AreaDesk {
 public:
  AreaDesk(const GeoState& geo, Views& views, const CellRegister& cells)
      : geo_(geo), views_(views), cells_(cells) {}

  // AREA_UNKNOWN.
  Result<AreaInfo> Describe(AreaId id) const;
  // By part of the name, part of the name or beginning of the code of a village or division, beginning of the
  // number; by number.
  std::vector<AreaView> Find(const std::string& query, size_t limit) const;
  // Below a division, nullopt: everything. REGION_UNKNOWN.
  Result<Homes> HomesBelow(std::optional<RegionCode> region) const;
  // Cells of the register within a distance of the area's villages. AREA_UNKNOWN, LIMIT_EXCEEDED over
  // `limit`.
  Result<Proposal> Propose(AreaId id, double km, size_t limit) const;

 private:
  using Installed = std::map<RegionCode, uint64_t>;

  Result<Installed> InstalledIn(const std::vector<RegionCode>& townships) const;
  VillageView ViewOf(const GeoSnapshot& now, const geofence::Village& village,
                     const Installed& installed) const;
  // The place's own position, or those of its natural villages.
  std::vector<geofence::Position> PositionsOf(geofence::PlaceCode place) const;

  const GeoState& geo_;
  Views& views_;
  const CellRegister& cells_;
};

}  // namespace hearth::app
