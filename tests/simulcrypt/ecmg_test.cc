#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simulcrypt/ecmg_fixture.h"

namespace hearth::simulcrypt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Ecmg = EcmgTest;

TEST_F(Ecmg, RepliesInTheVersionOfTheRequest) {
  for (uint8_t version : {uint8_t{1}, uint8_t{2}, uint8_t{3}, uint8_t{5}}) {
    Make();
    const std::string v = std::to_string(version);
    EXPECT_THAT(Send(ChannelSetup(1, "4afe0001", version)),
                ElementsAre(v + " channel_status ECM_channel_id=0001 section_TSpkt_flag=00 delay_start=0000"
                                " delay_stop=0000 ECM_rep_period=0064 max_streams=0000 min_CP_duration=000a"
                                " lead_CW=01 CW_per_msg=02 max_comp_time=0064"));
    EXPECT_THAT(Send(StreamSetup(1, 2, 3, version)),
                ElementsAre(v + " stream_status ECM_channel_id=0001 ECM_stream_id=0002 ECM_id=0003"
                                " access_criteria_transfer_mode=00"));
    EXPECT_THAT(Send(Provision(5, kBothCws, {}, 1, 2, version)),
                ElementsAre(::testing::StartsWith(v + " ECM_response")));
    EXPECT_THAT(Send(OnStream(ecmg::kStreamCloseRequest, 1, 2, version)),
                ElementsAre(v + " stream_close_response ECM_channel_id=0001 ECM_stream_id=0002"));
  }
}

TEST_F(Ecmg, TestsAreAnsweredWithTheStatus) {
  host_.parameters.ts_packets = true;
  host_.parameters.ac_delay_start_ms = -1;
  host_.parameters.transition_delay_stop_ms = 7;
  Open();
  const std::string status =
      "2 channel_status ECM_channel_id=0001 section_TSpkt_flag=01 AC_delay_start=ffff delay_start=0000"
      " delay_stop=0000 transition_delay_stop=0007 ECM_rep_period=0064 max_streams=0000 min_CP_duration=000a"
      " lead_CW=01 CW_per_msg=02 max_comp_time=0064";
  EXPECT_THAT(Send(OnChannel(ecmg::kChannelTest, 1, 2)), ElementsAre(status));
  EXPECT_THAT(Send(OnStream(ecmg::kStreamTest, 1, 2)),
              ElementsAre("3 stream_status ECM_channel_id=0001 ECM_stream_id=0002 ECM_id=0101"
                          " access_criteria_transfer_mode=00"));
  // A status from the SCS answers a test of ours and gets no answer itself.
  EXPECT_THAT(Send(Message(ecmg::kChannelStatus,
                           SampleFields(*FindMessage(Interface::kEcmgScs, ecmg::kChannelStatus)))),
              IsEmpty());
  EXPECT_THAT(Send(Message(ecmg::kStreamStatus, {{ecmg::kEcmChannelId, "0001"},
                                                 {ecmg::kEcmStreamId, "0002"},
                                                 {ecmg::kEcmId, "0101"},
                                                 {ecmg::kAccessCriteriaTransferMode, "00"}})),
              IsEmpty());
}

TEST_F(Ecmg, AnErrorIsNeverAnsweredWithAnError) {
  Open();
  const Fields stream_error = {{ecmg::kEcmChannelId, "0001"},
                               {ecmg::kEcmStreamId, "0009"},
                               {ecmg::kErrorStatus, "0007"},
                               {ecmg::kErrorStatus, "7000"},
                               {ecmg::kErrorInformation, "00"}};
  EXPECT_THAT(Send(Message(ecmg::kStreamError, stream_error)), IsEmpty());
  EXPECT_EQ(host_.errors_received[7], 1);
  EXPECT_EQ(host_.errors_received[0x7000], 1);
  EXPECT_THAT(Send(Message(ecmg::kStreamError, stream_error, 4)), IsEmpty());
  EXPECT_THAT(
      Send(Message(ecmg::kChannelError, {{ecmg::kEcmChannelId, "0063"}, {ecmg::kErrorStatus, "0001"}})),
      IsEmpty());
  EXPECT_THAT(Send(Message(ecmg::kChannelError, {{ecmg::kEcmChannelId, "0001"}})), IsEmpty());
  EXPECT_THAT(Send(Message(ecmg::kChannelError, {{ecmg::kEcmChannelId, "0001"}, {0x0100, ""}})), IsEmpty());
  EXPECT_TRUE(host_.errors_sent.empty());
  EXPECT_EQ(session_->stream_count(), 1U);
}

