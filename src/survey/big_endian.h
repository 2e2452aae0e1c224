// Words of the table and its rows, at any address.
#pragma once

#include <cstdint>
#include <cstring>

namespace hearth::survey {

inline uint32_t Load32(const uint8_t* at) {
  uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return __builtin_bswap32(word);
}

inline uint64_t Load64(const uint8_t* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return __builtin_bswap64(word);
}

inline void Store32(uint8_t* at, uint32_t value) {
  const uint32_t word = __builtin_bswap32(value);
  std::memcpy(at, &word, sizeof word);
}

}  // namespace hearth::survey
