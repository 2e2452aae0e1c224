// Versioned lists of cells: the whitelist of a service area, and the blacklists (deny lists) of cities.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "geofence/cell.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::geofence {

// The numbers are on disk: never reused.
enum class ListKind : uint8_t { kWhitelist = 1, kBlacklist = 2 };

// "WHITELIST", "BLACKLIST".
std::string_view NameOf(ListKind kind);

// One version of one list. A whitelist has the number of its area. The division of a blacklist's number is
// its scope: the cards of that division hold the list in their boxes; the head-end applies it to every card.
struct CellList {
  ListKind kind = ListKind::kWhitelist;
  AreaId id;
  uint32_t version = 1;     // counts up from 1
  std::vector<Cell> cells;  // sorted, no double, each in range

  bool operator==(const CellList&) const = default;
};

// Sorts and removes doubles. CELL_LIST_EMPTY; LIMIT_EXCEEDED over limits.cells_per_list (counted without
// doubles); FIELD_INVALID naming "cells[7].area" for a number out of range.
Result<CellList> MakeCellList(ListKind kind, AreaId id, uint32_t version, std::vector<Cell> cells,
                              const Limits& limits);

// What a new version changes.
struct CellDiff {
  std::vector<Cell> added;
  std::vector<Cell> removed;
  size_t kept = 0;

  bool empty() const { return added.empty() && removed.empty(); }
};

// Both sorted without doubles, as in a CellList.
CellDiff Diff(std::span<const Cell> before, std::span<const Cell> after);

// True when boxes of the whitelist's county hold the blacklist.
bool Covers(AreaId blacklist, AreaId whitelist);

// CELL_BOTH_LISTS when a cell of `list` is also on a list of the other kind for the same place. The message
// counts them, and each violation names one cell and the other list, at most 100. Lists of the same kind and
// blacklists of other places are passed over.
Status CheckBothLists(const CellList& list, std::span<const CellList* const> others);

}  // namespace hearth::geofence
