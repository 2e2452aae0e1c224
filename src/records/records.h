// Everything the store keeps, as bytes and back: objects, outbox entries, change records, audit,
// deduplication. Encode never fails. Decode gives STORE_CORRUPT for bytes that no Encode of this or an older
// version made: no protobuf, a number out of its type's range, an enum value without a name, a byte string of
// a wrong length, an object without its own number. Its message names the kind of object only, the detail
// (for the log) the field. Values handed to Encode are within the ranges their types state. Text is taken as
// it is, UTF-8 or not. Pure functions; any thread. The bytes are the protobuf messages of
// proto/hearth/store/v1.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "entitlement/account.h"
#include "entitlement/card.h"
#include "entitlement/claim.h"
#include "entitlement/emergency.h"
#include "entitlement/group.h"
#include "entitlement/plan.h"
#include "entitlement/schedule.h"
#include "geofence/area.h"
#include "geofence/cell_list.h"
#include "geofence/judge.h"
#include "geofence/position.h"
#include "geofence/region.h"
#include "geofence/village.h"
#include "intervention/decide.h"
#include "intervention/exemption.h"
#include "intervention/lifecycle.h"
#include "intervention/policy.h"
#include "intervention/relocation.h"
#include "intervention/rollout.h"
#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::records {

// What a satellite receiver said.
struct Fix {
  geofence::Position position;
  uint32_t accuracy_m = 0;

  bool operator==(const Fix&) const = default;
};

// A card with what the location side remembers of it; one object, because they change together.
struct CardRecord {
  entitlement::Card card;
  intervention::LocationState location;
  std::vector<geofence::HeardCell> heard;  // of the newest report
  std::optional<geofence::Cell> installed_cell;
  uint64_t interventions = 0;               // how many this card ever had: numbers the next
  uint64_t in_force = 0;                    // number of the intervention in force; 0: none
  UnixMillis observed;                      // newest report time that was made durable
  uint64_t held = 0;                        // number of the held or proposed intervention; 0: none
  std::optional<geofence::Cell> home_cell;  // serving cell when it was last IN_AREA
  std::optional<Fix> fix;                   // of the newest report, instead of cells
  AreaId also;                              // a second accepted area, while a relocation is approved; 0: none
  UnixMillis also_until;
  UnixMillis exempt_until;  // 0: no end
  std::vector<geofence::Cell> exempt_cells;

  bool operator==(const CardRecord&) const = default;
};

struct BoxRecord {
  BoxSerial serial;
  std::string encrypted_serial;  // 11 digits
  std::string imei;
  std::string model;
  Bytes wrapped_chip_key;
  entitlement::Claim claim;

  bool operator==(const BoxRecord&) const = default;
};

struct SimRecord {
  SimNumber number;
  std::string iccid;
  entitlement::Claim claim;

  bool operator==(const SimRecord&) const = default;
};

struct TownshipRecord {
  GroupId current_group;  // 0: none yet

  bool operator==(const TownshipRecord&) const = default;
};

struct GroupRecord {
  entitlement::Group group;
  Bytes wrapped_key;

  bool operator==(const GroupRecord&) const = default;
};

struct BatchRecord {
  BatchId id;
  CardNumber first;
  CardNumber last;
  Bytes wrapped_master;

  bool operator==(const BatchRecord&) const = default;
};

struct PackageRecord {
  entitlement::Package package;
  uint64_t anchor_epoch = 0;  // absolute, not wrapped to 16 bits
  Bytes wrapped_anchor;       // K(package, anchor_epoch)

  bool operator==(const PackageRecord&) const = default;
};

// Which days of a channel's plan are stored, and the last number given to a window of it.
struct PlanHead {
  ServiceId service;
  uint64_t last_number = 0;
  std::map<uint32_t, uint32_t> days;  // day since 1970 (UTC) → windows that begin on it, at least 1

  bool operator==(const PlanHead&) const = default;
};

// The windows of one channel that begin on one day.
struct PlanDay {
  ServiceId service;
  uint32_t day = 0;  // since 1970, UTC; at most kMaxPlanDay
  std::vector<entitlement::Window> windows;

  bool operator==(const PlanDay&) const = default;
};
inline constexpr int64_t kDayMillis = 24LL * 3600 * 1000;
inline constexpr uint32_t kMaxPlanDay = 2'932'896;  // the last day of the year 9999

// The last number given to an alert, and those that were not over when the newest was proposed.
struct EmergencyHead {
  uint64_t last_number = 0;
  std::vector<uint64_t> open;  // ascending

  bool operator==(const EmergencyHead&) const = default;
};

