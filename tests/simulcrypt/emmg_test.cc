#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/simulcrypt/emmg_session.h"
#include "tests/simulcrypt/wire.h"

namespace hearth::simulcrypt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using State = EmmgSession::State;

struct Host : EmmgHost {
  void OnBandwidth(uint16_t kbps) override { rates.push_back(kbps); }
  void OnWarning(EmmgError status) override { warnings.push_back(status); }
  std::vector<uint16_t> rates;
  std::vector<EmmgError> warnings;
};

const Fields kChannel = {{emmg::kClientId, "4afe0002"}, {emmg::kDataChannelId, "0001"}};
const Fields kStream = {
    {emmg::kClientId, "4afe0002"}, {emmg::kDataChannelId, "0001"}, {emmg::kDataStreamId, "0001"}};

Fields With(Fields fields, const Fields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}
Bytes ChannelStatus(const char* flag = "00") {
  return Message(emmg::kChannelStatus, With(kChannel, {{emmg::kSectionTspktFlag, flag}}));
}
Bytes StreamStatus() {
  return Message(emmg::kStreamStatus, With(kStream, {{emmg::kDataId, "0009"}, {emmg::kDataType, "00"}}));
}
Bytes Allocation(const char* kbps) {
  return Message(emmg::kStreamBwAllocation, With(kStream, {{emmg::kBandwidth, kbps}}));
}
Bytes ErrorOf(uint16_t type, const char* status) {
  return Message(type,
                 With(type == emmg::kChannelError ? kChannel : kStream, {{emmg::kErrorStatus, status}}));
}

class Emmg : public ::testing::Test {
 protected:
  Emmg() {
    options_.client_id = 0x4AFE0002;
    options_.data_id = 9;
    options_.bandwidth_kbps = 1000;
  }
  std::vector<std::string> Start() {
    session_ = EmmgSession::Create(options_, host_).value();
    Bytes out;
    session_->Start(now_, out);
    return DescribeAll(Interface::kEmmgMux, out);
  }
  std::vector<std::string> Receive(const Bytes& bytes) {
    Bytes out;
    session_->Push(bytes, now_, out);
    return DescribeAll(Interface::kEmmgMux, out);
  }
  std::vector<std::string> Tick(SteadyTime after) {
    now_ += after;
    Bytes out;
    session_->Tick(now_, out);
    return DescribeAll(Interface::kEmmgMux, out);
  }
  // Up to `state`, which is one of the set-up's or kReady.
  void Reach(State state) {
    Start();
    if (state == State::kChannelSetup) return;
    Receive(ChannelStatus());
    if (state == State::kStreamSetup) return;
    Receive(StreamStatus());
    if (state == State::kBandwidth) return;
    Receive(Allocation("03e8"));
    ASSERT_EQ(session_->state(), state);
  }

  Host host_;
  EmmgOptions options_;
  SteadyTime now_ = seconds(1000);
  std::unique_ptr<EmmgSession> session_;
  const Bytes section_ = Section(20, 1);
  const ByteView datagrams_[1] = {section_};
};

TEST_F(Emmg, TheOrderOfTheSetUp) {
  EXPECT_THAT(Start(),
              ElementsAre("3 channel_setup client_id=4afe0002 data_channel_id=0001 section_TSpkt_flag=00"));
  Bytes out;
  EXPECT_EQ(session_->Send(datagrams_, out), EmmgSession::SendResult::kNotReady);
  EXPECT_THAT(Receive(ChannelStatus()), ElementsAre("3 stream_setup client_id=4afe0002 data_channel_id=0001"
                                                    " data_stream_id=0001 data_id=0009 data_type=00"));
  EXPECT_THAT(Receive(StreamStatus()),
              ElementsAre("3 stream_BW_request client_id=4afe0002 data_channel_id=0001"
                          " data_stream_id=0001 bandwidth=03e8"));
  EXPECT_EQ(session_->Send(datagrams_, out), EmmgSession::SendResult::kNotReady);
  EXPECT_EQ(session_->bandwidth_kbps(), 0);
  EXPECT_THAT(Receive(Allocation("01f4")), IsEmpty());
  EXPECT_EQ(session_->state(), State::kReady);
  EXPECT_EQ(session_->bandwidth_kbps(), 500);
  EXPECT_EQ(session_->Send(datagrams_, out), EmmgSession::SendResult::kSent);
  EXPECT_THAT(
      DescribeAll(Interface::kEmmgMux, out),
      ElementsAre("3 data_provision client_id=4afe0002 data_channel_id=0001 data_stream_id=0001 data_id=0009"
                  " datagram=" +
                  ToHex(section_)));
}

