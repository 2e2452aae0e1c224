// Random bytes that are the same in each run.
#pragma once

#include <cstdint>
#include <random>
#include <span>

#include "src/base/random.h"

namespace hearth::bench {

class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void Fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace hearth::bench
