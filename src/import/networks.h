// The mobile networks of China (MCC 460) by their codes.
// Source: ITU-T E.212 assignments as npm mcc-mnc-list 1.1.11 (MIT) has them; test networks and what is not in
// use any more are in it, because old boxes and lists still name them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::import {

struct Network {
  uint16_t mcc = 0;
  uint16_t mnc = 0;  // two digits
  std::string_view name;
  std::string_view name_zh;
};

inline constexpr uint16_t kChinaMcc = 460;

// By MNC.
std::span<const Network> ChineseNetworks();
// nullptr for a network of another country, or one that no Chinese operator uses: 460-001 is not 460-01.
const Network* FindNetwork(uint16_t mcc, uint16_t mnc, uint8_t mnc_digits);

}  // namespace hearth::import
