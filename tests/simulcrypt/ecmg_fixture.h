// Messages to an ECMG and the fixture that its tests share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/simulcrypt/wire.h"

namespace hearth::simulcrypt {

inline constexpr const char* kCw1 = "1011121314151617";
inline constexpr const char* kCw2 = "2021222324252627";

inline std::string U16(int value) {
  return ToHex(Bytes{static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)});
}

inline Bytes ChannelSetup(int channel, const char* cas = "4afe0001", uint8_t version = 3) {
  return Message(ecmg::kChannelSetup, {{ecmg::kEcmChannelId, U16(channel)}, {ecmg::kSuperCasId, cas}},
                 version);
}
inline Bytes StreamSetup(int channel, int stream, int ecm_id, uint8_t version = 3) {
  return Message(ecmg::kStreamSetup,
                 {{ecmg::kEcmChannelId, U16(channel)},
                  {ecmg::kEcmStreamId, U16(stream)},
                  {ecmg::kEcmId, U16(ecm_id)},
                  {ecmg::kNominalCpDuration, "0064"}},
                 version);
}
inline Bytes OnChannel(uint16_t type, int channel, uint8_t version = 3) {
  return Message(type, {{ecmg::kEcmChannelId, U16(channel)}}, version);
}
inline Bytes OnStream(uint16_t type, int channel, int stream, uint8_t version = 3) {
  return Message(type, {{ecmg::kEcmChannelId, U16(channel)}, {ecmg::kEcmStreamId, U16(stream)}}, version);
}
// CW_provision of channel 1, stream 2; `cws` are CP and CW.
inline Bytes Provision(int cp, const std::vector<std::string>& cws, const Fields& more = {}, int channel = 1,
                       int stream = 2, uint8_t version = 3) {
  Fields fields = {
      {ecmg::kEcmChannelId, U16(channel)}, {ecmg::kEcmStreamId, U16(stream)}, {ecmg::kCpNumber, U16(cp)}};
  for (const std::string& cw : cws) fields.emplace_back(ecmg::kCpCwCombination, cw);
  fields.insert(fields.end(), more.begin(), more.end());
  return Message(ecmg::kCwProvision, fields, version);
}

// Of CP_number 5.
inline const std::vector<std::string> kBothCws = {std::string("0005") + kCw1, std::string("0006") + kCw2};

class EcmgTest : public ::testing::Test {
 protected:
  void Make(const EcmgOptions& options = {}) { session_ = EcmgSession::Create(options, host_, now_).value(); }
  // Channel 1 with stream 2, ECM_id 0x0101.
  void Open() {
    if (!session_) Make();
    Send(ChannelSetup(1));
    Send(StreamSetup(1, 2, 0x0101));
    ASSERT_EQ(session_->stream_count(), 1U);
  }
  std::vector<std::string> Send(const Bytes& bytes) {
    Bytes out;
    session_->Push(bytes, now_, out);
    return DescribeAll(Interface::kEcmgScs, out);
  }
  std::vector<std::string> Tick(SteadyTime now) {
    Bytes out;
    now_ = now;
    session_->Tick(now, out);
    return DescribeAll(Interface::kEcmgScs, out);
  }

  RecordingEcmg host_;
  SteadyTime now_ = seconds(100);
  std::unique_ptr<EcmgSession> session_;
};

}  // namespace hearth::simulcrypt
