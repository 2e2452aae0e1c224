// Message 0x88, to one box: the key under which its card will hand it control words.
//
//   0x88  header 3 ‖ suite 1 ‖ card 5 ‖ box 7 ‖ stamp 5 ‖ SIV 16 ‖ enc
//   enc   pairing key 16
#pragma once

#include "src/base/ids.h"
#include "src/cas/wire.h"
#include "src/crypto/ladder.h"

namespace hearth::cas {

struct PairingMessage {
  CardNumber card;
  BoxSerial box;  // not 0
  Stamp stamp;
  crypto::PairingKey key;

  bool operator==(const PairingMessage&) const = default;
};

// 53 bytes.
Result<Bytes> EncodePairing(const PairingMessage& message, const crypto::ChipKey& key);
Result<PairingMessage> DecodePairing(ByteView section, const crypto::ChipKey& key);

}  // namespace hearth::cas
