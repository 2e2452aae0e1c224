// Randomness as an interface, so that tests are repeatable. src/crypto has the real one.
#pragma once

#include <cstdint>
#include <span>

namespace hearth {

// Any thread. Must outlive its users.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  // Fills `out`; never fails to the caller (the real source aborts the process when the system has none).
  virtual void Fill(std::span<uint8_t> out) = 0;
};

}  // namespace hearth
