// What goes with a commit: deduplication, outbox, change record and audit.
#include "src/records/values.h"

namespace hearth::records {
namespace {

pb::Dedup Write(const Dedup& value) {
  pb::Dedup out;
  out.set_content_hash(Chars(value.content_hash));
  out.set_time_ms(value.time.value);
  out.set_revision(value.revision);
  out.set_answer(value.answer);
  return out;
}

Dedup ReadDedup(const pb::Dedup& in, Checker& check) {
  return {.content_hash = check.Array<32>(in.content_hash(), "content_hash"),
          .time = UnixMillis(in.time_ms()),
          .revision = in.revision(),
          .answer = in.answer()};
}

void WriteEffect(const StandingChanged& value, pb::Outbox& out) {
  pb::Outbox::StandingChanged& to = *out.mutable_standing();
  to.set_card(value.card.value);
  to.set_standing(static_cast<uint32_t>(value.standing));
  to.set_reason(static_cast<uint32_t>(value.reason));
  to.set_stamp(value.stamp.value);
}
void WriteEffect(const RecordDue& value, pb::Outbox& out) { out.set_record_of_card(value.card.value); }
void WriteEffect(const PairingDue& value, pb::Outbox& out) { out.set_pairing_of_card(value.card.value); }
void WriteEffect(const MemberChanged& value, pb::Outbox& out) {
  pb::Outbox::MemberChanged& to = *out.mutable_member();
  to.set_group(value.group.value);
  to.set_slot(value.change.slot);
  to.set_card(value.change.card.value);
  to.set_on(value.change.on);
  to.set_leave(value.change.leave);
  to.set_stamp(value.change.stamp.value);
}
void WriteEffect(const GroupDue& value, pb::Outbox& out) {
  pb::Outbox::GroupDue& to = *out.mutable_group();
  to.set_group(value.group.value);
  to.set_at_least(value.at_least.value);
  to.set_keys(value.keys);
}
void WriteEffect(const ServiceKeysDue& value, pb::Outbox& out) {
  out.set_service_keys_of_package(value.package.value);
}
void WriteEffect(const EmergencyDue& value, pb::Outbox& out) { out.set_emergency(value.number); }
void WriteEffect(const TableDue& value, pb::Outbox& out) {
  pb::Outbox::TableDue& to = *out.mutable_table();
  to.set_kind(static_cast<uint32_t>(value.kind));
  to.set_id(value.id.value);
}

StandingChanged ReadEffect(const pb::Outbox::StandingChanged& in, Checker& check) {
  return {.card = check.NeedId<CardNumber>(in.card(), "standing.card"),
          .standing = check.Enum<entitlement::Standing>(in.standing(), "standing.standing"),
          .reason = check.Enum<entitlement::StandingReason>(in.reason(), "standing.reason"),
          .stamp = check.MaybeId<Stamp>(in.stamp(), "standing.stamp")};
}
MemberChanged ReadEffect(const pb::Outbox::MemberChanged& in, Checker& check) {
  return {.group = check.NeedId<GroupId>(in.group(), "member.group"),
          .change = {.card = check.NeedId<CardNumber>(in.card(), "member.card"),
                     .slot = check.U8(in.slot(), "member.slot"),
                     .on = in.on(),
                     .leave = in.leave(),
                     .stamp = check.MaybeId<Stamp>(in.stamp(), "member.stamp")}};
}
GroupDue ReadEffect(const pb::Outbox::GroupDue& in, Checker& check) {
  return {.group = check.NeedId<GroupId>(in.group(), "group.group"),
          .at_least = check.MaybeId<Stamp>(in.at_least(), "group.at_least"),
          .keys = in.keys()};
}
TableDue ReadEffect(const pb::Outbox::TableDue& in, Checker& check) {
  return {.kind = check.Enum<geofence::ListKind>(in.kind(), "table.kind"),
          .id = check.NeedId<AreaId>(in.id(), "table.id")};
}

pb::Outbox Write(const OutboxEntry& value) {
  pb::Outbox out;
  out.set_time_ms(value.time.value);
  std::visit([&out](const auto& effect) { WriteEffect(effect, out); }, value.effect);
  out.set_urgency(static_cast<uint32_t>(value.urgency));
  return out;
}

OutboxEntry ReadOutbox(const pb::Outbox& in, Checker& check) {
  OutboxEntry out;
  out.time = UnixMillis(in.time_ms());
  out.urgency = static_cast<Urgency>(check.Range(in.urgency(), 0, 2, "urgency"));
  switch (in.effect_case()) {
    case pb::Outbox::kStanding:
      out.effect = ReadEffect(in.standing(), check);
      break;
    case pb::Outbox::kRecordOfCard:
      out.effect = RecordDue{check.NeedId<CardNumber>(in.record_of_card(), "record_of_card")};
      break;
    case pb::Outbox::kPairingOfCard:
      out.effect = PairingDue{check.NeedId<CardNumber>(in.pairing_of_card(), "pairing_of_card")};
      break;
    case pb::Outbox::kMember:
      out.effect = ReadEffect(in.member(), check);
      break;
    case pb::Outbox::kGroup:
      out.effect = ReadEffect(in.group(), check);
      break;
    case pb::Outbox::kServiceKeysOfPackage:
      out.effect =
          ServiceKeysDue{check.NeedId<PackageId>(in.service_keys_of_package(), "service_keys_of_package")};
      break;
    case pb::Outbox::kTable:
      out.effect = ReadEffect(in.table(), check);
      break;
    case pb::Outbox::kEmergency:
      out.effect = EmergencyDue{check.Range(in.emergency(), 1, UINT64_MAX, "emergency")};
      break;
    case pb::Outbox::EFFECT_NOT_SET:
      check.Require(false, "effect", "one of the known effects");
      break;
  }
  return out;
}

pb::ChangeRecord Write(const ChangeRecord& value) {
  pb::ChangeRecord out;
  out.set_time_ms(value.time.value);
  out.set_actor(value.actor);
  out.set_action(value.action);
  for (const auto& [key, bytes] : value.puts) {
    pb::ChangeRecord::Put& put = *out.add_puts();
    put.set_key(key);
    put.set_value(bytes);
  }
  for (const std::string& key : value.deletes) out.add_deletes(key);
  return out;
}

ChangeRecord ReadChangeRecord(const pb::ChangeRecord& in, Checker&) {
  ChangeRecord out;
  out.time = UnixMillis(in.time_ms());
  out.actor = in.actor();
  out.action = in.action();
  for (const pb::ChangeRecord::Put& put : in.puts()) out.puts.emplace_back(put.key(), put.value());
  out.deletes.assign(in.deletes().begin(), in.deletes().end());
  return out;
}

pb::Audit Write(const Audit& value) {
  pb::Audit out;
  out.set_time_ms(value.time.value);
  out.set_actor(value.actor);
  out.set_action(value.action);
  out.set_object(value.object);
  out.set_reason(value.reason);
  out.set_approver(value.approver);
  out.set_detail(value.detail);
  out.set_previous_hash(value.previous_hash);
  return out;
}

Audit ReadAudit(const pb::Audit& in, Checker& check) {
  const size_t hash_size = in.previous_hash().size();
  check.Require(hash_size == 0 || hash_size == 32, "previous_hash", "of 32 bytes or empty");
  return {.time = UnixMillis(in.time_ms()),
          .actor = in.actor(),
          .action = in.action(),
          .object = in.object(),
          .reason = in.reason(),
          .approver = in.approver(),
          .detail = in.detail(),
          .previous_hash = in.previous_hash()};
}

}  // namespace

std::string Encode(const Dedup& value) { return Write(value).SerializeAsString(); }
template <>
Result<Dedup> Decode(std::string_view bytes) {
  return DecodeWith(ReadDedup, "request id", bytes);
}

std::string Encode(const OutboxEntry& value) { return Write(value).SerializeAsString(); }
template <>
Result<OutboxEntry> Decode(std::string_view bytes) {
  return DecodeWith(ReadOutbox, "outbox entry", bytes);
}

std::string Encode(const ChangeRecord& value) { return Write(value).SerializeAsString(); }
template <>
Result<ChangeRecord> Decode(std::string_view bytes) {
  return DecodeWith(ReadChangeRecord, "change record", bytes);
}

std::string Encode(const Audit& value) { return Write(value).SerializeAsString(); }
template <>
Result<Audit> Decode(std::string_view bytes) {
  return DecodeWith(ReadAudit, "audit entry", bytes);
}

}  // namespace hearth::records
