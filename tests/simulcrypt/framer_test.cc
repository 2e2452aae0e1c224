#include <random>

#include <gtest/gtest.h>

#include "tests/simulcrypt/wire.h"

namespace hearth::simulcrypt {
namespace {

struct Cut {
  std::vector<std::string> frames;  // hexadecimal; "too long: " and the header
  size_t most_buffered = 0;
};

void Drain(Framer& framer, Cut& cut) {
  while (const auto frame = framer.Next()) {
    cut.frames.push_back((frame->too_long ? "too long: " : "") + ToHex(frame->bytes));
    cut.most_buffered = std::max(cut.most_buffered, framer.buffered());
  }
  cut.most_buffered = std::max(cut.most_buffered, framer.buffered());
}

Cut CutAll(ByteView stream, size_t at_a_time, size_t max_bytes) {
  Framer framer(max_bytes);
  Cut cut;
  for (size_t at = 0; at < stream.size(); at += at_a_time) {
    framer.Feed(stream.subspan(at, std::min(at_a_time, stream.size() - at)));
    Drain(framer, cut);
  }
  return cut;
}

Bytes Stream() {
  return Join({Message(ecmg::kChannelTest, {{ecmg::kEcmChannelId, "0001"}}),
               Hex("03 7777 0000"),                      // without a body
               Join({Hex("03 0201 01f4"), Bytes(500)}),  // too long for 400
               Message(ecmg::kStreamTest, {{ecmg::kEcmChannelId, "0001"}, {ecmg::kEcmStreamId, "0002"}}),
               Join({Hex("03 0202 018b"), Bytes(395)})});  // 400 exactly
}

TEST(Framer, EveryPartSizeGivesTheSameMessages) {
  const Bytes stream = Stream();
  const Cut whole = CutAll(stream, stream.size(), 400);
  ASSERT_EQ(whole.frames.size(), 5U);
  EXPECT_EQ(whole.frames[1], "0377770000");
  EXPECT_EQ(whole.frames[2], "too long: 03020101f4");
  for (size_t part = 1; part <= stream.size(); ++part) {
    const Cut parts = CutAll(stream, part, 400);
    EXPECT_EQ(parts.frames, whole.frames) << part;
    EXPECT_LE(parts.most_buffered, 400U);
  }
}

TEST(Framer, EveryBoundaryOfTwoParts) {
  const Bytes stream = Stream();
  const Cut whole = CutAll(stream, stream.size(), 400);
  for (size_t at = 0; at <= stream.size(); ++at) {
    Framer framer(400);
    Cut cut;
    framer.Feed(ByteView(stream).first(at));
    Drain(framer, cut);
    framer.Feed(ByteView(stream).subspan(at));
    Drain(framer, cut);
    EXPECT_EQ(cut.frames, whole.frames) << at;
  }
}

TEST(Framer, RandomParts) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Bytes stream;
  for (int i = 0; i < 50; ++i) stream = Join({stream, Stream()});
  const Cut whole = CutAll(stream, stream.size(), 400);
  EXPECT_EQ(whole.frames.size(), 250U);
  Framer framer(400);
  Cut cut;
  PushInParts(random, stream, [&](ByteView part) {
    framer.Feed(part);
    Drain(framer, cut);
  });
  EXPECT_EQ(cut.frames, whole.frames);
}

// A header announces 65,535 bytes: nothing is held for them but what came.
TEST(Framer, HoldsNothingThatIsMerelyAnnounced) {
  Framer framer(100'000);
  Cut cut;
  const Bytes header = Hex("03 0201 ffff");
  framer.Feed(header);
  Drain(framer, cut);
  const Bytes some(1000);
  framer.Feed(some);
  Drain(framer, cut);
  EXPECT_TRUE(cut.frames.empty());
  EXPECT_EQ(framer.buffered(), 1005U);

  Framer strict(400);
  strict.Feed(header);
  Drain(strict, cut);
  EXPECT_EQ(cut.frames, std::vector<std::string>{"too long: 030201ffff"});
  for (int i = 0; i < 65; ++i) {
    strict.Feed(some);
    Drain(strict, cut);
    EXPECT_EQ(strict.buffered(), 0U);
  }
}

}  // namespace
}  // namespace hearth::simulcrypt
