// The ECMG's side of one TCP connection from an SCS (TS 103 197, clause 5). See session.h for how sessions
// are driven.
//
// - Every request gets an answer in its own version: the one asked for, or channel_error, or stream_error
// when
//   the message names a stream of an open channel (a channel_error would take the other streams with it).
// - An error message is never answered with an error. A CW_provision of an open stream is always answered.
// - Ids are scoped by connection: two scramblers of a 1+1 pair use the same ones.
#pragma once

#include <bitset>
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

struct EcmgOptions {
  size_t max_message_bytes = kDefaultMaxMessageBytes;
  // The standard has one channel per connection.
  size_t max_channels = 1;
  // A connection silent for this long is closed; 0: never. Must exceed the crypto period.
  std::chrono::milliseconds idle_timeout{0};
  // A channel_test goes out after this long without anything received; 0: never, because one peer takes any
  // test for a failure. Unanswered for as long again: the connection is closed.
  std::chrono::milliseconds test_interval{0};
};

// An open channel or stream as the host sees it. `ref` is the host's own: whatever OpenChannel or OpenStream
// put there comes back with every later call, so that the host need not look up ids.
struct EcmgChannel {
  uint16_t channel_id = 0;
  uint32_t super_cas_id = 0;
  uint64_t ref = 0;
};
struct EcmgStream {
  uint16_t stream_id = 0;
  uint16_t ecm_id = 0;
  uint16_t nominal_cp_duration_100ms = 0;
  // access_criteria_transfer_mode, set by OpenStream: the SCS repeats access_criteria in each CW_provision.
  bool criteria_in_each = false;
  uint64_t ref = 0;
};

// One CW_provision, checked. Views are valid during the call only.
struct CwProvision {
  const EcmgChannel& channel;
  const EcmgStream& stream;
  uint16_t cp_number;
  std::span<const CpCw> cws;  // exactly CW_per_msg, ascending by CP from FirstCp, all 8 or all 16 bytes
  // What is in force: sent with this message, or (transfer mode 0 only) last sent with an earlier one.
  // Nothing when none; empty criteria are not the same as none.
  std::optional<ByteView> access_criteria;
  // True when access_criteria came with this message and differ from what was in force before.
  bool criteria_changed;
  std::optional<uint16_t> cp_duration_100ms;  // of this crypto period only
};

// What answers. Must outlive the session. An error other than kNone refuses.
class EcmgHost : public SessionObserver {
 public:
  // Fills in `parameters`, which must pass CheckChannelParameters, and may set channel.ref.
  // kUnknownSuperCasId, kTooManyChannels, kOutOfComputation …
  virtual EcmgError OpenChannel(EcmgChannel& channel, ChannelParameters& parameters) = 0;
  virtual void CloseChannel(const EcmgChannel& channel) = 0;
  // May set stream.criteria_in_each and stream.ref. Judging the nominal crypto period is the host's business.
  // kUnknownEcmId, kTooManyStreamsOnEcmg, kOutOfComputation …
  virtual EcmgError OpenStream(const EcmgChannel& channel, EcmgStream& stream) = 0;
  virtual void CloseStream(const EcmgChannel& channel, const EcmgStream& stream) = 0;
  // Appends the ECM_datagram to `datagram` (a section, or whole TS packets, as ChannelParameters said). Late
  // is better than an error: one kind of SCS leaves the channel dark after a single one.
  virtual EcmgError MakeEcm(const CwProvision& provision, Bytes& datagram) = 0;
};

class EcmgSession {
 public:
  // FIELD_INVALID: max_channels 0, max_message_bytes below 256, negative times, test_interval not below
  // idle_timeout.
  static Result<std::unique_ptr<EcmgSession>> Create(const EcmgOptions& options, EcmgHost& host,
                                                     SteadyTime now);
  // As Closed().
  ~EcmgSession();
  EcmgSession(const EcmgSession&) = delete;
  EcmgSession& operator=(const EcmgSession&) = delete;

  // Takes what was received; appends the answers to `out`. After should_close() nothing more is read.
  void Push(ByteView received, SteadyTime now, Bytes& out);
  // Keepalive and idle timeout; once a second or so is enough.
  void Tick(SteadyTime now, Bytes& out);
  // The TCP connection is gone: every stream and channel is released at the host, and nothing more is read.
  // May be called twice.
  void Closed();

  // Send what is in `out`, then close.
  bool should_close() const { return close_reason_ != CloseReason::kNone; }
  CloseReason close_reason() const { return close_reason_; }
  size_t channel_count() const { return channels_.size(); }
  size_t stream_count() const { return streams_.size(); }

 private:
  struct Channel {
    EcmgChannel handle;
    ChannelParameters parameters;
    uint8_t version = kDefaultVersion;
    size_t streams = 0;
    std::unique_ptr<std::bitset<65536>> ecm_ids;  // in use
  };
  struct Stream {
    uint16_t channel_id = 0;
    EcmgStream handle;
    bool has_criteria = false;
    Bytes criteria;
  };

  EcmgSession(const EcmgOptions& options, EcmgHost& host, SteadyTime now);

  void Handle(const MessageView& message, Fault fault, Bytes& out);
  void ChannelSetup(const MessageView& message, Bytes& out);
  void StreamSetup(const MessageView& message, Channel& channel, Bytes& out);
  void OnStream(const MessageView& message, Channel& channel, Bytes& out);
  void Provide(const MessageView& message, Channel& channel, Stream& stream, Bytes& out);
  EcmgError OrderCws(const MessageView& message, const Channel& channel);
  bool UpdateCriteria(const MessageView& message, Stream& stream);
  void Refuse(const MessageView& message, EcmgError error, Bytes& out);
  void SendChannelStatus(const MessageView& message, const Channel& channel, Bytes& out);
  void SendStreamStatus(const MessageView& message, const Stream& stream, Bytes& out);
  bool Finish(MessageWriter& writer, uint16_t type);

  Channel* FindChannel(uint16_t id);
  std::vector<Stream>::iterator StreamAt(uint16_t channel_id, uint16_t stream_id);
  Stream* FindStream(uint16_t channel_id, uint16_t stream_id);
  void ReleaseStream(Channel& channel, Stream& stream);
  void ReleaseChannel(Channel& channel);

  EcmgOptions options_;
  EcmgHost& host_;
  Receiver receiver_;
  std::vector<Channel> channels_;  // few: one, by the standard
  std::vector<Stream> streams_;    // ascending by channel and stream id
  std::vector<CpCw> cws_;          // of the message in hand
  Bytes datagram_;                 // likewise
  SteadyTime last_received_;
  std::optional<SteadyTime> test_sent_;
  CloseReason close_reason_ = CloseReason::kNone;
};

}  // namespace hearth::simulcrypt
