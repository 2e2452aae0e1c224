#include "src/app/geo.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "src/cas/area_table.h"

namespace hearth::app {
namespace {

using geofence::CellList;
using geofence::ListKind;

// Cells a stored chunk holds: 45 KB, far below the limit of a value.
constexpr size_t kChunkCells = 4096;
constexpr size_t kCellBytes = 11;
// Versions of a list that stay behind the one in force, for undo and for questions about the past.
constexpr uint32_t kVersionsKept = 8;
// Cells of changed lists that never make it worth to build the large snapshot again.
constexpr size_t kSmallOverlay = 100'000;

std::string EncodeCells(std::span<const geofence::Cell> cells) {
  ByteWriter out(cells.size() * 11);
  for (const geofence::Cell& cell : cells) out.Put(geofence::PackCell(cell));
  return std::string(AsChars(out.bytes()));
}

Status DecodeCells(std::string_view bytes, std::vector<geofence::Cell>& cells) {
  ByteReader reader(AsBytes(bytes));
  while (reader.remaining() > 0) {
    HEARTH_ASSIGN_OR_RETURN(const geofence::Cell cell, geofence::UnpackCell(reader.Take(11)));
    cells.push_back(cell);
  }
  return Ok();
}

Result<CellList> LoadCells(Executor& executor, ListKind kind, AreaId id, uint32_t version) {
  CellList list{.kind = kind, .id = id, .version = version, .cells = {}};
  for (uint32_t chunk = 0;; ++chunk) {
    HEARTH_ASSIGN_OR_RETURN(const auto bytes, executor.Get(CellsKey(kind, id, version, chunk)));
    if (!bytes && chunk == 0) {
      return Error(Reason::kCellListUnknown,
                   fmt::format("{} {} has no version {}", geofence::NameOf(kind), ToString(id), version));
    }
    if (!bytes) return list;
    HEARTH_RETURN_IF_ERROR(DecodeCells(bytes->value, list.cells));
    // The last chunk is short.
    if (bytes->value.size() < kChunkCells * kCellBytes) return list;
  }
}

ListKind KindOf(const intervention::ListEdit& edit) {
  return edit.blacklist ? ListKind::kBlacklist : ListKind::kWhitelist;
}

template <typename T>
Status LoadAll(Executor& executor, std::string_view prefix, const std::function<void(T, uint64_t)>& take) {
  std::string after;
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(
        const auto page,
        executor.store().Scan(store::kSystemBucket, store::Space::kObject, prefix, after, 512));
    for (const auto& item : page.items) {
      HEARTH_ASSIGN_OR_RETURN(const auto value, SplitRevision(item.value));
      HEARTH_ASSIGN_OR_RETURN(T object, records::Decode<T>(value.value));
      take(std::move(object), value.revision);
    }
    if (!page.more || page.items.empty()) return Ok();
    after = page.items.back().key;
  }
}

// A list that boxes cannot be told would be one half of a lock.
Status CheckFitsTheAir(const CellList& list) {
  const size_t most =
      cas::MaxTableCells(list.kind == ListKind::kWhitelist ? cas::TableKind::kArea : cas::TableKind::kDeny);
  if (list.cells.size() <= most) return Ok();
  return Error(Reason::kLimitExceeded,
               fmt::format("{} {} has {} cells; boxes are told at most {} of one list: split it into several",
                           geofence::NameOf(list.kind), ToString(list.id), list.cells.size(), most))
      .Field("cells", fmt::format("at most {}", most));
}

AreaView ViewOf(const GeoSnapshot& snapshot, const Versioned<geofence::Area>& area) {
  AreaView view{.area = area.value, .revision = area.revision};
  const auto list = snapshot.lists.find({ListKind::kWhitelist, area.value.id});
  if (list != snapshot.lists.end()) {
    view.list_version = list->second.version;
    view.cells = list->second.cells;
  }
  return view;
}

}  // namespace

