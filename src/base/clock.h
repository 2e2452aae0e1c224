// Where time comes from. Decisions get `now` as a value; only the edges hold a Clock.
#pragma once

#include <atomic>
#include <chrono>

#include "src/base/ids.h"

namespace hearth {

// Wall time and a steady time. Any thread. Must outlive its users.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMillis Now() const = 0;
  // Never goes back; for durations only.
  virtual std::chrono::nanoseconds Steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  UnixMillis Now() const override {
    return UnixMillis(std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count());
  }
  std::chrono::nanoseconds Steady() const override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
};

// A clock that tests and simulations set.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(UnixMillis now) : now_(now.value) {}
  UnixMillis Now() const override { return UnixMillis(now_.load()); }
  std::chrono::nanoseconds Steady() const override { return std::chrono::milliseconds(steady_.load()); }
  void Advance(std::chrono::milliseconds by) {
    now_ += by.count();
    steady_ += by.count();
  }
  // Sets the wall time alone, as an operator or a bad NTP server would.
  void Jump(UnixMillis to) { now_ = to.value; }

 private:
  std::atomic<int64_t> now_;
  std::atomic<int64_t> steady_{0};
};

}  // namespace hearth
