// What there is to be put on the air: the sections behind the carousel's subjects, as they are at the moment
// of sending, and what its cycles go over.
#pragma once

#include <bitset>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "entitlement/group.h"
#include "src/app/section_builder.h"
#include "src/carousel/feed.h"

namespace hearth::app {

using carousel::Subject;

Subject StandingOf(CardNumber card);
Subject RecordOf(CardNumber card);
Subject PairingOf(CardNumber card);
Subject GroupOf(GroupId group);
Subject AlertOf(uint64_t number);
// A part of a package's service keys, or of a table.
Subject PartOf(PackageId package, size_t part);
Subject PartOf(geofence::ListKind kind, AreaId id, size_t part);
PackageId PackageOf(Subject part);
std::pair<geofence::ListKind, AreaId> ListOf(Subject part);

// A section to be, and whom it concerns.
struct AirItem {
  carousel::Section section;  // 0 bytes: there is none
  uint16_t province = 0;      // 2 digits; 0: all
  // Of the record of a card that is lit: its group, whose section opens only for who has the record.
  GroupId group;
};

// One thread.
class AirContent {
 public:
  AirContent(Executor& executor, const KeyKeeper& keys, const GeoState& geo, const SectionBuilder& builder)
      : executor_(executor), keys_(keys), geo_(geo), builder_(builder) {}

  // Takes in what has changed; a part of it at a time, so that the air does not wait long. What cannot be
  // built stays as it was, keeps nothing else back, and is tried again when the lists change; the first
  // error.
  Status Refresh();
  // Members of this group came or went.
  void Changed(GroupId group) { groups_known_.erase(group.value); }

  // The largest that a group's section is.
  uint32_t group_bytes() const;

  // What the cycles go over.
  uint64_t groups() const { return groups_; }
  uint64_t seats() const { return groups_ * entitlement::kGroupSlots; }
  size_t service_keys() const { return service_keys_.size(); }
  size_t table_parts() const { return table_parts_.size(); }
  AirItem GroupAt(uint64_t number);
  // The record of the card in a seat.
  AirItem RecordAt(uint64_t seat);
  AirItem ServiceKeysAt(uint64_t number) const;
  AirItem TablePartAt(uint64_t number) const;

  // Size and province of a card's or group's section, or of an alert's.
  Result<AirItem> Describe(Subject subject);
  // Where a card sits, and the stamp of its standing. Group 0: nowhere.
  struct Seat {
    GroupId group;
    Stamp stamp;
  };
  Result<Seat> SeatOf(CardNumber card) const;
  // All parts of what a package or a list has on the air now.
  std::vector<AirItem> ServiceKeysOf(PackageId package) const;
  std::vector<AirItem> ServiceKeysOfProvince(uint16_t province) const;
  Result<std::vector<AirItem>> TableOf(const std::pair<geofence::ListKind, AreaId>& list);
  // Nothing when the subject has no meaning any more.
  Result<std::optional<Bytes>> Build(Subject subject);

 private:
  struct Part {
    AirItem item;
    Bytes section;
  };
  struct KnownGroup {
    std::bitset<entitlement::kGroupSlots> taken;
    uint16_t province = 0;
  };
  using ListId = std::pair<geofence::ListKind, AreaId>;
  struct Table {
    Stamp stamp;  // of another version, or of another grace, it is another
    uint16_t province = 0;
    Sections parts;
  };

  Result<const KnownGroup*> Group(GroupId group);
  Status RefreshServiceKeys();
  Status BuildTable(const ListId& id);
  void ListTableParts();
  uint32_t GroupBytes(uint16_t province) const;
  Result<AirItem> DescribeCard(Subject subject, CardNumber number);

  Executor& executor_;
  const KeyKeeper& keys_;
  const GeoState& geo_;
  const SectionBuilder& builder_;

  uint64_t groups_ = 0;
  std::unordered_map<uint32_t, KnownGroup> groups_known_;
  std::map<uint16_t, size_t> packages_of_province_;
  uint64_t keys_version_ = 0;
  uint64_t keys_on_air_ = 0;
  std::vector<Part> service_keys_;
  std::map<uint64_t, size_t> service_key_at_;  // by subject
  std::shared_ptr<const GeoSnapshot> geo_seen_;
  uint64_t tables_epoch_ = 0;
  std::vector<ListId> tables_to_build_;
  std::map<ListId, Table> tables_;
  std::vector<std::pair<const Table*, Subject>> table_parts_;
};

}  // namespace hearth::app
