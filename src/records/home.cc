// Homes without signal, and homes that move.
#include "src/records/values.h"

namespace hearth::records {
namespace {

using intervention::Exemption;
using intervention::Relocation;

pb::Exemption Write(const ExemptionRecord& value) {
  const Exemption& from = value.exemption;
  pb::Exemption out;
  out.set_card(from.card.value);
  out.set_state(static_cast<uint32_t>(from.state));
  out.set_expires_ms(from.expires.value);
  for (const std::string& cell : from.cells) out.add_cells(cell);
  for (const intervention::ExemptionStep& step : from.steps) {
    pb::Exemption::Step& to = *out.add_steps();
    to.set_state(static_cast<uint32_t>(step.state));
    to.set_actor(step.actor);
    to.set_approver(step.approver);
    to.set_reason(step.reason);
    to.set_at_ms(step.at.value);
  }
  out.set_account(value.account);
  out.set_area(value.area.value);
  out.set_village(value.village.value);
  return out;
}

ExemptionRecord ReadExemption(const pb::Exemption& in, Checker& check) {
  ExemptionRecord out;
  Exemption& to = out.exemption;
  to.card = check.NeedId<CardNumber>(in.card(), "card");
  to.state = check.Enum<intervention::ExemptionState>(in.state(), "state");
  to.expires = UnixMillis(in.expires_ms());
  to.cells.assign(in.cells().begin(), in.cells().end());
  for (const pb::Exemption::Step& step : in.steps()) {
    to.steps.push_back({.state = check.Enum<intervention::ExemptionState>(step.state(), "step.state"),
                        .actor = step.actor(),
                        .approver = step.approver(),
                        .reason = step.reason(),
                        .at = UnixMillis(step.at_ms())});
  }
  out.account = in.account();
  out.area = check.MaybeId<AreaId>(in.area(), "area");
  out.village = check.MaybeVillage(in.village(), "village");
  return out;
}

pb::Relocation Write(const RelocationRecord& value) {
  const Relocation& from = value.relocation;
  pb::Relocation out;
  out.set_card(from.card.value);
  out.set_from(from.from.value);
  out.set_to(from.to.value);
  out.set_state(static_cast<uint32_t>(from.state));
  out.set_days(from.days);
  out.set_ends_ms(from.ends.value);
  for (const intervention::RelocationStep& step : from.steps) {
    pb::Relocation::Step& to = *out.add_steps();
    to.set_state(static_cast<uint32_t>(step.state));
    to.set_actor(step.actor);
    to.set_reason(step.reason);
    to.set_at_ms(step.at.value);
  }
  out.set_account(value.account);
  out.set_from_village(value.from_village.value);
  out.set_to_village(value.to_village.value);
  out.set_to_natural(value.to_natural);
  out.set_told(value.told);
  return out;
}

RelocationRecord ReadRelocation(const pb::Relocation& in, Checker& check) {
  RelocationRecord out;
  Relocation& to = out.relocation;
  to.card = check.NeedId<CardNumber>(in.card(), "card");
  to.from = check.NeedId<AreaId>(in.from(), "from");
  to.to = check.NeedId<AreaId>(in.to(), "to");
  to.state = check.Enum<intervention::RelocationState>(in.state(), "state");
  to.days = in.days();
  to.ends = UnixMillis(in.ends_ms());
  for (const pb::Relocation::Step& step : in.steps()) {
    to.steps.push_back({.state = check.Enum<intervention::RelocationState>(step.state(), "step.state"),
                        .actor = step.actor(),
                        .reason = step.reason(),
                        .at = UnixMillis(step.at_ms())});
  }
  out.account = in.account();
  out.from_village = check.MaybeVillage(in.from_village(), "from_village");
  out.to_village = check.MaybeVillage(in.to_village(), "to_village");
  out.to_natural = static_cast<uint8_t>(check.Range(in.to_natural(), 0, 99, "to_natural"));
  out.told = in.told();
  return out;
}

}  // namespace

std::string Encode(const ExemptionRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<ExemptionRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadExemption, "exemption", bytes);
}

std::string Encode(const RelocationRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<RelocationRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadRelocation, "relocation", bytes);
}

}  // namespace hearth::records
