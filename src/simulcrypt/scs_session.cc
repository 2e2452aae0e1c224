#include "src/simulcrypt/scs_session.h"

#include <algorithm>
#include <utility>

namespace hearth::simulcrypt {

Result<std::unique_ptr<ScsSession>> ScsSession::Create(const ScsOptions& options, ScsHost& host) {
  if (options.step_timeout < std::chrono::milliseconds(1)) {
    return InvalidField("step_timeout", "at least 1 ms");
  }
  if (options.max_message_bytes < kMinMaxMessageBytes) {
    return InvalidField("max_message_bytes", "at least 256");
  }
  std::unique_ptr<ScsSession> session(new ScsSession(options, host));
  const auto& streams = session->streams_;
  const auto twice = std::adjacent_find(streams.begin(), streams.end(), [](const Stream& a, const Stream& b) {
    return a.options.stream_id == b.options.stream_id;
  });
  if (twice != streams.end()) return InvalidField("streams", "each stream_id once");
  return session;
}

ScsSession::ScsSession(const ScsOptions& options, ScsHost& host)
    : options_(options),
      host_(host),
      receiver_(Interface::kEcmgScs, Side::kClient, options.max_message_bytes) {
  streams_.reserve(options.streams.size());
  for (const ScsStream& stream : options.streams) streams_.push_back({.options = stream});
  std::sort(streams_.begin(), streams_.end(),
            [](const Stream& a, const Stream& b) { return a.options.stream_id < b.options.stream_id; });
}

void ScsSession::Start(SteadyTime now, Bytes& out) {
  if (state_ != State::kIdle) return;
  MessageWriter writer(out, options_.version, ecmg::kChannelSetup);
  writer.U16(ecmg::kEcmChannelId, options_.channel_id).U32(ecmg::kSuperCasId, options_.super_cas_id);
  Finish(writer, ecmg::kChannelSetup);
  state_ = State::kChannelSetup;
  step_began_ = now;
}

void ScsSession::Push(ByteView received, SteadyTime now, Bytes& out) {
  if (should_close()) return;
  receiver_.Feed(received);
  MessageView message;
  Fault fault = Fault::kNone;
  while (!should_close() && receiver_.Next(message, fault)) {
    Handle(message, fault, now, out);
    if (receiver_.too_many_malformed()) close_reason_ = CloseReason::kMalformed;
  }
}

void ScsSession::Tick(SteadyTime now, Bytes& out) {
  const bool in_step =
      state_ == State::kChannelSetup || state_ == State::kStreamSetup || state_ == State::kClosing;
  if (should_close() || !in_step || now - step_began_ < options_.step_timeout) return;
  if (state_ == State::kClosing) SendChannelClose(out);
  state_ = State::kClosed;
  close_reason_ = CloseReason::kTimeout;
}

ScsSession::ProvideResult ScsSession::Provide(uint16_t stream_id, uint16_t cp_number,
                                              std::span<const CpCw> cws, const ProvisionExtras& extras,
                                              SteadyTime now, Bytes& out) {
  Stream* stream = Find(stream_id);
  if (stream == nullptr || stream->state != StreamState::kOpen) return ProvideResult::kNotOpen;
  if (stream->busy) return ProvideResult::kBusy;
  if (cws.size() != parameters_.cw_per_msg) return ProvideResult::kWrongCws;
  uint16_t cp = FirstCp(cp_number, parameters_.lead_cw, parameters_.cw_per_msg);
  for (const CpCw& entry : cws) {
    if (entry.cp != cp++) return ProvideResult::kWrongCws;
  }
  MessageWriter writer(out, options_.version, ecmg::kCwProvision);
  writer.U16(ecmg::kEcmChannelId, options_.channel_id)
      .U16(ecmg::kEcmStreamId, stream_id)
      .U16(ecmg::kCpNumber, cp_number);
  for (const CpCw& entry : cws) writer.CpCw(entry.cp, entry.cw);
  if (extras.cp_duration_100ms) writer.U16(ecmg::kCpDuration, *extras.cp_duration_100ms);
  if (extras.access_criteria) writer.Put(ecmg::kAccessCriteria, *extras.access_criteria);
  if (!Finish(writer, ecmg::kCwProvision)) return ProvideResult::kTooLong;
  stream->busy = true;
  stream->cp_number = cp_number;
  stream->sent_at = now;
  return ProvideResult::kSent;
}

void ScsSession::Abandon(uint16_t stream_id) {
  if (Stream* stream = Find(stream_id)) stream->busy = false;
}

void ScsSession::TestChannel(Bytes& out) {
  MessageWriter writer(out, options_.version, ecmg::kChannelTest);
  writer.U16(ecmg::kEcmChannelId, options_.channel_id);
  Finish(writer, ecmg::kChannelTest);
}

void ScsSession::TestStream(uint16_t stream_id, Bytes& out) {
  SendForStream(ecmg::kStreamTest, stream_id, out);
}

bool ScsSession::CloseStream(uint16_t stream_id, Bytes& out) {
  Stream* stream = Find(stream_id);
  if (stream == nullptr || stream->state != StreamState::kOpen) return false;
  SendForStream(ecmg::kStreamCloseRequest, stream_id, out);
  stream->state = StreamState::kClosing;
  --open_streams_;
  ++waiting_streams_;
  return true;
}

void ScsSession::Close(SteadyTime now, Bytes& out) {
  if (should_close() || state_ == State::kClosing || state_ == State::kIdle) return;
  for (Stream& stream : streams_) {
    if (stream.state == StreamState::kWaiting && state_ == State::kStreamSetup) StreamGone(stream);
    CloseStream(stream.options.stream_id, out);
  }
  state_ = State::kClosing;
  step_began_ = now;
  StepDone(out);
}

void ScsSession::Handle(const MessageView& message, Fault fault, SteadyTime now, Bytes& out) {
  host_.OnReceived(message.spec() != nullptr ? message.type() : uint16_t{0});
  const bool is_error = message.spec() != nullptr && message.spec()->is_error;
  if (fault != Fault::kNone) {
    if (!is_error) {
      Refuse(message, static_cast<EcmgError>(ErrorStatusOf(Interface::kEcmgScs, fault)), out);
    }
  } else if (is_error) {
    OnPeerError(message, out);
  } else if (message.U16(ecmg::kEcmChannelId) != options_.channel_id) {
    Refuse(message, EcmgError::kUnknownChannelId, out);
  } else if (message.spec()->of_stream) {
    OnStreamMessage(message, now, out);
  } else {
    OnChannelMessage(message, now, out);
  }
}

void ScsSession::OnChannelMessage(const MessageView& message, SteadyTime now, Bytes& out) {
  const bool set_up = state_ != State::kIdle && state_ != State::kChannelSetup;
  if (message.type() == ecmg::kChannelTest) {
    if (!set_up) {
      Refuse(message, EcmgError::kUnknownChannelId, out);
      return;
    }
    WriteChannelStatus(out, message.version(), options_.channel_id, parameters_);
    host_.OnSent(ecmg::kChannelStatus);
  } else if (state_ == State::kChannelSetup) {
    OnChannelStatus(message, now, out);
  }
  // Any other channel_status answers a test of ours.
}

void ScsSession::OnChannelStatus(const MessageView& message, SteadyTime now, Bytes& out) {
  parameters_ = ReadChannelStatus(message);
  if (!CheckChannelParameters(parameters_)) {
    Refuse(message, EcmgError::kInvalidValue, out);
    state_ = State::kClosed;
    close_reason_ = CloseReason::kOutOfOrder;
    return;
  }
  host_.OnChannelOpen(parameters_);
  for (const Stream& stream : streams_) {
    MessageWriter writer(out, options_.version, ecmg::kStreamSetup);
    writer.U16(ecmg::kEcmChannelId, options_.channel_id)
        .U16(ecmg::kEcmStreamId, stream.options.stream_id)
        .U16(ecmg::kEcmId, stream.options.ecm_id)
        .U16(ecmg::kNominalCpDuration, stream.options.nominal_cp_duration_100ms);
    Finish(writer, ecmg::kStreamSetup);
  }
  waiting_streams_ = streams_.size();
  state_ = State::kStreamSetup;
  step_began_ = now;
  StepDone(out);
}

void ScsSession::OnStreamMessage(const MessageView& message, SteadyTime now, Bytes& out) {
  Stream* stream = Find(message.U16(ecmg::kEcmStreamId));
  const bool set_up = state_ != State::kIdle && state_ != State::kChannelSetup;
  if (stream == nullptr || !set_up || stream->state == StreamState::kClosed) {
    // A late answer about a stream that is closed is no fault of the peer.
    if (stream == nullptr || !set_up || message.type() == ecmg::kStreamTest) {
      Refuse(message, EcmgError::kUnknownStreamId, out);
    }
    return;
  }
  switch (message.type()) {
    case ecmg::kStreamStatus:
      OnStreamStatus(message, *stream);
      break;
    case ecmg::kStreamTest:
      SendStreamStatus(message, *stream, out);
      break;
    case ecmg::kStreamCloseResponse:
      if (stream->state == StreamState::kClosing) {
        StreamGone(*stream);
        host_.OnStreamClosed(stream->options.stream_id);
      }
      break;
    case ecmg::kEcmResponse:
      OnEcmResponse(message, *stream, now);
      break;
    default:
      break;
  }
  StepDone(out);
}

void ScsSession::OnStreamStatus(const MessageView& message, Stream& stream) {
  if (stream.state != StreamState::kWaiting) return;  // the answer to a test
  stream.state = StreamState::kOpen;
  stream.criteria_in_each = message.U8(ecmg::kAccessCriteriaTransferMode) != 0;
  ++open_streams_;
  --waiting_streams_;
  host_.OnStreamOpen(stream.options, stream.criteria_in_each);
}

void ScsSession::OnEcmResponse(const MessageView& message, Stream& stream, SteadyTime now) {
  const uint16_t cp_number = message.U16(ecmg::kCpNumber);
  std::optional<SteadyTime> waited;
  if (cp_number == stream.cp_number) {
    waited = now - stream.sent_at;
    stream.busy = false;
  }
  host_.OnEcm(stream.options.stream_id, cp_number, message.Get(ecmg::kEcmDatagram), waited);
}

void ScsSession::OnPeerError(const MessageView& message, Bytes& out) {
  ScsError error{std::nullopt, EcmgError::kNone};
  if (message.spec()->of_stream) error.stream_id = message.U16(ecmg::kEcmStreamId);
  bool unrecoverable = false;
  message.ForEach(ecmg::kErrorStatus, [&](ByteView status) {
    error.status = static_cast<EcmgError>(status[0] << 8 | status[1]);
    unrecoverable |= error.status == EcmgError::kUnrecoverable;
    host_.OnErrorReceived(static_cast<uint16_t>(error.status));
    host_.OnError(error);
  });
  if (!error.stream_id) {
    if (state_ != State::kChannelSetup && !unrecoverable) return;
    state_ = State::kClosed;
    close_reason_ = CloseReason::kPeerError;
    return;
  }
  Stream* stream = Find(*error.stream_id);
  if (stream == nullptr || state_ == State::kIdle || state_ == State::kChannelSetup) return;
  stream->busy = false;  // an error is an answer
  if (stream->state != StreamState::kOpen || unrecoverable) StreamGone(*stream);
  StepDone(out);
}

void ScsSession::SendStreamStatus(const MessageView& message, const Stream& stream, Bytes& out) {
  MessageWriter writer(out, message.version(), ecmg::kStreamStatus);
  writer.U16(ecmg::kEcmChannelId, options_.channel_id)
      .U16(ecmg::kEcmStreamId, stream.options.stream_id)
      .U16(ecmg::kEcmId, stream.options.ecm_id)
      .U8(ecmg::kAccessCriteriaTransferMode, stream.criteria_in_each ? 1 : 0);
  Finish(writer, ecmg::kStreamStatus);
}

void ScsSession::Refuse(const MessageView& message, EcmgError error, Bytes& out) {
  const bool of_stream = message.spec() != nullptr && message.spec()->of_stream &&
                         message.HasNumber(ecmg::kEcmStreamId, 2) && error != EcmgError::kUnknownChannelId;
  const uint16_t type = of_stream ? ecmg::kStreamError : ecmg::kChannelError;
  const bool named = message.HasNumber(ecmg::kEcmChannelId, 2);
  MessageWriter writer(out, ReplyVersion(message.version()), type);
  writer.U16(ecmg::kEcmChannelId, named ? message.U16(ecmg::kEcmChannelId) : options_.channel_id);
  if (of_stream) writer.U16(ecmg::kEcmStreamId, message.U16(ecmg::kEcmStreamId));
  writer.U16(ecmg::kErrorStatus, static_cast<uint16_t>(error));
  Finish(writer, type);
  host_.OnErrorSent(static_cast<uint16_t>(error));
}

void ScsSession::SendForStream(uint16_t type, uint16_t stream_id, Bytes& out) {
  MessageWriter writer(out, options_.version, type);
  writer.U16(ecmg::kEcmChannelId, options_.channel_id).U16(ecmg::kEcmStreamId, stream_id);
  Finish(writer, type);
}

void ScsSession::SendChannelClose(Bytes& out) {
  MessageWriter writer(out, options_.version, ecmg::kChannelClose);
  writer.U16(ecmg::kEcmChannelId, options_.channel_id);
  Finish(writer, ecmg::kChannelClose);
}

void ScsSession::StreamGone(Stream& stream) {
  if (stream.state == StreamState::kClosed) return;
  if (stream.state == StreamState::kOpen) {
    --open_streams_;
  } else {
    --waiting_streams_;
  }
  stream.state = StreamState::kClosed;
  stream.busy = false;
}

// Goes on when nothing is waited for any more.
void ScsSession::StepDone(Bytes& out) {
  if (waiting_streams_ > 0) return;
  if (state_ == State::kStreamSetup) {
    state_ = State::kOpen;
  } else if (state_ == State::kClosing) {
    SendChannelClose(out);
    state_ = State::kClosed;
    close_reason_ = CloseReason::kFinished;
  }
}

bool ScsSession::Finish(MessageWriter& writer, uint16_t type) {
  if (!writer.Finish()) return false;
  host_.OnSent(type);
  return true;
}

ScsSession::Stream* ScsSession::Find(uint16_t stream_id) {
  const auto at =
      std::lower_bound(streams_.begin(), streams_.end(), stream_id,
                       [](const Stream& stream, uint16_t id) { return stream.options.stream_id < id; });
  return at != streams_.end() && at->options.stream_id == stream_id ? &*at : nullptr;
}

}  // namespace hearth::simulcrypt
