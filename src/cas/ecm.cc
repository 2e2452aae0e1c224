#include "src/cas/ecm.h"

#include <algorithm>
#include <utility>

namespace hearth::cas {
namespace {

using crypto::SecretAccess;

constexpr size_t kAadBytes = 14;
constexpr size_t kAcBytes = 6;
constexpr uint8_t kMaxProduct = 127;
constexpr uint32_t kAllBut = 1 << 23;
constexpr uint32_t kMaxDivision = 999'999;

TableId TableOf(bool odd) { return odd ? TableId::kEcmOdd : TableId::kEcmEven; }

Status Check(const AcRecord& access) {
  if (access.mode > AcMode::kOpen) return InvalidField("mode", "0 to 3");
  if (access.product > (access.mode == AcMode::kProduct ? kMaxProduct : 0)) {
    return InvalidField("product", "0 to 127 in the product mode, else 0");
  }
  if (access.division > kMaxDivision) return InvalidField("region", "a division of six digits");
  if (access.all_but && access.division == 0) return InvalidField("region", "all but everywhere is nowhere");
  return Ok();
}

Status Check(const Ecm& ecm) {
  if (ecm.words.empty() || ecm.words.size() > 2) {
    return Error(Reason::kControlWordInvalid, "an ECM carries one or two control words");
  }
  for (const EcmWord& word : ecm.words) {
    HEARTH_RETURN_IF_ERROR(Check(word.access));
    if (word.word.size() != ecm.words.front().word.size()) {
      return Error(Reason::kControlWordInvalid, "the control words of an ECM have one length");
    }
  }
  return Ok();
}

// What the length of enc says (docs/messages.md, ECM): number and length of the control words.
struct Shape {
  size_t words;
  size_t word_bytes;
};

Result<Shape> ShapeOf(size_t enc_bytes) {
  switch (enc_bytes) {
    case 14:
      return Shape{1, 8};
    case 22:
      return Shape{1, 16};
    case 28:
      return Shape{2, 8};
    case 44:
      return Shape{2, 16};
    default:
      return Malformed("the encrypted part of an ECM has 14, 22, 28 or 44 bytes");
  }
}

Result<Ecm> ReadEcm(ByteReader in, bool odd, ByteView opened) {
  HEARTH_ASSIGN_OR_RETURN(const Shape shape, ShapeOf(opened.size()));
  Ecm ecm;
  ecm.odd = odd;
  ecm.service = ServiceId(in.U16());
  ecm.key_epoch = Epoch(in.U16());
  ecm.utc = in.U32();
  ecm.ac_id = in.U16();
  ByteReader enc(opened);
  std::array<AcRecord, 2> access;
  for (size_t i = 0; i < shape.words; ++i) {
    access[i].mode = static_cast<AcMode>(enc.U8());
    access[i].product = enc.U8();
    const uint32_t region = enc.U24();
    access[i].division = region & (kAllBut - 1);
    access[i].all_but = (region & kAllBut) != 0;
    enc.U8();  // reserved: ignored, as docs/messages.md asks
  }
  for (size_t i = 0; i < shape.words; ++i) {
    HEARTH_ASSIGN_OR_RETURN(ControlWord word, ControlWord::Create(enc.Take(shape.word_bytes)));
    ecm.words.push_back({access[i], std::move(word)});
  }
  HEARTH_RETURN_IF_ERROR(AsMalformed(Check(ecm)));
  return ecm;
}

}  // namespace

Result<ControlWord> ControlWord::Create(ByteView bytes) {
  if (bytes.size() != 8 && bytes.size() != 16) {
    return Error(Reason::kControlWordInvalid, "a control word has 8 or 16 bytes");
  }
  ControlWord word;
  std::copy(bytes.begin(), bytes.end(), word.bytes_.mutable_bytes(SecretAccess()).begin());
  word.size_ = bytes.size();
  return word;
}

Result<Bytes> EncodeEcm(const Ecm& ecm, const crypto::SivKey& key) {
  HEARTH_RETURN_IF_ERROR(Check(ecm));
  const size_t enc_bytes = ecm.words.size() * (kAcBytes + ecm.words.front().word.size());
  HEARTH_ASSIGN_OR_RETURN(ByteWriter out,
                          BeginMessage(TableOf(ecm.odd), kAadBytes + crypto::SivKey::kOverhead + enc_bytes));
  out.U16(ecm.service.value).U16(ecm.key_epoch.value).U32(ecm.utc).U16(ecm.ac_id);
  ByteWriter enc(enc_bytes);
  for (const EcmWord& word : ecm.words) {
    enc.U8(static_cast<uint8_t>(word.access.mode)).U8(word.access.product);
    enc.U24(word.access.division | (word.access.all_but ? kAllBut : 0)).U8(0);
  }
  for (const EcmWord& word : ecm.words) enc.Put(word.word.bytes(SecretAccess()));
  return FinishSealed(std::move(out), key, crypto::Secret(std::move(enc).Take()));
}

Result<Bytes> EncodeEcm(const Ecm& ecm, const crypto::ServiceKey& key) {
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::EcmSiv(key));
  return EncodeEcm(ecm, siv);
}

Result<Ecm> DecodeEcm(ByteView section, const crypto::SivKey& key) {
  const bool odd = !section.empty() && section[0] == static_cast<uint8_t>(TableId::kEcmOdd);
  HEARTH_ASSIGN_OR_RETURN(const ByteReader in, ReadMessage(section, TableOf(odd)));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Secret enc, OpenSealed(section, kAadBytes, key));
  return ReadEcm(in, odd, enc.bytes(SecretAccess()));
}

Result<Ecm> DecodeEcm(ByteView section, const crypto::ServiceKey& key) {
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::EcmSiv(key));
  return DecodeEcm(section, siv);
}

}  // namespace hearth::cas
