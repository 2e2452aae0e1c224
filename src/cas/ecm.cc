#include "src/cas/ecm.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hearth::cas {
namespace {

using crypto::SecretAccess;

constexpr size_t kEcmAadBytes = 14;
constexpr size_t kAcBytes = 6;
constexpr size_t kMaxWords = 2;
constexpr size_t kMaxWordBytes = 16;
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

Status Check(std::span<const EcmWordView> words) {
  if (words.empty() || words.size() > kMaxWords) {
    return Error(Reason::kControlWordInvalid, "an ECM carries one or two control words");
  }
  for (const EcmWordView& word : words) {
    HEARTH_RETURN_IF_ERROR(Check(word.access));
    if (word.word.size() != 8 && word.word.size() != 16) {
      return Error(Reason::kControlWordInvalid, "a control word has 8 or 16 bytes");
    }
    if (word.word.size() != words.front().word.size()) {
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
  for (const EcmWord& word : ecm.words) HEARTH_RETURN_IF_ERROR(AsMalformed(Check(word.access)));
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

Status AppendEcm(const EcmHead& head, std::span<const EcmWordView> words, const crypto::SivKey& key,
                 Bytes& out) {
  HEARTH_RETURN_IF_ERROR(Check(words));
  const size_t word_bytes = words.front().word.size();
  const size_t enc_bytes = words.size() * (kAcBytes + word_bytes);
  const size_t sealed_bytes = crypto::SivKey::kOverhead + enc_bytes;
  HEARTH_ASSIGN_OR_RETURN(ByteWriter aad, BeginMessage(TableOf(head.odd), kEcmAadBytes + sealed_bytes));
  aad.U16(head.service.value).U16(head.key_epoch.value).U32(head.utc).U16(head.ac_id);

  std::array<uint8_t, kMaxWords*(kAcBytes + kMaxWordBytes)> enc{};
  uint8_t* at = enc.data();
  for (const EcmWordView& word : words) {
    const uint32_t region = word.access.division | (word.access.all_but ? kAllBut : 0);
    *at++ = static_cast<uint8_t>(word.access.mode);
    *at++ = word.access.product;
    *at++ = static_cast<uint8_t>(region >> 16);
    *at++ = static_cast<uint8_t>(region >> 8);
    *at++ = static_cast<uint8_t>(region);
    *at++ = 0;
  }
  for (const EcmWordView& word : words) at = std::copy(word.word.begin(), word.word.end(), at);

  const size_t before = out.size();
  out.insert(out.end(), aad.bytes().begin(), aad.bytes().end());
  out.resize(before + kEcmAadBytes + sealed_bytes);
  const std::span<uint8_t> section = std::span<uint8_t>(out).subspan(before);
  Status sealed = key.SealInto(section.first(kEcmAadBytes), std::span<const uint8_t>(enc).first(enc_bytes),
                               section.subspan(kEcmAadBytes));
  crypto::Wipe(enc);
  if (!sealed) out.resize(before);
  return sealed;
}

Result<Bytes> EncodeEcm(const Ecm& ecm, const crypto::SivKey& key) {
  std::vector<EcmWordView> words;
  for (const EcmWord& word : ecm.words) words.push_back({word.access, word.word.bytes(SecretAccess())});
  Bytes section;
  HEARTH_RETURN_IF_ERROR(AppendEcm({.odd = ecm.odd,
                                    .service = ecm.service,
                                    .key_epoch = ecm.key_epoch,
                                    .utc = ecm.utc,
                                    .ac_id = ecm.ac_id},
                                   words, key, section));
  return section;
}

Result<Bytes> EncodeEcm(const Ecm& ecm, const crypto::ServiceKey& key) {
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::EcmSiv(key));
  return EncodeEcm(ecm, siv);
}

Result<Ecm> DecodeEcm(ByteView section, const crypto::SivKey& key) {
  const bool odd = !section.empty() && section[0] == static_cast<uint8_t>(TableId::kEcmOdd);
  HEARTH_ASSIGN_OR_RETURN(const ByteReader in, ReadMessage(section, TableOf(odd)));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Secret enc, OpenSealed(section, kEcmAadBytes, key));
  return ReadEcm(in, odd, enc.bytes(SecretAccess()));
}

Result<Ecm> DecodeEcm(ByteView section, const crypto::ServiceKey& key) {
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::EcmSiv(key));
  return DecodeEcm(section, siv);
}

}  // namespace hearth::cas
