// What is printed: widths, tables, unprintable input, JSON strings; and JSON objects cut from a stream.
#include "tools/ctl/output.h"

#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tools/ctl/files.h"
#include "tools/ctl/json_stream.h"
#include "tools/ctl/session.h"

namespace hearth::ctl {
namespace {

TEST(Output, DisplayWidth) {
  struct Row {
    const char* name;
    const char* text;
    size_t width;
  };
  const Row rows[] = {
      {"empty", "", 0},
      {"ascii", "NX-1", 4},
      {"Chinese", "宁夏", 4},
      {"mixed", "张三a", 5},
      {"full-width digits", "\uFF11\uFF12\uFF13", 6},
      {"combining accent", "e\xCC\x81", 1},
      {"Latin with diacritic", "é", 1},
      {"beyond the basic plane", "𠮷", 2},
      {"broken UTF-8", "\xE5\xAE", 2},
  };
  for (const Row& row : rows) EXPECT_EQ(DisplayWidth(row.text), row.width) << row.name;
}

TEST(Output, PrintableTakesAwayWhatATerminalWouldObey) {
  struct Row {
    const char* name;
    const char* text;
    const char* printed;
  };
  const Row rows[] = {
      {"plain", "张三", "张三"},
      {"escape sequence", "a\x1B[2Jb", "a?[2Jb"},
      {"line end", "a\nb", "a?b"},
      {"C1 control",
       "a\xC2\x9B"
       "b",
       "a?b"},
      {"right-to-left override",
       "a\xE2\x80\xAE"
       "b",
       "a?b"},
      {"broken UTF-8",
       "a\xFF"
       "b",
       "a?b"},
  };
  for (const Row& row : rows) EXPECT_EQ(Printable(row.text), row.printed) << row.name;
}

TEST(Output, TableAlignsWideNamesAndKeepsItsWidthsOverPages) {
  Table table({{"name"}, {"n", true}, {"code"}});
  std::ostringstream out;
  table.Add({"贺兰县", "7", "640122"});
  table.Add({"a", "12", "64"});
  table.Print(out);
  table.Add({"b", "3", "65"});
  table.Print(out);
  EXPECT_EQ(out.str(),
            "name     n  code\n"
            "贺兰县   7  640122\n"
            "a       12  64\n"
            "b        3  65\n");
}

TEST(Output, JsonString) {
  EXPECT_EQ(JsonString("a\"b\\c\n张"), "\"a\\\"b\\\\c\\u000a张\"");
  EXPECT_EQ(JsonString("\xFF"), "\"\\ufffd\"");
}

TEST(Output, JsonObjectsFromAStream) {
  struct Row {
    const char* name;
    const char* input;
    std::vector<std::string> objects;
    bool ok;
  };
  const Row rows[] = {
      {"nothing", " \n", {}, true},
      {"one over lines", "{\n\"a\": 1\n}\n", {"{\n\"a\": 1\n}"}, true},
      {"lines", "{\"a\":1}\n{\"b\":2}\n", {"{\"a\":1}", "{\"b\":2}"}, true},
      {"nested", "{\"a\":{\"b\":[{}]}}", {"{\"a\":{\"b\":[{}]}}"}, true},
      {"braces in strings", R"({"a":"}\"}"})", {R"({"a":"}\"}"})"}, true},
      {"cut off", "{\"a\":1", {}, false},
      {"no object", "[1]", {}, false},
      {"too long",
       "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}",
       {},
       false},
  };
  for (const Row& row : rows) {
    std::istringstream in(row.input);
    JsonObjects stream(in, 64);
    std::vector<std::string> objects;
    auto next = stream.Next();
    while (next && !next->empty()) {
      objects.push_back(*next);
      next = stream.Next();
    }
    EXPECT_EQ(next.has_value(), row.ok) << row.name;
    EXPECT_EQ(objects, row.objects) << row.name;
  }
}

TEST(Output, Services) {
  struct Row {
    const char* text;
    std::vector<uint32_t> services;  // empty: refused
  };
  const Row rows[] = {
      {"7", {7}},
      {"1-3,7", {1, 2, 3, 7}},
      {"7,1-3,2", {1, 2, 3, 7}},
      {"", {}},
      {"0", {}},
      {"3-1", {}},
      {"1-", {}},
      {"-3", {}},
      {"1,,2", {}},
      {"65536", {}},
      {"1-99999", {}},
      {"a", {}},
      {"1 2", {}},
      {"1-2-3", {}},
  };
  for (const Row& row : rows) {
    const auto services = ParseServices(row.text, "--services");
    EXPECT_EQ(services.has_value(), !row.services.empty()) << row.text;
    if (services) {
      EXPECT_EQ(*services, row.services) << row.text;
    }
  }
}

TEST(Output, ChunkIdsNeverMeetTheRowIdsOfOtherChunks) {
  const RequestId base = *RequestId::Parse("0193541d-5a3c-7c07-8f2f-3d5d0a5f3f11");
  EXPECT_EQ(ChunkRequestId(base, 0), base);
  std::set<RequestId> ids;
  for (uint64_t chunk = 0; chunk < 50; ++chunk) {
    const RequestId id = ChunkRequestId(base, chunk);
    EXPECT_EQ(id, ChunkRequestId(base, chunk));
    EXPECT_EQ(id.time(), base.time());
    ASSERT_TRUE(ids.insert(id).second);
    for (uint64_t row = 0; row < 50; ++row)
      ASSERT_TRUE(ids.insert(id.ForRow(row)).second) << chunk << " " << row;
  }
}

}  // namespace
}  // namespace hearth::ctl
