// The MUX's side of one TCP connection from an EMMG (TS 103 197, clause 6): for the tools and tests. See
// session.h for how sessions are driven. It checks everything a MUX can check and answers with the
// error_status of clause 6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/simulcrypt/emmg_types.h"
#include "src/simulcrypt/session.h"

namespace hearth::simulcrypt {

struct MuxOptions {
  enum class Mode : uint8_t { kAsAsked, kSections, kTsPackets };
  Mode mode = Mode::kAsAsked;  // what channel_status answers in section_TSpkt_flag
  size_t max_message_bytes = kDefaultMaxMessageBytes;
  size_t max_channels = 1;
  size_t max_streams_per_channel = 16;
  size_t max_streams = 64;  // of this connection
  // Grants min(asked, what is left of this) for all streams of the connection together.
  uint32_t bandwidth_kbps = 65'535;
  // Leave the bandwidth out of a grant that equals the request, as some MUXes do.
  bool omit_equal_bandwidth = false;
  // stream_error kExceededBandwidth when a stream sends more in a second than its grant and this percentage
  // beyond it, or anything without a grant, counted in bytes of datagrams; negative: not checked. The data is
  // taken all the same.
  int bandwidth_slack_percent = -1;
};

struct MuxChannel {
  uint32_t client_id = 0;
  uint16_t channel_id = 0;
  bool ts_packets = false;
};
struct MuxStream {
  uint16_t stream_id = 0;
  uint16_t data_id = 0;
  DataType data_type = DataType::kEmm;
};

// What takes the data. Must outlive the session. An error other than kNone refuses.
class MuxHost : public SessionObserver {
 public:
  // kUnknownClientId, kClientIdInUse (by another connection) …
  virtual EmmgError OpenChannel(const MuxChannel& channel) {
    static_cast<void>(channel);
    return EmmgError::kNone;
  }
  virtual void CloseChannel(const MuxChannel& channel) { static_cast<void>(channel); }
  // kUnknownDataId, kTooManyStreamsOnMux …
  virtual EmmgError OpenStream(const MuxChannel& channel, const MuxStream& stream) {
    static_cast<void>(channel);
    static_cast<void>(stream);
    return EmmgError::kNone;
  }
  virtual void CloseStream(const MuxChannel& channel, const MuxStream& stream) {
    static_cast<void>(channel);
    static_cast<void>(stream);
  }
  // One datagram of a data_provision: whole sections, or in TS mode whole packets with sync bytes. Valid
  // during the call.
  virtual void OnDatagram(const MuxChannel& channel, const MuxStream& stream, ByteView datagram) = 0;
};

class MuxSession {
 public:
  // FIELD_INVALID: a limit of 0, max_message_bytes below 256.
  static Result<std::unique_ptr<MuxSession>> Create(const MuxOptions& options, MuxHost& host);
  // As Closed().
  ~MuxSession();
  MuxSession(const MuxSession&) = delete;
  MuxSession& operator=(const MuxSession&) = delete;

  void Push(ByteView received, SteadyTime now, Bytes& out);
  // One UDP payload: data_provision only, for a stream set up on this connection, named by its ids or by
  // client_id and data_id alone. Returns what is wrong with it; nothing is answered on UDP.
  EmmgError PushUdp(ByteView payload, SteadyTime now);
  // The TCP connection is gone: everything is released at the host, and nothing more is read.
  void Closed();

  // Tells a stream another bandwidth, unasked; 0 stops it. False when there is no such stream, or it has not
  // asked for bandwidth yet.
  bool Allocate(uint16_t channel_id, uint16_t stream_id, uint16_t kbps, Bytes& out);
  // Sends channel_error, or stream_error when `stream_id` is given, about an open channel: for trying out an
  // EMMG. False when there is no such channel or stream.
  bool SendError(uint16_t channel_id, std::optional<uint16_t> stream_id, EmmgError error, Bytes& out);
  bool TestChannel(uint16_t channel_id, Bytes& out);
  bool TestStream(uint16_t channel_id, uint16_t stream_id, Bytes& out);

  bool should_close() const { return close_reason_ != CloseReason::kNone; }
  CloseReason close_reason() const { return close_reason_; }
  size_t channel_count() const { return channels_.size(); }
  size_t stream_count() const { return streams_.size(); }
  // Granted now; nothing when there is no such stream.
  std::optional<uint16_t> bandwidth_kbps(uint16_t channel_id, uint16_t stream_id) const;

 private:
  struct Channel {
    MuxChannel handle;
    uint8_t version = kDefaultVersion;
  };
  struct Stream {
    uint32_t client_id = 0;
    uint16_t channel_id = 0;
    MuxStream handle;
    std::optional<uint16_t> granted_kbps;  // none before the first request
    SteadyTime window_began{0};
    uint64_t window_bytes = 0;
    bool window_reported = false;
  };

  MuxSession(const MuxOptions& options, MuxHost& host);

  void Handle(const MessageView& message, Fault fault, SteadyTime now, Bytes& out);
  void Dispatch(const MessageView& message, SteadyTime now, Bytes& out);
  void ChannelSetup(const MessageView& message, Bytes& out);
  void StreamSetup(const MessageView& message, const Channel& channel, Bytes& out);
  void OnStream(const MessageView& message, const Channel& channel, Stream& stream, SteadyTime now,
                Bytes& out);
  void BandwidthRequest(const MessageView& message, Stream& stream, Bytes& out);
  EmmgError TakeData(const MessageView& message, const Channel& channel, Stream& stream, SteadyTime now);
  EmmgError CountBytes(Stream& stream, size_t bytes, SteadyTime now);
  void Refuse(const MessageView& message, EmmgError error, Bytes& out);
  void SendForStream(uint16_t type, uint8_t version, const Stream& stream, Bytes& out);
  void SendChannelStatus(uint8_t version, const Channel& channel, Bytes& out);
  void SendStreamStatus(uint8_t version, const Stream& stream, Bytes& out);
  void SendAllocation(uint8_t version, const Stream& stream, bool with_bandwidth, Bytes& out);
  bool Finish(MessageWriter& writer, uint16_t type);
  void ReleaseStream(const Channel& channel, Stream& stream);
  void ReleaseChannel(Channel& channel);
  uint32_t GrantedElsewhere(const Stream& stream) const;

  Channel* FindChannel(uint32_t client_id, uint16_t channel_id);
  Channel* FindChannel(uint16_t channel_id);
  Stream* FindStream(uint32_t client_id, uint16_t channel_id, uint16_t stream_id);
  Stream* FindStream(uint16_t channel_id, uint16_t stream_id);
  Stream* FindByDataId(uint32_t client_id, uint16_t data_id);

  MuxOptions options_;
  MuxHost& host_;
  Receiver receiver_;
  std::vector<Channel> channels_;
  std::vector<Stream> streams_;
  CloseReason close_reason_ = CloseReason::kNone;
};

}  // namespace hearth::simulcrypt
