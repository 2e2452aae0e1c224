// What plan.cc and emergency.cc both check and compute.
#pragma once

#include <chrono>
#include <cstdint>

#include "src/base/ids.h"

namespace hearth::entitlement {

// Six digits (GB/T 2260).
inline bool IsDivision(uint32_t division) { return division >= 100'000 && division <= 999'999; }

inline UnixMillis Plus(UnixMillis time, std::chrono::milliseconds by) {
  return UnixMillis(time.value + by.count());
}

}  // namespace hearth::entitlement
