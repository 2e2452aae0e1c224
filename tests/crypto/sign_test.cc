#include "src/crypto/sign.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::crypto {
namespace {

namespace fs = std::filesystem;

SigningKey KeyOf(std::string_view seed_hex) {
  return SigningKey::FromSeed(Key256::FromBytes(FromHex(seed_hex).value()).value()).value();
}
Signature SignatureOf(std::string_view hex) {
  const Bytes bytes = FromHex(hex).value();
  Signature signature{};
  std::copy(bytes.begin(), bytes.end(), signature.begin());
  return signature;
}

struct Published {
  const char* name;
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};
void PrintTo(const Published& row, std::ostream* out) { *out << row.name; }

class Rfc8032 : public testing::TestWithParam<Published> {};

TEST_P(Rfc8032, SignsAndVerifies) {
  const Published& row = GetParam();
  const SigningKey key = KeyOf(row.seed);
  const Bytes message = FromHex(row.message).value();
  EXPECT_EQ(ToHex(key.public_key().bytes()), row.public_key);
  EXPECT_EQ(ToHex(key.Sign(message).value()), row.signature);
  const auto from_bytes = VerifyingKey::FromBytes(FromHex(row.public_key).value());
  ASSERT_TRUE(from_bytes);
  EXPECT_TRUE(from_bytes->Verify(message, SignatureOf(row.signature)));
}

// RFC 8032, section 7.1.
INSTANTIATE_TEST_SUITE_P(
    Section7, Rfc8032,
    testing::Values(
        Published{
            "Test1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b4"
            "6bd25bf5f0595bbe24655141438e7a100b"},
        Published{
            "Test2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d"
            "8c387b2eaeb4302aeeb00d291612bb0c00"},
        Published{
            "Test3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6"
            "594a7c15e9716ed28dc027beceea1ec40a"}),
    [](const auto& row) { return row.param.name; });

TEST(SigningKey, AnotherKeyMessageOrSignatureIsRefused) {
  const SigningKey key = KeyOf(std::string(63, '0') + "1");
  const Bytes message = {1, 2, 3};
  const Signature signature = key.Sign(message).value();
  EXPECT_TRUE(key.public_key().Verify(message, signature));
  EXPECT_EQ(key.Sign(message).value(), signature);
  const auto other = KeyOf(std::string(63, '0') + "2").public_key().Verify(message, signature);
  EXPECT_EQ(other.error().reason(), Reason::kSectionNotAuthentic);
  EXPECT_FALSE(key.public_key().Verify(Bytes{1, 2, 4}, signature));
  EXPECT_FALSE(key.public_key().Verify({}, signature));
  for (size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    Signature bad = signature;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(key.public_key().Verify(message, bad)) << bit;
  }
}

TEST(VerifyingKey, Has32Bytes) {
  EXPECT_EQ(VerifyingKey::FromBytes(Bytes(31, 1)).error().reason(), Reason::kKeyFileInvalid);
  EXPECT_EQ(VerifyingKey::FromBytes({}).error().reason(), Reason::kKeyFileInvalid);
}

class SigningKeyFile : public testing::Test {
 protected:
  SigningKeyFile() {
    std::string pattern = (fs::temp_directory_path() / "hearth-sign-XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(dir_); }
  Result<SigningKey> Read(std::string_view content, mode_t mode = 0600) const {
    const std::string path = (dir_ / "key").string();
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return SigningKey::FromFile(path);
  }
  fs::path dir_;
};

const std::string kSeed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const std::string kPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
// The same seed as PKCS#8 (RFC 8410).
const std::string kPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

TEST_F(SigningKeyFile, TakesDigitsAndPem) {
  for (const std::string& text : {kSeed, kSeed + "\n", kPem, "# the site's key\n" + kPem}) {
    const auto key = Read(text);
    ASSERT_TRUE(key) << key.error().ToString();
    EXPECT_EQ(ToHex(key->public_key().bytes()), kPublic);
  }
}

TEST_F(SigningKeyFile, RefusesOthers) {
  // An X25519 key: the same form, another use.
  const std::string other =
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
      "-----END PRIVATE KEY-----\n";
  for (const std::string& text : {std::string(), kSeed.substr(1), kSeed + "0", std::string(64, '0'), other,
                                  kPem.substr(0, 60), std::string(5000, ' ') + kSeed}) {
    const auto key = Read(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().reason(), Reason::kKeyFileInvalid) << text;
    EXPECT_EQ(key.error().ToString().find("9d61b1"), std::string::npos);
  }
  for (const mode_t mode : {0640, 0604, 0620}) {
    EXPECT_EQ(Read(kPem, mode).error().reason(), Reason::kKeyFileInvalid);
  }
  EXPECT_EQ(SigningKey::FromFile((dir_ / "none").string()).error().reason(), Reason::kFileUnreadable);
}

}  // namespace
}  // namespace hearth::crypto
