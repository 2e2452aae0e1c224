#include "src/app/air_content.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/carousel/compile.h"
#include "src/cas/group.h"
#include "src/cas/unique.h"

namespace hearth::app {
namespace {

using carousel::Kind;
using geofence::ListKind;

constexpr uint32_t kAlertBytes = 183;  // with its 31 regions
constexpr int kPartBits = 16;
constexpr int kListKindBit = 48;
// Lists built anew between two looks at the outputs: some hundred microseconds each.
constexpr size_t kTablesAtOnce = 16;

uint16_t ProvinceOf(AreaId area) { return static_cast<uint16_t>(AreaDivision(area) / 10000); }

size_t PartNumber(Subject subject) { return subject.number() & ((1U << kPartBits) - 1); }

Result<std::optional<Bytes>> One(Result<Sections> sections) {
  if (!sections) return sections.error();
  if (sections->empty()) return std::optional<Bytes>();
  return std::optional(std::move(sections->front()));
}

Result<std::optional<Bytes>> One(Result<Bytes> section) {
  if (!section) return section.error();
  return std::optional(std::move(*section));
}

}  // namespace

Subject StandingOf(CardNumber card) { return {Kind::kStanding, card.value}; }
Subject RecordOf(CardNumber card) { return {Kind::kRecord, card.value}; }
Subject PairingOf(CardNumber card) { return {Kind::kPairing, card.value}; }
Subject GroupOf(GroupId group) { return {Kind::kGroup, group.value}; }
Subject AlertOf(uint64_t number) { return {Kind::kEmergency, number}; }
Subject PartOf(PackageId package, size_t part) {
  return {Kind::kServiceKeys, uint64_t{package.value} << kPartBits | part};
}
Subject PartOf(ListKind kind, AreaId id, size_t part) {
  return {Kind::kArea,
          uint64_t{static_cast<uint8_t>(kind)} << kListKindBit | uint64_t{id.value} << kPartBits | part};
}

PackageId PackageOf(Subject part) { return PackageId(static_cast<uint16_t>(part.number() >> kPartBits)); }
std::pair<ListKind, AreaId> ListOf(Subject part) {
  return {static_cast<ListKind>(part.number() >> kListKindBit),
          AreaId(static_cast<uint32_t>(part.number() >> kPartBits))};
}

Status AirContent::Refresh() {
  HEARTH_ASSIGN_OR_RETURN(const auto counter, executor_.Get(SiteKey("group-counter")));
  groups_ = counter ? ByteReader(AsBytes(counter->value)).U64() : 0;
  if (keys_.ecm_version() != keys_version_ || keys_.on_air() != keys_on_air_) {
    HEARTH_RETURN_IF_ERROR(RefreshServiceKeys());
  }
  if (auto geo = geo_.snapshot(); geo != geo_seen_ || keys_.current() != tables_epoch_) {
    const bool all = !geo_seen_ || keys_.current() != tables_epoch_;
    tables_to_build_.clear();
    for (const auto& [id, head] : geo->lists) {
      const auto built = tables_.find(id);
      if (all || built == tables_.end() || built->second.stamp != geo->TableStamp(head))
        tables_to_build_.push_back(id);
    }
    geo_seen_ = std::move(geo);
    tables_epoch_ = keys_.current();
  }
  if (tables_to_build_.empty()) return Ok();
  Status status = Ok();
  for (size_t i = 0; i < kTablesAtOnce && !tables_to_build_.empty(); ++i) {
    const ListId id = tables_to_build_.back();
    tables_to_build_.pop_back();
    if (Status built = BuildTable(id); !built && status) status = std::move(built);
  }
  ListTableParts();
  return status;
}

Status AirContent::RefreshServiceKeys() {
  const uint64_t version = keys_.ecm_version();
  const uint64_t on_air = keys_.on_air();
  std::vector<Part> parts;
  std::map<uint64_t, size_t> at;
  std::map<uint16_t, size_t> packages;
  for (const entitlement::Package& package : keys_.Packages()) {
    ++packages[package.province];
    HEARTH_ASSIGN_OR_RETURN(Sections sections, builder_.ServiceKeys(package.id, executor_.stamps().Now()));
    for (size_t i = 0; i < sections.size(); ++i) {
      const Subject subject = PartOf(package.id, i);
      at[subject.value] = parts.size();
      parts.push_back({.item = {.section = {subject, static_cast<uint32_t>(sections[i].size())},
                                .province = package.province},
                       .section = std::move(sections[i])});
    }
  }
  service_keys_ = std::move(parts);
  service_key_at_ = std::move(at);
  // Tables are sent under the key of a package of their province.
  if (packages != packages_of_province_) geo_seen_.reset();
  packages_of_province_ = std::move(packages);
  keys_version_ = version;
  keys_on_air_ = on_air;
  return Ok();
}

Status AirContent::BuildTable(const ListId& id) {
  const auto geo = geo_.snapshot();
  const auto head = geo->lists.find(id);
  if (head == geo->lists.end()) {
    tables_.erase(id);
    return Ok();
  }
  HEARTH_ASSIGN_OR_RETURN(Sections parts, builder_.Table(id.first, id.second));
  tables_[id] = {
      .stamp = geo->TableStamp(head->second), .province = ProvinceOf(id.second), .parts = std::move(parts)};
  return Ok();
}

void AirContent::ListTableParts() {
  table_parts_.clear();
  for (const auto& [id, table] : tables_) {
    for (size_t i = 0; i < table.parts.size(); ++i)
      table_parts_.emplace_back(&table, PartOf(id.first, id.second, i));
  }
}

// A pass that began with more of them may still ask for those.
AirItem AirContent::ServiceKeysAt(uint64_t number) const {
  return number < service_keys_.size() ? service_keys_[number].item : AirItem{};
}

AirItem AirContent::TablePartAt(uint64_t number) const {
  if (number >= table_parts_.size()) return {};
  const auto& [table, subject] = table_parts_[number];
  return {.section = {subject, static_cast<uint32_t>(table->parts[PartNumber(subject)].size())},
          .province = table->province};
}

std::vector<AirItem> AirContent::ServiceKeysOf(PackageId package) const {
  std::vector<AirItem> items;
  for (const Part& part : service_keys_) {
    if (PackageOf(part.item.section.subject) == package) items.push_back(part.item);
  }
  return items;
}

std::vector<AirItem> AirContent::ServiceKeysOfProvince(uint16_t province) const {
  std::vector<AirItem> items;
  for (const Part& part : service_keys_) {
    if (part.item.province == province) items.push_back(part.item);
  }
  return items;
}

Result<std::vector<AirItem>> AirContent::TableOf(const ListId& list) {
  HEARTH_RETURN_IF_ERROR(BuildTable(list));
  ListTableParts();
  std::vector<AirItem> items;
  const auto table = tables_.find(list);
  if (table == tables_.end()) return items;
  for (size_t i = 0; i < table->second.parts.size(); ++i) {
    items.push_back({.section = {PartOf(list.first, list.second, i),
                                 static_cast<uint32_t>(table->second.parts[i].size())},
                     .province = table->second.province});
  }
  return items;
}

uint32_t AirContent::GroupBytes(uint16_t province) const {
  const auto packages = packages_of_province_.find(province);
  const size_t count = packages == packages_of_province_.end() ? 0 : packages->second;
  return carousel::GroupBytes(std::min(count, cas::kGroupPackages));
}

uint32_t AirContent::group_bytes() const {
  size_t most = 0;
  for (const auto& [province, packages] : packages_of_province_) most = std::max(most, packages);
  return carousel::GroupBytes(std::min(most, cas::kGroupPackages));
}

Result<const AirContent::KnownGroup*> AirContent::Group(GroupId id) {
  const auto known = groups_known_.find(id.value);
  if (known != groups_known_.end()) return &known->second;
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::GroupRecord>(GroupKey(id)));
  KnownGroup group;
  if (stored) {
    group.province = ProvinceOf(stored->value.group.township);
    for (size_t slot = 0; slot < stored->value.group.members.size(); ++slot)
      group.taken.set(slot, stored->value.group.members[slot].card.value != 0);
  }
  return &groups_known_.emplace(id.value, group).first->second;
}

