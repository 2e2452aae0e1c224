#include <cstdio>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simulcrypt/wire.h"

namespace hearth::simulcrypt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr const char* kClient = "4afe0002";

Bytes ChannelSetup(const char* client, const char* channel, const char* flag = "00", uint8_t version = 3) {
  return Message(
      emmg::kChannelSetup,
      {{emmg::kClientId, client}, {emmg::kDataChannelId, channel}, {emmg::kSectionTspktFlag, flag}}, version);
}
Bytes OnChannel(uint16_t type, const char* client, const char* channel, uint8_t version = 3) {
  return Message(type, {{emmg::kClientId, client}, {emmg::kDataChannelId, channel}}, version);
}
Bytes OnStream(uint16_t type, const char* stream, const Fields& more = {}, const char* channel = "0001",
               const char* client = kClient, uint8_t version = 3) {
  Fields fields = {{emmg::kClientId, client}, {emmg::kDataChannelId, channel}, {emmg::kDataStreamId, stream}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Message(type, fields, version);
}
Bytes StreamSetup(const char* stream, const char* data_id, const char* data_type = "00",
                  const char* channel = "0001") {
  return OnStream(emmg::kStreamSetup, stream, {{emmg::kDataId, data_id}, {emmg::kDataType, data_type}},
                  channel);
}
Bytes Data(const char* data_id, const std::string& datagram, const char* stream = "0007") {
  return OnStream(emmg::kDataProvision, stream, {{emmg::kDataId, data_id}, {emmg::kDatagram, datagram}});
}

class Mux : public ::testing::Test {
 protected:
  void Make(const MuxOptions& options = {}) { session_ = MuxSession::Create(options, host_).value(); }
  // Channel 1 of client 4AFE0002 with stream 7, data_id 9, granted 1,000 kbit/s.
  void Open() {
    if (!session_) Make();
    Send(ChannelSetup(kClient, "0001"));
    Send(StreamSetup("0007", "0009"));
    Send(OnStream(emmg::kStreamBwRequest, "0007", {{emmg::kBandwidth, "03e8"}}));
    ASSERT_EQ(session_->bandwidth_kbps(1, 7), 1000);
  }
  std::vector<std::string> Send(const Bytes& bytes, SteadyTime now = seconds(1)) {
    Bytes out;
    session_->Push(bytes, now, out);
    return DescribeAll(Interface::kEmmgMux, out);
  }

  RecordingMux host_;
  std::unique_ptr<MuxSession> session_;
};

struct ErrorCase {
  std::string name;
  EmmgError error;
  std::string about;  // the ids in the answer: "channel 4afe0002 0001", "stream 4afe0002 0001 0007"
  std::function<Bytes()> message;
  std::function<void(MuxOptions&)> prepare = [](MuxOptions&) {};
};

class MuxErrors : public Mux, public ::testing::WithParamInterface<ErrorCase> {};

const char* const kThisChannel = "channel 4afe0002 0001";
const char* const kThisStream = "stream 4afe0002 0001 0007";
const char* const kNewStream = "stream 4afe0002 0001 0008";

const std::vector<ErrorCase>& MuxErrorCases() {
  const auto two_channels = [](MuxOptions& options) { options.max_channels = 2; };
  static const std::vector<ErrorCase> cases = {
      {"BrokenFraming", EmmgError::kInvalidMessage, kThisChannel, [] { return Hex("03 0012 0003 000100"); }},
      {"ParameterTwice", EmmgError::kInvalidMessage, kThisStream,
       [] {
         return OnStream(emmg::kStreamTest, "0007", {{emmg::kDataStreamId, "0007"}});
       }},
      {"MessageOfTheMux", EmmgError::kInvalidMessage, kThisStream,
       [] { return OnStream(emmg::kStreamBwAllocation, "0007"); }},
      {"Version4", EmmgError::kUnsupportedVersion, kThisChannel,
       [] { return OnChannel(emmg::kChannelTest, kClient, "0001", 4); }},
      {"UnknownMessage", EmmgError::kUnknownMessageType, kThisChannel,
       [] { return OnChannel(0x0001, kClient, "0001"); }},
      {"TooLong", EmmgError::kMessageTooLong, kThisChannel,
       [] { return Data("0009", std::string(2000, '0')); },
       [](MuxOptions& options) { options.max_message_bytes = 512; }},
      {"UnknownStreamOfTest", EmmgError::kUnknownStreamId, kNewStream,
       [] { return OnStream(emmg::kStreamTest, "0008"); }},
      {"UnknownStreamOfClose", EmmgError::kUnknownStreamId, kNewStream,
       [] { return OnStream(emmg::kStreamCloseRequest, "0008"); }},
      {"UnknownStreamOfBandwidth", EmmgError::kUnknownStreamId, kNewStream,
       [] { return OnStream(emmg::kStreamBwRequest, "0008"); }},
      {"UnknownStreamOfData", EmmgError::kUnknownStreamId, kNewStream,
       [] { return Data("0009", "827000", "0008"); }},
      {"UnknownChannel", EmmgError::kUnknownChannelId, "channel 4afe0002 0005",
       [] { return OnChannel(emmg::kChannelTest, kClient, "0005"); }},
      {"UnknownChannelOfStream", EmmgError::kUnknownChannelId, "channel 4afe0002 0005",
       [] { return StreamSetup("0008", "0010", "00", "0005"); }},
      {"SecondChannel", EmmgError::kTooManyChannels, "channel 4afe0002 0005",
       [] { return ChannelSetup(kClient, "0005"); }},
      {"StreamBeyondTheChannel", EmmgError::kTooManyStreamsOnChannel, kNewStream,
       [] { return StreamSetup("0008", "0010"); },
       [](MuxOptions& options) { options.max_streams_per_channel = 1; }},
      {"StreamBeyondTheMux", EmmgError::kTooManyStreamsOnMux, kNewStream,
       [] { return StreamSetup("0008", "0010"); }, [](MuxOptions& options) { options.max_streams = 1; }},
      {"ReservedParameter", EmmgError::kUnknownParameterType, kThisStream,
       [] {
         return OnStream(emmg::kStreamTest, "0007", {{0x0009, ""}});
       }},
      {"LongBandwidth", EmmgError::kInconsistentLength, kThisStream,
       [] {
         return OnStream(emmg::kStreamBwRequest, "0007", {{emmg::kBandwidth, "000001"}});
       }},
      {"NoDataType", EmmgError::kMissingParameter, kNewStream,
       [] {
         return OnStream(emmg::kStreamSetup, "0008", {{emmg::kDataId, "0010"}});
       }},
      {"NoDatagram", EmmgError::kMissingParameter, kThisStream,
       [] {
         return OnStream(emmg::kDataProvision, "0007", {{emmg::kDataId, "0009"}});
       }},
      {"DataWithoutStreamId", EmmgError::kMissingParameter, kThisChannel,
       [] {
         return Message(emmg::kDataProvision, {{emmg::kClientId, kClient},
                                               {emmg::kDataChannelId, "0001"},
                                               {emmg::kDataId, "0009"},
                                               {emmg::kDatagram, "827000"}});
       }},
      {"UnknownDataType", EmmgError::kInvalidValue, kNewStream,
       [] { return StreamSetup("0008", "0010", "03"); }},
      {"UnknownMode", EmmgError::kInvalidValue, "channel 4afe0002 0005",
       [] { return ChannelSetup(kClient, "0005", "02"); }, two_channels},
      {"NoWholeSection", EmmgError::kInvalidValue, kThisStream, [] { return Data("0009", "827002aa"); }},
      {"UnknownClient", EmmgError::kUnknownClientId, "channel 4afe0099 0001",
       [] { return OnChannel(emmg::kChannelTest, "4afe0099", "0001"); }},
      {"ExceededBandwidth", EmmgError::kExceededBandwidth, kThisStream,
       [] {
         Bytes all;
         for (int i = 0; i < 126; ++i) all = Join({all, Data("0009", ToHex(Section(1000, 0)))});
         return all;
       },
       [](MuxOptions& options) { options.bandwidth_slack_percent = 0; }},
      {"OtherDataId", EmmgError::kUnknownDataId, kThisStream, [] { return Data("0010", "827000"); }},
      {"ChannelTwice", EmmgError::kChannelIdInUse, kThisChannel,
       [] { return ChannelSetup(kClient, "0001"); }},
      {"ChannelOfAnotherClient", EmmgError::kChannelIdInUse, "channel 4afe0099 0001",
       [] { return ChannelSetup("4afe0099", "0001"); }, two_channels},
      {"StreamTwice", EmmgError::kStreamIdInUse, kThisStream, [] { return StreamSetup("0007", "0010"); }},
      {"DataIdTwice", EmmgError::kDataIdInUse, kNewStream, [] { return StreamSetup("0008", "0009"); }},
      {"ClientOnAnotherConnection", EmmgError::kClientIdInUse, "channel 4afe0003 0005",
       [] { return ChannelSetup("4afe0003", "0005"); }, two_channels},
      {"HostRefusesStream", EmmgError::kUnknownError, kNewStream, [] { return StreamSetup("0008", "0010"); }},
      {"HostGivesUp", EmmgError::kUnrecoverable, kNewStream, [] { return StreamSetup("0008", "0010"); }},
  };
  return cases;
}

TEST_P(MuxErrors, OneErrorWithItsStatus) {
  const ErrorCase& c = GetParam();
  MuxOptions options;
  c.prepare(options);
  Make(options);
  Open();
  if (c.error == EmmgError::kClientIdInUse) host_.refuse_channel = c.error;
  if (c.error == EmmgError::kUnknownError || c.error == EmmgError::kUnrecoverable)
    host_.refuse_stream = c.error;
  char kind[8];
  char client[9];
  char channel[5];
  char stream[5];
  const int found = std::sscanf(c.about.c_str(), "%7s %8s %4s %4s", kind, client, channel, stream);
  std::string expected =
      std::string("3 ") + kind + "_error client_id=" + client + " data_channel_id=" + channel;
  if (found == 4) expected += std::string(" data_stream_id=") + stream;
  expected += " error_status=" + ToHex(Bytes{static_cast<uint8_t>(static_cast<uint16_t>(c.error) >> 8),
                                             static_cast<uint8_t>(c.error)});
  EXPECT_THAT(Send(c.message()), ElementsAre(expected));
  EXPECT_FALSE(session_->should_close());
  host_.datagrams.clear();
  EXPECT_THAT(Send(Data("0009", "827000"), seconds(5)), IsEmpty());
  EXPECT_EQ(host_.datagrams.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, MuxErrors, ::testing::ValuesIn(MuxErrorCases()),
                         [](const auto& row) { return row.param.name; });

TEST(MuxErrorTable, ProvokesEveryStatus) {
  std::map<uint16_t, int> seen;
  for (const ErrorCase& c : MuxErrorCases()) ++seen[static_cast<uint16_t>(c.error)];
  for (const ErrorSpec& row : Errors(Interface::kEmmgMux)) EXPECT_GT(seen[row.status], 0) << row.name;
}

TEST_F(Mux, GrantsWhatIsLeft) {
  MuxOptions options;
  options.bandwidth_kbps = 1500;
  Make(options);
  Open();
  Send(StreamSetup("0008", "0010"));
  const auto ask = [this](const char* stream, const Fields& fields) {
    return Send(OnStream(emmg::kStreamBwRequest, stream, fields));
  };
  const std::string reply = "3 stream_BW_allocation client_id=4afe0002 data_channel_id=0001 data_stream_id=";
  EXPECT_THAT(ask("0008", {}), ElementsAre(reply + "0008 bandwidth=0000"));
  EXPECT_THAT(ask("0008", {{emmg::kBandwidth, "03e8"}}), ElementsAre(reply + "0008 bandwidth=01f4"));
  EXPECT_THAT(ask("0008", {}), ElementsAre(reply + "0008 bandwidth=01f4"));
  EXPECT_THAT(ask("0007", {{emmg::kBandwidth, "0064"}}), ElementsAre(reply + "0007 bandwidth=0064"));
  EXPECT_THAT(ask("0008", {{emmg::kBandwidth, "03e8"}}), ElementsAre(reply + "0008 bandwidth=03e8"));
  Bytes out;
  EXPECT_TRUE(session_->Allocate(1, 8, 0, out));
  EXPECT_THAT(DescribeAll(Interface::kEmmgMux, out), ElementsAre(reply + "0008 bandwidth=0000"));
  EXPECT_FALSE(session_->Allocate(1, 99, 0, out));
  EXPECT_EQ(session_->bandwidth_kbps(1, 99), std::nullopt);
}

TEST_F(Mux, MayLeaveOutWhatWasAskedFor) {
  MuxOptions options;
  options.omit_equal_bandwidth = true;
  Make(options);
  Open();
  EXPECT_THAT(
      Send(OnStream(emmg::kStreamBwRequest, "0007", {{emmg::kBandwidth, "03e8"}})),
      ElementsAre("3 stream_BW_allocation client_id=4afe0002 data_channel_id=0001 data_stream_id=0007"));
}

TEST_F(Mux, TsMode) {
  MuxOptions options;
  options.mode = MuxOptions::Mode::kTsPackets;
  Make(options);
  EXPECT_THAT(Send(ChannelSetup(kClient, "0001")),
              ElementsAre("3 channel_status client_id=4afe0002 data_channel_id=0001 section_TSpkt_flag=01"));
  Send(StreamSetup("0007", "0009"));
  Bytes packets(376);
  packets[0] = packets[188] = 0x47;
  EXPECT_THAT(Send(Data("0009", ToHex(packets))), IsEmpty());
  packets[188] = 0;
  EXPECT_THAT(Send(Data("0009", ToHex(packets))), ElementsAre(::testing::EndsWith("error_status=000d")));
  EXPECT_EQ(host_.datagrams.size(), 1U);
}

TEST_F(Mux, DataOverUdp) {
  Open();
  const Bytes section = Section(20, 1);
  const ByteView one[] = {section};
  const auto push = [&](DataAddress address) {
    Bytes payload;
    EXPECT_TRUE(WriteDataProvision(payload, 3, address, one, 1472));
    return session_->PushUdp(payload, seconds(1));
  };
  EXPECT_EQ(push({0x4AFE0002, std::nullopt, std::nullopt, 9}), EmmgError::kNone);
  EXPECT_EQ(push({0x4AFE0002, 1, 7, 9}), EmmgError::kNone);
  EXPECT_EQ(host_.datagrams.size(), 2U);
  EXPECT_EQ(push({0x4AFE0002, std::nullopt, std::nullopt, 10}), EmmgError::kUnknownDataId);
  EXPECT_EQ(push({0x4AFE0099, std::nullopt, std::nullopt, 9}), EmmgError::kUnknownDataId);
  EXPECT_EQ(push({0x4AFE0002, 1, 8, 9}), EmmgError::kUnknownStreamId);
  EXPECT_EQ(session_->PushUdp(OnChannel(emmg::kChannelTest, kClient, "0001"), seconds(1)),
            EmmgError::kInvalidMessage);
  EXPECT_EQ(session_->PushUdp(Hex("03"), seconds(1)), EmmgError::kInvalidMessage);
  EXPECT_EQ(host_.datagrams.size(), 2U);
  Bytes out;
  EXPECT_FALSE(WriteDataProvision(out, 3, {}, {}, 1472));
  EXPECT_FALSE(WriteDataProvision(out, 3, {}, one, 40));
  EXPECT_TRUE(out.empty());
}

TEST_F(Mux, ErrorsAreNotAnsweredAndThreeMalformedClose) {
  Open();
  EXPECT_THAT(Send(OnStream(emmg::kStreamError, "0055", {{emmg::kErrorStatus, "0005"}})), IsEmpty());
  EXPECT_THAT(Send(OnStream(emmg::kStreamError, "0055")), IsEmpty());
  EXPECT_EQ(host_.errors_received[5], 1);
  const Bytes bad = OnStream(0x0199, "0007");
  EXPECT_THAT(Send(bad), ElementsAre(StartsWith("3 channel_error")));
  EXPECT_FALSE(session_->should_close());
  EXPECT_THAT(Send(bad), ElementsAre(StartsWith("3 channel_error")));
  EXPECT_EQ(session_->close_reason(), CloseReason::kMalformed);  // with the broken stream_error before
}

TEST_F(Mux, ClosingReleases) {
  Open();
  Send(StreamSetup("0008", "0010"));
  EXPECT_THAT(
      Send(OnStream(emmg::kStreamCloseRequest, "0007")),
      ElementsAre("3 stream_close_response client_id=4afe0002 data_channel_id=0001 data_stream_id=0007"));
  EXPECT_EQ(host_.closed_streams, 1);
  EXPECT_THAT(Send(OnChannel(emmg::kChannelClose, kClient, "0001")), IsEmpty());
  EXPECT_EQ(host_.closed_streams, 2);
  EXPECT_EQ(host_.closed_channels, 1);
  Open();
  session_.reset();
  EXPECT_EQ(host_.closed_streams, 3);
  EXPECT_EQ(host_.closed_channels, 2);
}

TEST_F(Mux, TestsBothWays) {
  Open();
  EXPECT_THAT(Send(OnChannel(emmg::kChannelTest, kClient, "0001", 2)),
              ElementsAre("2 channel_status client_id=4afe0002 data_channel_id=0001 section_TSpkt_flag=00"));
  const std::string status =
      " stream_status client_id=4afe0002 data_channel_id=0001 data_stream_id=0007 data_id=0009 data_type=00";
  EXPECT_THAT(Send(OnStream(emmg::kStreamTest, "0007", {}, "0001", kClient, 1)), ElementsAre("1" + status));
  Bytes out;
  EXPECT_TRUE(session_->TestChannel(1, out));
  EXPECT_TRUE(session_->TestStream(1, 7, out));
  EXPECT_TRUE(session_->SendError(1, std::nullopt, EmmgError::kUnknownError, out));
  EXPECT_FALSE(session_->TestChannel(2, out));
  EXPECT_FALSE(session_->TestStream(1, 8, out));
  EXPECT_FALSE(session_->SendError(1, 8, EmmgError::kUnknownError, out));
  EXPECT_THAT(DescribeAll(Interface::kEmmgMux, out),
              ElementsAre("3 channel_test client_id=4afe0002 data_channel_id=0001",
                          "3 stream_test client_id=4afe0002 data_channel_id=0001 data_stream_id=0007",
                          "3 channel_error client_id=4afe0002 data_channel_id=0001 error_status=7000"));
}

}  // namespace
}  // namespace hearth::simulcrypt
