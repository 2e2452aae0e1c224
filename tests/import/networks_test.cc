#include "src/import/networks.h"

#include <gtest/gtest.h>

namespace hearth::import {
namespace {

TEST(Networks, OperatorsByCode) {
  struct Row {
    uint16_t mcc;
    uint16_t mnc;
    uint8_t digits;
    const char* name;  // nullptr: none
  };
  const Row rows[] = {{460, 0, 2, "China Mobile"},
                      {460, 1, 2, "China Unicom"},
                      {460, 11, 2, "China Telecom"},
                      {460, 15, 2, "China Broadnet"},
                      {460, 3, 2, "China Telecom (CDMA)"},
                      {460, 10, 2, nullptr},
                      {460, 1, 3, nullptr},
                      {310, 0, 2, nullptr}};
  for (const Row& row : rows) {
    const Network* network = FindNetwork(row.mcc, row.mnc, row.digits);
    ASSERT_EQ(network != nullptr, row.name != nullptr) << row.mnc;
    EXPECT_EQ(network == nullptr ? "" : network->name, row.name == nullptr ? "" : row.name);
  }
}

TEST(Networks, AreInOrderAndNamed) {
  int last = -1;
  for (const Network& network : ChineseNetworks()) {
    EXPECT_EQ(network.mcc, kChinaMcc);
    EXPECT_GT(network.mnc, last);
    EXPECT_FALSE(network.name.empty() || network.name_zh.empty());
    last = network.mnc;
  }
}

}  // namespace
}  // namespace hearth::import
