// How reports end: outcomes, and the metrics of reports by outcome, lane and reason of refusal.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "src/base/metrics.h"
#include "src/base/reason.h"

namespace hearth::app {

// The numbers are those of hearth.v1.ReportOutcome.
enum class ReportOutcome : uint8_t {
  kObserved = 1,
  kActivated = 2,
  kInstallRefused = 3,
  kCounted = 4,
  kSwitchedOff = 5,
  kRestored = 6,
  kProposed = 7,
  kHeld = 8,
};
inline constexpr size_t kReportOutcomes = 8;

// "observed", "activated" …: labels of metrics.
std::string_view NameOf(ReportOutcome outcome);

// Any thread.
class ReportCounts {
 public:
  explicit ReportCounts(MetricsRegistry& metrics);

  void Observed(size_t reports);  // by the lane that does not commit
  void Decided(ReportOutcome outcome);
  void Refused(Reason reason);
  void Batch() { batches_.Increment(); }

 private:
  static constexpr size_t kReasons = 1000;

  MetricsRegistry& metrics_;
  std::array<Counter*, kReportOutcomes + 1> outcomes_{};
  Counter& observed_lane_;
  Counter& durable_lane_;
  Counter& batches_;
  // By number of the reason; those that a report is commonly refused with from the start, others when it
  // happens.
  std::array<std::atomic<Counter*>, kReasons> refused_{};
};

}  // namespace hearth::app
