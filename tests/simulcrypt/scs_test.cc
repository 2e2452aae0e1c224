#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/simulcrypt/scs_session.h"
#include "tests/simulcrypt/ecmg_fixture.h"

namespace hearth::simulcrypt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using State = ScsSession::State;
using ProvideResult = ScsSession::ProvideResult;

struct Host : ScsHost {
  void OnChannelOpen(const ChannelParameters& parameters) override { channel = parameters; }
  void OnStreamOpen(const ScsStream& stream, bool criteria_in_each) override {
    log.push_back("open " + std::to_string(stream.stream_id) + (criteria_in_each ? " each" : ""));
  }
  void OnEcm(uint16_t stream_id, uint16_t cp_number, ByteView datagram,
             std::optional<SteadyTime> waited) override {
    log.push_back("ecm " + std::to_string(stream_id) + " " + std::to_string(cp_number) + " " +
                  ToHex(datagram) + (waited ? " after " + std::to_string(waited->count()) : " late"));
  }
  void OnError(const ScsError& error) override {
    log.push_back("error " + (error.stream_id ? std::to_string(*error.stream_id) : "of channel") + " " +
                  std::string(ErrorName(error.status)));
  }
  void OnStreamClosed(uint16_t stream_id) override { log.push_back("closed " + std::to_string(stream_id)); }
  std::optional<ChannelParameters> channel;
  std::vector<std::string> log;
};

