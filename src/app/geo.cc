#include "src/app/geo.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::app {
namespace {

using geofence::CellList;
using geofence::ListKind;

// Cells a stored chunk holds: 45 KB, far below the limit of a value.
constexpr size_t kChunkCells = 4096;

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

uint32_t ChunksOf(size_t cells) { return static_cast<uint32_t>((cells + kChunkCells - 1) / kChunkCells); }

Result<CellList> LoadCells(Executor& executor, const records::CellListHead& head) {
  CellList list{.kind = head.kind, .id = head.id, .version = head.version, .cells = {}};
  list.cells.reserve(head.cells);
  for (uint32_t chunk = 0; chunk < ChunksOf(head.cells); ++chunk) {
    HEARTH_ASSIGN_OR_RETURN(const auto bytes,
                            executor.Get(CellsKey(head.kind, head.id, head.version, chunk)));
    if (!bytes) {
      return Error(Reason::kStoreCorrupt,
                   fmt::format("list {} version {} lacks chunk {}", ToString(head.id), head.version, chunk));
    }
    HEARTH_RETURN_IF_ERROR(DecodeCells(bytes->value, list.cells));
  }
  return list;
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

Result<std::unique_ptr<GeoState>> GeoState::Create(Executor& executor, const Limits& limits) {
  std::unique_ptr<GeoState> geo(new GeoState(executor, limits));
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
  std::vector<records::CellListHead> heads;
  HEARTH_RETURN_IF_ERROR(LoadAll<records::CellListHead>(
      executor_, "list/", [&](records::CellListHead head, uint64_t) { heads.push_back(std::move(head)); }));
  geofence::SnapshotBuilder builder;
  for (records::CellListHead& head : heads) {
    HEARTH_ASSIGN_OR_RETURN(CellList list, LoadCells(executor_, head));
    // A retired area sells nothing, and no card may live on its cells.
    const auto area = next->areas.find(head.id);
    const bool retired = head.kind == ListKind::kWhitelist && area != next->areas.end() &&
                         area->second.value.state == geofence::AreaState::kRetired;
    if (!retired) builder.Add(list);
    const std::pair key(head.kind, head.id);
    next->cells.emplace(key, std::move(list));
    next->lists.emplace(key, std::move(head));
  }
  HEARTH_ASSIGN_OR_RETURN(Bytes bytes, std::move(builder).Build());
  HEARTH_ASSIGN_OR_RETURN(next->cells_in_force, geofence::Snapshot::FromBytes(std::move(bytes)));
  const MutexLock lock(mu_);
  snapshot_ = std::move(next);
  return Ok();
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

Result<CellListChanged> GeoState::PutList(const Request& request, const PutCellList& wish) {
  const MutexLock change(change_mu_);
  const auto now = snapshot();
  if (wish.kind == ListKind::kWhitelist && !now->areas.contains(wish.id)) {
    return Error(Reason::kAreaUnknown, fmt::format("area {} is not known", ToString(wish.id)));
  }
  const auto former_head = now->lists.find({wish.kind, wish.id});
  const bool exists = former_head != now->lists.end();
  const uint32_t version = exists ? former_head->second.version + 1 : 1;
  HEARTH_ASSIGN_OR_RETURN(const CellList list,
                          geofence::MakeCellList(wish.kind, wish.id, version, wish.cells, limits_));
  std::vector<const CellList*> others;
  for (const auto& [key, other] : now->cells) {
    if (key != std::pair(wish.kind, wish.id)) others.push_back(&other);
  }
  HEARTH_RETURN_IF_ERROR(geofence::CheckBothLists(list, others));
  CellListChanged changed{
      .change = {}, .version = version, .cells = static_cast<uint32_t>(list.cells.size()), .diff = {}};
  changed.diff = geofence::Diff(
      exists ? std::span(now->cells.at({wish.kind, wish.id}).cells) : std::span<const geofence::Cell>(),
      list.cells);

  const ObjectKey key = ListKey(wish.kind, wish.id);
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(executor_, key.bucket, request,
              {.action = "list.put",
               .object = "list:" + ToString(wish.id),
               .detail = fmt::format("{} version {}: {} cells, {} added, {} removed",
                                     geofence::NameOf(wish.kind), version, list.cells.size(),
                                     changed.diff.added.size(), changed.diff.removed.size())},
              limits_, [&](Txn& txn) -> Result<std::string> {
                HEARTH_ASSIGN_OR_RETURN(const auto head, txn.Read<records::CellListHead>(key.key));
                if (head) HEARTH_RETURN_IF_ERROR(CheckRevision(request, head->revision, key.key));
                if (exists && changed.diff.empty()) {
                  return Error(Reason::kCellListUnchanged,
                               fmt::format("list {} version {} holds exactly these cells", ToString(wish.id),
                                           former_head->second.version));
                }
                HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/false));
                txn.Write(key.key,
                          records::CellListHead{
                              .kind = wish.kind,
                              .id = wish.id,
                              .name = wish.name.empty() && exists ? former_head->second.name : wish.name,
                              .version = version,
                              .cells = static_cast<uint32_t>(list.cells.size()),
                              .activated = txn.now(),
                              .actor = request.actor,
                              .stamp = stamp});
                for (uint32_t chunk = 0; chunk < ChunksOf(list.cells.size()); ++chunk) {
                  const auto part = std::span(list.cells).subspan(chunk * kChunkCells);
                  txn.Put(CellsKey(wish.kind, wish.id, version, chunk).key,
                          EncodeCells(part.first(std::min(part.size(), kChunkCells))));
                }
                // The version before stays for undo; the one before that goes.
                if (version > 2) {
                  HEARTH_ASSIGN_OR_RETURN(
                      const auto old,
                      executor_.store().Scan(
                          store::kSystemBucket, store::Space::kObject,
                          CellsKey(wish.kind, wish.id, version - 2, 0)
                              .key.substr(0, CellsKey(wish.kind, wish.id, version - 2, 0).key.size() - 5),
                          "", 1000));
                  for (const auto& item : old.items) txn.Delete(item.key);
                }
                txn.Emit(records::TableDue{.kind = wish.kind, .id = wish.id});
                ByteWriter answer(4);
                answer.U32(version);
                return std::string(AsChars(answer.bytes()));
              }));
  changed.change = outcome.change;
  if (outcome.change.repeated) changed.version = ByteReader(AsBytes(outcome.answer)).U32();
  if (outcome.change.committed.wrote) HEARTH_RETURN_IF_ERROR(Reload());
  return changed;
}

}  // namespace hearth::app
