#include "intervention/relocation.h"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

namespace hearth::intervention {
namespace {

constexpr uint32_t kMaxDays = 180;

Status CheckActor(const RelocationActor& actor, const char* why, const Limits& limits) {
  if (actor.name.empty()) return MissingField("actor", "who decides");
  if (actor.reason.empty()) return MissingField("reason", why);
  if (actor.reason.size() <= limits.text_bytes) return Ok();
  return Error(Reason::kLimitExceeded, fmt::format("reason is longer than {} bytes", limits.text_bytes))
      .Field("reason", fmt::format("at most {} bytes", limits.text_bytes));
}

Status CheckState(const Relocation& relocation, std::initializer_list<RelocationState> from,
                  RelocationState to) {
  if (std::find(from.begin(), from.end(), relocation.state) != from.end()) return Ok();
  return Error(
      Reason::kRelocationStateInvalid,
      fmt::format("the relocation of card {} to {} is {}, it cannot become {}", ToString(relocation.card),
                  ToString(relocation.to), NameOf(relocation.state), NameOf(to)));
}

Relocation Enter(Relocation relocation, RelocationState state, const RelocationActor& actor) {
  relocation.state = state;
  relocation.steps.push_back({state, actor.name, actor.reason, actor.now});
  return relocation;
}

UnixMillis ApprovedAt(const Relocation& relocation) {
  for (const RelocationStep& step : relocation.steps) {
    if (step.state == RelocationState::kApproved) return step.at;
  }
  return {};
}

}  // namespace

std::string_view NameOf(RelocationState state) {
  switch (state) {
    case RelocationState::kRequested:
      return "REQUESTED";
    case RelocationState::kApproved:
      return "APPROVED";
    case RelocationState::kConfirmed:
      return "CONFIRMED";
    case RelocationState::kTimedOut:
      return "TIMED_OUT";
    case RelocationState::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

bool IsOver(RelocationState state) {
  return state == RelocationState::kConfirmed || state == RelocationState::kTimedOut ||
         state == RelocationState::kCancelled;
}

Result<Relocation> DecideRequest(const RelocationWish& wish, const Relocation* present,
                                 const RelocationActor& actor, const Limits& limits) {
  if (present != nullptr && !IsOver(present->state)) {
    return Error(Reason::kRelocationStateInvalid,
                 fmt::format("card {} has a relocation to {} that is {}", ToString(wish.card),
                             ToString(present->to), NameOf(present->state)));
  }
  HEARTH_RETURN_IF_ERROR(CheckActor(actor, "why the subscriber moves", limits));
  if (wish.from == wish.to) return InvalidField("to", "another area than the card's own");
  if (wish.days < 1 || wish.days > kMaxDays) {
    return InvalidField("days", fmt::format("1 to {}, not {}", kMaxDays, wish.days));
  }
  Relocation relocation;
  relocation.card = wish.card;
  relocation.from = wish.from;
  relocation.to = wish.to;
  relocation.days = wish.days;
  return Enter(std::move(relocation), RelocationState::kRequested, actor);
}

Result<Relocation> DecideApprove(Relocation relocation, const RelocationActor& actor, const Limits& limits) {
  HEARTH_RETURN_IF_ERROR(CheckState(relocation, {RelocationState::kRequested}, RelocationState::kApproved));
  HEARTH_RETURN_IF_ERROR(CheckActor(actor, "why it is approved", limits));
  if (!relocation.steps.empty() && relocation.steps.front().actor == actor.name) {
    return Error(Reason::kSecondApproverNeeded,
                 fmt::format("{} requested the relocation of card {}; somebody else approves it", actor.name,
                             ToString(relocation.card)));
  }
  if (AreaDivision(relocation.from) != AreaDivision(relocation.to) && !actor.from_centre) {
    return Error(Reason::kAreaOutsideCounty,
                 fmt::format("area {} is not in the county of {}; only the centre may let card {} go there",
                             ToString(relocation.to), ToString(relocation.from), ToString(relocation.card)));
  }
  const std::chrono::milliseconds wait = std::chrono::hours(24) * relocation.days;
  relocation.ends = UnixMillis(actor.now.value + wait.count());
  return Enter(std::move(relocation), RelocationState::kApproved, actor);
}

Result<Relocation> DecideCancel(Relocation relocation, const RelocationActor& actor, const Limits& limits) {
  HEARTH_RETURN_IF_ERROR(CheckState(relocation, {RelocationState::kRequested, RelocationState::kApproved},
                                    RelocationState::kCancelled));
  HEARTH_RETURN_IF_ERROR(CheckActor(actor, "why it is cancelled", limits));
  return Enter(std::move(relocation), RelocationState::kCancelled, actor);
}

Result<std::optional<Relocation>> DecideHeard(Relocation relocation, AreaId area, UnixMillis reported,
                                              UnixMillis now) {
  HEARTH_RETURN_IF_ERROR(CheckState(relocation, {RelocationState::kApproved}, RelocationState::kConfirmed));
  if (area != relocation.to || reported < ApprovedAt(relocation)) return std::optional<Relocation>();
  return std::optional(Enter(std::move(relocation), RelocationState::kConfirmed, {"", "", now}));
}

Result<Relocation> DecideTimeOut(Relocation relocation, UnixMillis now) {
  HEARTH_RETURN_IF_ERROR(CheckState(relocation, {RelocationState::kApproved}, RelocationState::kTimedOut));
  if (now < relocation.ends) {
    return Error(Reason::kRelocationStateInvalid,
                 fmt::format("the relocation of card {} waits until {}", ToString(relocation.card),
                             ToString(relocation.ends)));
  }
  return Enter(std::move(relocation), RelocationState::kTimedOut, {"", "", now});
}

std::optional<AreaId> AlsoHome(const Relocation& relocation) {
  if (relocation.state != RelocationState::kApproved) return std::nullopt;
  return relocation.to;
}

AreaId AreaAfter(const Relocation& relocation) {
  return relocation.state == RelocationState::kConfirmed ? relocation.to : relocation.from;
}

}  // namespace hearth::intervention
