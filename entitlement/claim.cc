#include "entitlement/claim.h"

#include <fmt/format.h>

namespace hearth::entitlement {
namespace {

bool Has(const Devices& devices, ClaimKind kind, uint64_t number) {
  switch (kind) {
    case ClaimKind::kCard:
      return devices.card.value == number;
    case ClaimKind::kBox:
      return devices.box.value == number;
    case ClaimKind::kSim:
      return devices.sim.value == number;
    case ClaimKind::kPerson:
      return true;
  }
  return false;
}

}  // namespace

std::string_view NameOf(ClaimKind kind) {
  switch (kind) {
    case ClaimKind::kCard:
      return "card";
    case ClaimKind::kBox:
      return "box";
    case ClaimKind::kSim:
      return "SIM";
    case ClaimKind::kPerson:
      return "person";
  }
  return "unknown";
}

ClaimFate FateOf(const Claim& claim, const Account* home, ClaimKind kind, uint64_t number) {
  if (!claim.held() || home == nullptr) return ClaimFate::kDead;
  const bool claiming = home->intent && home->intent->phase == IntentPhase::kClaiming;
  if (claiming && home->intent->id == claim.intent && Has(home->intent->wanted, kind, number)) {
    return ClaimFate::kPending;
  }
  // A finishing intent still holds what it is about to release: the finisher frees it, and only then may
  // another account have it, so that its cards never see two homes at once.
  const bool finishing = home->intent && home->intent->phase == IntentPhase::kFinishing;
  const bool releasing =
      finishing && (kind == ClaimKind::kPerson ? home->intent->kind == IntentKind::kClose
                                               : Has(home->intent->released, kind, number));
  if (releasing) return ClaimFate::kPending;
  if (home->state == AccountState::kOpening) return ClaimFate::kDead;
  if (home->state == AccountState::kClosed) return ClaimFate::kDead;
  return Has(home->form.devices, kind, number) ? ClaimFate::kHeld : ClaimFate::kDead;
}

Error ClaimRefused(ClaimKind kind, const std::string& thing, const Claim& by, ClaimFate fate) {
  const auto reason = [&] {
    switch (kind) {
      case ClaimKind::kCard:
        return Reason::kCardInUse;
      case ClaimKind::kBox:
        return Reason::kBoxInUse;
      case ClaimKind::kSim:
        return Reason::kSimInUse;
      case ClaimKind::kPerson:
        return Reason::kPersonInUse;
    }
    return Reason::kInternal;
  }();
  return Error(reason,
               fmt::format("{} {} {} account {}", NameOf(kind), thing,
                           fate == ClaimFate::kPending ? "is being bound to or freed from" : "belongs to",
                           by.account))
      .With("account", by.account);
}

}  // namespace hearth::entitlement