TEST_F(Emmg, TheAllocationMayChange) {
  Reach(State::kBandwidth);
  Receive(Message(emmg::kStreamBwAllocation, kStream));  // what was asked for
  EXPECT_THAT(host_.rates, ElementsAre(1000));
  Receive(Allocation("0000"));
  Bytes out;
  EXPECT_EQ(session_->Send(datagrams_, out), EmmgSession::SendResult::kNotReady);
  Receive(Allocation("00c8"));
  EXPECT_EQ(session_->Send(datagrams_, out), EmmgSession::SendResult::kSent);
  Receive(Message(emmg::kStreamBwAllocation, kStream));  // unasked and empty: as it was
  out.clear();
  EXPECT_TRUE(session_->RequestBandwidth(2000, out));
  EXPECT_THAT(DescribeAll(Interface::kEmmgMux, out), ElementsAre(HasSubstr("bandwidth=07d0")));
  EXPECT_EQ(session_->bandwidth_kbps(), 200);
  Receive(Message(emmg::kStreamBwAllocation, kStream));
  EXPECT_THAT(host_.rates, ElementsAre(1000, 0, 200, 200, 2000));
  EXPECT_FALSE(session_->RequestBandwidth(0, out));
}

TEST_F(Emmg, AGrantOfNothingIsReadyAndSilent) {
  Reach(State::kBandwidth);
  Receive(Allocation("0000"));
  EXPECT_EQ(session_->state(), State::kReady);
  EXPECT_THAT(host_.rates, ElementsAre(0));
  Tick(seconds(3600));
  EXPECT_FALSE(session_->should_close());
}

TEST_F(Emmg, TheModeOfTheMux) {
  options_.ts_packets = true;
  Start();
  Receive(ChannelStatus("00"));
  EXPECT_EQ(session_->state(), State::kStreamSetup);
  EXPECT_FALSE(session_->ts_packets());

  options_.accept_mux_mode = false;
  Start();
  EXPECT_THAT(Receive(ChannelStatus("00")),
              ElementsAre("3 channel_close client_id=4afe0002 data_channel_id=0001"));
  ASSERT_TRUE(session_->failure().has_value());
  EXPECT_EQ(session_->failure()->remedy, Remedy::kConfiguration);
  EXPECT_EQ(session_->failure()->text, "the MUX insists on sections");
  EXPECT_TRUE(session_->should_close());

  Start();
  Receive(Join({ChannelStatus("01"), StreamStatus(), Allocation("0001")}));
  Bytes packet(188);
  const ByteView packets[] = {packet};
  Bytes out;
  EXPECT_EQ(session_->Send(packets, out), EmmgSession::SendResult::kNotTsPackets);
  packet[0] = 0x47;
  EXPECT_EQ(session_->Send(packets, out), EmmgSession::SendResult::kSent);
  EXPECT_EQ(session_->Send(datagrams_, out), EmmgSession::SendResult::kNotTsPackets);
}

TEST_F(Emmg, SizesOfWhatIsSent) {
  options_.max_message_bytes = 1024;
  Reach(State::kReady);
  const Bytes large(1024 - DataProvisionBytes(session_->address()) - kParameterHeaderBytes + 1);
  Bytes out;
  EXPECT_EQ(session_->Send({}, out), EmmgSession::SendResult::kWrongSize);
  const ByteView too_large[] = {large};
  EXPECT_EQ(session_->Send(too_large, out), EmmgSession::SendResult::kWrongSize);
  EXPECT_TRUE(out.empty());
  const ByteView fits[] = {ByteView(large).subspan(1)};
  EXPECT_EQ(session_->Send(fits, out), EmmgSession::SendResult::kSent);
  EXPECT_EQ(out.size(), 1024U);
}

TEST_F(Emmg, EachStepHasItsTimeout) {
  const std::pair<State, const char*> rows[] = {{State::kChannelSetup, "channel_setup"},
                                                {State::kStreamSetup, "stream_setup"},
                                                {State::kBandwidth, "stream_BW_request"}};
  for (const auto& [state, step] : rows) {
    Reach(state);
    Tick(milliseconds(4999));
    EXPECT_FALSE(session_->should_close()) << step;
    Tick(milliseconds(1));
    ASSERT_TRUE(session_->failure().has_value()) << step;
    EXPECT_EQ(session_->failure()->reason, CloseReason::kTimeout);
    EXPECT_EQ(session_->failure()->remedy, Remedy::kRetry);
    EXPECT_EQ(session_->failure()->text, std::string("the MUX did not answer ") + step + " within 5000 ms");
    EXPECT_EQ(session_->state(), State::kClosed);
  }
}

