// All cell lists in force as one immutable run of bytes that can be memory-mapped: 16 bytes a cell, look-ups
// without allocation. The grammar of the bytes stands at the top of snapshot.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "geofence/cell.h"
#include "geofence/cell_list.h"
#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::geofence {

// One list of a snapshot.
struct ListRef {
  ListKind kind = ListKind::kWhitelist;
  AreaId id;
  uint32_t version = 0;

  auto operator<=>(const ListRef&) const = default;
};

// The lists a cell is on; both empty when it is on none. Valid as long as the snapshot.
struct Membership {
  std::span<const ListRef> whitelists;  // sorted by id and version
  std::span<const ListRef> blacklists;  // sorted by id and version

  bool known() const { return !whitelists.empty() || !blacklists.empty(); }
};

// Read-only view over bytes. Any thread may read. Movable, not copyable.
//
// Bytes that come from elsewhere never make it crash: Open checks all that is small, and Find checks the rest
// as it goes, so a damaged cell entry at worst is not found. Verify reads everything.
class Snapshot {
 public:
  // No lists: every cell is unknown.
  Snapshot() = default;
  Snapshot(Snapshot&&) = default;
  Snapshot& operator=(Snapshot&&) = default;

  // Over bytes that the caller keeps alive and unchanged. CELL_SNAPSHOT_INVALID when they are no snapshot.
  static Result<Snapshot> Open(std::span<const std::byte> bytes);
  // The same over bytes that the snapshot keeps itself.
  static Result<Snapshot> FromBytes(Bytes bytes);

  Membership Find(const Cell& cell) const;
  // The same for up to kBatch cells at once: their blocks come from memory at the same time. `found` is at
  // least as long as `cells`.
  static constexpr size_t kBatch = 16;
  void FindBatch(std::span<const Cell> cells, std::span<Membership> found) const;
  // CELL_SNAPSHOT_INVALID when entries are out of order or point nowhere. Reads all bytes.
  Status Verify() const;

  // Sorted by kind, id and version. While a rollout is under way a list is there in two versions.
  std::span<const ListRef> lists() const { return lists_; }
  // Of all lists together, every cell once.
  size_t cell_count() const { return cell_count_; }

 private:
  struct Level {
    const std::byte* keys = nullptr;
    size_t count = 0;
  };
  struct Set {
    uint32_t first = 0;  // in members_
    uint32_t whitelists = 0;
    uint32_t blacklists = 0;
  };

  Status Parse(std::span<const std::byte> bytes);
  Status ReadLists(ByteReader& reader, size_t count);
  Status ReadSets(ByteReader& reader, size_t set_count, size_t member_count);
  void PlaceLevels(const std::byte* fences);
  Membership MembershipAt(uint64_t set) const;

  Bytes owned_;
  std::vector<ListRef> lists_;
  std::vector<ListRef> members_;
  std::vector<Set> sets_;
  std::vector<Level> levels_;  // from the top (few keys) down to the cells themselves
  size_t cell_count_ = 0;
};

// Collects lists and writes the bytes of a snapshot. One thread. Needs 16 bytes a cell beside the result.
class SnapshotBuilder {
 public:
  // The list's cells are copied. A list may be added in several versions, each version once.
  void Add(const CellList& list);
  // FIELD_INVALID when a version of a list was added twice or held a cell out of range.
  Result<Bytes> Build() &&;

 private:
  struct Entry {
    uint64_t high;  // bits 83 to 20 of the key
    uint32_t low;   // bits 19 to 0
    uint32_t list;  // position in lists_
  };

  Status SortLists();
  void SortEntries();

  std::vector<ListRef> lists_;
  std::vector<Entry> entries_;
  Status status_;
};

}  // namespace hearth::geofence
