#include "src/import/networks.h"

#include <algorithm>

namespace hearth::import {
namespace {

constexpr Network kNetworks[] = {
    {460, 0, "China Mobile", "中国移动"},
    {460, 1, "China Unicom", "中国联通"},
    {460, 2, "China Mobile", "中国移动"},
    {460, 3, "China Telecom (CDMA)", "中国电信 CDMA"},
    {460, 4, "China Mobile (satellite)", "中国移动 卫星"},
    {460, 5, "China Telecom", "中国电信"},
    {460, 6, "China Unicom", "中国联通"},
    {460, 7, "China Mobile", "中国移动"},
    {460, 8, "China Mobile", "中国移动"},
    {460, 9, "China Unicom", "中国联通"},
    {460, 11, "China Telecom", "中国电信"},
    {460, 13, "China Mobile (things)", "中国移动 物联网"},
    {460, 15, "China Broadnet", "中国广电"},
    {460, 20, "China Tietong (railway)", "中国铁通"},
};

}  // namespace

std::span<const Network> ChineseNetworks() { return kNetworks; }

const Network* FindNetwork(uint16_t mcc, uint16_t mnc, uint8_t mnc_digits) {
  if (mnc_digits != 2) return nullptr;
  const auto* found = std::find_if(std::begin(kNetworks), std::end(kNetworks),
                                   [&](const Network& n) { return n.mcc == mcc && n.mnc == mnc; });
  return found == std::end(kNetworks) ? nullptr : found;
}

}  // namespace hearth::import
