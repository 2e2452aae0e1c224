// Both ends of each interface against each other in memory, over segments of random sizes; and what the hot
// path allocates: nothing.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "src/simulcrypt/emmg_session.h"
#include "src/simulcrypt/scs_session.h"
#include "tests/simulcrypt/wire.h"

// The sanitizers bring allocation functions of their own, which must not be replaced.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEARTH_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEARTH_SANITIZED
#endif

#ifndef HEARTH_SANITIZED
namespace {

// Counted in this program for AllocatesNothing.
size_t g_allocations = 0;  // NOLINT(readability-identifier-naming)

}  // namespace

void* operator new(size_t bytes) {
  ++g_allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace hearth::simulcrypt {
namespace {

class Seeded : public ::testing::Test {
 protected:
  Seeded() : seed_(std::random_device()()), random_(seed_), trace_(__FILE__, __LINE__, seed_) {}
  const uint64_t seed_;
  std::mt19937_64 random_;
  ::testing::ScopedTrace trace_;
};

struct Air : ScsHost {
  void OnEcm(uint16_t stream_id, uint16_t cp_number, ByteView datagram, std::optional<SteadyTime>) override {
    ++count;
    last[stream_id] = {cp_number, ToHex(datagram)};
  }
  void OnError(const ScsError& error) override { FAIL() << ErrorName(error.status); }
  int count = 0;
  std::map<uint16_t, std::pair<uint16_t, std::string>> last;
};

class ScsAndEcmg : public Seeded {
 protected:
  void Exchange(ScsSession& scs, EcmgSession& ecmg) {
    while (!to_ecmg_.empty() || !to_scs_.empty()) {
      PushInParts(random_, to_ecmg_, [&](ByteView part) { ecmg.Push(part, seconds(1), to_scs_); });
      PushInParts(random_, to_scs_, [&](ByteView part) { scs.Push(part, seconds(1), to_ecmg_); });
    }
  }
  Bytes to_ecmg_;
  Bytes to_scs_;
};

TEST_F(ScsAndEcmg, CryptoPeriodsOverTheWrap) {
  struct Row {
    uint8_t lead, per_message;
    size_t cw_bytes;
  };
  for (const Row& row : {Row{1, 2, 8}, Row{1, 2, 16}, Row{0, 1, 8}, Row{2, 4, 16}}) {
    RecordingEcmg host;
    host.parameters.lead_cw = row.lead;
    host.parameters.cw_per_msg = row.per_message;
    auto ecmg = EcmgSession::Create({}, host, seconds(1)).value();
    Air air;
    ScsOptions options;
    options.super_cas_id = host.super_cas_id;
    for (uint16_t i = 1; i <= 40; ++i) options.streams.push_back({i, static_cast<uint16_t>(500 + i), 10});
    auto scs = ScsSession::Create(options, air).value();
    scs->Start(seconds(1), to_ecmg_);
    Exchange(*scs, *ecmg);
    ASSERT_EQ(scs->state(), ScsSession::State::kOpen);
    ASSERT_EQ(host.open_streams, 40);

    const Bytes cw(row.cw_bytes, 0x5A);
    for (int period = 0; period < 50; ++period) {
      const auto cp = static_cast<uint16_t>(65'520 + period);
      std::vector<CpCw> cws;
      const uint16_t first = FirstCp(cp, row.lead, row.per_message);
      for (int i = 0; i < row.per_message; ++i) cws.push_back({static_cast<uint16_t>(first + i), cw});
      for (uint16_t i = 1; i <= 40; ++i) {
        ASSERT_EQ(scs->Provide(i, cp, cws, {}, seconds(1), to_ecmg_), ScsSession::ProvideResult::kSent);
      }
      Exchange(*scs, *ecmg);
      ASSERT_EQ(air.count, 40 * (period + 1));
      for (uint16_t i = 1; i <= 40; ++i) {
        ASSERT_EQ(air.last[i].first, cp);
        ASSERT_EQ(air.last[i].second.size(), 8 + 2 * row.cw_bytes * row.per_message);
        ASSERT_EQ(air.last[i].second.substr(0, 8), ToHex(ByteWriter().U16(500U + i).U16(cp).bytes()));
      }
    }
    scs->TestChannel(to_ecmg_);
    scs->TestStream(7, to_ecmg_);
    Exchange(*scs, *ecmg);
    scs->Close(seconds(1), to_ecmg_);
    Exchange(*scs, *ecmg);
    EXPECT_EQ(scs->close_reason(), CloseReason::kFinished);
    EXPECT_EQ(host.open_streams, 0);
    EXPECT_EQ(host.open_channels, 0);
    EXPECT_TRUE(host.errors_sent.empty());
    EXPECT_TRUE(host.errors_received.empty());
  }
}

struct Rates : EmmgHost {
  void OnBandwidth(uint16_t kbps) override { last = kbps; }
  void OnErrorSent(uint16_t status) override { FAIL() << status; }
  uint16_t last = 0;
};

TEST_F(Seeded, EmmgAndMux) {
  for (const auto mode : {MuxOptions::Mode::kSections, MuxOptions::Mode::kTsPackets}) {
    RecordingMux mux_host;
    MuxOptions mux_options;
    mux_options.mode = mode;
    mux_options.omit_equal_bandwidth = random_() % 2 == 0;
    auto mux = MuxSession::Create(mux_options, mux_host).value();
    Rates rates;
    EmmgOptions options;
    options.client_id = MakeCasId(0x4AFE, 1);
    options.bandwidth_kbps = 800;
    auto emmg = EmmgSession::Create(options, rates).value();
    Bytes to_mux;
    Bytes to_emmg;
    const auto exchange = [&] {
      while (!to_mux.empty() || !to_emmg.empty()) {
        PushInParts(random_, to_mux, [&](ByteView part) { mux->Push(part, seconds(1), to_emmg); });
        PushInParts(random_, to_emmg, [&](ByteView part) { emmg->Push(part, seconds(1), to_mux); });
      }
    };
    emmg->Start(seconds(1), to_mux);
    exchange();
    ASSERT_EQ(emmg->state(), EmmgSession::State::kReady);
    EXPECT_EQ(rates.last, 800);
    EXPECT_EQ(emmg->ts_packets(), mode == MuxOptions::Mode::kTsPackets);

    std::vector<Bytes> sent;
    for (int i = 0; i < 500; ++i) {
      std::vector<ByteView> datagrams;
      const size_t first = sent.size();
      for (size_t n = 1 + random_() % 5; n > 0; --n) {
        sent.push_back(emmg->ts_packets() ? Bytes(188, 0x47)
                                          : Section(3 + random_() % 250, static_cast<uint8_t>(random_())));
      }
      for (size_t k = first; k < sent.size(); ++k) datagrams.emplace_back(sent[k]);
      ASSERT_EQ(emmg->Send(datagrams, to_mux), EmmgSession::SendResult::kSent);
      if (i % 50 == 0) {
        ASSERT_TRUE(mux->Allocate(1, 1, static_cast<uint16_t>(100 + i), to_emmg));
        exchange();
        EXPECT_EQ(rates.last, 100 + i);
        mux->TestChannel(1, to_emmg);
        mux->TestStream(1, 1, to_emmg);
      }
    }
    exchange();
    EXPECT_EQ(mux_host.datagrams, sent);
    emmg->Close(seconds(1), to_mux);
    exchange();
    EXPECT_EQ(emmg->close_reason(), CloseReason::kFinished);
    EXPECT_FALSE(emmg->failure().has_value());
    EXPECT_EQ(mux_host.closed_streams, 1);
    EXPECT_EQ(mux_host.closed_channels, 1);
  }
}

struct QuietEcmg : EcmgHost {
  EcmgError OpenChannel(EcmgChannel&, ChannelParameters&) override { return EcmgError::kNone; }
  void CloseChannel(const EcmgChannel&) override {}
  EcmgError OpenStream(const EcmgChannel&, EcmgStream&) override { return EcmgError::kNone; }
  void CloseStream(const EcmgChannel&, const EcmgStream&) override {}
  EcmgError MakeEcm(const CwProvision&, Bytes& datagram) override {
    datagram.resize(58);
    return EcmgError::kNone;
  }
};
struct QuietScs : ScsHost {
  void OnEcm(uint16_t, uint16_t, ByteView, std::optional<SteadyTime>) override { ++ecms; }
  void OnError(const ScsError&) override {}
  int ecms = 0;
};

// From CW_provision to ECM_response and back, split messages and criteria included, once the buffers have
// grown.
#ifndef HEARTH_SANITIZED
TEST_F(Seeded, TheHotPathAllocatesNothing) {
  QuietEcmg host;
  QuietScs scs_host;
  auto ecmg = EcmgSession::Create({}, host, seconds(1)).value();
  ScsOptions options;
  for (uint16_t i = 0; i < 16; ++i) options.streams.push_back({i, i, 10});
  auto scs = ScsSession::Create(options, scs_host).value();
  Bytes to_ecmg;
  Bytes to_scs;
  scs->Start(seconds(1), to_ecmg);
  for (int i = 0; i < 3; ++i) {
    ecmg->Push(std::exchange(to_ecmg, {}), seconds(1), to_scs);
    scs->Push(std::exchange(to_scs, {}), seconds(1), to_ecmg);
  }
  ASSERT_EQ(scs->state(), ScsSession::State::kOpen);
  const Bytes cw(8, 1);
  const Bytes criteria(30, 2);
  const auto round = [&](uint16_t cp) {
    const CpCw cws[] = {{cp, cw}, {static_cast<uint16_t>(cp + 1), cw}};
    for (uint16_t i = 0; i < 16; ++i) scs->Provide(i, cp, cws, {ByteView(criteria), {}}, seconds(1), to_ecmg);
    const ByteView all = to_ecmg;
    ecmg->Push(all.first(all.size() / 3), seconds(1), to_scs);
    ecmg->Push(all.subspan(all.size() / 3), seconds(1), to_scs);
    to_ecmg.clear();
    const ByteView answers = to_scs;
    scs->Push(answers.first(100), seconds(1), to_ecmg);
    scs->Push(answers.subspan(100), seconds(1), to_ecmg);
    to_scs.clear();
  };
  for (uint16_t cp = 0; cp < 10; ++cp) round(cp);
  const size_t before = g_allocations;
  for (uint16_t cp = 10; cp < 1000; ++cp) round(cp);
  EXPECT_EQ(g_allocations - before, 0U);
  EXPECT_EQ(scs_host.ecms, 16'000);
}
#endif

}  // namespace
}  // namespace hearth::simulcrypt
