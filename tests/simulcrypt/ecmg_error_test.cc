#include <cstdio>
#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simulcrypt/ecmg_fixture.h"

namespace hearth::simulcrypt {
namespace {

using ::testing::ElementsAre;

struct ErrorCase {
  std::string name;
  EcmgError error;
  std::string about;  // "channel 1", "channel 9" …, "stream 1 2"
  std::function<Bytes()> message;
  std::function<void(RecordingEcmg&, EcmgOptions&)> prepare = [](RecordingEcmg&, EcmgOptions&) {};
};

class EcmgErrors : public EcmgTest, public ::testing::WithParamInterface<ErrorCase> {};

// Every error_status that the ECMG can be brought to, in the state: channel 1 open with stream 2, ECM_id
// 0x0101.
const std::vector<ErrorCase>& EcmgErrorCases() {
  static const std::vector<ErrorCase> cases = {
      {"BrokenFraming", EcmgError::kInvalidMessage, "channel 1", [] { return Hex("03 0002 0003 000e00"); }},
      {"ParameterTwice", EcmgError::kInvalidMessage, "stream 1 2",
       [] {
         return Provision(5, kBothCws, {{ecmg::kCpNumber, "0005"}});
       }},
      {"MessageOfTheEcmg", EcmgError::kInvalidMessage, "stream 1 2",
       [] { return OnStream(ecmg::kStreamCloseResponse, 1, 2); }},
      {"Version4", EcmgError::kUnsupportedVersion, "channel 1",
       [] { return OnChannel(ecmg::kChannelTest, 1, 4); }},
      {"Version4OfSetup", EcmgError::kUnsupportedVersion, "channel 7",
       [] { return ChannelSetup(7, "4afe0001", 4); }},
      {"Version0OfStream", EcmgError::kUnsupportedVersion, "stream 1 2",
       [] { return OnStream(ecmg::kStreamTest, 1, 2, 0); }},
      {"UnknownMessage", EcmgError::kUnknownMessageType, "channel 1", [] { return OnChannel(0x0007, 1); }},
      {"UserMessage", EcmgError::kUnknownMessageType, "channel 1", [] { return OnChannel(0x8007, 1); }},
      {"TooLong", EcmgError::kMessageTooLong, "channel 1",
       [] {
         return Provision(5, kBothCws, {{ecmg::kAccessCriteria, std::string(2000, '0')}});
       },
       [](RecordingEcmg&, EcmgOptions& options) { options.max_message_bytes = 512; }},
      {"UnknownCas", EcmgError::kUnknownSuperCasId, "channel 9", [] { return ChannelSetup(9, "4afe0099"); },
       [](RecordingEcmg&, EcmgOptions& options) { options.max_channels = 2; }},
      {"UnknownChannelOfTest", EcmgError::kUnknownChannelId, "channel 9",
       [] { return OnChannel(ecmg::kChannelTest, 9); }},
      {"UnknownChannelOfClose", EcmgError::kUnknownChannelId, "channel 9",
       [] { return OnChannel(ecmg::kChannelClose, 9); }},
      {"UnknownChannelOfStream", EcmgError::kUnknownChannelId, "channel 9",
       [] { return StreamSetup(9, 3, 1); }},
      {"UnknownChannelOfProvision", EcmgError::kUnknownChannelId, "channel 9",
       [] { return Provision(5, kBothCws, {}, 9); }},
      {"UnknownStreamOfTest", EcmgError::kUnknownStreamId, "stream 1 9",
       [] { return OnStream(ecmg::kStreamTest, 1, 9); }},
      {"UnknownStreamOfClose", EcmgError::kUnknownStreamId, "stream 1 9",
       [] { return OnStream(ecmg::kStreamCloseRequest, 1, 9); }},
      {"UnknownStreamOfProvision", EcmgError::kUnknownStreamId, "stream 1 9",
       [] { return Provision(5, kBothCws, {}, 1, 9); }},
      {"SecondChannel", EcmgError::kTooManyChannels, "channel 2", [] { return ChannelSetup(2); }},
      {"StreamBeyondTheChannel", EcmgError::kTooManyStreamsOnChannel, "stream 1 3",
       [] { return StreamSetup(1, 3, 0x0102); },
       [](RecordingEcmg& host, EcmgOptions&) { host.parameters.max_streams = 1; }},
      {"StreamBeyondTheEcmg", EcmgError::kTooManyStreamsOnEcmg, "stream 1 3",
       [] { return StreamSetup(1, 3, 0x0102); }},
      {"OneControlWord", EcmgError::kNotEnoughControlWords, "stream 1 2",
       [] { return Provision(5, {kBothCws[0]}); }},
      {"HostHasNoStorage", EcmgError::kOutOfStorage, "stream 1 2", [] { return Provision(5, kBothCws); },
       [](RecordingEcmg& host, EcmgOptions&) { host.refuse_ecm = EcmgError::kOutOfStorage; }},
      {"Overload", EcmgError::kOutOfComputation, "stream 1 3", [] { return StreamSetup(1, 3, 0x0102); }},
      {"ReservedParameter", EcmgError::kUnknownParameterType, "stream 1 2",
       [] {
         return Provision(5, kBothCws, {{0x0100, "00"}});
       }},
      {"LongCpDuration", EcmgError::kInconsistentLength, "stream 1 2",
       [] {
         return Provision(5, kBothCws, {{ecmg::kCpDuration, "000064"}});
       }},
      {"CwOf9Bytes", EcmgError::kInconsistentLength, "stream 1 2",
       [] {
         return Provision(5, {kBothCws[0] + "00", kBothCws[1] + "00"});
       }},
      {"CwsOfTwoLengths", EcmgError::kInconsistentLength, "stream 1 2",
       [] {
         return Provision(5, {kBothCws[0], kBothCws[1] + kCw1});
       }},
      {"NoCpNumber", EcmgError::kMissingParameter, "stream 1 2",
       [] { return OnStream(ecmg::kCwProvision, 1, 2); }},
      {"NoControlWord", EcmgError::kMissingParameter, "stream 1 2", [] { return Provision(5, {}); }},
      {"NoStreamId", EcmgError::kMissingParameter, "channel 1",
       [] { return OnChannel(ecmg::kStreamTest, 1); }},
      {"NoChannelId", EcmgError::kMissingParameter, "stream 1 2",
       [] {
         return Message(ecmg::kStreamTest, {{ecmg::kEcmStreamId, "0002"}});
       }},
      {"EncryptedCws", EcmgError::kInvalidValue, "stream 1 2",
       [] {
         return Provision(5, kBothCws, {{ecmg::kCwEncryption, "0001"}});
       }},
      {"EncryptedLongCws", EcmgError::kInvalidValue, "stream 1 2",
       [] {
         return Provision(5, {kBothCws[0] + kCw1 + kCw1, kBothCws[1] + kCw1 + kCw1},
                          {{ecmg::kCwEncryption, ""}});
       }},
      {"CpsBefore", EcmgError::kInvalidValue, "stream 1 2",
       [] {
         return Provision(5, {std::string("0004") + kCw1, kBothCws[0]});
       }},
      {"SameCpTwice", EcmgError::kInvalidValue, "stream 1 2",
       [] {
         return Provision(5, {kBothCws[0], kBothCws[0]});
       }},
      {"ThirdCp", EcmgError::kInvalidValue, "stream 1 2",
       [] {
         return Provision(5, {kBothCws[0], kBothCws[1], std::string("0007") + kCw1});
       }},
      {"UnknownEcmId", EcmgError::kUnknownEcmId, "stream 1 3", [] { return StreamSetup(1, 3, 0x0300); },
       [](RecordingEcmg& host, EcmgOptions&) { host.known_ecm_ids = 0x01FF; }},
      {"ChannelTwice", EcmgError::kChannelIdInUse, "channel 1", [] { return ChannelSetup(1); }},
      {"StreamTwice", EcmgError::kStreamIdInUse, "stream 1 2", [] { return StreamSetup(1, 2, 0x0102); }},
      {"EcmIdTwice", EcmgError::kEcmIdInUse, "stream 1 3", [] { return StreamSetup(1, 3, 0x0101); }},
      {"DatagramTooLong", EcmgError::kUnknownError, "stream 1 2", [] { return Provision(5, kBothCws); },
       [](RecordingEcmg& host, EcmgOptions&) { host.datagram_bytes = 65'535; }},
      {"HostGivesUp", EcmgError::kUnrecoverable, "stream 1 2", [] { return Provision(5, kBothCws); },
       [](RecordingEcmg& host, EcmgOptions&) { host.refuse_ecm = EcmgError::kUnrecoverable; }},
  };
  return cases;
}

TEST_P(EcmgErrors, OneErrorWithItsStatus) {
  const ErrorCase& c = GetParam();
  EcmgOptions options;
  c.prepare(host_, options);
  Make(options);
  Open();
  if (c.error == EcmgError::kTooManyStreamsOnEcmg || c.error == EcmgError::kOutOfComputation) {
    host_.refuse_stream = c.error;
  }
  const Bytes message = c.message();
  const auto answer = Send(message);
  const bool of_stream = c.about[0] == 's';
  int ids[2] = {0, 0};
  ASSERT_GE(std::sscanf(c.about.c_str(), "%*s %d %d", &ids[0], &ids[1]), 1);
  std::string expected = std::to_string(ReplyVersion(message[0])) +
                         (of_stream ? " stream_error" : " channel_error") + " ECM_channel_id=" + U16(ids[0]);
  if (of_stream) expected += " ECM_stream_id=" + U16(ids[1]);
  expected += " error_status=" + U16(static_cast<int>(c.error));
  EXPECT_THAT(answer, ElementsAre(expected));
  EXPECT_EQ(host_.errors_sent[static_cast<uint16_t>(c.error)], 1);
  EXPECT_FALSE(session_->should_close());
  // The channel and the stream are as they were.
  host_.refuse_ecm = EcmgError::kNone;
  host_.datagram_bytes = 0;
  EXPECT_THAT(
      Send(Provision(5, kBothCws)),
      ElementsAre(
          "3 ECM_response ECM_channel_id=0001 ECM_stream_id=0002 CP_number=0005 ECM_datagram=01010005" +
          std::string(kCw1) + kCw2));
}

INSTANTIATE_TEST_SUITE_P(All, EcmgErrors, ::testing::ValuesIn(EcmgErrorCases()),
                         [](const auto& row) { return row.param.name; });

TEST(EcmgErrorTable, ProvokesEveryStatus) {
  std::map<uint16_t, int> seen;
  for (const ErrorCase& c : EcmgErrorCases()) ++seen[static_cast<uint16_t>(c.error)];
  for (const ErrorSpec& row : Errors(Interface::kEcmgScs)) EXPECT_GT(seen[row.status], 0) << row.name;
}

}  // namespace
}  // namespace hearth::simulcrypt
