#include "src/import/csv.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hearth::import {
namespace {

using Rows = std::vector<std::pair<uint64_t, std::vector<std::string>>>;

struct Outcome {
  Rows rows;
  std::vector<RowError> errors;

  bool operator==(const Outcome&) const = default;
};

// Feeds the text in pieces of `chunk` bytes.
Outcome Read(std::string_view text, size_t chunk = 1 << 20, size_t max_row = 64) {
  Outcome outcome;
  CsvReader reader(
      max_row,
      [&](const CsvRow& row) {
        outcome.rows.emplace_back(row.line, std::vector<std::string>(row.fields.begin(), row.fields.end()));
      },
      [&](RowError error) { outcome.errors.push_back(std::move(error)); });
  for (size_t at = 0; at < text.size(); at += chunk) reader.Feed(text.substr(at, chunk));
  reader.Finish();
  return outcome;
}

TEST(Csv, GoodFiles) {
  struct Row {
    const char* name;
    std::string text;
    Rows rows;
  };
  const Row rows[] = {
      {"empty", "", {}},
      {"one field", "a", {{1, {"a"}}}},
      {"lf", "a,b\nc,d\n", {{1, {"a", "b"}}, {2, {"c", "d"}}}},
      {"crlf", "a,b\r\nc,d\r\n", {{1, {"a", "b"}}, {2, {"c", "d"}}}},
      {"no last line end", "a\nb", {{1, {"a"}}, {2, {"b"}}}},
      {"empty fields", ",\n,,x\n", {{1, {"", ""}}, {2, {"", "", "x"}}}},
      {"empty lines", "\n\r\na\n\n\nb\n\n", {{3, {"a"}}, {6, {"b"}}}},
      {"byte order mark", "\xEF\xBB\xBFname\n", {{1, {"name"}}}},
      {"only a byte order mark", "\xEF\xBB\xBF", {}},
      {"quotes", "\"a,b\",\"c\"\n", {{1, {"a,b", "c"}}}},
      {"doubled quotes", "\"say \"\"hi\"\"\",x\n", {{1, {"say \"hi\"", "x"}}}},
      {"empty quotes", "\"\",\"\"\n", {{1, {"", ""}}}},
      {"line end in quotes", "\"a\nb\",1\nc,2\n", {{1, {"a\nb", "1"}}, {3, {"c", "2"}}}},
      {"crlf in and behind quotes", "\"a\r\nb\"\r\nc\r\n", {{1, {"a\r\nb"}}, {3, {"c"}}}},
      {"quote inside a plain field", "5\" disc,x\n", {{1, {"5\" disc", "x"}}}},
      {"quoted then plain", "\"a\",b\n", {{1, {"a", "b"}}}},
      {"Chinese", "宁夏,\"银川,贺兰\"\n", {{1, {"宁夏", "银川,贺兰"}}}},
      {"trailing comma", "a,\n", {{1, {"a", ""}}}},
  };
  for (const Row& row : rows) {
    for (const size_t chunk : {1, 2, 3, 1000}) {
      const Outcome outcome = Read(row.text, chunk);
      EXPECT_EQ(outcome.rows, row.rows) << row.name << " in pieces of " << chunk;
      EXPECT_TRUE(outcome.errors.empty()) << row.name;
    }
  }
}

TEST(Csv, ABadRowCostsOnlyItself) {
  struct Row {
    const char* name;
    std::string text;
    Rows rows;
    uint64_t error_line;
    Reason reason;
  };
  const std::string long_row(65, 'x');
  const Row rows[] = {
      {"text behind a closing quote",
       "a\n\"b\"c,d\ne\n",
       {{1, {"a"}}, {3, {"e"}}},
       2,
       Reason::kRowFieldInvalid},
      {"carriage return, then text", "\"b\"\rc\ne\n", {{2, {"e"}}}, 1, Reason::kRowFieldInvalid},
      {"stray quote closed far below",
       "\"a,1\nb,2\nc,\"3\"\nd,4\n",
       {{2, {"b", "2"}}, {3, {"c", "3"}}, {4, {"d", "4"}}},
       1,
       Reason::kRowFieldInvalid},
      {"quote never closed",
       "a,1\n\"b,2\nc,3\nd,4",
       {{1, {"a", "1"}}, {3, {"c", "3"}}, {4, {"d", "4"}}},
       2,
       Reason::kRowFieldInvalid},
      {"quote never closed on the last line", "a\n\"b", {{1, {"a"}}}, 2, Reason::kRowFieldInvalid},
      {"too long", "a\n" + long_row + "\nb\n", {{1, {"a"}}, {3, {"b"}}}, 2, Reason::kRowTooLong},
      {"too long at the end", "a\n" + long_row + long_row, {{1, {"a"}}}, 2, Reason::kRowTooLong},
      {"a stray quote makes it too long",
       "\"a\nb\nc\n" + long_row.substr(10) + "\nd\n",
       {{2, {"b"}}, {3, {"c"}}, {4, {long_row.substr(10)}}, {5, {"d"}}},
       1,
       Reason::kRowTooLong},
      {"not UTF-8", "a\nb\xFFz\nc\n", {{1, {"a"}}, {3, {"c"}}}, 2, Reason::kEncodingInvalid},
      {"GB18030", "a\n\xD2\xF8\xB4\xA8\nc\n", {{1, {"a"}}, {3, {"c"}}}, 2, Reason::kEncodingInvalid},
      {"bad byte on the second line of a row", "\"a\n\xC0\"\nc\n", {{3, {"c"}}}, 2, Reason::kEncodingInvalid},
      {"surrogate", "\xED\xA0\x80\nc\n", {{2, {"c"}}}, 1, Reason::kEncodingInvalid},
      {"overlong", "\xE0\x80\x80\nc\n", {{2, {"c"}}}, 1, Reason::kEncodingInvalid},
      {"beyond Unicode", "\xF4\x90\x80\x80\nc\n", {{2, {"c"}}}, 1, Reason::kEncodingInvalid},
      {"cut sequence", "\xE9\x93\nc\n", {{2, {"c"}}}, 1, Reason::kEncodingInvalid},
      {"zero byte", std::string("a\0b\nc\n", 6), {{2, {"c"}}}, 1, Reason::kEncodingInvalid},
  };
  for (const Row& row : rows) {
    for (const size_t chunk : {1, 2, 7, 1000}) {
      const Outcome outcome = Read(row.text, chunk);
      EXPECT_EQ(outcome.rows, row.rows) << row.name << " in pieces of " << chunk;
      ASSERT_EQ(outcome.errors.size(), 1U) << row.name << " in pieces of " << chunk;
      EXPECT_EQ(outcome.errors[0].line, row.error_line) << row.name;
      EXPECT_EQ(outcome.errors[0].reason, row.reason) << row.name;
    }
  }
}

TEST(Csv, ManyStrayQuotesStayLinear) {
  // Each line leaves a quote open, so that each row would run to the limit: 200,000 lines times 64 KiB.
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "x\",\"\n";
  const Outcome outcome = Read(text, 65'536, 65'536);
  EXPECT_GT(outcome.errors.size(), 0U);
}

// Writes a row as a spreadsheet would.
std::string Write(const std::vector<std::string>& fields) {
  std::string out;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    out += '"';
    for (const char c : fields[i]) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    out += '"';
  }
  return out + "\r\n";
}

