// What a judged report does to its card: one commit.
#include <algorithm>

#include <fmt/format.h>

#include "src/app/card_home.h"
#include "src/app/card_turn.h"
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

// The lists whose versions led to a judgement: the card's own, and those that decided some cell's fate.
std::vector<intervention::ListVersion> ListsOf(const GeoSnapshot& geo, AreaId area, const CardRules& rules,
                                               const geofence::Judgement& judgement) {
  std::vector<intervention::ListVersion> lists;
  const auto add = [&](AreaId id, uint32_t version) {
    const intervention::ListVersion list{.list = id, .version = version};
    if (std::find(lists.begin(), lists.end(), list) == lists.end()) lists.push_back(list);
  };
  if (const uint32_t own = geo.VersionFor(rules, geofence::ListKind::kWhitelist, area); own != 0)
    add(area, own);
  for (const auto& finding : judgement.findings) {
    if (finding.list.id.value != 0) add(finding.list.id, finding.list.version);
  }
  return lists;
}

// The rollout under way that brought one of the lists that decided against the card; 0: none.
uint64_t RolloutBehind(const GeoSnapshot& geo, const geofence::Judgement& judgement) {
  for (const UnderWay& one : geo.under_way) {
    for (const auto& finding : judgement.findings) {
      if (std::find(one.brings.begin(), one.brings.end(), finding.list) != one.brings.end()) {
        return one.rollout.number;
      }
    }
  }
  return 0;
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

geofence::CardPlace PlaceOf(const CardRecord& record, const CardRules& rules, UnixMillis now) {
  geofence::CardPlace place{
      .area = record.card.area,
      .strictness = rules.policy.strictness,
      .exempt = record.card.exempt && (record.exempt_until.value == 0 || now < record.exempt_until),
      .also = {},
      .exempt_cells = {}};
  // Its time may be over before the housekeeper has come by.
  if (place.exempt) place.exempt_cells = record.exempt_cells;
  if (record.also.value != 0 && now < record.also_until) place.also = record.also;
  return place;
}

// One report of one card on its way into a commit.
struct Location::Case {
  const Report& report;
  const GeoSnapshot& geo;
  CardRecord& record;
  CardRules rules;
  geofence::Judgement judgement;
  intervention::Decision decision;
  UnixMillis now;

  intervention::Intervention Entry(intervention::InterventionState state) const {
    intervention::Intervention entry;
    entry.card = record.card.number;
    entry.state = state;
    entry.cause = decision.cause;
    entry.verdict = judgement.verdict;
    entry.evidence = EvidenceText(report);
    entry.lists = ListsOf(geo, record.card.area, rules, judgement);
    entry.policy_version = rules.policy.version;
    entry.reported = report.time;
    entry.decided = now;
    entry.rollout = RolloutBehind(geo, judgement);
    return entry;
  }
};

Status Location::Judge(Txn& txn, const Report& report, const GeoSnapshot& geo, Act& act,
                       ReportAnswer& answer) {
  const std::string key = CardKey(report.card).key;
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(key));
  if (!stored) {
    return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(report.card)));
  }
  CardRecord& record = stored->value;
  HEARTH_RETURN_IF_ERROR(CheckPair(report, record));
  // Before it is judged: by the rules of its new home.
  HEARTH_ASSIGN_OR_RETURN(const bool moved, TryConfirmMove(txn, report, geo, record));
  Case one{.report = report,
           .geo = geo,
           .record = record,
           .rules = geo.RulesFor(report.card, record.card.area),
           .judgement = {},
           .decision = {},
           .now = txn.now()};
  one.judgement = JudgeEvidence(geo, PlaceOf(record, one.rules, txn.now()), one.rules.filter(), report);
  one.decision = intervention::Decide(
      record.location, one.rules.policy,
      {.verdict = one.judgement.verdict,
       .whitelisted_neighbour = one.judgement.whitelisted_neighbour,
       .card_authenticated = report.card_signed,
       .counter = report.card_signed ? std::optional<uint64_t>(report.counter) : std::nullopt,
       .report_time = report.time,
       .now = txn.now()});
  if (one.decision.cause == Cause::kStale) {
    return Error(Reason::kReportStale,
                 fmt::format("the report of {} is older than what was decided on {}", ToString(report.time),
                             ToString(std::max(record.location.last_decision_time,
                                               record.location.last_report_time))));
  }
  const intervention::LocationState before = record.location;
  record.location = one.decision.next;
  Remember(one, before);
  answer.outcome = OutcomeOf(one.decision);
  answer.verdict = one.judgement.verdict;
  answer.reason = ReasonFor(one.decision);
  answer.unknown_cells = one.judgement.unknown_cells;
  HEARTH_RETURN_IF_ERROR(Follow(txn, one, before, answer));
  answer.message = Message(report, one.judgement, geo, record, answer.outcome);
  if (one.decision.action != Action::kNone &&
      (one.decision.changed_durably || one.decision.action != Action::kRefuseInstall)) {
    act.object = "card:" + ToString(report.card);
    act.action = fmt::format("location.{}", NameOf(answer.outcome));
    act.detail = fmt::format("{}; cells {}; policy {}", answer.message, EvidenceText(report),
                             one.rules.policy.version);
  }
  if (moved) {
    HEARTH_RETURN_IF_ERROR(RefreshStanding(txn, record));
    const std::string home = fmt::format("relocation confirmed: the card is at home in area {} from now on",
                                         ToString(record.card.area));
    answer.message += "; " + home;
    act.object = "card:" + ToString(report.card);
    act.action = "relocation.confirm";
    act.detail = act.detail.empty() ? home + "; cells " + EvidenceText(report) : act.detail + "; " + home;
  }
  answer.viewer_code = entitlement::ViewerCode(record.card);
  txn.Write(key, record);
  return Ok();
}

