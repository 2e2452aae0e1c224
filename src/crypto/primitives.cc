#include "src/crypto/primitives.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <openssl/evp.h>

#include "src/crypto/aes.h"

namespace hearth::crypto {
namespace {

// 510 blocks of CMAC; the longest key of ours has two.
constexpr size_t kMaxKdfBytes = 8160;
// Label and context; ours have at most 35 bytes.
constexpr size_t kMaxKdfInput = 119;

void PutU32(uint8_t* at, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<uint8_t>(value >> shift);
}

EVP_MD* Sha256Method() {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return method;
}

Digest256 Sha256Of(std::initializer_list<ByteView> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                                EVP_MD_CTX_free);
  Digest256 digest{};
  bool ok = context != nullptr && Sha256Method() != nullptr &&
            EVP_DigestInit_ex2(context.get(), Sha256Method(), nullptr) == 1;
  for (ByteView part : parts) {
    ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  }
  ok = ok && EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  if (!ok) {
    std::fputs("hearth: OpenSSL has no SHA-256\n", stderr);
    std::abort();
  }
  return digest;
}

// Writes `out.size()` bytes of key material. The input of each block is laid out on the stack: derivation is
// most of the work of a message to one card.
Status KdfTo(const Key128& key, std::string_view label, ByteView context, std::span<uint8_t> out) {
  std::array<uint8_t, kMaxKdfInput + 9> input{};
  if (label.size() + context.size() > kMaxKdfInput) {
    return InvalidField("label", "label and context together have at most 119 bytes");
  }
  uint8_t* const label_at = input.data() + 4;
  uint8_t* const context_at = std::copy(label.begin(), label.end(), label_at) + 1;
  uint8_t* const bits_at = std::copy(context.begin(), context.end(), context_at);
  PutU32(bits_at, static_cast<uint32_t>(out.size() * 8));
  const ByteView message(input.data(), bits_at + 4);

  internal::CmacContext cmac;
  if (!cmac.Init(internal::Aes128::OfThisThread(), key.bytes(SecretAccess()))) {
    return internal::CryptoError("AES refused a derivation key");
  }
  internal::Block block;
  for (uint32_t i = 1; !out.empty(); ++i) {
    PutU32(input.data(), i);
    if (!cmac.Mac(message, block)) return internal::CryptoError("AES refused a derivation");
    const size_t part = std::min(out.size(), block.size());
    std::copy_n(block.begin(), part, out.begin());
    out = out.subspan(part);
  }
  Wipe(block);
  return Ok();
}

}  // namespace

Result<Mac128> Cmac(const Key128& key, ByteView message) {
  internal::CmacContext cmac;
  Mac128 mac{};
  if (!cmac.Init(internal::Aes128::OfThisThread(), key.bytes(SecretAccess())) || !cmac.Mac(message, mac)) {
    return internal::CryptoError("AES refused a MAC");
  }
  return mac;
}

Result<Key128> Kdf128(const Key128& key, std::string_view label, ByteView context) {
  Key128 out;
  HEARTH_RETURN_IF_ERROR(KdfTo(key, label, context, out.mutable_bytes(SecretAccess())));
  return out;
}

Result<Key256> Kdf256(const Key128& key, std::string_view label, ByteView context) {
  Key256 out;
  HEARTH_RETURN_IF_ERROR(KdfTo(key, label, context, out.mutable_bytes(SecretAccess())));
  return out;
}

Result<Secret> Kdf(const Key128& key, std::string_view label, ByteView context, size_t bytes) {
  if (bytes < 1 || bytes > kMaxKdfBytes) return InvalidField("bytes", "1 to 8160");
  Secret out(Bytes(bytes, 0));
  HEARTH_RETURN_IF_ERROR(KdfTo(key, label, context, out.mutable_bytes(SecretAccess())));
  return out;
}

Digest256 Sha256(ByteView message) { return Sha256Of({message}); }

Digest256 Sha256(ByteView a, ByteView b, ByteView c) { return Sha256Of({a, b, c}); }

uint64_t Hash64(ByteView message) {
  const Digest256 digest = Sha256(message);
  return ByteReader(digest).U64();
}

}  // namespace hearth::crypto
