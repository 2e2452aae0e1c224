#include "src/cas/pairing.h"

#include <utility>

namespace hearth::cas {
namespace {

using crypto::SecretAccess;

constexpr size_t kPairingAadBytes = 21;
constexpr size_t kPairingBytes = kPairingAadBytes + crypto::SivKey::kOverhead + crypto::Key128::kSize;

Status Check(const PairingMessage& message) {
  HEARTH_RETURN_IF_ERROR(CheckCard(message.card));
  if (message.box == BoxSerial()) return InvalidField("box_serial", "not 0");
  HEARTH_RETURN_IF_ERROR(CheckBox(message.box));
  return CheckStamp(message.stamp);
}

}  // namespace

Result<Bytes> EncodePairing(const PairingMessage& message, const crypto::ChipKey& key) {
  HEARTH_RETURN_IF_ERROR(Check(message));
  HEARTH_ASSIGN_OR_RETURN(ByteWriter out, BeginMessage(TableId::kPairing, kPairingBytes));
  out.U40(message.card.value).U56(message.box.value).U40(message.stamp.value);
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::PairingSiv(key));
  const ByteView secret = message.key.bytes(SecretAccess());
  return FinishSealed(std::move(out), siv, crypto::Secret(Bytes(secret.begin(), secret.end())));
}

Result<PairingMessage> DecodePairing(ByteView section, const crypto::ChipKey& key) {
  HEARTH_ASSIGN_OR_RETURN(ByteReader in, ReadMessage(section, TableId::kPairing));
  if (section.size() != kPairingBytes) return Malformed("a pairing has 53 bytes");
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::PairingSiv(key));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Secret enc, OpenSealed(section, kPairingAadBytes, siv));
  PairingMessage message;
  message.card = CardNumber(in.U40());
  message.box = BoxSerial(in.U56());
  message.stamp = Stamp(in.U40());
  HEARTH_ASSIGN_OR_RETURN(crypto::Key128 opened, crypto::Key128::FromBytes(enc.bytes(SecretAccess())));
  message.key = crypto::PairingKey(std::move(opened));
  HEARTH_RETURN_IF_ERROR(AsMalformed(Check(message)));
  return message;
}

}  // namespace hearth::cas
