// Whether a card may open anything, and why not: the two bytes of messages 0x82 and 0x83
// (docs/messages.md section 4). The numbers are on the air and never reused.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::entitlement {

enum class Standing : uint8_t {
  kDark = 0,
  kOn = 1,
  kOnExempt = 2,  // on, and exempt from the whitelist (never from deny lists)
};

enum class StandingReason : uint8_t {
  kNone = 0,
  kWaiting = 1,   // waiting for installation
  kLocation = 2,  // heard where it must not be
  kClosed = 3,    // the account is closed
  kSwapped = 4,   // replaced by another device
  kOperator = 5,  // switched off by hand
  kEvicted = 6,   // thrown out of its group
};

constexpr bool IsStanding(uint8_t value) { return value <= static_cast<uint8_t>(Standing::kOnExempt); }
constexpr bool IsStandingReason(uint8_t value) {
  return value <= static_cast<uint8_t>(StandingReason::kEvicted);
}

constexpr std::string_view NameOf(Standing standing) {
  switch (standing) {
    case Standing::kDark:
      return "dark";
    case Standing::kOn:
      return "on";
    case Standing::kOnExempt:
      return "on-exempt";
  }
  return "?";
}

constexpr std::string_view NameOf(StandingReason reason) {
  switch (reason) {
    case StandingReason::kNone:
      return "none";
    case StandingReason::kWaiting:
      return "waiting";
    case StandingReason::kLocation:
      return "location";
    case StandingReason::kClosed:
      return "closed";
    case StandingReason::kSwapped:
      return "swapped";
    case StandingReason::kOperator:
      return "operator";
    case StandingReason::kEvicted:
      return "evicted";
  }
  return "?";
}

}  // namespace hearth::entitlement
