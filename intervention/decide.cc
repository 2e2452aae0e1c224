#include "intervention/decide.h"

#include <algorithm>
#include <chrono>

namespace hearth::intervention {
namespace {

bool AtHome(Verdict verdict) { return verdict == Verdict::kInArea || verdict == Verdict::kExempt; }

Cause RefusalOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBlacklisted:
      return Cause::kInstallBlacklisted;
    case Verdict::kOutOfArea:
      return Cause::kInstallOutOfArea;
    case Verdict::kNoSignal:
      return Cause::kInstallNoSignal;
    case Verdict::kUnknownCell:
    case Verdict::kInArea:
    case Verdict::kExempt:
      break;
  }
  return Cause::kInstallUnknownCell;
}

// Forgets all counts; true when there was something to forget.
bool ClearCounts(LocationState& state) {
  const bool had = state.blacklisted_count != 0 || state.out_of_area_count != 0;
  state.blacklisted_count = 0;
  state.blacklisted_since = UnixMillis(0);
  state.out_of_area_count = 0;
  state.out_of_area_since = UnixMillis(0);
  return had;
}

// Counts one more report of a kind. True when it completes `reports` of them spread over `span`.
// `reports` of 1 needs no spread.
bool CountReport(uint32_t& count, UnixMillis& since, UnixMillis at, int reports,
                 std::chrono::milliseconds span) {
  if (count == 0) since = at;
  if (count < UINT32_MAX) ++count;
  if (count < static_cast<uint32_t>(std::max(reports, 1))) return false;
  return reports <= 1 || at.value - since.value >= span.count();
}

// What is remembered of every report that counts at all.
LocationState Remember(LocationState state, const Input& input) {
  if (input.report_time >= state.last_report_time) {
    state.last_report_time = input.report_time;
    state.last_verdict = input.verdict;
  }
  if (input.counter) state.last_counter = std::max(*input.counter, state.last_counter.value_or(0));
  return state;
}

void Settle(Decision& decision, Standing standing, const Input& input) {
  decision.next.standing = standing;
  decision.next.last_decision_time = input.report_time;
  ClearCounts(decision.next);
  decision.changed_durably = true;
}

Decision Waiting(const LocationState& state, const Input& input) {
  Decision decision{.next = Remember(state, input)};
  if (AtHome(input.verdict)) {
    decision.action = Action::kActivate;
    decision.cause = Cause::kFirstReport;
    Settle(decision, Standing::kActive, input);
    return decision;
  }
  decision.action = Action::kRefuseInstall;
  decision.cause = RefusalOf(input.verdict);
  decision.next.last_decision_time = input.report_time;
  decision.changed_durably = state.last_verdict != input.verdict;
  return decision;
}

Decision ActiveBlacklisted(const LocationState& state, const Policy& policy, const Input& input) {
  Decision decision{.next = Remember(state, input)};
  if (!input.card_authenticated) {
    decision.cause = Cause::kNotAuthenticated;
    return decision;
  }
  decision.changed_durably = true;
  if (!CountReport(decision.next.blacklisted_count, decision.next.blacklisted_since, input.report_time,
                   policy.blacklisted_reports, policy.blacklisted_gap)) {
    decision.cause = Cause::kBlacklistedCounting;
    return decision;
  }
  decision.action = Action::kDisable;
  decision.cause = Cause::kBlacklistedConfirmed;
  Settle(decision, Standing::kIntervened, input);
  return decision;
}

Decision ActiveOutOfArea(const LocationState& state, const Policy& policy, const Input& input) {
  Decision decision{.cause = Cause::kOutOfAreaCounting, .next = Remember(state, input)};
  decision.changed_durably = true;
  if (!CountReport(decision.next.out_of_area_count, decision.next.out_of_area_since, input.report_time,
                   policy.out_of_area_reports, policy.out_of_area_window)) {
    return decision;
  }
  // The next window begins with the next report, so there is at most one proposal in each.
  decision.action = Action::kPropose;
  decision.cause = Cause::kOutOfAreaWindow;
  decision.next.out_of_area_count = 0;
  decision.next.out_of_area_since = UnixMillis(0);
  return decision;
}

