// Messages written by hand from the layout of TS 103 197, never by our encoder; tshark 4.0 dissects them as
// the comments say.
#include <gtest/gtest.h>

#include "src/simulcrypt/emmg_session.h"
#include "src/simulcrypt/scs_session.h"
#include "tests/simulcrypt/wire.h"

namespace hearth::simulcrypt {
namespace {

// 03 version, 0001 channel_setup, 000e = 14 bytes;
// 000e ECM_channel_id, 0002 bytes: 1; 0001 Super_CAS_id, 0004 bytes: 4AFE0001.
constexpr const char* kEcmgChannelSetup = "03 0001 000e  000e 0002 0001  0001 0004 4afe0001";

// All mandatory parameters: channel 1, sections, delay_start 200, delay_stop -100 (ff9c), period 100 ms,
// no bound of streams, 1 s, lead_CW 1, CW_per_msg 2, max_comp_time 100.
constexpr const char* kEcmgChannelStatus =
    "03 0003 0039  000e 0002 0001  0002 0001 00  0003 0002 00c8  0004 0002 ff9c  0007 0002 0064"
    "  0008 0002 0000  0009 0002 000a  000a 0001 01  000b 0001 02  000c 0002 0064";

// channel 1, stream 2, ECM_id 0x0101, nominal_CP_duration 10 s.
constexpr const char* kEcmgStreamSetup =
    "03 0101 0018  000e 0002 0001  000f 0002 0002  0019 0002 0101  0010 0002 0064";
constexpr const char* kEcmgStreamStatus =
    "03 0103 0017  000e 0002 0001  000f 0002 0002  0019 0002 0101  0011 0001 00";

// CP_number 0xFFFF: the CWs are those of 0xFFFF and 0x0000.
constexpr const char* kCwProvision =
    "03 0201 002e  000e 0002 0001  000f 0002 0002  0012 0002 ffff"
    "  0014 000a ffff 1011121314151617  0014 000a 0000 2021222324252627";
constexpr const char* kEcmResponse =
    "03 0202 002a  000e 0002 0001  000f 0002 0002  0012 0002 ffff"
    "  0015 0014 0101 ffff 1011121314151617 2021222324252627";

// client 4AFE0002, channel 1, sections.
constexpr const char* kEmmgChannelSetup = "03 0011 0013  0001 0004 4afe0002  0003 0002 0001  0002 0001 00";
// stream 7, data_id 9, EMM.
constexpr const char* kEmmgStreamSetup =
    "03 0111 001f  0001 0004 4afe0002  0003 0002 0001  0004 0002 0007  0008 0002 0009  0007 0001 00";
constexpr const char* kBwRequest =
    "03 0117 001a  0001 0004 4afe0002  0003 0002 0001  0004 0002 0007  0006 0002 03e8";
// Two datagrams: sections of 3 and 4 bytes.
constexpr const char* kDataProvision =
    "03 0211 0029  0001 0004 4afe0002  0003 0002 0001  0004 0002 0007  0008 0002 0009"
    "  0005 0003 827000  0005 0004 827001aa";
constexpr const char* kDataProvisionUdp =
    "03 0211 0016  0001 0004 4afe0002  0008 0002 0009  0005 0004 827001aa";

struct Ecms : ScsHost {
  void OnEcm(uint16_t stream, uint16_t cp, ByteView datagram, std::optional<SteadyTime>) override {
    EXPECT_EQ(stream, 2);
    EXPECT_EQ(cp, 0xFFFF);
    ecms.push_back(ToHex(datagram));
  }
  void OnError(const ScsError& error) override { FAIL() << ErrorName(error.status); }
  std::vector<std::string> ecms;
};

TEST(Golden, ScsAndEcmg) {
  RecordingEcmg host;
  host.parameters.delay_start_ms = 200;
  host.parameters.delay_stop_ms = -100;
  auto ecmg = EcmgSession::Create({}, host, seconds(0)).value();
  Ecms scs_host;
  ScsOptions options;
  options.super_cas_id = 0x4AFE0001;
  options.streams = {{2, 0x0101, 100}};
  auto scs = ScsSession::Create(options, scs_host).value();

  Bytes to_ecmg;
  Bytes to_scs;
  scs->Start(seconds(0), to_ecmg);
  EXPECT_EQ(ToHex(to_ecmg), ToHex(Hex(kEcmgChannelSetup)));
  ecmg->Push(Hex(kEcmgChannelSetup), seconds(0), to_scs);
  EXPECT_EQ(ToHex(to_scs), ToHex(Hex(kEcmgChannelStatus)));

  to_ecmg.clear();
  to_scs.clear();
  scs->Push(Hex(kEcmgChannelStatus), seconds(0), to_ecmg);
  EXPECT_EQ(ToHex(to_ecmg), ToHex(Hex(kEcmgStreamSetup)));
  EXPECT_EQ(scs->parameters(), host.parameters);
  ecmg->Push(Hex(kEcmgStreamSetup), seconds(0), to_scs);
  EXPECT_EQ(ToHex(to_scs), ToHex(Hex(kEcmgStreamStatus)));

  to_ecmg.clear();
  to_scs.clear();
  scs->Push(Hex(kEcmgStreamStatus), seconds(0), to_ecmg);
  const Bytes first = Hex("1011121314151617");
  const Bytes second = Hex("2021222324252627");
  const CpCw cws[] = {{0xFFFF, first}, {0x0000, second}};
  EXPECT_EQ(scs->Provide(2, 0xFFFF, cws, {}, seconds(0), to_ecmg), ScsSession::ProvideResult::kSent);
  EXPECT_EQ(ToHex(to_ecmg), ToHex(Hex(kCwProvision)));
  ecmg->Push(Hex(kCwProvision), seconds(0), to_scs);
  EXPECT_EQ(ToHex(to_scs), ToHex(Hex(kEcmResponse)));
  scs->Push(Hex(kEcmResponse), seconds(0), to_ecmg);
  EXPECT_EQ(scs_host.ecms, std::vector<std::string>{"0101ffff10111213141516172021222324252627"});
}

struct Rates : EmmgHost {
  void OnBandwidth(uint16_t kbps) override { rates.push_back(kbps); }
  std::vector<uint16_t> rates;
};

TEST(Golden, EmmgAndMux) {
  Rates host;
  EmmgOptions options;
  options.client_id = 0x4AFE0002;
  options.stream_id = 7;
  options.data_id = 9;
  options.bandwidth_kbps = 1000;
  auto emmg = EmmgSession::Create(options, host).value();
  RecordingMux mux_host;
  auto mux = MuxSession::Create({}, mux_host).value();

  Bytes to_mux;
  emmg->Start(seconds(0), to_mux);
  EXPECT_EQ(ToHex(to_mux), ToHex(Hex(kEmmgChannelSetup)));
  Bytes to_emmg;
  mux->Push(Hex(kEmmgChannelSetup), seconds(0), to_emmg);
  // channel_status and stream_status differ from the set-up in the message_type only.
  Bytes expected = Hex(kEmmgChannelSetup);
  expected[2] = 0x13;
  EXPECT_EQ(ToHex(to_emmg), ToHex(expected));
  to_mux.clear();
  emmg->Push(to_emmg, seconds(0), to_mux);
  EXPECT_EQ(ToHex(to_mux), ToHex(Hex(kEmmgStreamSetup)));
  to_emmg.clear();
  mux->Push(Hex(kEmmgStreamSetup), seconds(0), to_emmg);
  expected = Hex(kEmmgStreamSetup);
  expected[2] = 0x13;
  EXPECT_EQ(ToHex(to_emmg), ToHex(expected));
  to_mux.clear();
  emmg->Push(to_emmg, seconds(0), to_mux);
  EXPECT_EQ(ToHex(to_mux), ToHex(Hex(kBwRequest)));
  to_emmg.clear();
  mux->Push(Hex(kBwRequest), seconds(0), to_emmg);
  expected = Hex(kBwRequest);
  expected[2] = 0x18;
  EXPECT_EQ(ToHex(to_emmg), ToHex(expected));
  emmg->Push(to_emmg, seconds(0), to_mux);
  EXPECT_EQ(host.rates, std::vector<uint16_t>{1000});

  to_mux.clear();
  const Bytes one = Section(3, 0);
  const Bytes two = Section(4, 0xAA);
  const ByteView both[] = {one, two};
  EXPECT_EQ(emmg->Send(both, to_mux), EmmgSession::SendResult::kSent);
  EXPECT_EQ(ToHex(to_mux), ToHex(Hex(kDataProvision)));
  to_emmg.clear();
  mux->Push(Hex(kDataProvision), seconds(0), to_emmg);
  EXPECT_TRUE(to_emmg.empty());
  EXPECT_EQ(mux_host.datagrams, (std::vector<Bytes>{one, two}));

  Bytes udp;
  DataAddress address = emmg->address();
  address.channel_id.reset();
  address.stream_id.reset();
  ASSERT_TRUE(WriteDataProvision(udp, 3, address, std::span(both).last(1), 1472));
  EXPECT_EQ(ToHex(udp), ToHex(Hex(kDataProvisionUdp)));
  EXPECT_EQ(udp.size(), DataProvisionBytes(address) + kParameterHeaderBytes + two.size());
  EXPECT_EQ(mux->PushUdp(udp, seconds(0)), EmmgError::kNone);
  EXPECT_EQ(mux_host.datagrams.back(), two);
}

}  // namespace
}  // namespace hearth::simulcrypt
