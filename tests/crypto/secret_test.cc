#include "src/crypto/secret.h"

#include <concepts>
#include <cstring>
#include <memory>
#include <ostream>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <gtest/gtest.h>

#include "src/crypto/ladder.h"
#include "src/crypto/random.h"

namespace hearth::crypto {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

// What a secret must not do, said to the compiler.
template <typename T>
constexpr bool kGuarded =
    !Printable<T> && !fmt::is_formattable<T>::value && !std::is_copy_constructible_v<T> &&
    !std::is_copy_assignable_v<T> && std::is_nothrow_move_constructible_v<T>;
static_assert(kGuarded<Secret> && kGuarded<Key128> && kGuarded<Key256> && kGuarded<GroupKey>);
// Rungs do not stand in for each other.
static_assert(!std::is_convertible_v<GroupKey, PackageKey> &&
              !std::is_constructible_v<PackageKey, GroupKey&>);
static_assert(!std::is_convertible_v<Key128, GroupKey>);

TEST(Key128, IsWipedWhenItDies) {
  alignas(Key128) unsigned char memory[sizeof(Key128)];
  std::array<uint8_t, 16> bytes;
  bytes.fill(0xAB);
  auto* key = new (memory) Key128(bytes);
  EXPECT_EQ(key->bytes(SecretAccess())[3], 0xAB);
  std::destroy_at(key);
  // Through volatile, so that the compiler cannot know the store to be dead.
  const volatile unsigned char* left = memory;
  for (size_t i = 0; i < sizeof(memory); ++i) EXPECT_EQ(left[i], 0) << i;
}

TEST(Key128, MovedFromIsZero) {
  SystemRandom random;
  Key128 key = Key128::Random(random);
  const Key128 copy = key.Copy();
  const Key128 moved = std::move(key);
  EXPECT_EQ(moved, copy);
  EXPECT_TRUE(key.IsZero());  // NOLINT: what moving leaves is the point
  EXPECT_FALSE(moved.IsZero());
}

TEST(Key128, FromBytesTakesExactlySixteen) {
  EXPECT_TRUE(Key128::FromBytes(Bytes(16, 1)));
  EXPECT_EQ(Key128::FromBytes(Bytes(15, 1)).error().reason(), Reason::kFieldInvalid);
  EXPECT_EQ(Key128::FromBytes(Bytes(17, 1)).error().reason(), Reason::kFieldInvalid);
}

TEST(Secret, ComparesByContent) {
  const Secret a(Bytes{1, 2, 3});
  EXPECT_EQ(a, a.Copy());
  EXPECT_FALSE(a == Secret(Bytes{1, 2, 4}));
  EXPECT_FALSE(a == Secret(Bytes{1, 2}));
  EXPECT_TRUE(Secret() == Secret(Bytes{}));
}

TEST(Secret, MovedFromIsEmpty) {
  Secret a(Bytes{1, 2, 3});
  Secret b(Bytes{9});
  b = std::move(a);
  EXPECT_EQ(b.size(), 3U);
  EXPECT_EQ(a.size(), 0U);  // NOLINT: what moving leaves is the point
}

TEST(ConstantTimeEqual, IsEquality) {
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
  EXPECT_TRUE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abc")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abd")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("ab")));
}

TEST(SystemRandom, GivesDifferentKeys) {
  SystemRandom random;
  EXPECT_FALSE(Key128::Random(random) == Key128::Random(random));
  EXPECT_FALSE(Key128::Random(random).IsZero());
}

}  // namespace
}  // namespace hearth::crypto
