// Orders without memory: a keyed permutation of 0 … n-1, so that a cycle over 130 million records has a new
// random order each pass and remembers only where it stands.
#pragma once

#include <cstdint>

namespace hearth::carousel {

// Mixes; good enough that neighbouring passes have unrelated orders. No cryptography.
uint64_t Mix(uint64_t x);

// A Feistel network over the next even number of bits, walked until it lands below n (Black and Rogaway,
// "Ciphers with Arbitrary Finite Domains", 2002). On average fewer than four steps. Immutable; any thread.
class Shuffle {
 public:
  // n > 0.
  Shuffle(uint64_t n, uint64_t seed);

  uint64_t size() const { return n_; }
  // The element at `place`, which must be below n. Each element has exactly one place.
  uint64_t At(uint64_t place) const;

 private:
  uint64_t n_;
  uint64_t seed_;
  int half_;  // bits
};

}  // namespace hearth::carousel
