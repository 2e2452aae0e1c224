// Divisions, service areas and cell lists (GeofenceService), and the snapshot that judges reports.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "geofence/area.h"
#include "geofence/cell_list.h"
#include "geofence/judge.h"
#include "geofence/layers.h"
#include "geofence/region.h"
#include "intervention/rollout.h"
#include "src/app/executor.h"
#include "src/app/request.h"
#include "src/app/row.h"
#include "src/app/villages.h"

namespace hearth::app {

// A change that is being activated: cards inside its stages are judged by what it brings, all others by what
// was there before.
struct UnderWay {
  intervention::Rollout rollout;
  std::vector<geofence::ListRef> brings;    // versions that count inside only
  std::vector<geofence::ListRef> replaces;  // versions that count outside only
  std::optional<intervention::PolicyBook> policy;
  std::vector<geofence::Cell>
      touched;  // that some list gains or loses by it; only where it is previewed or staged
};

// By what one card is judged.
struct CardRules {
  std::vector<geofence::ListRef>
      left_out;  // sorted; empty (and without memory) unless a rollout is under way
  intervention::Policy policy;

  geofence::ListFilter filter() const { return geofence::ListFilter(left_out); }
};

// Everything in force at one moment; immutable.
struct GeoSnapshot {
  geofence::RegionTree regions;
  std::map<AreaId, Versioned<geofence::Area>> areas;
  std::map<RegionCode, AreaId> area_of_village;           // areas that are not retired
  std::map<geofence::PlaceCode, AreaId> area_of_natural;  // likewise
  std::map<std::pair<geofence::ListKind, AreaId>, records::CellListHead> lists;
  // The cells of all lists in force, and of those that rollouts under way bring.
  geofence::Layers cells_in_force;
  intervention::PolicyBook policy;
  Stamp grace_stamp;  // when the policy last changed the grace of an area that has a list
  std::vector<UnderWay> under_way;

  // The rules for a card of an area. `suppose`: as if this card were inside, or outside, the rollout of that
  // number (a preview asks both).
  struct Suppose {
    uint64_t rollout = 0;
    bool inside = false;
  };
  // Some list has it.
  bool Known(const geofence::Cell& cell) const;
  // The version of a list that counts by these rules; 0: none.
  uint32_t VersionFor(const CardRules& rules, geofence::ListKind kind, AreaId id) const;
  // Of the table of a list in force: boxes take a table anew only with a newer one, and an area's table tells
  // the grace as well.
  Stamp TableStamp(const records::CellListHead& list) const;
  CardRules RulesFor(CardNumber card, AreaId area, std::optional<Suppose> suppose = std::nullopt) const;

  // The area, other than a retired one, that holds exactly this place.
  std::optional<AreaId> HolderOf(geofence::PlaceCode place) const;
};

// What the site keeps under kPolicyName.
struct PolicyNumbers {
  uint32_t in_force = 0;
  uint32_t last = 0;  // highest number ever given
  Stamp grace_stamp;  // GeoSnapshot::grace_stamp
};
std::string Encode(const PolicyNumbers& numbers);
Result<PolicyNumbers> DecodePolicyNumbers(std::string_view bytes);

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

// A list as somebody wants it.
struct PutCellList {
  geofence::ListKind kind = geofence::ListKind::kWhitelist;
  AreaId id;
  std::string name;
  std::vector<geofence::Cell> cells;
};
struct CheckedList {
  geofence::CellList list;  // with its new version
  std::string name;
  uint32_t from = 0;  // version in force; 0: none
  geofence::CellDiff diff;
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
  // `seed`: the policy of a site that has none stored yet.
  static Result<std::unique_ptr<GeoState>> Create(Executor& executor, const intervention::PolicyBook& seed,
                                                  const Limits& limits);

  std::shared_ptr<const GeoSnapshot> snapshot() const;

  // Reads everything again: after an archive was replayed.
  Status ReloadAll();

