#include "src/crypto/sign.h"

#include <utility>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "src/crypto/aes.h"
#include "src/crypto/key_file.h"

namespace hearth::crypto {
namespace {

// A PEM file may have remarks before the key.
constexpr size_t kMaxPemBytes = 4096;

std::shared_ptr<EVP_PKEY> Shared(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

// An encrypted PEM is refused: nobody sits at the terminal of a daemon.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

std::shared_ptr<EVP_PKEY> ReadPem(ByteView text) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
                                                BIO_free);
  if (bio == nullptr) return nullptr;
  return Shared(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
}

}  // namespace

Result<VerifyingKey> VerifyingKey::FromBytes(ByteView bytes) {
  if (bytes.size() != 32) return internal::KeyFileError("a public key of Ed25519 has 32 bytes");
  auto key = Shared(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size()));
  if (key == nullptr) return internal::CryptoError("Ed25519 refused a public key");
  std::array<uint8_t, 32> raw{};
  std::copy(bytes.begin(), bytes.end(), raw.begin());
  return VerifyingKey(std::move(key), raw);
}

Status VerifyingKey::Verify(ByteView message, const Signature& signature) const {
  const DigestContext context(EVP_MD_CTX_new());
  const bool good =
      context != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) ==
          1;
  if (good) return Ok();
  return Error(Reason::kSectionNotAuthentic, "the signature is not of this key over these bytes");
}

Result<SigningKey> SigningKey::FromKey(std::shared_ptr<EVP_PKEY> key, const std::string& source) {
  std::array<uint8_t, 32> raw{};
  size_t size = raw.size();
  const bool ours = key != nullptr && EVP_PKEY_get_id(key.get()) == EVP_PKEY_ED25519 &&
                    EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &size) == 1 && size == raw.size();
  if (!ours) {
    return internal::KeyFileError(source +
                                  ": an Ed25519 key is wanted, in PEM (PKCS#8, not encrypted) or as 64 "
                                  "hexadecimal digits");
  }
  HEARTH_ASSIGN_OR_RETURN(VerifyingKey public_key, VerifyingKey::FromBytes(raw));
  return SigningKey(std::move(key), std::move(public_key));
}

Result<SigningKey> SigningKey::FromSeed(const Key256& seed) {
  const ByteView raw = seed.bytes(SecretAccess());
  return FromKey(Shared(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size())),
                 "seed");
}

Result<SigningKey> SigningKey::FromFile(const std::string& path) {
  HEARTH_ASSIGN_OR_RETURN(const Secret content, internal::ReadPrivateFile(path, kMaxPemBytes));
  const ByteView text = content.bytes(SecretAccess());
  const std::string source = "key file " + path;
  if (AsChars(text).find("-----BEGIN") != std::string_view::npos) return FromKey(ReadPem(text), source);
  HEARTH_ASSIGN_OR_RETURN(const Key256 seed, internal::ParseKey<32>(AsChars(text), source));
  return FromSeed(seed);
}

Result<Signature> SigningKey::Sign(ByteView message) const {
  const DigestContext context(EVP_MD_CTX_new());
  Signature signature{};
  size_t size = signature.size();
  const bool good =
      context != nullptr && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1 &&
      size == signature.size();
  if (!good) return internal::CryptoError("Ed25519 refused to sign");
  return signature;
}

}  // namespace hearth::crypto
