#include "src/app/card_home.h"

namespace hearth::app {
namespace {

using intervention::ExemptionState;
using records::CardRecord;
using records::ExemptionRecord;
using records::RelocationRecord;

}  // namespace

void ClearExemption(CardRecord& card) {
  card.card.exempt = false;
  card.exempt_until = UnixMillis();
  card.exempt_cells.clear();
}

Status ChangeHome(Txn& txn, CardRecord& card, AreaId area, RegionCode village) {
  card.card.area = area;
  card.card.village = village;
  card.also = AreaId();
  card.also_until = UnixMillis();
  // Cells of the former home: neither drift nor a silent card's evidence is to be judged by them.
  card.home_cell.reset();
  card.installed_cell.reset();
  HEARTH_ASSIGN_OR_RETURN(card.card.record_stamp, txn.NextStamp(/*open=*/false));
  txn.Emit(records::RecordDue{.card = card.card.number});
  return Ok();
}

Status EndExemption(Txn& txn, CardRecord& card, const std::string& why, const Limits& limits) {
  ClearExemption(card);
  const std::string key = ExemptionKey(card.card.number).key;
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<ExemptionRecord>(key));
  if (!stored || intervention::IsOver(stored->value.exemption.state)) return Ok();
  intervention::Exemption& exemption = stored->value.exemption;
  const intervention::ExemptionActor actor{.name = "hearthd", .reason = why, .now = txn.now()};
  if (exemption.state == ExemptionState::kGranted) {
    HEARTH_ASSIGN_OR_RETURN(exemption, intervention::DecideRevoke(exemption, actor, limits));
  } else {
    HEARTH_ASSIGN_OR_RETURN(exemption, intervention::DecideRefuse(exemption, actor, limits));
  }
  txn.Write(key, stored->value);
  return Ok();
}

Status EndRelocation(Txn& txn, CardRecord& card, const std::string& why, const Limits& limits) {
  card.also = AreaId();
  card.also_until = UnixMillis();
  const std::string key = RelocationKey(card.card.number).key;
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<RelocationRecord>(key));
  if (!stored || intervention::IsOver(stored->value.relocation.state)) return Ok();
  intervention::Relocation& relocation = stored->value.relocation;
  HEARTH_ASSIGN_OR_RETURN(
      relocation,
      intervention::DecideCancel(
          relocation, {.name = "hearthd", .reason = why, .now = txn.now(), .from_centre = false}, limits));
  txn.Write(key, stored->value);
  return Ok();
}

Result<bool> ConfirmRelocation(Txn& txn, CardRecord& card, UnixMillis reported, const Limits& limits) {
  const std::string key = RelocationKey(card.card.number).key;
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<RelocationRecord>(key));
  if (!stored || stored->value.relocation.state != intervention::RelocationState::kApproved) return false;
  HEARTH_ASSIGN_OR_RETURN(
      auto confirmed, intervention::DecideHeard(stored->value.relocation, card.also, reported, txn.now()));
  if (!confirmed) return false;
  stored->value.relocation = std::move(*confirmed);
  stored->value.told = false;
  HEARTH_RETURN_IF_ERROR(ChangeHome(txn, card, stored->value.relocation.to, stored->value.to_village));
  // It was granted for the valley that was left.
  HEARTH_RETURN_IF_ERROR(EndExemption(txn, card, "the subscriber moved house", limits));
  txn.Write(key, stored->value);
  return true;
}

}  // namespace hearth::app
