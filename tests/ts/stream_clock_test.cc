#include "tools/ts/stream_clock.h"

#include <gtest/gtest.h>

namespace hearth::ts {
namespace {

using std::chrono::milliseconds;

constexpr mpegts::Pid kPid{0x100};
constexpr uint64_t kTicksPerMs = 27'000;
constexpr uint64_t kModulus = (uint64_t{1} << 33) * 300;

mpegts::Packet WithPcr(uint64_t ticks) {
  mpegts::Packet packet = mpegts::NullPacket();
  mpegts::SetPid(packet, kPid);
  packet[3] = 0x20;
  packet[4] = 183;
  packet[5] = 0x10;
  const uint64_t base = ticks / 300;
  const uint64_t field = base << 15 | 0x3FU << 9 | ticks % 300;
  for (size_t i = 0; i < 6; ++i) packet[6 + i] = static_cast<uint8_t>(field >> (40 - 8 * i));
  return packet;
}

TEST(Pcr, IsReadBack) {
  for (const uint64_t ticks :
       {uint64_t{0}, uint64_t{299}, uint64_t{300}, uint64_t{123456789012}, kModulus - 1}) {
    EXPECT_EQ(ReadPcr(WithPcr(ticks)), ticks);
  }
  EXPECT_EQ(ReadPcr(mpegts::NullPacket()), std::nullopt);
}

TEST(StreamClock, SpreadsPacketsBetweenPcrsAndGoesOnOverTheWrap) {
  StreamClock clock(kPid);
  EXPECT_EQ(clock.Push(mpegts::NullPacket()), milliseconds(0));
  EXPECT_FALSE(clock.running());
  const uint64_t begin = kModulus - 30 * kTicksPerMs;
  clock.Push(WithPcr(begin));
  for (int block = 1; block <= 4; ++block) {
    for (int i = 0; i < 19; ++i) clock.Push(mpegts::NullPacket());
    const auto now =
        clock.Push(WithPcr((begin + static_cast<uint64_t>(block) * 20 * kTicksPerMs) % kModulus));
    EXPECT_EQ(now, milliseconds(20 * block));
  }
  clock.Push(mpegts::NullPacket());
  EXPECT_EQ(clock.now(), milliseconds(81));
  EXPECT_DOUBLE_EQ(clock.packet_rate(), 1000.0);
  EXPECT_EQ(clock.jumps(), 0U);
}

TEST(StreamClock, AJumpGoesOnAtTheRateItHad) {
  StreamClock clock(kPid);
  clock.Push(WithPcr(0));
  clock.Push(WithPcr(10 * kTicksPerMs));
  EXPECT_EQ(clock.Push(WithPcr(100'000 * kTicksPerMs)), milliseconds(20));
  EXPECT_EQ(clock.Push(WithPcr(5 * kTicksPerMs)), milliseconds(30));
  EXPECT_EQ(clock.Push(WithPcr(25 * kTicksPerMs)), milliseconds(50));
  EXPECT_EQ(clock.jumps(), 2U);
}

TEST(StreamClock, NeverGoesBack) {
  StreamClock clock(kPid);
  clock.Push(WithPcr(0));
  clock.Push(WithPcr(10 * kTicksPerMs));
  for (int i = 0; i < 5; ++i) clock.Push(mpegts::NullPacket());
  EXPECT_EQ(clock.now(), milliseconds(60));
  EXPECT_EQ(clock.Push(WithPcr(20 * kTicksPerMs)), milliseconds(60));
}

}  // namespace
}  // namespace hearth::ts
