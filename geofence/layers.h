// All cell lists in force, in two layers: a large base that may be memory-mapped, and a small overlay with
// the lists that changed since the base was written. Where a look-up goes through them.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "geofence/snapshot.h"
#include "src/base/ids.h"

namespace hearth::geofence {

// A list whatever its version.
struct ListName {
  ListKind kind = ListKind::kWhitelist;
  AreaId id;

  auto operator<=>(const ListName&) const = default;
};

// The lists a cell is on, by layer; those of the base may be superseded, see CellIndex::ForEach.
struct LayeredMembership {
  Membership overlay;
  Membership base;
};

// Where Judge looks cells up: one snapshot, or two layers. A view, four words; what it refers to must outlive
// it. Any thread. A look-up allocates nothing.
class CellIndex {
 public:
  CellIndex(const Snapshot& only) : base_(&only) {}  // NOLINT: a snapshot is an index
  // `superseded`: lists of the base that do not count any more, sorted.
  CellIndex(const Snapshot& base, const Snapshot& overlay, std::span<const ListName> superseded)
      : base_(&base), overlay_(&overlay), superseded_(superseded) {}

  LayeredMembership Find(const Cell& cell) const {
    if (overlay_ == nullptr) return {{}, base_->Find(cell)};
    return {overlay_->Find(cell), base_->Find(cell)};
  }
  // The same for many cells at once, which waits less for memory. `found` is as long as `cells`.
  void FindMany(std::span<const Cell> cells, std::span<LayeredMembership> found) const;

  // Visits each list of a membership that counts: const ListRef&, in no order between the layers.
  template <typename Visit>
  void ForEach(const LayeredMembership& found, const Visit& visit) const {
    for (const ListRef& list : found.overlay.whitelists) visit(list);
    for (const ListRef& list : found.overlay.blacklists) visit(list);
    for (const ListRef& list : found.base.whitelists) {
      if (!IsSuperseded(list)) visit(list);
    }
    for (const ListRef& list : found.base.blacklists) {
      if (!IsSuperseded(list)) visit(list);
    }
  }

 private:
  bool IsSuperseded(const ListRef& list) const;

  const Snapshot* base_;
  const Snapshot* overlay_ = nullptr;
  std::span<const ListName> superseded_;
};

// The layers themselves. Immutable; any thread. A list of the base that the overlay holds in another version
// is either superseded, or both count: that is what a rollout under way needs (ListFilter).
class Layers {
 public:
  // No lists.
  Layers();
  // Neither pointer null; `superseded` in any order, names that the base does not hold do no harm.
  Layers(std::shared_ptr<const Snapshot> base, std::shared_ptr<const Snapshot> overlay,
         std::vector<ListName> superseded);

  CellIndex index() const { return {*base_, *overlay_, superseded_}; }
  LayeredMembership Find(const Cell& cell) const { return index().Find(cell); }
  // Those that count, sorted by kind, id and version.
  std::vector<ListRef> Lists() const;

  const std::shared_ptr<const Snapshot>& base() const { return base_; }
  const std::shared_ptr<const Snapshot>& overlay() const { return overlay_; }

 private:
  std::shared_ptr<const Snapshot> base_;
  std::shared_ptr<const Snapshot> overlay_;
  std::vector<ListName> superseded_;
};

}  // namespace hearth::geofence