// Whether the report speaks of this very area, whatever the strictness of its region.
bool Location::HeardIn(const GeoSnapshot& geo, const Report& report, AreaId area) const {
  if (report.fix) {
    if (!whereabouts_.distance_km || report.fix->accuracy_m / 1000.0 > limits_.fix_radius_km) return false;
    const auto km = whereabouts_.distance_km(area, report.fix->position);
    return km && *km <= limits_.fix_radius_km;
  }
  if (report.evidence.cells.empty()) return false;
  const CardRules rules = geo.RulesFor(report.card, area);
  const geofence::CardPlace place{.area = area, .strictness = geofence::Strictness::kVillage};
  return geofence::FateOf(geo.cells_in_force.index(), place, report.evidence.cells.front().cell,
                          rules.filter()) == geofence::CellFate::kOwnPlace;
}

// A cell that both areas have says nothing: cells overlap at the edge of an area.
Result<bool> Location::TryConfirmMove(Txn& txn, const Report& report, const GeoSnapshot& geo,
                                      CardRecord& record) const {
  if (record.also.value == 0) return false;
  if (!HeardIn(geo, report, record.also) || HeardIn(geo, report, record.card.area)) return false;
  return ConfirmRelocation(txn, record, report.time, limits_);
}

Status Location::Rejudge(Txn& txn, CardRecord& record, const std::string& actor, const std::string& reason) {
  const entitlement::Card& card = record.card;
  const bool bound = card.claim.held() && card.settled == card.claim.intent;
  if (!bound || entitlement::IsEvicted(card)) return Ok();
  // What was only observed speaks too. The counter is left to the saver: a report on its way may have it.
  if (const auto row = column_.Find(card.number)) {
    ApplyRow(*row, static_cast<uint32_t>(record.location.last_counter.value_or(0)), column_.cells(), record);
  }
  const auto geo = geo_.snapshot();
  const CardRules rules = geo->RulesFor(card.number, card.area);
  Report newest{.card = card.number, .fix = record.fix};
  newest.evidence = {.cells = record.heard, .no_signal = record.heard.empty() && !record.fix};
  const geofence::CardPlace place = PlaceOf(record, rules, txn.now());
  const geofence::Judgement now = JudgeEvidence(*geo, place, rules.filter(), newest);
  if (record.held != 0 && AtHome(now.verdict)) {
    HEARTH_RETURN_IF_ERROR(EndHeld(txn, record, [&](intervention::Intervention held) {
      return intervention::Expire(std::move(held), txn.now());
    }));
    record.location = intervention::AfterDrop(record.location, txn.now());
  }
  if (record.location.standing == intervention::Standing::kIntervened && record.in_force != 0 &&
      AtHome(now.verdict)) {
    HEARTH_RETURN_IF_ERROR(EndInForce(txn, record, [&](intervention::Intervention in_force) {
      return intervention::LiftByOperator(std::move(in_force), actor, reason, txn.now(), limits_);
    }));
    record.location = intervention::AfterOperatorLift(record.location, txn.now());
    return SwitchOn(txn, record);
  }
  const bool waits = record.location.standing == intervention::Standing::kWaiting &&
                     card.reason == entitlement::StandingReason::kWaiting;
  if (waits && now.verdict == geofence::Verdict::kExempt) {
    record.location.standing = intervention::Standing::kActive;
    record.location.last_decision_time = txn.now();
    return SwitchOn(txn, record);
  }
  return RefreshStanding(txn, record);
}

