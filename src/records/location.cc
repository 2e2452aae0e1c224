// What reports leave behind: the location state of a card, the cells it heard, interventions.
#include "src/records/values.h"

namespace hearth::records {

using geofence::HeardCell;
using geofence::Verdict;
using intervention::Intervention;
using intervention::LocationState;

pb::LocationState Write(const LocationState& value) {
  pb::LocationState out;
  out.set_standing(static_cast<uint32_t>(value.standing));
  if (value.last_counter) out.set_last_counter(*value.last_counter);
  out.set_last_report_ms(value.last_report_time.value);
  if (value.last_verdict) out.set_last_verdict(static_cast<uint32_t>(*value.last_verdict));
  out.set_blacklisted_count(value.blacklisted_count);
  out.set_blacklisted_since_ms(value.blacklisted_since.value);
  out.set_out_of_area_count(value.out_of_area_count);
  out.set_out_of_area_since_ms(value.out_of_area_since.value);
  out.set_last_decision_ms(value.last_decision_time.value);
  return out;
}

LocationState ReadLocationState(const pb::LocationState& in, Checker& check) {
  LocationState out;
  out.standing = check.Enum<intervention::Standing>(in.standing(), "location.standing");
  if (in.has_last_counter()) out.last_counter = in.last_counter();
  out.last_report_time = UnixMillis(in.last_report_ms());
  if (in.last_verdict() != 0) {
    out.last_verdict = check.Enum<Verdict>(in.last_verdict(), "location.last_verdict");
  }
  out.blacklisted_count = in.blacklisted_count();
  out.blacklisted_since = UnixMillis(in.blacklisted_since_ms());
  out.out_of_area_count = in.out_of_area_count();
  out.out_of_area_since = UnixMillis(in.out_of_area_since_ms());
  out.last_decision_time = UnixMillis(in.last_decision_ms());
  return out;
}

pb::Heard Write(const HeardCell& value) {
  pb::Heard out;
  out.set_cell(Chars(geofence::PackCell(value.cell)));
  out.set_signal_dbm(value.signal_dbm);
  return out;
}

HeardCell ReadHeard(const pb::Heard& in, Checker& check) {
  return {.cell = check.Cell(in.cell(), "heard.cell"),
          .signal_dbm = check.I8(in.signal_dbm(), "heard.signal_dbm")};
}

namespace {

pb::Intervention Write(const InterventionRecord& value) {
  const Intervention& from = value.intervention;
  pb::Intervention out;
  out.set_id(from.id);
  out.set_card(from.card.value);
  out.set_state(static_cast<uint32_t>(from.state));
  out.set_cause(static_cast<uint32_t>(from.cause));
  out.set_verdict(static_cast<uint32_t>(from.verdict));
  out.set_evidence(from.evidence);
  for (const intervention::ListVersion& list : from.lists) {
    pb::ListVersion& to = *out.add_lists();
    to.set_list(list.list.value);
    to.set_version(list.version);
  }
  out.set_policy_version(from.policy_version);
  out.set_reported_ms(from.reported.value);
  out.set_decided_ms(from.decided.value);
  out.set_lifted_ms(from.lifted.value);
  out.set_lifted_by(from.lifted_by);
  out.set_lift_reason(from.lift_reason);
  out.set_account(value.account);
  out.set_area(value.area.value);
  out.set_breaker(static_cast<uint32_t>(from.breaker));
  out.set_released_by(from.released_by);
  out.set_released_ms(from.released.value);
  out.set_rollout(from.rollout);
  return out;
}

InterventionRecord ReadIntervention(const pb::Intervention& in, Checker& check) {
  InterventionRecord out;
  Intervention& to = out.intervention;
  check.Require(!in.id().empty(), "id", "given");
  to.id = in.id();
  to.card = check.NeedId<CardNumber>(in.card(), "card");
  to.state = check.Enum<intervention::InterventionState>(in.state(), "state");
  to.cause = check.Enum<intervention::Cause>(in.cause(), "cause");
  to.verdict = check.Enum<Verdict>(in.verdict(), "verdict");
  to.evidence = in.evidence();
  for (const pb::ListVersion& list : in.lists()) {
    to.lists.push_back({check.MaybeId<AreaId>(list.list(), "list"), list.version()});
  }
  to.policy_version = in.policy_version();
  to.reported = UnixMillis(in.reported_ms());
  to.decided = UnixMillis(in.decided_ms());
  to.lifted = UnixMillis(in.lifted_ms());
  to.lifted_by = in.lifted_by();
  to.lift_reason = in.lift_reason();
  out.account = in.account();
  out.area = check.MaybeId<AreaId>(in.area(), "area");
  if (in.breaker() != 0) to.breaker = check.Enum<intervention::BreakerAnswer>(in.breaker(), "breaker");
  to.released_by = in.released_by();
  to.released = UnixMillis(in.released_ms());
  to.rollout = in.rollout();
  return out;
}

}  // namespace

std::string Encode(const InterventionRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<InterventionRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadIntervention, "intervention", bytes);
}

}  // namespace hearth::records
