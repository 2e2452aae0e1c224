// AES-128-SIV (RFC 5297) with exactly one string of associated data: authenticated encryption that needs no
// nonce. The same key, data and text give the same section; nothing else leaks when an input repeats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/crypto/secret.h"

namespace hearth::crypto {

// A 32-byte SIV key: the first half makes the synthetic IV, the second encrypts. Holds key bytes and, unless
// told to, no OpenSSL context; const methods from any thread at once.
class SivKey {
 public:
  static constexpr size_t kOverhead = 16;  // the synthetic IV before the ciphertext

  explicit SivKey(Key256 key);
  ~SivKey();
  SivKey(SivKey&& other) noexcept;
  SivKey& operator=(SivKey&& other) noexcept;

  // Without what KeepSchedules made.
  SivKey Copy() const { return SivKey(key_.Copy()); }

  // Keeps the AES key schedules, some 2 KB, for who seals often under this key: they cost four times the rest
  // of a short message. A thread that finds them in use by another does not wait, but sets the key anew. Call
  // it before other threads use the key. CRYPTO_FAILED when OpenSSL refuses.
  Status KeepSchedules();

  // The synthetic IV and then the ciphertext, 16 + plaintext.size() bytes. CRYPTO_FAILED when OpenSSL
  // refuses.
  Result<Bytes> Seal(ByteView aad, ByteView plaintext) const;
  // The same into `out`, which has exactly that size and overlaps neither input.
  Status SealInto(ByteView aad, ByteView plaintext, std::span<uint8_t> out) const;
  // SECTION_NOT_AUTHENTIC when key, data or any bit is not the sealer's.
  Result<Secret> Open(ByteView aad, ByteView sealed) const;

 private:
  struct Schedules;

  Key256 key_;
  std::unique_ptr<Schedules> schedules_;  // nullptr: not kept
};

}  // namespace hearth::crypto
