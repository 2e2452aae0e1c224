// Every message within its budget: the exact sizes of docs/messages.md, and 183 bytes at most.
#include <string>

#include <gtest/gtest.h>

#include "src/mpegts/section.h"
#include "tests/cas/samples.h"

namespace hearth::cas {
namespace {

size_t SizeOf(const Result<Bytes>& section) { return section ? section->size() : 0; }

TEST(Budget, UniqueRecord) {
  for (size_t n = 0; n <= kRecordCells; ++n) {
    EXPECT_EQ(SizeOf(EncodeUniqueRecord(samples::Record(n), samples::Keys().enc)), 86 + 3 * n);
  }
  EXPECT_EQ(86 + 3 * kRecordCells, 182U);
}

TEST(Budget, UniqueStandingSevenAPacket) {
  EXPECT_EQ(SizeOf(EncodeUniqueStanding(samples::Standing(), samples::Keys().mac)), 24U);
  EXPECT_EQ(mpegts::kPacketPayloadBytes / 24, 7U);
}

TEST(Budget, GroupTwoAPacket) {
  for (size_t k = 0; k <= kGroupPackages; ++k) {
    EXPECT_EQ(SizeOf(EncodeGroup(samples::GroupOf(k), samples::Group())), 63 + 18 * k);
  }
  EXPECT_EQ(mpegts::kPacketPayloadBytes / 81, 2U);
}

TEST(Budget, ServiceKeysNineInASection) {
  for (size_t n = 1; n <= 9; ++n) {
    EXPECT_EQ(SizeOf(EncodeServiceKeys(samples::ServicesOf(n), samples::Package())), 34 + 16 * n);
  }
  EXPECT_EQ(SizeOf(EncodeServiceKeys(samples::ServicesOf(9), samples::Package())), 178U);
}

TEST(Budget, AreaTable) {
  for (uint8_t width = kMinCellWidth; width <= kMaxCellWidth; ++width) {
    const size_t most = 144 / width;
    for (const size_t cells : {size_t{0}, most}) {
      const size_t size = SizeOf(EncodeAreaTablePart(samples::TablePart(width, cells), samples::Package()));
      EXPECT_EQ(size, 39 + width * cells);
      EXPECT_LE(size, mpegts::kPacketPayloadBytes);
    }
    EXPECT_EQ(EncodeAreaTablePart(samples::TablePart(width, most + 1), samples::Package()).error().reason(),
              Reason::kSectionTooLong);
  }
  EXPECT_EQ(SizeOf(EncodeAreaTablePart(samples::TablePart(3, 48), samples::Package())), 183U);
  EXPECT_EQ(SizeOf(EncodeAreaTablePart(samples::TablePart(5, 28), samples::Package())), 179U);
}

TEST(Budget, EmergencyOneAPacket) {
  for (size_t n = 1; n <= entitlement::kEmergencyRegions; ++n) {
    EXPECT_EQ(SizeOf(EncodeEmergency(samples::Emergency(n), samples::EmergencyKey())), 90 + 3 * n);
  }
  EXPECT_EQ(90 + 3 * entitlement::kEmergencyRegions, mpegts::kPacketPayloadBytes);
}

TEST(Budget, PairingThreeAPacket) {
  EXPECT_EQ(SizeOf(EncodePairing(samples::Pairing(), samples::Chip())), 53U);
  EXPECT_EQ(mpegts::kPacketPayloadBytes / 53, 3U);
}

TEST(Budget, Ecm) {
  const crypto::ServiceKey key = samples::Service(100);
  EXPECT_EQ(SizeOf(EncodeEcm(samples::EcmOf(1, 8), key)), 44U);
  EXPECT_EQ(SizeOf(EncodeEcm(samples::EcmOf(1, 16), key)), 52U);
  EXPECT_EQ(SizeOf(EncodeEcm(samples::EcmOf(2, 8), key)), 58U);
  EXPECT_EQ(SizeOf(EncodeEcm(samples::EcmOf(2, 16), key)), 74U);
}

// Hardware filters look at fixed places: docs/messages.md names them.
TEST(Layout, AddressesStandWhereFiltersLook) {
  const Bytes record = EncodeUniqueRecord(samples::Record(0), samples::Keys().enc).value();
  const Bytes standing = EncodeUniqueStanding(samples::Standing(), samples::Keys().mac).value();
  for (const Bytes& section : {record, standing}) {
    EXPECT_EQ(ByteReader(ByteView(section).subspan(4)).U40(), samples::kCard.value);
  }
  const Bytes pairing = EncodePairing(samples::Pairing(), samples::Chip()).value();
  EXPECT_EQ(ByteReader(ByteView(pairing).subspan(9)).U56(), samples::kBox.value);
  const Bytes group = EncodeGroup(samples::GroupOf(1), samples::Group()).value();
  EXPECT_EQ(ByteReader(ByteView(group).subspan(4)).U24(), 4711U);
}

TEST(Layout, BitsCountFromTheLeft) {
  Rights rights;
  rights.Set(0);
  rights.Set(9);
  EXPECT_EQ(ToHex(rights.bytes()).substr(0, 4), "8040");
  EXPECT_TRUE(rights.Has(9));
  EXPECT_FALSE(rights.Has(8));
  GroupBitmap bitmap;
  bitmap.Set(7, true);
  bitmap.Set(255, true);
  bitmap.Set(6, true);
  bitmap.Set(6, false);
  EXPECT_EQ(bitmap.bytes().front(), 0x01);
  EXPECT_EQ(bitmap.bytes().back(), 0x01);
  EXPECT_TRUE(bitmap.IsOn(255));
  EXPECT_FALSE(bitmap.IsOn(6));
}

}  // namespace
}  // namespace hearth::cas
