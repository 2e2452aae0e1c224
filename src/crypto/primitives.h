// The primitives of docs/messages.md section 1, over OpenSSL's AES and SHA-256. Any thread: each thread has
// its own OpenSSL contexts, made once and keyed anew for each call, so a call neither fetches nor allocates.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/crypto/secret.h"

namespace hearth::crypto {

using Mac128 = std::array<uint8_t, 16>;
using Digest256 = std::array<uint8_t, 32>;

// AES-128-CMAC (NIST SP 800-38B, RFC 4493). CRYPTO_FAILED when OpenSSL refuses.
Result<Mac128> Cmac(const Key128& key, ByteView message);

// NIST SP 800-108 in counter mode with CMAC: block i = CMAC(K, [i]4 ‖ label ‖ 00 ‖ context ‖ [bits]4).
// CRYPTO_FAILED when OpenSSL refuses, FIELD_INVALID when label and context have more than 119 bytes together.
Result<Key128> Kdf128(const Key128& key, std::string_view label, ByteView context = {});
Result<Key256> Kdf256(const Key128& key, std::string_view label, ByteView context = {});
// The same for any length: bytes 1 to 8160 (FIELD_INVALID beyond).
Result<Secret> Kdf(const Key128& key, std::string_view label, ByteView context, size_t bytes);

// FIPS 180-4. Aborts the process when OpenSSL has no SHA-256, which no later call could mend.
Digest256 Sha256(ByteView message);
// SHA-256(a ‖ b ‖ c) without joining them.
Digest256 Sha256(ByteView a, ByteView b, ByteView c);

// First 8 bytes, big-endian, of SHA-256: the hash that spreads objects over buckets.
uint64_t Hash64(ByteView message);

}  // namespace hearth::crypto
