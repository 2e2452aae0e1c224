#include "src/crypto/siv.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/crypto/openssl_reference.h"

namespace hearth::crypto {
namespace {

constexpr char kKey[] = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

SivKey KeyOf(std::string_view hex) { return SivKey(Key256::FromBytes(FromHex(hex).value()).value()); }

// RFC 5297, appendix A.1 (A.2 has several strings of associated data, which suite 1 never has).
TEST(Siv, Rfc5297A1) {
  const SivKey key = KeyOf(kKey);
  const Bytes aad = FromHex("101112131415161718191a1b1c1d1e1f2021222324252627").value();
  const Bytes plaintext = FromHex("112233445566778899aabbccddee").value();
  const Bytes sealed = key.Seal(aad, plaintext).value();
  EXPECT_EQ(ToHex(sealed), "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c");
  EXPECT_EQ(ToHex(key.Open(aad, sealed)->bytes(SecretAccess())), ToHex(plaintext));
}

TEST(Siv, IsOpenSsls) {
  EXPECT_TRUE(
      rc::check("SIV", [](const std::array<uint8_t, 32>& raw, const Bytes& aad, const Bytes& plaintext) {
        RC_PRE(!plaintext.empty() && !aad.empty());
        const SivKey key((Key256(raw)));
        RC_ASSERT(ToHex(key.Seal(aad, plaintext).value()) == ToHex(reference::Siv(raw, aad, plaintext)));
      }));
}

// Lengths around the block size and beyond the 256 bytes that the counter mode works on at a time.
TEST(Siv, IsOpenSslsAtEveryLength) {
  const SivKey key = KeyOf(kKey);
  SivKey kept = KeyOf(kKey);
  ASSERT_TRUE(kept.KeepSchedules());
  const Bytes raw = FromHex(kKey).value();
  const Bytes aad(14, 0xA5);
  for (size_t length = 1; length <= 600; ++length) {
    const Bytes plaintext(length, static_cast<uint8_t>(length));
    const std::string expected = ToHex(reference::Siv(raw, aad, plaintext));
    ASSERT_EQ(ToHex(key.Seal(aad, plaintext).value()), expected) << length;
    ASSERT_EQ(ToHex(kept.Seal(aad, plaintext).value()), expected) << length;
  }
}

// Whoever does not find the schedules free sets the key by itself.
TEST(Siv, KeptSchedulesSealFromSeveralThreads) {
  SivKey key = KeyOf(kKey);
  ASSERT_TRUE(key.KeepSchedules());
  const SivKey moved = std::move(key);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&moved, &mine = wrong[t], t] {
      const Bytes plaintext(28, static_cast<uint8_t>(t));
      const Bytes expected = KeyOf(kKey).Seal({}, plaintext).value();
      for (int i = 0; i < 2000; ++i) mine += moved.Seal({}, plaintext).value() == expected ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) EXPECT_EQ(count, 0);
}

// A synthetic IV whose counter has bits 31 and 63 set exercises their clearing: over 64 texts both occur.
TEST(Siv, ClearsTheCounterBitsAsOpenSslDoes) {
  const SivKey key = KeyOf(kKey);
  const Bytes raw = FromHex(kKey).value();
  int both = 0;
  for (uint8_t i = 0; i < 64; ++i) {
    const Bytes plaintext(40, i);
    const Bytes sealed = key.Seal({&i, 1}, plaintext).value();
    if ((sealed[8] & 0x80) != 0 && (sealed[12] & 0x80) != 0) ++both;
    EXPECT_EQ(ToHex(sealed), ToHex(reference::Siv(raw, {&i, 1}, plaintext)));
  }
  EXPECT_GT(both, 0);
}

TEST(Siv, EmptyTextIsAuthenticated) {
  const SivKey key = KeyOf(kKey);
  const Bytes sealed = key.Seal(AsBytes("aad"), {}).value();
  EXPECT_EQ(sealed.size(), SivKey::kOverhead);
  EXPECT_EQ(key.Open(AsBytes("aad"), sealed)->size(), 0U);
  EXPECT_EQ(key.Open(AsBytes("aae"), sealed).error().reason(), Reason::kSectionNotAuthentic);
}

TEST(Siv, RefusesEveryFlippedBitAndEveryTruncation) {
  const SivKey key = KeyOf(kKey);
  const Bytes aad(14, 1);
  const Bytes sealed = key.Seal(aad, Bytes(20, 2)).value();
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes bad = sealed;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(key.Open(aad, bad).error().reason(), Reason::kSectionNotAuthentic) << bit;
  }
  for (size_t bit = 0; bit < aad.size() * 8; ++bit) {
    Bytes bad = aad;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(key.Open(bad, sealed).error().reason(), Reason::kSectionNotAuthentic) << bit;
  }
  for (size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_EQ(key.Open(aad, ByteView(sealed).first(length)).error().reason(), Reason::kSectionNotAuthentic);
  }
}

TEST(Siv, RefusesEveryOtherKey) {
  const Bytes raw = FromHex(kKey).value();
  const Bytes sealed = KeyOf(kKey).Seal({}, Bytes(20, 2)).value();
  for (size_t byte = 0; byte < raw.size(); ++byte) {
    Bytes other = raw;
    other[byte] ^= 1;
    EXPECT_EQ(SivKey(Key256::FromBytes(other).value()).Open({}, sealed).error().reason(),
              Reason::kSectionNotAuthentic);
  }
}

}  // namespace
}  // namespace hearth::crypto
