// Accounts with their intents and history; claims.
#include "src/records/values.h"

namespace hearth::records {

using entitlement::Account;
using entitlement::Claim;
using entitlement::Devices;
using entitlement::GroupSlot;
using entitlement::HistoryEntry;
using entitlement::Intent;
using entitlement::Person;

pb::Claim Write(const Claim& value) {
  pb::Claim out;
  out.set_account(value.account);
  out.set_intent(CharsOf(value.intent));
  return out;
}

Claim ReadClaim(const pb::Claim& in, Checker& check) {
  return {.account = in.account(), .intent = check.MaybeRequestId(in.intent(), "claim.intent")};
}

pb::GroupSlot Write(const GroupSlot& value) {
  pb::GroupSlot out;
  out.set_group(value.group.value);
  out.set_slot(value.slot);
  return out;
}

GroupSlot ReadGroupSlot(const pb::GroupSlot& in, Checker& check) {
  return {.group = check.MaybeId<GroupId>(in.group(), "place.group"),
          .slot = check.U8(in.slot(), "place.slot")};
}

namespace {

pb::Person Write(const Person& value) {
  pb::Person out;
  out.set_name(value.name);
  out.set_person_id(value.person_id);
  out.set_phone(value.phone);
  out.set_address(value.address);
  out.set_subsidy_class(static_cast<uint32_t>(value.subsidy_class));
  return out;
}

Person ReadPerson(const pb::Person& in, Checker& check) {
  return {.name = in.name(),
          .person_id = in.person_id(),
          .phone = in.phone(),
          .address = in.address(),
          .subsidy_class = check.Enum<entitlement::SubsidyClass>(in.subsidy_class(), "person.subsidy_class")};
}

pb::Devices Write(const Devices& value) {
  pb::Devices out;
  out.set_card(value.card.value);
  out.set_box(value.box.value);
  out.set_sim(value.sim.value);
  return out;
}

Devices ReadDevices(const pb::Devices& in, Checker& check) {
  return {.card = check.MaybeId<CardNumber>(in.card(), "devices.card"),
          .box = check.MaybeId<BoxSerial>(in.box(), "devices.box"),
          .sim = check.MaybeId<SimNumber>(in.sim(), "devices.sim")};
}

pb::Intent Write(const Intent& value) {
  pb::Intent out;
  out.set_id(CharsOf(value.id));
  out.set_kind(static_cast<uint32_t>(value.kind));
  out.set_phase(static_cast<uint32_t>(value.phase));
  *out.mutable_wanted() = Write(value.wanted);
  *out.mutable_released() = Write(value.released);
  *out.mutable_place() = records::Write(value.place);
  out.set_actor(value.actor);
  out.set_reason(value.reason);
  out.set_approver(value.approver);
  out.set_started_ms(value.started.value);
  out.set_content_hash(Chars(value.content_hash));
  return out;
}

Intent ReadIntent(const pb::Intent& in, Checker& check) {
  Intent out;
  out.id = check.MaybeRequestId(in.id(), "intent.id");
  check.Require(!in.id().empty(), "intent.id", "given");
  out.kind = check.Enum<entitlement::IntentKind>(in.kind(), "intent.kind");
  out.phase = check.Enum<entitlement::IntentPhase>(in.phase(), "intent.phase");
  out.wanted = ReadDevices(in.wanted(), check);
  out.released = ReadDevices(in.released(), check);
  out.place = ReadGroupSlot(in.place(), check);
  out.actor = in.actor();
  out.reason = in.reason();
  out.approver = in.approver();
  out.started = UnixMillis(in.started_ms());
  out.content_hash = check.Array<32>(in.content_hash(), "intent.content_hash");
  return out;
}

pb::HistoryEntry Write(const HistoryEntry& value) {
  pb::HistoryEntry out;
  out.set_time_ms(value.time.value);
  out.set_actor(value.actor);
  out.set_action(value.action);
  out.set_detail(value.detail);
  out.set_reason(value.reason);
  out.set_approver(value.approver);
  return out;
}

HistoryEntry ReadHistoryEntry(const pb::HistoryEntry& in) {
  return {.time = UnixMillis(in.time_ms()),
          .actor = in.actor(),
          .action = in.action(),
          .detail = in.detail(),
          .reason = in.reason(),
          .approver = in.approver()};
}

pb::Account Write(const Account& value) {
  pb::Account out;
  out.set_form_number(value.form.form_number);
  *out.mutable_person() = Write(value.form.person);
  out.set_village(value.form.village.value);
  *out.mutable_devices() = Write(value.form.devices);
  out.set_area(value.area.value);
  out.set_state(static_cast<uint32_t>(value.state));
  *out.mutable_place() = records::Write(value.place);
  if (value.intent) *out.mutable_intent() = Write(*value.intent);
  for (const HistoryEntry& entry : value.history) *out.add_history() = Write(entry);
  out.set_natural_village(value.form.natural_village);
  for (const RegionCode village : value.left) out.add_left(village.value);
  return out;
}

Account ReadAccount(const pb::Account& in, Checker& check) {
  Account out;
  check.Require(!in.form_number().empty(), "form_number", "given");
  out.form.form_number = in.form_number();
  out.form.person = ReadPerson(in.person(), check);
  out.form.village = check.MaybeVillage(in.village(), "village");
  out.form.devices = ReadDevices(in.devices(), check);
  out.area = check.MaybeId<AreaId>(in.area(), "area");
  out.state = check.Enum<entitlement::AccountState>(in.state(), "state");
  out.place = ReadGroupSlot(in.place(), check);
  if (in.has_intent()) out.intent = ReadIntent(in.intent(), check);
  for (const pb::HistoryEntry& entry : in.history()) out.history.push_back(ReadHistoryEntry(entry));
  out.form.natural_village =
      static_cast<uint8_t>(check.Range(in.natural_village(), 0, 99, "natural_village"));
  for (const uint64_t village : in.left()) out.left.push_back(check.Division(village, "left"));
  return out;
}

}  // namespace

std::string Encode(const Account& value) { return Write(value).SerializeAsString(); }
template <>
Result<Account> Decode(std::string_view bytes) {
  return DecodeWith(ReadAccount, "account", bytes);
}

std::string Encode(const Claim& value) { return records::Write(value).SerializeAsString(); }
template <>
Result<Claim> Decode(std::string_view bytes) {
  return DecodeWith(ReadClaim, "claim", bytes);
}

}  // namespace hearth::records
