#include "src/app/report_counts.h"

#include <string>

namespace hearth::app {
namespace {

constexpr Reason kRefusals[] = {Reason::kFieldInvalid,
                                Reason::kLimitExceeded,
                                Reason::kCardUnknown,
                                Reason::kCardNotInAccount,
                                Reason::kCardEvicted,
                                Reason::kBoxPairMismatch,
                                Reason::kSimPairMismatch,
                                Reason::kReportMacInvalid,
                                Reason::kReportReplayed,
                                Reason::kReportStale,
                                Reason::kReportFuture,
                                Reason::kReportNoEvidence,
                                Reason::kReportImpossibleTravel,
                                Reason::kReportGatewayLimit,
                                Reason::kReportUnsigned};

Counter& RefusalsOf(MetricsRegistry& metrics, Reason reason) {
  return metrics.GetCounter("hearth_reports_refused_total", "Location reports that were refused, by reason.",
                            {{"reason", std::string(InfoOf(reason).name)}});
}

Counter& LaneOf(MetricsRegistry& metrics, std::string_view lane) {
  return metrics.GetCounter("hearth_reports_lane_total",
                            "Location reports taken, by lane: observed ones need no commit.",
                            {{"lane", std::string(lane)}});
}

}  // namespace

std::string_view NameOf(ReportOutcome outcome) {
  switch (outcome) {
    case ReportOutcome::kObserved:
      return "observed";
    case ReportOutcome::kActivated:
      return "activated";
    case ReportOutcome::kInstallRefused:
      return "install_refused";
    case ReportOutcome::kCounted:
      return "counted";
    case ReportOutcome::kSwitchedOff:
      return "switched_off";
    case ReportOutcome::kRestored:
      return "restored";
    case ReportOutcome::kProposed:
      return "proposed";
    case ReportOutcome::kHeld:
      return "held";
  }
  return "unknown";
}

ReportCounts::ReportCounts(MetricsRegistry& metrics)
    : metrics_(metrics),
      observed_lane_(LaneOf(metrics, "observed")),
      durable_lane_(LaneOf(metrics, "durable")),
      batches_(metrics.GetCounter("hearth_report_batches_total", "Batches of streams of location reports.")) {
  for (size_t i = 1; i <= kReportOutcomes; ++i) {
    outcomes_[i] = &metrics.GetCounter("hearth_reports_total", "Location reports by what followed.",
                                       {{"outcome", std::string(NameOf(static_cast<ReportOutcome>(i)))}});
  }
  for (const Reason reason : kRefusals) refused_[static_cast<size_t>(reason)] = &RefusalsOf(metrics, reason);
}

void ReportCounts::Observed(size_t reports) {
  if (reports == 0) return;
  outcomes_[static_cast<size_t>(ReportOutcome::kObserved)]->Add(static_cast<double>(reports));
  observed_lane_.Add(static_cast<double>(reports));
}

void ReportCounts::Decided(ReportOutcome outcome) {
  outcomes_[static_cast<size_t>(outcome)]->Increment();
  durable_lane_.Increment();
}

void ReportCounts::Refused(Reason reason) {
  std::atomic<Counter*>& known = refused_[static_cast<size_t>(reason) % kReasons];
  Counter* counter = known.load(std::memory_order_acquire);
  if (counter == nullptr) {  // two threads that come here at once are given the same series
    counter = &RefusalsOf(metrics_, reason);
    known.store(counter, std::memory_order_release);
  }
  counter->Increment();
}

}  // namespace hearth::app
