#include "src/simulcrypt/emmg_session.h"

#include <utility>

#include <fmt/format.h>

namespace hearth::simulcrypt {

Remedy RemedyFor(EmmgError status) {
  switch (status) {
    case EmmgError::kUnsupportedVersion:
      return Remedy::kLowerVersion;
    case EmmgError::kUnknownMessageType:
    case EmmgError::kMessageTooLong:
    case EmmgError::kUnknownParameterType:
    case EmmgError::kInconsistentLength:
    case EmmgError::kMissingParameter:
    case EmmgError::kInvalidValue:
    case EmmgError::kUnknownClientId:
    case EmmgError::kUnknownDataId:
      return Remedy::kConfiguration;
    default:
      return Remedy::kRetry;
  }
}

Result<std::unique_ptr<EmmgSession>> EmmgSession::Create(const EmmgOptions& options, EmmgHost& host) {
  if (options.bandwidth_kbps == 0) return InvalidField("bandwidth_kbps", "1 to 65,535");
  if (!IsSupportedVersion(options.version)) return InvalidField("version", "1, 2, 3 or 5");
  if (options.step_timeout < std::chrono::milliseconds(1)) {
    return InvalidField("step_timeout", "at least 1 ms");
  }
  if (options.test_interval < std::chrono::milliseconds(0)) {
    return InvalidField("test_interval", "not negative");
  }
  if (options.max_message_bytes < 1024) return InvalidField("max_message_bytes", "at least 1024");
  return std::unique_ptr<EmmgSession>(new EmmgSession(options, host));
}

EmmgSession::EmmgSession(const EmmgOptions& options, EmmgHost& host)
    : options_(options),
      host_(host),
      receiver_(Interface::kEmmgMux, Side::kClient, options.max_message_bytes) {}

void EmmgSession::Start(SteadyTime now, Bytes& out) {
  if (state_ != State::kIdle) return;
  last_received_ = now;
  Enter(State::kChannelSetup, now);
  SendChannelMode(emmg::kChannelSetup, options_.version, options_.ts_packets, out);
}

void EmmgSession::Push(ByteView received, SteadyTime now, Bytes& out) {
  if (should_close()) return;
  receiver_.Feed(received);
  MessageView message;
  Fault fault = Fault::kNone;
  while (!should_close() && receiver_.Next(message, fault)) {
    last_received_ = now;
    test_sent_.reset();
    Handle(message, fault, now, out);
    if (receiver_.too_many_malformed()) {
      Fail(CloseReason::kMalformed, EmmgError::kNone, Remedy::kRetry,
           "the MUX sent three malformed messages in a row");
    }
  }
}

void EmmgSession::Tick(SteadyTime now, Bytes& out) {
  if (should_close() || state_ == State::kIdle) return;
  const bool step_over = now - step_began_ >= options_.step_timeout;
  if (state_ == State::kClosing) {
    if (step_over) FinishClose(out);
    return;
  }
  if (state_ != State::kReady) {
    if (!step_over) return;
    constexpr const char* kSteps[] = {"", "channel_setup", "stream_setup", "stream_BW_request"};
    Fail(CloseReason::kTimeout, EmmgError::kNone, Remedy::kRetry,
         fmt::format("the MUX did not answer {} within {} ms", kSteps[static_cast<int>(state_)],
                     options_.step_timeout.count()));
    return;
  }
  if (options_.test_interval.count() == 0) return;
  if (test_sent_) {
    if (now - *test_sent_ >= options_.test_interval) {
      Fail(CloseReason::kTestFailed, EmmgError::kNone, Remedy::kRetry, "the MUX did not answer channel_test");
    }
  } else if (now - last_received_ >= options_.test_interval) {
    MessageWriter writer(out, options_.version, emmg::kChannelTest);
    writer.U32(emmg::kClientId, options_.client_id).U16(emmg::kDataChannelId, options_.channel_id);
    Finish(writer, emmg::kChannelTest);
    test_sent_ = now;
  }
}

void EmmgSession::Closed() {
  if (should_close()) {
    state_ = State::kClosed;
  } else if (state_ == State::kClosing) {
    state_ = State::kClosed;
    close_reason_ = CloseReason::kFinished;
  } else {
    Fail(CloseReason::kPeerClosed, EmmgError::kNone, Remedy::kRetry, "the MUX closed the connection");
  }
}

EmmgSession::SendResult EmmgSession::Send(std::span<const ByteView> datagrams, Bytes& out) {
  if (bandwidth_kbps() == 0) return SendResult::kNotReady;
  if (ts_packets_) {
    for (const ByteView datagram : datagrams) {
      if (!AreTsPackets(datagram)) return SendResult::kNotTsPackets;
    }
  }
  if (!WriteDataProvision(out, options_.version, address(), datagrams, options_.max_message_bytes)) {
    return SendResult::kWrongSize;
  }
  host_.OnSent(emmg::kDataProvision);
  return SendResult::kSent;
}

bool EmmgSession::RequestBandwidth(uint16_t kbps, Bytes& out) {
  if (state_ != State::kReady || kbps == 0) return false;
  SendBandwidthRequest(kbps, out);
  return true;
}

void EmmgSession::Close(SteadyTime now, Bytes& out) {
  switch (state_) {
    case State::kClosing:
    case State::kClosed:
      return;
    case State::kIdle:
    case State::kChannelSetup:  // no channel that could be closed
      state_ = State::kClosed;
      close_reason_ = CloseReason::kFinished;
      return;
    case State::kStreamSetup:
      FinishClose(out);
      return;
    case State::kBandwidth:
    case State::kReady:
      SendForStream(emmg::kStreamCloseRequest, out);
      Enter(State::kClosing, now);
      return;
  }
}

DataAddress EmmgSession::address() const {
  return {options_.client_id, options_.channel_id, options_.stream_id, options_.data_id};
}

void EmmgSession::Handle(const MessageView& message, Fault fault, SteadyTime now, Bytes& out) {
  host_.OnReceived(message.spec() != nullptr ? message.type() : uint16_t{0});
  const bool is_error = message.spec() != nullptr && message.spec()->is_error;
  if (fault != Fault::kNone) {
    if (!is_error) {
      Refuse(message, static_cast<EmmgError>(ErrorStatusOf(Interface::kEmmgMux, fault)), out);
    }
  } else if (is_error) {
    OnPeerError(message, out);
  } else if (const EmmgError error = CheckIds(message); error != EmmgError::kNone) {
    Refuse(message, error, out);
  } else {
    Dispatch(message, now, out);
  }
}

EmmgError EmmgSession::CheckIds(const MessageView& message) const {
  if (message.U32(emmg::kClientId) != options_.client_id) return EmmgError::kUnknownClientId;
  if (message.U16(emmg::kDataChannelId) != options_.channel_id) return EmmgError::kUnknownChannelId;
  if (message.spec()->of_stream && message.U16(emmg::kDataStreamId) != options_.stream_id) {
    return EmmgError::kUnknownStreamId;
  }
  return EmmgError::kNone;
}

// Answers that come in a state that does not wait for them belong to tests, or are late: they change nothing.
void EmmgSession::Dispatch(const MessageView& message, SteadyTime now, Bytes& out) {
  switch (message.type()) {
    case emmg::kChannelStatus:
      if (state_ == State::kChannelSetup) OnChannelStatus(message, now, out);
      break;
    case emmg::kStreamStatus:
      if (state_ != State::kStreamSetup) break;
      Enter(State::kBandwidth, now);
      SendBandwidthRequest(options_.bandwidth_kbps, out);
      break;
    case emmg::kStreamBwAllocation:
      OnAllocation(message);
      break;
    case emmg::kStreamCloseResponse:
      if (state_ == State::kClosing) FinishClose(out);
      break;
    case emmg::kChannelTest:
    case emmg::kStreamTest:
      AnswerTest(message, out);
      break;
    default:
      break;
  }
}

void EmmgSession::OnChannelStatus(const MessageView& message, SteadyTime now, Bytes& out) {
  ts_packets_ = message.U8(emmg::kSectionTspktFlag) != 0;
  Enter(State::kStreamSetup, now);
  if (ts_packets_ != options_.ts_packets && !options_.accept_mux_mode) {
    FinishClose(out);
    Fail(CloseReason::kOutOfOrder, EmmgError::kNone, Remedy::kConfiguration,
         fmt::format("the MUX insists on {}", ts_packets_ ? "TS packets" : "sections"));
    return;
  }
  SendStreamStatus(emmg::kStreamSetup, options_.version, out);
}

void EmmgSession::OnAllocation(const MessageView& message) {
  if (state_ != State::kBandwidth && state_ != State::kReady) return;
  const bool asked = std::exchange(request_pending_, false);
  if (message.Has(emmg::kBandwidth)) {
    bandwidth_kbps_ = message.U16(emmg::kBandwidth);
  } else if (asked) {
    bandwidth_kbps_ = requested_kbps_;
  }
  state_ = State::kReady;
  host_.OnBandwidth(bandwidth_kbps_);
}

void EmmgSession::OnPeerError(const MessageView& message, Bytes& out) {
  EmmgError first = EmmgError::kNone;
  message.ForEach(emmg::kErrorStatus, [&](ByteView status) {
    const auto error = static_cast<EmmgError>(status[0] << 8 | status[1]);
    if (first == EmmgError::kNone) first = error;
    host_.OnErrorReceived(static_cast<uint16_t>(error));
  });
  if (state_ == State::kClosing) {
    FinishClose(out);
  } else if (state_ == State::kReady && first == EmmgError::kExceededBandwidth) {
    host_.OnWarning(first);
  } else {
    Remedy remedy = RemedyFor(first);
    if (remedy == Remedy::kLowerVersion && NextLowerVersion(options_.version) == 0) {
      remedy = Remedy::kConfiguration;
    }
    Fail(CloseReason::kPeerError, first, remedy,
         fmt::format("the MUX sent {} 0x{:04X} ({})", message.spec()->name, static_cast<uint16_t>(first),
                     ErrorName(first)));
  }
}

void EmmgSession::AnswerTest(const MessageView& message, Bytes& out) {
  const bool of_stream = message.type() == emmg::kStreamTest;
  if (state_ == State::kIdle || state_ == State::kChannelSetup) {
    Refuse(message, EmmgError::kUnknownChannelId, out);
  } else if (!of_stream) {
    SendChannelMode(emmg::kChannelStatus, message.version(), ts_packets_, out);
  } else if (state_ == State::kStreamSetup) {
    Refuse(message, EmmgError::kUnknownStreamId, out);
  } else {
    SendStreamStatus(emmg::kStreamStatus, message.version(), out);
  }
}

void EmmgSession::Refuse(const MessageView& message, EmmgError error, Bytes& out) {
  const bool of_stream = message.spec() != nullptr && message.spec()->of_stream &&
                         message.HasNumber(emmg::kDataStreamId, 2) && error != EmmgError::kUnknownChannelId &&
                         error != EmmgError::kUnknownClientId;
  const uint16_t type = of_stream ? emmg::kStreamError : emmg::kChannelError;
  const uint32_t client =
      message.HasNumber(emmg::kClientId, 4) ? message.U32(emmg::kClientId) : options_.client_id;
  const uint16_t channel =
      message.HasNumber(emmg::kDataChannelId, 2) ? message.U16(emmg::kDataChannelId) : options_.channel_id;
  MessageWriter writer(out, ReplyVersion(message.version()), type);
  writer.U32(emmg::kClientId, client).U16(emmg::kDataChannelId, channel);
  if (of_stream) writer.U16(emmg::kDataStreamId, message.U16(emmg::kDataStreamId));
  writer.U16(emmg::kErrorStatus, static_cast<uint16_t>(error));
  Finish(writer, type);
  host_.OnErrorSent(static_cast<uint16_t>(error));
}

void EmmgSession::SendBandwidthRequest(uint16_t kbps, Bytes& out) {
  requested_kbps_ = kbps;
  request_pending_ = true;
  MessageWriter writer(out, options_.version, emmg::kStreamBwRequest);
  writer.U32(emmg::kClientId, options_.client_id)
      .U16(emmg::kDataChannelId, options_.channel_id)
      .U16(emmg::kDataStreamId, options_.stream_id)
      .U16(emmg::kBandwidth, kbps);
  Finish(writer, emmg::kStreamBwRequest);
}

void EmmgSession::SendForStream(uint16_t type, Bytes& out) {
  MessageWriter writer(out, options_.version, type);
  writer.U32(emmg::kClientId, options_.client_id)
      .U16(emmg::kDataChannelId, options_.channel_id)
      .U16(emmg::kDataStreamId, options_.stream_id);
  Finish(writer, type);
}

// stream_setup and stream_status have the same parameters, and so have channel_setup and channel_status.
void EmmgSession::SendStreamStatus(uint16_t type, uint8_t version, Bytes& out) {
  MessageWriter writer(out, version, type);
  writer.U32(emmg::kClientId, options_.client_id)
      .U16(emmg::kDataChannelId, options_.channel_id)
      .U16(emmg::kDataStreamId, options_.stream_id)
      .U16(emmg::kDataId, options_.data_id)
      .U8(emmg::kDataType, static_cast<uint8_t>(options_.data_type));
  Finish(writer, type);
}

void EmmgSession::SendChannelMode(uint16_t type, uint8_t version, bool ts_packets, Bytes& out) {
  MessageWriter writer(out, version, type);
  writer.U32(emmg::kClientId, options_.client_id)
      .U16(emmg::kDataChannelId, options_.channel_id)
      .U8(emmg::kSectionTspktFlag, ts_packets ? 1 : 0);
  Finish(writer, type);
}

void EmmgSession::FinishClose(Bytes& out) {
  MessageWriter writer(out, options_.version, emmg::kChannelClose);
  writer.U32(emmg::kClientId, options_.client_id).U16(emmg::kDataChannelId, options_.channel_id);
  Finish(writer, emmg::kChannelClose);
  state_ = State::kClosed;
  close_reason_ = CloseReason::kFinished;
}

void EmmgSession::Fail(CloseReason reason, EmmgError status, Remedy remedy, std::string text) {
  if (failure_) return;
  failure_ = EmmgFailure{reason, status, remedy, std::move(text)};
  state_ = State::kClosed;
  close_reason_ = reason;
}

bool EmmgSession::Finish(MessageWriter& writer, uint16_t type) {
  if (!writer.Finish()) return false;
  host_.OnSent(type);
  return true;
}

void EmmgSession::Enter(State state, SteadyTime now) {
  state_ = state;
  step_began_ = now;
}

}  // namespace hearth::simulcrypt
