// Alerts of the emergency broadcast.
#include "src/records/values.h"

namespace hearth::records {
namespace {

using entitlement::Emergency;

pb::Emergency Write(const Emergency& value) {
  pb::Emergency out;
  out.set_number(value.number);
  out.set_state(static_cast<uint32_t>(value.state));
  out.set_drill(value.drill);
  out.set_kind(static_cast<uint32_t>(value.kind));
  out.set_severity(static_cast<uint32_t>(value.severity));
  for (const uint32_t region : value.regions) out.add_regions(region);
  out.set_original_network(value.service.original_network);
  out.set_transport_stream(value.service.transport_stream);
  out.set_service(value.service.service);
  out.set_reference(value.reference);
  out.set_start_ms(value.start.value);
  out.set_minutes(value.minutes);
  out.set_proposed_by(value.proposed_by);
  out.set_proposed_ms(value.proposed.value);
  out.set_approved_by(value.approved_by);
  out.set_approved_ms(value.approved.value);
  out.set_cancelled_by(value.cancelled_by);
  out.set_cancelled_ms(value.cancelled.value);
  out.set_stamp(value.stamp.value);
  return out;
}

Emergency ReadEmergency(const pb::Emergency& in, Checker& check) {
  Emergency out;
  out.number = check.Range(in.number(), 1, UINT64_MAX, "number");
  out.state = check.Enum<entitlement::EmergencyState>(in.state(), "state");
  out.drill = in.drill();
  out.kind = check.Enum<entitlement::EmergencyKind>(in.kind(), "kind");
  out.severity = check.Enum<entitlement::Severity>(in.severity(), "severity");
  check.Range(static_cast<uint64_t>(in.regions_size()), 1, entitlement::kEmergencyRegions,
              "count of regions");
  for (const uint32_t region : in.regions()) {
    out.regions.push_back(static_cast<uint32_t>(check.Range(region, 0, 999'999, "region")));
  }
  out.service = {.original_network = check.U16(in.original_network(), "original_network"),
                 .transport_stream = check.U16(in.transport_stream(), "transport_stream"),
                 .service = check.U16(in.service(), "service")};
  out.reference = in.reference();
  out.start = UnixMillis(in.start_ms());
  out.minutes =
      static_cast<uint16_t>(check.Range(in.minutes(), 1, entitlement::kMaxEmergencyMinutes, "minutes"));
  out.proposed_by = in.proposed_by();
  out.proposed = UnixMillis(in.proposed_ms());
  out.approved_by = in.approved_by();
  out.approved = UnixMillis(in.approved_ms());
  out.cancelled_by = in.cancelled_by();
  out.cancelled = UnixMillis(in.cancelled_ms());
  out.stamp = check.MaybeId<Stamp>(in.stamp(), "stamp");
  return out;
}

pb::EmergencyHead Write(const EmergencyHead& value) {
  pb::EmergencyHead out;
  out.set_last_number(value.last_number);
  for (const uint64_t number : value.open) out.add_open(number);
  return out;
}

EmergencyHead ReadEmergencyHead(const pb::EmergencyHead& in, Checker&) {
  return {.last_number = in.last_number(), .open = {in.open().begin(), in.open().end()}};
}

}  // namespace

std::string Encode(const Emergency& value) { return Write(value).SerializeAsString(); }
template <>
Result<Emergency> Decode(std::string_view bytes) {
  return DecodeWith(ReadEmergency, "alert", bytes);
}

std::string Encode(const EmergencyHead& value) { return Write(value).SerializeAsString(); }
template <>
Result<EmergencyHead> Decode(std::string_view bytes) {
  return DecodeWith(ReadEmergencyHead, "list of alerts", bytes);
}

}  // namespace hearth::records
