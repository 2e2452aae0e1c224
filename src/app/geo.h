// Divisions, service areas and cell lists (GeofenceService), and the snapshot that judges reports.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "geofence/area.h"
#include "geofence/cell_list.h"
#include "geofence/region.h"
#include "geofence/snapshot.h"
#include "src/app/executor.h"
#include "src/app/request.h"
#include "src/app/row.h"
#include "src/app/villages.h"

namespace hearth::app {

// Everything in force at one moment; immutable.
struct GeoSnapshot {
  geofence::RegionTree regions;
  std::map<AreaId, Versioned<geofence::Area>> areas;
  std::map<RegionCode, AreaId> area_of_village;           // areas that are not retired
  std::map<geofence::PlaceCode, AreaId> area_of_natural;  // likewise
  std::map<std::pair<geofence::ListKind, AreaId>, records::CellListHead> lists;
  std::map<std::pair<geofence::ListKind, AreaId>, geofence::CellList> cells;
  geofence::Snapshot cells_in_force;

  // The area, other than a retired one, that holds exactly this place.
  std::optional<AreaId> HolderOf(geofence::PlaceCode place) const;
};

struct RegionRow {
  uint64_t line = 0;
  Result<geofence::Region> region;
};

struct VillageRow {
  uint64_t line = 0;
  Result<geofence::VillageEdit> edit;
};

struct AreaView {
  geofence::Area area;
  uint64_t revision = 0;
  uint32_t list_version = 0;
  uint32_t cells = 0;
};
struct AreaChanged {
  Change change;
  AreaView view;
};

struct PutCellList {
  geofence::ListKind kind = geofence::ListKind::kWhitelist;
  AreaId id;
  std::string name;
  std::vector<geofence::Cell> cells;
};
struct CellListChanged {
  Change change;
  uint32_t version = 0;
  uint32_t cells = 0;
  geofence::CellDiff diff;
};

// Threads: any. Changes are serialised; readers take the snapshot and keep it as long as they like.
class GeoState {
 public:
  static Result<std::unique_ptr<GeoState>> Create(Executor& executor, const Limits& limits);

  std::shared_ptr<const GeoSnapshot> snapshot() const;

  // Reads everything again: after an archive was replayed.
  Status ReloadAll();

  std::vector<RowResult> ImportRegions(const Request& request, const std::vector<RegionRow>& rows);
  std::vector<RowResult> ImportVillages(const Request& request, const std::vector<VillageRow>& rows);
  const Villages& villages() const { return *villages_; }
  Result<AreaChanged> CreateArea(const Request& request, const geofence::NewArea& wish);
  // to: the state the area is taken into.
  Result<AreaChanged> StepArea(const Request& request, AreaId id, geofence::AreaState to);
  Result<AreaView> GetArea(AreaId id) const;
  std::vector<AreaView> ListAreas() const;
  Result<CellListChanged> PutList(const Request& request, const PutCellList& list);

 private:
  GeoState(Executor& executor, const Limits& limits) : executor_(executor), limits_(limits) {}
  Status Reload() HEARTH_REQUIRES(change_mu_);
  geofence::VillageQuestions Questions(const GeoSnapshot& now) const;
  Status CheckNewCable(const GeoSnapshot& now, geofence::PlaceCode place) const;
  Result<geofence::Village> Edited(const GeoSnapshot& now, const geofence::VillageEdit& edit,
                                   const std::optional<geofence::Village>& existing) const;

  Executor& executor_;
  const Limits limits_;
  std::unique_ptr<Villages> villages_;
  Mutex change_mu_;
  mutable Mutex mu_;
  std::shared_ptr<const GeoSnapshot> snapshot_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::app
