// What is known of villages and natural villages, in memory as it is in the store.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "geofence/village.h"
#include "src/app/executor.h"
#include "src/base/mutex.h"

namespace hearth::app {

// Threads: any. GeoState writes it. Some 150 bytes a village of which anything is known.
class Villages {
 public:
  explicit Villages(Executor& executor) : executor_(executor) {}

  // Reads everything again.
  Status Load();

  std::optional<geofence::Village> Get(geofence::PlaceCode place) const;
  // In order.
  std::vector<geofence::Village> NaturalsOf(RegionCode village) const;
  bool HasCable(geofence::PlaceCode place) const;
  // Every village and natural village of a division; each natural one behind its village.
  std::vector<geofence::Village> Below(RegionCode region) const;
  // Natural villages whose name holds `part`, at most `limit`.
  std::vector<geofence::Village> Search(std::string_view part, size_t limit) const;

  // What was committed.
  void Put(const geofence::Village& village);

 private:
  // The village, then the place.
  using Key = std::pair<uint64_t, uint64_t>;
  static Key KeyOf(geofence::PlaceCode place) { return {geofence::VillageOf(place).value, place.value}; }

  Executor& executor_;
  mutable Mutex mu_;
  std::map<Key, geofence::Village> villages_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::app
