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

Result<Intervention> LiftByReturn(Intervention intervention, UnixMillis now) {
  if (intervention.state == InterventionState::kLifted) return NotInForce(intervention);
  intervention.state = InterventionState::kLifted;
  intervention.lifted = now;
  return intervention;
}

Result<Intervention> LiftByOperator(Intervention intervention, const std::string& actor,
                                    const std::string& reason, UnixMillis now, const Limits& limits) {
  if (intervention.state != InterventionState::kInForce &&
      intervention.state != InterventionState::kProposed) {
    return NotInForce(intervention);
  }
  if (actor.empty()) return MissingField("actor", "who lifts the intervention");
  if (reason.empty()) return MissingField("reason", "why the intervention is lifted");
  if (reason.size() > limits.text_bytes) {
    return Error(Reason::kLimitExceeded, fmt::format("reason is longer than {} bytes", limits.text_bytes))
        .Field("reason", fmt::format("at most {} bytes", limits.text_bytes));
  }
  intervention.state = InterventionState::kLifted;
  intervention.lifted = now;
  intervention.lifted_by = actor;
  intervention.lift_reason = reason;
  return intervention;
}

LocationState AfterOperatorLift(LocationState state, UnixMillis now) {
  if (state.standing == Standing::kIntervened) state.standing = Standing::kActive;
  state.blacklisted_count = 0;
  state.blacklisted_since = UnixMillis(0);
  state.out_of_area_count = 0;
  state.out_of_area_since = UnixMillis(0);
  state.last_decision_time = now;
  return state;
}

}  // namespace hearth::intervention