// What is kept of the newest report.
void Location::Remember(const Case& one, const intervention::LocationState& before) {
  CardRecord& record = one.record;
  if (one.report.time < record.observed) return;
  if (one.judgement.verdict == geofence::Verdict::kUnknownCell && before.last_verdict &&
      AtHome(*before.last_verdict) && before.installed()) {
    if (record.home_cell)
      guard_.LostHome(record.card.number, record.card.area, *record.home_cell, one.report.time);
  }
  record.heard = one.report.evidence.cells;
  record.fix = one.report.fix;
  record.observed = one.report.time;
  if (one.judgement.verdict == geofence::Verdict::kInArea && !one.judgement.by_neighbour &&
      !one.report.evidence.cells.empty()) {
    record.home_cell = one.report.evidence.cells.front().cell;
  }
}

Status Location::Follow(Txn& txn, Case& one, const intervention::LocationState& before,
                        ReportAnswer& answer) {
  CardRecord& record = one.record;
  // What waited for a decision has become moot.
  if (record.held != 0 && AtHome(one.judgement.verdict)) {
    HEARTH_RETURN_IF_ERROR(EndHeld(txn, record, [&](intervention::Intervention held) {
      return intervention::Expire(std::move(held), txn.now());
    }));
    guard_.Forget(record.card.number);
  }
  switch (one.decision.action) {
    case Action::kActivate:
      HEARTH_RETURN_IF_ERROR(SwitchOn(txn, record));
      if (!one.report.evidence.cells.empty()) record.installed_cell = one.report.evidence.cells.front().cell;
      return Ok();
    case Action::kDisable:
      return DisableOrHold(txn, one, before, answer);
    case Action::kRestore:
      HEARTH_RETURN_IF_ERROR(EndInForce(txn, record, [&](intervention::Intervention in_force) {
        return intervention::LiftByReturn(std::move(in_force), txn.now());
      }));
      return SwitchOn(txn, record);
    case Action::kRefuseInstall: {
      if (!one.decision.changed_durably) return Ok();
      const auto noted =
          WriteIntervention(txn, record, one.Entry(intervention::InterventionState::kRefusedInstall));
      return noted ? Ok() : Status(noted.error());
    }
    case Action::kPropose: {
      // One waits already: operators see its newest evidence with the card.
      if (record.held != 0) return Ok();
      HEARTH_ASSIGN_OR_RETURN(
          record.held, WriteIntervention(txn, record, one.Entry(intervention::InterventionState::kProposed)));
      return Ok();
    }
    case Action::kNone:
      return Ok();
  }
  return Ok();
}

// Only what the circuit breaker lets through; what it holds waits for an operator, and the card stays lit.
Status Location::DisableOrHold(Txn& txn, Case& one, const intervention::LocationState& before,
                               ReportAnswer& answer) {
  CardRecord& record = one.record;
  const auto stay_lit = [&] {
    record.location.standing = intervention::Standing::kActive;
    answer.outcome = ReportOutcome::kHeld;
    return Ok();
  };
  const UnixMillis away_since = before.blacklisted_count > 0 ? before.blacklisted_since : one.report.time;
  const auto said = guard_.Judge(record, away_since, one.report.time, txn.now());
  bool proposed = false;
  if (record.held != 0) {
    HEARTH_ASSIGN_OR_RETURN(const auto waiting, txn.Read<records::InterventionRecord>(
                                                    InterventionKey(record.card.number, record.held).key));
    proposed = waiting && waiting->value.intervention.state == intervention::InterventionState::kProposed;
    // Nothing held is released by itself.
    if (!proposed) return stay_lit();
    // A proposal is overtaken by what is stronger than it.
    HEARTH_RETURN_IF_ERROR(EndHeld(txn, record, [&](intervention::Intervention held) {
      return intervention::Expire(std::move(held), txn.now());
    }));
  }
  auto entry = one.Entry(intervention::InterventionState::kInForce);
  entry.breaker = said;
  answer.rollout = entry.rollout;
  if (intervention::IsHold(said)) {
    entry.state = intervention::InterventionState::kHeld;
    HEARTH_ASSIGN_OR_RETURN(record.held, WriteIntervention(txn, record, std::move(entry)));
    return stay_lit();
  }
  HEARTH_RETURN_IF_ERROR(SwitchOff(txn, record));
  HEARTH_ASSIGN_OR_RETURN(record.in_force, WriteIntervention(txn, record, std::move(entry)));
  return Ok();
}

