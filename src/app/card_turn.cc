#include "src/app/card_turn.h"

#include <fmt/format.h>

namespace hearth::app {
namespace {

using records::CardRecord;
using records::Urgency;

void EmitStanding(Txn& txn, const entitlement::Card& card, Urgency urgency) {
  txn.Emit(records::StandingChanged{.card = card.number,
                                    .standing = card.standing,
                                    .reason = card.reason,
                                    .stamp = card.standing_stamp},
           urgency);
  txn.Emit(records::MemberChanged{.group = card.place.group,
                                  .change = {.card = card.number,
                                             .slot = card.place.slot,
                                             .on = card.standing != entitlement::Standing::kDark,
                                             .leave = false,
                                             .stamp = card.standing_stamp}},
           urgency);
}

Status End(Txn& txn, CardRecord& record, uint64_t& number, const Turn& end) {
  if (number == 0) return Ok();
  const std::string key = InterventionKey(record.card.number, number).key;
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<records::InterventionRecord>(key));
  number = 0;
  if (!stored) return Ok();
  HEARTH_ASSIGN_OR_RETURN(stored->value.intervention, end(std::move(stored->value.intervention)));
  txn.Write(key, stored->value);
  return Ok();
}

}  // namespace

Status SwitchOn(Txn& txn, CardRecord& record, Urgency urgency) {
  HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/true));
  record.card = entitlement::SwitchOn(std::move(record.card), stamp, txn.now());
  EmitStanding(txn, record.card, urgency);
  return Ok();
}

Status SwitchOff(Txn& txn, CardRecord& record, Urgency urgency) {
  HEARTH_ASSIGN_OR_RETURN(const Stamp stamp, txn.NextStamp(/*open=*/true));
  record.card = entitlement::SwitchOff(std::move(record.card), entitlement::StandingReason::kLocation, stamp,
                                       txn.now());
  EmitStanding(txn, record.card, urgency);
  return Ok();
}

Status RefreshStanding(Txn& txn, CardRecord& record) {
  const auto standing = record.card.exempt ? entitlement::Standing::kOnExempt : entitlement::Standing::kOn;
  if (record.card.standing == entitlement::Standing::kDark || record.card.standing == standing) return Ok();
  const UnixMillis since = record.card.standing_since;
  HEARTH_RETURN_IF_ERROR(SwitchOn(txn, record));
  record.card.standing_since = since;
  return Ok();
}

Result<uint64_t> WriteIntervention(Txn& txn, CardRecord& record, intervention::Intervention intervention) {
  const uint64_t n = ++record.interventions;
  intervention.id = fmt::format("{}-{}", ToString(record.card.number), n);
  intervention.card = record.card.number;
  txn.Write(InterventionKey(record.card.number, n).key,
            records::InterventionRecord{.intervention = std::move(intervention),
                                        .account = record.card.claim.account,
                                        .area = record.card.area});
  return n;
}

Status EndInForce(Txn& txn, CardRecord& record, const Turn& end) {
  return End(txn, record, record.in_force, end);
}

Status EndHeld(Txn& txn, CardRecord& record, const Turn& end) { return End(txn, record, record.held, end); }

Status EndInterventions(Txn& txn, CardRecord& record, std::string_view actor, const std::string& why) {
  HEARTH_RETURN_IF_ERROR(EndInForce(txn, record, [&](intervention::Intervention ended) {
    if (ended.state == intervention::InterventionState::kInForce) {
      ended.state = intervention::InterventionState::kLifted;
      ended.lifted = txn.now();
      ended.lifted_by = std::string(actor);
      ended.lift_reason = why;
    }
    return Result<intervention::Intervention>(std::move(ended));
  }));
  return EndHeld(txn, record, [&](intervention::Intervention held) {
    return intervention::Expire(std::move(held), txn.now());
  });
}

}  // namespace hearth::app
