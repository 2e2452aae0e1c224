#include "src/app/location.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/cas/report.h"

namespace hearth::app {

using records::CardRecord;

Location::Location(Executor& executor, Registry& registry, KeyKeeper& keys, GeoState& geo,
                   HeardColumn& column, Alarms& alarms, Guard& guard, const Limits& limits,
                   std::function<void(CardNumber)> heard, MetricsRegistry& metrics)
    : executor_(executor),
      registry_(registry),
      keys_(keys),
      geo_(geo),
      column_(column),
      alarms_(alarms),
      guard_(guard),
      limits_(limits),
      heard_(std::move(heard)) {
  for (int i = 0; i <= static_cast<int>(ReportOutcome::kHeld); ++i) {
    outcomes_.push_back(
        &metrics.GetCounter("hearth_reports_total", "Location reports by what followed.",
                            {{"outcome", std::string(NameOf(static_cast<ReportOutcome>(i)))}}));
  }
}

Status Location::CheckSigned(const Report& report, const entitlement::Card& card) const {
  cas::ReportBody body{.card = report.card,
                       .box = report.box,
                       .sim = report.sim,
                       .counter = report.counter,
                       .utc = MessageSeconds(report.time),
                       .cells = {}};
  for (const geofence::HeardCell& heard : report.evidence.cells) {
    body.cells.push_back({.cell = geofence::PackCell(heard.cell), .signal_dbm = heard.signal_dbm});
  }
  HEARTH_ASSIGN_OR_RETURN(const auto keys, keys_.KeysOfCard(report.card, card.batch));
  return cas::VerifyReport(body, report.mac, keys.report);
}

Status Location::CheckTime(const Report& report, UnixMillis now) const {
  const std::chrono::milliseconds age(now.value - report.time.value);
  if (age > limits_.report_age) {
    return Error(Reason::kReportStale, fmt::format("the report of card {} is from {}", ToString(report.card),
                                                   ToString(report.time)));
  }
  if (-age > limits_.report_ahead) {
    return Error(Reason::kReportFuture, fmt::format("the report of card {} is from {}", ToString(report.card),
                                                    ToString(report.time)));
  }
  return Ok();
}

Status Location::CheckPair(const Report& report, const CardRecord& record) const {
  const entitlement::Card& card = record.card;
  // Where it is heard means nothing: it may be the copy that reports.
  HEARTH_RETURN_IF_ERROR(entitlement::CheckNotEvicted(card));
  if (!card.claim.held() || card.settled != card.claim.intent) {
    return Error(Reason::kCardNotInAccount,
                 fmt::format("card {} belongs to no open account", ToString(card.number)));
  }
  if (report.box != card.box) {
    return Error(Reason::kBoxPairMismatch,
                 fmt::format("card {} is paired with box {}, not {}", ToString(card.number),
                             ToString(card.box), ToString(report.box)));
  }
  if (report.sim != card.sim) {
    return Error(Reason::kSimPairMismatch,
                 fmt::format("card {} goes with SIM {}, not {}", ToString(card.number), ToString(card.sim),
                             ToString(report.sim)));
  }
  if (record.location.last_counter && report.counter <= *record.location.last_counter) {
    return Error(Reason::kReportReplayed,
                 fmt::format("card {} has reported up to counter {}; this is {}", ToString(card.number),
                             *record.location.last_counter, report.counter));
  }
  return Ok();
}

Result<ReportAnswer> Location::Take(const Report& signed_report) {
  Report report = signed_report;
  HEARTH_ASSIGN_OR_RETURN(auto card, registry_.Card(report.card));
  HEARTH_RETURN_IF_ERROR(geofence::CheckEvidence(report.evidence, limits_));
  HEARTH_RETURN_IF_ERROR(CheckSigned(report, card.value.card));
  report.authenticated = true;
  HEARTH_RETURN_IF_ERROR(CheckTime(report, executor_.clock().Now()));
  HEARTH_ASSIGN_OR_RETURN(card, registry_.SettledCard(report.card));
  const auto geo = geo_.snapshot();
  ReportAnswer answer;
  Act act{.actor = "card:" + ToString(report.card), .action = "report"};
  HEARTH_ASSIGN_OR_RETURN(answer.committed, executor_.Run(CardKey(report.card).bucket, act, [&](Txn& txn) {
    return Judge(txn, report, *geo, act, answer);
  }));
  outcomes_[static_cast<size_t>(answer.outcome)]->Increment();
  heard_(report.card);
  if (answer.outcome == ReportOutcome::kSwitchedOff && answer.rollout != 0 && darkened_)
    darkened_(answer.rollout);
  return answer;
}

}  // namespace hearth::app
