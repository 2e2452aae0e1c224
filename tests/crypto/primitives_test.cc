#include "src/crypto/primitives.h"

#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/crypto/openssl_reference.h"

namespace hearth::crypto {
namespace {

Key128 KeyOf(std::string_view hex) { return Key128::FromBytes(FromHex(hex).value()).value(); }

struct CmacRow {
  const char* name;
  const char* message;
  const char* mac;
};
void PrintTo(const CmacRow& row, std::ostream* out) { *out << row.name; }

class Rfc4493 : public testing::TestWithParam<CmacRow> {};

TEST_P(Rfc4493, Mac) {
  const Key128 key = KeyOf("2b7e151628aed2a6abf7158809cf4f3c");
  EXPECT_EQ(ToHex(Cmac(key, FromHex(GetParam().message).value()).value()), GetParam().mac);
}

INSTANTIATE_TEST_SUITE_P(
    Section4, Rfc4493,
    testing::Values(
        CmacRow{"Empty", "", "bb1d6929e95937287fa37d129b756746"},
        CmacRow{"Block", "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"},
        CmacRow{"Bytes40", "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
                "dfa66747de9ae63030ca32611497c827"},
        CmacRow{"Bytes64",
                "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
                "51f0bebf7e3b9d92fc49741779363cfe"}),
    [](const auto& row) { return row.param.name; });

struct ShaRow {
  const char* name;
  std::string message;
  const char* digest;
};
void PrintTo(const ShaRow& row, std::ostream* out) { *out << row.name; }

class Fips180 : public testing::TestWithParam<ShaRow> {};

TEST_P(Fips180, Digest) {
  const ByteView message = AsBytes(GetParam().message);
  EXPECT_EQ(ToHex(Sha256(message)), GetParam().digest);
  const size_t third = message.size() / 3;
  EXPECT_EQ(Sha256(message.first(third), message.subspan(third, third), message.subspan(2 * third)),
            Sha256(message));
}

INSTANTIATE_TEST_SUITE_P(
    Examples, Fips180,
    testing::Values(ShaRow{"Empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                    ShaRow{"Abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                    ShaRow{"TwoBlocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
                    ShaRow{"MillionA", std::string(1'000'000, 'a'),
                           "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}),
    [](const auto& row) { return row.param.name; });

TEST(Hash64, IsTheHeadOfSha256) { EXPECT_EQ(Hash64(AsBytes("abc")), 0xba7816bf8f01cfeaU); }

TEST(Cmac, IsOpenSsls) {
  EXPECT_TRUE(rc::check("CMAC", [](const std::array<uint8_t, 16>& key, const Bytes& message) {
    RC_ASSERT(ToHex(Cmac(Key128(key), message).value()) == ToHex(reference::Cmac(key, message)));
  }));
}

TEST(Kdf, IsOpenSslsKbkdf) {
  for (const size_t bytes : {1, 15, 16, 17, 32, 33, 64}) {
    for (const char* label : {"hearth/1/card", "x"}) {
      for (const size_t context_bytes : {1, 5, 12}) {
        const Key128 key = KeyOf("000102030405060708090a0b0c0d0e0f");
        const Bytes context(context_bytes, 0x5A);
        const auto derived = Kdf(key, label, context, bytes);
        ASSERT_TRUE(derived);
        EXPECT_EQ(ToHex(derived->bytes(SecretAccess())),
                  ToHex(reference::Kbkdf(key.bytes(SecretAccess()), label, context, bytes)));
      }
    }
  }
}

TEST(Kdf, FixedSizesAreTheGeneralOne) {
  const Key128 key = KeyOf("000102030405060708090a0b0c0d0e0f");
  const Bytes context = {1, 2, 3};
  const Secret sixteen = Kdf(key, "label", context, 16).value();
  EXPECT_EQ(ToHex(Kdf128(key, "label", context)->bytes(SecretAccess())),
            ToHex(sixteen.bytes(SecretAccess())));
  EXPECT_EQ(ToHex(Kdf256(key, "label", context)->bytes(SecretAccess())),
            ToHex(Kdf(key, "label", context, 32)->bytes(SecretAccess())));
}

TEST(Kdf, RefusesLengthsThatAreNone) {
  const Key128 key;
  EXPECT_EQ(Kdf(key, "label", {}, 0).error().reason(), Reason::kFieldInvalid);
  EXPECT_EQ(Kdf(key, "label", {}, 8161).error().reason(), Reason::kFieldInvalid);
  EXPECT_TRUE(Kdf(key, "label", {}, 8160));
  EXPECT_TRUE(Kdf(key, std::string(100, 'x'), Bytes(19, 1), 16));
  EXPECT_EQ(Kdf(key, std::string(100, 'x'), Bytes(20, 1), 16).error().reason(), Reason::kFieldInvalid);
}

TEST(Cmac, ThreadsDoNotDisturbEachOther) {
  const Bytes message(100, 7);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      const Key128 key(std::array<uint8_t, 16>{static_cast<uint8_t>(t)});
      const Mac128 expected = Cmac(key, message).value();
      for (int i = 0; i < 2000; ++i) wrong[t] += Cmac(key, message).value() != expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace hearth::crypto
