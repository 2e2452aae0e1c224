#include "intervention/lifecycle.h"

#include <utility>

#include <fmt/format.h>

namespace hearth::intervention {
namespace {

Error NotInForce(const Intervention& intervention) {
  return Error(Reason::kNotUnderIntervention,
               fmt::format("intervention {} of card {} is {}", intervention.id, ToString(intervention.card),
                           NameOf(intervention.state)));
}

bool Waits(InterventionState state) {
  return state == InterventionState::kHeld || state == InterventionState::kProposed;
}

bool IsOver(InterventionState state) {
  return state == InterventionState::kLifted || state == InterventionState::kDropped ||
         state == InterventionState::kExpired;
}

Status CheckWaits(const Intervention& intervention) {
  if (Waits(intervention.state)) return Ok();
  return Error(Reason::kInterventionNotHeld,
               fmt::format("intervention {} of card {} is {}", intervention.id, ToString(intervention.card),
                           NameOf(intervention.state)));
}

// `what` ends the sentences "who …" and "why …".
Status CheckSay(const std::string& actor, const std::string& reason, const char* what, const Limits& limits) {
  if (actor.empty()) return MissingField("actor", fmt::format("who {}", what));
  if (reason.empty()) return MissingField("reason", fmt::format("why the operator {}", what));
  if (reason.size() > limits.text_bytes) {
    return Error(Reason::kLimitExceeded, fmt::format("reason is longer than {} bytes", limits.text_bytes))
        .Field("reason", fmt::format("at most {} bytes", limits.text_bytes));
  }
  return Ok();
}

// Counts begin anew, and reports from before `now` change nothing.
LocationState Settled(LocationState state, UnixMillis now) {
  state.blacklisted_count = 0;
  state.blacklisted_since = UnixMillis(0);
  state.out_of_area_count = 0;
  state.out_of_area_since = UnixMillis(0);
  state.last_decision_time = now;
  return state;
}

}  // namespace

std::string_view NameOf(InterventionState state) {
  switch (state) {
    case InterventionState::kInForce:
      return "IN_FORCE";
    case InterventionState::kLifted:
      return "LIFTED";
    case InterventionState::kRefusedInstall:
      return "REFUSED_INSTALL";
    case InterventionState::kProposed:
      return "PROPOSED";
    case InterventionState::kHeld:
      return "HELD";
    case InterventionState::kDropped:
      return "DROPPED";
    case InterventionState::kExpired:
      return "EXPIRED";
  }
  return "UNKNOWN";
}

Result<InterventionState> StateOf(Action action) {
  switch (action) {
    case Action::kDisable:
      return InterventionState::kInForce;
    case Action::kRefuseInstall:
      return InterventionState::kRefusedInstall;
    case Action::kPropose:
      return InterventionState::kProposed;
    case Action::kNone:
    case Action::kActivate:
    case Action::kRestore:
      break;
  }
  return Error(Reason::kInternal, fmt::format("{} is no intervention", NameOf(action)));
}

Result<Intervention> Release(Intervention intervention, const Say& say, const Limits& limits) {
  HEARTH_RETURN_IF_ERROR(CheckWaits(intervention));
  HEARTH_RETURN_IF_ERROR(CheckSay(say.actor, say.reason, "releases the intervention", limits));
  intervention.state = InterventionState::kInForce;
  intervention.released = say.now;
  intervention.released_by = say.actor;
  return intervention;
}

Result<Intervention> Drop(Intervention intervention, const Say& say, const Limits& limits) {
  HEARTH_RETURN_IF_ERROR(CheckWaits(intervention));
  HEARTH_RETURN_IF_ERROR(CheckSay(say.actor, say.reason, "drops the intervention", limits));
  intervention.state = InterventionState::kDropped;
  intervention.lifted = say.now;
  intervention.lifted_by = say.actor;
  intervention.lift_reason = say.reason;
  return intervention;
}

Result<Intervention> Expire(Intervention intervention, UnixMillis now) {
  HEARTH_RETURN_IF_ERROR(CheckWaits(intervention));
  intervention.state = InterventionState::kExpired;
  intervention.lifted = now;
  return intervention;
}

LocationState AfterRelease(LocationState state, UnixMillis now) {
  if (state.standing == Standing::kActive) state.standing = Standing::kIntervened;
  return Settled(state, now);
}

LocationState AfterDrop(LocationState state, UnixMillis now) { return Settled(state, now); }

Result<Intervention> LiftByReturn(Intervention intervention, UnixMillis now) {
  if (IsOver(intervention.state)) return NotInForce(intervention);
  intervention.state = InterventionState::kLifted;
  intervention.lifted = now;
  return intervention;
}

Result<Intervention> LiftByOperator(Intervention intervention, const std::string& actor,
                                    const std::string& reason, UnixMillis now, const Limits& limits) {
  if (IsOver(intervention.state) || intervention.state == InterventionState::kRefusedInstall) {
    return NotInForce(intervention);
  }
  HEARTH_RETURN_IF_ERROR(CheckSay(actor, reason, "lifts the intervention", limits));
  intervention.state = InterventionState::kLifted;
  intervention.lifted = now;
  intervention.lifted_by = actor;
  intervention.lift_reason = reason;
  return intervention;
}

LocationState AfterOperatorLift(LocationState state, UnixMillis now) {
  if (state.standing == Standing::kIntervened) state.standing = Standing::kActive;
  return Settled(state, now);
}

}  // namespace hearth::intervention
