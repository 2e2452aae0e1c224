#include "src/import/table.h"

#include <gtest/gtest.h>

namespace hearth::import {
namespace {

const std::vector<Column> kColumns = {
    {"card_number", {"加密卡号"}}, {"name", {"姓名"}}, {"remark", {"备注"}, false}};

struct Outcome {
  Status status;
  std::vector<std::vector<std::string>> rows;  // card_number, name, remark
  std::vector<RowError> errors;
};

Outcome Read(std::string_view text, TableOptions options = {}) {
  Outcome outcome;
  TableReader reader(
      kColumns, options,
      [&](const TableRow& row) {
        outcome.rows.push_back({std::string(row.Get(0)), std::string(row.Get(1)), std::string(row.Get(2))});
      },
      [&](RowError error) { outcome.errors.push_back(std::move(error)); });
  outcome.status = reader.Feed(text);
  const Status end = reader.Finish();
  if (outcome.status) outcome.status = end;
  return outcome;
}

TEST(Table, ColumnsAreFoundByName) {
  const std::vector<std::vector<std::string>> expected = {{"17", "李", ""}};
  for (const char* text :
       {"card_number,name\n17,李\n", "name,card_number\n李,17\n", "姓名,加密卡号\n李,17\n",
        " Card Number ,NAME\n17,李\n", "card-number,name,,\n17,李,,\n", "name,remark,card_number\n李,,17\n",
        "\xEF\xBB\xBF加密卡号,姓名\r\n17\xE3\x80\x80, 李 \r\n"}) {
    const Outcome outcome = Read(text);
    ASSERT_TRUE(outcome.status) << text << outcome.status.error().ToString();
    EXPECT_EQ(outcome.rows, expected) << text;
    EXPECT_TRUE(outcome.errors.empty()) << text;
  }
}

TEST(Table, ABadHeaderNamesWhatIsWrong) {
  struct Row {
    const char* name;
    std::string text;
    Reason reason;
    const char* says;
  };
  const Row rows[] = {
      {"missing", "name\n李\n", Reason::kHeaderInvalid, "missing columns: card_number"},
      {"unknown", "card_number,name,colour\n", Reason::kHeaderInvalid, "unknown columns: \"colour\""},
      {"both", "card,name\n", Reason::kHeaderInvalid,
       "missing columns: card_number; unknown columns: \"card\""},
      {"twice", "card_number,name,姓名\n", Reason::kHeaderInvalid, "there twice: name"},
      {"empty file", "", Reason::kHeaderInvalid, "empty"},
      {"only empty lines", "\n\n,,\n", Reason::kHeaderInvalid, "empty"},
      {"not UTF-8", "\xD0\xD5\xC3\xFB,\xBF\xA8\n17,x\n", Reason::kEncodingInvalid, "header"},
  };
  for (const Row& row : rows) {
    const Outcome outcome = Read(row.text);
    ASSERT_FALSE(outcome.status) << row.name;
    EXPECT_EQ(outcome.status.error().reason(), row.reason) << row.name;
    EXPECT_NE(outcome.status.error().message().find(row.says), std::string::npos)
        << row.name << ": " << outcome.status.error().message();
    EXPECT_TRUE(outcome.rows.empty()) << row.name;
  }
}

TEST(Table, RowsHaveAsManyFieldsAsTheHeader) {
  const Outcome outcome = Read("card_number,name,remark\n1,a\n2,b,x\n3,c,x,\n4,d,x,y\n,,\n5,e,\n");
  ASSERT_TRUE(outcome.status);
  EXPECT_EQ(outcome.rows.size(), 3U);
  ASSERT_EQ(outcome.errors.size(), 2U);
  EXPECT_EQ(outcome.errors[0].line, 2U);
  EXPECT_EQ(outcome.errors[0].reason, Reason::kRowColumns);
  EXPECT_EQ(outcome.errors[1].line, 5U);
  EXPECT_EQ(outcome.errors[1].message, "4 fields instead of 3");
}

TEST(Table, ShortRowsMayLackOptionalColumns) {
  const Outcome outcome = Read("card_number,name,remark\n1,a\n2\n", {.short_rows = true});
  EXPECT_EQ(outcome.rows.size(), 1U);
  EXPECT_EQ(outcome.errors.size(), 1U);
}

TEST(Table, AnOptionalHeaderIsRecognised) {
  const TableOptions options = {.header_optional = true};
  EXPECT_EQ(Read("1,a,x\n2,b,y\n", options).rows.size(), 2U);
  EXPECT_EQ(Read("name,card_number\na,1\n", options).rows[0][0], "1");
}

}  // namespace
}  // namespace hearth::import