  std::vector<RowResult> ImportRegions(const Request& request, const std::vector<RegionRow>& rows);
  std::vector<RowResult> ImportVillages(const Request& request, const std::vector<VillageRow>& rows);
  const Villages& villages() const { return *villages_; }
  Result<AreaChanged> CreateArea(const Request& request, const geofence::NewArea& wish);
  // to: the state the area is taken into. To retire one, ask Rollouts::RetireArea, which looks who lives
  // there.
  Result<AreaChanged> StepArea(const Request& request, AreaId id, geofence::AreaState to);
  Result<AreaView> GetArea(AreaId id) const;
  std::vector<AreaView> ListAreas() const;
  // Puts a list in force at once, without a preview: what nobody is affected by, and for tests.
  Result<CellListChanged> PutList(const Request& request, const PutCellList& list);
  // The cells of one version of a list, from the store. CELL_LIST_UNKNOWN when that version is not kept.
  Result<geofence::CellList> CellsOf(geofence::ListKind kind, AreaId id, uint32_t version) const;
  // Checks what somebody wants against what is in force: AREA_UNKNOWN, CELL_LIST_EMPTY, LIMIT_EXCEEDED (also
  // for more cells than a table brings to boxes), CELL_BOTH_LISTS (but for cells that another list of `with`
  // takes off), CELL_LIST_UNCHANGED.
  Result<CheckedList> Check(const PutCellList& wish, const std::vector<PutCellList>& with) const;

  // Rollouts change lists and policy in commands of their own, under this mutex; ReloadLists afterwards.
  Mutex& change_mutex() HEARTH_TSA(lock_returned(change_mu_)) { return change_mu_; }
  Status ReloadLists() HEARTH_REQUIRES(change_mu_);
  // Inside a command of the system bucket. The version must be new.
  static void WriteCells(Txn& txn, const geofence::CellList& list);
  // The version, whose cells are written, is the one that counts; its boxes are told.
  static Status PutInForce(Txn& txn, const geofence::CellList& list, const std::string& name,
                           const std::string& actor);
  // The version's number is taken from now on, whatever becomes of it.
  static Status NoteVersion(Txn& txn, const geofence::CellList& list);
  static Status DeleteCells(Txn& txn, geofence::ListKind kind, AreaId id, uint32_t version);
  // ROLLOUT_STALE when a list or the policy is no longer what the rollout changes.
  Status CheckFresh(const intervention::Rollout& rollout) const;
  // What a stored rollout brings and touches.
  Result<UnderWay> UnderWayOf(const intervention::Rollout& rollout) const;
  Result<intervention::PolicyBook> PolicyOf(uint32_t version) const;
  // What a preview looks at: the present snapshot with one more rollout under way, which brings these lists
  // (in the order of its edits) and this policy.
  Result<std::shared_ptr<const GeoSnapshot>> With(const intervention::Rollout& rollout,
                                                  const std::vector<geofence::CellList>& brings,
                                                  const std::optional<intervention::PolicyBook>& policy) const
      HEARTH_REQUIRES(change_mu_);

 private:
  GeoState(Executor& executor, const intervention::PolicyBook& seed, const Limits& limits)
      : executor_(executor), seed_(seed), limits_(limits) {}
  Status Reload() HEARTH_REQUIRES(change_mu_);
  geofence::VillageQuestions Questions(const GeoSnapshot& now) const;
  Status CheckNewCable(const GeoSnapshot& now, geofence::PlaceCode place) const;
  Result<geofence::Village> Edited(const GeoSnapshot& now, const geofence::VillageEdit& edit,
                                   const std::optional<geofence::Village>& existing) const;
  Status LoadPolicy(GeoSnapshot& next) const;
  Status ReloadLists(GeoSnapshot& next) HEARTH_REQUIRES(change_mu_);
  static bool Counts(const GeoSnapshot& snapshot, geofence::ListKind kind, AreaId id);
  Result<UnderWay> Take(const intervention::Rollout& rollout, const std::vector<geofence::CellList>& brings,
                        const std::optional<intervention::PolicyBook>& policy) const;
  Status Index(GeoSnapshot& next, const std::vector<geofence::CellList>& brought) HEARTH_REQUIRES(change_mu_);
  Result<geofence::Layers> LayersOver(const GeoSnapshot& next,
                                      const std::vector<geofence::CellList>& brought) const
      HEARTH_REQUIRES(change_mu_);
  Status CheckOtherKind(const GeoSnapshot& now, const CheckedList& checked,
                        const std::vector<PutCellList>& with) const;

  Executor& executor_;
  const intervention::PolicyBook seed_;
  const Limits limits_;
  std::unique_ptr<Villages> villages_;
  Mutex change_mu_;
  // The lists as they were when the large snapshot was built; later versions lie in a small one over it.
  std::shared_ptr<const geofence::Snapshot> base_ HEARTH_GUARDED_BY(change_mu_);
  std::map<std::pair<geofence::ListKind, AreaId>, uint32_t> base_versions_ HEARTH_GUARDED_BY(change_mu_);
  mutable Mutex mu_;
  std::shared_ptr<const GeoSnapshot> snapshot_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::app