TEST_F(Emmg, ErrorsAndTheirRemedies) {
  struct Row {
    State state;
    uint16_t type;
    const char* status;
    uint8_t version;
    std::optional<Remedy> remedy;  // nothing: the session goes on
  };
  const Row rows[] = {
      {State::kChannelSetup, emmg::kChannelError, "0001", 3, Remedy::kRetry},
      {State::kChannelSetup, emmg::kChannelError, "0002", 3, Remedy::kLowerVersion},
      {State::kChannelSetup, emmg::kChannelError, "0002", 5, Remedy::kLowerVersion},
      {State::kChannelSetup, emmg::kChannelError, "0002", 1, Remedy::kConfiguration},
      {State::kChannelSetup, emmg::kChannelError, "0003", 3, Remedy::kConfiguration},
      {State::kReady, emmg::kStreamError, "0004", 3, Remedy::kConfiguration},
      {State::kReady, emmg::kStreamError, "0005", 3, Remedy::kRetry},
      {State::kStreamSetup, emmg::kStreamError, "0006", 3, Remedy::kRetry},
      {State::kChannelSetup, emmg::kChannelError, "0007", 3, Remedy::kRetry},
      {State::kStreamSetup, emmg::kStreamError, "0008", 3, Remedy::kRetry},
      {State::kStreamSetup, emmg::kStreamError, "0009", 3, Remedy::kRetry},
      {State::kStreamSetup, emmg::kStreamError, "000a", 3, Remedy::kConfiguration},
      {State::kStreamSetup, emmg::kStreamError, "000b", 3, Remedy::kConfiguration},
      {State::kStreamSetup, emmg::kChannelError, "000c", 3, Remedy::kConfiguration},
      {State::kStreamSetup, emmg::kStreamError, "000d", 3, Remedy::kConfiguration},
      {State::kChannelSetup, emmg::kChannelError, "000e", 3, Remedy::kConfiguration},
      {State::kBandwidth, emmg::kStreamError, "000f", 3, Remedy::kRetry},
      {State::kReady, emmg::kStreamError, "000f", 3, std::nullopt},
      {State::kStreamSetup, emmg::kStreamError, "0010", 3, Remedy::kConfiguration},
      {State::kChannelSetup, emmg::kChannelError, "0011", 3, Remedy::kRetry},
      {State::kStreamSetup, emmg::kStreamError, "0012", 3, Remedy::kRetry},
      {State::kStreamSetup, emmg::kStreamError, "0013", 3, Remedy::kRetry},
      {State::kChannelSetup, emmg::kChannelError, "0014", 3, Remedy::kRetry},
      {State::kReady, emmg::kStreamError, "7000", 3, Remedy::kRetry},
      {State::kReady, emmg::kChannelError, "7001", 3, Remedy::kRetry},
      {State::kReady, emmg::kChannelError, "1234", 3, Remedy::kRetry},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.status);
    options_.version = row.version;
    Reach(row.state);
    host_.warnings.clear();
    EXPECT_THAT(Receive(ErrorOf(row.type, row.status)), IsEmpty());
    EXPECT_EQ(session_->failure().has_value(), row.remedy.has_value());
    if (row.remedy) {
      EXPECT_EQ(session_->failure()->remedy, *row.remedy);
      EXPECT_EQ(session_->failure()->reason, CloseReason::kPeerError);
      EXPECT_EQ(static_cast<uint16_t>(session_->failure()->status), ByteReader(Hex(row.status)).U16());
      EXPECT_THAT(session_->failure()->text, HasSubstr("_error 0x"));
    } else {
      EXPECT_THAT(host_.warnings, ElementsAre(EmmgError::kExceededBandwidth));
    }
  }
  EXPECT_EQ(NextLowerVersion(5), 3);
  EXPECT_EQ(NextLowerVersion(3), 2);
  EXPECT_EQ(NextLowerVersion(2), 1);
  EXPECT_EQ(NextLowerVersion(1), 0);
}