TEST_F(Ecmg, ThreeMalformedMessagesInARowClose) {
  Open();
  const Bytes bad = OnChannel(0x0007, 1);
  const Bytes good = OnChannel(ecmg::kChannelTest, 1);
  EXPECT_EQ(Send(Join({bad, bad, good, bad, bad})).size(), 5U);
  EXPECT_FALSE(session_->should_close());
  // The third is answered too; what stands behind it is not read.
  EXPECT_EQ(Send(Join({bad, good})).size(), 1U);
  EXPECT_TRUE(session_->should_close());
  EXPECT_EQ(session_->close_reason(), CloseReason::kMalformed);
  EXPECT_THAT(Send(good), IsEmpty());
}

TEST_F(Ecmg, UserMessagesAndRefusalsAreNotMalformed) {
  Open();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Send(OnChannel(0x8007, 1)).size(), 1U);
    EXPECT_EQ(Send(OnStream(ecmg::kStreamTest, 1, 9)).size(), 1U);
  }
  EXPECT_FALSE(session_->should_close());
}

TEST_F(Ecmg, ATooLongMessageIsSkippedAndTheStreamGoesOn) {
  EcmgOptions options;
  options.max_message_bytes = 256;
  Make(options);
  Open();
  const Bytes both = Join({Provision(5, kBothCws, {{ecmg::kAccessCriteria, std::string(600, '0')}}),
                           OnStream(ecmg::kStreamTest, 1, 2)});
  EXPECT_THAT(Send(both), ElementsAre("3 channel_error ECM_channel_id=0001 error_status=0004",
                                      ::testing::StartsWith("3 stream_status")));
}

TEST_F(Ecmg, TheControlWordsAreThoseOfTheFormula) {
  struct Row {
    const char* name;
    uint8_t lead, per_message;
    int cp;
    std::vector<int> sent;
    std::vector<int> used;  // empty: refused
  };
  const Row rows[] = {
      {"1 of 2", 1, 2, 5, {5, 6}, {5, 6}},
      {"1 of 2, other order", 1, 2, 5, {6, 5}, {5, 6}},
      {"wrap before", 1, 2, 65534, {65534, 65535}, {65534, 65535}},
      {"wrap between", 1, 2, 65535, {65535, 0}, {65535, 0}},
      {"wrap between, other order", 1, 2, 65535, {0, 65535}, {65535, 0}},
      {"wrap after", 1, 2, 0, {0, 1}, {0, 1}},
      {"0 of 1", 0, 1, 5, {5}, {5}},
      {"0 of 1 from a peer that always sends two", 0, 1, 65535, {65535, 0}, {65535}},
      {"0 of 1, the next only", 0, 1, 5, {6}, {}},
      {"0 of 1, one too many", 0, 1, 5, {5, 4}, {}},
      {"0 of 2: previous and current", 0, 2, 0, {65535, 0}, {65535, 0}},
      {"0 of 2 from a peer that sends the next", 0, 2, 5, {5, 6}, {}},
      {"1 of 1: the next", 1, 1, 65535, {0}, {0}},
      {"1 of 3", 1, 3, 1, {0, 1, 2}, {0, 1, 2}},
      {"1 of 3, one twice", 1, 3, 1, {0, 1, 1}, {}},
      {"2 of 3", 2, 3, 65534, {65534, 65535, 0}, {65534, 65535, 0}},
      {"1 of 2, far away", 1, 2, 5, {5, 6, 900}, {}},
  };
  for (const Row& row : rows) {
    for (const char* half : {"", kCw2}) {  // 8- and 16-byte CWs
      SCOPED_TRACE(row.name);
      host_.parameters.lead_cw = row.lead;
      host_.parameters.cw_per_msg = row.per_message;
      Make();
      Open();
      const auto cw = [half](int cp) { return std::string("a0a1a2a3a4a5") + U16(cp) + half; };
      std::vector<std::string> sent;
      for (int cp : row.sent) sent.push_back(U16(cp) + cw(cp));
      std::string expected =
          "3 ECM_response ECM_channel_id=0001 ECM_stream_id=0002 CP_number=" + U16(row.cp) +
          " ECM_datagram=0101" + U16(row.cp);
      for (int cp : row.used) expected += cw(cp);
      if (row.used.empty())
        expected = "3 stream_error ECM_channel_id=0001 ECM_stream_id=0002 error_status=0011";
      EXPECT_THAT(Send(Provision(row.cp, sent)), ElementsAre(expected));
    }
  }
}

