// Cards, boxes, SIMs and batches; groups of cards, and evictions from them.
#include "src/records/values.h"

namespace hearth::records {
namespace {

using entitlement::Card;
using entitlement::Group;
using entitlement::GroupMember;

void WriteCard(const Card& value, pb::Card& out) {
  out.set_number(value.number.value);
  out.set_batch(value.batch.value);
  *out.mutable_claim() = records::Write(value.claim);
  out.set_settled(CharsOf(value.settled));
  out.set_box(value.box.value);
  out.set_sim(value.sim.value);
  out.set_area(value.area.value);
  out.set_village(value.village.value);
  *out.mutable_place() = records::Write(value.place);
  out.set_generation(value.generation);
  out.set_standing(static_cast<uint32_t>(value.standing));
  out.set_reason(static_cast<uint32_t>(value.reason));
  out.set_standing_since_ms(value.standing_since.value);
  out.set_exempt(value.exempt);
  out.set_rights(Chars(value.rights));
  out.set_rights_expiry_day(value.rights_expiry_day);
  out.set_validity_day(value.validity_day);
  out.set_installed_ms(value.installed.value);
  out.set_standing_stamp(value.standing_stamp.value);
  out.set_record_stamp(value.record_stamp.value);
  out.set_pairing_stamp(value.pairing_stamp.value);
}

Card ReadCard(const pb::Card& in, Checker& check) {
  Card out;
  out.number = check.NeedId<CardNumber>(in.number(), "number");
  out.batch = check.MaybeId<BatchId>(in.batch(), "batch");
  out.claim = ReadClaim(in.claim(), check);
  out.settled = check.MaybeRequestId(in.settled(), "settled");
  out.box = check.MaybeId<BoxSerial>(in.box(), "box");
  out.sim = check.MaybeId<SimNumber>(in.sim(), "sim");
  out.area = check.MaybeId<AreaId>(in.area(), "area");
  out.village = check.MaybeVillage(in.village(), "village");
  out.place = ReadGroupSlot(in.place(), check);
  out.generation = check.U8(in.generation(), "generation");
  out.standing = check.Enum<entitlement::Standing>(in.standing(), "standing");
  out.reason = check.Enum<entitlement::StandingReason>(in.reason(), "reason");
  out.standing_since = UnixMillis(in.standing_since_ms());
  out.exempt = in.exempt();
  out.rights = check.Array<16>(in.rights(), "rights");
  out.rights_expiry_day = check.U16(in.rights_expiry_day(), "rights_expiry_day");
  out.validity_day = check.U16(in.validity_day(), "validity_day");
  out.installed = UnixMillis(in.installed_ms());
  out.standing_stamp = check.MaybeId<Stamp>(in.standing_stamp(), "standing_stamp");
  out.record_stamp = check.MaybeId<Stamp>(in.record_stamp(), "record_stamp");
  out.pairing_stamp = check.MaybeId<Stamp>(in.pairing_stamp(), "pairing_stamp");
  return out;
}

pb::Card Write(const CardRecord& value) {
  pb::Card out;
  WriteCard(value.card, out);
  *out.mutable_location() = records::Write(value.location);
  for (const geofence::HeardCell& heard : value.heard) *out.add_heard() = records::Write(heard);
  if (value.installed_cell) out.set_installed_cell(Chars(geofence::PackCell(*value.installed_cell)));
  out.set_interventions(value.interventions);
  out.set_in_force(value.in_force);
  out.set_observed_ms(value.observed.value);
  out.set_held(value.held);
  if (value.home_cell) out.set_home_cell(Chars(geofence::PackCell(*value.home_cell)));
  if (value.fix) {
    out.mutable_fix()->set_latitude_e7(value.fix->position.latitude_e7);
    out.mutable_fix()->set_longitude_e7(value.fix->position.longitude_e7);
    out.mutable_fix()->set_accuracy_m(value.fix->accuracy_m);
  }
  out.set_also(value.also.value);
  out.set_also_until_ms(value.also_until.value);
  out.set_exempt_until_ms(value.exempt_until.value);
  for (const geofence::Cell& cell : value.exempt_cells) {
    out.add_exempt_cells(Chars(geofence::PackCell(cell)));
  }
  return out;
}

CardRecord ReadCardRecord(const pb::Card& in, Checker& check) {
  CardRecord out;
  out.card = ReadCard(in, check);
  out.location = ReadLocationState(in.location(), check);
  for (const pb::Heard& heard : in.heard()) out.heard.push_back(ReadHeard(heard, check));
  if (!in.installed_cell().empty()) out.installed_cell = check.Cell(in.installed_cell(), "installed_cell");
  out.interventions = in.interventions();
  out.in_force = in.in_force();
  out.observed = UnixMillis(in.observed_ms());
  out.held = in.held();
  if (!in.home_cell().empty()) out.home_cell = check.Cell(in.home_cell(), "home_cell");
  if (in.has_fix()) {
    out.fix =
        Fix{.position = {.latitude_e7 = in.fix().latitude_e7(), .longitude_e7 = in.fix().longitude_e7()},
            .accuracy_m = in.fix().accuracy_m()};
    check.Require(geofence::InRange(out.fix->position), "fix", "a place on the earth");
  }
  out.also = check.MaybeId<AreaId>(in.also(), "also");
  out.also_until = UnixMillis(in.also_until_ms());
  out.exempt_until = UnixMillis(in.exempt_until_ms());
  for (const std::string& cell : in.exempt_cells())
    out.exempt_cells.push_back(check.Cell(cell, "exempt_cell"));
  return out;
}

pb::Box Write(const BoxRecord& value) {
  pb::Box out;
  out.set_serial(value.serial.value);
  out.set_encrypted_serial(value.encrypted_serial);
  out.set_imei(value.imei);
  out.set_model(value.model);
  out.set_wrapped_chip_key(Chars(value.wrapped_chip_key));
  *out.mutable_claim() = records::Write(value.claim);
  return out;
}

BoxRecord ReadBox(const pb::Box& in, Checker& check) {
  return {.serial = check.NeedId<BoxSerial>(in.serial(), "serial"),
          .encrypted_serial = in.encrypted_serial(),
          .imei = in.imei(),
          .model = in.model(),
          .wrapped_chip_key = BytesOf(in.wrapped_chip_key()),
          .claim = ReadClaim(in.claim(), check)};
}

pb::Sim Write(const SimRecord& value) {
  pb::Sim out;
  out.set_number(value.number.value);
  out.set_iccid(value.iccid);
  *out.mutable_claim() = records::Write(value.claim);
  return out;
}

SimRecord ReadSim(const pb::Sim& in, Checker& check) {
  return {.number = check.NeedId<SimNumber>(in.number(), "number"),
          .iccid = in.iccid(),
          .claim = ReadClaim(in.claim(), check)};
}

pb::Batch Write(const BatchRecord& value) {
  pb::Batch out;
  out.set_id(value.id.value);
  out.set_first_card(value.first.value);
  out.set_last_card(value.last.value);
  out.set_wrapped_master(Chars(value.wrapped_master));
  return out;
}

BatchRecord ReadBatch(const pb::Batch& in, Checker& check) {
  return {.id = check.MaybeId<BatchId>(in.id(), "id"),
          .first = check.MaybeId<CardNumber>(in.first_card(), "first_card"),
          .last = check.NeedId<CardNumber>(in.last_card(), "last_card"),
          .wrapped_master = BytesOf(in.wrapped_master())};
}

pb::Township Write(const TownshipRecord& value) {
  pb::Township out;
  out.set_current_group(value.current_group.value);
  return out;
}

TownshipRecord ReadTownship(const pb::Township& in, Checker& check) {
  return {.current_group = check.MaybeId<GroupId>(in.current_group(), "current_group")};
}

pb::Group Write(const GroupRecord& value) {
  pb::Group out;
  out.set_id(value.group.id.value);
  out.set_generation(value.group.generation);
  out.set_township(value.group.township.value);
  for (const GroupMember& member : value.group.members) {
    pb::GroupMember& to = *out.add_members();
    to.set_card(member.card.value);
    to.set_on(member.on);
    to.set_stamp(member.stamp.value);
  }
  out.set_wrapped_key(Chars(value.wrapped_key));
  return out;
}

GroupRecord ReadGroup(const pb::Group& in, Checker& check) {
  GroupRecord out;
  Group& group = out.group;
  group.id = check.NeedId<GroupId>(in.id(), "id");
  group.generation = check.U8(in.generation(), "generation");
  group.township = check.Division(in.township(), "township");
  check.Range(static_cast<uint64_t>(in.members_size()), 0, entitlement::kGroupSlots, "count of members");
  for (const pb::GroupMember& member : in.members()) {
    group.members.push_back({.card = check.MaybeId<CardNumber>(member.card(), "member.card"),
                             .on = member.on(),
                             .stamp = check.MaybeId<Stamp>(member.stamp(), "member.stamp")});
  }
  out.wrapped_key = BytesOf(in.wrapped_key());
  return out;
}

pb::Eviction Write(const Eviction& value) {
  pb::Eviction out;
  out.set_id(CharsOf(value.id));
  out.set_content_hash(Chars(value.content_hash));
  out.set_actor(value.actor);
  out.set_reason(value.reason);
  out.set_approver(value.approver);
  out.set_started_ms(value.started.value);
  for (const Eviction::Card& card : value.cards) {
    pb::Eviction::Card& to = *out.add_cards();
    to.set_card(card.card.value);
    to.set_group(card.group.value);
    to.set_account(card.account);
  }
  out.set_groups(value.groups);
  out.set_survivors(value.survivors);
  out.set_messages(value.messages);
  out.set_bytes(value.bytes);
  out.set_open_until_ms(value.open_until.value);
  return out;
}

Eviction ReadEviction(const pb::Eviction& in, Checker& check) {
  Eviction out;
  out.id = check.MaybeRequestId(in.id(), "id");
  out.content_hash = check.Array<32>(in.content_hash(), "content_hash");
  out.actor = in.actor();
  out.reason = in.reason();
  out.approver = in.approver();
  out.started = UnixMillis(in.started_ms());
  for (const pb::Eviction::Card& card : in.cards()) {
    out.cards.push_back({.card = check.NeedId<CardNumber>(card.card(), "cards.card"),
                         .group = check.NeedId<GroupId>(card.group(), "cards.group"),
                         .account = card.account()});
  }
  out.groups = in.groups();
  out.survivors = in.survivors();
  out.messages = in.messages();
  out.bytes = in.bytes();
  out.open_until = UnixMillis(in.open_until_ms());
  return out;
}

}  // namespace

std::string Encode(const Eviction& value) { return Write(value).SerializeAsString(); }
template <>
Result<Eviction> Decode(std::string_view bytes) {
  return DecodeWith(ReadEviction, "eviction", bytes);
}

std::string Encode(const CardRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<CardRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadCardRecord, "card", bytes);
}

std::string Encode(const BoxRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<BoxRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadBox, "box", bytes);
}

std::string Encode(const SimRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<SimRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadSim, "SIM", bytes);
}

std::string Encode(const BatchRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<BatchRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadBatch, "batch", bytes);
}

std::string Encode(const TownshipRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<TownshipRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadTownship, "township", bytes);
}

std::string Encode(const GroupRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<GroupRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadGroup, "group", bytes);
}

}  // namespace hearth::records
