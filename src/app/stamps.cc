#include "src/app/stamps.h"

#include <algorithm>

namespace hearth::app {

uint64_t StampTracker::NowFloor() const {
  if (frozen_) return highest_seconds_ << 8;
  const uint64_t now = MessageSeconds(clock_.Now());
  const auto steady = clock_.Steady();
  if (now >= highest_seconds_) {
    highest_seconds_ = now;
    highest_at_ = steady;
  } else {
    const auto passed = std::chrono::floor<std::chrono::seconds>(steady - highest_at_);
    highest_seconds_ += static_cast<uint64_t>(passed.count());
    highest_at_ += passed;
  }
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

void StampTracker::Raise(uint64_t seconds) {
  const MutexLock lock(mu_);
  if (seconds <= highest_seconds_) return;
  highest_seconds_ = seconds;
  highest_at_ = clock_.Steady();
}

uint64_t StampTracker::Seconds() const {
  const MutexLock lock(mu_);
  return NowFloor() >> 8;
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