RC_GTEST_PROP(CsvProperty, WhatIsWrittenIsRead, ()) {
  const auto character = rc::gen::element<std::string>("a", ",", "\"", "\n", "\r\n", " ", "夏", "");
  Rows expected;
  std::string text;
  uint64_t line = 1;
  for (int i = *rc::gen::inRange(0, 8); i > 0; --i) {
    std::vector<std::string> fields;
    for (int f = *rc::gen::inRange(1, 5); f > 0; --f) {
      std::string field;
      for (int c = *rc::gen::inRange(0, 8); c > 0; --c) field += *character;
      fields.push_back(std::move(field));
    }
    const std::string row = Write(fields);
    expected.emplace_back(line, std::move(fields));
    line += static_cast<uint64_t>(std::count(row.begin(), row.end(), '\n'));
    text += row;
  }
  const Outcome outcome = Read(text, *rc::gen::inRange<size_t>(1, 20), 1000);
  RC_ASSERT(outcome.errors.empty());
  RC_ASSERT(outcome.rows == expected);
}

RC_GTEST_PROP(CsvProperty, WhereTheFileIsCutDoesNotMatter, ()) {
  const auto piece =
      rc::gen::element<std::string>("a", ",", "\"", "\n", "\r", "夏", "\xFF", "long text ", "\"\"");
  std::string text;
  for (int i = *rc::gen::inRange(0, 80); i > 0; --i) text += *piece;
  const Outcome whole = Read(text);
  RC_ASSERT(Read(text, 1) == whole);
  RC_ASSERT(Read(text, *rc::gen::inRange<size_t>(1, 40)) == whole);
}

}  // namespace
}  // namespace hearth::import
