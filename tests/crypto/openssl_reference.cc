#include "tests/crypto/openssl_reference.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace hearth::reference {
namespace {

void Must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "OpenSSL reference: %s failed\n", what);
  std::abort();
}

OSSL_PARAM Octets(const char* name, ByteView bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<uint8_t*>(bytes.data()), bytes.size());
}

OSSL_PARAM Text(const char* name, const char* value) {
  return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(value), 0);
}

template <auto F>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    F(object);
  }
};

}  // namespace

Bytes Cmac(ByteView key, ByteView message) {
  const std::unique_ptr<EVP_MAC, Free<EVP_MAC_free>> mac(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
  const std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>> context(EVP_MAC_CTX_new(mac.get()));
  const OSSL_PARAM params[] = {Text(OSSL_MAC_PARAM_CIPHER, "AES-128-CBC"), OSSL_PARAM_construct_end()};
  Bytes out(16);
  size_t size = 0;
  Must(EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1 &&
           EVP_MAC_update(context.get(), message.data(), message.size()) == 1 &&
           EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1,
       "CMAC");
  return out;
}

Bytes Kbkdf(ByteView key, std::string_view label, ByteView context, size_t bytes) {
  const std::unique_ptr<EVP_KDF, Free<EVP_KDF_free>> kdf(EVP_KDF_fetch(nullptr, "KBKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, Free<EVP_KDF_CTX_free>> state(EVP_KDF_CTX_new(kdf.get()));
  const OSSL_PARAM params[] = {Text(OSSL_KDF_PARAM_MODE, "counter"),
                               Text(OSSL_KDF_PARAM_MAC, "CMAC"),
                               Text(OSSL_KDF_PARAM_CIPHER, "AES-128-CBC"),
                               Octets(OSSL_KDF_PARAM_KEY, key),
                               Octets(OSSL_KDF_PARAM_SALT, AsBytes(label)),
                               Octets(OSSL_KDF_PARAM_INFO, context),
                               OSSL_PARAM_construct_end()};
  Bytes out(bytes);
  Must(EVP_KDF_derive(state.get(), out.data(), out.size(), params) == 1, "KBKDF");
  return out;
}

Bytes Siv(ByteView key, ByteView aad, ByteView plaintext) {
  const std::unique_ptr<EVP_CIPHER, Free<EVP_CIPHER_free>> siv(
      EVP_CIPHER_fetch(nullptr, "AES-128-SIV", nullptr));
  const std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>> context(EVP_CIPHER_CTX_new());
  Bytes out(16 + plaintext.size());
  int size = 0;
  Must(EVP_EncryptInit_ex2(context.get(), siv.get(), key.data(), nullptr, nullptr) == 1 &&
           EVP_EncryptUpdate(context.get(), nullptr, &size, aad.data(), static_cast<int>(aad.size())) == 1 &&
           EVP_EncryptUpdate(context.get(), out.data() + 16, &size, plaintext.data(),
                             static_cast<int>(plaintext.size())) == 1 &&
           EVP_EncryptFinal_ex(context.get(), out.data(), &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, out.data()) == 1,
       "AES-SIV");
  return out;
}

}  // namespace hearth::reference
