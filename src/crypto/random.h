// Randomness from OpenSSL's generator, seeded by the operating system.
#pragma once

#include <cstdint>
#include <span>

#include "src/base/random.h"

namespace hearth::crypto {

// Any thread; no state of its own. Aborts the process when the system has no randomness: no key may be made
// without it.
class SystemRandom final : public RandomSource {
 public:
  void Fill(std::span<uint8_t> out) override;
};

}  // namespace hearth::crypto