// Cards being thrown out of their groups: an intent while it is under way, afterwards the answer to its
// request.
struct Eviction {
  struct Card {
    CardNumber card;
    GroupId group;
    std::string account;  // that held it

    bool operator==(const Card&) const = default;
  };
  RequestId id;
  std::array<uint8_t, 32> content_hash{};
  std::string actor;
  std::string reason;
  std::string approver;
  UnixMillis started;
  std::vector<Card> cards;
  // What goes on the air for it.
  uint32_t groups = 0;
  uint32_t survivors = 0;
  uint64_t messages = 0;
  uint64_t bytes = 0;     // of sections
  UnixMillis open_until;  // end of the last epoch whose package keys the cards may have

  bool operator==(const Eviction&) const = default;
};

struct CellListHead {
  geofence::ListKind kind = geofence::ListKind::kWhitelist;
  AreaId id;
  std::string name;
  uint32_t version = 0;
  uint32_t cells = 0;
  UnixMillis activated;
  std::string actor;
  Stamp stamp;
  uint32_t last_version = 0;  // highest number ever given to a version, also to one that was withdrawn

  bool operator==(const CellListHead&) const = default;
};

struct InterventionRecord {
  intervention::Intervention intervention;
  std::string account;
  AreaId area;

  bool operator==(const InterventionRecord&) const = default;
};

// The newest exemption of a card, in force or not (无基站信号豁免). Former ones stand in the audit.
struct ExemptionRecord {
  intervention::Exemption exemption;
  std::string account;  // form number that had the card when it was reported
  AreaId area;          // of the home then
  RegionCode village;   // of the home then

  bool operator==(const ExemptionRecord&) const = default;
};

// The newest relocation of a card, under way or not (移机). Former ones stand in the audit.
struct RelocationRecord {
  intervention::Relocation relocation;
  std::string account;  // form number that had the card when it was asked for
  RegionCode from_village;
  RegionCode to_village;
  uint8_t to_natural = 0;  // serial 1 to 99 of the natural village in it; 0: not named
  // Of a confirmed one: the account, which lives in another bucket, has the new home too.
  bool told = false;

  bool operator==(const RelocationRecord&) const = default;
};

// The numbers are on disk: never reused.
enum class AlarmKind : uint8_t {
  kCellsDrift = 1,        // homes hear cells that no list has, all at once
  kBreaker = 2,           // the circuit breaker holds interventions
  kNationalCap = 3,       // the country's limit of the hour holds interventions
  kClone = 4,             // a card was at two far places, or its counters fork
  kIdenticalVectors = 5,  // several cards report exactly the same cells and signals
  kBulkOpenings = 6,      // many installations on one cell
  kRolloutStopped = 7,
};
// "CELLS_DRIFT" …
std::string_view NameOf(AlarmKind kind);

struct Alarm {
  uint64_t number = 0;
  AlarmKind kind = AlarmKind::kCellsDrift;
  std::string subject;
  std::string text;
  std::vector<AreaId> areas;      // ascending
  std::vector<CardNumber> cards;  // ascending
  UnixMillis first;
  UnixMillis last;
  uint64_t count = 0;
  UnixMillis closed;  // 0: open
  std::string closed_by;
  std::string closed_reason;

  bool operator==(const Alarm&) const = default;
};

struct Dedup {
  std::array<uint8_t, 32> content_hash{};
  UnixMillis time;
  uint64_t revision = 0;
  std::string answer;

  bool operator==(const Dedup&) const = default;
};

// Effects in the outbox (see the message Outbox).
struct StandingChanged {
  CardNumber card;
  entitlement::Standing standing = entitlement::Standing::kDark;
  entitlement::StandingReason reason = entitlement::StandingReason::kNone;
  Stamp stamp;

  bool operator==(const StandingChanged&) const = default;
};
struct RecordDue {
  CardNumber card;

  bool operator==(const RecordDue&) const = default;
};
struct PairingDue {
  CardNumber card;

  bool operator==(const PairingDue&) const = default;
};
struct MemberChanged {
  GroupId group;
  entitlement::MemberChange change;

  bool operator==(const MemberChanged&) const = default;
};
struct GroupDue {
  GroupId group;
  Stamp at_least;
  bool keys = false;

  bool operator==(const GroupDue&) const = default;
};
struct ServiceKeysDue {
  PackageId package;

  bool operator==(const ServiceKeysDue&) const = default;
};
struct TableDue {
  geofence::ListKind kind = geofence::ListKind::kWhitelist;
  AreaId id;

  bool operator==(const TableDue&) const = default;
};
struct EmergencyDue {
  uint64_t number = 0;

