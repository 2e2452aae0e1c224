#include "src/gateway/emmg_output.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gateway/peers.h"

namespace hearth::gateway {
namespace {

using simulcrypt::MuxOptions;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

class EmmgOutputTest : public testing::Test {
 protected:
  EmmgOutputTest() {
    options_.name = "m1";
    options_.session.client_id = 0x4A750001;
    options_.session.data_id = 1;
    options_.session.bandwidth_kbps = 1000;
    options_.first_retry = milliseconds(20);
    options_.last_retry = milliseconds(100);
  }
  void Start(const TestMux& mux) { Start(mux.port()); }
  void Start(uint16_t port) {
    options_.mux = {"127.0.0.1", port};
    auto output = EmmgOutput::Create(options_, metrics_, log_);
    ASSERT_TRUE(output) << output.error().ToString();
    output_ = std::move(*output);
  }
  // Sections that carry their number.
  static std::vector<Bytes> Numbered(uint32_t first, uint32_t count, size_t bytes = 24) {
    std::vector<Bytes> sections;
    for (uint32_t i = first; i < first + count; ++i) {
      Bytes section(bytes, 0);
      section[0] = 0x83;
      section[1] = 0x70;
      section[2] = static_cast<uint8_t>(bytes - 3);
      for (int at = 0; at < 4; ++at) section[4 + at] = static_cast<uint8_t>(i >> (24 - 8 * at));
      sections.push_back(section);
    }
    return sections;
  }
  static std::vector<uint32_t> NumbersOf(const TestMux& mux) {
    std::vector<uint32_t> out;
    for (const auto& datagram : mux.datagrams)
      out.push_back(ByteReader(ByteView(datagram.bytes).subspan(4)).U32());
    return out;
  }
  static std::vector<uint32_t> Range(uint32_t first, uint32_t count) {
    std::vector<uint32_t> out(count);
    for (uint32_t i = 0; i < count; ++i) out[i] = first + i;
    return out;
  }

  EmmgOutputOptions options_;
  KeptMetrics metrics_;
  NullLogger log_;
  std::unique_ptr<EmmgOutput> output_;
};

TEST_F(EmmgOutputTest, SendsInOrderAndCountsTheBacklogDown) {
  TestMux mux(MuxOptions{});
  Start(mux);
  ASSERT_TRUE(output_->Write(Numbered(0, 50)));
  EXPECT_EQ(output_->Backlog(), 50U) << "not on the air before the multiplexer has it";
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return mux.datagrams.size() == 50; }));
  EXPECT_EQ(NumbersOf(mux), Range(0, 50));
  EXPECT_EQ(output_->Backlog(), 0U);
  EXPECT_EQ(metrics_.Value("hearth_emmg_bandwidth_granted_kbps{m1}"), 1000);
  EXPECT_EQ(metrics_.Value("hearth_emmg_packets_sent_total{m1}"), 50) << "padded: a packet each";
  std::thread ending([&] { output_.reset(); });
  EXPECT_TRUE(mux.Until([&] { return mux.session().channel_count() == 0; })) << "closed in order";
  ending.join();
}

// Never faster than granted, whatever this machine does; that no burst leaves and no rate is lost is
// carousel.Pacer.
TEST_F(EmmgOutputTest, KeepsToTheGrantedRate) {
  MuxOptions granting;
  granting.bandwidth_kbps = 800;
  TestMux mux(granting);
  Start(mux);
  ASSERT_TRUE(output_->Write(Numbered(0, 5000)));
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return !mux.datagrams.empty(); }));
  const auto begin = SteadyNow();
  mux.datagrams.clear();
  mux.ReadFor(milliseconds(2000));
  const double seconds = std::chrono::duration<double>(SteadyNow() - begin).count();
  const double wanted = 800.0 * 1000 / (188 * 8) * seconds;
  // Above by a burst and by what was under way; below only as much as this machine keeps us waiting.
  EXPECT_LE(static_cast<double>(mux.datagrams.size()), wanted * 1.01 + 10);
  EXPECT_GE(static_cast<double>(mux.datagrams.size()), wanted * 0.2);

  ASSERT_TRUE(mux.session().Allocate(1, 1, 0, mux.out));
  mux.Send();
  mux.ReadFor(milliseconds(300));
  mux.datagrams.clear();
  mux.ReadFor(milliseconds(300));
  EXPECT_TRUE(mux.datagrams.empty()) << "nothing is granted";
  ASSERT_TRUE(mux.session().Allocate(1, 1, 100, mux.out));
  const auto slower = SteadyNow();
  mux.ReadFor(milliseconds(1000));
  const double spent = std::chrono::duration<double>(SteadyNow() - slower).count();
  EXPECT_GE(mux.datagrams.size(), 10U);
  EXPECT_LE(static_cast<double>(mux.datagrams.size()), 100.0 * 1000 / (188 * 8) * spent * 1.01 + 10);
}

TEST_F(EmmgOutputTest, AGrantWithoutBandwidthIsWhatWasAsked) {
  MuxOptions terse;
  terse.omit_equal_bandwidth = true;
  TestMux mux(terse);
  Start(mux);
  ASSERT_TRUE(output_->Write(Numbered(0, 3)));
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return mux.datagrams.size() == 3; }));
  EXPECT_EQ(metrics_.Value("hearth_emmg_bandwidth_granted_kbps{m1}"), 1000);
}

