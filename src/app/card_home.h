// What exemption and relocation do to their card, inside a command of the card's bucket, where both are kept
// beside it: so each step and its effect are one commit. One thread.
#pragma once

#include <string>

#include "src/app/executor.h"
#include "src/base/limits.h"

namespace hearth::app {

// Takes the granted exemption away from the card. Its standing is the caller's.
void ClearExemption(records::CardRecord& card);
// The home is another one: area, village, and what it was known to hear there. The box is told.
Status ChangeHome(Txn& txn, records::CardRecord& card, AreaId area, RegionCode village);

// The exemption, if it is not over, ends because the home is none of the card's any more: a granted one is
// REVOKED, another one REFUSED. Does not write the card.
Status EndExemption(Txn& txn, records::CardRecord& card, const std::string& why, const Limits& limits);
// The same for the relocation: CANCELLED. Does not write the card.
Status EndRelocation(Txn& txn, records::CardRecord& card, const std::string& why, const Limits& limits);

// The card was heard in `also`, by a report of this time of its own: its relocation is CONFIRMED, the new
// home is the card's, an exemption of the old one ends. False: nothing of that. Does not write the card.
Result<bool> ConfirmRelocation(Txn& txn, records::CardRecord& card, UnixMillis reported,
                               const Limits& limits);

}  // namespace hearth::app
