#include "src/import/gzip.h"

#include <random>

#include <gtest/gtest.h>
#include <zlib.h>

namespace hearth::import {
namespace {

std::string Pack(const std::string& text) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  std::string in = text;
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

Result<std::string> Unpack(const std::string& bytes, size_t piece) {
  std::string out;
  Unpacker unpacker([&](std::string_view part) {
    out += part;
    return Ok();
  });
  for (size_t at = 0; at < bytes.size(); at += piece) {
    HEARTH_RETURN_IF_ERROR(unpacker.Feed(std::string_view(bytes).substr(at, piece)));
  }
  HEARTH_RETURN_IF_ERROR(unpacker.Finish());
  return out;
}

std::string Text(size_t lines) {
  std::mt19937 random(5);
  std::string text;
  for (size_t i = 0; i < lines; ++i) text += "LTE,460,0,33301," + std::to_string(random()) + "\n";
  return text;
}

TEST(Unpacker, GzipPlainAndSeveralMembersInAnyPieces) {
  const std::string text = Text(2000);
  struct Row {
    const char* name;
    std::string bytes;
    std::string plain;
  };
  const Row rows[] = {{"gzip", Pack(text), text},
                      {"plain", text, text},
                      {"two members", Pack(text) + Pack("more\n"), text + "more\n"},
                      {"padded with zeros", Pack(text) + std::string(512, '\0'), text},
                      {"a repetitive one that grows a thousandfold", Pack(std::string(3'000'000, 'x')),
                       std::string(3'000'000, 'x')},
                      {"empty", "", ""},
                      {"one byte", "a", "a"},
                      {"half the magic", "\x1F", "\x1F"},
                      {"gzip of nothing", Pack(""), ""}};
  for (const Row& row : rows) {
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}, size_t{10'000'000}}) {
      const auto plain = Unpack(row.bytes, piece);
      ASSERT_TRUE(plain) << row.name;
      EXPECT_TRUE(*plain == row.plain) << row.name << " in pieces of " << piece;
    }
  }
}

TEST(Unpacker, DamageIsAnError) {
  const std::string good = Pack(Text(500));
  std::string flipped = good;
  flipped[good.size() / 2] ^= 0x20;
  const std::string rows[] = {good.substr(0, good.size() - 1), good.substr(0, 15), flipped, good + "rest"};
  for (const std::string& bytes : rows) {
    const auto plain = Unpack(bytes, 100);
    ASSERT_FALSE(plain);
    EXPECT_EQ(plain.error().reason(), Reason::kFileUnreadable);
  }
}

TEST(Unpacker, ErrorsOfTheSinkEndIt) {
  Unpacker unpacker([](std::string_view) -> Status { return Error(Reason::kHeaderInvalid, "no"); });
  EXPECT_EQ(unpacker.Feed(Pack("text")).error().reason(), Reason::kHeaderInvalid);
}

}  // namespace
}  // namespace hearth::import
