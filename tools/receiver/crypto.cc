#include "tools/receiver/crypto.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

namespace hearth::receiver {
namespace {

void Require(bool worked, const char* what) {
  if (worked) return;
  std::fprintf(stderr, "hearth-receiver: the crypto library failed: %s\n", what);
  std::abort();
}

struct MacCtxFree {
  void operator()(EVP_MAC_CTX* ctx) const { EVP_MAC_CTX_free(ctx); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct DigestCtxFree {
  void operator()(EVP_MD_CTX* ctx) const { EVP_MD_CTX_free(ctx); }
};
struct CipherCtxFree {
  void operator()(EVP_CIPHER_CTX* ctx) const { EVP_CIPHER_CTX_free(ctx); }
};

// Set up once per thread: fetching and naming the cipher for each message costs more than the CMAC.
EVP_MAC_CTX* CmacContext() {
  thread_local const std::unique_ptr<EVP_MAC_CTX, MacCtxFree> context = [] {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "CMAC", nullptr);
    Require(mac != nullptr, "CMAC");
    std::unique_ptr<EVP_MAC_CTX, MacCtxFree> ctx(EVP_MAC_CTX_new(mac));
    EVP_MAC_free(mac);
    char cipher[] = "AES-128-CBC";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, static_cast<char*>(cipher), 0),
        OSSL_PARAM_construct_end()};
    Require(ctx != nullptr && EVP_MAC_CTX_set_params(ctx.get(), params) == 1, "CMAC with AES-128");
    return ctx;
  }();
  return context.get();
}

Mac CmacOf(ByteView key, ByteView message) {
  EVP_MAC_CTX* ctx = CmacContext();
  Mac out{};
  size_t size = 0;
  Require(EVP_MAC_init(ctx, key.data(), key.size(), nullptr) == 1 &&
              (message.empty() || EVP_MAC_update(ctx, message.data(), message.size()) == 1) &&
              EVP_MAC_final(ctx, out.data(), &size, out.size()) == 1 && size == out.size(),
          "CMAC");
  return out;
}

void KdfInto(const Key& key, std::string_view label, ByteView context, std::span<uint8_t> out) {
  size_t filled = 0;
  for (uint32_t i = 1; filled < out.size(); ++i) {
    ByteWriter input;
    input.U32(i).Put(AsBytes(label)).U8(0).Put(context).U32(out.size() * 8);
    Mac block = CmacOf(key.secret_bytes(), input.bytes());
    const size_t take = std::min(block.size(), out.size() - filled);
    std::copy_n(block.begin(), take, out.begin() + static_cast<ptrdiff_t>(filled));
    filled += take;
    Wipe(block);
  }
}

// Doubling in GF(2^128), RFC 5297 section 2.3.
Mac Doubled(const Mac& in) {
  Mac out{};
  for (size_t i = 0; i < 16; ++i) {
    const unsigned next = i + 1 < 16 ? in[i + 1] : 0U;
    out[i] = static_cast<uint8_t>(in[i] << 1U | next >> 7U);
  }
  if ((in[0] & 0x80U) != 0) out[15] ^= 0x87U;
  return out;
}

// S2V of RFC 5297 section 2.4 for the two strings (associated, plain).
Mac SyntheticIv(ByteView mac_key, ByteView associated, ByteView plain) {
  const Mac zero{};
  Mac d = Doubled(CmacOf(mac_key, zero));
  const Mac of_associated = CmacOf(mac_key, associated);
  for (size_t i = 0; i < 16; ++i) d[i] ^= of_associated[i];
  Bytes last(plain.begin(), plain.end());
  if (last.size() < 16) {
    last.push_back(0x80);
    last.resize(16, 0);
    d = Doubled(d);
  }
  const size_t offset = last.size() - 16;
  for (size_t i = 0; i < 16; ++i) last[offset + i] ^= d[i];
  const Mac iv = CmacOf(mac_key, last);
  Wipe(last);
  return iv;
}

Bytes CtrCrypt(ByteView key, Mac iv, ByteView in) {
  if (in.empty()) return {};
  iv[8] &= 0x7F;
  iv[12] &= 0x7F;
  const std::unique_ptr<EVP_CIPHER_CTX, CipherCtxFree> ctx(EVP_CIPHER_CTX_new());
  Bytes out(in.size());
  int size = 0;
  Require(ctx != nullptr &&
              EVP_EncryptInit_ex(ctx.get(), EVP_aes_128_ctr(), nullptr, key.data(), iv.data()) == 1 &&
              EVP_EncryptUpdate(ctx.get(), out.data(), &size, in.data(), static_cast<int>(in.size())) == 1 &&
              static_cast<size_t>(size) == in.size(),
          "AES-128-CTR");
  return out;
}

}  // namespace

