// Scrambling of packet payloads with control words, at transport level: the header and the adaptation field
// stay clear, and transport_scrambling_control tells which of the two words in use is meant.
//
// - DVB-CSA (ETSI TS 100 289), words of 8 bytes, by libdvbcsa. The word is used exactly as given: its bytes 3
// and
//   7 are not made check sums of the others.
// - DVB-CISSA version 1 (ETSI TS 103 127, 6.3): AES-128 in CBC mode, words of 16 bytes, the same
// initialization
//   vector for each packet, the last payload_bytes mod 16 left clear.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/mpegts/packet.h"

namespace hearth::ts {

enum class Algorithm : uint8_t { kCsa, kCissa };
std::string_view NameOf(Algorithm algorithm);  // "csa", "cissa"
size_t WordBytes(Algorithm algorithm);
// The scrambling_mode of the scrambling_descriptor (ETSI EN 300 468, table 80).
uint8_t ScramblingMode(Algorithm algorithm);

enum class Parity : uint8_t { kEven, kOdd };
constexpr Parity ParityOf(uint16_t crypto_period) {
  return crypto_period % 2 == 0 ? Parity::kEven : Parity::kOdd;
}
constexpr Parity Other(Parity parity) { return parity == Parity::kEven ? Parity::kOdd : Parity::kEven; }
std::string_view NameOf(Parity parity);  // "even", "odd"

// One control word, ready to use. Wiped when it goes. One thread.
class PayloadCipher {
 public:
  // FIELD_INVALID unless the word has 8 bytes (CSA) or 16 (CISSA).
  static Result<std::unique_ptr<PayloadCipher>> Create(ByteView word);
  virtual ~PayloadCipher() = default;

  virtual void Encrypt(std::span<uint8_t> payload) = 0;
  virtual void Decrypt(std::span<uint8_t> payload) = 0;
};

// The two words of one service, even and odd. One thread.
class WordPair {
 public:
  // FIELD_INVALID as PayloadCipher::Create; the old word of this parity then stays.
  Status Set(Parity parity, ByteView word);
  void Forget(Parity parity) { Slot(parity).reset(); }
  bool Has(Parity parity) const { return (parity == Parity::kEven ? even_ : odd_) != nullptr; }

  // Scrambles the payload of a clear packet, if it has one, and marks it. False without a word of this parity
  // or when the packet is marked as scrambled already: then it is as it was.
  bool Scramble(Parity parity, mpegts::Packet& packet);

  enum class Outcome : uint8_t { kClear, kDescrambled, kNoWord };
  // Descrambles a marked packet and clears the mark. kNoWord: it is as it was.
  Outcome Descramble(mpegts::Packet& packet);

 private:
  std::unique_ptr<PayloadCipher>& Slot(Parity parity) { return parity == Parity::kEven ? even_ : odd_; }

  std::unique_ptr<PayloadCipher> even_;
  std::unique_ptr<PayloadCipher> odd_;
};

}  // namespace hearth::ts
