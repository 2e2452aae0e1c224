// The SCS's side of one TCP connection to an ECMG (TS 103 197, clause 5): for the tools, the load client and
// tests. See session.h for how sessions are driven. It opens its channel, then all its streams at once, and
// sends one CW_provision at a time per stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/simulcrypt/ecmg_types.h"
#include "src/simulcrypt/session.h"

namespace hearth::simulcrypt {

struct ScsStream {
  uint16_t stream_id = 1;
  uint16_t ecm_id = 1;
  uint16_t nominal_cp_duration_100ms = 100;
};

struct ScsOptions {
  uint8_t version = kDefaultVersion;  // any: tools try unsupported ones too
  uint16_t channel_id = 1;
  uint32_t super_cas_id = 0;
  std::vector<ScsStream> streams;
  size_t max_message_bytes = kDefaultMaxMessageBytes;
  // Each step of the set-up must be answered within this.
  std::chrono::milliseconds step_timeout{5000};
};

// What the SCS asks the ECMG for beside the CWs.
struct ProvisionExtras {
  std::optional<ByteView> access_criteria;
  std::optional<uint16_t> cp_duration_100ms;
};

// A channel_error or stream_error received.
struct ScsError {
  std::optional<uint16_t> stream_id;  // absent: of the channel
  EcmgError status;                   // one call per error_status
};

// What the session tells. Must outlive it. OnStreamOpen and OnEcm may call Provide, with the same `out` that
// Push was given.
class ScsHost : public SessionObserver {
 public:
  virtual void OnChannelOpen(const ChannelParameters& parameters) { static_cast<void>(parameters); }
  // `criteria_in_each`: access_criteria_transfer_mode.
  virtual void OnStreamOpen(const ScsStream& stream, bool criteria_in_each) {
    static_cast<void>(stream);
    static_cast<void>(criteria_in_each);
  }
  // An ECM_response. A late one answers its own CP_number only; `waited` is the time since its CW_provision
  // while that is the last one sent.
  virtual void OnEcm(uint16_t stream_id, uint16_t cp_number, ByteView datagram,
                     std::optional<SteadyTime> waited) = 0;
  virtual void OnError(const ScsError& error) = 0;
  virtual void OnStreamClosed(uint16_t stream_id) { static_cast<void>(stream_id); }
};

class ScsSession {
 public:
  enum class State : uint8_t { kIdle, kChannelSetup, kStreamSetup, kOpen, kClosing, kClosed };
  enum class ProvideResult : uint8_t {
    kSent,
    kNotOpen,   // no such stream, or not set up
    kBusy,      // the last CW_provision of this stream is not answered yet
    kWrongCws,  // not CW_per_msg of them, or not the CPs that CP_number asks for
    kTooLong,
  };

  // FIELD_INVALID: two streams with one id, step_timeout below 1 ms.
  static Result<std::unique_ptr<ScsSession>> Create(const ScsOptions& options, ScsHost& host);

  // Sends channel_setup. Once, when TCP is connected.
  void Start(SteadyTime now, Bytes& out);
  void Push(ByteView received, SteadyTime now, Bytes& out);
  // Time-outs of the set-up and of closing.
  void Tick(SteadyTime now, Bytes& out);

  // Sends a CW_provision. `cws` must be those of FirstCp and following, ascending. No allocation once `out`
  // has grown.
  ProvideResult Provide(uint16_t stream_id, uint16_t cp_number, std::span<const CpCw> cws,
                        const ProvisionExtras& extras, SteadyTime now, Bytes& out);
  // Gives up waiting for the answer to the last CW_provision of a stream (max_comp_time is over); should it
  // still come, OnEcm is called all the same.
  void Abandon(uint16_t stream_id);
  void TestChannel(Bytes& out);
  void TestStream(uint16_t stream_id, Bytes& out);
  // False when there is no such open stream.
  bool CloseStream(uint16_t stream_id, Bytes& out);
  // Closes every stream, then the channel when all are answered (or the step times out); state() ends
  // kClosed.
  void Close(SteadyTime now, Bytes& out);

  State state() const { return state_; }
  bool should_close() const { return close_reason_ != CloseReason::kNone; }
  CloseReason close_reason() const { return close_reason_; }
  // As the ECMG gave them; from state kStreamSetup on.
  const ChannelParameters& parameters() const { return parameters_; }
  size_t open_streams() const { return open_streams_; }

 private:
  enum class StreamState : uint8_t { kWaiting, kOpen, kClosing, kClosed };
  struct Stream {
    ScsStream options;
    StreamState state = StreamState::kWaiting;
    bool criteria_in_each = false;
    bool busy = false;
    uint16_t cp_number = 0;
    SteadyTime sent_at{0};
  };

  ScsSession(const ScsOptions& options, ScsHost& host);

  void Handle(const MessageView& message, Fault fault, SteadyTime now, Bytes& out);
  void OnChannelMessage(const MessageView& message, SteadyTime now, Bytes& out);
  void OnChannelStatus(const MessageView& message, SteadyTime now, Bytes& out);
  void OnStreamMessage(const MessageView& message, SteadyTime now, Bytes& out);
  void OnStreamStatus(const MessageView& message, Stream& stream);
  void OnEcmResponse(const MessageView& message, Stream& stream, SteadyTime now);
  void OnPeerError(const MessageView& message, Bytes& out);
  void SendStreamStatus(const MessageView& message, const Stream& stream, Bytes& out);
  void Refuse(const MessageView& message, EcmgError error, Bytes& out);
  void SendForStream(uint16_t type, uint16_t stream_id, Bytes& out);
  void SendChannelClose(Bytes& out);
  void StreamGone(Stream& stream);
  void StepDone(Bytes& out);
  bool Finish(MessageWriter& writer, uint16_t type);
  Stream* Find(uint16_t stream_id);

  ScsOptions options_;
  ScsHost& host_;
  Receiver receiver_;
  std::vector<Stream> streams_;  // ascending by id
  size_t open_streams_ = 0;
  size_t waiting_streams_ = 0;  // kWaiting or kClosing
  ChannelParameters parameters_;
  State state_ = State::kIdle;
  SteadyTime step_began_{0};
  CloseReason close_reason_ = CloseReason::kNone;
};

}  // namespace hearth::simulcrypt
