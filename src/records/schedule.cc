// Channels and packages.
#include "src/records/values.h"

namespace hearth::records {
namespace {

using entitlement::Channel;
using entitlement::Criteria;

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

}  // namespace hearth::records
