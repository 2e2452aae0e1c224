#include "tools/ctl/air.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace hearth::ctl {

Result<uint32_t> ParseRate(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const double kbps = unit == "Mbit/s" ? value * 1000 : value;
  const bool known = unit.empty() || unit == "kbit/s" || unit == "Mbit/s";
  if (error != std::errc() || !known || !(kbps >= 1 && kbps <= 1'000'000)) {
    return InvalidField(
        "rate", fmt::format("as 1Mbit/s or 300kbit/s, up to 1000Mbit/s, not \"{}\"", text.substr(0, 40)));
  }
  return static_cast<uint32_t>(std::lround(kbps));
}

std::string Duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  if (seconds < 3600) return fmt::format("{:.1f} min", seconds / 60);
  if (seconds < 86'400) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.1f} days", seconds / 86'400);
}

}  // namespace hearth::ctl
