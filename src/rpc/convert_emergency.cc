#include <fmt/format.h>

#include "src/base/field_errors.h"
#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"

// The conversions of the emergency broadcast, in both directions.

namespace hearth::rpc {
namespace {

using entitlement::EmergencyKind;
using entitlement::EmergencyState;
using entitlement::Severity;

static_assert(static_cast<int>(EmergencyKind::kOther) == v1::Emergency::OTHER);
static_assert(static_cast<int>(EmergencyKind::kColdAndSnow) == v1::Emergency::COLD_AND_SNOW);
static_assert(static_cast<int>(Severity::kRed) == v1::Emergency::RED);
static_assert(static_cast<int>(Severity::kBlue) == v1::Emergency::BLUE);
static_assert(static_cast<int>(EmergencyState::kProposed) == v1::Emergency::PROPOSED);
static_assert(static_cast<int>(EmergencyState::kCancelled) == v1::Emergency::CANCELLED);

EmergencyKind KindFrom(v1::Emergency::Kind kind, FieldErrors& errors) {
  if (kind == v1::Emergency::KIND_UNSPECIFIED) {
    errors.Add(MissingField("emergency.kind", "what it is about, or OTHER"));
    return EmergencyKind::kOther;
  }
  errors.Require(v1::Emergency::Kind_IsValid(kind), "emergency.kind", "one of the kinds of Emergency.Kind");
  return static_cast<EmergencyKind>(kind);
}

Severity SeverityFrom(v1::Emergency::Severity severity, FieldErrors& errors) {
  if (severity == v1::Emergency::SEVERITY_UNSPECIFIED) {
    errors.Add(MissingField("emergency.severity", "RED, ORANGE, YELLOW or BLUE"));
    return Severity::kRed;
  }
  errors.Require(v1::Emergency::Severity_IsValid(severity), "emergency.severity",
                 "RED, ORANGE, YELLOW or BLUE");
  return static_cast<Severity>(severity);
}

std::vector<uint32_t> RegionsFrom(const v1::Emergency& in, const Limits& limits, FieldErrors& errors) {
  errors.Require(!in.everywhere() || in.regions().empty(), "emergency.everywhere", "only without regions");
  if (in.everywhere()) return {0};
  std::vector<uint32_t> regions;
  if (static_cast<size_t>(in.regions_size()) > limits.page_items) {
    errors.Require(false, "emergency.regions", fmt::format("at most {}", limits.page_items));
    return regions;
  }
  for (int i = 0; i < in.regions_size(); ++i) {
    const std::string field = fmt::format("emergency.regions[{}]", i);
    errors.Require(!in.regions(i).empty(), field, "a division of 2, 4 or 6 digits");
    regions.push_back(errors.Take(DivisionFrom(in.regions(i), field)));
  }
  return regions;
}

entitlement::ServicePointer ServiceFrom(const v1::Emergency::Service& in, FieldErrors& errors) {
  const auto number = [&](uint32_t value, uint32_t least, const char* field) {
    errors.Require(value >= least && value <= 65'535, fmt::format("emergency.service.{}", field),
                   fmt::format("{} to 65535", least));
    return static_cast<uint16_t>(value);
  };
  return {.original_network = number(in.original_network_id(), 0, "original_network_id"),
          .transport_stream = number(in.transport_stream_id(), 0, "transport_stream_id"),
          .service = number(in.service_id(), 1, "service_id")};
}

void SetTime(UnixMillis time, google::protobuf::Timestamp* (v1::Emergency::*field)(), v1::Emergency& out) {
  if (time != UnixMillis()) *(out.*field)() = ToTimestamp(time);
}

}  // namespace

Result<entitlement::Emergency> EmergencyFrom(const v1::Emergency& in) {
  const Limits limits;
  FieldErrors errors(limits);
  entitlement::Emergency out;
  out.drill = in.drill();
  out.kind = KindFrom(in.kind(), errors);
  out.severity = SeverityFrom(in.severity(), errors);
  out.regions = RegionsFrom(in, limits, errors);
  if (in.has_service()) out.service = ServiceFrom(in.service(), errors);
  out.reference = errors.Text(in.reference(), "emergency.reference");
  if (in.has_start()) out.start = errors.Take(TimeFrom(in.start(), "emergency.start"));
  errors.Require(in.duration_minutes() >= 1 && in.duration_minutes() <= entitlement::kMaxEmergencyMinutes,
                 "emergency.duration_minutes", fmt::format("1 to {}", entitlement::kMaxEmergencyMinutes));
  out.minutes = static_cast<uint16_t>(in.duration_minutes());
  return errors.Finish(std::move(out));
}

v1::Emergency ToProto(const app::EmergencyView& view) {
  const entitlement::Emergency& in = view.emergency;
  v1::Emergency out;
  out.set_number(in.number);
  out.set_state(static_cast<v1::Emergency::State>(in.state));
  out.set_over(view.over);
  out.set_drill(in.drill);
  out.set_kind(static_cast<v1::Emergency::Kind>(in.kind));
  out.set_severity(static_cast<v1::Emergency::Severity>(in.severity));
  for (const uint32_t region : in.regions) {
    if (region == 0) {
      out.set_everywhere(true);
    } else {
      out.add_regions(DivisionText(region));
    }
  }
  if (!in.service.none()) {
    out.mutable_service()->set_original_network_id(in.service.original_network);
    out.mutable_service()->set_transport_stream_id(in.service.transport_stream);
    out.mutable_service()->set_service_id(in.service.service);
  }
  out.set_reference(in.reference);
  SetTime(in.start, &v1::Emergency::mutable_start, out);
  out.set_duration_minutes(in.minutes);
  SetTime(entitlement::EndOf(in), &v1::Emergency::mutable_end, out);
  out.set_proposed_by(in.proposed_by);
  SetTime(in.proposed, &v1::Emergency::mutable_proposed, out);
  out.set_approved_by(in.approved_by);
  SetTime(in.approved, &v1::Emergency::mutable_approved, out);
  out.set_cancelled_by(in.cancelled_by);
  SetTime(in.cancelled, &v1::Emergency::mutable_cancelled, out);
  out.set_revision(view.revision);
  return out;
}

}  // namespace hearth::rpc
