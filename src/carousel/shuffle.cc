#include "src/carousel/shuffle.h"

#include <bit>

namespace hearth::carousel {

// The finaliser of SplitMix64.
uint64_t Mix(uint64_t x) {
  x += 0x9E37'79B9'7F4A'7C15;
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
  return x ^ (x >> 31);
}

Shuffle::Shuffle(uint64_t n, uint64_t seed)
    : n_(n), seed_(Mix(seed)), half_((static_cast<int>(std::bit_width(n > 1 ? n - 1 : 1)) + 1) / 2) {}

uint64_t Shuffle::At(uint64_t place) const {
  const uint64_t mask = (uint64_t{1} << half_) - 1;
  do {
    uint64_t left = place >> half_;
    uint64_t right = place & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      const uint64_t next = left ^ (Mix(right ^ seed_ ^ round << 56) & mask);
      left = right;
      right = next;
    }
    place = left << half_ | right;
  } while (place >= n_);
  return place;
}

}  // namespace hearth::carousel
