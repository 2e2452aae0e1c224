// AES-128-SIV (RFC 5297) with exactly one string of associated data: authenticated encryption that needs no
// nonce. The same key, data and text give the same section; nothing else leaks when an input repeats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/crypto/secret.h"

namespace hearth::crypto {

// A 32-byte SIV key: the first half makes the synthetic IV, the second encrypts. Holds key bytes and no
// OpenSSL context; const methods from any thread at once.
class SivKey {
 public:
  static constexpr size_t kOverhead = 16;  // the synthetic IV before the ciphertext

  explicit SivKey(Key256 key);

  SivKey Copy() const { return SivKey(key_.Copy()); }

  // The synthetic IV and then the ciphertext, 16 + plaintext.size() bytes. CRYPTO_FAILED when OpenSSL
  // refuses.
  Result<Bytes> Seal(ByteView aad, ByteView plaintext) const;
  // The same into `out`, which has exactly that size and overlaps neither input.
  Status SealInto(ByteView aad, ByteView plaintext, std::span<uint8_t> out) const;
  // SECTION_NOT_AUTHENTIC when key, data or any bit is not the sealer's.
  Result<Secret> Open(ByteView aad, ByteView sealed) const;

 private:
  Key256 key_;
};

}  // namespace hearth::crypto
