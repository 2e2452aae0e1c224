// What a judged report does to its card: one commit.
#include <algorithm>

#include <fmt/format.h>

#include "src/app/location.h"

namespace hearth::app {
namespace {

using intervention::Action;
using intervention::Cause;
using records::CardRecord;

ReportOutcome OutcomeOf(const intervention::Decision& decision) {
  switch (decision.action) {
    case Action::kActivate:
      return ReportOutcome::kActivated;
    case Action::kRefuseInstall:
      return ReportOutcome::kInstallRefused;
    case Action::kDisable:
      return ReportOutcome::kSwitchedOff;
    case Action::kRestore:
      return ReportOutcome::kRestored;
    case Action::kPropose:
      return ReportOutcome::kProposed;
    case Action::kNone:
      break;
  }
  const bool counting =
      decision.cause == Cause::kBlacklistedCounting || decision.cause == Cause::kOutOfAreaCounting;
  return counting ? ReportOutcome::kCounted : ReportOutcome::kObserved;
}

std::optional<Reason> ReasonFor(const intervention::Decision& decision) {
  if (auto reason = intervention::ReasonOf(decision.cause)) return reason;
  switch (decision.cause) {
    case Cause::kBlacklistedCounting:
    case Cause::kBlacklistedConfirmed:
    case Cause::kStillAway:
      return Reason::kLocationBlacklisted;
    case Cause::kOutOfAreaCounting:
    case Cause::kOutOfAreaWindow:
      return Reason::kLocationOutOfArea;
    default:
      return std::nullopt;
  }
}

// The lists whose versions led to a judgement: those that decided some cell's fate, and the card's own.
std::vector<intervention::ListVersion> ListsOf(const GeoSnapshot& geo, AreaId area,
                                               const geofence::Judgement& judgement) {
  std::vector<intervention::ListVersion> lists;
  const auto add = [&](geofence::ListKind kind, AreaId id) {
    const auto head = geo.lists.find({kind, id});
    if (head == geo.lists.end()) return;
    const intervention::ListVersion version{.list = id, .version = head->second.version};
    if (std::find(lists.begin(), lists.end(), version) == lists.end()) lists.push_back(version);
  };
  add(geofence::ListKind::kWhitelist, area);
  for (const auto& finding : judgement.findings) {
    if (finding.list.id.value != 0) add(finding.list.kind, finding.list.id);
  }
  return lists;
}

void EmitStanding(Txn& txn, const entitlement::Card& card) {
  txn.Emit(records::StandingChanged{
      .card = card.number, .standing = card.standing, .reason = card.reason, .stamp = card.standing_stamp});
  txn.Emit(records::MemberChanged{.group = card.place.group,
                                  .change = {.card = card.number,
                                             .slot = card.place.slot,
                                             .on = card.standing != entitlement::Standing::kDark,
                                             .leave = false,
                                             .stamp = card.standing_stamp}});
}

Status SwitchOn(Txn& txn, CardRecord& record) {
  HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/true));
  record.card = entitlement::SwitchOn(std::move(record.card), stamp, txn.now());
  EmitStanding(txn, record.card);
  return Ok();
}

Status SwitchOff(Txn& txn, CardRecord& record) {
  HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/true));
  record.card = entitlement::SwitchOff(std::move(record.card), entitlement::StandingReason::kLocation, stamp,
                                       txn.now());
  EmitStanding(txn, record.card);
  return Ok();
}

// Writes a new intervention of the card and gives it the card's next number.
Result<uint64_t> WriteIntervention(Txn& txn, CardRecord& record, intervention::Intervention intervention) {
  const uint64_t n = ++record.interventions;
  intervention.id = fmt::format("{}-{}", ToString(record.card.number), n);
  intervention.card = record.card.number;
  txn.Write(InterventionKey(record.card.number, n).key,
            records::InterventionRecord{.intervention = std::move(intervention),
                                        .account = record.card.claim.account,
                                        .area = record.card.area});
  return n;
}

// Ends the intervention in force, if any.
Status EndIntervention(
    Txn& txn, CardRecord& record,
    const std::function<Result<intervention::Intervention>(intervention::Intervention)>& lift) {
  if (record.in_force == 0) return Ok();
  const std::string key = InterventionKey(record.card.number, record.in_force).key;
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<records::InterventionRecord>(key));
  record.in_force = 0;
  if (!stored) return Ok();
  HEARTH_ASSIGN_OR_RETURN(stored->value.intervention, lift(std::move(stored->value.intervention)));
  txn.Write(key, stored->value);
  return Ok();
}

std::string Message(const Report& report, const geofence::Judgement& judgement, const GeoSnapshot& geo,
                    const CardRecord& card, ReportOutcome outcome) {
  const std::string serving = report.fix ? EvidenceText(report)
                              : report.evidence.cells.empty()
                                  ? "no cell"
                                  : geofence::ToString(report.evidence.cells.front().cell);
  const auto area = geo.areas.find(card.card.area);
  const std::string home = area == geo.areas.end()
                               ? ToString(card.card.area)
                               : fmt::format("{} {}", ToString(card.card.area), area->second.value.name);
  return fmt::format("{}: serving cell {} is {}; the card's area is {}", NameOf(outcome), serving,
                     geofence::NameOf(judgement.verdict), home);
}

}  // namespace

std::string CellsText(const std::vector<geofence::HeardCell>& cells) {
  std::string text;
  for (const geofence::HeardCell& heard : cells) {
    if (!text.empty()) text += ' ';
    text += geofence::ToString(heard.cell);
    if (heard.signal_dbm != 0) text += fmt::format("@{}", heard.signal_dbm);  // 0: not kept
  }
  return text;
}

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
  }
  return "unknown";
}

