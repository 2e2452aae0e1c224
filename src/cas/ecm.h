// Messages 0x80 and 0x81: control words with the criteria under which a card may return them.
//
//   0x80, 0x81  header 3 ‖ suite 1 ‖ service 2 ‖ key epoch 2 ‖ UTC 4 ‖ AC id 2 ‖ SIV 16 ‖ enc
//   enc         n × AC record 6 ‖ n × control word (8 or 16), n = 1 or 2
//   AC record   mode 1 ‖ product 1 ‖ region 3 (bit 23: all but; bits 0 to 22: division) ‖ reserved 1 (0)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "src/base/ids.h"
#include "src/cas/wire.h"
#include "src/crypto/ladder.h"

namespace hearth::cas {

enum class AcMode : uint8_t {
  kClosed = 0,       // closed to all
  kSubscribers = 1,  // standing on is enough
  kProduct = 2,      // standing on and the product's right
  kOpen = 3,         // whoever holds the service key
};

struct AcRecord {
  AcMode mode = AcMode::kClosed;
  uint8_t product = 0;    // 0 to 127 in mode kProduct, else 0
  uint32_t division = 0;  // six digits, zeros at the right widen it; 0: everywhere
  bool all_but = false;   // only cards outside the division, which then is not 0

  bool operator==(const AcRecord&) const = default;
};

// A control word of 8 or 16 bytes, treated as a secret and held without a heap block.
class ControlWord {
 public:
  // CONTROL_WORD_INVALID on another length.
  static Result<ControlWord> Create(ByteView bytes);

  ByteView bytes(crypto::SecretAccess access) const { return bytes_.bytes(access).first(size_); }
  size_t size() const { return size_; }
  bool operator==(const ControlWord&) const = default;

 private:
  ControlWord() = default;
  crypto::Key128 bytes_;
  size_t size_ = 0;
};

struct EcmWord {
  AcRecord access;
  ControlWord word;

  bool operator==(const EcmWord&) const = default;
};

struct Ecm {
  // CP_number of the first control word is odd: table_id 0x81, else 0x80.
  bool odd = false;
  ServiceId service;
  Epoch key_epoch;
  uint32_t utc = 0;            // MessageSeconds of the making
  uint16_t ac_id = 0;          // names the criteria in the schedule; no meaning for the card
  std::vector<EcmWord> words;  // 1 or 2, of one length, in the order of CP_number

  bool operator==(const Ecm&) const = default;
};

// The same without owning anything, for who makes many: the control words stay where they are.
struct EcmHead {
  bool odd = false;
  ServiceId service;
  Epoch key_epoch;
  uint32_t utc = 0;
  uint16_t ac_id = 0;
};
struct EcmWordView {
  AcRecord access;
  ByteView word;
};
// Appends the section to `out`, which is as before after an error: CONTROL_WORD_INVALID, FIELD_INVALID.
Status AppendEcm(const EcmHead& head, std::span<const EcmWordView> words, const crypto::SivKey& key,
                 Bytes& out);

// 30 + 6n + n · word bytes: 58 with two words of 8, 74 with two of 16. The fast form takes the SIV key that
// crypto::EcmSiv made once for the service key.
Result<Bytes> EncodeEcm(const Ecm& ecm, const crypto::SivKey& key);
Result<Bytes> EncodeEcm(const Ecm& ecm, const crypto::ServiceKey& key);
Result<Ecm> DecodeEcm(ByteView section, const crypto::SivKey& key);
Result<Ecm> DecodeEcm(ByteView section, const crypto::ServiceKey& key);

}  // namespace hearth::cas