bool GeoSnapshot::Known(const geofence::Cell& cell) const {
  const geofence::CellIndex index = cells_in_force.index();
  bool known = false;
  index.ForEach(index.Find(cell), [&](const geofence::ListRef&) { known = true; });
  return known;
}

Stamp GeoSnapshot::TableStamp(const records::CellListHead& list) const {
  return list.kind == ListKind::kWhitelist ? std::max(list.stamp, grace_stamp) : list.stamp;
}

CardRules GeoSnapshot::RulesFor(CardNumber card, AreaId area, std::optional<Suppose> suppose) const {
  CardRules rules;
  const intervention::PolicyBook* book = &policy;
  for (const UnderWay& one : under_way) {
    const bool inside = suppose && suppose->rollout == one.rollout.number
                            ? suppose->inside
                            : intervention::Contains(one.rollout, card, area);
    const auto& out = inside ? one.replaces : one.brings;
    rules.left_out.insert(rules.left_out.end(), out.begin(), out.end());
    if (inside && one.policy) book = &*one.policy;
  }
  std::sort(rules.left_out.begin(), rules.left_out.end());
  rules.policy = book->For(area);
  return rules;
}

uint32_t GeoSnapshot::VersionFor(const CardRules& rules, ListKind kind, AreaId id) const {
  const auto counts = [&](const geofence::ListRef& list) {
    return !std::binary_search(rules.left_out.begin(), rules.left_out.end(), list);
  };
  for (const UnderWay& one : under_way) {
    for (const geofence::ListRef& list : one.brings) {
      if (list.kind == kind && list.id == id && counts(list)) return list.version;
    }
  }
  const auto head = lists.find({kind, id});
  return head == lists.end() ? 0 : head->second.version;
}

Result<std::unique_ptr<GeoState>> GeoState::Create(Executor& executor, const intervention::PolicyBook& seed,
                                                   const Limits& limits) {
  HEARTH_RETURN_IF_ERROR(seed.Check());
  std::unique_ptr<GeoState> geo(new GeoState(executor, seed, limits));
  geo->villages_ = std::make_unique<Villages>(executor);
  HEARTH_RETURN_IF_ERROR(geo->villages_->Load());
  const MutexLock lock(geo->change_mu_);
  HEARTH_RETURN_IF_ERROR(geo->Reload());
  return geo;
}

std::shared_ptr<const GeoSnapshot> GeoState::snapshot() const {
  const MutexLock lock(mu_);
  return snapshot_;
}

Status GeoState::Reload() {
  auto next = std::make_shared<GeoSnapshot>();
  std::vector<geofence::Region> regions;
  HEARTH_RETURN_IF_ERROR(LoadAll<geofence::Region>(
      executor_, "region/",
      [&](geofence::Region region, uint64_t) { regions.push_back(std::move(region)); }));
  HEARTH_ASSIGN_OR_RETURN(next->regions, geofence::RegionTree::Build(std::move(regions)));
  HEARTH_RETURN_IF_ERROR(
      LoadAll<geofence::Area>(executor_, "area/", [&](geofence::Area area, uint64_t revision) {
        if (area.state != geofence::AreaState::kRetired) {
          for (const RegionCode village : area.villages) next->area_of_village[village] = area.id;
          for (const geofence::PlaceCode natural : area.naturals) next->area_of_natural[natural] = area.id;
        }
        const AreaId id = area.id;
        next->areas[id] = {std::move(area), revision};
      }));
  HEARTH_RETURN_IF_ERROR(LoadPolicy(*next));
  HEARTH_RETURN_IF_ERROR(ReloadLists(*next));
  const MutexLock lock(mu_);
  snapshot_ = std::move(next);
  return Ok();
}

Status GeoState::ReloadLists() {
  auto next = std::make_shared<GeoSnapshot>(*snapshot());
  next->lists.clear();
  next->under_way.clear();
  HEARTH_RETURN_IF_ERROR(LoadPolicy(*next));
  HEARTH_RETURN_IF_ERROR(ReloadLists(*next));
  const MutexLock lock(mu_);
  snapshot_ = std::move(next);
  return Ok();
}

