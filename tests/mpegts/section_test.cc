#include "src/mpegts/section.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace hearth::mpegts {
namespace {

Bytes SectionOf(uint8_t table_id, size_t total, uint8_t fill) {
  ByteWriter out;
  EXPECT_TRUE(BeginSection(out, table_id, total, kMaxSectionBytes));
  out.Put(Bytes(total - kSectionHeaderBytes, fill));
  return std::move(out).Take();
}

std::vector<Bytes> Split(SectionSplitter& splitter, ByteView stream, size_t at_a_time, Status& status) {
  std::vector<Bytes> sections;
  while (!stream.empty()) {
    const ByteView part = stream.first(std::min(at_a_time, stream.size()));
    status = splitter.Push(part, [&](ByteView s) { sections.emplace_back(s.begin(), s.end()); });
    stream = stream.subspan(part.size());
  }
  return sections;
}

TEST(SectionHeader, WritesTheShortPrivateForm) {
  ByteWriter out;
  ASSERT_TRUE(BeginSection(out, 0x83, 24));
  EXPECT_EQ(ToHex(out.bytes()), "837015");
}

TEST(SectionHeader, RefusesWhatDoesNotFit) {
  ByteWriter out;
  EXPECT_TRUE(BeginSection(out, 0x82, 183));
  EXPECT_EQ(BeginSection(out, 0x82, 184).error().reason(), Reason::kSectionTooLong);
  EXPECT_TRUE(BeginSection(out, 0x82, 256, 1000));
  EXPECT_EQ(BeginSection(out, 0x82, 257, 1000).error().reason(), Reason::kSectionTooLong);
}

struct HeaderRow {
  const char* name;
  const char* bytes;
  Reason reason;
};
void PrintTo(const HeaderRow& row, std::ostream* out) { *out << row.name; }

class BadHeader : public testing::TestWithParam<HeaderRow> {};

TEST_P(BadHeader, IsRefused) {
  const auto header = ReadHeader(FromHex(GetParam().bytes).value());
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().reason(), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(All, BadHeader,
                         testing::Values(HeaderRow{"Nothing", "", Reason::kSectionTruncated},
                                         HeaderRow{"TwoBytes", "8370", Reason::kSectionTruncated},
                                         HeaderRow{"SyntaxIndicator", "83f015", Reason::kSectionMalformed},
                                         HeaderRow{"PrivateIndicator", "833015", Reason::kSectionMalformed},
                                         HeaderRow{"Reserved", "836015", Reason::kSectionMalformed},
                                         HeaderRow{"LengthZero", "837000", Reason::kSectionMalformed},
                                         HeaderRow{"Over256", "8370fe", Reason::kSectionMalformed},
                                         HeaderRow{"FarOver256", "837fff", Reason::kSectionMalformed}),
                         [](const auto& row) { return row.param.name; });

TEST(CheckWhole, WantsExactlyOne) {
  Bytes section = SectionOf(0x84, 63, 9);
  EXPECT_EQ(CheckWhole(section).value(), 0x84);
  for (size_t length = 0; length < section.size(); ++length) {
    EXPECT_EQ(CheckWhole(ByteView(section).first(length)).error().reason(), Reason::kSectionTruncated);
  }
  section.push_back(0);
  EXPECT_EQ(CheckWhole(section).error().reason(), Reason::kSectionMalformed);
}

TEST(Splitter, GivesSectionsHoweverTheyArrive) {
  std::vector<Bytes> sections = {SectionOf(0x80, 4, 1), SectionOf(0x82, 256, 2), SectionOf(0x83, 24, 3),
                                 SectionOf(0x86, 183, 4)};
  Bytes stream;
  for (const Bytes& section : sections) stream.insert(stream.end(), section.begin(), section.end());
  for (const size_t at_a_time : {1, 2, 3, 5, 100, 256, 1000}) {
    SectionSplitter splitter;
    Status status;
    EXPECT_EQ(Split(splitter, stream, at_a_time, status), sections) << at_a_time;
    EXPECT_TRUE(status);
    EXPECT_TRUE(splitter.Finish());
  }
}

TEST(Splitter, TellsAnEndInsideASection) {
  const Bytes section = SectionOf(0x83, 24, 3);
  for (size_t length = 1; length < section.size(); ++length) {
    SectionSplitter splitter;
    Status status;
    EXPECT_TRUE(Split(splitter, ByteView(section).first(length), 7, status).empty());
    EXPECT_TRUE(status);
    EXPECT_EQ(splitter.Finish().error().reason(), Reason::kSectionTruncated);
  }
}

TEST(Splitter, ABadHeaderEndsTheStream) {
  Bytes stream = SectionOf(0x83, 24, 3);
  const Bytes bad = {0x47, 0x00, 0x00};
  stream.insert(stream.end(), bad.begin(), bad.end());
  SectionSplitter splitter;
  Status status;
  EXPECT_EQ(Split(splitter, stream, 1, status).size(), 1U);
  EXPECT_EQ(status.error().reason(), Reason::kSectionMalformed);
  EXPECT_TRUE(Split(splitter, SectionOf(0x83, 24, 3), 100, status).empty());
  EXPECT_EQ(status.error().reason(), Reason::kSectionMalformed);
  EXPECT_EQ(splitter.Finish().error().reason(), Reason::kSectionMalformed);
}

TEST(Splitter, AnyBytesInAnyPiecesGiveTheSame) {
  EXPECT_TRUE(rc::check("split", [](const Bytes& stream) {
    SectionSplitter whole;
    SectionSplitter pieces;
    Status a;
    Status b;
    RC_ASSERT(Split(whole, stream, stream.size() + 1, a) == Split(pieces, stream, 1, b));
    RC_ASSERT(a.has_value() == b.has_value());
  }));
}

}  // namespace
}  // namespace hearth::mpegts