Decision Active(const LocationState& state, const Policy& policy, const Input& input) {
  const bool against = input.verdict == Verdict::kBlacklisted || input.verdict == Verdict::kOutOfArea;
  if (AtHome(input.verdict) || (against && input.whitelisted_neighbour)) {
    Decision decision{.next = Remember(state, input)};
    decision.cause = against ? Cause::kNeighbourHeard : Cause::kInPlace;
    decision.changed_durably = ClearCounts(decision.next);
    return decision;
  }
  if (!against) {
    return {.cause = input.verdict == Verdict::kNoSignal ? Cause::kNoSignal : Cause::kUnknownCell,
            .next = Remember(state, input)};
  }
  // Overtaken by a newer report: it may have been from home, and then this one would not have counted.
  if (input.report_time < state.last_report_time) return {.cause = Cause::kStale, .next = state};
  return input.verdict == Verdict::kBlacklisted ? ActiveBlacklisted(state, policy, input)
                                                : ActiveOutOfArea(state, policy, input);
}

Decision Intervened(const LocationState& state, const Input& input) {
  Decision decision{.cause = Cause::kStillAway, .next = Remember(state, input)};
  if (!AtHome(input.verdict)) return decision;
  decision.action = Action::kRestore;
  decision.cause = Cause::kReturned;
  Settle(decision, Standing::kActive, input);
  return decision;
}

}  // namespace

Decision Decide(const LocationState& state, const Policy& policy, const Input& input) {
  if (input.report_time < state.last_decision_time) return {.cause = Cause::kStale, .next = state};
  switch (state.standing) {
    case Standing::kWaiting:
      return Waiting(state, input);
    case Standing::kActive:
      return Active(state, policy, input);
    case Standing::kIntervened:
      return Intervened(state, input);
  }
  return {.cause = Cause::kStale, .next = state};
}

std::string_view NameOf(Action action) {
  switch (action) {
    case Action::kNone:
      return "NONE";
    case Action::kActivate:
      return "ACTIVATE";
    case Action::kRefuseInstall:
      return "REFUSE_INSTALL";
    case Action::kDisable:
      return "DISABLE";
    case Action::kPropose:
      return "PROPOSE";
    case Action::kRestore:
      return "RESTORE";
  }
  return "UNKNOWN";
}

std::string_view NameOf(Cause cause) {
  switch (cause) {
    case Cause::kInPlace:
      return "IN_PLACE";
    case Cause::kFirstReport:
      return "FIRST_REPORT";
    case Cause::kReturned:
      return "RETURNED";
    case Cause::kInstallBlacklisted:
      return "INSTALL_BLACKLISTED";
    case Cause::kInstallOutOfArea:
      return "INSTALL_OUT_OF_AREA";
    case Cause::kInstallUnknownCell:
      return "INSTALL_UNKNOWN_CELL";
    case Cause::kInstallNoSignal:
      return "INSTALL_NO_SIGNAL";
    case Cause::kBlacklistedCounting:
      return "BLACKLISTED_COUNTING";
    case Cause::kBlacklistedConfirmed:
      return "BLACKLISTED_CONFIRMED";
    case Cause::kNeighbourHeard:
      return "NEIGHBOUR_HEARD";
    case Cause::kNotAuthenticated:
      return "NOT_AUTHENTICATED";
    case Cause::kOutOfAreaCounting:
      return "OUT_OF_AREA_COUNTING";
    case Cause::kOutOfAreaWindow:
      return "OUT_OF_AREA_WINDOW";
    case Cause::kUnknownCell:
      return "UNKNOWN_CELL";
    case Cause::kNoSignal:
      return "NO_SIGNAL";
    case Cause::kStillAway:
      return "STILL_AWAY";
    case Cause::kStale:
      return "STALE";
    case Cause::kReconsidered:
      return "RECONSIDERED";
  }
  return "UNKNOWN";
}

std::string_view NameOf(Standing standing) {
  switch (standing) {
    case Standing::kWaiting:
      return "WAITING";
    case Standing::kActive:
      return "ACTIVE";
    case Standing::kIntervened:
      return "INTERVENED";
  }
  return "UNKNOWN";
}

std::optional<Reason> ReasonOf(Cause cause) {
  switch (cause) {
    case Cause::kInstallBlacklisted:
      return Reason::kInstallBlacklisted;
    case Cause::kInstallOutOfArea:
      return Reason::kInstallOutOfArea;
    case Cause::kInstallUnknownCell:
      return Reason::kInstallUnknownCell;
    case Cause::kInstallNoSignal:
      return Reason::kInstallNoSignal;
    default:
      return std::nullopt;
  }
}

}  // namespace hearth::intervention