TEST_F(EmmgOutputTest, GoesOnAfterALostConnection) {
  options_.session.bandwidth_kbps = 10'000;
  TestMux mux(MuxOptions{});
  Start(mux);
  ASSERT_TRUE(output_->Write(Numbered(0, 300)));
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return mux.datagrams.size() >= 100; }));
  const std::vector<uint32_t> before = NumbersOf(mux);
  mux.Break();
  mux.datagrams.clear();
  ASSERT_TRUE(output_->Write(Numbered(300, 10)));
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return !mux.datagrams.empty() && NumbersOf(mux).back() == 309; }));
  // What was sent shortly before is sent again, in order, without a hole.
  const std::vector<uint32_t> after = NumbersOf(mux);
  EXPECT_LE(after.front(), before.back() + 1);
  EXPECT_EQ(after, Range(after.front(), static_cast<uint32_t>(after.size())));
  EXPECT_GE(metrics_.Value("hearth_emmg_connects_total{m1}"), 2);
}

TEST_F(EmmgOutputTest, TriesAgainUntilTheMultiplexerIsThere) {
  uint16_t port = 0;
  {
    const TestMux gone(MuxOptions{});
    port = gone.port();
  }
  Start(port);
  ASSERT_TRUE(output_->Write(Numbered(0, 5)));
  const auto end = steady_clock::now() + kPatience;
  while (metrics_.Value("hearth_emmg_connects_total{m1}") < 3 && steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_GE(metrics_.Value("hearth_emmg_connects_total{m1}"), 3);
  TestMux mux(MuxOptions{}, port);
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return mux.datagrams.size() == 5; }));
}

TEST_F(EmmgOutputTest, FallsBackToAnOlderVersion) {
  TestMux mux(MuxOptions{});
  Start(mux);
  ASSERT_TRUE(mux.Accept());
  // channel_error unsupported protocol version, in version 2.
  ByteWriter error(64);
  error.U8(2)
      .U16(0x0015)
      .U16(20)
      .U16(1)
      .U16(4)
      .U32(0x4A750001)
      .U16(3)
      .U16(2)
      .U16(1)
      .U16(0x7000)
      .U16(2)
      .U16(2);
  mux.out.assign(error.bytes().begin(), error.bytes().end());
  mux.Send();
  ASSERT_TRUE(output_->Write(Numbered(0, 1)));
  bool accepted = false;
  for (int tries = 0; tries < 5 && !accepted; ++tries) {
    ASSERT_TRUE(mux.Accept());
    accepted = mux.Until([&] { return !mux.datagrams.empty(); });
  }
  EXPECT_TRUE(accepted);
}

TEST_F(EmmgOutputTest, TransportPacketsWhenTheMultiplexerWantsThem) {
  options_.session.ts_packets = true;
  options_.packing = mpegts::Packing::kPacked;
  TestMux mux(MuxOptions{});
  Start(mux);
  ASSERT_TRUE(output_->Write(Numbered(0, 14)));
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return mux.datagrams.size() >= 2; }));
  mux.ReadFor(milliseconds(100));
  EXPECT_EQ(mux.datagrams.size(), 2U) << "seven standings a packet";
  for (const auto& datagram : mux.datagrams) EXPECT_TRUE(simulcrypt::AreTsPackets(datagram.bytes));
}

TEST_F(EmmgOutputTest, TellsItsPaceAndWhatLiesAhead) {
  TestMux mux(MuxOptions{});
  Start(mux);
  ASSERT_TRUE(output_->pace());
  EXPECT_EQ(output_->pace()->kbps, 0U) << "not connected";
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return output_->pace()->kbps == 1000; }));
  EXPECT_EQ(output_->pace()->ahead.count(), 0);
  ASSERT_TRUE(output_->Write(Numbered(0, 1000)));  // a packet each: 1.5 s
  const double ahead = std::chrono::duration<double>(output_->pace()->ahead).count();
  EXPECT_GT(ahead, 0.5);
  EXPECT_LT(ahead, 1.6);
}

TEST_F(EmmgOutputTest, WhatIsUrgentGoesBeforeWhatWaits) {
  TestMux mux(MuxOptions{});
  Start(mux);
  ASSERT_TRUE(output_->Write(Numbered(0, 50)));
  ASSERT_TRUE(output_->WriteFirst(Numbered(1000, 1)));
  EXPECT_EQ(output_->Backlog(), 51U);
  ASSERT_TRUE(mux.Accept());
  ASSERT_TRUE(mux.Until([&] { return mux.datagrams.size() == 51; }));
  EXPECT_EQ(NumbersOf(mux).front(), 1000U);
}

TEST_F(EmmgOutputTest, EndsAtOnceWithoutAMultiplexer) {
  TestMux mux(MuxOptions{});
  options_.first_retry = options_.last_retry = std::chrono::minutes(10);
  uint16_t port = 0;
  {
    const TestMux gone(MuxOptions{});
    port = gone.port();
  }
  Start(port);
  std::this_thread::sleep_for(milliseconds(50));
  const auto begin = steady_clock::now();
  output_.reset();
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace hearth::gateway
