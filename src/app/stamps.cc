#include "src/app/stamps.h"

#include <algorithm>

namespace hearth::app {

uint64_t StampTracker::NowFloor() const {
  if (!frozen_) highest_seconds_ = std::max<uint64_t>(highest_seconds_, MessageSeconds(clock_.Now()));
  return highest_seconds_ << 8;
}

Stamp StampTracker::Next(Stamp last, bool open) {
  const MutexLock lock(mu_);
  const uint64_t stamp = std::max(last.value + 1, NowFloor());
  if (open) open_.insert(stamp);
  return Stamp(stamp);
}

void StampTracker::Reopen(Stamp stamp) {
  const MutexLock lock(mu_);
  open_.insert(stamp.value);
}

void StampTracker::Close(Stamp stamp) {
  const MutexLock lock(mu_);
  const auto it = open_.find(stamp.value);
  if (it != open_.end()) open_.erase(it);
}

void StampTracker::Raise(UnixMillis time) {
  const MutexLock lock(mu_);
  highest_seconds_ = std::max<uint64_t>(highest_seconds_, MessageSeconds(time));
}

void StampTracker::Freeze(bool frozen) {
  const MutexLock lock(mu_);
  frozen_ = frozen;
}

Stamp StampTracker::Watermark() const {
  const MutexLock lock(mu_);
  const uint64_t floor = NowFloor();
  const uint64_t below = open_.empty() ? floor : std::min(floor, *open_.begin());
  return Stamp(below == 0 ? 0 : below - 1);
}

Stamp StampTracker::Now() const {
  const MutexLock lock(mu_);
  return Stamp(NowFloor());
}

}  // namespace hearth::app