std::string Encode(const PolicyNumbers& numbers) {
  ByteWriter out(13);
  out.U32(numbers.in_force).U32(numbers.last).U40(numbers.grace_stamp.value);
  return std::string(AsChars(out.bytes()));
}

Result<PolicyNumbers> DecodePolicyNumbers(std::string_view bytes) {
  ByteReader reader(AsBytes(bytes));
  PolicyNumbers numbers{.in_force = reader.U32(), .last = reader.U32()};
  if (reader.remaining() > 0) numbers.grace_stamp = Stamp(reader.U40());  // absent before there was one
  if (!reader.ok()) return Error(Reason::kStoreCorrupt, "the numbers of the policy are cut short");
  return numbers;
}

Status GeoState::LoadPolicy(GeoSnapshot& next) const {
  next.policy = seed_;
  HEARTH_ASSIGN_OR_RETURN(const auto head, executor_.Get(SiteKey(kPolicyName)));
  if (!head) return Ok();
  HEARTH_ASSIGN_OR_RETURN(const PolicyNumbers numbers, DecodePolicyNumbers(head->value));
  HEARTH_ASSIGN_OR_RETURN(next.policy, PolicyOf(numbers.in_force));
  next.grace_stamp = numbers.grace_stamp;
  return Ok();
}

Result<intervention::PolicyBook> GeoState::PolicyOf(uint32_t version) const {
  if (version == seed_.version) return seed_;
  HEARTH_ASSIGN_OR_RETURN(auto book, executor_.Read<intervention::PolicyBook>(PolicyKey(version)));
  if (!book) return Error(Reason::kStoreCorrupt, fmt::format("policy version {} is missing", version));
  return std::move(book->value);
}

Status GeoState::ReloadLists(GeoSnapshot& next) {
  HEARTH_RETURN_IF_ERROR(
      LoadAll<records::CellListHead>(executor_, "list/", [&](records::CellListHead head, uint64_t) {
        const std::pair key(head.kind, head.id);
        next.lists.emplace(key, std::move(head));
      }));
  std::vector<intervention::Rollout> rollouts;
  HEARTH_RETURN_IF_ERROR(
      LoadAll<intervention::Rollout>(executor_, kRolloutPrefix, [&](intervention::Rollout rollout, uint64_t) {
        if (intervention::IsUnderWay(rollout.state)) rollouts.push_back(std::move(rollout));
      }));
  std::vector<CellList> brought;
  for (const intervention::Rollout& rollout : rollouts) {
    HEARTH_ASSIGN_OR_RETURN(auto under_way, UnderWayOf(rollout));
    for (const geofence::ListRef& list : under_way.brings) {
      HEARTH_ASSIGN_OR_RETURN(brought.emplace_back(), CellsOf(list.kind, list.id, list.version));
    }
    next.under_way.push_back(std::move(under_way));
  }
  return Index(next, brought);
}

// A retired area sells nothing, and no card may live on its cells.
bool GeoState::Counts(const GeoSnapshot& snapshot, ListKind kind, AreaId id) {
  if (kind != ListKind::kWhitelist) return true;
  const auto area = snapshot.areas.find(id);
  return area == snapshot.areas.end() || area->second.value.state != geofence::AreaState::kRetired;
}

Result<UnderWay> GeoState::Take(const intervention::Rollout& rollout, const std::vector<CellList>& brings,
                                const std::optional<intervention::PolicyBook>& policy) const {
  UnderWay under_way{.rollout = rollout, .policy = policy};
  for (size_t i = 0; i < rollout.lists.size(); ++i) {
    const intervention::ListEdit& edit = rollout.lists[i];
    const ListKind kind = KindOf(edit);
    under_way.brings.push_back({.kind = kind, .id = edit.list, .version = edit.to});
    CellList before;
    if (edit.from != 0) {
      under_way.replaces.push_back({.kind = kind, .id = edit.list, .version = edit.from});
      HEARTH_ASSIGN_OR_RETURN(before, CellsOf(kind, edit.list, edit.from));
    }
    const geofence::CellDiff diff = geofence::Diff(before.cells, brings[i].cells);
    under_way.touched.insert(under_way.touched.end(), diff.added.begin(), diff.added.end());
    under_way.touched.insert(under_way.touched.end(), diff.removed.begin(), diff.removed.end());
  }
  return under_way;
}

