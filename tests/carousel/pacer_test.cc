#include "src/carousel/pacer.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace hearth::carousel {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Packs as a multiplexer does, byte by byte (ISO/IEC 13818-1, 2.4.4.1), and counts.
size_t PacketsByHand(const std::vector<size_t>& sections) {
  size_t packets = 0;
  size_t left = 0;
  bool pointed = false;
  for (const size_t section : sections) {
    size_t rest = section;
    bool begun = false;
    while (rest > 0) {
      const size_t pointer = !begun && !pointed ? 1 : 0;
      if (left <= pointer) {
        ++packets;
        left = 184;
        pointed = false;
        continue;
      }
      if (!begun) {
        left -= pointer;
        pointed = true;
        begun = true;
      }
      --left;
      --rest;
    }
    if (left == 0) pointed = false;
  }
  return packets;
}

TEST(AirMeter, PaddedSectionsStartAPacketEach) {
  struct Row {
    size_t section;
    size_t packets;
  };
  for (const Row& row :
       {Row{1, 1}, Row{24, 1}, Row{183, 1}, Row{184, 2}, Row{256, 2}, Row{367, 2}, Row{368, 3}}) {
    AirMeter meter(Packing::kPadded);
    EXPECT_EQ(meter.PacketsFor(row.section), row.packets) << row.section;
    meter.Take(row.section);
    EXPECT_EQ(meter.PacketsFor(row.section), row.packets) << row.section << ", the second one";
  }
}

TEST(AirMeter, PackedSectionsShareAPacket) {
  AirMeter meter(Packing::kPacked);
  size_t packets = 0;
  for (int i = 0; i < 7; ++i) {  // seven unique standings: docs/messages.md
    packets += meter.PacketsFor(24);
    meter.Take(24);
  }
  EXPECT_EQ(packets, 1U);
  EXPECT_EQ(meter.PacketsFor(15), 0U);
  EXPECT_EQ(meter.PacketsFor(16), 1U);
  meter.Flush();
  EXPECT_EQ(meter.PacketsFor(15), 1U);
}

TEST(AirMeter, PackedIsWhatAMultiplexerCounts) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::vector<size_t> sections;
    AirMeter meter(Packing::kPacked);
    size_t packets = 0;
    for (int i = 0; i < 300; ++i) {
      sections.push_back(1 + random() % 256);
      packets += meter.PacketsFor(sections.back());
      meter.Take(sections.back());
    }
    ASSERT_EQ(packets, PacketsByHand(sections)) << "seed " << seed;
  }
}

TEST(Pacer, NothingGoesWithoutARate) {
  Pacer pacer(Packing::kPadded, milliseconds(5));
  EXPECT_EQ(pacer.free_at(), Pacer::Time::max());
  pacer.SetRate(1000, seconds(1));
  EXPECT_EQ(pacer.free_at(), seconds(1));
  pacer.SetRate(0, seconds(1));
  EXPECT_EQ(pacer.free_at(), Pacer::Time::max());
}

// Wake-ups late by up to 3 ms, at all rates: the sum is exact to 1 %, and no window holds more than its air
// time, the burst and one section.
TEST(Pacer, KeepsTheRateAndNeverBursts) {
  constexpr Pacer::Time kBurst = milliseconds(5);
  for (const uint32_t kbps : {64U, 300U, 1000U, 10'000U}) {
    std::mt19937 random(kbps);
    Pacer pacer(Packing::kPadded, kBurst);
    pacer.SetRate(kbps, seconds(0));
    std::vector<std::pair<Pacer::Time, size_t>> sent;
    Pacer::Time now(0);
    const Pacer::Time end = seconds(60);
    size_t packets = 0;
    while (now < end) {
      while (pacer.free_at() <= now) {
        const size_t taken = pacer.Take(24 + random() % 160, now);
        packets += taken;
        sent.emplace_back(now, taken);
      }
      now = pacer.free_at() + microseconds(random() % 3000);
    }
    const double wanted = 60.0 * kbps * 1000 / (188 * 8);
    EXPECT_NEAR(static_cast<double>(packets), wanted, wanted * 0.01) << kbps << " kbit/s";
    const Pacer::Time window = milliseconds(20);
    const double most = kbps * (0.020 + 0.005) * 1000 / (188 * 8) + 2;
    size_t first = 0;
    size_t inside = 0;
    for (size_t last = 0; last < sent.size(); ++last) {
      inside += sent[last].second;
      while (sent[first].first + window < sent[last].first) inside -= sent[first++].second;
      ASSERT_LE(static_cast<double>(inside), most) << kbps << " kbit/s at " << sent[last].first.count();
    }
  }
}

TEST(Pacer, IdleAirIsNotSavedUp) {
  Pacer pacer(Packing::kPadded, milliseconds(5));
  pacer.SetRate(1000, seconds(0));
  Pacer::Time now = seconds(100);
  size_t at_once = 0;
  while (pacer.free_at() <= now) at_once += pacer.Take(183, now);
  // 5 ms at 1 Mbit/s are 3.3 packets.
  EXPECT_LE(at_once, 5U);
  EXPECT_GE(at_once, 4U);
}

TEST(Pacer, ANewRateHoldsAtOnceAndBringsNoBurst) {
  Pacer pacer(Packing::kPadded, milliseconds(5));
  pacer.SetRate(1000, seconds(0));
  pacer.Take(183, seconds(0));
  pacer.SetRate(0, milliseconds(1));
  pacer.SetRate(100, seconds(10));
  EXPECT_EQ(pacer.free_at(), seconds(10));
  EXPECT_EQ(pacer.Take(183, seconds(10)), 1U);
  EXPECT_EQ(pacer.free_at(), seconds(10) + microseconds(15'040));  // 1504 bits at 100 kbit/s
}

}  // namespace
}  // namespace hearth::carousel
