#include "src/app/section_builder.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/cas/area_table.h"
#include "src/cas/emergency.h"
#include "src/cas/group.h"
#include "src/cas/pairing.h"
#include "src/cas/service_keys.h"
#include "src/cas/unique.h"

namespace hearth::app {
namespace {

using geofence::ListKind;

std::vector<cas::CellBytes> Packed(const std::vector<geofence::Cell>& cells) {
  std::vector<cas::CellBytes> packed;
  packed.reserve(cells.size());
  for (const geofence::Cell& cell : cells) packed.push_back(geofence::PackCell(cell));
  return packed;
}

}  // namespace

Result<Bytes> SectionBuilder::Standing(CardNumber number) const {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::CardRecord>(CardKey(number)));
  if (!stored) return Error(Reason::kCardUnknown, fmt::format("card {} is gone", ToString(number)));
  const entitlement::Card& card = stored->value.card;
  HEARTH_ASSIGN_OR_RETURN(const auto keys, keys_.KeysOfCard(number, card.batch));
  return cas::EncodeUniqueStanding(
      {.card = number, .stamp = card.standing_stamp, .standing = card.standing, .reason = card.reason},
      keys.mac);
}

Result<Bytes> SectionBuilder::Record(CardNumber number) const {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::CardRecord>(CardKey(number)));
  if (!stored) return Error(Reason::kCardUnknown, fmt::format("card {} is gone", ToString(number)));
  const entitlement::Card& card = stored->value.card;
  HEARTH_ASSIGN_OR_RETURN(const auto keys, keys_.KeysOfCard(number, card.batch));
  cas::UniqueRecord record;
  record.card = number;
  record.stamp = std::max({card.record_stamp, card.standing_stamp, executor_.stamps().record_floor()});
  record.standing = card.standing;
  record.reason = card.reason;
  record.validity_day = card.validity_day;
  record.box = card.box;
  record.area = card.area;
  record.rights = cas::Rights(card.rights);
  record.expiry_day = card.rights_expiry_day;
  if (card.place.group.value != 0) {
    HEARTH_ASSIGN_OR_RETURN(const auto group,
                            executor_.Read<records::GroupRecord>(GroupKey(card.place.group)));
    if (!group)
      return Error(Reason::kStoreCorrupt, fmt::format("group {} is missing", card.place.group.value));
    record.group = card.place.group;
    record.slot = card.place.slot;
    record.generation = group->value.group.generation;
    HEARTH_ASSIGN_OR_RETURN(record.group_key, keys_.UnwrapGroupKey(group->value));
  }
  const auto geo = geo_.snapshot();
  const auto head = geo->lists.find({ListKind::kWhitelist, card.area});
  if (head != geo->lists.end()) {
    record.area_version = static_cast<uint16_t>(head->second.version);
    if (head->second.cells <= cas::kRecordCells) {
      HEARTH_ASSIGN_OR_RETURN(const auto list,
                              geo_.CellsOf(ListKind::kWhitelist, card.area, head->second.version));
      for (const geofence::Cell& cell : list.cells) {
        HEARTH_ASSIGN_OR_RETURN(const Bytes hash,
                                cas::CellHash(card.area, geofence::PackCell(cell), cas::kRecordCellWidth));
        cas::CellHash3 three{};
        std::copy(hash.begin(), hash.end(), three.begin());
        record.cells.push_back(three);
      }
    }
  }
  return cas::EncodeUniqueRecord(record, keys.enc);
}

Result<Sections> SectionBuilder::Pairing(CardNumber number) const {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::CardRecord>(CardKey(number)));
  if (!stored || stored->value.card.box.value == 0) return Sections{};
  const entitlement::Card& card = stored->value.card;
  HEARTH_ASSIGN_OR_RETURN(const auto box, executor_.Read<records::BoxRecord>(BoxKey(card.box)));
  if (!box) return Error(Reason::kBoxUnknown, fmt::format("box {} is gone", ToString(card.box)));
  HEARTH_ASSIGN_OR_RETURN(const auto keys, keys_.KeysOfCard(number, card.batch));
  HEARTH_ASSIGN_OR_RETURN(auto pairing, crypto::PairingKeyFor(keys.pair, number, card.box));
  HEARTH_ASSIGN_OR_RETURN(const auto chip, keys_.UnwrapChipKey(box->value));
  HEARTH_ASSIGN_OR_RETURN(
      Bytes section,
      cas::EncodePairing({.card = number,
                          .box = card.box,
                          .stamp = std::max(card.pairing_stamp, executor_.stamps().record_floor()),
                          .key = std::move(pairing)},
                         chip));
  Sections sections;
  sections.push_back(std::move(section));
  return sections;
}

