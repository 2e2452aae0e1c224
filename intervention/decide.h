// Hysteresis: from the verdicts of one card's reports to what is done about the card. Pure and one card at a
// time; limits over many cards (the circuit breaker) are judged by the caller before it acts.
//
// What it guarantees, whatever the order of reports:
//   - silence, NO_SIGNAL, UNKNOWN_CELL and OUT_OF_AREA never switch a card off
//   - one BLACKLISTED report never switches a card off, unless the policy asks for one only
//   - a report that the card has not signed never counts towards switching off
//   - a report older than the last decision changes nothing
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "geofence/verdict.h"
#include "intervention/policy.h"
#include "src/base/ids.h"
#include "src/base/reason.h"

namespace hearth::intervention {

using geofence::Verdict;

// The card's standing as far as location is concerned; mirrors the entitlement's. On disk: never reused.
enum class Standing : uint8_t { kWaiting = 1, kActive = 2, kIntervened = 3 };

// What is remembered between the reports of one card. `Waiting` is a card that was never activated, or has
// been set back by a swap.
struct LocationState {
  Standing standing = Standing::kWaiting;
  std::optional<uint64_t> last_counter;  // the highest counter of a report, when the card counts
  UnixMillis last_report_time;           // the newest report's own time; 0: none yet
  std::optional<Verdict> last_verdict;   // of the newest report
  // BLACKLISTED reports since the last one from home, and the time of the first of them.
  uint32_t blacklisted_count = 0;
  UnixMillis blacklisted_since;
  // OUT_OF_AREA reports since the last one from home or the last proposal, and the time of the first.
  uint32_t out_of_area_count = 0;
  UnixMillis out_of_area_since;
  // Time of the evidence of the last decision (for an operator's decision: when it was made).
  UnixMillis last_decision_time;

  bool installed() const { return standing != Standing::kWaiting; }
  bool operator==(const LocationState&) const = default;
};

// One report, judged. Its MAC and age have been checked, and it is no replay.
struct Input {
  Verdict verdict = Verdict::kNoSignal;
  bool whitelisted_neighbour = false;
  bool card_authenticated = false;  // the card's MAC was right; false: only a gateway vouches for it
  std::optional<uint64_t> counter;
  UnixMillis report_time;  // the report's own
  UnixMillis now;          // the head-end's
};

enum class Action : uint8_t {
  kNone = 0,
  kActivate = 1,       // open the card
  kRefuseInstall = 2,  // leave it waiting and say why
  kDisable = 3,        // switch it off
  kPropose = 4,        // show it to an operator
  kRestore = 5,        // switch it on again
};

// Why. On disk in interventions: never reused.
enum class Cause : uint8_t {
  kInPlace = 1,              // at home or exempt; nothing to do
  kFirstReport = 2,          // activated by it
  kReturned = 3,             // restored by it
  kInstallBlacklisted = 10,  // the four refusals of an installation
  kInstallOutOfArea = 11,
  kInstallUnknownCell = 12,
  kInstallNoSignal = 13,
  kBlacklistedCounting = 20,   // not yet enough BLACKLISTED reports, or too close together
  kBlacklistedConfirmed = 21,  // switched off by it
  kNeighbourHeard = 22,    // BLACKLISTED or OUT_OF_AREA, but a cell of home is heard too: a box on the edge
  kNotAuthenticated = 23,  // BLACKLISTED, but the card has not signed the report
  kOutOfAreaCounting = 24,
  kOutOfAreaWindow = 25,  // proposed by it
  kUnknownCell = 26,      // kept as it was
  kNoSignal = 27,         // kept as it was
  kStillAway = 28,        // intervened and not back yet
  kStale = 29,            // older than the last decision, or overtaken by a newer report
  kReconsidered = 30,     // judged again by other lists or another policy: see the rollout
};

std::string_view NameOf(Action action);      // "NONE", "ACTIVATE" …
std::string_view NameOf(Cause cause);        // "IN_PLACE", "FIRST_REPORT" …
std::string_view NameOf(Standing standing);  // "WAITING", "ACTIVE", "INTERVENED"
// The reason a client is given for a refused installation (INSTALL_BLACKLISTED …); nullopt for other causes.
std::optional<Reason> ReasonOf(Cause cause);

struct Decision {
  Action action = Action::kNone;
  Cause cause = Cause::kInPlace;
  LocationState next;
  // The step must be committed before the report is acknowledged: the standing, a count towards a decision,
  // or the cause of a refusal changed. Otherwise losing `next` is harmless (an OBSERVED report).
  bool changed_durably = false;
};

// Rules by standing:
//   waiting     IN_AREA, EXEMPT: kActivate on the first report. Anything else: kRefuseInstall; it stays
//   waiting. active      IN_AREA, EXEMPT: all counts begin anew. BLACKLISTED, OUT_OF_AREA: counted as Policy
//   says, then
//               kDisable or kPropose; with a whitelisted neighbour all counts begin anew. UNKNOWN_CELL,
//               NO_SIGNAL: nothing.
//   intervened  IN_AREA, EXEMPT: kRestore. Anything else: nothing.
// A report overtaken by a newer one still counts when it speaks for the card, never against it.
Decision Decide(const LocationState& state, const Policy& policy, const Input& input);

}  // namespace hearth::intervention
