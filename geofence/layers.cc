#include "geofence/layers.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hearth::geofence {

bool CellIndex::IsSuperseded(const ListRef& list) const {
  if (superseded_.empty()) return false;
  return std::binary_search(superseded_.begin(), superseded_.end(), ListName{list.kind, list.id});
}

void CellIndex::FindMany(std::span<const Cell> cells, std::span<LayeredMembership> found) const {
  std::array<Membership, Snapshot::kBatch> part;
  for (size_t at = 0; at < cells.size(); at += part.size()) {
    const std::span<const Cell> some = cells.subspan(at, std::min(part.size(), cells.size() - at));
    base_->FindBatch(some, part);
    for (size_t i = 0; i < some.size(); ++i) found[at + i].base = part[i];
    if (overlay_ == nullptr) continue;
    overlay_->FindBatch(some, part);
    for (size_t i = 0; i < some.size(); ++i) found[at + i].overlay = part[i];
  }
}

Layers::Layers() : Layers(std::make_shared<Snapshot>(), std::make_shared<Snapshot>(), {}) {}

Layers::Layers(std::shared_ptr<const Snapshot> base, std::shared_ptr<const Snapshot> overlay,
               std::vector<ListName> superseded)
    : base_(std::move(base)), overlay_(std::move(overlay)), superseded_(std::move(superseded)) {
  std::sort(superseded_.begin(), superseded_.end());
  superseded_.erase(std::unique(superseded_.begin(), superseded_.end()), superseded_.end());
}

std::vector<ListRef> Layers::Lists() const {
  std::vector<ListRef> lists;
  for (const ListRef& list : base_->lists()) {
    const ListName name{list.kind, list.id};
    if (!std::binary_search(superseded_.begin(), superseded_.end(), name)) lists.push_back(list);
  }
  lists.insert(lists.end(), overlay_->lists().begin(), overlay_->lists().end());
  std::sort(lists.begin(), lists.end());
  return lists;
}

}  // namespace hearth::geofence
