// Stamps (docs/messages.md, section 3) and the watermark that a group's section may claim.
#pragma once

#include <atomic>
#include <set>

#include "src/base/clock.h"
#include "src/base/ids.h"
#include "src/base/mutex.h"

namespace hearth::app {

// Gives out stamps and knows which changes of standing are not yet in their group's bitmap.
//
// A group's section says: every change stamped at most S is in the bitmap. S is the watermark: below every
// open stamp, and below every stamp that may still be given out. Any thread.
class StampTracker {
 public:
  explicit StampTracker(const Clock& clock) : clock_(clock) {}

  // max(last + 1, seconds since 2024 << 8). `open`: the change must reach a group's bitmap before the
  // watermark passes it; the caller answers for Close.
  Stamp Next(Stamp last, bool open);
  // After a restart: a change in the outbox that is not in its group yet.
  void Reopen(Stamp stamp);
  // The change is in the bitmap, or was never committed. Each Next(open) and Reopen needs one.
  void Close(Stamp stamp);
  Stamp Watermark() const;
  // No stamp and no watermark below these seconds since 2024 any more: cards saw them before a restart. While
  // the clock is behind, stamps go on at the pace of the steady one, so that the watermark never stands
  // still.
  void Raise(uint64_t seconds);
  uint64_t Seconds() const;
  // While frozen (a clock jump waits to be accepted) the clock is not looked at: cards would ignore
  // everything below a watermark from a wrong future.
  void Freeze(bool frozen);
  // The stamp of this second: for subjects whose order is their time of sending (service keys).
  Stamp Now() const;

  // No record and no pairing goes on the air with a lower stamp: after a reconciliation cards must take the
  // books' word over whatever they heard that the books have lost.
  void SetRecordFloor(Stamp floor) { record_floor_.store(floor.value); }
  Stamp record_floor() const { return Stamp(record_floor_.load()); }

 private:
  uint64_t NowFloor() const HEARTH_REQUIRES(mu_);

  const Clock& clock_;
  mutable Mutex mu_;
  std::multiset<uint64_t> open_ HEARTH_GUARDED_BY(mu_);
  bool frozen_ HEARTH_GUARDED_BY(mu_) = false;
  // The clock may step back; stamps do not.
  mutable uint64_t highest_seconds_ HEARTH_GUARDED_BY(mu_) = 0;
  std::atomic<uint64_t> record_floor_{0};
  mutable std::chrono::nanoseconds highest_at_ HEARTH_GUARDED_BY(mu_){0};  // steady time of that second
};

}  // namespace hearth::app
