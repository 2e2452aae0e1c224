// The primitives against the published examples.
#include "tools/receiver/crypto.h"

#include <gtest/gtest.h>

#include "tests/receiver/air.h"

namespace hearth::receiver {
namespace {

Bytes Hex(std::string_view text) { return FromHex(text).value(); }

SivKey ToSivKey(std::string_view hex) {
  std::array<uint8_t, 32> bytes{};
  const Bytes from = Hex(hex);
  std::copy(from.begin(), from.end(), bytes.begin());
  return SivKey(bytes);
}

TEST(Crypto, CmacMatchesRfc4493) {
  const Key key = KeyFromHex("2b7e151628aed2a6abf7158809cf4f3c", "key").value();
  struct Row {
    const char* name;
    const char* message;
    const char* mac;
  };
  const Row rows[] = {
      {"empty", "", "bb1d6929e95937287fa37d129b756746"},
      {"16 bytes", "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"},
      {"40 bytes", "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
       "dfa66747de9ae63030ca32611497c827"},
  };
  for (const Row& row : rows) EXPECT_EQ(ToHex(Cmac(key, Hex(row.message))), row.mac) << row.name;
}

TEST(Crypto, SivMatchesRfc5297) {
  const SivKey key = ToSivKey("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  const Bytes associated = Hex("101112131415161718191a1b1c1d1e1f2021222324252627");
  const Bytes plain = Hex("112233445566778899aabbccddee");
  const char* expected = "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c";
  EXPECT_EQ(ToHex(SivSeal(key, associated, plain)), expected);
  const auto opened = SivOpen(key, associated, Hex(expected));
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(ToHex(opened->secret_bytes()), ToHex(plain));
}

TEST(Crypto, SivRefusesEveryFlippedBit) {
  const SivKey key = DeriveSivKey(air::TestKey(9), "82");
  const Bytes associated = Hex("0102030405");
  for (const size_t length : {0, 1, 15, 16, 17, 40}) {
    const Bytes sealed = SivSeal(key, associated, Bytes(length, 0x5A));
    ASSERT_TRUE(SivOpen(key, associated, sealed).has_value()) << length;
    for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Bytes changed = sealed;
      changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
      EXPECT_FALSE(SivOpen(key, associated, changed).has_value()) << length << " bytes, bit " << bit;
    }
    EXPECT_FALSE(SivOpen(key, Hex("0102030406"), sealed).has_value());
    EXPECT_FALSE(SivOpen(key, associated, ByteView(sealed).first(sealed.size() - 1)).has_value());
  }
}

TEST(Crypto, SameSeedSameBytes) {
  Bytes a(100), b(100), c(100);
  SeededRandom one(7), two(7), three(8);
  one.Fill(a);
  two.Fill(b);
  three.Fill(c);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(Crypto, KeysAreThirtyTwoDigits) {
  EXPECT_TRUE(KeyFromHex("000102030405060708090a0b0c0d0e0f", "key").has_value());
  for (const char* bad :
       {"", "00", "000102030405060708090a0b0c0d0e0f10", "000102030405060708090a0b0c0d0e0x"}) {
    const auto key = KeyFromHex(bad, "master_key");
    ASSERT_FALSE(key.has_value()) << bad;
    EXPECT_EQ(key.error().reason(), Reason::kKeyFileInvalid);
    EXPECT_NE(key.error().message().find("master_key"), std::string::npos);
  }
}

}  // namespace
}  // namespace hearth::receiver
