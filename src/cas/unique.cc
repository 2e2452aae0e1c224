#include "src/cas/unique.h"

#include <algorithm>
#include <utility>

namespace hearth::cas {
namespace {

using crypto::SecretAccess;
using entitlement::Standing;
using entitlement::StandingReason;

constexpr size_t kUniqueAadBytes = 14;
constexpr size_t kRecordEncBytes = 56;
constexpr size_t kStandingBytes = 24;
constexpr size_t kMacBytes = 8;

Status CheckStanding(Standing standing, StandingReason reason) {
  if (!entitlement::IsStanding(static_cast<uint8_t>(standing))) return InvalidField("standing", "0 to 2");
  if (!entitlement::IsStandingReason(static_cast<uint8_t>(reason))) return InvalidField("reason", "0 to 6");
  return Ok();
}

Status Check(const UniqueRecord& record) {
  HEARTH_RETURN_IF_ERROR(CheckCard(record.card));
  HEARTH_RETURN_IF_ERROR(CheckStamp(record.stamp));
  HEARTH_RETURN_IF_ERROR(CheckStanding(record.standing, record.reason));
  if (record.group.value > kMaxGroup) return InvalidField("group", "at most 24 bits");
  if (record.group_key.IsZero() != (record.group.value == 0)) {
    return InvalidField("group_key", "zero exactly when there is no group");
  }
  HEARTH_RETURN_IF_ERROR(CheckBox(record.box));
  if (record.area != AreaId()) HEARTH_RETURN_IF_ERROR(CheckArea(record.area));
  if (record.cells.size() > kRecordCells) {
    return Error(Reason::kSectionTooLong, "a unique record holds at most 32 cells");
  }
  return Ok();
}

crypto::Secret EncOf(const UniqueRecord& record) {
  ByteWriter enc(kRecordEncBytes + kRecordCellWidth * record.cells.size());
  enc.U8(static_cast<uint8_t>(record.standing)).U8(static_cast<uint8_t>(record.reason));
  enc.U16(record.validity_day);
  enc.U24(record.group.value).U8(record.slot).U8(record.generation);
  enc.Put(record.group_key.bytes(SecretAccess()));
  enc.U56(record.box.value).U32(record.area.value).U16(record.area_version);
  enc.Put(record.rights.bytes()).U16(record.expiry_day);
  for (const CellHash3& cell : record.cells) enc.Put(cell);
  return crypto::Secret(std::move(enc).Take());
}

Status ReadEnc(ByteView enc, UniqueRecord& record) {
  ByteReader in(enc);
  record.standing = static_cast<Standing>(in.U8());
  record.reason = static_cast<StandingReason>(in.U8());
  record.validity_day = in.U16();
  record.group = GroupId(in.U24());
  record.slot = in.U8();
  record.generation = in.U8();
  record.group_key = crypto::GroupKey(crypto::Key128(in.Array<crypto::Key128::kSize>()));
  record.box = BoxSerial(in.U56());
  record.area = AreaId(in.U32());
  record.area_version = in.U16();
  record.rights = Rights(in.Array<16>());
  record.expiry_day = in.U16();
  if (!in.ok() || in.remaining() % kRecordCellWidth != 0)
    return Malformed("a unique record has 86 + 3n bytes");
  while (in.remaining() > 0) record.cells.push_back(in.Array<kRecordCellWidth>());
  return AsMalformed(Check(record));
}

}  // namespace

Result<Bytes> EncodeUniqueRecord(const UniqueRecord& record, const crypto::CardEncKey& key) {
  HEARTH_RETURN_IF_ERROR(Check(record));
  const crypto::Secret enc = EncOf(record);
  HEARTH_ASSIGN_OR_RETURN(
      ByteWriter out,
      BeginMessage(TableId::kUniqueRecord, kUniqueAadBytes + crypto::SivKey::kOverhead + enc.size()));
  out.U40(record.card.value).U40(record.stamp.value);
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::RecordSiv(key));
  return FinishSealed(std::move(out), siv, enc);
}

Result<UniqueRecord> DecodeUniqueRecord(ByteView section, const crypto::CardEncKey& key) {
  HEARTH_ASSIGN_OR_RETURN(ByteReader in, ReadMessage(section, TableId::kUniqueRecord));
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::RecordSiv(key));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Secret enc, OpenSealed(section, kUniqueAadBytes, siv));
  UniqueRecord record;
  record.card = CardNumber(in.U40());
  record.stamp = Stamp(in.U40());
  HEARTH_RETURN_IF_ERROR(ReadEnc(enc.bytes(SecretAccess()), record));
  return record;
}

Result<Bytes> EncodeUniqueStanding(const UniqueStanding& standing, const crypto::CardMacKey& key) {
  HEARTH_RETURN_IF_ERROR(CheckCard(standing.card));
  HEARTH_RETURN_IF_ERROR(CheckStamp(standing.stamp));
  HEARTH_RETURN_IF_ERROR(CheckStanding(standing.standing, standing.reason));
  HEARTH_ASSIGN_OR_RETURN(ByteWriter out, BeginMessage(TableId::kUniqueStanding, kStandingBytes));
  out.U40(standing.card.value).U40(standing.stamp.value);
  out.U8(static_cast<uint8_t>(standing.standing)).U8(static_cast<uint8_t>(standing.reason));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Mac128 mac, crypto::Cmac(key, out.bytes()));
  out.Put(ByteView(mac).first(kMacBytes));
  return std::move(out).Take();
}

Result<UniqueStanding> DecodeUniqueStanding(ByteView section, const crypto::CardMacKey& key) {
  HEARTH_ASSIGN_OR_RETURN(ByteReader in, ReadMessage(section, TableId::kUniqueStanding));
  if (section.size() != kStandingBytes) return Malformed("a unique standing has 24 bytes");
  HEARTH_ASSIGN_OR_RETURN(const crypto::Mac128 mac,
                          crypto::Cmac(key, section.first(kStandingBytes - kMacBytes)));
  if (!crypto::ConstantTimeEqual(section.last(kMacBytes), ByteView(mac).first(kMacBytes))) {
    return Error(Reason::kSectionNotAuthentic, "the MAC does not match");
  }
  UniqueStanding standing;
  standing.card = CardNumber(in.U40());
  standing.stamp = Stamp(in.U40());
  standing.standing = static_cast<Standing>(in.U8());
  standing.reason = static_cast<StandingReason>(in.U8());
  HEARTH_RETURN_IF_ERROR(AsMalformed(CheckCard(standing.card)));
  HEARTH_RETURN_IF_ERROR(AsMalformed(CheckStanding(standing.standing, standing.reason)));
  return standing;
}

}  // namespace hearth::cas
