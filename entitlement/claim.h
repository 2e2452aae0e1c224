// A claim on something that may belong to one account only: card, box, SIM, person.
//
// Each unique thing lives in its own bucket, so a claim names the account ("home") and the intent it was made
// for, and is believed only as far as the home confirms it.
#pragma once

#include <string>

#include "entitlement/account.h"

namespace hearth::entitlement {

enum class ClaimKind : uint8_t { kCard = 1, kBox = 2, kSim = 3, kPerson = 4 };

std::string_view NameOf(ClaimKind kind);

struct Claim {
  std::string account;  // form number of the home; empty: not claimed
  RequestId intent;

  bool held() const { return !account.empty(); }
  bool operator==(const Claim&) const = default;
};

// What a home says of a claim on it.
//   kDead     no such account, or its intent was given up, or it has let go of the thing
//   kPending  the intent is still being settled
//   kHeld     the account has the thing
enum class ClaimFate : uint8_t { kDead, kPending, kHeld };

// `home`: the account the claim names, or nullptr. `kind` and `number` say what is claimed; the number is the
// card, box or SIM number, and not looked at for the other kinds.
ClaimFate FateOf(const Claim& claim, const Account* home, ClaimKind kind, uint64_t number);

// The refusal when something is taken: CARD_IN_USE, BOX_IN_USE, SIM_IN_USE, PERSON_IN_USE.
Error ClaimRefused(ClaimKind kind, const std::string& thing, const Claim& by, ClaimFate fate);

}  // namespace hearth::entitlement
