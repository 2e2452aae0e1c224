#include "src/import/cells.h"

#include <gtest/gtest.h>

namespace hearth::import {
namespace {

constexpr const char* kHeader =
    "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n";

Parsed<CellRow> Read(const std::string& text) {
  auto parsed = ParseCells(text, Limits());
  EXPECT_TRUE(parsed) << parsed.error().ToString();
  return parsed ? *std::move(parsed) : Parsed<CellRow>();
}

TEST(Cells, FullRow) {
  const std::string row = "LTE,460,0,33301,26879745,66,106.35,38.55,1965,12,1,1755257176,1787597497,-66\n";
  for (const std::string& text : {kHeader + row, row}) {
    const auto parsed = Read(text);
    ASSERT_EQ(parsed.rows.size(), 1U);
    CellRow expected;
    expected.line = text == row ? 1 : 2;
    expected.radio = CellRadio::kLte;
    expected.mcc = 460;
    expected.area = 33301;
    expected.cell = 26879745;
    expected.longitude = 106.35;
    expected.latitude = 38.55;
    expected.range_m = 1965;
    expected.samples = 12;
    expected.updated = 1787597497;
    EXPECT_EQ(parsed.rows[0], expected);
    EXPECT_TRUE(parsed.errors.empty());
  }
}

TEST(Cells, GoodRows) {
  struct Row {
    const char* name;
    const char* text;
    CellRadio radio;
    uint16_t mnc;
    int mnc_digits;
    uint64_t cell;
  };
  const Row rows[] = {
      {"lower case", "gsm,460,00,37121,21401", CellRadio::kGsm, 0, 2, 21401},
      {"wcdma", "WCDMA,460,1,4161,268435454", CellRadio::kUmts, 1, 2, 268435454},
      {"td-scdma", "TD-SCDMA,460,0,4161,7", CellRadio::kUmts, 0, 2, 7},
      {"nr", "NR,460,15,3330115,68719476734", CellRadio::kNr, 15, 2, 68719476734},
      {"two digits", "LTE,460,11,28417,5", CellRadio::kLte, 11, 2, 5},
      {"North America", "LTE,310,4,17,5", CellRadio::kLte, 4, 3, 5},
      {"three digits written", "LTE,405,025,17,5", CellRadio::kLte, 25, 3, 5},
      {"CDMA with SID", "CDMA,460,14224,2,2049", CellRadio::kCdma, 3, 2, uint64_t{14224} << 16 | 2049},
      {"CDMA with MNC", "CDMA,460,3,2,2049", CellRadio::kCdma, 3, 2, 2049},
      {"CDMA elsewhere", "CDMA,310,22,2,2049", CellRadio::kCdma, 0, 2, uint64_t{22} << 16 | 2049},
      {"all optional fields empty", "LTE,460,0,1,5,,,,,,,,,", CellRadio::kLte, 0, 2, 5},
      {"minus one for unknown", "LTE,460,0,1,5,-1,106.1,38.1,-1,-1,1,1,1,0", CellRadio::kLte, 0, 2, 5},
  };
  for (const Row& row : rows) {
    const auto parsed = Read(row.text);
    ASSERT_EQ(parsed.rows.size(), 1U) << row.name;
    EXPECT_TRUE(parsed.errors.empty()) << row.name;
    EXPECT_EQ(parsed.rows[0].radio, row.radio) << row.name;
    EXPECT_EQ(parsed.rows[0].mnc, row.mnc) << row.name;
    EXPECT_EQ(parsed.rows[0].mnc_digits, row.mnc_digits) << row.name;
    EXPECT_EQ(parsed.rows[0].cell, row.cell) << row.name;
  }
}

TEST(Cells, BadRowsNameTheColumn) {
  struct Row {
    const char* name;
    const char* text;
    const char* column;
    Reason reason;
    bool kept;
  };
  constexpr auto kInvalid = Reason::kRowFieldInvalid;
  const Row rows[] = {
      {"radio", "5G,460,0,1,5", "radio", kInvalid, false},
      {"mcc empty", "LTE,,0,1,5", "mcc", kInvalid, false},
      {"mcc 0", "LTE,0,0,1,5", "mcc", kInvalid, false},
      {"net text", "LTE,460,mobile,1,5", "net", kInvalid, false},
      {"net 1000", "LTE,310,1000,1,5", "net", kInvalid, false},
      {"area empty", "LTE,460,0,,5", "area", kInvalid, false},
      {"area minus one", "LTE,460,0,-1,5", "area", kInvalid, false},
      {"lac 17 bits", "GSM,460,0,65536,5", "area", kInvalid, false},
      {"ci 17 bits", "GSM,460,0,1,65536", "cell", kInvalid, false},
      {"eci 29 bits", "LTE,460,0,1,268435456", "cell", kInvalid, false},
      {"nci 37 bits", "NR,460,0,1,68719476736", "cell", kInvalid, false},
      {"sid 16 bits", "CDMA,460,32768,1,5", "net", kInvalid, false},
      {"cell with fraction", "LTE,460,0,1,5.0", "cell", kInvalid, false},
      {"three fields", "LTE,460,0", "", Reason::kRowColumns, false},
      {"fifteen fields", "LTE,460,0,1,5,,,,,,,,,,9", "", Reason::kRowColumns, false},
      {"warning: network", "LTE,460,99,1,5", "net", Reason::kCellUnknownNetwork, true},
      {"warning: 460-000 in three digits", "LTE,460,000,1,5", "net", Reason::kCellUnknownNetwork, true},
      {"warning: cell all ones", "LTE,460,0,1,268435455", "cell", kInvalid, true},
      {"warning: area all ones", "LTE,460,0,65535,5", "area", kInvalid, true},
      {"warning: longitude", "LTE,460,0,1,5,,181,38", "lon", kInvalid, true},
      {"warning: latitude text", "LTE,460,0,1,5,,106,north", "lat", kInvalid, true},
      {"warning: latitude not a number", "LTE,460,0,1,5,,106,nan", "lat", kInvalid, true},
      {"warning: samples", "LTE,460,0,1,5,,106,38,1,many", "samples", kInvalid, true},
  };
  for (const Row& row : rows) {
    const auto parsed = Read(std::string("GSM,460,0,1,1\n") + row.text + "\nGSM,460,0,1,2\n");
    EXPECT_EQ(parsed.rows.size(), row.kept ? 3U : 2U) << row.name;
    ASSERT_EQ(parsed.errors.size(), 1U) << row.name;
    EXPECT_EQ(parsed.errors[0].line, 2U) << row.name;
    EXPECT_EQ(parsed.errors[0].column, row.column) << row.name;
    EXPECT_EQ(parsed.errors[0].reason, row.reason) << row.name;
    EXPECT_EQ(parsed.errors[0].warning, row.kept) << row.name;
  }
}

TEST(Cells, TelcoFileWithItsOwnColumns) {
  const auto parsed =
      Read("制式,国家码,网号,位置区,小区,经度,纬度,覆盖半径,功率\nLTE,460,00,33301,7,106.35,38.55,1500,46\n");
  ASSERT_EQ(parsed.rows.size(), 1U);
  EXPECT_TRUE(parsed.errors.empty());
  EXPECT_EQ(parsed.rows[0].longitude, 106.35);
  EXPECT_EQ(parsed.rows[0].range_m, 1500U);
}

TEST(Cells, OtherCountriesAreAcceptedWithoutAList) { EXPECT_TRUE(Read("LTE,401,77,1,5\n").errors.empty()); }

}  // namespace
}  // namespace hearth::import
