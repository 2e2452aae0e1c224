#include "src/crypto/secret.h"

#include <utility>

#include <openssl/crypto.h>

namespace hearth::crypto {

void Wipe(std::span<uint8_t> memory) {
  if (!memory.empty()) OPENSSL_cleanse(memory.data(), memory.size());
}

bool ConstantTimeEqual(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe(bytes_);
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
  }
  return *this;
}

}  // namespace hearth::crypto