Result<Sections> SectionBuilder::Group(GroupId id, Stamp watermark) const {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::GroupRecord>(GroupKey(id)));
  if (!stored) return Sections{};
  const entitlement::Group& group = stored->value.group;
  const uint64_t epoch = keys_.on_air();
  cas::GroupMessage message;
  message.group = id;
  message.generation = group.generation;
  message.stamp = watermark;
  message.epoch = EpochPlan::Wrap(epoch);
  message.bitmap = cas::GroupBitmap(entitlement::Bitmap(group));
  for (const entitlement::Package& package : keys_.PackagesOf(ProvinceOf(group.township))) {
    if (message.keys.size() == cas::kGroupPackages) break;
    HEARTH_ASSIGN_OR_RETURN(auto key, keys_.PackageKeyAt(package.id, epoch));
    message.keys.push_back({.package = package.id, .key = std::move(key)});
  }
  HEARTH_ASSIGN_OR_RETURN(const auto group_key, keys_.UnwrapGroupKey(stored->value));
  HEARTH_ASSIGN_OR_RETURN(Bytes section, cas::EncodeGroup(message, group_key));
  Sections sections;
  sections.push_back(std::move(section));
  return sections;
}

Result<Sections> SectionBuilder::ServiceKeys(PackageId package, Stamp stamp) const {
  Sections sections;
  const uint64_t on_air = keys_.on_air();
  for (uint64_t epoch = keys_.current(); epoch <= on_air; ++epoch) {
    HEARTH_ASSIGN_OR_RETURN(const auto package_key, keys_.PackageKeyAt(package, epoch));
    HEARTH_ASSIGN_OR_RETURN(auto keys, keys_.ServiceKeysOf(package, epoch));
    cas::ServiceKeysMessage message{.package = package,
                                    .package_epoch = EpochPlan::Wrap(epoch),
                                    .stamp = stamp,
                                    .key_epoch = EpochPlan::Wrap(epoch),
                                    .keys = {}};
    for (auto& [service, key] : keys) message.keys.push_back({.service = service, .key = std::move(key)});
    HEARTH_ASSIGN_OR_RETURN(auto packed, cas::PackServiceKeys(message, package_key));
    for (Bytes& section : packed) sections.push_back(std::move(section));
  }
  return sections;
}

Result<Sections> SectionBuilder::Emergency(uint64_t number) const {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<entitlement::Emergency>(EmergencyKey(number)));
  if (!stored || !entitlement::IsOnAir(stored->value, executor_.clock().Now())) return Sections{};
  const EmergencySigner* signer = keys_.emergency_signer();
  if (signer == nullptr) {
    return Error(Reason::kEmergencyKeyMissing, fmt::format("alert {} cannot be signed", number));
  }
  const entitlement::Emergency& alert = stored->value;
  HEARTH_ASSIGN_OR_RETURN(
      Bytes section,
      cas::EncodeEmergency({.key_id = signer->key_id,
                            .alert = static_cast<uint16_t>(alert.number),
                            .stamp = alert.stamp,
                            .start = MessageSeconds(alert.start),
                            .minutes = alert.minutes,
                            .kind = alert.kind,
                            .severity = alert.severity,
                            .drill = alert.drill,
                            .cancelled = alert.state == entitlement::EmergencyState::kCancelled,
                            .service = alert.service,
                            .regions = alert.regions},
                           signer->key));
  Sections sections;
  sections.push_back(std::move(section));
  return sections;
}

Result<Sections> SectionBuilder::Table(ListKind kind, AreaId id) const {
  const auto geo = geo_.snapshot();
  const auto head = geo->lists.find({kind, id});
  Sections sections;
  if (head == geo->lists.end()) return sections;
  HEARTH_ASSIGN_OR_RETURN(const auto list, geo_.CellsOf(kind, id, head->second.version));
  const std::vector<cas::CellBytes> cells = Packed(list.cells);
  const uint64_t epoch = keys_.current();
  // A deny list of a province or prefecture goes to that province's packages; there is none for all
  // provinces.
  const auto province = static_cast<uint16_t>(AreaDivision(id) / 10000);
  for (const entitlement::Package& package : keys_.PackagesOf(province)) {
    HEARTH_ASSIGN_OR_RETURN(const auto key, keys_.PackageKeyAt(package.id, epoch));
    const auto on_air = kind == ListKind::kWhitelist ? cas::TableKind::kArea : cas::TableKind::kDeny;
    HEARTH_ASSIGN_OR_RETURN(auto packed,
                            cas::PackAreaTable({.kind = on_air,
                                                .area = id,
                                                .version = static_cast<uint16_t>(head->second.version),
                                                .stamp = geo->TableStamp(head->second),
                                                .package = package.id,
                                                .package_epoch = EpochPlan::Wrap(epoch),
                                                .width = cas::TableWidth(on_air, cells.size()),
                                                .grace_hours = geo->policy.For(id).grace_hours},
                                               cells, key));
    for (Bytes& section : packed) sections.push_back(std::move(section));
    // A card holds all packages of its province, so one of them is enough.
    break;
  }
  return sections;
}

Result<Sections> SectionBuilder::TablesOf(uint32_t county) const {
  const auto geo = geo_.snapshot();
  Sections sections;
  for (const auto& [key, head] : geo->lists) {
    const uint32_t division = AreaDivision(key.second);
    const bool concerns =
        key.first == ListKind::kWhitelist ? division == county : DivisionContains(division, county);
    if (!concerns) continue;
    HEARTH_ASSIGN_OR_RETURN(auto table, Table(key.first, key.second));
    for (Bytes& section : table) sections.push_back(std::move(section));
  }
  return sections;
}

}  // namespace hearth::app
