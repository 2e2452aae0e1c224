// Sections from anywhere into every decoder; what a decoder takes must encode to the very same bytes. Then
// the input read as an already opened text, sealed under the right key, so that the parsers behind the seal
// are reached too.
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "src/cas/area_table.h"
#include "src/cas/ecm.h"
#include "src/cas/emergency.h"
#include "src/cas/group.h"
#include "src/cas/pairing.h"
#include "src/cas/service_keys.h"
#include "src/cas/unique.h"

namespace {

using namespace hearth;       // NOLINT: a program of one file
using namespace hearth::cas;  // NOLINT

template <typename K>
const K& FixedKeyOf() {
  static const K key(crypto::Key128(std::array<uint8_t, 16>{1, 2, 3}));
  return key;
}

// A decoded message encodes to the same section, except where a receiver ignores bits on purpose.
template <typename K, typename T>
void Try(ByteView section, Result<T> (*decode)(ByteView, const K&),
         Result<Bytes> (*encode)(const T&, const K&), bool exact) {
  const auto message = decode(section, FixedKeyOf<K>());
  if (!message) return;
  const auto again = encode(*message, FixedKeyOf<K>());
  // Decoders take all 256 bytes a section may have; encoders keep to the 183 of one packet.
  if (!again && again.error().reason() == Reason::kSectionTooLong) return;
  if (!again) std::abort();
  if (exact && !std::equal(again->begin(), again->end(), section.begin(), section.end())) std::abort();
}

const crypto::SigningKey& FixedSigningKey() {
  static const crypto::SigningKey key =
      crypto::SigningKey::FromSeed(crypto::Key256(std::array<uint8_t, 32>{1, 2, 3})).value();
  return key;
}

// Signatures are deterministic: what was taken is made again bit for bit.
void TryEmergency(ByteView section) {
  const auto message = DecodeEmergency(section, FixedSigningKey().public_key());
  if (!message) return;
  const auto again = EncodeEmergency(*message, FixedSigningKey());
  if (!again || !std::equal(again->begin(), again->end(), section.begin(), section.end())) std::abort();
}

// A section of 0x87 whose fields behind the suite are the input, signed.
void SignAndTry(ByteView fields) {
  const size_t total = 4 + fields.size() + crypto::kSignatureBytes;
  if (total > 256) return;
  ByteWriter out;
  out.U8(0x87).U16(0x7000 | (total - 3)).U8(kSuite1).Put(fields);
  ByteWriter text;
  text.Put(AsBytes("hearth/1/emergency")).Put(out.bytes());
  const auto signature = FixedSigningKey().Sign(text.bytes());
  if (!signature) std::abort();
  out.Put(*signature);
  TryEmergency(out.bytes());
}

void DecodeAll(ByteView section) {
  Try(section, &DecodeUniqueRecord, &EncodeUniqueRecord, true);
  Try(section, &DecodeUniqueStanding, &EncodeUniqueStanding, true);
  Try(section, &DecodeGroup, &EncodeGroup, true);
  Try(section, &DecodeAreaTablePart, &EncodeAreaTablePart, true);
  Try(section, &DecodePairing, &EncodePairing, true);
  TryEmergency(section);
  // Runs may be cut differently, and the reserved byte of an AC record is ignored.
  Try(section, &DecodeServiceKeys, &EncodeServiceKeys, false);
  Try<crypto::ServiceKey, Ecm>(section, &DecodeEcm, &EncodeEcm, false);
}

// A section of `table` whose first bytes behind the suite are AAD and whose rest is sealed text.
void SealAndDecode(uint8_t table, size_t aad_fields, const Result<crypto::SivKey>& siv, ByteView input) {
  if (!siv || input.size() < aad_fields) return;
  const ByteView enc = input.subspan(aad_fields);
  const size_t total = 4 + aad_fields + crypto::SivKey::kOverhead + enc.size();
  if (total > 256) return;
  ByteWriter out;
  out.U8(table).U16(0x7000 | (total - 3)).U8(kSuite1).Put(input.first(aad_fields));
  const auto sealed = siv->Seal(out.bytes(), enc);
  if (!sealed) std::abort();
  out.Put(*sealed);
  DecodeAll(out.bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(data, size);
  DecodeAll(input);
  if (input.empty()) return 0;
  const ByteView rest = input.subspan(1);
  switch (input[0]) {
    case 0x80:
    case 0x81:
      SealAndDecode(input[0], 10, crypto::EcmSiv(FixedKeyOf<crypto::ServiceKey>()), rest);
      break;
    case 0x82:
      SealAndDecode(input[0], 10, crypto::RecordSiv(FixedKeyOf<crypto::CardEncKey>()), rest);
      break;
    case 0x84:
      SealAndDecode(input[0], 43, crypto::GroupSiv(FixedKeyOf<crypto::GroupKey>()), rest);
      break;
    case 0x85:
      SealAndDecode(input[0], 11, crypto::ServiceKeysSiv(FixedKeyOf<crypto::PackageKey>()), rest);
      break;
    case 0x86:
      SealAndDecode(input[0], 17, crypto::AreaTableSiv(FixedKeyOf<crypto::PackageKey>()), rest);
      break;
    case 0x87:
      SignAndTry(rest);
      break;
    case 0x88:
      SealAndDecode(input[0], 17, crypto::PairingSiv(FixedKeyOf<crypto::ChipKey>()), rest);
      break;
    default:
      break;
  }
  return 0;
}
