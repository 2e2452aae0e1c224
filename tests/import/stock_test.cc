#include "src/import/stock.h"

#include <gtest/gtest.h>

namespace hearth::import {
namespace {

constexpr const char* kBoxHeader = "box_serial,encrypted_serial,imei,model,chip_key\n";
constexpr const char* kBox =
    "0640000000000017,64000000017,490154203237518,HX-2,000102030405060708090a0b0c0d0e0f\n";
constexpr const char* kKey = "f0e1d2c3b4a5968778695a4b3c2d1e0f";

TEST(Stock, Cards) {
  const auto parsed =
      ParseCardStock("card_number,batch\n640000000017,9\n640000000018,0\n640000000017,9\n64,9\n", Limits());
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->rows.size(), 1U);
  EXPECT_EQ(parsed->rows[0].card, CardNumber(640000000017));
  EXPECT_EQ(parsed->rows[0].batch, BatchId(9));
  ASSERT_EQ(parsed->errors.size(), 3U);
  EXPECT_EQ(parsed->errors[0].column, "batch");
  EXPECT_EQ(parsed->errors[1].reason, Reason::kRowDuplicate);
  EXPECT_EQ(parsed->errors[2].column, "card_number");
}

TEST(Stock, Boxes) {
  const auto parsed = ParseBoxStock(std::string(kBoxHeader) + kBox, Limits());
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->rows.size(), 1U);
  const BoxStockRow& box = parsed->rows[0];
  EXPECT_EQ(box.box, BoxSerial(640000000000017));
  EXPECT_EQ(box.encrypted_serial, 64000000017U);
  EXPECT_EQ(box.imei, 490154203237518U);
  EXPECT_EQ(box.model, "HX-2");
  EXPECT_EQ(box.chip_key[15], 0x0F);
}

TEST(Stock, BadBoxes) {
  struct Row {
    const char* name;
    std::string row;
    const char* column;
    Reason reason;
  };
  const std::string key = kKey;
  const Row rows[] = {
      {"serial", "640000000000018,64000000018,356938035643809,HX-2," + key, "box_serial",
       Reason::kRowFieldInvalid},
      {"encrypted serial", "0640000000000018,6400000018,356938035643809,HX-2," + key, "encrypted_serial",
       Reason::kRowFieldInvalid},
      {"imei check digit", "0640000000000018,64000000018,356938035643808,HX-2," + key, "imei",
       Reason::kRowFieldInvalid},
      {"imei too long", "0640000000000018,64000000018,3569380356438091,HX-2," + key, "imei",
       Reason::kRowFieldInvalid},
      {"model", "0640000000000018,64000000018,356938035643809,," + key, "model", Reason::kRowFieldInvalid},
      {"key too short", "0640000000000018,64000000018,356938035643809,HX-2," + key.substr(2), "chip_key",
       Reason::kRowFieldInvalid},
      {"key not hexadecimal", "0640000000000018,64000000018,356938035643809,HX-2," + key.substr(2) + "xy",
       "chip_key", Reason::kRowFieldInvalid},
      {"same serial", "0640000000000017,64000000018,356938035643809,HX-2," + key, "box_serial",
       Reason::kRowDuplicate},
      {"same encrypted serial", "0640000000000018,64000000017,356938035643809,HX-2," + key,
       "encrypted_serial", Reason::kRowDuplicate},
      {"same imei", "0640000000000018,64000000018,490154203237518,HX-2," + key, "imei",
       Reason::kRowDuplicate},
  };
  for (const Row& row : rows) {
    const auto parsed = ParseBoxStock(std::string(kBoxHeader) + kBox + row.row + "\n", Limits());
    ASSERT_TRUE(parsed) << row.name;
    EXPECT_EQ(parsed->rows.size(), 1U) << row.name;
    ASSERT_EQ(parsed->errors.size(), 1U) << row.name;
    EXPECT_EQ(parsed->errors[0].column, row.column) << row.name;
    EXPECT_EQ(parsed->errors[0].reason, row.reason) << row.name;
    const std::string words = parsed->errors[0].message + parsed->errors[0].suggestion;
    EXPECT_EQ(words.find(key.substr(4, 8)), std::string::npos) << row.name << ": an error quotes the key";
  }
}

TEST(Stock, Sims) {
  const auto parsed = ParseSimStock(
      "sim_number,iccid\n13900000017,89860012345678901234\n13900000018,8986001234567890123\n"
      "13900000019,898600\n13900000020,89860012345678901234\n",
      Limits());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->rows.size(), 2U);
  ASSERT_EQ(parsed->errors.size(), 2U);
  EXPECT_EQ(parsed->errors[0].column, "iccid");
  EXPECT_EQ(parsed->errors[1].reason, Reason::kRowDuplicate);
}

TEST(Stock, WrongFile) {
  const auto parsed = ParseBoxStock("sim_number,iccid\n", Limits());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().reason(), Reason::kHeaderInvalid);
}

TEST(Luhn, PublishedNumbers) {
  EXPECT_TRUE(LuhnValid("490154203237518"));  // the example of 3GPP TS 23.003 annex B
  EXPECT_TRUE(LuhnValid("79927398713"));
  EXPECT_FALSE(LuhnValid("79927398710"));
  EXPECT_FALSE(LuhnValid(""));
  EXPECT_FALSE(LuhnValid("4901542032375x8"));
}

}  // namespace
}  // namespace hearth::import
