#include <algorithm>

#include <fmt/format.h>

#include "src/base/field_errors.h"
#include "src/rpc/convert_in.h"

// The conversions of what is registered and sold: forms, stock, batches, channels, packages, ECMs.

namespace hearth::rpc {
namespace {

using entitlement::CriteriaMode;

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Two digits, or 0 for an empty text.
Result<uint16_t> ProvinceFrom(std::string_view text, std::string_view field) {
  if (text.empty()) return uint16_t{0};
  const auto region = ParseRegionCode(text, field);
  if (!region || LevelOf(*region) != RegionLevel::kProvince) {
    return InvalidField(std::string(field), "the two digits of a province");
  }
  return static_cast<uint16_t>(region->value);
}

Result<crypto::Key128> KeyFrom(const std::string& bytes, std::string_view field) {
  if (bytes.empty()) return MissingField(std::string(field), "16 bytes");
  auto key = crypto::Key128::FromBytes(AsBytes(bytes));
  if (!key) return InvalidField(std::string(field), fmt::format("16 bytes, not {}", bytes.size()));
  return key;
}

Result<CriteriaMode> CriteriaModeFrom(v1::AccessCriteria::Mode mode, std::string_view field) {
  switch (mode) {
    case v1::AccessCriteria::MODE_UNSPECIFIED:
    case v1::AccessCriteria::SUBSCRIBERS:
      return CriteriaMode::kSubscribers;
    case v1::AccessCriteria::CLOSED:
      return CriteriaMode::kClosed;
    case v1::AccessCriteria::PRODUCT:
      return CriteriaMode::kProduct;
    case v1::AccessCriteria::OPEN_TO_ALL:
      return CriteriaMode::kOpen;
    default:
      return InvalidField(std::string(field), "CLOSED, SUBSCRIBERS, PRODUCT or OPEN_TO_ALL");
  }
}

entitlement::SubsidyClass SubsidyFrom(v1::Person::SubsidyClass subsidy, FieldErrors& errors) {
  errors.Require(v1::Person::SubsidyClass_IsValid(subsidy), "form.person.subsidy_class",
                 "NONE, FIVE_GUARANTEE, DISABLED, MILITARY_FAMILY or OTHER");
  static_assert(static_cast<int>(entitlement::SubsidyClass::kOther) == v1::Person::OTHER);
  return static_cast<entitlement::SubsidyClass>(subsidy);
}

app::StockBox StockBoxFrom(const v1::StockBox& box, FieldErrors& errors) {
  app::StockBox out;
  out.serial = errors.Take(ParseBoxSerial(box.box_serial(), "box.box_serial"));
  out.encrypted_serial = box.encrypted_serial();
  out.imei = box.imei();
  out.model = errors.Text(box.model(), "box.model");
  errors.Require(out.serial.value != 0 || box.box_serial().empty(), "box.box_serial", "not all zero");
  errors.Require(out.encrypted_serial.size() == 11 && AllDigits(out.encrypted_serial), "box.encrypted_serial",
                 "exactly 11 digits");
  errors.Require(out.imei.size() == 15 && AllDigits(out.imei), "box.imei", "exactly 15 digits");
  errors.Require(!out.model.empty(), "box.model", "the manufacturer's name of the model");
  out.chip_key = crypto::ChipKey(errors.Take(KeyFrom(box.chip_key(), "box.chip_key")));
  return out;
}

}  // namespace

Result<uint16_t> Number16(uint32_t value, std::string_view field) {
  if (value == 0) return MissingField(std::string(field), "1 to 65535");
  if (value > 0xFFFF) return InvalidField(std::string(field), fmt::format("1 to 65535, not {}", value));
  return static_cast<uint16_t>(value);
}

Result<uint32_t> DivisionFrom(std::string_view text, std::string_view field) {
  if (text.empty()) return uint32_t{0};
  const auto region = ParseRegionCode(text, field);
  if (!region || region->value > 999'999) {
    return InvalidField(std::string(field), "a division of 2, 4 or 6 digits, or empty");
  }
  uint64_t division = region->value;
  while (division < 100'000) division *= 100;
  return static_cast<uint32_t>(division);
}

entitlement::Criteria CriteriaFrom(const v1::AccessCriteria& criteria, const std::string& prefix,
                                   FieldErrors& errors) {
  const std::string path = prefix + "criteria.";
  entitlement::Criteria out;
  out.mode = errors.Take(CriteriaModeFrom(criteria.mode(), path + "mode"));
  errors.Require(criteria.product() <= 127, path + "product", "0 to 127");
  out.product = static_cast<uint8_t>(criteria.product() & 0x7F);
  out.division = errors.Take(DivisionFrom(criteria.region(), path + "region"));
  out.division_except = criteria.region_except();
  // The domain names its fields from "criteria" on.
  if (const Status status = entitlement::CheckCriteria(out); !status) {
    for (const FieldViolation& violation : status.error().violations()) {
      errors.Require(false, prefix + violation.field, violation.description);
    }
  }
  return out;
}

Result<entitlement::Form> FormFrom(const v1::FivePartForm& form, const Limits& limits) {
  FieldErrors errors(limits);
  entitlement::Form out;
  out.form_number = form.form_number();
  const v1::Person& person = form.person();
  out.person = {.name = person.name(),
                .person_id = person.person_id(),
                .phone = person.phone(),
                .address = person.address(),
                .subsidy_class = SubsidyFrom(person.subsidy_class(), errors)};
  const geofence::PlaceCode place = errors.Take(geofence::ParsePlaceCode(form.village(), "form.village"));
  out.village = geofence::VillageOf(place);
  out.natural_village = static_cast<uint8_t>(geofence::IsNatural(place) ? place.value % 100 : 0);
  out.devices = {.card = errors.Take(ParseCardNumber(form.card_number(), "form.card_number")),
                 .box = errors.Take(ParseBoxSerial(form.box_serial(), "form.box_serial")),
                 .sim = errors.Take(ParseSimNumber(form.sim_number(), "form.sim_number"))};
  // The domain's rules for the rest, in the same answer.
  errors.Check(entitlement::CheckForm(out, limits));
  return errors.Finish(std::move(out));
}

Result<entitlement::Devices> SwapFrom(const v1::SwapDeviceRequest& request) {
  const Limits limits;
  FieldErrors errors(limits);
  entitlement::Devices out;
  if (!request.new_card_number().empty()) {
    out.card = errors.Take(ParseCardNumber(request.new_card_number(), "new_card_number"));
    errors.Require(out.card.value != 0, "new_card_number", "12 digits, not all zero");
  }
  if (!request.new_box_serial().empty()) {
    out.box = errors.Take(ParseBoxSerial(request.new_box_serial(), "new_box_serial"));
    errors.Require(out.box.value != 0, "new_box_serial", "16 digits, not all zero");
  }
  if (!request.new_sim_number().empty()) {
    out.sim = errors.Take(ParseSimNumber(request.new_sim_number(), "new_sim_number"));
  }
  return errors.Finish(out);
}

Result<app::StockItem> StockItemFrom(const v1::StockRow& row, const Limits& limits) {
  FieldErrors errors(limits);
  app::StockItem item;
  switch (row.item_case()) {
    case v1::StockRow::kCard: {
      const auto card = errors.Take(ParseCardNumber(row.card().card_number(), "card.card_number"));
      errors.Require(card.value != 0, "card.card_number", "12 digits, not all zero");
      item = app::StockCard{.card = card,
                            .batch = BatchId(errors.Take(Number16(row.card().batch(), "card.batch")))};
      break;
    }
    case v1::StockRow::kBox:
      item = StockBoxFrom(row.box(), errors);
      break;
    case v1::StockRow::kSim: {
      const std::string& iccid = row.sim().iccid();
      errors.Require((iccid.size() == 19 || iccid.size() == 20) && AllDigits(iccid), "sim.iccid",
                     "19 or 20 digits");
      item = app::StockSim{.sim = errors.Take(ParseSimNumber(row.sim().sim_number(), "sim.sim_number")),
                           .iccid = iccid};
      break;
    }
    case v1::StockRow::ITEM_NOT_SET:
      errors.Add(MissingField("item", "one of card, box and sim"));
  }
  HEARTH_RETURN_IF_ERROR(errors.status());
  return item;
}

Result<app::KeyKeeper::NewBatch> BatchFrom(const v1::ImportBatchRequest& request) {
  const Limits limits;
  FieldErrors errors(limits);
  app::KeyKeeper::NewBatch out;
  out.id = BatchId(errors.Take(Number16(request.batch(), "batch")));
  out.first = errors.Take(ParseCardNumber(request.first_card(), "first_card"));
  out.last = errors.Take(ParseCardNumber(request.last_card(), "last_card"));
  errors.Require(out.first.value != 0, "first_card", "12 digits, not all zero");
  errors.Require(out.first <= out.last, "last_card", "not below first_card");
  out.master = crypto::BatchMaster(errors.Take(KeyFrom(request.master_key(), "master_key")));
  HEARTH_RETURN_IF_ERROR(errors.status());
  return out;
}

Result<entitlement::Channel> ChannelFrom(const v1::Channel& channel) {
  const Limits limits;
  FieldErrors errors(limits);
  entitlement::Channel out;
  out.service = ServiceId(errors.Take(Number16(channel.service_id(), "channel.service_id")));
  out.name = channel.name();
  out.name_zh = channel.name_zh();
  errors.Require(channel.kind() == v1::Channel::TV || channel.kind() == v1::Channel::RADIO, "channel.kind",
                 "TV or RADIO");
  out.kind =
      channel.kind() == v1::Channel::RADIO ? entitlement::ChannelKind::kRadio : entitlement::ChannelKind::kTv;
  out.province = errors.Take(ProvinceFrom(channel.province(), "channel.province"));
  if (channel.has_criteria()) out.criteria = CriteriaFrom(channel.criteria(), "channel.", errors);
  HEARTH_RETURN_IF_ERROR(errors.status());
  HEARTH_RETURN_IF_ERROR(entitlement::CheckChannel(out));
  return out;
}

Result<entitlement::Package> PackageFrom(const v1::Package& package) {
  const Limits limits;
  FieldErrors errors(limits);
  entitlement::Package out;
  out.id = PackageId(errors.Take(Number16(package.package_id(), "package.package_id")));
  out.name = package.name();
  errors.Require(!package.province().empty(), "package.province", "the two digits of a province");
  out.province = errors.Take(ProvinceFrom(package.province(), "package.province"));
  for (int i = 0; i < package.service_ids_size(); ++i) {
    const std::string path = fmt::format("package.service_ids[{}]", i);
    out.services.emplace_back(errors.Take(Number16(package.service_ids(i), path)));
  }
  HEARTH_RETURN_IF_ERROR(errors.status());
  return entitlement::MakePackage(std::move(out));
}

Result<app::EcmOrder> EcmFrom(const v1::IssueEcmRequest& request, const Limits& limits) {
  FieldErrors errors(limits);
  app::EcmOrder out;
  switch (request.channel_case()) {
    case v1::IssueEcmRequest::kServiceId:
      out.channel = ServiceId(errors.Take(Number16(request.service_id(), "service_id")));
      break;
    case v1::IssueEcmRequest::kChannelName:
      errors.Require(!request.channel_name().empty(), "channel_name", "the name of a channel");
      out.channel = errors.Text(request.channel_name(), "channel_name");
      break;
    case v1::IssueEcmRequest::CHANNEL_NOT_SET:
      errors.Add(MissingField("channel", "service_id or channel_name"));
  }
  errors.Require(request.cp_number() <= 0xFFFF, "cp_number", "0 to 65535");
  out.cp_number = static_cast<uint16_t>(request.cp_number());
  HEARTH_RETURN_IF_ERROR(errors.status());
  out.control_words.reserve(static_cast<size_t>(request.control_words_size()));
  for (const std::string& word : request.control_words())
    out.control_words.emplace_back(word.begin(), word.end());
  return out;
}

}  // namespace hearth::rpc
