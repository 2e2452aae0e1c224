// Rates and times as people write and read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/status.h"

namespace hearth::ctl {

// "1Mbit/s", "300kbit/s", or kbit/s as a number, to kbit/s: 1 to 1,000,000. FIELD_INVALID.
Result<uint32_t> ParseRate(std::string_view text);
// "14.1 min": the largest unit of which there is at least one.
std::string Duration(double seconds);

}  // namespace hearth::ctl
