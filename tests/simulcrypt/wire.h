// What the tests of this folder share: messages put together by hand, answers taken apart, hosts that record.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/bytes.h"
#include "src/simulcrypt/ecmg_session.h"
#include "src/simulcrypt/mux_session.h"

namespace hearth::simulcrypt {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A message from a list of (parameter, value in hexadecimal); nothing is checked.
using Fields = std::vector<std::pair<uint16_t, std::string>>;
Bytes Message(uint16_t type, const Fields& fields, uint8_t version = 3);
// A value for every parameter the message may have, two for those that may be repeated.
Fields SampleFields(const MessageSpec& spec);
// Bytes from hexadecimal; spaces are ignored.
Bytes Hex(std::string_view text);
Bytes Join(std::initializer_list<Bytes> parts);

// A message received, as text: "3 channel_error ECM_channel_id=0001 error_status=0006".
std::string Describe(Interface interface, ByteView message);
// All messages of a byte string, which must hold whole messages only.
std::vector<std::string> DescribeAll(Interface interface, ByteView bytes);

// Calls push(part) with `bytes` cut at random places.
template <typename Push>
void PushInParts(std::mt19937_64& random, Bytes& bytes, Push&& push) {
  const Bytes taken = std::exchange(bytes, {});
  size_t at = 0;
  while (at < taken.size()) {
    const size_t part = 1 + random() % std::min<size_t>(taken.size() - at, 1 + random() % 600);
    push(ByteView(taken).subspan(at, part));
    at += part;
  }
}

// The datagram of RecordingEcmg is "ecm_id ‖ CP_number ‖ CW CW … ‖ criteria": a test can read all that
// arrived.
class RecordingEcmg : public EcmgHost {
 public:
  EcmgError OpenChannel(EcmgChannel& channel, ChannelParameters& out) override;
  void CloseChannel(const EcmgChannel& channel) override;
  EcmgError OpenStream(const EcmgChannel& channel, EcmgStream& stream) override;
  void CloseStream(const EcmgChannel& channel, const EcmgStream& stream) override;
  EcmgError MakeEcm(const CwProvision& provision, Bytes& datagram) override;
  void OnReceived(uint16_t type) override { ++received[type]; }
  void OnSent(uint16_t type) override { ++sent[type]; }
  void OnErrorSent(uint16_t status) override { ++errors_sent[status]; }
  void OnErrorReceived(uint16_t status) override { ++errors_received[status]; }

  ChannelParameters parameters;
  uint32_t super_cas_id = 0x4AFE0001;
  uint16_t known_ecm_ids = 0xFFFF;  // up to this
  bool criteria_in_each = false;
  EcmgError refuse_stream = EcmgError::kNone;
  EcmgError refuse_ecm = EcmgError::kNone;
  size_t datagram_bytes = 0;  // instead of the recording

  std::map<uint16_t, int> received, sent, errors_sent, errors_received;
  std::vector<std::string> log;       // opened and closed
  std::vector<std::string> criteria;  // of each ECM: "none", or hexadecimal, "*" behind it when changed
  int open_channels = 0;
  int open_streams = 0;
};

class RecordingMux : public MuxHost {
 public:
  EmmgError OpenChannel(const MuxChannel&) override { return refuse_channel; }
  void CloseChannel(const MuxChannel&) override { ++closed_channels; }
  EmmgError OpenStream(const MuxChannel&, const MuxStream&) override { return refuse_stream; }
  void CloseStream(const MuxChannel&, const MuxStream&) override { ++closed_streams; }
  void OnDatagram(const MuxChannel&, const MuxStream& stream, ByteView datagram) override {
    datagrams.emplace_back(datagram.begin(), datagram.end());
    data_ids.push_back(stream.data_id);
  }
  void OnErrorReceived(uint16_t status) override { ++errors_received[status]; }

  EmmgError refuse_channel = EmmgError::kNone;
  EmmgError refuse_stream = EmmgError::kNone;
  std::vector<Bytes> datagrams;
  std::vector<uint16_t> data_ids;
  std::map<uint16_t, int> errors_received;
  int closed_channels = 0;
  int closed_streams = 0;
};

// A short section of `bytes` in all (at least 3).
Bytes Section(size_t bytes, uint8_t fill);

}  // namespace hearth::simulcrypt