// Lists that changed since the large snapshot was built go into a small one over it; when that has grown to
// an eighth of the large one, all are built into one again.
Status GeoState::Index(GeoSnapshot& next, const std::vector<CellList>& brought) {
  size_t all = 0;
  size_t changed = 0;
  for (const auto& [key, head] : next.lists) {
    if (!Counts(next, key.first, key.second)) continue;
    all += head.cells;
    const auto base = base_versions_.find(key);
    if (base == base_versions_.end() || base->second != head.version) changed += head.cells;
  }
  if (!base_ || changed > kSmallOverlay + all / 8) {
    geofence::SnapshotBuilder builder;
    std::map<std::pair<ListKind, AreaId>, uint32_t> versions;
    for (const auto& [key, head] : next.lists) {
      if (!Counts(next, key.first, key.second)) continue;
      HEARTH_ASSIGN_OR_RETURN(const CellList list, LoadCells(executor_, head.kind, head.id, head.version));
      builder.Add(list);
      versions[key] = head.version;
    }
    HEARTH_ASSIGN_OR_RETURN(Bytes bytes, std::move(builder).Build());
    HEARTH_ASSIGN_OR_RETURN(auto base, geofence::Snapshot::FromBytes(std::move(bytes)));
    base_ = std::make_shared<const geofence::Snapshot>(std::move(base));
    base_versions_ = std::move(versions);
  }
  HEARTH_ASSIGN_OR_RETURN(next.cells_in_force, LayersOver(next, brought));
  return Ok();
}

Result<geofence::Layers> GeoState::LayersOver(const GeoSnapshot& next,
                                              const std::vector<CellList>& brought) const {
  geofence::SnapshotBuilder builder;
  std::vector<geofence::ListName> superseded;
  for (const auto& [key, version] : base_versions_) {
    const auto head = next.lists.find(key);
    if (head == next.lists.end() || head->second.version != version || !Counts(next, key.first, key.second)) {
      superseded.push_back({.kind = key.first, .id = key.second});
    }
  }
  for (const auto& [key, head] : next.lists) {
    const auto base = base_versions_.find(key);
    if (base != base_versions_.end() && base->second == head.version) continue;
    if (!Counts(next, key.first, key.second)) continue;
    HEARTH_ASSIGN_OR_RETURN(const CellList list, LoadCells(executor_, head.kind, head.id, head.version));
    builder.Add(list);
  }
  for (const CellList& list : brought) builder.Add(list);
  HEARTH_ASSIGN_OR_RETURN(Bytes bytes, std::move(builder).Build());
  HEARTH_ASSIGN_OR_RETURN(auto overlay, geofence::Snapshot::FromBytes(std::move(bytes)));
  return geofence::Layers(base_, std::make_shared<const geofence::Snapshot>(std::move(overlay)),
                          std::move(superseded));
}

Result<std::shared_ptr<const GeoSnapshot>> GeoState::With(
    const intervention::Rollout& rollout, const std::vector<CellList>& brings,
    const std::optional<intervention::PolicyBook>& policy) const {
  auto next = std::make_shared<GeoSnapshot>(*snapshot());
  std::erase_if(next->under_way, [&](const UnderWay& one) { return one.rollout.number == rollout.number; });
  std::vector<CellList> brought = brings;
  for (const UnderWay& other : next->under_way) {
    for (const geofence::ListRef& list : other.brings) {
      HEARTH_ASSIGN_OR_RETURN(auto cells, CellsOf(list.kind, list.id, list.version));
      brought.push_back(std::move(cells));
    }
  }
  HEARTH_ASSIGN_OR_RETURN(auto under_way, Take(rollout, brings, policy));
  next->under_way.push_back(std::move(under_way));
  HEARTH_ASSIGN_OR_RETURN(next->cells_in_force, LayersOver(*next, brought));
  return std::shared_ptr<const GeoSnapshot>(std::move(next));
}

