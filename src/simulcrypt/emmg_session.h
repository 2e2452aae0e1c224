// The EMMG's side of one TCP connection to a multiplexer (TS 103 197, clause 6). See session.h for how
// sessions are driven. One session carries one data stream:
//
//   channel_setup → channel_status → stream_setup → stream_status → stream_BW_request (> 0) →
//   stream_BW_allocation → data_provision … → stream_close_request → stream_close_response → channel_close
//
// The order is kept strictly: one MUX crashed when the bandwidth request was left out. There is no pacing
// here: the caller sends no faster than bandwidth_kbps().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/simulcrypt/emmg_types.h"
#include "src/simulcrypt/session.h"

namespace hearth::simulcrypt {

struct EmmgOptions {
  uint8_t version = kDefaultVersion;
  uint32_t client_id = 0;
  uint16_t channel_id = 1;
  uint16_t stream_id = 1;
  uint16_t data_id = 1;
  DataType data_type = DataType::kEmm;
  // Asked for in stream_BW_request; 1 to 65,535 kbit/s.
  uint16_t bandwidth_kbps = 0;
  // What channel_setup asks for; sections are the default of the trade.
  bool ts_packets = false;
  // Take what the MUX answers in section_TSpkt_flag instead; else another answer is a configuration failure.
  bool accept_mux_mode = true;
  size_t max_message_bytes = kDefaultMaxMessageBytes;
  // Each step must be answered within this; a MUX may leave a second connection unanswered for ever.
  std::chrono::milliseconds step_timeout{5000};
  // As EcmgOptions::test_interval; 0: never.
  std::chrono::milliseconds test_interval{0};
};

// What to do about a session that failed.
enum class Remedy : uint8_t {
  kRetry,          // connect again with back-off
  kLowerVersion,   // connect again at once, with the next lower protocol version
  kConfiguration,  // a person must change something: retrying soon is pointless (slow retries do no harm)
};

struct EmmgFailure {
  CloseReason reason = CloseReason::kNone;
  EmmgError status = EmmgError::kNone;  // with kPeerError
  Remedy remedy = Remedy::kRetry;
  std::string text;  // one sentence for the log
};

// What an error_status from a MUX means for the next attempt. Ids "in use" are retried: after a lost
// connection the MUX may still hold our own.
Remedy RemedyFor(EmmgError status);
// The next lower version to try after kLowerVersion; 0 when there is none.
constexpr uint8_t NextLowerVersion(uint8_t version) {
  if (version > kDefaultVersion) return kDefaultVersion;
  return version > 1 ? static_cast<uint8_t>(version - 1) : uint8_t{0};
}

// What the session tells. Must outlive it.
class EmmgHost : public SessionObserver {
 public:
  // The granted rate, first and at each change; 0 means send nothing until the next call.
  virtual void OnBandwidth(uint16_t kbps) = 0;
  // An error after which the session goes on: kExceededBandwidth while data flows.
  virtual void OnWarning(EmmgError status) { static_cast<void>(status); }
};

class EmmgSession {
 public:
  enum class State : uint8_t {
    kIdle,
    kChannelSetup,  // each of these three waits for its answer
    kStreamSetup,
    kBandwidth,
    kReady,
    kClosing,
    kClosed,  // in order, or failed: see failure()
  };
  enum class SendResult : uint8_t {
    kSent,
    kNotReady,      // not kReady, or the bandwidth is 0
    kWrongSize,     // no datagram, or longer together than max_message_bytes
    kNotTsPackets,  // in TS mode
  };

  // FIELD_INVALID: bandwidth 0, an unsupported version, step_timeout below 1 ms, max_message_bytes below 1
  // KiB.
  static Result<std::unique_ptr<EmmgSession>> Create(const EmmgOptions& options, EmmgHost& host);

  // Sends channel_setup. Once, when TCP is connected.
  void Start(SteadyTime now, Bytes& out);
  void Push(ByteView received, SteadyTime now, Bytes& out);
  void Tick(SteadyTime now, Bytes& out);
  // The TCP connection is gone. Without a failure or Close() before it, that is a failure to be retried.
  void Closed();

  // Appends a data_provision in state kReady. Data over UDP: WriteDataProvision with address().
  SendResult Send(std::span<const ByteView> datagrams, Bytes& out);
  // Asks for another bandwidth (1 to 65,535 kbit/s) in state kReady; what is granted stays until the answer.
  bool RequestBandwidth(uint16_t kbps, Bytes& out);
  // stream_close_request, then channel_close; a MUX may close TCP right after the first.
  void Close(SteadyTime now, Bytes& out);

  State state() const { return state_; }
  bool should_close() const { return close_reason_ != CloseReason::kNone; }
  CloseReason close_reason() const { return close_reason_; }
  // Empty when the session runs or was closed in order.
  const std::optional<EmmgFailure>& failure() const { return failure_; }
  // What datagrams must be, from state kStreamSetup on.
  bool ts_packets() const { return ts_packets_; }
  // Granted; 0 before kReady. In 188-byte packets, or as the output counts: the pacer's business.
  uint16_t bandwidth_kbps() const { return state_ == State::kReady ? bandwidth_kbps_ : uint16_t{0}; }
  DataAddress address() const;

 private:
  EmmgSession(const EmmgOptions& options, EmmgHost& host);

  void Handle(const MessageView& message, Fault fault, SteadyTime now, Bytes& out);
  void Dispatch(const MessageView& message, SteadyTime now, Bytes& out);
  void OnChannelStatus(const MessageView& message, SteadyTime now, Bytes& out);
  void OnAllocation(const MessageView& message);
  void OnPeerError(const MessageView& message, Bytes& out);
  void AnswerTest(const MessageView& message, Bytes& out);
  EmmgError CheckIds(const MessageView& message) const;
  void Refuse(const MessageView& message, EmmgError error, Bytes& out);
  void SendBandwidthRequest(uint16_t kbps, Bytes& out);
  void SendForStream(uint16_t type, Bytes& out);
  void SendStreamStatus(uint16_t type, uint8_t version, Bytes& out);
  void SendChannelMode(uint16_t type, uint8_t version, bool ts_packets, Bytes& out);
  void FinishClose(Bytes& out);
  void Fail(CloseReason reason, EmmgError status, Remedy remedy, std::string text);
  bool Finish(MessageWriter& writer, uint16_t type);
  void Enter(State state, SteadyTime now);

  EmmgOptions options_;
  EmmgHost& host_;
  Receiver receiver_;
  State state_ = State::kIdle;
  SteadyTime step_began_{0};
  SteadyTime last_received_{0};
  std::optional<SteadyTime> test_sent_;
  bool ts_packets_ = false;
  uint16_t requested_kbps_ = 0;
  bool request_pending_ = false;
  uint16_t bandwidth_kbps_ = 0;
  std::optional<EmmgFailure> failure_;
  CloseReason close_reason_ = CloseReason::kNone;
};

}  // namespace hearth::simulcrypt