void Wipe(std::span<uint8_t> bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

Result<Key> KeyFromHex(std::string_view hex, std::string_view what) {
  auto bytes = FromHex(hex);
  if (!bytes || bytes->size() != 16) {
    return Error(Reason::kKeyFileInvalid, std::string(what) + " is not a key of 32 hexadecimal digits");
  }
  Key key;
  std::copy(bytes->begin(), bytes->end(), key.mutable_secret_bytes().begin());
  Wipe(*bytes);
  return key;
}

Mac Cmac(const Key& key, ByteView message) { return CmacOf(key.secret_bytes(), message); }

Key Kdf(const Key& key, std::string_view label, ByteView context) {
  Key out;
  KdfInto(key, label, context, out.mutable_secret_bytes());
  return out;
}

SivKey DeriveSivKey(const Key& key, std::string_view use) {
  SivKey out;
  KdfInto(key, std::string("hearth/1/siv/").append(use), {}, out.mutable_secret_bytes());
  return out;
}

Bytes SivSeal(const SivKey& key, ByteView associated, ByteView plain) {
  const ByteView halves = key.secret_bytes();
  const Mac iv = SyntheticIv(halves.first(16), associated, plain);
  Bytes out(iv.begin(), iv.end());
  const Bytes cipher = CtrCrypt(halves.subspan(16), iv, plain);
  out.insert(out.end(), cipher.begin(), cipher.end());
  return out;
}

std::optional<SecretBytes> SivOpen(const SivKey& key, ByteView associated, ByteView sealed) {
  if (sealed.size() < 16) return std::nullopt;
  const ByteView halves = key.secret_bytes();
  Mac iv{};
  std::copy_n(sealed.begin(), 16, iv.begin());
  SecretBytes plain(CtrCrypt(halves.subspan(16), iv, sealed.subspan(16)));
  const Mac expected = SyntheticIv(halves.first(16), associated, plain.secret_bytes());
  if (!SameBytes(expected, iv)) return std::nullopt;
  return plain;
}

std::array<uint8_t, 32> Sha256(ByteView message) {
  std::array<uint8_t, 32> out{};
  Require(SHA256(message.data(), message.size(), out.data()) != nullptr, "SHA-256");
  return out;
}

bool VerifyEd25519(const std::array<uint8_t, 32>& public_key, ByteView message, ByteView signature) {
  const std::unique_ptr<EVP_PKEY, KeyFree> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()));
  const std::unique_ptr<EVP_MD_CTX, DigestCtxFree> ctx(EVP_MD_CTX_new());
  Require(key != nullptr && ctx != nullptr, "Ed25519");
  return EVP_DigestVerifyInit(ctx.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(ctx.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

std::array<uint8_t, 32> Ed25519PublicKey(const Secret<32>& seed) {
  const ByteView raw = seed.secret_bytes();
  const std::unique_ptr<EVP_PKEY, KeyFree> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size()));
  std::array<uint8_t, 32> out{};
  size_t size = out.size();
  Require(
      key != nullptr && EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) == 1 && size == out.size(),
      "Ed25519");
  return out;
}

bool SameBytes(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void SystemRandom::Fill(std::span<uint8_t> out) {
  Require(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "randomness");
}

void SeededRandom::Fill(std::span<uint8_t> out) {
  for (size_t at = 0; at < out.size();) {
    ByteWriter input;
    input.Put(AsBytes("hearth-receiver seed")).U64(seed_).U64(block_++);
    const auto block = Sha256(input.bytes());
    const size_t take = std::min(block.size(), out.size() - at);
    std::copy_n(block.begin(), take, out.begin() + static_cast<ptrdiff_t>(at));
    at += take;
  }
}

}  // namespace hearth::receiver
