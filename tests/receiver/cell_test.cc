#include "tools/receiver/cell.h"

#include <gtest/gtest.h>

namespace hearth::receiver {
namespace {

TEST(CellText, RoundTrips) {
  for (const char* text :
       {"lte:460:00:31281:169552901", "gsm:000:00:0:0", "cdma:999:999:65535:65535",
        "nr:310:260:16777215:68719476735", "umts:460:01:1:268435455", "umts:460:001:65535:0"}) {
    const auto cell = ParseCell(text);
    ASSERT_TRUE(cell.has_value()) << text;
    EXPECT_EQ(ToString(*cell), text);
  }
}

TEST(CellText, PacksEveryFieldAtItsPlace) {
  // Worked out by hand: 4 zero bits, radio 3, MCC 10, MNC 10, flag 1, area 24, cell 36 bits.
  EXPECT_EQ(ToHex(PackCell(ParseCell("lte:460:00:31281:169552901").value())), "06e6000007a3100a1b2c05");
  EXPECT_EQ(ToHex(PackCell(ParseCell("gsm:000:00:0:0").value())), "0200000000000000000000");
  const Cell widest{Radio::kNr, 0x3FF, 0x3FF, true, 0xFFFFFF, 0xFFFFFFFFF};
  EXPECT_EQ(ToHex(PackCell(widest)), "09ffffffffffffffffffff");
  EXPECT_EQ(ToHex(PackCell({Radio::kNr, 1, 0, false, 0, 0})), "0800800000000000000000");
  EXPECT_EQ(ToHex(PackCell({Radio::kNr, 0, 1, false, 0, 0})), "0800002000000000000000");
  EXPECT_EQ(ToHex(PackCell({Radio::kNr, 0, 0, true, 0, 0})), "0800001000000000000000");
  EXPECT_EQ(ToHex(PackCell({Radio::kNr, 0, 0, false, 1, 0})), "0800000000001000000000");
  EXPECT_EQ(ToHex(PackCell({Radio::kNr, 0, 0, false, 0, 1})), "0800000000000000000001");
}

TEST(CellText, RefusesWhatIsOutOfRange) {
  for (const char* bad : {"",
                          "lte",
                          "lte:460:00:1",
                          "lte:460:00:1:2:3",
                          "wifi:460:00:1:2",
                          "LTE:460:00:1:2",
                          "lte:46:00:1:2",
                          "lte:460:0:1:2",
                          "lte:460:0000:1:2",
                          "lte:460:00:65536:2",
                          "nr:460:00:16777216:2",
                          "gsm:460:00:1:65536",
                          "cdma:460:03:1:65536",
                          "lte:460:00:1:268435456",
                          "umts:460:00:1:268435456",
                          "nr:460:00:1:68719476736",
                          "lte:460:00:-1:2",
                          "lte:460:00::2",
                          "lte:460:00:1:",
                          "lte:460:00:0x1:2",
                          "lte:460:00:1: 2"}) {
    const auto cell = ParseCell(bad);
    ASSERT_FALSE(cell.has_value()) << bad;
    EXPECT_EQ(cell.error().reason(), Reason::kFieldInvalid) << bad;
  }
}

TEST(CellText, SignalIsOptionalAndASignedByte) {
  EXPECT_EQ(ParseHeardCell("lte:460:00:1:2@-75").value().signal_dbm, -75);
  EXPECT_EQ(ParseHeardCell("lte:460:00:1:2").value().signal_dbm, 0);
  EXPECT_EQ(ToString(ParseHeardCell("lte:460:00:1:2@-128").value()), "lte:460:00:1:2@-128");
  for (const char* bad :
       {"lte:460:00:1:2@", "lte:460:00:1:2@-129", "lte:460:00:1:2@128", "lte:460:00:1:2@x"}) {
    EXPECT_FALSE(ParseHeardCell(bad).has_value()) << bad;
  }
}

TEST(CellText, MncOfTwoAndThreeDigitsAreTwoNetworks) {
  const Cell two = ParseCell("lte:460:01:1:2").value();
  const Cell three = ParseCell("lte:460:001:1:2").value();
  EXPECT_NE(PackCell(two), PackCell(three));
  EXPECT_EQ(ToString(three), "lte:460:001:1:2");
}

TEST(CellHashes, DependOnTheList) {
  const Cell cell = ParseCell("lte:460:00:31281:169552901").value();
  EXPECT_EQ(ToHex(CellHash(AreaId(640122001), cell)).substr(0, 6), "dc9a41");
  EXPECT_NE(CellHash(AreaId(640122001), cell), CellHash(AreaId(640122002), cell));
}

}  // namespace
}  // namespace hearth::receiver
