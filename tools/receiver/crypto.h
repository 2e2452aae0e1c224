// The primitives of docs/messages.md section 1, made here a second time from OpenSSL's AES alone, so that the
// receiver checks the head-end's and does not share it. Any thread. A failure of the crypto library itself
// (no memory) ends the process: no caller could go on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/random.h"
#include "src/base/status.h"

namespace hearth::receiver {

// Overwrites in a way the compiler keeps.
void Wipe(std::span<uint8_t> bytes);

// N secret bytes: wiped when they go, never printed, compared in constant time. Copying is allowed; read
// them only through secret_bytes(), which is easy to search for.
template <size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(const std::array<uint8_t, N>& bytes) : bytes_(bytes) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { Wipe(bytes_); }

  ByteView secret_bytes() const { return bytes_; }
  std::span<uint8_t> mutable_secret_bytes() { return bytes_; }
  bool operator==(const Secret& other) const {
    uint8_t differs = 0;
    for (size_t i = 0; i < N; ++i) differs = static_cast<uint8_t>(differs | (bytes_[i] ^ other.bytes_[i]));
    return differs == 0;
  }

 private:
  std::array<uint8_t, N> bytes_{};
};

using Key = Secret<16>;     // a key of the ladder
using SivKey = Secret<32>;  // MAC half, then encryption half

// Plain text that was decrypted: wiped when it goes.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
  SecretBytes(const SecretBytes&) = default;
  SecretBytes& operator=(const SecretBytes&) = default;
  SecretBytes(SecretBytes&&) = default;
  SecretBytes& operator=(SecretBytes&&) = default;
  ~SecretBytes() { Wipe(bytes_); }

  ByteView secret_bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }

 private:
  Bytes bytes_;
};

// 32 hexadecimal digits; KEY_FILE_INVALID names `what`, never the digits.
Result<Key> KeyFromHex(std::string_view hex, std::string_view what);

using Mac = std::array<uint8_t, 16>;

// AES-128-CMAC (RFC 4493).
Mac Cmac(const Key& key, ByteView message);

// NIST SP 800-108, counter mode with CMAC, 128 or 256 bits.
Key Kdf(const Key& key, std::string_view label, ByteView context);
SivKey DeriveSivKey(const Key& key, std::string_view use);

// AES-SIV (RFC 5297) with one associated-data string. Seal returns the 16-byte IV and the ciphertext.
Bytes SivSeal(const SivKey& key, ByteView associated, ByteView plain);
// Nothing when it is shorter than 16 bytes or does not authenticate.
std::optional<SecretBytes> SivOpen(const SivKey& key, ByteView associated, ByteView sealed);

std::array<uint8_t, 32> Sha256(ByteView message);

// Ed25519 (RFC 8032): whether the owner of the key signed exactly this.
bool VerifyEd25519(const std::array<uint8_t, 32>& public_key, ByteView message, ByteView signature);
// The public key of a 32-byte seed; the factory's.
std::array<uint8_t, 32> Ed25519PublicKey(const Secret<32>& seed);

// In constant time for equal lengths.
bool SameBytes(ByteView a, ByteView b);

// The system's randomness.
class SystemRandom final : public RandomSource {
 public:
  void Fill(std::span<uint8_t> out) override;
};

// The same bytes for the same seed, for repeatable factories. Not for real cards. One thread.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed) : seed_(seed) {}
  void Fill(std::span<uint8_t> out) override;

 private:
  uint64_t seed_;
  uint64_t block_ = 0;
};

}  // namespace hearth::receiver
