// Ed25519 signatures (RFC 8032, pure) over OpenSSL: for what boxes must believe without a card's key.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/crypto/secret.h"

struct evp_pkey_st;

namespace hearth::crypto {

inline constexpr size_t kSignatureBytes = 64;
using Signature = std::array<uint8_t, kSignatureBytes>;

// The public half. Immutable, copies share it; any thread.
class VerifyingKey {
 public:
  // KEY_FILE_INVALID unless there are 32 bytes.
  static Result<VerifyingKey> FromBytes(ByteView bytes);

  // SECTION_NOT_AUTHENTIC when the key's owner did not sign exactly this.
  Status Verify(ByteView message, const Signature& signature) const;
  const std::array<uint8_t, 32>& bytes() const { return bytes_; }

 private:
  VerifyingKey(std::shared_ptr<evp_pkey_st> key, const std::array<uint8_t, 32>& bytes)
      : key_(std::move(key)), bytes_(bytes) {}

  std::shared_ptr<evp_pkey_st> key_;
  std::array<uint8_t, 32> bytes_;
};

// The private half, held by OpenSSL, which wipes it. Immutable, copies share it; any thread.
class SigningKey {
 public:
  // A regular file that only its owner can read: PEM (PKCS#8, not encrypted) or 64 hexadecimal digits, the
  // seed of RFC 8032. KEY_FILE_INVALID, FILE_UNREADABLE.
  static Result<SigningKey> FromFile(const std::string& path);
  static Result<SigningKey> FromSeed(const Key256& seed);

  // CRYPTO_FAILED when OpenSSL refuses. The same message gives the same signature.
  Result<Signature> Sign(ByteView message) const;
  const VerifyingKey& public_key() const { return public_; }

 private:
  SigningKey(std::shared_ptr<evp_pkey_st> key, VerifyingKey public_key)
      : key_(std::move(key)), public_(std::move(public_key)) {}
  static Result<SigningKey> FromKey(std::shared_ptr<evp_pkey_st> key, const std::string& source);

  std::shared_ptr<evp_pkey_st> key_;
  VerifyingKey public_;
};

}  // namespace hearth::crypto
