#include "tools/bench/openssl_reference.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace hearth::bench {
namespace {

constexpr size_t kCipherBlock = 16;

template <auto F>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    F(object);
  }
};
using Mac = std::unique_ptr<EVP_MAC, Free<EVP_MAC_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>>;
using Cipher = std::unique_ptr<EVP_CIPHER, Free<EVP_CIPHER_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;

Error Lacks(const char* what) { return Error(Reason::kCryptoFailed, std::string("OpenSSL has no ") + what); }

}  // namespace

struct OpenSslPeer::Contexts {
  Mac cmac{EVP_MAC_fetch(nullptr, "CMAC", nullptr)};
  MacContext mac{EVP_MAC_CTX_new(cmac.get())};
  Cipher siv{EVP_CIPHER_fetch(nullptr, "AES-128-SIV", nullptr)};
  CipherContext cipher{EVP_CIPHER_CTX_new()};
};

OpenSslPeer::OpenSslPeer(std::unique_ptr<Contexts> contexts) : contexts_(std::move(contexts)) {}
OpenSslPeer::~OpenSslPeer() = default;

Result<std::unique_ptr<OpenSslPeer>> OpenSslPeer::Create() {
  auto contexts = std::make_unique<Contexts>();
  char name[] = "AES-128-CBC";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0),
                               OSSL_PARAM_construct_end()};
  if (contexts->mac == nullptr || EVP_MAC_CTX_set_params(contexts->mac.get(), params) != 1) {
    return Lacks("CMAC");
  }
  if (contexts->siv == nullptr || contexts->cipher == nullptr) return Lacks("AES-128-SIV");
  return std::unique_ptr<OpenSslPeer>(new OpenSslPeer(std::move(contexts)));
}

// NIST SP 800-108 in counter mode with CMAC; the second block goes under the key that is there.
bool OpenSslPeer::Derive(ByteView key, std::string_view label, ByteView context, std::span<uint8_t> out) {
  std::array<uint8_t, 64> input{};
  uint8_t* at = std::copy(label.begin(), label.end(), input.data() + 4) + 1;
  at = std::copy(context.begin(), context.end(), at);
  const size_t bits = out.size() * 8;
  at[2] = static_cast<uint8_t>(bits >> 8);
  at[3] = static_cast<uint8_t>(bits);
  const auto size = static_cast<size_t>(at + 4 - input.data());
  EVP_MAC_CTX* const mac = contexts_->mac.get();
  for (size_t begin = 0; begin < out.size(); begin += kCipherBlock) {
    input[3] = static_cast<uint8_t>(begin / kCipherBlock + 1);
    size_t written = 0;
    const bool first = begin == 0;
    if (EVP_MAC_init(mac, first ? key.data() : nullptr, first ? key.size() : 0, nullptr) != 1 ||
        EVP_MAC_update(mac, input.data(), size) != 1 ||
        EVP_MAC_final(mac, out.data() + begin, &written, kCipherBlock) != 1) {
      return false;
    }
  }
  return true;
}

bool OpenSslPeer::Record(ByteView master, ByteView card, ByteView aad, ByteView plaintext,
                         std::span<uint8_t> sealed) {
  std::array<uint8_t, kCipherBlock> card_key;
  std::array<uint8_t, kCipherBlock> enc_key;
  std::array<uint8_t, 2 * kCipherBlock> siv_key;
  EVP_CIPHER_CTX* const cipher = contexts_->cipher.get();
  int size = 0;
  return Derive(master, "hearth/1/card", card, card_key) &&
         Derive(card_key, "hearth/1/card-enc", {}, enc_key) &&
         Derive(enc_key, "hearth/1/siv/82", {}, siv_key) &&
         EVP_EncryptInit_ex2(cipher, contexts_->siv.get(), siv_key.data(), nullptr, nullptr) == 1 &&
         EVP_EncryptUpdate(cipher, nullptr, &size, aad.data(), static_cast<int>(aad.size())) == 1 &&
         EVP_EncryptUpdate(cipher, sealed.data() + kCipherBlock, &size, plaintext.data(),
                           static_cast<int>(plaintext.size())) == 1 &&
         EVP_EncryptFinal_ex(cipher, sealed.data() + kCipherBlock, &size) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, kCipherBlock, sealed.data()) == 1;
}

bool OpenSslPeer::Standing(ByteView master, ByteView card, ByteView message, std::span<uint8_t, 16> mac) {
  std::array<uint8_t, kCipherBlock> card_key;
  std::array<uint8_t, kCipherBlock> mac_key;
  EVP_MAC_CTX* const context = contexts_->mac.get();
  size_t written = 0;
  return Derive(master, "hearth/1/card", card, card_key) &&
         Derive(card_key, "hearth/1/card-mac", {}, mac_key) &&
         EVP_MAC_init(context, mac_key.data(), mac_key.size(), nullptr) == 1 &&
         EVP_MAC_update(context, message.data(), message.size()) == 1 &&
         EVP_MAC_final(context, mac.data(), &written, mac.size()) == 1;
}

struct AesCeiling::Contexts {
  Cipher ecb{EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr)};
  CipherContext cipher{EVP_CIPHER_CTX_new()};
  std::array<uint8_t, 64 * kCipherBlock> text{};
};

AesCeiling::AesCeiling(std::unique_ptr<Contexts> contexts) : contexts_(std::move(contexts)) {}
AesCeiling::~AesCeiling() = default;

Result<std::unique_ptr<AesCeiling>> AesCeiling::Create() {
  auto contexts = std::make_unique<Contexts>();
  if (contexts->ecb == nullptr || contexts->cipher == nullptr ||
      EVP_EncryptInit_ex2(contexts->cipher.get(), contexts->ecb.get(), nullptr, nullptr, nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(contexts->cipher.get(), 0) != 1) {
    return Lacks("AES-128-ECB");
  }
  return std::unique_ptr<AesCeiling>(new AesCeiling(std::move(contexts)));
}

bool AesCeiling::Run(ByteView key, std::span<const size_t> blocks) {
  EVP_CIPHER_CTX* const cipher = contexts_->cipher.get();
  uint8_t* const text = contexts_->text.data();
  for (const size_t count : blocks) {
    const size_t bytes = std::min(count * kCipherBlock, contexts_->text.size());
    int written = 0;
    if (EVP_EncryptInit_ex2(cipher, nullptr, key.data(), nullptr, nullptr) != 1 ||
        EVP_EncryptUpdate(cipher, text, &written, text, static_cast<int>(bytes)) != 1) {
      return false;
    }
  }
  return true;
}

}  // namespace hearth::bench
