#include "geofence/cell_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

constexpr size_t kMaxListViolations = 100;

std::vector<Cell> Shared(std::span<const Cell> a, std::span<const Cell> b) {
  std::vector<Cell> shared;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(shared));
  return shared;
}

bool SamePlace(const CellList& a, const CellList& b) {
  if (a.kind == b.kind) return false;
  return a.kind == ListKind::kBlacklist ? Covers(a.id, b.id) : Covers(b.id, a.id);
}

}  // namespace

std::string_view NameOf(ListKind kind) {
  switch (kind) {
    case ListKind::kWhitelist:
      return "WHITELIST";
    case ListKind::kBlacklist:
      return "BLACKLIST";
  }
  return "UNKNOWN";
}

Result<CellList> MakeCellList(ListKind kind, AreaId id, uint32_t version, std::vector<Cell> cells,
                              const Limits& limits) {
  if (auto parsed = ParseAreaId(ToString(id), "list_id"); !parsed) return std::move(parsed).error();
  if (version == 0) return InvalidField("version", "at least 1");
  for (size_t i = 0; i < cells.size(); ++i) {
    if (InRange(cells[i])) continue;
    const Error error = CheckCell(cells[i]).error();
    const FieldViolation& violation = error.violations().front();
    // "cell.area" → "cells[7].area"
    return InvalidField(
        fmt::format("cells[{}]{}", i, violation.field.substr(std::string_view("cell").size())),
        violation.description);
  }
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  if (cells.empty()) {
    return Error(Reason::kCellListEmpty, fmt::format("{} {} would hold no cell", NameOf(kind), ToString(id)));
  }
  if (cells.size() > limits.cells_per_list) {
    return Error(Reason::kLimitExceeded,
                 fmt::format("{} {} has {} cells; a list has at most {}", NameOf(kind), ToString(id),
                             cells.size(), limits.cells_per_list))
        .Field("cells", fmt::format("at most {}", limits.cells_per_list));
  }
  return CellList{.kind = kind, .id = id, .version = version, .cells = std::move(cells)};
}

CellDiff Diff(std::span<const Cell> before, std::span<const Cell> after) {
  CellDiff diff;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(diff.added));
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(diff.removed));
  diff.kept = after.size() - diff.added.size();
  return diff;
}

bool Covers(AreaId blacklist, AreaId whitelist) {
  return DivisionContains(AreaDivision(blacklist), AreaDivision(whitelist));
}

Status CheckBothLists(const CellList& list, std::span<const CellList* const> others) {
  std::vector<std::pair<Cell, const CellList*>> faults;
  for (const CellList* other : others) {
    if (!SamePlace(list, *other)) continue;
    for (const Cell& cell : Shared(list.cells, other->cells)) faults.emplace_back(cell, other);
  }
  if (faults.empty()) return Ok();
  Error error(Reason::kCellBothLists,
              fmt::format("{} cells of {} {} are also on a list of the other kind, the first is {} on {} {}",
                          faults.size(), NameOf(list.kind), ToString(list.id), ToString(faults[0].first),
                          NameOf(faults[0].second->kind), ToString(faults[0].second->id)));
  for (size_t i = 0; i < std::min(faults.size(), kMaxListViolations); ++i) {
    const auto& [cell, other] = faults[i];
    // Error(…) makes a new one: assigning the result of Field to its own object would empty it.
    error = Error(std::move(error).Field(
        ToString(cell), fmt::format("also on {} {}", NameOf(other->kind), ToString(other->id))));
  }
  return error;
}

}  // namespace hearth::geofence
