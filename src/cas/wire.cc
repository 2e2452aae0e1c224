#include "src/cas/wire.h"

#include <algorithm>
#include <utility>

#include "src/mpegts/section.h"

namespace hearth::cas {

Status CheckCard(CardNumber card) {
  if (card.value > kMaxCardNumber) return InvalidField("card_number", "at most 12 decimal digits");
  return Ok();
}

Status CheckBox(BoxSerial box) {
  if (box.value > kMaxBoxSerial) return InvalidField("box_serial", "at most 16 decimal digits");
  return Ok();
}

Status CheckStamp(Stamp stamp) {
  if (stamp.value > kMaxStamp) return InvalidField("stamp", "at most 40 bits");
  return Ok();
}

Status CheckArea(AreaId area) {
  if (area.value > 999'999'999 || area.value % 1000 == 0) {
    return InvalidField("area_id", "a division of 6 digits and a serial of 1 to 999");
  }
  return Ok();
}

Result<ByteWriter> BeginMessage(TableId table, size_t total_bytes) {
  ByteWriter out(std::min(total_bytes, mpegts::kMaxSectionBytes));
  HEARTH_RETURN_IF_ERROR(mpegts::BeginSection(out, static_cast<uint8_t>(table), total_bytes));
  out.U8(kSuite1);
  return out;
}

Result<Bytes> FinishSealed(ByteWriter aad, const crypto::SivKey& key, const crypto::Secret& enc) {
  Bytes section = std::move(aad).Take();
  const size_t aad_bytes = section.size();
  section.resize(aad_bytes + crypto::SivKey::kOverhead + enc.size());
  const std::span<uint8_t> all(section);
  HEARTH_RETURN_IF_ERROR(
      key.SealInto(all.first(aad_bytes), enc.bytes(crypto::SecretAccess()), all.subspan(aad_bytes)));
  return section;
}

Result<ByteReader> ReadMessage(ByteView section, TableId table) {
  HEARTH_ASSIGN_OR_RETURN(const uint8_t table_id, mpegts::CheckWhole(section));
  if (table_id != static_cast<uint8_t>(table)) {
    return Error(Reason::kSectionUnknownTable,
                 "table_id 0x" + ToHex({&table_id, 1}) + " where another is meant");
  }
  ByteReader in(section);
  in.Take(mpegts::kSectionHeaderBytes);
  const uint8_t suite = in.U8();
  if (suite != kSuite1) return Error(Reason::kSectionUnknownSuite, "suite " + std::to_string(suite));
  return in;
}

Result<crypto::Secret> OpenSealed(ByteView section, size_t aad_bytes, const crypto::SivKey& key) {
  if (section.size() < aad_bytes + crypto::SivKey::kOverhead) {
    return Error(Reason::kSectionTruncated, "the section ends before its sealed part");
  }
  return key.Open(section.first(aad_bytes), section.subspan(aad_bytes));
}

Error Malformed(std::string rule) { return Error(Reason::kSectionMalformed, std::move(rule)); }

Status AsMalformed(const Status& status) {
  if (status) return status;
  return Malformed(status.error().message());
}

Result<Bytes> CellHash(AreaId area, const CellBytes& cell, uint8_t width) {
  if (width < 3 || width > 8) return InvalidField("width", "3 to 8 bytes");
  const uint32_t a = area.value;
  const std::array<uint8_t, 4> id = {static_cast<uint8_t>(a >> 24), static_cast<uint8_t>(a >> 16),
                                     static_cast<uint8_t>(a >> 8), static_cast<uint8_t>(a)};
  const crypto::Digest256 digest = crypto::Sha256(AsBytes("hearth/cell"), id, cell);
  return Bytes(digest.begin(), digest.begin() + width);
}

}  // namespace hearth::cas