Result<CellList> GeoState::CellsOf(ListKind kind, AreaId id, uint32_t version) const {
  return LoadCells(executor_, kind, id, version);
}

std::vector<RowResult> GeoState::ImportRegions(const Request& request, const std::vector<RegionRow>& rows) {
  const MutexLock change(change_mu_);
  std::vector<RowResult> results;
  std::vector<geofence::Region> fresh;
  const auto now = snapshot();
  for (const RegionRow& row : rows) {
    RowResult result{.line = row.line};
    const auto refuse = [&](Error error) {
      result.outcome = RowOutcome::kRefused;
      result.error = std::move(error);
    };
    const auto known = [&](RegionCode code) {
      return now->regions.Find(code) != nullptr ||
             std::any_of(fresh.begin(), fresh.end(), [&](const auto& r) { return r.code == code; });
    };
    if (!row.region) {
      refuse(row.region.error());
    } else if (const geofence::Region* existing = now->regions.Find(row.region->code); existing != nullptr) {
      result.outcome = RowOutcome::kExisted;
      if (!(*existing == *row.region)) {
        refuse(Error(Reason::kRegionConflict, fmt::format("{} is {}, not {}", ToString(existing->code),
                                                          existing->name, row.region->name)));
      }
    } else if (row.region->parent.value != 0 && !known(row.region->parent)) {
      refuse(Error(Reason::kRegionUnknown,
                   fmt::format("the parent {} of {} is not known", ToString(row.region->parent),
                               ToString(row.region->code))));
    } else {
      if (Status status = geofence::CheckRegion(*row.region); !status) {
        refuse(status.error());
      } else if (known(row.region->code)) {
        refuse(Error(Reason::kRowDuplicate, fmt::format("{} stands twice", ToString(row.region->code))));
      } else {
        fresh.push_back(*row.region);
      }
    }
    results.push_back(std::move(result));
  }
  if (fresh.empty()) return results;
  const auto fail_all = [&](const Error& error) {
    for (RowResult& result : results) {
      if (result.outcome != RowOutcome::kDone) continue;
      result.outcome = RowOutcome::kRefused;
      result.error = error;
    }
  };
  auto outcome = RunOnce(
      executor_, store::kSystemBucket, request,
      {.action = "region.import", .object = "site", .detail = fmt::format("{} divisions", fresh.size())},
      limits_, [&](Txn& txn) -> Result<std::string> {
        for (const auto& region : fresh) txn.Write(RegionKey(region.code).key, region);
        return std::string();
      });
  if (!outcome) {
    fail_all(outcome.error());
  } else if (outcome->change.committed.wrote) {
    if (Status status = Reload(); !status) fail_all(status.error());
  }
  return results;
}

Status GeoState::ReloadAll() {
  HEARTH_RETURN_IF_ERROR(villages_->Load());
  const MutexLock lock(change_mu_);
  return Reload();
}

Result<AreaChanged> GeoState::CreateArea(const Request& request, const geofence::NewArea& wish) {
  const MutexLock change(change_mu_);
  const auto now = snapshot();
  const ObjectKey key = AreaKey(wish.id);
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome, RunOnce(executor_, key.bucket, request,
                            {.action = "area.create",
                             .object = "area:" + ToString(wish.id),
                             .detail = fmt::format("{} villages", wish.villages.size())},
                            limits_, [&](Txn& txn) -> Result<std::string> {
                              HEARTH_ASSIGN_OR_RETURN(const auto existing, txn.Read<geofence::Area>(key.key));
                              HEARTH_ASSIGN_OR_RETURN(
                                  auto area,
                                  geofence::DecideCreate(wish, existing ? &existing->value : nullptr,
                                                         now->regions, Questions(*now), limits_,
                                                         {.name = request.actor, .now = txn.now()}));
                              txn.Write(key.key, area);
                              return records::Encode(area);
                            }));
  if (outcome.change.committed.wrote) HEARTH_RETURN_IF_ERROR(Reload());
  HEARTH_ASSIGN_OR_RETURN(auto area, records::Decode<geofence::Area>(outcome.answer));
  return AreaChanged{.change = outcome.change,
                     .view = ViewOf(*snapshot(), {std::move(area), outcome.change.revision})};
}

