#include "src/app/villages.h"

#include <array>

#include "src/records/records.h"

namespace hearth::app {

using geofence::PlaceCode;
using geofence::Village;

Status Villages::Load() {
  std::map<Key, Village> loaded;
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, "village/", [&](std::string_view /*key*/, std::string_view stored) -> Status {
        HEARTH_ASSIGN_OR_RETURN(const auto value, SplitRevision(stored));
        HEARTH_ASSIGN_OR_RETURN(Village village, records::Decode<Village>(value.value));
        loaded[KeyOf(village.place)] = std::move(village);
        return Ok();
      }));
  const MutexLock lock(mu_);
  villages_ = std::move(loaded);
  return Ok();
}

std::optional<Village> Villages::Get(PlaceCode place) const {
  const MutexLock lock(mu_);
  const auto it = villages_.find(KeyOf(place));
  return it == villages_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<Village> Villages::NaturalsOf(RegionCode village) const {
  const MutexLock lock(mu_);
  std::vector<Village> naturals;
  // Behind the village itself.
  for (auto it = villages_.upper_bound({village.value, village.value});
       it != villages_.end() && it->first.first == village.value; ++it) {
    naturals.push_back(it->second);
  }
  return naturals;
}

bool Villages::HasCable(PlaceCode place) const {
  const MutexLock lock(mu_);
  const auto it = villages_.find(KeyOf(place));
  return it != villages_.end() && it->second.cable;
}

std::vector<Village> Villages::Below(RegionCode region) const {
  // The first and the last village code that begins with the division's.
  uint64_t first = region.value;
  uint64_t last = region.value;
  while (first != 0 && first < 100'000'000'000) {
    first *= 10;
    last = last * 10 + 9;
  }
  const MutexLock lock(mu_);
  std::vector<Village> below;
  for (auto it = villages_.lower_bound({first, 0}); it != villages_.end(); ++it) {
    if (region.value != 0 && it->first.first > last) break;
    below.push_back(it->second);
  }
  return below;
}

std::vector<Village> Villages::Search(std::string_view part, size_t limit) const {
  const MutexLock lock(mu_);
  std::vector<Village> found;
  for (const auto& [key, village] : villages_) {
    if (found.size() >= limit) break;
    if (!part.empty() && village.name.find(part) != std::string::npos) found.push_back(village);
  }
  return found;
}

void Villages::Put(const Village& village) {
  const MutexLock lock(mu_);
  villages_[KeyOf(village.place)] = village;
}

}  // namespace hearth::app
