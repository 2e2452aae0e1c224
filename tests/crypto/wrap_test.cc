#include "src/crypto/wrap.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::crypto {
namespace {

namespace fs = std::filesystem;

const std::string kDigits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

class KeyFile : public testing::Test {
 protected:
  KeyFile() {
    std::string pattern = (fs::temp_directory_path() / "hearth-wrap-XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string Write(std::string_view content, mode_t mode = 0600) const {
    std::string path = (dir_ / "key").string();
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  Reason RefusalOf(std::string_view content, mode_t mode = 0600) const {
    const auto key = MasterKey::FromFile(Write(content, mode));
    return key ? Reason{} : key.error().reason();
  }

  fs::path dir_;
};

MasterKey Master(const std::string& digits = kDigits) { return MasterKey::FromText(digits, "test").value(); }

TEST_F(KeyFile, TakesDigitsWithSpaceAround) {
  for (const std::string& text : {kDigits, kDigits + "\n", "  " + kDigits + "\r\n\n"}) {
    const auto key = MasterKey::FromFile(Write(text));
    ASSERT_TRUE(key) << key.error().ToString();
    EXPECT_EQ(key->check_value(), Master().check_value());
  }
  EXPECT_TRUE(MasterKey::FromFile(Write(kDigits, 0400)));
}

TEST_F(KeyFile, RefusesOtherContent) {
  EXPECT_EQ(RefusalOf(""), Reason::kKeyFileInvalid);
  EXPECT_EQ(RefusalOf(kDigits.substr(1)), Reason::kKeyFileInvalid);
  EXPECT_EQ(RefusalOf(kDigits + "0"), Reason::kKeyFileInvalid);
  EXPECT_EQ(RefusalOf("g" + kDigits.substr(1)), Reason::kKeyFileInvalid);
  EXPECT_EQ(RefusalOf(kDigits.substr(0, 32) + "\n" + kDigits.substr(32)), Reason::kKeyFileInvalid);
  EXPECT_EQ(RefusalOf(std::string(64, '0')), Reason::kKeyFileInvalid);
  EXPECT_EQ(RefusalOf(kDigits + std::string(1000, ' ')), Reason::kKeyFileInvalid);
}

TEST_F(KeyFile, RefusesOpenPermissionsAndNamesTheCure) {
  for (const mode_t mode : {0640, 0604, 0666, 0620}) {
    const auto key = MasterKey::FromFile(Write(kDigits, mode));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().reason(), Reason::kKeyFileInvalid);
    EXPECT_NE(key.error().message().find("chmod 600"), std::string::npos);
    // The path may be told, the key never.
    EXPECT_EQ(key.error().ToString().find(kDigits.substr(0, 8)), std::string::npos);
  }
}

TEST_F(KeyFile, RefusesWhatIsNoFile) {
  EXPECT_EQ(MasterKey::FromFile((dir_ / "none").string()).error().reason(), Reason::kFileUnreadable);
  EXPECT_EQ(MasterKey::FromFile(dir_.string()).error().reason(), Reason::kKeyFileInvalid);
}

TEST_F(KeyFile, ReadsA16ByteKey) {
  const auto key = ReadKeyFile(Write(kDigits.substr(0, 32) + "\n"));
  ASSERT_TRUE(key);
  EXPECT_EQ(ToHex(key->bytes(SecretAccess())), kDigits.substr(0, 32));
  EXPECT_EQ(ReadKeyFile(Write(kDigits)).error().reason(), Reason::kKeyFileInvalid);
}

TEST(MasterKey, RecognisesItsStore) {
  const MasterKey ours = Master();
  const MasterKey other = Master(std::string(63, '0') + "1");
  EXPECT_TRUE(ours.Verify(ours.check_value()));
  EXPECT_EQ(ours.Verify(other.check_value()).error().reason(), Reason::kKeyUnwrapFailed);
  EXPECT_EQ(ours.Verify({}).error().reason(), Reason::kKeyUnwrapFailed);
}

TEST(MasterKey, UnwrapsWhatItWrapped) {
  const MasterKey master = Master();
  const Key128 secret = Key128::FromBytes(Bytes(16, 7)).value();
  const Bytes wrapped = master.Wrap("group", AsBytes("4711/2"), secret).value();
  EXPECT_EQ(wrapped.size(), 37U);
  EXPECT_EQ(master.Unwrap("group", AsBytes("4711/2"), wrapped).value(), secret);
}

// The form on disk: a change here makes every store unreadable.
TEST(MasterKey, FormOnDiskStaysAsItIs) {
  const MasterKey master = Master();
  const Key128 secret = Key128::FromBytes(Bytes(16, 7)).value();
  EXPECT_EQ(ToHex(master.check_value()), "2c563e3c2e662bc4");
  EXPECT_EQ(ToHex(master.Wrap("group", AsBytes("4711/2"), secret).value()),
            "012c563e3c25d76ecf577ce44457747bfe16cf3041aef469b9f835376a394dec0ba65230a1");
}

TEST(MasterKey, RefusesAnotherPlaceKeyOrBit) {
  const MasterKey master = Master();
  const Key128 secret = Key128::FromBytes(Bytes(16, 7)).value();
  const Bytes wrapped = master.Wrap("group", AsBytes("4711"), secret).value();
  const auto refused = [&](const MasterKey& key, std::string_view purpose, std::string_view id,
                           ByteView bytes) {
    const auto opened = key.Unwrap(purpose, AsBytes(id), bytes);
    return !opened && opened.error().reason() == Reason::kKeyUnwrapFailed;
  };
  EXPECT_TRUE(refused(master, "batch", "4711", wrapped));
  EXPECT_TRUE(refused(master, "group", "4712", wrapped));
  EXPECT_TRUE(refused(master, "group4", "711", wrapped));
  EXPECT_TRUE(refused(Master(std::string(63, '0') + "1"), "group", "4711", wrapped));
  for (size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
    Bytes bad = wrapped;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_TRUE(refused(master, "group", "4711", bad)) << bit;
  }
  for (size_t length = 0; length < wrapped.size(); ++length) {
    EXPECT_TRUE(refused(master, "group", "4711", ByteView(wrapped).first(length))) << length;
  }
}

TEST(MasterKey, RefusesPurposesThatAreNone) {
  const Key128 secret;
  EXPECT_EQ(Master().Wrap("", {}, secret).error().reason(), Reason::kFieldInvalid);
  EXPECT_EQ(Master().Wrap(std::string(256, 'x'), {}, secret).error().reason(), Reason::kFieldInvalid);
}

}  // namespace
}  // namespace hearth::crypto
