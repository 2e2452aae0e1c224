#include "src/crypto/primitives.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <openssl/evp.h>

#include "src/crypto/aes.h"

namespace hearth::crypto {
namespace {

// CMAC gives 16 bytes a block and the counter of section 2 never passes 510 blocks.
constexpr size_t kMaxKdfBytes = 8160;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

EVP_MD* Sha256Method() {
  static EVP_MD* const kMethod = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return kMethod;
}

Digest256 Sha256Of(std::initializer_list<ByteView> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
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

// Writes `out.size()` bytes of key material.
Status KdfTo(const Key128& key, std::string_view label, ByteView context, std::span<uint8_t> out) {
  internal::CmacContext cmac;
  if (!cmac.Init(internal::Aes128::OfThisThread(), key.bytes(SecretAccess()))) {
    return internal::CryptoError("AES refused a derivation key");
  }
  ByteWriter input(4 + label.size() + 1 + context.size() + 4);
  input.U32(0).Put(AsBytes(label)).U8(0).Put(context).U32(out.size() * 8);
  internal::Block block;
  for (uint32_t i = 1; !out.empty(); ++i) {
    input.PatchU(0, i, 4);
    if (!cmac.Mac(input.bytes(), block)) return internal::CryptoError("AES refused a derivation");
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