Result<AreaChanged> GeoState::StepArea(const Request& request, AreaId id, geofence::AreaState to) {
  const MutexLock change(change_mu_);
  const auto now = snapshot();
  const ObjectKey key = AreaKey(id);
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(executor_, key.bucket, request,
              {.action = fmt::format("area.{}", geofence::NameOf(to)), .object = "area:" + ToString(id)},
              limits_, [&](Txn& txn) -> Result<std::string> {
                HEARTH_ASSIGN_OR_RETURN(auto existing, txn.Read<geofence::Area>(key.key));
                if (!existing) {
                  return Error(Reason::kAreaUnknown, fmt::format("area {} is not known", ToString(id)));
                }
                HEARTH_RETURN_IF_ERROR(CheckRevision(request, existing->revision, "area " + ToString(id)));
                if (to == geofence::AreaState::kSubmitted || to == geofence::AreaState::kApproved) {
                  HEARTH_RETURN_IF_ERROR(geofence::CheckCable(existing->value, Questions(*now)));
                }
                const geofence::Actor actor{.name = request.actor, .now = txn.now()};
                const auto step = [&]() -> Result<geofence::Area> {
                  switch (to) {
                    case geofence::AreaState::kSubmitted:
                      return geofence::DecideSubmit(std::move(existing->value), actor);
                    case geofence::AreaState::kApproved:
                      return geofence::DecideApprove(std::move(existing->value), actor);
                    case geofence::AreaState::kOnFile:
                      return geofence::DecideFile(std::move(existing->value), actor);
                    case geofence::AreaState::kRetired:
                      return geofence::DecideRetire(std::move(existing->value), actor);
                    case geofence::AreaState::kDraft:
                      break;
                  }
                  return InvalidField("to", "SUBMITTED, APPROVED, ON_FILE or RETIRED");
                };
                HEARTH_ASSIGN_OR_RETURN(const auto area, step());
                txn.Write(key.key, area);
                return records::Encode(area);
              }));
  if (outcome.change.committed.wrote) HEARTH_RETURN_IF_ERROR(Reload());
  HEARTH_ASSIGN_OR_RETURN(auto area, records::Decode<geofence::Area>(outcome.answer));
  return AreaChanged{.change = outcome.change,
                     .view = ViewOf(*snapshot(), {std::move(area), outcome.change.revision})};
}

Result<AreaView> GeoState::GetArea(AreaId id) const {
  const auto now = snapshot();
  const auto it = now->areas.find(id);
  if (it == now->areas.end()) {
    return Error(Reason::kAreaUnknown, fmt::format("area {} is not known", ToString(id)));
  }
  return ViewOf(*now, it->second);
}

std::vector<AreaView> GeoState::ListAreas() const {
  const auto now = snapshot();
  std::vector<AreaView> views;
  for (const auto& [id, area] : now->areas) views.push_back(ViewOf(*now, area));
  return views;
}

