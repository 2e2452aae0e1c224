// The site's clock: the system's, watched. Stamps and epochs hang on it, so a jump must not pass silently.
#pragma once

#include <atomic>

#include "src/app/executor.h"
#include "src/app/request.h"
#include "src/base/metrics.h"

namespace hearth::app {

// Persists the time each minute. A jump of more than an hour while running, or of more than 30 days (or any
// step back of more than an hour) over a restart, closes the gate for changes until an operator accepts. Any
// thread.
class SiteClock {
 public:
  // Reads the time persisted last and judges the start.
  static Result<std::unique_ptr<SiteClock>> Create(Executor& executor, const Clock& clock,
                                                   MetricsRegistry& metrics, Logger& log);

  // CLOCK_JUMP from the moment a jump shows until it is accepted. The executor's gate.
  Status Gate();
  bool jumped() const { return jumped_.load(); }
  // The time that the parts are to start with: now, or the time persisted last while a jump over the restart
  // waits to be accepted. What was on air stays on air.
  UnixMillis start() const { return start_; }
  // The time that goes on the air: the clock's, or while a jump waits the time before it plus what has passed
  // since. A card's clock only rises, so a wrong time would stay with it.
  UnixMillis OnAir();
  // Call each minute (the housekeeper does): detects a jump, else persists the time (not in a held store).
  Status Tick();
  // After an archive was replayed: takes the time and the stamps persisted there. A jump that was only the
  // age of the restored backup is none any more. Nobody else may be calling.
  Status AfterReplay();
  // FIELD_MISSING without a reason.
  Result<Change> Accept(const Request& request);

 private:
  SiteClock(Executor& executor, const Clock& clock, MetricsRegistry& metrics, Logger& log);
  void Detect();
  Status Persist(Txn& txn);
  void SetJumped(bool jumped, UnixMillis expected);

  Executor& executor_;
  const Clock& clock_;
  Logger& log_;
  Gauge& jump_gauge_;
  UnixMillis start_;
  std::atomic<bool> jumped_{false};
  std::atomic<bool> jumped_at_start_{false};
  Mutex mu_;
  UnixMillis last_wall_ HEARTH_GUARDED_BY(mu_);
  std::chrono::nanoseconds last_steady_ HEARTH_GUARDED_BY(mu_){0};
};

}  // namespace hearth::app
