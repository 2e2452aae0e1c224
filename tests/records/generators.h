// Random values of everything src/records keeps, each within the ranges its type states and often at their
// ends. Any<T>() is called inside a rapidcheck property, which prints its seed when it fails.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "src/records/records.h"

namespace hearth::records {

// Between low and high, both included and both likely.
inline uint64_t AnyNumber(uint64_t low, uint64_t high) {
  return *rc::gen::oneOf(rc::gen::just(low), rc::gen::just(high), rc::gen::inRange<uint64_t>(low, high));
}
inline bool AnyBool() { return *rc::gen::arbitrary<bool>(); }
// Any bytes at all: text on disk need not be UTF-8.
inline std::string AnyText() { return *rc::gen::arbitrary<std::string>(); }
inline std::string AnyName() { return "F" + AnyText(); }
inline Bytes AnyBytes() { return *rc::gen::arbitrary<Bytes>(); }
template <size_t N>
std::array<uint8_t, N> AnyArray() {
  return *rc::gen::container<std::array<uint8_t, N>>(rc::gen::arbitrary<uint8_t>());
}
inline UnixMillis AnyTime() { return UnixMillis(*rc::gen::arbitrary<int64_t>()); }
inline Stamp AnyStamp() { return Stamp(AnyNumber(0, 0xFF'FFFF'FFFF)); }
inline CardNumber AnyCard(uint64_t low = 0) { return CardNumber(AnyNumber(low, kMaxCardNumber)); }
inline BoxSerial AnyBox(uint64_t low = 0) { return BoxSerial(AnyNumber(low, kMaxBoxSerial)); }
inline SimNumber AnySim(uint64_t low = 0) { return SimNumber(AnyNumber(low, 99'999'999'999)); }
inline AreaId AnyArea(uint64_t low = 0) { return AreaId(static_cast<uint32_t>(AnyNumber(low, 999'999'999))); }
inline GroupId AnyGroup(uint64_t low = 0) {
  return GroupId(static_cast<uint32_t>(AnyNumber(low, entitlement::kMaxGroupId)));
}
inline uint8_t AnyU8() { return static_cast<uint8_t>(AnyNumber(0, 255)); }
inline uint16_t AnyU16(uint64_t low = 0) { return static_cast<uint16_t>(AnyNumber(low, 0xFFFF)); }
inline uint32_t AnyU32() { return static_cast<uint32_t>(AnyNumber(0, UINT32_MAX)); }
inline RegionCode AnyVillage() { return RegionCode(AnyNumber(100'000'000'000, 999'999'999'999)); }
inline geofence::PlaceCode AnyNatural() {
  return geofence::PlaceCode(AnyVillage().value * 100 + AnyNumber(1, 99));
}
inline RegionCode AnyRegion() {
  const RegionLevel level =
      *rc::gen::element(RegionLevel::kProvince, RegionLevel::kPrefecture, RegionLevel::kCounty,
                        RegionLevel::kTownship, RegionLevel::kVillage);
  return Ancestor(AnyVillage(), level);
}
inline RequestId AnyRequestId() {
  return RequestId::FromParts(UnixMillis(static_cast<int64_t>(AnyNumber(0, 0xFFFF'FFFF'FFFF))),
                              AnyArray<10>());
}
inline RequestId MaybeRequestId() { return AnyBool() ? AnyRequestId() : RequestId(); }
// One of the values from low to high, which must all be named.
template <typename E>
E AnyEnum(E low, E high) {
  return static_cast<E>(AnyNumber(static_cast<uint64_t>(low), static_cast<uint64_t>(high)));
}
template <typename F>
auto AnyList(size_t most, F element) {
  std::vector<decltype(element())> out(AnyNumber(0, most));
  std::generate(out.begin(), out.end(), element);
  return out;
}

inline geofence::Cell AnyCell() {
  using geofence::Radio;
  geofence::Cell cell;
  cell.radio = AnyEnum(Radio::kGsm, Radio::kCdma);
  cell.mcc = static_cast<uint16_t>(AnyNumber(1, 999));
  cell.mnc_digits = AnyBool() ? 3 : 2;
  cell.mnc = static_cast<uint16_t>(AnyNumber(0, cell.mnc_digits == 3 ? 999 : 99));
  cell.area = static_cast<uint32_t>(AnyNumber(0, cell.radio == Radio::kNr ? 0xFF'FFFF : 0xFFFF));
  cell.cell = AnyNumber(0, cell.radio == Radio::kNr ? 0xF'FFFF'FFFF : 0xFFFF);
  return cell;
}
inline geofence::HeardCell AnyHeard() {
  return {.cell = AnyCell(), .signal_dbm = static_cast<int8_t>(*rc::gen::arbitrary<int8_t>())};
}
inline entitlement::Devices AnyDevices() { return {.card = AnyCard(), .box = AnyBox(), .sim = AnySim()}; }
inline entitlement::GroupSlot AnyPlace() { return {.group = AnyGroup(), .slot = AnyU8()}; }
inline geofence::Verdict AnyVerdict() {
  return AnyEnum(geofence::Verdict::kInArea, geofence::Verdict::kExempt);
}
inline entitlement::Standing AnyStanding() {
  return AnyEnum(entitlement::Standing::kDark, entitlement::Standing::kOnExempt);
}
inline entitlement::StandingReason AnyStandingReason() {
  return AnyEnum(entitlement::StandingReason::kNone, entitlement::StandingReason::kEvicted);
}

inline entitlement::Intent AnyIntent() {
  using entitlement::IntentKind;
  using entitlement::IntentPhase;
  return {.id = AnyRequestId(),
          .kind = AnyEnum(IntentKind::kOpen, IntentKind::kClose),
          .phase = AnyEnum(IntentPhase::kClaiming, IntentPhase::kFinishing),
          .wanted = AnyDevices(),
          .released = AnyDevices(),
          .place = AnyPlace(),
          .actor = AnyText(),
          .reason = AnyText(),
          .approver = AnyText(),
          .started = AnyTime(),
          .content_hash = AnyArray<32>()};
}
inline entitlement::HistoryEntry AnyHistoryEntry() {
  return {.time = AnyTime(),
          .actor = AnyText(),
          .action = AnyText(),
          .detail = AnyText(),
          .reason = AnyText(),
          .approver = AnyText()};
}
inline intervention::LocationState AnyLocationState() {
  using intervention::Standing;
  intervention::LocationState out;
  out.standing = AnyEnum(Standing::kWaiting, Standing::kIntervened);
  if (AnyBool()) out.last_counter = *rc::gen::arbitrary<uint64_t>();
  out.last_report_time = AnyTime();
  if (AnyBool()) out.last_verdict = AnyVerdict();
  out.blacklisted_count = AnyU32();
  out.blacklisted_since = AnyTime();
  out.out_of_area_count = AnyU32();
  out.out_of_area_since = AnyTime();
  out.last_decision_time = AnyTime();
  return out;
}

template <typename T>
T Any();

template <>
inline entitlement::Claim Any() {
  return {.account = AnyText(), .intent = MaybeRequestId()};
}

template <>
inline entitlement::Account Any() {
  using entitlement::AccountState;
  using entitlement::SubsidyClass;
  entitlement::Account out;
  out.form.form_number = AnyName();
  out.form.person = {.name = AnyText(),
                     .person_id = AnyText(),
                     .phone = AnyText(),
                     .address = AnyText(),
                     .subsidy_class = AnyEnum(SubsidyClass::kNone, SubsidyClass::kOther)};
  if (AnyBool()) out.form.village = AnyVillage();
  out.form.devices = AnyDevices();
  out.area = AnyArea();
  out.state = AnyEnum(AccountState::kOpening, AccountState::kClosed);
  out.place = AnyPlace();
  if (AnyBool()) out.intent = AnyIntent();
  out.history = AnyList(4, AnyHistoryEntry);
  out.form.natural_village = static_cast<uint8_t>(AnyNumber(0, 99));
  out.left = AnyList(3, AnyVillage);
  return out;
}

template <>
inline ExemptionRecord Any() {
  using intervention::ExemptionState;
  ExemptionRecord out;
  out.exemption.card = AnyCard(1);
  out.exemption.state = AnyEnum(ExemptionState::kReported, ExemptionState::kRevoked);
  out.exemption.expires = AnyTime();
  out.exemption.cells = AnyList(3, AnyText);
  out.exemption.steps = AnyList(4, [] {
    return intervention::ExemptionStep{.state = AnyEnum(ExemptionState::kReported, ExemptionState::kRevoked),
                                       .actor = AnyText(),
                                       .approver = AnyText(),
                                       .reason = AnyText(),
                                       .at = AnyTime()};
  });
  out.account = AnyText();
  out.area = AnyArea();
  if (AnyBool()) out.village = AnyVillage();
  return out;
}

template <>
inline RelocationRecord Any() {
  using intervention::RelocationState;
  RelocationRecord out;
  out.relocation.card = AnyCard(1);
  out.relocation.from = AnyArea(1);
  out.relocation.to = AnyArea(1);
  out.relocation.state = AnyEnum(RelocationState::kRequested, RelocationState::kCancelled);
  out.relocation.days = AnyU32();
  out.relocation.ends = AnyTime();
  out.relocation.steps = AnyList(4, [] {
    return intervention::RelocationStep{
        .state = AnyEnum(RelocationState::kRequested, RelocationState::kCancelled),
        .actor = AnyText(),
        .reason = AnyText(),
        .at = AnyTime()};
  });
  out.account = AnyText();
  if (AnyBool()) out.from_village = AnyVillage();
  if (AnyBool()) out.to_village = AnyVillage();
  out.to_natural = static_cast<uint8_t>(AnyNumber(0, 99));
  out.told = AnyBool();
  return out;
}

template <>
inline CardRecord Any() {
  CardRecord out;
  out.card = {.number = AnyCard(1),
              .batch = BatchId(AnyU16()),
              .claim = Any<entitlement::Claim>(),
              .settled = MaybeRequestId(),
              .box = AnyBox(),
              .sim = AnySim(),
              .area = AnyArea(),
              .village = AnyBool() ? AnyVillage() : RegionCode(0),
              .place = AnyPlace(),
              .generation = AnyU8(),
              .standing = AnyStanding(),
              .reason = AnyStandingReason(),
              .standing_since = AnyTime(),
              .exempt = AnyBool(),
              .rights = AnyArray<16>(),
              .rights_expiry_day = AnyU16(),
              .validity_day = AnyU16(),
              .installed = AnyTime(),
              .standing_stamp = AnyStamp(),
              .record_stamp = AnyStamp(),
              .pairing_stamp = AnyStamp()};
  out.location = AnyLocationState();
  out.heard = AnyList(4, AnyHeard);
  if (AnyBool()) out.installed_cell = AnyCell();
  out.interventions = *rc::gen::arbitrary<uint64_t>();
  out.in_force = *rc::gen::arbitrary<uint64_t>();
  out.observed = AnyTime();
  return out;
}

template <>
inline BoxRecord Any() {
  return {.serial = AnyBox(1),
          .encrypted_serial = AnyText(),
          .imei = AnyText(),
          .model = AnyText(),
          .wrapped_chip_key = AnyBytes(),
          .claim = Any<entitlement::Claim>()};
}

template <>
inline SimRecord Any() {
  return {.number = AnySim(1), .iccid = AnyText(), .claim = Any<entitlement::Claim>()};
}

template <>
inline TownshipRecord Any() {
  return {.current_group = AnyGroup()};
}

template <>
inline GroupRecord Any() {
  GroupRecord out;
  out.group = {.id = AnyGroup(1), .generation = AnyU8(), .township = AnyRegion(), .members = {}};
  out.group.members = AnyList(entitlement::kGroupSlots, [] {
    return entitlement::GroupMember{.card = AnyCard(), .on = AnyBool(), .stamp = AnyStamp()};
  });
  out.wrapped_key = AnyBytes();
  return out;
}

template <>
inline BatchRecord Any() {
  return {.id = BatchId(AnyU16()), .first = AnyCard(), .last = AnyCard(1), .wrapped_master = AnyBytes()};
}

inline entitlement::Criteria AnyCriteria() {
  using entitlement::CriteriaMode;
  return {.mode = AnyEnum(CriteriaMode::kClosed, CriteriaMode::kOpen),
          .product = static_cast<uint8_t>(AnyNumber(0, 127)),
          .division = static_cast<uint32_t>(AnyNumber(0, 999'999)),
          .division_except = AnyBool()};
}

template <>
inline entitlement::Channel Any() {
  using entitlement::ChannelKind;
  return {.service = ServiceId(AnyU16(1)),
          .name = AnyText(),
          .name_zh = AnyText(),
          .kind = AnyEnum(ChannelKind::kTv, ChannelKind::kRadio),
          .province = static_cast<uint16_t>(AnyNumber(0, 99)),
          .criteria = AnyCriteria()};
}

template <>
inline entitlement::Product Any() {
  return {.id = static_cast<uint8_t>(AnyNumber(0, 127)), .name = AnyText()};
}

inline entitlement::Window AnyWindow(uint32_t day) {
  using entitlement::WindowKind;
  entitlement::Window out;
  out.number = AnyNumber(1, UINT64_MAX);
  out.kind = AnyEnum(WindowKind::kEvent, WindowKind::kBlackout);
  out.start = UnixMillis(day * kDayMillis + static_cast<int64_t>(AnyNumber(0, kDayMillis - 1)));
  const auto longest = static_cast<uint64_t>(entitlement::kMaxWindow.count());
  out.end = UnixMillis(out.start.value + static_cast<int64_t>(AnyNumber(1, longest)));
  if (out.kind == WindowKind::kEvent) out.criteria = AnyCriteria();
  if (out.kind == WindowKind::kBlackout) out.division = static_cast<uint32_t>(AnyNumber(0, 999'999));
  out.title = AnyText();
  out.event_id = AnyText();
  return out;
}

template <>
inline PlanDay Any() {
  PlanDay out{.service = ServiceId(AnyU16(1)),
              .day = static_cast<uint32_t>(AnyNumber(0, kMaxPlanDay)),
              .windows = {}};
  out.windows = AnyList(4, [&] { return AnyWindow(out.day); });
  return out;
}

template <>
inline PlanHead Any() {
  PlanHead out{.service = ServiceId(AnyU16(1)), .last_number = AnyNumber(0, UINT64_MAX), .days = {}};
  for (uint64_t left = AnyNumber(0, 4); left > 0; --left) {
    out.days[static_cast<uint32_t>(AnyNumber(0, kMaxPlanDay))] =
        static_cast<uint32_t>(AnyNumber(1, UINT32_MAX));
  }
  return out;
}

template <>
inline PackageRecord Any() {
  PackageRecord out;
  out.package = {.id = PackageId(AnyU16(1)),
                 .name = AnyText(),
                 .province = static_cast<uint16_t>(AnyNumber(0, 99)),
                 .services = {}};
  out.package.services = AnyList(entitlement::kServicesPerPackage, [] { return ServiceId(AnyU16(1)); });
  out.anchor_epoch = *rc::gen::arbitrary<uint64_t>();
  out.wrapped_anchor = AnyBytes();
  return out;
}

template <>
inline geofence::Region Any() {
  const RegionCode code = AnyRegion();
  return {.code = code,
          .name = AnyText(),
          .parent = AnyBool() ? AnyRegion() : RegionCode(0),
          .level = LevelOf(code)};
}

template <>
inline geofence::Area Any() {
  using geofence::AreaState;
  const auto state = [] { return AnyEnum(AreaState::kDraft, AreaState::kRetired); };
  geofence::Area out;
  out.id = AnyArea(1);
  out.name = AnyText();
  out.villages = AnyList(6, AnyVillage);
  out.state = state();
  out.steps =
      AnyList(5, [&] { return geofence::AreaStep{.state = state(), .actor = AnyText(), .at = AnyTime()}; });
  out.naturals = AnyList(4, AnyNatural);
  return out;
}

template <>
inline geofence::Village Any() {
  geofence::Village out;
  out.place = AnyBool() ? AnyNatural() : geofence::WholeVillage(AnyVillage());
  out.name = AnyText();
  out.cable = AnyBool();
  if (AnyBool()) out.planned_homes = AnyU32();
  if (AnyBool()) {
    out.position = geofence::Position{
        .latitude_e7 = static_cast<int32_t>(AnyNumber(0, 1'800'000'000)) - 900'000'000,
        .longitude_e7 =
            static_cast<int32_t>(static_cast<int64_t>(AnyNumber(0, 3'600'000'000)) - 1'800'000'000)};
  }
  return out;
}

template <>
inline CellListHead Any() {
  using geofence::ListKind;
  return {.kind = AnyEnum(ListKind::kWhitelist, ListKind::kBlacklist),
          .id = AnyArea(1),
          .name = AnyText(),
          .version = AnyU32(),
          .cells = AnyU32(),
          .activated = AnyTime(),
          .actor = AnyText(),
          .stamp = AnyStamp()};
}

template <>
inline InterventionRecord Any() {
  using intervention::Cause;
  using intervention::InterventionState;
  InterventionRecord out;
  out.intervention = {
      .id = AnyName(),
      .card = AnyCard(1),
      .state = AnyEnum(InterventionState::kInForce, InterventionState::kProposed),
      .cause = *rc::gen::element(AnyEnum(Cause::kInPlace, Cause::kReturned),
                                 AnyEnum(Cause::kInstallBlacklisted, Cause::kInstallNoSignal),
                                 AnyEnum(Cause::kBlacklistedCounting, Cause::kReconsidered)),
      .verdict = AnyVerdict(),
      .evidence = AnyText(),
      .lists = AnyList(3, [] { return intervention::ListVersion{.list = AnyArea(), .version = AnyU32()}; }),
      .policy_version = AnyU32(),
      .reported = AnyTime(),
      .decided = AnyTime(),
      .lifted = AnyTime(),
      .lifted_by = AnyText(),
      .lift_reason = AnyText()};
  out.account = AnyText();
  out.area = AnyArea();
  return out;
}

template <>
inline Dedup Any() {
  return {.content_hash = AnyArray<32>(),
          .time = AnyTime(),
          .revision = *rc::gen::arbitrary<uint64_t>(),
          .answer = AnyText()};
}

template <>
inline entitlement::Emergency Any() {
  using namespace entitlement;  // NOLINT: its values
  Emergency out{.number = AnyNumber(1, UINT64_MAX),
                .state = AnyEnum(EmergencyState::kProposed, EmergencyState::kCancelled),
                .drill = AnyBool(),
                .kind = AnyEnum(EmergencyKind::kOther, EmergencyKind::kColdAndSnow),
                .severity = AnyEnum(Severity::kRed, Severity::kBlue),
                .regions = {0},
                .service = {.original_network = AnyU16(), .transport_stream = AnyU16(), .service = AnyU16()},
                .reference = AnyText(),
                .start = AnyTime(),
                .minutes = static_cast<uint16_t>(AnyNumber(1, kMaxEmergencyMinutes)),
                .proposed_by = AnyText(),
                .proposed = AnyTime(),
                .approved_by = AnyText(),
                .approved = AnyTime(),
                .cancelled_by = AnyText(),
                .cancelled = AnyTime(),
                .stamp = AnyStamp()};
  for (uint64_t more = AnyNumber(0, kEmergencyRegions - 1); more > 0; --more) {
    out.regions.push_back(static_cast<uint32_t>(AnyNumber(0, 999'999)));
  }
  return out;
}

template <>
inline EmergencyHead Any() {
  return {.last_number = *rc::gen::arbitrary<uint64_t>(),
          .open = AnyList(4, [] { return *rc::gen::arbitrary<uint64_t>(); })};
}

template <>
inline Eviction Any() {
  Eviction out{.id = AnyRequestId(),
               .content_hash = AnyArray<32>(),
               .actor = AnyText(),
               .reason = AnyText(),
               .approver = AnyText(),
               .started = AnyTime(),
               .cards = {},
               .groups = AnyU32(),
               .survivors = AnyU32(),
               .messages = *rc::gen::arbitrary<uint64_t>(),
               .bytes = *rc::gen::arbitrary<uint64_t>(),
               .open_until = AnyTime()};
  for (uint64_t more = AnyNumber(0, 4); more > 0; --more) {
    out.cards.push_back({.card = AnyCard(1), .group = AnyGroup(1), .account = AnyText()});
  }
  return out;
}

template <>
inline OutboxEntry Any() {
  OutboxEntry out;
  out.time = AnyTime();
  out.urgency = AnyEnum(Urgency::kNormal, Urgency::kBulk);
  switch (AnyNumber(0, std::variant_size_v<decltype(out.effect)> - 1)) {
    case 0:
      out.effect = StandingChanged{
          .card = AnyCard(1), .standing = AnyStanding(), .reason = AnyStandingReason(), .stamp = AnyStamp()};
      break;
    case 1:
      out.effect = RecordDue{.card = AnyCard(1)};
      break;
    case 2:
      out.effect = PairingDue{.card = AnyCard(1)};
      break;
    case 3:
      out.effect = MemberChanged{
          .group = AnyGroup(1),
          .change = {
              .card = AnyCard(1), .slot = AnyU8(), .on = AnyBool(), .leave = AnyBool(), .stamp = AnyStamp()}};
      break;
    case 4:
      out.effect = GroupDue{.group = AnyGroup(1), .at_least = AnyStamp(), .keys = AnyBool()};
      break;
    case 5:
      out.effect = ServiceKeysDue{.package = PackageId(AnyU16(1))};
      break;
    case 6:
      out.effect = EmergencyDue{.number = AnyNumber(1, UINT64_MAX)};
      break;
    default:
      out.effect = TableDue{.kind = AnyEnum(geofence::ListKind::kWhitelist, geofence::ListKind::kBlacklist),
                            .id = AnyArea(1)};
  }
  return out;
}

template <>
inline ChangeRecord Any() {
  return {.time = AnyTime(),
          .actor = AnyText(),
          .action = AnyText(),
          .puts = AnyList(4, [] { return std::pair(AnyText(), AnyText()); }),
          .deletes = AnyList(4, AnyText)};
}

template <>
inline Audit Any() {
  return {.time = AnyTime(),
          .actor = AnyText(),
          .action = AnyText(),
          .object = AnyText(),
          .reason = AnyText(),
          .approver = AnyText(),
          .detail = AnyText(),
          .previous_hash = AnyBool() ? std::string(AsChars(AnyArray<32>())) : ""};
}

}  // namespace hearth::records