Result<Reconsidered> Location::Reconsider(CardNumber number, const intervention::Rollout& rollout,
                                          bool undo) {
  const auto geo = geo_.snapshot();
  const ObjectKey key = CardKey(number);
  Reconsidered became = Reconsidered::kNothing;
  Act act{.actor = "hearthd", .action = undo ? "rollout.lift" : "rollout.judge"};
  const auto committed = executor_.Run(key.bucket, act, [&](Txn& txn) -> Status {
    HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(key.key));
    if (!stored) return Ok();
    CardRecord& record = stored->value;
    if (!record.card.claim.held() || record.card.settled != record.card.claim.intent) return Ok();
    HEARTH_ASSIGN_OR_RETURN(became, JudgeAgain(txn, record, *geo, rollout, undo));
    if (became != Reconsidered::kNothing) txn.Write(key.key, record);
    return Ok();
  });
  if (!committed) return committed.error();
  return became;
}

Result<Reconsidered> Location::JudgeAgain(Txn& txn, CardRecord& record, const GeoSnapshot& geo,
                                          const intervention::Rollout& rollout, bool undo) {
  const CardNumber number = record.card.number;
  const auto judged = [&](std::optional<GeoSnapshot::Suppose> suppose) {
    const CardRules rules = geo.RulesFor(number, record.card.area, suppose);
    return geofence::Judge(geo.cells_in_force.index(), PlaceOf(record, rules, txn.now()),
                           {.cells = record.heard, .no_signal = record.heard.empty()}, rules.filter());
  };
  const geofence::Judgement now = judged(std::nullopt);
  const intervention::Say say{
      .actor = "hearthd",
      .reason = fmt::format("rollout {} {}", rollout.number, undo ? "undone" : "in force"),
      .now = txn.now()};
  const auto caused = [&](uint64_t n) -> Result<bool> {
    HEARTH_ASSIGN_OR_RETURN(const auto one,
                            txn.Read<records::InterventionRecord>(InterventionKey(number, n).key));
    return one && one->value.intervention.rollout == rollout.number;
  };
  if (record.held != 0) {
    HEARTH_ASSIGN_OR_RETURN(const bool ours, caused(record.held));
    if ((undo && ours) || AtHome(now.verdict)) {
      HEARTH_RETURN_IF_ERROR(EndHeld(txn, record, [&](intervention::Intervention held) {
        return intervention::Expire(std::move(held), txn.now());
      }));
      guard_.Forget(number);
      record.location = intervention::AfterDrop(record.location, txn.now());
      return Reconsidered::kHoldEnded;
    }
  }
  if (record.location.standing == intervention::Standing::kIntervened && record.in_force != 0) {
    HEARTH_ASSIGN_OR_RETURN(const bool ours, caused(record.in_force));
    if (!(undo && ours) && !AtHome(now.verdict)) return Reconsidered::kNothing;
    HEARTH_RETURN_IF_ERROR(EndInForce(txn, record, [&](intervention::Intervention in_force) {
      return intervention::LiftByOperator(std::move(in_force), say.actor, say.reason, say.now, limits_);
    }));
    guard_.Forget(number);
    record.location = intervention::AfterOperatorLift(record.location, txn.now());
    HEARTH_RETURN_IF_ERROR(SwitchOn(txn, record, records::Urgency::kBulk));
    return Reconsidered::kBack;
  }
  return undo ? Reconsidered::kNothing : DarkenAgain(txn, record, geo, rollout, now);
}