TEST_F(Emmg, Closing) {
  Bytes out;
  Reach(State::kReady);
  session_->Close(now_, out);
  EXPECT_THAT(DescribeAll(Interface::kEmmgMux, out), ElementsAre(StartsWith("3 stream_close_request")));
  EXPECT_EQ(session_->Send(datagrams_, out), EmmgSession::SendResult::kNotReady);
  EXPECT_THAT(Receive(Message(emmg::kStreamCloseResponse, kStream)),
              ElementsAre(StartsWith("3 channel_close")));
  EXPECT_EQ(session_->close_reason(), CloseReason::kFinished);
  EXPECT_FALSE(session_->failure().has_value());

  Reach(State::kReady);  // a MUX may close TCP instead
  session_->Close(now_, out);
  session_->Closed();
  EXPECT_FALSE(session_->failure().has_value());
  EXPECT_EQ(session_->state(), State::kClosed);

  Reach(State::kReady);  // or not answer
  session_->Close(now_, out);
  EXPECT_THAT(Tick(seconds(5)), ElementsAre(StartsWith("3 channel_close")));
  EXPECT_FALSE(session_->failure().has_value());

  Reach(State::kReady);  // or with an error
  session_->Close(now_, out);
  Receive(ErrorOf(emmg::kStreamError, "0005"));
  EXPECT_EQ(session_->close_reason(), CloseReason::kFinished);

  for (State state : {State::kChannelSetup, State::kStreamSetup}) {
    Reach(state);
    session_->Close(now_, out);
    EXPECT_EQ(session_->close_reason(), CloseReason::kFinished);
  }
}

TEST_F(Emmg, ALostConnectionIsRetried) {
  Reach(State::kReady);
  session_->Closed();
  ASSERT_TRUE(session_->failure().has_value());
  EXPECT_EQ(session_->failure()->reason, CloseReason::kPeerClosed);
  EXPECT_EQ(session_->failure()->remedy, Remedy::kRetry);
}

TEST_F(Emmg, TestsOfTheMux) {
  Reach(State::kChannelSetup);
  EXPECT_THAT(Receive(Message(emmg::kChannelTest, kChannel)), ElementsAre(HasSubstr("error_status=0006")));
  Reach(State::kStreamSetup);
  EXPECT_THAT(Receive(Message(emmg::kStreamTest, kStream)), ElementsAre(HasSubstr("error_status=0005")));
  Reach(State::kReady);
  EXPECT_THAT(Receive(Message(emmg::kChannelTest, kChannel, 1)),
              ElementsAre("1 channel_status client_id=4afe0002 data_channel_id=0001 section_TSpkt_flag=00"));
  EXPECT_THAT(
      Receive(Message(emmg::kStreamTest, kStream, 2)),
      ElementsAre("2 stream_status client_id=4afe0002 data_channel_id=0001 data_stream_id=0001 data_id=0009"
                  " data_type=00"));
}

TEST_F(Emmg, KeepaliveTests) {
  options_.test_interval = seconds(10);
  Reach(State::kReady);
  EXPECT_THAT(Tick(seconds(9)), IsEmpty());
  EXPECT_THAT(Tick(seconds(1)), ElementsAre("3 channel_test client_id=4afe0002 data_channel_id=0001"));
  Receive(ChannelStatus());
  EXPECT_THAT(Tick(seconds(10)), ElementsAre(StartsWith("3 channel_test")));
  EXPECT_THAT(Tick(seconds(10)), IsEmpty());
  EXPECT_EQ(session_->failure()->reason, CloseReason::kTestFailed);
}

TEST_F(Emmg, WhatIsNotForIt) {
  Reach(State::kReady);
  Fields other = kStream;
  other[0].second = "4afe0099";
  EXPECT_THAT(Receive(Message(emmg::kStreamTest, other)), ElementsAre(HasSubstr("error_status=000e")));
  other = kStream;
  other[1].second = "0002";
  EXPECT_THAT(Receive(Message(emmg::kStreamTest, other)), ElementsAre(HasSubstr("error_status=0006")));
  other = kStream;
  other[2].second = "0002";
  EXPECT_THAT(Receive(Message(emmg::kStreamTest, other)), ElementsAre(HasSubstr("error_status=0005")));
  const Bytes bad = Message(0x0199, kStream);
  EXPECT_THAT(Receive(Join({bad, bad, bad, bad})).size(), 3U);
  EXPECT_EQ(session_->failure()->reason, CloseReason::kMalformed);
}

TEST_F(Emmg, OptionsAreChecked) {
  const auto refused = [this](const std::function<void(EmmgOptions&)>& edit) {
    EmmgOptions options = options_;
    edit(options);
    return !EmmgSession::Create(options, host_).has_value();
  };
  EXPECT_TRUE(refused([](EmmgOptions& o) { o.bandwidth_kbps = 0; }));
  EXPECT_TRUE(refused([](EmmgOptions& o) { o.version = 4; }));
  EXPECT_TRUE(refused([](EmmgOptions& o) { o.step_timeout = milliseconds(0); }));
  EXPECT_TRUE(refused([](EmmgOptions& o) { o.test_interval = milliseconds(-1); }));
  EXPECT_TRUE(refused([](EmmgOptions& o) { o.max_message_bytes = 1023; }));
  EXPECT_FALSE(refused([](EmmgOptions&) {}));
}

}  // namespace
}  // namespace hearth::simulcrypt
