// One intervention as it is recorded: what was done to a card, on which grounds, and how it ended.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "geofence/verdict.h"
#include "intervention/breaker.h"
#include "intervention/decide.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::intervention {

// The numbers are on disk: never reused.
enum class InterventionState : uint8_t {
  kInForce = 1,         // the card is switched off
  kLifted = 2,          // over, see lifted_by
  kRefusedInstall = 3,  // the card was never opened
  kProposed = 4,        // nothing is done until an operator says so
  kHeld = 5,            // the circuit breaker holds it: nothing is done until an operator says so
  kDropped = 6,         // an operator said no to a proposed or held one
  kExpired = 7,         // a proposed or held one that is moot: the card was heard at home, swapped or closed
};

// "IN_FORCE", "LIFTED", "REFUSED_INSTALL", "PROPOSED", "HELD", "DROPPED", "EXPIRED".
std::string_view NameOf(InterventionState state);

// The version of a list that led to the verdict.
struct ListVersion {
  AreaId list;
  uint32_t version = 0;

  bool operator==(const ListVersion&) const = default;
};

struct Intervention {
  std::string id;
  CardNumber card;
  InterventionState state = InterventionState::kInForce;
  Cause cause = Cause::kBlacklistedConfirmed;
  Verdict verdict = Verdict::kBlacklisted;
  std::string evidence;  // the cells heard, as text, serving cell first
  std::vector<ListVersion> lists;
  uint32_t policy_version = 0;
  UnixMillis reported;  // the report's own time
  UnixMillis decided;
  UnixMillis lifted;        // 0 while not lifted
  std::string lifted_by;    // the operator; "" when the card came home
  std::string lift_reason;  // the operator's words
  BreakerAnswer breaker = BreakerAnswer::kOrder;
  std::string released_by;  // who ordered a held or proposed one; "" when it was ordered by itself
  UnixMillis released;
  uint64_t rollout = 0;  // the change of lists or policy that brought it; 0: a report

  bool operator==(const Intervention&) const = default;
};

// Who says yes or no, and why; FIELD_MISSING without both, LIMIT_EXCEEDED over limits.text_bytes.
struct Say {
  std::string actor;
  std::string reason;
  UnixMillis now;
};
// A held or proposed one comes into force. INTERVENTION_NOT_HELD for any other.
Result<Intervention> Release(Intervention intervention, const Say& say, const Limits& limits);
// A held or proposed one is given up; recorded in `lifted`, `lifted_by` and `lift_reason`.
// INTERVENTION_NOT_HELD for any other.
Result<Intervention> Drop(Intervention intervention, const Say& say, const Limits& limits);
// A held or proposed one has become moot, at `lifted`. INTERVENTION_NOT_HELD for any other.
Result<Intervention> Expire(Intervention intervention, UnixMillis now);
// What a released intervention means for the card's location: an active card is intervened, a waiting one
// stays. Counts at zero, and reports from before the release change nothing.
LocationState AfterRelease(LocationState state, UnixMillis now);
// What a dropped one means: counts begin anew, and reports from before it change nothing.
LocationState AfterDrop(LocationState state, UnixMillis now);

// The state an action begins in: kDisable → kInForce, kRefuseInstall → kRefusedInstall, kPropose → kProposed.
// INTERNAL for an action that is no intervention.
Result<InterventionState> StateOf(Action action);

// The card was heard at home. NOT_UNDER_INTERVENTION when it is lifted, dropped or expired already.
Result<Intervention> LiftByReturn(Intervention intervention, UnixMillis now);
// An operator ends it and answers for it: both actor and reason are needed (FIELD_MISSING, LIMIT_EXCEEDED
// over limits.text_bytes). NOT_UNDER_INTERVENTION when it is lifted, dropped or expired already, or a refused
// installation, which only a report from the right place ends.
Result<Intervention> LiftByOperator(Intervention intervention, const std::string& actor,
                                    const std::string& reason, UnixMillis now, const Limits& limits);
// What an operator's lift means for the card's location: active again, counts at zero, and reports from
// before the lift change nothing.
LocationState AfterOperatorLift(LocationState state, UnixMillis now);

}  // namespace hearth::intervention
