#include "src/import/roster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace hearth::import {
namespace {

constexpr const char* kHeader =
    "form_number,name,person_id,phone,village,address,class,card_number,box_serial,sim_number\n";
constexpr const char* kChineseHeader =
    "五联单号,姓名,身份证号,联系电话,村代码,详细地址,用户类别,加密卡号,机顶盒编号,电话卡号\n";

// An identity number with its right check digit.
std::string PersonId(int serial) {
  const std::string body = fmt::format("64012219700101{:03}", serial);
  for (const char c : std::string("0123456789X")) {
    if (CheckPersonId(body + c)) return body + c;
  }
  return "";
}

// Row `i`, one column of it replaced.
std::string Line(int i, int column = -1, const std::string& value = "") {
  std::vector<std::string> fields = {fmt::format("NX-{:06}", i),
                                     "李秀英",
                                     PersonId(i),
                                     "0951-6012345",
                                     "640122100201",
                                     "经济桥村三组",
                                     "",
                                     fmt::format("640000{:06}", i),
                                     fmt::format("0640000000{:06}", i),
                                     fmt::format("13900{:06}", i)};
  if (column >= 0) fields[static_cast<size_t>(column)] = value;
  return fmt::format("{}\n", fmt::join(fields, ","));
}

Parsed<RosterRow> Read(const std::string& text) {
  auto parsed = ParseRoster(text, Limits());
  EXPECT_TRUE(parsed) << parsed.error().ToString();
  return parsed ? *std::move(parsed) : Parsed<RosterRow>();
}

TEST(Roster, GoodRow) {
  for (const char* header : {kHeader, kChineseHeader}) {
    const auto parsed = Read(header + Line(1, 6, "五保户"));
    ASSERT_EQ(parsed.rows.size(), 1U);
    EXPECT_TRUE(parsed.errors.empty());
    RosterRow expected;
    expected.line = 2;
    expected.form_number = "NX-000001";
    expected.name = "李秀英";
    expected.person_id = PersonId(1);
    expected.phone = "0951-6012345";
    expected.village = RegionCode(640122100201);
    expected.address = "经济桥村三组";
    expected.subsidy = SubsidyClass::kFiveGuarantee;
    expected.card = CardNumber(640000000001);
    expected.box = BoxSerial(640000000000001);
    expected.sim = SimNumber(13900000001);
    EXPECT_EQ(parsed.rows[0], expected);
  }
}

TEST(Roster, AcceptedForms) {
  struct Row {
    const char* name;
    int column;
    const char* value;
  };
  const Row rows[] = {
      {"no phone", 3, ""},
      {"no address", 5, ""},
      {"class none", 6, "无"},
      {"class disabled", 6, "残疾人"},
      {"class in English", 6, "Military"},
      {"class other", 6, "其他"},
      {"lower-case x", 2, "11010519491231002x"},
      {"outer spaces", 7, "  640000000001 "},
  };
  for (const Row& row : rows) {
    const auto parsed = Read(kHeader + Line(1, row.column, row.value));
    EXPECT_EQ(parsed.rows.size(), 1U) << row.name;
    EXPECT_TRUE(parsed.errors.empty()) << row.name;
  }
  EXPECT_EQ(Read(kHeader + Line(1, 2, "11010519491231002x")).rows[0].person_id, "11010519491231002X");
}

TEST(Roster, EachBadFieldIsNamedWithASuggestion) {
  struct Row {
    const char* name;
    int column;
    std::string value;
    const char* column_name;
    const char* suggestion;  // contained in it; "" when there is none
  };
  const Row rows[] = {
      {"no form number", 0, "", "form_number", ""},
      {"form number with a slash", 0, "NX/17", "form_number", ""},
      {"no name", 1, "", "name", ""},
      {"name too long", 1, std::string(513, 'x'), "name", ""},
      {"no identity number", 2, "", "person_id", ""},
      {"wrong check digit", 2, "110105194912310021", "person_id", "compare it with the identity card"},
      {"old identity number", 2, "640122700101001", "person_id", "18-digit"},
      {"identity number with spaces", 2, "110105 19491231 002X", "person_id", "without spaces"},
      {"identity number by a spreadsheet", 2, "6.40122E+17", "person_id", "as text"},
      {"phone with text", 3, "无", "phone", ""},
      {"phone too short", 3, "601234", "phone", ""},
      {"village by a spreadsheet", 4, "6.40122E+11", "village", "as text"},
      {"a township", 4, "640122100", "village", "12-digit code"},
      {"no village", 4, "", "village", ""},
      {"class", 6, "rich", "class", "残疾人"},
      {"card in full-width digits", 7, "６４００００００００１７", "card_number", "write 640000000017"},
      {"card with spaces", 7, "6400 0000 0017", "card_number", "write 640000000017"},
      {"card with the letter O", 7, "64OOOO0OOO17", "card_number", "write 640000000017"},
      {"card without its zeros", 7, "40000000017", "card_number", "040000000017"},
      {"card with an apostrophe", 7, "'640000000017", "card_number", "write 640000000017"},
      {"card by a spreadsheet", 7, "6.4E+11", "card_number", "as text"},
      {"box without its zero", 8, "640000000000017", "box_serial", "0640000000000017"},
      {"no box", 8, "", "box_serial", ""},
      {"sim with hyphens", 9, "139-0000-0017", "sim_number", "write 13900000017"},
      {"sim with a zero", 9, "03900000017", "sim_number", ""},
  };
  for (const Row& row : rows) {
    const auto parsed = Read(kHeader + Line(1) + Line(2, row.column, row.value) + Line(3));
    EXPECT_EQ(parsed.rows.size(), 2U) << row.name;
    ASSERT_EQ(parsed.errors.size(), 1U) << row.name;
    const RowError& error = parsed.errors[0];
    EXPECT_EQ(error.line, 3U) << row.name;
    EXPECT_EQ(error.column, row.column_name) << row.name;
    EXPECT_FALSE(error.message.empty()) << row.name;
    EXPECT_EQ(error.suggestion.empty(), *row.suggestion == '\0') << row.name << ": " << error.suggestion;
    EXPECT_NE(error.suggestion.find(row.suggestion), std::string::npos)
        << row.name << ": " << error.suggestion;
  }
}

TEST(Roster, AllBadFieldsOfARowAreReported) {
  const auto parsed = Read(std::string(kHeader) + "x,,,,,,,,,\n");
  EXPECT_TRUE(parsed.rows.empty());
  EXPECT_EQ(parsed.errors.size(), 7U);
}

TEST(Roster, DoublesNameTheFirstLine) {
  struct Row {
    const char* name;
    int column;
    std::string value;
    const char* column_name;
  };
  const Row rows[] = {
      {"form", 0, "NX-000001", "form_number"},    {"person", 2, PersonId(1), "person_id"},
      {"card", 7, "640000000001", "card_number"}, {"box", 8, "0640000000000001", "box_serial"},
      {"sim", 9, "13900000001", "sim_number"},
  };
  for (const Row& row : rows) {
    const auto parsed = Read(kHeader + Line(1) + Line(2) + Line(3, row.column, row.value) + Line(4));
    EXPECT_EQ(parsed.rows.size(), 3U) << row.name;
    ASSERT_EQ(parsed.errors.size(), 1U) << row.name;
    EXPECT_EQ(parsed.errors[0].reason, Reason::kRowDuplicate) << row.name;
    EXPECT_EQ(parsed.errors[0].column, row.column_name) << row.name;
    EXPECT_EQ(parsed.errors[0].line, 4U) << row.name;
    EXPECT_NE(parsed.errors[0].message.find("line 2"), std::string::npos) << row.name;
  }
}

TEST(Roster, ABadRowDoesNotClaimItsNumbers) {
  const auto parsed = Read(kHeader + Line(1, 6, "rich") + Line(1));
  ASSERT_EQ(parsed.rows.size(), 1U);
  EXPECT_EQ(parsed.rows[0].line, 3U);
}

TEST(Roster, ErrorsNeverQuoteAnIdentityNumber) {
  const auto parsed = Read(kHeader + Line(1) + Line(2, 2, "110105194912310021") + Line(3, 2, PersonId(1)));
  ASSERT_EQ(parsed.errors.size(), 2U);
  for (const RowError& error : parsed.errors) {
    EXPECT_EQ((error.message + error.suggestion).find("1949"), std::string::npos);
    EXPECT_EQ((error.message + error.suggestion).find("1970"), std::string::npos);
  }
}

TEST(Roster, NoGoodRowIsLostBetweenBadOnes) {
  std::string text = kHeader;
  for (int i = 1; i <= 900; ++i) text += Line(i, i % 100 == 0 ? 7 : -1, "not a card");
  const auto parsed = Read(text);
  EXPECT_EQ(parsed.rows.size(), 891U);
  EXPECT_EQ(parsed.errors.size(), 9U);
}

}  // namespace
}  // namespace hearth::import
