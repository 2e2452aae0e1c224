// Channels, packages, products and plans.
#include "src/records/values.h"

namespace hearth::records {
namespace {

using entitlement::Channel;
using entitlement::Criteria;
using entitlement::Product;
using entitlement::Window;
using entitlement::WindowKind;

pb::Criteria Write(const Criteria& value) {
  pb::Criteria out;
  out.set_mode(static_cast<uint32_t>(value.mode));
  out.set_product(value.product);
  out.set_division(value.division);
  out.set_division_except(value.division_except);
  return out;
}

Criteria ReadCriteria(const pb::Criteria& in, Checker& check) {
  return {.mode = check.Enum<entitlement::CriteriaMode>(in.mode(), "criteria.mode"),
          .product = static_cast<uint8_t>(check.Range(in.product(), 0, 127, "criteria.product")),
          .division = static_cast<uint32_t>(check.Range(in.division(), 0, 999'999, "criteria.division")),
          .division_except = in.division_except()};
}

pb::Channel Write(const Channel& value) {
  pb::Channel out;
  out.set_service(value.service.value);
  out.set_name(value.name);
  out.set_name_zh(value.name_zh);
  out.set_kind(static_cast<uint32_t>(value.kind));
  out.set_province(value.province);
  *out.mutable_criteria() = Write(value.criteria);
  return out;
}

Channel ReadChannel(const pb::Channel& in, Checker& check) {
  return {.service = check.NeedId<ServiceId>(in.service(), "service"),
          .name = in.name(),
          .name_zh = in.name_zh(),
          .kind = check.Enum<entitlement::ChannelKind>(in.kind(), "kind"),
          .province = static_cast<uint16_t>(check.Range(in.province(), 0, 99, "province")),
          .criteria = ReadCriteria(in.criteria(), check)};
}

pb::Package Write(const PackageRecord& value) {
  pb::Package out;
  out.set_id(value.package.id.value);
  out.set_name(value.package.name);
  out.set_province(value.package.province);
  for (const ServiceId service : value.package.services) out.add_services(service.value);
  out.set_anchor_epoch(value.anchor_epoch);
  out.set_wrapped_anchor(Chars(value.wrapped_anchor));
  return out;
}

PackageRecord ReadPackage(const pb::Package& in, Checker& check) {
  PackageRecord out;
  out.package.id = check.NeedId<PackageId>(in.id(), "id");
  out.package.name = in.name();
  out.package.province = static_cast<uint16_t>(check.Range(in.province(), 0, 99, "province"));
  check.Range(static_cast<uint64_t>(in.services_size()), 0, entitlement::kServicesPerPackage,
              "count of services");
  for (const uint32_t service : in.services()) {
    out.package.services.push_back(check.NeedId<ServiceId>(service, "service"));
  }
  out.anchor_epoch = in.anchor_epoch();
  out.wrapped_anchor = BytesOf(in.wrapped_anchor());
  return out;
}

pb::Product Write(const Product& value) {
  pb::Product out;
  out.set_id(value.id);
  out.set_name(value.name);
  return out;
}

Product ReadProduct(const pb::Product& in, Checker& check) {
  return {.id = static_cast<uint8_t>(check.Range(in.id(), 0, 127, "id")), .name = in.name()};
}

pb::PlanHead Write(const PlanHead& value) {
  pb::PlanHead out;
  out.set_service(value.service.value);
  out.set_last_number(value.last_number);
  for (const auto& [day, windows] : value.days) {
    pb::PlanHead::Day& item = *out.add_days();
    item.set_day(day);
    item.set_windows(windows);
  }
  return out;
}

PlanHead ReadPlanHead(const pb::PlanHead& in, Checker& check) {
  PlanHead out{.service = check.NeedId<ServiceId>(in.service(), "service"),
               .last_number = in.last_number(),
               .days = {}};
  for (const pb::PlanHead::Day& item : in.days()) {
    const auto day = static_cast<uint32_t>(check.Range(item.day(), 0, kMaxPlanDay, "day"));
    const auto windows = static_cast<uint32_t>(check.Range(item.windows(), 1, UINT32_MAX, "windows"));
    check.Require(out.days.empty() || day > out.days.rbegin()->first, "day", "after the one before it");
    out.days[day] = windows;
  }
  return out;
}

pb::PlanDay Write(const PlanDay& value) {
  pb::PlanDay out;
  out.set_service(value.service.value);
  out.set_day(value.day);
  for (const Window& window : value.windows) {
    pb::PlanDay::Window& item = *out.add_windows();
    item.set_number(window.number);
    item.set_kind(static_cast<uint32_t>(window.kind));
    item.set_start_ms(static_cast<uint32_t>(window.start.value - value.day * kDayMillis));
    item.set_duration_ms(static_cast<uint64_t>(window.end.value - window.start.value));
    if (window.kind == WindowKind::kEvent) *item.mutable_criteria() = Write(window.criteria);
    item.set_division(window.division);
    item.set_title(window.title);
    item.set_event_id(window.event_id);
  }
  return out;
}

Window ReadWindow(const pb::PlanDay::Window& in, uint32_t day, Checker& check) {
  Window out;
  out.number = check.Range(in.number(), 1, UINT64_MAX, "number");
  out.kind = check.Enum<WindowKind>(in.kind(), "kind");
  const uint64_t start = check.Range(in.start_ms(), 0, kDayMillis - 1, "start_ms");
  const auto longest = static_cast<uint64_t>(entitlement::kMaxWindow.count());
  const uint64_t duration = check.Range(in.duration_ms(), 1, longest, "duration_ms");
  out.start = UnixMillis(day * kDayMillis + static_cast<int64_t>(start));
  out.end = UnixMillis(out.start.value + static_cast<int64_t>(duration));
  const bool event = out.kind == WindowKind::kEvent;
  check.Require(event || !in.has_criteria(), "criteria", "only of an event");
  if (event) out.criteria = ReadCriteria(in.criteria(), check);
  const uint64_t most = out.kind == WindowKind::kBlackout ? 999'999 : 0;
  out.division = static_cast<uint32_t>(check.Range(in.division(), 0, most, "division"));
  out.title = in.title();
  out.event_id = in.event_id();
  return out;
}

PlanDay ReadPlanDay(const pb::PlanDay& in, Checker& check) {
  PlanDay out{.service = check.NeedId<ServiceId>(in.service(), "service"),
              .day = static_cast<uint32_t>(check.Range(in.day(), 0, kMaxPlanDay, "day")),
              .windows = {}};
  out.windows.reserve(static_cast<size_t>(in.windows_size()));
  for (const auto& window : in.windows()) out.windows.push_back(ReadWindow(window, out.day, check));
  return out;
}

}  // namespace

std::string Encode(const Channel& value) { return Write(value).SerializeAsString(); }
template <>
Result<Channel> Decode(std::string_view bytes) {
  return DecodeWith(ReadChannel, "channel", bytes);
}

std::string Encode(const PackageRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<PackageRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadPackage, "package", bytes);
}

std::string Encode(const Product& value) { return Write(value).SerializeAsString(); }
template <>
Result<Product> Decode(std::string_view bytes) {
  return DecodeWith(ReadProduct, "product", bytes);
}

std::string Encode(const PlanHead& value) { return Write(value).SerializeAsString(); }
template <>
Result<PlanHead> Decode(std::string_view bytes) {
  return DecodeWith(ReadPlanHead, "plan", bytes);
}

std::string Encode(const PlanDay& value) { return Write(value).SerializeAsString(); }
template <>
Result<PlanDay> Decode(std::string_view bytes) {
  return DecodeWith(ReadPlanDay, "day of a plan", bytes);
}

}  // namespace hearth::records
