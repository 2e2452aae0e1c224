// A home without base station signal (domain: S8), from the installer's report to the centre's decision, with
// a record of who and why. Pure decisions: each takes the present state and gives the next one or a refusal.
//
//   REPORTED ─ county ─► CONFIRMED ─ province ─► COLLECTED ─ centre ─► GRANTED ─ its last day passed ─►
//   EXPIRED
//      │                     │                       │                    └── centre ─► REVOKED
//      └─────────────────────┴───────refused─────────┴─► REFUSED
//
// A granted exemption lifts the whitelist, never a deny list, except from the cells that it names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::intervention {

// The numbers are on disk: never reused.
enum class ExemptionState : uint8_t {
  kReported = 1,   // the installer: no signal at this home
  kConfirmed = 2,  // the county went and looked
  kCollected = 3,  // the province puts it before the centre
  kGranted = 4,
  kRefused = 5,
  kExpired = 6,
  kRevoked = 7,
};

// "REPORTED", "CONFIRMED", "COLLECTED", "GRANTED", "REFUSED", "EXPIRED", "REVOKED".
std::string_view NameOf(ExemptionState state);
// Nothing can become of it any more; the card may be reported again.
bool IsOver(ExemptionState state);

struct ExemptionStep {
  ExemptionState state = ExemptionState::kReported;
  std::string actor;
  std::string approver;  // of GRANTED
  std::string reason;    // of REPORTED: the installer's evidence in words
  UnixMillis at;

  bool operator==(const ExemptionStep&) const = default;
};

struct Exemption {
  CardNumber card;
  ExemptionState state = ExemptionState::kReported;
  UnixMillis expires;                // of a granted one: it holds before that moment
  std::vector<std::string> cells;    // of a granted one, in text form: the deny set does not apply to them
  std::vector<ExemptionStep> steps;  // oldest first, one per state passed

  bool operator==(const Exemption&) const = default;
};

// Who acts and why, and the time of the decision.
struct ExemptionActor {
  std::string name;
  std::string reason;
  UnixMillis now;
};

// What the centre grants; outside input. Whether the cells are cells is the caller's to check.
struct ExemptionGrant {
  std::string approver;
  UnixMillis expires;
  std::vector<std::string> cells;
};

// A new one. `present` is what the card has already, or nullptr: EXEMPTION_STATE_INVALID unless that is over.
// FIELD_MISSING without actor or reason, LIMIT_EXCEEDED over limits.text_bytes; so do all that follow.
Result<Exemption> DecideReport(CardNumber card, const Exemption* present, const ExemptionActor& actor,
                               const Limits& limits);
// The steps. EXEMPTION_STATE_INVALID when it is not in the state the step starts from.
Result<Exemption> DecideConfirm(Exemption exemption, const ExemptionActor& actor, const Limits& limits);
Result<Exemption> DecideCollect(Exemption exemption, const ExemptionActor& actor, const Limits& limits);
// SECOND_APPROVER_NEEDED unless the approver is somebody else than the actor and all who reported, confirmed
// and collected it. FIELD_INVALID: `expires` is not after now, or more than ten years. LIMIT_EXCEEDED: more
// cells than a report can have.
Result<Exemption> DecideGrant(Exemption exemption, const ExemptionGrant& grant, const ExemptionActor& actor,
                              const Limits& limits);
// Of one that is not decided yet.
Result<Exemption> DecideRefuse(Exemption exemption, const ExemptionActor& actor, const Limits& limits);
// Of a granted one.
Result<Exemption> DecideRevoke(Exemption exemption, const ExemptionActor& actor, const Limits& limits);
// Of a granted one whose time is over; needs nobody.
Result<Exemption> DecideExpire(Exemption exemption, UnixMillis now);

// The card is exempt now.
bool InForce(const Exemption& exemption, UnixMillis now);

}  // namespace hearth::intervention