TEST_F(Ecmg, CriteriaStayInForceWhenSentOnChangeOnly) {
  Open();
  const auto send = [this](const Fields& more) { Send(Provision(5, kBothCws, more)); };
  send({});
  send({{ecmg::kAccessCriteria, "aa"}});
  send({{ecmg::kAccessCriteria, "aa"}});  // one peer repeats them in this mode too
  send({});
  send({{ecmg::kAccessCriteria, ""}});
  send({});
  EXPECT_THAT(host_.criteria, ElementsAre("none", "aa*", "aa", "aa", "*", ""));
  // Sent with a message that is refused: sent all the same.
  host_.criteria.clear();
  EXPECT_THAT(Send(Provision(5, {kBothCws[0]}, {{ecmg::kAccessCriteria, "bb"}})),
              ElementsAre(::testing::EndsWith("error_status=000b")));
  send({});
  EXPECT_THAT(host_.criteria, ElementsAre("bb"));
  // A stream set up anew starts without.
  host_.criteria.clear();
  Send(OnStream(ecmg::kStreamCloseRequest, 1, 2));
  Send(StreamSetup(1, 2, 0x0101));
  send({});
  EXPECT_THAT(host_.criteria, ElementsAre("none"));
}

TEST_F(Ecmg, CriteriaComeWithEachProvision) {
  host_.criteria_in_each = true;
  Make();
  Send(ChannelSetup(1));
  EXPECT_THAT(Send(StreamSetup(1, 2, 0x0101)),
              ElementsAre("3 stream_status ECM_channel_id=0001 ECM_stream_id=0002 ECM_id=0101"
                          " access_criteria_transfer_mode=01"));
  for (const char* criteria : {"aa", "aa", "bb"}) {
    Send(Provision(5, kBothCws, {{ecmg::kAccessCriteria, criteria}}));
  }
  Send(Provision(5, kBothCws));
  EXPECT_THAT(host_.criteria, ElementsAre("aa*", "aa", "bb*", "none"));
}

TEST_F(Ecmg, ClosingReleases) {
  EcmgOptions options;
  options.max_channels = 2;
  Make(options);
  Open();
  Send(StreamSetup(1, 1, 0x0102));
  Send(ChannelSetup(7));
  EXPECT_THAT(Send(StreamSetup(7, 5, 0x0101)),
              ElementsAre("3 stream_error ECM_channel_id=0007 ECM_stream_id=0005 error_status=0015"));
  Send(StreamSetup(7, 2, 0x0103));
  host_.log.clear();
  EXPECT_THAT(Send(OnStream(ecmg::kStreamCloseRequest, 1, 2)),
              ElementsAre("3 stream_close_response ECM_channel_id=0001 ECM_stream_id=0002"));
  EXPECT_THAT(Send(OnChannel(ecmg::kChannelClose, 1)), IsEmpty());
  EXPECT_THAT(host_.log, ElementsAre("close stream 1 2 ref 2002", "close stream 1 1 ref 2001",
                                     "close channel 1 ref 1001"));
  EXPECT_THAT(Send(StreamSetup(7, 5, 0x0101)), ElementsAre(::testing::StartsWith("3 stream_status")));
  host_.log.clear();
  session_->Closed();
  EXPECT_THAT(host_.log, ElementsAre("close stream 7 2 ref 2002", "close stream 7 5 ref 2005",
                                     "close channel 7 ref 1007"));
  session_->Closed();
  EXPECT_THAT(Send(ChannelSetup(1)), IsEmpty());
  session_.reset();
  EXPECT_EQ(host_.open_channels, 0);
  EXPECT_EQ(host_.open_streams, 0);
}

TEST_F(Ecmg, ALostSessionReleases) {
  Open();
  session_.reset();
  EXPECT_EQ(host_.open_channels, 0);
  EXPECT_EQ(host_.open_streams, 0);
}

// Two scramblers of a 1+1 pair use the same channel, stream and ECM ids at once.
TEST_F(Ecmg, ConnectionsAreIndependent) {
  Open();
  auto other = EcmgSession::Create({}, host_, now_).value();
  Bytes out;
  other->Push(Join({ChannelSetup(1), StreamSetup(1, 2, 0x0101), Provision(5, kBothCws)}), now_, out);
  const auto answers = DescribeAll(Interface::kEcmgScs, out);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_THAT(answers[2], ::testing::StartsWith("3 ECM_response"));
  other->Closed();
  EXPECT_THAT(Send(Provision(6, {std::string("0006") + kCw1, std::string("0007") + kCw2})),
              ElementsAre(::testing::StartsWith("3 ECM_response")));
}

