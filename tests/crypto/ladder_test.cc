#include "src/crypto/ladder.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "src/crypto/primitives.h"
#include "tests/crypto/openssl_reference.h"

namespace hearth::crypto {
namespace {

template <typename K>
K KeyOf(uint8_t fill) {
  std::array<uint8_t, 16> bytes;
  bytes.fill(fill);
  return K(Key128(bytes));
}

std::string Hex(const Key128& key) { return ToHex(key.bytes(SecretAccess())); }

// Every rung against docs/messages.md section 2, written out with OpenSSL's KBKDF.
TEST(Ladder, IsWhatTheTableSays) {
  const auto master = KeyOf<BatchMaster>(0x11);
  const CardNumber card(640122000017);
  const Bytes card_bytes = FromHex("950a3e9291").value();
  ASSERT_EQ(ToHex(ByteWriter().U40(card.value).bytes()), ToHex(card_bytes));
  const Bytes card_key = reference::Kbkdf(master.bytes(SecretAccess()), "hearth/1/card", card_bytes, 16);
  EXPECT_EQ(Hex(CardKeyFor(master, card).value()), ToHex(card_key));

  const CardKeys keys = CardKeysFor(master, card).value();
  const Key128 key = Key128::FromBytes(card_key).value();
  EXPECT_EQ(Hex(keys.enc), Hex(Kdf128(key, "hearth/1/card-enc").value()));
  EXPECT_EQ(Hex(keys.mac), Hex(Kdf128(key, "hearth/1/card-mac").value()));
  EXPECT_EQ(Hex(keys.report), Hex(Kdf128(key, "hearth/1/card-report").value()));
  EXPECT_EQ(Hex(keys.pair), Hex(Kdf128(key, "hearth/1/card-pair").value()));
  EXPECT_EQ(Hex(PairingKeyFor(keys.pair, card, BoxSerial(0x01020304050607)).value()),
            ToHex(reference::Kbkdf(keys.pair.bytes(SecretAccess()), "hearth/1/pairing",
                                   FromHex("950a3e929101020304050607").value(), 16)));
}

TEST(Ladder, RungsCardsAndBatchesDiffer) {
  std::set<std::string> seen;
  size_t made = 0;
  for (const uint8_t batch : std::initializer_list<uint8_t>{1, 2}) {
    for (const uint64_t number : {0UL, 1UL, 640122000017UL, 999999999999UL}) {
      const CardKeys keys = CardKeysFor(KeyOf<BatchMaster>(batch), CardNumber(number)).value();
      for (const Key128* key :
           std::initializer_list<const Key128*>{&keys.enc, &keys.mac, &keys.report, &keys.pair}) {
        seen.insert(Hex(*key));
        ++made;
      }
    }
  }
  EXPECT_EQ(seen.size(), made);
}

TEST(Ladder, RefusesNumbersThatDoNotFit) {
  EXPECT_EQ(CardKeyFor(KeyOf<BatchMaster>(1), CardNumber(kMaxCardNumber + 1)).error().reason(),
            Reason::kFieldInvalid);
  EXPECT_EQ(
      PairingKeyFor(KeyOf<CardPairKey>(1), CardNumber(1), BoxSerial(kMaxBoxSerial + 1)).error().reason(),
      Reason::kFieldInvalid);
}

TEST(PackageChain, OneStepIsTheTablesRule) {
  const auto key = KeyOf<PackageKey>(5);
  EXPECT_EQ(Hex(PackageKeyAt(key, PackageId(64), Epoch(9), Epoch(8)).value()),
            ToHex(reference::Kbkdf(key.bytes(SecretAccess()), "hearth/1/package-chain",
                                   FromHex("00400008").value(), 16)));
}

TEST(PackageChain, StepsJoinAndWrap) {
  const auto key = KeyOf<PackageKey>(5);
  const PackageKey at_one = PackageKeyAt(key, PackageId(64), Epoch(3), Epoch(1)).value();
  const PackageKey around = PackageKeyAt(at_one, PackageId(64), Epoch(1), Epoch(65534)).value();
  EXPECT_EQ(around, PackageKeyAt(key, PackageId(64), Epoch(3), Epoch(65534)).value());
  EXPECT_EQ(key, PackageKeyAt(key, PackageId(64), Epoch(3), Epoch(3)).value());
  EXPECT_FALSE(at_one == PackageKeyAt(key, PackageId(65), Epoch(3), Epoch(1)).value());
}

TEST(PackageChain, GoesBackOnlyAndNotTooFar) {
  const auto key = KeyOf<PackageKey>(5);
  EXPECT_TRUE(PackageKeyAt(key, PackageId(64), Epoch(100), Epoch(36)));
  EXPECT_EQ(PackageKeyAt(key, PackageId(64), Epoch(100), Epoch(35)).error().reason(), Reason::kFieldInvalid);
  EXPECT_EQ(PackageKeyAt(key, PackageId(64), Epoch(100), Epoch(101)).error().reason(), Reason::kFieldInvalid);
  EXPECT_TRUE(PackageKeyAt(key, PackageId(64), Epoch(1000), Epoch(0), 1000));
}

TEST(SivKeys, DifferByUse) {
  std::set<std::string> seen;
  for (const auto& siv :
       {RecordSiv(KeyOf<CardEncKey>(1)), GroupSiv(KeyOf<GroupKey>(1)), ServiceKeysSiv(KeyOf<PackageKey>(1)),
        AreaTableSiv(KeyOf<PackageKey>(1)), PairingSiv(KeyOf<ChipKey>(1)), EcmSiv(KeyOf<ServiceKey>(1)),
        ControlWordSiv(KeyOf<PairingKey>(1))}) {
    ASSERT_TRUE(siv);
    seen.insert(ToHex(siv->Seal({}, Bytes(16, 0)).value()));
  }
  EXPECT_EQ(seen.size(), 7U);
}

}  // namespace
}  // namespace hearth::crypto