Result<CheckedList> GeoState::Check(const PutCellList& wish, const std::vector<PutCellList>& with) const {
  const auto now = snapshot();
  if (wish.kind == ListKind::kWhitelist && !now->areas.contains(wish.id)) {
    return Error(Reason::kAreaUnknown, fmt::format("area {} is not known", ToString(wish.id)));
  }
  CheckedList checked;
  const auto former = now->lists.find({wish.kind, wish.id});
  const bool exists = former != now->lists.end();
  checked.from = exists ? former->second.version : 0;
  checked.name = wish.name.empty() && exists ? former->second.name : wish.name;
  // The snapshot does not know of versions that are only proposed.
  HEARTH_ASSIGN_OR_RETURN(const auto stored,
                          executor_.Read<records::CellListHead>(ListKey(wish.kind, wish.id)));
  const uint32_t last = stored ? std::max(stored->value.last_version, stored->value.version) : 0;
  HEARTH_ASSIGN_OR_RETURN(checked.list,
                          geofence::MakeCellList(wish.kind, wish.id, last + 1, wish.cells, limits_));
  HEARTH_RETURN_IF_ERROR(CheckFitsTheAir(checked.list));
  CellList before;
  if (exists) {
    HEARTH_ASSIGN_OR_RETURN(before, CellsOf(wish.kind, wish.id, checked.from));
  }
  checked.diff = geofence::Diff(before.cells, checked.list.cells);
  if (exists && checked.diff.empty()) {
    return Error(Reason::kCellListUnchanged, fmt::format("list {} version {} holds exactly these cells",
                                                         ToString(wish.id), checked.from));
  }
  HEARTH_RETURN_IF_ERROR(CheckOtherKind(*now, checked, with));
  return checked;
}

// Only what is added can newly stand on lists of both kinds.
Status GeoState::CheckOtherKind(const GeoSnapshot& now, const CheckedList& checked,
                                const std::vector<PutCellList>& with) const {
  const bool white = checked.list.kind == ListKind::kWhitelist;
  std::map<AreaId, CellList> others;
  for (const PutCellList& other : with) {
    if (other.kind == checked.list.kind) continue;
    const bool covers =
        white ? geofence::Covers(other.id, checked.list.id) : geofence::Covers(checked.list.id, other.id);
    if (!covers) continue;
    HEARTH_ASSIGN_OR_RETURN(others[other.id],
                            geofence::MakeCellList(other.kind, other.id, 1, other.cells, limits_));
  }
  std::set<AreaId> wanted;
  for (const PutCellList& other : with) {
    if (other.kind != checked.list.kind) wanted.insert(other.id);
  }
  for (const geofence::Cell& cell : checked.diff.added) {
    const geofence::CellIndex index = now.cells_in_force.index();
    index.ForEach(index.Find(cell), [&](const geofence::ListRef& list) {
      if (list.kind == checked.list.kind || wanted.contains(list.id)) return;
      const bool covers =
          white ? geofence::Covers(list.id, checked.list.id) : geofence::Covers(checked.list.id, list.id);
      const auto head = now.lists.find({list.kind, list.id});
      if (!covers || head == now.lists.end() || head->second.version != list.version) return;
      CellList& other = others[list.id];
      other.kind = list.kind;
      other.id = list.id;
      other.cells.push_back(cell);
    });
  }
  std::vector<const CellList*> pointers;
  for (auto& [id, other] : others) {
    std::sort(other.cells.begin(), other.cells.end());
    pointers.push_back(&other);
  }
  return geofence::CheckBothLists(checked.list, pointers);
}

void GeoState::WriteCells(Txn& txn, const CellList& list) {
  // The last chunk is never full, so that whoever reads knows the end.
  const size_t chunks = list.cells.size() / kChunkCells + 1;
  for (size_t chunk = 0; chunk < chunks; ++chunk) {
    const auto part = std::span(list.cells).subspan(chunk * kChunkCells);
    txn.Put(CellsKey(list.kind, list.id, list.version, static_cast<uint32_t>(chunk)).key,
            EncodeCells(part.first(std::min(part.size(), kChunkCells))));
  }
}

Status GeoState::PutInForce(Txn& txn, const CellList& list, const std::string& name,
                            const std::string& actor) {
  const ObjectKey key = ListKey(list.kind, list.id);
  HEARTH_ASSIGN_OR_RETURN(const auto head, txn.Read<records::CellListHead>(key.key));
  HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/false));
  txn.Write(key.key, records::CellListHead{
                         .kind = list.kind,
                         .id = list.id,
                         .name = name,
                         .version = list.version,
                         .cells = static_cast<uint32_t>(list.cells.size()),
                         .activated = txn.now(),
                         .actor = actor,
                         .stamp = stamp,
                         .last_version = std::max(list.version, head ? head->value.last_version : 0)});
  if (list.version > kVersionsKept) {
    HEARTH_RETURN_IF_ERROR(DeleteCells(txn, list.kind, list.id, list.version - kVersionsKept));
  }
  txn.Emit(records::TableDue{.kind = list.kind, .id = list.id});
  return Ok();
}