TEST_F(Ecmg, EverySplitOfASessionGivesTheSameAnswers) {
  const Bytes all = Join({ChannelSetup(1), StreamSetup(1, 2, 0x0101), Provision(5, kBothCws),
                          OnChannel(0x8000, 1), OnStream(ecmg::kStreamTest, 1, 2),
                          OnStream(ecmg::kStreamCloseRequest, 1, 2), OnChannel(ecmg::kChannelClose, 1)});
  Make();
  const auto whole = Send(all);
  ASSERT_EQ(whole.size(), 6U);
  for (size_t at = 0; at <= all.size(); ++at) {
    Make();
    auto parts = Send(Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(at)));
    for (auto& text : Send(Bytes(all.begin() + static_cast<std::ptrdiff_t>(at), all.end())))
      parts.push_back(text);
    EXPECT_EQ(parts, whole) << at;
  }
}

TEST_F(Ecmg, ManyStreams) {
  Make();
  Send(ChannelSetup(1));
  for (int i = 0; i < 3000; ++i) Send(StreamSetup(1, (i * 7919) & 0xFFFF, i));
  EXPECT_EQ(session_->stream_count(), 3000U);
  for (int i = 0; i < 3000; i += 7) {
    const auto answer = Send(Provision(5, kBothCws, {}, 1, (i * 7919) & 0xFFFF));
    ASSERT_EQ(answer.size(), 1U);
    EXPECT_THAT(answer[0], ::testing::HasSubstr("ECM_datagram=" + U16(i) + "0005"));
  }
}

TEST_F(Ecmg, IdleConnectionsCloseWhenAskedTo) {
  Make();
  Open();
  EXPECT_THAT(Tick(seconds(100'000)), IsEmpty());
  EXPECT_FALSE(session_->should_close());
  EcmgOptions options;
  options.idle_timeout = seconds(30);
  Make(options);
  Open();
  EXPECT_THAT(Tick(now_ + milliseconds(29'999)), IsEmpty());
  Send(OnChannel(ecmg::kChannelTest, 1));
  EXPECT_THAT(Tick(now_ + milliseconds(29'999)), IsEmpty());
  EXPECT_FALSE(session_->should_close());
  Tick(now_ + milliseconds(1));
  EXPECT_EQ(session_->close_reason(), CloseReason::kIdle);
}

TEST_F(Ecmg, KeepaliveTests) {
  EcmgOptions options;
  options.test_interval = seconds(10);
  Make(options);
  EXPECT_THAT(Tick(now_ + seconds(50)), IsEmpty());  // no channel yet
  Send(ChannelSetup(1, "4afe0001", 2));
  EXPECT_THAT(Tick(now_ + seconds(9)), IsEmpty());
  EXPECT_THAT(Tick(now_ + seconds(1)), ElementsAre("2 channel_test ECM_channel_id=0001"));
  EXPECT_THAT(Tick(now_ + seconds(9)), IsEmpty());
  EXPECT_FALSE(session_->should_close());
  Send(OnChannel(ecmg::kChannelTest, 1));  // any message shows that the peer lives
  EXPECT_THAT(Tick(now_ + seconds(10)), ElementsAre("2 channel_test ECM_channel_id=0001"));
  EXPECT_THAT(Tick(now_ + seconds(10)), IsEmpty());
  EXPECT_EQ(session_->close_reason(), CloseReason::kTestFailed);
}

TEST_F(Ecmg, OptionsAreChecked) {
  const auto refused = [this](const std::function<void(EcmgOptions&)>& edit) {
    EcmgOptions options;
    edit(options);
    return !EcmgSession::Create(options, host_, now_).has_value();
  };
  EXPECT_TRUE(refused([](EcmgOptions& o) { o.max_channels = 0; }));
  EXPECT_TRUE(refused([](EcmgOptions& o) { o.max_message_bytes = 255; }));
  EXPECT_TRUE(refused([](EcmgOptions& o) { o.idle_timeout = milliseconds(-1); }));
  EXPECT_TRUE(refused([](EcmgOptions& o) { o.test_interval = milliseconds(-1); }));
  EXPECT_TRUE(refused([](EcmgOptions& o) { o.test_interval = o.idle_timeout = seconds(9); }));
  EXPECT_FALSE(refused([](EcmgOptions&) {}));
  ChannelParameters parameters;
  EXPECT_TRUE(CheckChannelParameters(parameters).has_value());
  parameters.cw_per_msg = 0;
  EXPECT_FALSE(CheckChannelParameters(parameters).has_value());
}

}  // namespace
}  // namespace hearth::simulcrypt