Status Location::Judge(Txn& txn, const Report& report, const GeoSnapshot& geo, Act& act,
                       ReportAnswer& answer) {
  const std::string key = CardKey(report.card).key;
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(key));
  if (!stored) {
    return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(report.card)));
  }
  CardRecord& record = stored->value;
  HEARTH_RETURN_IF_ERROR(CheckPair(report, record));
  const geofence::Judgement judgement = JudgeEvidence(
      geo, {.area = record.card.area, .strictness = policy_.strictness, .exempt = record.card.exempt},
      report);
  const intervention::Decision decision = intervention::Decide(
      record.location, policy_,
      {.verdict = judgement.verdict,
       .whitelisted_neighbour = judgement.whitelisted_neighbour,
       .card_authenticated = report.card_signed,
       .counter = report.card_signed ? std::optional<uint64_t>(report.counter) : std::nullopt,
       .report_time = report.time,
       .now = txn.now()});
  if (decision.cause == Cause::kStale) {
    return Error(Reason::kReportStale,
                 fmt::format("the report of {} is older than what was decided on {}", ToString(report.time),
                             ToString(std::max(record.location.last_decision_time,
                                               record.location.last_report_time))));
  }
  const bool newest = report.time >= record.observed;
  record.location = decision.next;
  if (newest) {
    record.heard = report.evidence.cells;
    record.fix = report.fix;
    record.observed = report.time;
    if (judgement.verdict == geofence::Verdict::kInArea && !judgement.by_neighbour && !report.fix) {
      record.home_cell = report.evidence.cells.front().cell;
    }
  }
  answer.outcome = OutcomeOf(decision);
  answer.verdict = judgement.verdict;
  answer.reason = ReasonFor(decision);
  answer.unknown_cells = judgement.unknown_cells;
  answer.message = Message(report, judgement, geo, record, answer.outcome);

  const auto entry = [&] {
    return intervention::Intervention{.id = {},
                                      .card = record.card.number,
                                      .state = intervention::InterventionState::kInForce,
                                      .cause = decision.cause,
                                      .verdict = judgement.verdict,
                                      .evidence = EvidenceText(report),
                                      .lists = ListsOf(geo, record.card.area, judgement),
                                      .policy_version = policy_.version,
                                      .reported = report.time,
                                      .decided = txn.now(),
                                      .lifted = {},
                                      .lifted_by = {},
                                      .lift_reason = {}};
  };
  if (decision.action != Action::kNone &&
      (decision.changed_durably || decision.action != Action::kRefuseInstall)) {
    act.object = "card:" + ToString(report.card);
    act.action = fmt::format("location.{}", NameOf(answer.outcome));
    act.detail =
        fmt::format("{}; cells {}; policy {}", answer.message, EvidenceText(report), policy_.version);
  }
  switch (decision.action) {
    case Action::kActivate:
      HEARTH_RETURN_IF_ERROR(SwitchOn(txn, record));
      if (!report.evidence.cells.empty()) record.installed_cell = report.evidence.cells.front().cell;
      break;
    case Action::kDisable: {
      HEARTH_RETURN_IF_ERROR(SwitchOff(txn, record));
      HEARTH_ASSIGN_OR_RETURN(record.in_force, WriteIntervention(txn, record, entry()));
      break;
    }
    case Action::kRestore:
      HEARTH_RETURN_IF_ERROR(EndIntervention(txn, record, [&](intervention::Intervention in_force) {
        return intervention::LiftByReturn(std::move(in_force), txn.now());
      }));
      HEARTH_RETURN_IF_ERROR(SwitchOn(txn, record));
      break;
    case Action::kRefuseInstall:
    case Action::kPropose: {
      if (decision.action == Action::kRefuseInstall && !decision.changed_durably) break;
      auto noted = entry();
      HEARTH_ASSIGN_OR_RETURN(noted.state, intervention::StateOf(decision.action));
      HEARTH_ASSIGN_OR_RETURN(const uint64_t n, WriteIntervention(txn, record, std::move(noted)));
      (void)n;
      break;
    }
    case Action::kNone:
      break;
  }
  answer.viewer_code = entitlement::ViewerCode(record.card);
  txn.Write(key, record);
  return Ok();
}

Result<Change> Location::Lift(const Request& request, CardNumber number) {
  if (request.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
  const ObjectKey key = CardKey(number);
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(executor_, key.bucket, request,
              {.action = "intervention.lift", .object = "card:" + ToString(number)}, limits_,
              [&](Txn& txn) -> Result<std::string> {
                HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(key.key));
                if (!stored) {
                  return Error(Reason::kCardUnknown,
                               fmt::format("card {} is not in stock", ToString(number)));
                }
                CardRecord& record = stored->value;
                HEARTH_RETURN_IF_ERROR(CheckRevision(request, stored->revision, key.key));
                if (record.in_force == 0) {
                  return Error(Reason::kNotUnderIntervention,
                               fmt::format("card {} is not switched off by location", ToString(number)));
                }
                HEARTH_RETURN_IF_ERROR(EndIntervention(txn, record, [&](intervention::Intervention in_force) {
                  return intervention::LiftByOperator(std::move(in_force), request.actor, request.reason,
                                                      txn.now(), limits_);
                }));
                record.location = intervention::AfterOperatorLift(std::move(record.location), txn.now());
                HEARTH_RETURN_IF_ERROR(SwitchOn(txn, record));
                txn.Write(key.key, record);
                return std::string();
              }));
  return outcome.change;
}

}  // namespace hearth::app
