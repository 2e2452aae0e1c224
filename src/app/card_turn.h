// What a decision about location does to a card, inside a command of the card's bucket: standing, messages,
// the record of the intervention. One thread.
#pragma once

#include <string>

#include "geofence/verdict.h"
#include "intervention/lifecycle.h"
#include "src/app/executor.h"

namespace hearth::app {

// The card is where it may be watched, or need not be heard there.
inline bool AtHome(geofence::Verdict verdict) {
  return verdict == geofence::Verdict::kInArea || verdict == geofence::Verdict::kExempt;
}

// Standing and bitmap of the card change, and go on the air.
Status SwitchOn(Txn& txn, records::CardRecord& record, records::Urgency urgency = records::Urgency::kNormal);
Status SwitchOff(Txn& txn, records::CardRecord& record, records::Urgency urgency = records::Urgency::kNormal);

// A lit card is exempt or not by now, and its box has to know: its standing says so. Lit since it was.
Status RefreshStanding(Txn& txn, records::CardRecord& record);

// Writes a new intervention of the card; gives it the card's next number, which is returned.
Result<uint64_t> WriteIntervention(Txn& txn, records::CardRecord& record,
                                   intervention::Intervention intervention);

using Turn = std::function<Result<intervention::Intervention>(intervention::Intervention)>;
// Ends the intervention in force, if any.
Status EndInForce(Txn& txn, records::CardRecord& record, const Turn& end);
// Ends the held or proposed one, if any.
Status EndHeld(Txn& txn, records::CardRecord& record, const Turn& end);

// A card that gets another box, leaves its account or is evicted is under intervention no more: what keeps it
// dark from here on is something else, and what waited is moot.
Status EndInterventions(Txn& txn, records::CardRecord& record, std::string_view actor,
                        const std::string& why);

}  // namespace hearth::app