AirItem AirContent::GroupAt(uint64_t number) {
  const GroupId id(static_cast<uint32_t>(number + 1));
  const auto group = Group(id);
  if (!group || (*group)->province == 0) return {};
  return {.section = {GroupOf(id), GroupBytes((*group)->province)}, .province = (*group)->province};
}

AirItem AirContent::RecordAt(uint64_t seat) {
  const GroupId id(static_cast<uint32_t>(seat / entitlement::kGroupSlots + 1));
  const size_t slot = seat % entitlement::kGroupSlots;
  const auto known = Group(id);
  if (!known || !(*known)->taken.test(slot)) return {};
  const auto group = executor_.Read<records::GroupRecord>(GroupKey(id));
  if (!group || !*group || slot >= (*group)->value.group.members.size()) return {};
  const CardNumber number = (*group)->value.group.members[slot].card;
  const auto card = executor_.Read<records::CardRecord>(CardKey(number));
  if (!card || !*card) return {};
  const auto& place = (*card)->value.card.place;
  if (place.group != id || place.slot != slot) {
    groups_known_[id.value].taken.reset(slot);  // it left
    return {};
  }
  const auto item = Describe(RecordOf(number));
  return item ? *item : AirItem{};
}

Result<AirItem> AirContent::DescribeCard(Subject subject, CardNumber number) {
  HEARTH_ASSIGN_OR_RETURN(const auto card, executor_.Read<records::CardRecord>(CardKey(number)));
  if (!card) return Error(Reason::kCardUnknown, fmt::format("card {} is gone", ToString(number)));
  const AreaId area = card->value.card.area;
  AirItem item{.section = {subject, 0}, .province = area.value == 0 ? uint16_t{0} : ProvinceOf(area)};
  if (subject.kind() == Kind::kStanding) {
    item.section.bytes = carousel::kStandingBytes;
  } else if (subject.kind() == Kind::kPairing) {
    item.section.bytes = carousel::kPairingBytes;
  } else {
    const auto geo = geo_.snapshot();
    const auto list = geo->lists.find({ListKind::kWhitelist, area});
    const size_t cells =
        list == geo->lists.end() || list->second.cells > cas::kRecordCells ? 0 : list->second.cells;
    item.section.bytes = carousel::RecordBytes(cells);
    if (card->value.card.standing != entitlement::Standing::kDark) item.group = card->value.card.place.group;
  }
  return item;
}