Status GeoState::NoteVersion(Txn& txn, const CellList& list) {
  const std::string key = ListKey(list.kind, list.id).key;
  HEARTH_ASSIGN_OR_RETURN(auto head, txn.Read<records::CellListHead>(key));
  if (!head) return Ok();
  head->value.last_version = std::max(head->value.last_version, list.version);
  txn.Write(key, head->value);
  return Ok();
}

Status GeoState::CheckFresh(const intervention::Rollout& rollout) const {
  const auto now = snapshot();
  for (const intervention::ListEdit& edit : rollout.lists) {
    const auto head = now->lists.find({KindOf(edit), edit.list});
    const uint32_t version = head == now->lists.end() ? 0 : head->second.version;
    if (version == edit.from) continue;
    return Error(Reason::kRolloutStale,
                 fmt::format("list {} is at version {}; the rollout changes version {}", ToString(edit.list),
                             version, edit.from));
  }
  if (rollout.policy_to != 0 && now->policy.version != rollout.policy_from) {
    return Error(Reason::kRolloutStale,
                 fmt::format("policy version {} is in force; the rollout changes version {}",
                             now->policy.version, rollout.policy_from));
  }
  return Ok();
}

Result<UnderWay> GeoState::UnderWayOf(const intervention::Rollout& rollout) const {
  std::vector<CellList> lists;
  for (const intervention::ListEdit& edit : rollout.lists) {
    HEARTH_ASSIGN_OR_RETURN(lists.emplace_back(), CellsOf(KindOf(edit), edit.list, edit.to));
  }
  std::optional<intervention::PolicyBook> policy;
  if (rollout.policy_to != 0) {
    HEARTH_ASSIGN_OR_RETURN(policy, PolicyOf(rollout.policy_to));
  }
  return Take(rollout, lists, policy);
}

Status GeoState::DeleteCells(Txn& txn, ListKind kind, AreaId id, uint32_t version) {
  for (uint32_t chunk = 0;; ++chunk) {
    const std::string key = CellsKey(kind, id, version, chunk).key;
    HEARTH_ASSIGN_OR_RETURN(const auto there, txn.Get(key));
    if (!there) return Ok();
    txn.Delete(key);
  }
}

Result<CellListChanged> GeoState::PutList(const Request& request, const PutCellList& wish) {
  const MutexLock change(change_mu_);
  const ObjectKey key = ListKey(wish.kind, wish.id);
  CellListChanged changed;
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(executor_, key.bucket, request, {.action = "list.put", .object = "list:" + ToString(wish.id)},
              limits_, [&](Txn& txn) -> Result<std::string> {
                HEARTH_ASSIGN_OR_RETURN(const auto head, txn.Read<records::CellListHead>(key.key));
                if (head) HEARTH_RETURN_IF_ERROR(CheckRevision(request, head->revision, key.key));
                HEARTH_ASSIGN_OR_RETURN(const CheckedList checked, Check(wish, {}));
                changed.version = checked.list.version;
                changed.cells = static_cast<uint32_t>(checked.list.cells.size());
                changed.diff = checked.diff;
                WriteCells(txn, checked.list);
                HEARTH_RETURN_IF_ERROR(PutInForce(txn, checked.list, checked.name, request.actor));
                ByteWriter answer(4);
                answer.U32(checked.list.version);
                return std::string(AsChars(answer.bytes()));
              }));
  changed.change = outcome.change;
  if (outcome.change.repeated) changed.version = ByteReader(AsBytes(outcome.answer)).U32();
  if (outcome.change.committed.wrote) HEARTH_RETURN_IF_ERROR(ReloadLists());
  return changed;
}

}  // namespace hearth::app