  bool operator==(const EmergencyDue&) const = default;
};
// In which line an effect waits for the air.
enum class Urgency : uint8_t {
  kNormal = 0,     // switching off and on: individual; records and pairings: change
  kImmediate = 1,  // somebody waits for it: individual
  kBulk = 2,       // one of many of one event
};
struct OutboxEntry {
  UnixMillis time;
  std::variant<StandingChanged, RecordDue, PairingDue, MemberChanged, GroupDue, ServiceKeysDue, TableDue,
               EmergencyDue>
      effect;
  Urgency urgency = Urgency::kNormal;

  bool operator==(const OutboxEntry&) const = default;
};

struct ChangeRecord {
  UnixMillis time;
  std::string actor;
  std::string action;
  std::vector<std::pair<std::string, std::string>> puts;  // key, value
  std::vector<std::string> deletes;

  bool operator==(const ChangeRecord&) const = default;
};

struct Audit {
  UnixMillis time;
  std::string actor;
  std::string action;
  std::string object;
  std::string reason;
  std::string approver;
  std::string detail;
  std::string previous_hash;

  bool operator==(const Audit&) const = default;
};

std::string Encode(const entitlement::Account& value);
std::string Encode(const CardRecord& value);
std::string Encode(const BoxRecord& value);
std::string Encode(const SimRecord& value);
std::string Encode(const entitlement::Claim& value);
std::string Encode(const TownshipRecord& value);
std::string Encode(const GroupRecord& value);
std::string Encode(const BatchRecord& value);
std::string Encode(const entitlement::Channel& value);
std::string Encode(const PackageRecord& value);
std::string Encode(const entitlement::Product& value);
std::string Encode(const PlanHead& value);
std::string Encode(const PlanDay& value);
std::string Encode(const entitlement::Emergency& value);
std::string Encode(const EmergencyHead& value);
std::string Encode(const Eviction& value);
std::string Encode(const geofence::Region& value);
std::string Encode(const geofence::Area& value);
std::string Encode(const CellListHead& value);
std::string Encode(const InterventionRecord& value);
std::string Encode(const ExemptionRecord& value);
std::string Encode(const RelocationRecord& value);
std::string Encode(const intervention::PolicyBook& value);
std::string Encode(const intervention::Rollout& value);
std::string Encode(const Alarm& value);
std::string Encode(const Dedup& value);
std::string Encode(const OutboxEntry& value);
std::string Encode(const ChangeRecord& value);
std::string Encode(const Audit& value);

// Decode<CardRecord>(bytes) and so on for each type above.
template <typename T>
Result<T> Decode(std::string_view bytes);
template <>
Result<entitlement::Account> Decode(std::string_view bytes);
template <>
Result<CardRecord> Decode(std::string_view bytes);
template <>
Result<BoxRecord> Decode(std::string_view bytes);
template <>
Result<SimRecord> Decode(std::string_view bytes);
template <>
Result<entitlement::Claim> Decode(std::string_view bytes);
template <>
Result<TownshipRecord> Decode(std::string_view bytes);
template <>
Result<GroupRecord> Decode(std::string_view bytes);
template <>
Result<BatchRecord> Decode(std::string_view bytes);
template <>
Result<entitlement::Channel> Decode(std::string_view bytes);
template <>
Result<PackageRecord> Decode(std::string_view bytes);
template <>
Result<entitlement::Product> Decode(std::string_view bytes);
template <>
Result<PlanHead> Decode(std::string_view bytes);
template <>
Result<PlanDay> Decode(std::string_view bytes);
template <>
Result<entitlement::Emergency> Decode(std::string_view bytes);
template <>
Result<EmergencyHead> Decode(std::string_view bytes);
template <>
Result<Eviction> Decode(std::string_view bytes);
template <>
Result<geofence::Region> Decode(std::string_view bytes);
template <>
Result<geofence::Area> Decode(std::string_view bytes);
template <>
Result<CellListHead> Decode(std::string_view bytes);
template <>
Result<InterventionRecord> Decode(std::string_view bytes);
template <>
Result<ExemptionRecord> Decode(std::string_view bytes);
template <>
Result<RelocationRecord> Decode(std::string_view bytes);
template <>
Result<intervention::PolicyBook> Decode(std::string_view bytes);
template <>
Result<intervention::Rollout> Decode(std::string_view bytes);
template <>
Result<Alarm> Decode(std::string_view bytes);
template <>
Result<Dedup> Decode(std::string_view bytes);
template <>
Result<OutboxEntry> Decode(std::string_view bytes);
template <>
Result<ChangeRecord> Decode(std::string_view bytes);
template <>
Result<Audit> Decode(std::string_view bytes);

std::string Encode(const geofence::Village& value);
template <>
Result<geofence::Village> Decode(std::string_view bytes);

}  // namespace hearth::records