Result<AirContent::Seat> AirContent::SeatOf(CardNumber number) const {
  HEARTH_ASSIGN_OR_RETURN(const auto card, executor_.Read<records::CardRecord>(CardKey(number)));
  if (!card) return Seat{};
  return Seat{.group = card->value.card.place.group, .stamp = card->value.card.standing_stamp};
}

Result<AirItem> AirContent::Describe(Subject subject) {
  if (subject.kind() == Kind::kEmergency) return AirItem{.section = {subject, kAlertBytes}};
  if (subject.kind() == Kind::kGroup) {
    HEARTH_ASSIGN_OR_RETURN(const KnownGroup* group, Group(GroupId(static_cast<uint32_t>(subject.number()))));
    return AirItem{.section = {subject, GroupBytes(group->province)}, .province = group->province};
  }
  return DescribeCard(subject, CardNumber(subject.number()));
}

Result<std::optional<Bytes>> AirContent::Build(Subject subject) {
  const uint64_t number = subject.number();
  switch (subject.kind()) {
    case Kind::kStanding:
      return One(builder_.Standing(CardNumber(number)));
    case Kind::kRecord:
      return One(builder_.Record(CardNumber(number)));
    case Kind::kPairing:
      return One(builder_.Pairing(CardNumber(number)));
    case Kind::kGroup: {
      const Stamp watermark = executor_.stamps().Watermark();  // before the state is read
      return One(builder_.Group(GroupId(static_cast<uint32_t>(number)), watermark));
    }
    case Kind::kEmergency:
      return One(builder_.Emergency(number));
    case Kind::kServiceKeys: {
      const auto at = service_key_at_.find(subject.value);
      if (at == service_key_at_.end()) return std::optional<Bytes>();
      return std::optional(service_keys_[at->second].section);
    }
    case Kind::kArea: {
      const auto table = tables_.find(ListOf(subject));
      if (table == tables_.end() || PartNumber(subject) >= table->second.parts.size())
        return std::optional<Bytes>();
      return std::optional(table->second.parts[PartNumber(subject)]);
    }
  }
  return std::optional<Bytes>();
}

}  // namespace hearth::app
