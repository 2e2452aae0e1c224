#include "src/crypto/random.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include <openssl/rand.h>

namespace hearth::crypto {

void SystemRandom::Fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    const size_t part = std::min<size_t>(out.size(), std::numeric_limits<int>::max());
    if (RAND_priv_bytes(out.data(), static_cast<int>(part)) != 1) {
      std::fputs("hearth: the system has no randomness; no key can be made without it\n", stderr);
      std::abort();
    }
    out = out.subspan(part);
  }
}

}  // namespace hearth::crypto