// A lit card that the rollout, and nothing else, puts into a city.
Result<Reconsidered> Location::DarkenAgain(Txn& txn, CardRecord& record, const GeoSnapshot& geo,
                                           const intervention::Rollout& rollout,
                                           const geofence::Judgement& now) {
  const auto goes = [](const geofence::Judgement& judgement) {
    return judgement.verdict == geofence::Verdict::kBlacklisted && !judgement.whitelisted_neighbour;
  };
  if (record.location.standing != intervention::Standing::kActive || !goes(now))
    return Reconsidered::kNothing;
  const int64_t age = txn.now().value - record.observed.value;
  if (age > int64_t{geo.policy.changes.evidence_days} * 24 * 3600 * 1000) return Reconsidered::kNothing;
  const CardRules without =
      geo.RulesFor(record.card.number, record.card.area, GeoSnapshot::Suppose{rollout.number, false});
  if (goes(geofence::Judge(geo.cells_in_force.index(), PlaceOf(record, without, txn.now()),
                           {.cells = record.heard}, without.filter()))) {
    return Reconsidered::kNothing;
  }
  const CardRules rules = geo.RulesFor(record.card.number, record.card.area);
  intervention::Intervention entry;
  entry.cause = Cause::kReconsidered;
  entry.verdict = now.verdict;
  entry.evidence = CellsText(record.heard);
  entry.lists = ListsOf(geo, record.card.area, rules, now);
  entry.policy_version = rules.policy.version;
  entry.reported = record.observed;
  entry.decided = txn.now();
  entry.rollout = rollout.number;
  record.location.standing = intervention::Standing::kIntervened;
  record.location.last_decision_time = record.observed;
  record.location.blacklisted_count = 0;
  record.location.out_of_area_count = 0;
  HEARTH_RETURN_IF_ERROR(SwitchOff(txn, record, records::Urgency::kBulk));
  HEARTH_ASSIGN_OR_RETURN(record.in_force, WriteIntervention(txn, record, std::move(entry)));
  return Reconsidered::kDark;
}

Result<Change> Location::Decide(const Request& request, CardNumber number, bool release) {
  if (request.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
  const ObjectKey key = CardKey(number);
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(
          executor_, key.bucket, request,
          {.action = release ? "intervention.release" : "intervention.drop",
           .object = "card:" + ToString(number)},
          limits_, [&](Txn& txn) -> Result<std::string> {
            HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(key.key));
            if (!stored) {
              return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(number)));
            }
            CardRecord& record = stored->value;
            HEARTH_RETURN_IF_ERROR(CheckRevision(request, stored->revision, key.key));
            if (record.held == 0) {
              return Error(Reason::kInterventionNotHeld,
                           fmt::format("card {} has no held or proposed intervention", ToString(number)));
            }
            const intervention::Say say{.actor = request.actor, .reason = request.reason, .now = txn.now()};
            const uint64_t n = record.held;
            HEARTH_RETURN_IF_ERROR(EndHeld(txn, record, [&](intervention::Intervention held) {
              return release ? intervention::Release(std::move(held), say, limits_)
                             : intervention::Drop(std::move(held), say, limits_);
            }));
            if (release) {
              record.in_force = n;
              record.location = intervention::AfterRelease(record.location, txn.now());
              HEARTH_RETURN_IF_ERROR(SwitchOff(txn, record));
            } else {
              record.location = intervention::AfterDrop(record.location, txn.now());
            }
            txn.Write(key.key, record);
            return std::string();
          }));
  if (!request.dry_run) release ? guard_.Released(number) : guard_.Forget(number);
  return outcome.change;
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
                HEARTH_RETURN_IF_ERROR(EndInForce(txn, record, [&](intervention::Intervention in_force) {
                  return intervention::LiftByOperator(std::move(in_force), request.actor, request.reason,
                                                      txn.now(), limits_);
                }));
                record.location = intervention::AfterOperatorLift(record.location, txn.now());
                HEARTH_RETURN_IF_ERROR(SwitchOn(txn, record));
                txn.Write(key.key, record);
                return std::string();
              }));
  if (!request.dry_run) guard_.Forget(number);
  return outcome.change;
}

}  // namespace hearth::app