Bytes Status(uint16_t type, int stream, const Fields& more) {
  Fields fields = {{ecmg::kEcmChannelId, "0001"}, {ecmg::kEcmStreamId, U16(stream)}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Message(type, fields);
}
Bytes StreamStatus(int stream, const char* mode = "00") {
  return Status(ecmg::kStreamStatus, stream,
                {{ecmg::kEcmId, U16(stream)}, {ecmg::kAccessCriteriaTransferMode, mode}});
}
Bytes StreamError(int stream, const char* status) {
  return Status(ecmg::kStreamError, stream, {{ecmg::kErrorStatus, status}});
}
Bytes EcmResponse(int stream, int cp) {
  return Status(ecmg::kEcmResponse, stream, {{ecmg::kCpNumber, U16(cp)}, {ecmg::kEcmDatagram, "807001aa"}});
}
Bytes ChannelError(const char* status) {
  return Message(ecmg::kChannelError, {{ecmg::kEcmChannelId, "0001"}, {ecmg::kErrorStatus, status}});
}

class Scs : public ::testing::Test {
 protected:
  Scs() {
    options_.super_cas_id = 0x4AFE0001;
    options_.streams = {{2, 2, 100}, {1, 1, 100}};
  }
  void Start() {
    host_.log.clear();
    session_ = ScsSession::Create(options_, host_).value();
    Bytes out;
    session_->Start(now_, out);
    EXPECT_THAT(DescribeAll(Interface::kEcmgScs, out),
                ElementsAre("3 channel_setup ECM_channel_id=0001 Super_CAS_id=4afe0001"));
  }
  std::vector<std::string> Receive(const Bytes& bytes) {
    Bytes out;
    session_->Push(bytes, now_, out);
    return DescribeAll(Interface::kEcmgScs, out);
  }
  std::vector<std::string> ReceiveChannelStatus() {
    Bytes status;
    WriteChannelStatus(status, 3, 1, ChannelParameters{});
    return Receive(status);
  }
  void Open() {
    Start();
    ReceiveChannelStatus();
    Receive(Join({StreamStatus(1), StreamStatus(2)}));
    ASSERT_EQ(session_->state(), State::kOpen);
    host_.log.clear();
  }
  ProvideResult Provide(int stream, int cp) {
    const CpCw cws[] = {{static_cast<uint16_t>(cp), cw_}, {static_cast<uint16_t>(cp + 1), cw_}};
    return session_->Provide(static_cast<uint16_t>(stream), static_cast<uint16_t>(cp), cws, {}, now_, out_);
  }

  Host host_;
  ScsOptions options_;
  SteadyTime now_{1000};
  std::unique_ptr<ScsSession> session_;
  const Bytes cw_ = Hex(kCw1);
  Bytes out_;
};

TEST_F(Scs, SetUp) {
  Start();
  EXPECT_THAT(
      ReceiveChannelStatus(),
      ElementsAre(
          "3 stream_setup ECM_channel_id=0001 ECM_stream_id=0001 ECM_id=0001 nominal_CP_duration=0064",
          "3 stream_setup ECM_channel_id=0001 ECM_stream_id=0002 ECM_id=0002 nominal_CP_duration=0064"));
  EXPECT_EQ(host_.channel, ChannelParameters{});
  EXPECT_EQ(Provide(1, 0), ProvideResult::kNotOpen);
  Receive(StreamStatus(2, "01"));
  EXPECT_EQ(session_->state(), State::kStreamSetup);
  Receive(StreamError(1, "0012"));
  EXPECT_EQ(session_->state(), State::kOpen);
  EXPECT_EQ(session_->open_streams(), 1U);
  EXPECT_THAT(host_.log, ElementsAre("open 2 each", "error 1 unknown ECM_id"));
}

TEST_F(Scs, OneProvisionAtATimePerStream) {
  Open();
  EXPECT_EQ(Provide(1, 65535), ProvideResult::kSent);
  EXPECT_EQ(Provide(1, 0), ProvideResult::kBusy);
  EXPECT_EQ(Provide(2, 7), ProvideResult::kSent);
  EXPECT_EQ(Provide(3, 7), ProvideResult::kNotOpen);
  now_ += SteadyTime(50);
  Receive(EcmResponse(1, 65535));
  EXPECT_EQ(Provide(1, 0), ProvideResult::kSent);
  Receive(EcmResponse(1, 65535));  // once more: late, and the last one is still waited for
  EXPECT_EQ(Provide(1, 1), ProvideResult::kBusy);
  session_->Abandon(1);
  EXPECT_EQ(Provide(1, 1), ProvideResult::kSent);
  Receive(EcmResponse(1, 0));
  Receive(StreamError(1, "000d"));  // an error is an answer
  EXPECT_EQ(Provide(1, 2), ProvideResult::kSent);
  EXPECT_THAT(host_.log, ElementsAre("ecm 1 65535 807001aa after 50", "ecm 1 65535 807001aa late",
                                     "ecm 1 0 807001aa late", "error 1 ECMG out of computational resources"));
}

TEST_F(Scs, ChecksItsOwnControlWords) {
  Open();
  const CpCw one[] = {{5, cw_}};
  const CpCw wrong[] = {{5, cw_}, {7, cw_}};
  const CpCw right[] = {{5, cw_}, {6, cw_}};
  const Bytes criteria = Hex("aabb");
  EXPECT_EQ(session_->Provide(1, 5, one, {}, now_, out_), ProvideResult::kWrongCws);
  EXPECT_EQ(session_->Provide(1, 5, wrong, {}, now_, out_), ProvideResult::kWrongCws);
  const Bytes huge(70'000);
  EXPECT_EQ(session_->Provide(1, 5, right, {ByteView(huge), std::nullopt}, now_, out_),
            ProvideResult::kTooLong);
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(session_->Provide(1, 5, right, {ByteView(criteria), uint16_t{50}}, now_, out_),
            ProvideResult::kSent);
  EXPECT_THAT(
      DescribeAll(Interface::kEcmgScs, out_),
      ElementsAre(
          "3 CW_provision ECM_channel_id=0001 ECM_stream_id=0001 CP_number=0005 CP_CW_combination=0005" +
          std::string(kCw1) + " CP_CW_combination=0006" + kCw1 + " CP_duration=0032 access_criteria=aabb"));
}

TEST_F(Scs, ErrorsOfTheChannel) {
  Start();
  EXPECT_THAT(Receive(ChannelError("0005")), IsEmpty());
  EXPECT_EQ(session_->close_reason(), CloseReason::kPeerError);
  EXPECT_THAT(host_.log, ElementsAre("error of channel unknown Super_CAS_id"));
  Open();
  Receive(ChannelError("0001"));
  EXPECT_FALSE(session_->should_close());
  Receive(ChannelError("7001"));
  EXPECT_TRUE(session_->should_close());
}

TEST_F(Scs, ImpossibleChannelParameters) {
  Start();
  ChannelParameters parameters;
  parameters.cw_per_msg = 0;
  Bytes status;
  WriteChannelStatus(status, 3, 1, parameters);
  EXPECT_THAT(Receive(status), ElementsAre("3 channel_error ECM_channel_id=0001 error_status=0011"));
  EXPECT_TRUE(session_->should_close());
}

TEST_F(Scs, StepsHaveATimeout) {
  for (int step = 0; step < 3; ++step) {
    if (step == 2) {
      Open();
      session_->Close(now_, out_);
    } else {
      Start();
      if (step == 1) ReceiveChannelStatus();
    }
    Bytes out;
    session_->Tick(now_ + milliseconds(4999), out);
    EXPECT_FALSE(session_->should_close());
    session_->Tick(now_ + milliseconds(5000), out);
    EXPECT_EQ(session_->close_reason(), CloseReason::kTimeout);
    EXPECT_EQ(out.empty(), step < 2);
  }
  Open();
  session_->Tick(now_ + seconds(1000), out_);
  EXPECT_FALSE(session_->should_close());
}

TEST_F(Scs, AnswersTests) {
  Start();
  EXPECT_THAT(Receive(OnChannel(ecmg::kChannelTest, 1)), ElementsAre(HasSubstr("error_status=0006")));
  Open();
  EXPECT_THAT(Receive(OnChannel(ecmg::kChannelTest, 1, 2)), ElementsAre(StartsWith("2 channel_status")));
  EXPECT_THAT(Receive(OnStream(ecmg::kStreamTest, 1, 2)),
              ElementsAre("3 stream_status ECM_channel_id=0001 ECM_stream_id=0002 ECM_id=0002"
                          " access_criteria_transfer_mode=00"));
  EXPECT_THAT(Receive(OnStream(ecmg::kStreamTest, 1, 9)), ElementsAre(HasSubstr("error_status=0007")));
  EXPECT_THAT(Receive(OnChannel(ecmg::kChannelTest, 9)), ElementsAre(HasSubstr("error_status=0006")));
  EXPECT_THAT(Receive(StreamError(1, "0007")), IsEmpty());
  EXPECT_THAT(Receive(Message(ecmg::kStreamError, {})), IsEmpty());
  session_->TestChannel(out_);
  session_->TestStream(2, out_);
  EXPECT_THAT(DescribeAll(Interface::kEcmgScs, out_),
              ElementsAre("3 channel_test ECM_channel_id=0001",
                          "3 stream_test ECM_channel_id=0001 ECM_stream_id=0002"));
  const Bytes bad = OnChannel(0x0007, 1);
  EXPECT_EQ(Receive(Join({bad, bad})).size(), 2U);
  EXPECT_EQ(session_->close_reason(), CloseReason::kMalformed);
}

TEST_F(Scs, Closing) {
  Open();
  EXPECT_TRUE(session_->CloseStream(2, out_));
  EXPECT_FALSE(session_->CloseStream(2, out_));
  EXPECT_EQ(session_->open_streams(), 1U);
  session_->Close(now_, out_);
  EXPECT_THAT(DescribeAll(Interface::kEcmgScs, out_),
              ElementsAre("3 stream_close_request ECM_channel_id=0001 ECM_stream_id=0002",
                          "3 stream_close_request ECM_channel_id=0001 ECM_stream_id=0001"));
  EXPECT_THAT(Receive(OnStream(ecmg::kStreamCloseResponse, 1, 1)), IsEmpty());
  EXPECT_THAT(Receive(OnStream(ecmg::kStreamCloseResponse, 1, 2)),
              ElementsAre("3 channel_close ECM_channel_id=0001"));
  EXPECT_EQ(session_->close_reason(), CloseReason::kFinished);
  EXPECT_THAT(host_.log, ElementsAre("closed 1", "closed 2"));

  Start();
  ReceiveChannelStatus();
  Receive(StreamStatus(1));
  out_.clear();
  session_->Close(now_, out_);
  Receive(StreamStatus(2));  // too late
  EXPECT_THAT(Receive(OnStream(ecmg::kStreamCloseResponse, 1, 1)),
              ElementsAre(StartsWith("3 channel_close")));
}

TEST_F(Scs, OptionsAreChecked) {
  options_.streams.push_back({1, 5, 100});
  EXPECT_FALSE(ScsSession::Create(options_, host_).has_value());
  options_.streams.clear();
  options_.step_timeout = milliseconds(0);
  EXPECT_FALSE(ScsSession::Create(options_, host_).has_value());
  options_.step_timeout = milliseconds(1);
  EXPECT_TRUE(ScsSession::Create(options_, host_).has_value());
  options_.max_message_bytes = 100;
  EXPECT_FALSE(ScsSession::Create(options_, host_).has_value());
}

}  // namespace
}  // namespace hearth::simulcrypt
