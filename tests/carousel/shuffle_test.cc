#include "src/carousel/shuffle.h"

#include <vector>

#include <gtest/gtest.h>

namespace hearth::carousel {
namespace {

TEST(Shuffle, EachElementHasExactlyOnePlace) {
  for (const uint64_t n : {1U, 2U, 3U, 4U, 5U, 255U, 256U, 257U, 1000U, 65'537U}) {
    std::vector<bool> seen(n);
    const Shuffle shuffle(n, 7);
    for (uint64_t place = 0; place < n; ++place) {
      const uint64_t element = shuffle.At(place);
      ASSERT_LT(element, n);
      ASSERT_FALSE(seen[element]) << n << ": " << element << " twice";
      seen[element] = true;
    }
  }
}

TEST(Shuffle, OrdersOfDifferentSeedsAreUnrelated) {
  constexpr uint64_t kSize = 10'000;
  const Shuffle first(kSize, 1);
  const Shuffle second(kSize, 2);
  uint64_t same = 0;
  uint64_t rising = 0;
  for (uint64_t place = 0; place < kSize; ++place) {
    same += first.At(place) == second.At(place) ? 1 : 0;
    if (place > 0) rising += first.At(place) > first.At(place - 1) ? 1 : 0;
  }
  EXPECT_LT(same, 12U);  // one is expected
  EXPECT_NEAR(static_cast<double>(rising), kSize / 2.0, 250);
}

}  // namespace
}  // namespace hearth::carousel
