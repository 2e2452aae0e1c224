// What an operator has to look at: alarms, durable, each about one thing. The same thing again while its
// alarm is open counts in that alarm instead of making another.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/app/executor.h"
#include "src/app/request.h"
#include "src/app/views.h"
#include "src/base/limits.h"
#include "src/base/metrics.h"

namespace hearth::app {

// What is seen; outside the store.
struct Sign {
  records::AlarmKind kind = records::AlarmKind::kClone;
  std::string subject;  // what it is about: one open alarm for each (kind, subject)
  std::string text;     // in words; the newest stays
  std::vector<AreaId> areas;
  std::vector<CardNumber> cards;  // the first 1,000 stay
  UnixMillis at;
};

// Threads: any. Raise only notes it; Tick commits what was noted.
class Alarms {
 public:
  static Result<std::unique_ptr<Alarms>> Create(Executor& executor, const Limits& limits,
                                                MetricsRegistry& metrics, Logger& log);

  void Raise(const Sign& sign);
  // The housekeeper, each second: what was noted since becomes durable, at most one commit.
  Status Tick();

  // Newest first.
  Result<PageOf<records::Alarm>> List(bool open_only, size_t size, std::string_view token) const;
  // ALARM_UNKNOWN, ALARM_CLOSED, FIELD_MISSING without a reason.
  Result<Change> Close(const Request& request, uint64_t number);
  Status Reload();

 private:
  Alarms(Executor& executor, const Limits& limits, MetricsRegistry& metrics, Logger& log);

  Executor& executor_;
  const Limits limits_;
  MetricsRegistry& metrics_;
  Logger& log_;
  Gauge& open_gauge_;
  mutable Mutex mu_;
  std::map<std::pair<records::AlarmKind, std::string>, Sign> noted_ HEARTH_GUARDED_BY(mu_);
  std::map<std::pair<records::AlarmKind, std::string>, uint64_t> counts_ HEARTH_GUARDED_BY(mu_);
  std::map<std::pair<records::AlarmKind, std::string>, records::Alarm> open_ HEARTH_GUARDED_BY(mu_);
  uint64_t last_number_ HEARTH_GUARDED_BY(mu_) = 0;
};

}  // namespace hearth::app
