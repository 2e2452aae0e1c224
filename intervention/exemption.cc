#include "intervention/exemption.h"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

namespace hearth::intervention {
namespace {

constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 3653);  // ten years

Error TooLong(const char* field, const Limits& limits) {
  return Error(Reason::kLimitExceeded, fmt::format("{} is longer than {} bytes", field, limits.text_bytes))
      .Field(field, fmt::format("at most {} bytes", limits.text_bytes));
}

Status CheckActor(const ExemptionActor& actor, const char* why, const Limits& limits) {
  if (actor.name.empty()) return MissingField("actor", "who decides");
  if (actor.reason.empty()) return MissingField("reason", why);
  if (actor.reason.size() > limits.text_bytes) return TooLong("reason", limits);
  return Ok();
}

Status CheckState(const Exemption& exemption, std::initializer_list<ExemptionState> from, ExemptionState to) {
  if (std::find(from.begin(), from.end(), exemption.state) != from.end()) return Ok();
  return Error(Reason::kExemptionStateInvalid,
               fmt::format("the exemption of card {} is {}, it cannot become {}", ToString(exemption.card),
                           NameOf(exemption.state), NameOf(to)));
}

Exemption Enter(Exemption exemption, ExemptionState state, const ExemptionActor& actor,
                const std::string& approver = {}) {
  exemption.state = state;
  exemption.steps.push_back({state, actor.name, approver, actor.reason, actor.now});
  return exemption;
}

Result<Exemption> Step(Exemption exemption, std::initializer_list<ExemptionState> from, ExemptionState to,
                       const char* why, const ExemptionActor& actor, const Limits& limits) {
  HEARTH_RETURN_IF_ERROR(CheckState(exemption, from, to));
  HEARTH_RETURN_IF_ERROR(CheckActor(actor, why, limits));
  return Enter(std::move(exemption), to, actor);
}

Status CheckApprover(const Exemption& exemption, const std::string& approver, const std::string& actor) {
  const bool took_part = std::any_of(exemption.steps.begin(), exemption.steps.end(),
                                     [&](const ExemptionStep& step) { return step.actor == approver; });
  if (!approver.empty() && approver != actor && !took_part) return Ok();
  return Error(
      Reason::kSecondApproverNeeded,
      fmt::format("the exemption of card {} is approved by somebody who neither reported, confirmed, "
                  "collected nor grants it",
                  ToString(exemption.card)));
}

Status CheckGrant(const ExemptionGrant& grant, UnixMillis now, const Limits& limits) {
  if (grant.expires <= now) return InvalidField("expires", "later than now");
  if (grant.expires.value - now.value > kLongest.count()) return InvalidField("expires", "within ten years");
  if (grant.cells.size() > limits.cells_per_report) {
    return Error(Reason::kLimitExceeded, fmt::format("{} cells; an exemption names at most {}",
                                                     grant.cells.size(), limits.cells_per_report))
        .Field("cells", fmt::format("at most {}", limits.cells_per_report));
  }
  return Ok();
}

}  // namespace

std::string_view NameOf(ExemptionState state) {
  switch (state) {
    case ExemptionState::kReported:
      return "REPORTED";
    case ExemptionState::kConfirmed:
      return "CONFIRMED";
    case ExemptionState::kCollected:
      return "COLLECTED";
    case ExemptionState::kGranted:
      return "GRANTED";
    case ExemptionState::kRefused:
      return "REFUSED";
    case ExemptionState::kExpired:
      return "EXPIRED";
    case ExemptionState::kRevoked:
      return "REVOKED";
  }
  return "UNKNOWN";
}

bool IsOver(ExemptionState state) {
  return state == ExemptionState::kRefused || state == ExemptionState::kExpired ||
         state == ExemptionState::kRevoked;
}

Result<Exemption> DecideReport(CardNumber card, const Exemption* present, const ExemptionActor& actor,
                               const Limits& limits) {
  if (present != nullptr && !IsOver(present->state)) {
    return Error(Reason::kExemptionStateInvalid,
                 fmt::format("card {} has an exemption that is {}", ToString(card), NameOf(present->state)));
  }
  HEARTH_RETURN_IF_ERROR(CheckActor(actor, "what the installer saw", limits));
  Exemption exemption;
  exemption.card = card;
  return Enter(std::move(exemption), ExemptionState::kReported, actor);
}

Result<Exemption> DecideConfirm(Exemption exemption, const ExemptionActor& actor, const Limits& limits) {
  return Step(std::move(exemption), {ExemptionState::kReported}, ExemptionState::kConfirmed,
              "how it was confirmed", actor, limits);
}

Result<Exemption> DecideCollect(Exemption exemption, const ExemptionActor& actor, const Limits& limits) {
  return Step(std::move(exemption), {ExemptionState::kConfirmed}, ExemptionState::kCollected,
              "why it goes to the centre", actor, limits);
}

Result<Exemption> DecideGrant(Exemption exemption, const ExemptionGrant& grant, const ExemptionActor& actor,
                              const Limits& limits) {
  HEARTH_RETURN_IF_ERROR(CheckState(exemption, {ExemptionState::kCollected}, ExemptionState::kGranted));
  HEARTH_RETURN_IF_ERROR(CheckActor(actor, "why it is granted", limits));
  HEARTH_RETURN_IF_ERROR(CheckGrant(grant, actor.now, limits));
  HEARTH_RETURN_IF_ERROR(CheckApprover(exemption, grant.approver, actor.name));
  exemption.expires = grant.expires;
  exemption.cells = grant.cells;
  return Enter(std::move(exemption), ExemptionState::kGranted, actor, grant.approver);
}

Result<Exemption> DecideRefuse(Exemption exemption, const ExemptionActor& actor, const Limits& limits) {
  return Step(std::move(exemption),
              {ExemptionState::kReported, ExemptionState::kConfirmed, ExemptionState::kCollected},
              ExemptionState::kRefused, "why it is refused", actor, limits);
}

Result<Exemption> DecideRevoke(Exemption exemption, const ExemptionActor& actor, const Limits& limits) {
  return Step(std::move(exemption), {ExemptionState::kGranted}, ExemptionState::kRevoked, "why it is revoked",
              actor, limits);
}

Result<Exemption> DecideExpire(Exemption exemption, UnixMillis now) {
  HEARTH_RETURN_IF_ERROR(CheckState(exemption, {ExemptionState::kGranted}, ExemptionState::kExpired));
  if (now < exemption.expires) {
    return Error(Reason::kExemptionStateInvalid,
                 fmt::format("the exemption of card {} holds until {}", ToString(exemption.card),
                             ToString(exemption.expires)));
  }
  return Enter(std::move(exemption), ExemptionState::kExpired, {"", "", now});
}

bool InForce(const Exemption& exemption, UnixMillis now) {
  return exemption.state == ExemptionState::kGranted && now < exemption.expires;
}

}  // namespace hearth::intervention
