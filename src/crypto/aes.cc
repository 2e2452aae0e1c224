#include "src/crypto/aes.h"

#include <bit>
#include <cstring>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "src/crypto/secret.h"

namespace hearth::crypto::internal {
namespace {

// Fetched once a process: a fetch costs more than a whole message. Never freed, so that threads that end
// late still find it.
EVP_CIPHER* AesEcb() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr);
  return cipher;
}

}  // namespace

void Aes128::Free::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

Aes128::Aes128() : context_(EVP_CIPHER_CTX_new()) {
  if (context_ == nullptr || AesEcb() == nullptr) {
    context_.reset();
    return;
  }
  if (EVP_EncryptInit_ex2(context_.get(), AesEcb(), nullptr, nullptr, nullptr) != 1) context_.reset();
  if (context_ != nullptr) EVP_CIPHER_CTX_set_padding(context_.get(), 0);
}

Aes128& Aes128::OfThisThread() {
  thread_local Aes128 aes;
  return aes;
}

bool Aes128::SetKey(ByteView key) {
  return context_ != nullptr && key.size() == kBlock &&
         EVP_EncryptInit_ex2(context_.get(), nullptr, key.data(), nullptr, nullptr) == 1;
}

bool Aes128::Encrypt(const uint8_t* in, uint8_t* out, size_t bytes) {
  int written = 0;
  return EVP_EncryptUpdate(context_.get(), out, &written, in, static_cast<int>(bytes)) == 1 &&
         static_cast<size_t>(written) == bytes;
}

CmacContext::~CmacContext() {
  Wipe(subkey1_);
  Wipe(subkey2_);
}

bool CmacContext::Init(Aes128& aes, ByteView key) {
  aes_ = &aes;
  Block zero{};
  if (!aes.SetKey(key) || !aes.Encrypt(zero.data(), zero.data(), kBlock)) return false;
  subkey1_ = Double(zero);
  subkey2_ = Double(subkey1_);
  return true;
}

bool CmacContext::Mac(ByteView message, Block& out) {
  out = {};
  while (message.size() > kBlock) {
    XorInto(out, message.data());
    if (!aes_->Encrypt(out.data(), out.data(), kBlock)) return false;
    message = message.subspan(kBlock);
  }
  const bool whole = message.size() == kBlock;
  for (size_t i = 0; i < message.size(); ++i) out[i] = static_cast<uint8_t>(out[i] ^ message[i]);
  if (!whole) out[message.size()] = static_cast<uint8_t>(out[message.size()] ^ 0x80);
  XorInto(out, whole ? subkey1_.data() : subkey2_.data());
  return aes_->Encrypt(out.data(), out.data(), kBlock);
}

Block Double(const Block& in) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t halves[2];
  std::memcpy(halves, in.data(), kBlock);
  uint64_t high = __builtin_bswap64(halves[0]);
  uint64_t low = __builtin_bswap64(halves[1]);
  const uint64_t carry = 0 - (high >> 63);  // all zeros or all ones, without a branch
  high = high << 1 | low >> 63;
  low = low << 1 ^ (carry & 0x87);
  halves[0] = __builtin_bswap64(high);
  halves[1] = __builtin_bswap64(low);
  Block out;
  std::memcpy(out.data(), halves, kBlock);
  return out;
}

Error CryptoError(std::string what) {
  const unsigned long code = ERR_get_error();  // NOLINT: OpenSSL's type
  char text[256] = "no further word from OpenSSL";
  if (code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return Error(Reason::kCryptoFailed, std::move(what)).Detail(text);
}

}  // namespace hearth::crypto::internal
