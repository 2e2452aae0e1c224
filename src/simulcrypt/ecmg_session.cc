#include "src/simulcrypt/ecmg_session.h"

#include <algorithm>
#include <utility>

namespace hearth::simulcrypt {

Result<std::unique_ptr<EcmgSession>> EcmgSession::Create(const EcmgOptions& options, EcmgHost& host,
                                                         SteadyTime now) {
  using std::chrono::milliseconds;
  if (options.max_channels == 0) return InvalidField("max_channels", "at least 1");
  if (options.max_message_bytes < kMinMaxMessageBytes) {
    return InvalidField("max_message_bytes", "at least 256");
  }
  if (options.idle_timeout < milliseconds(0)) return InvalidField("idle_timeout", "not negative");
  if (options.test_interval < milliseconds(0)) return InvalidField("test_interval", "not negative");
  if (options.idle_timeout > milliseconds(0) && options.test_interval >= options.idle_timeout) {
    return InvalidField("test_interval", "below idle_timeout");
  }
  return std::unique_ptr<EcmgSession>(new EcmgSession(options, host, now));
}

EcmgSession::EcmgSession(const EcmgOptions& options, EcmgHost& host, SteadyTime now)
    : options_(options),
      host_(host),
      receiver_(Interface::kEcmgScs, Side::kServer, options.max_message_bytes),
      last_received_(now) {}

EcmgSession::~EcmgSession() { Closed(); }

void EcmgSession::Push(ByteView received, SteadyTime now, Bytes& out) {
  if (should_close()) return;
  receiver_.Feed(received);
  MessageView message;
  Fault fault = Fault::kNone;
  while (!should_close() && receiver_.Next(message, fault)) {
    last_received_ = now;
    test_sent_.reset();
    Handle(message, fault, out);
    if (receiver_.too_many_malformed()) close_reason_ = CloseReason::kMalformed;
  }
}

void EcmgSession::Tick(SteadyTime now, Bytes& out) {
  if (should_close()) return;
  if (options_.idle_timeout.count() > 0 && now - last_received_ >= options_.idle_timeout) {
    close_reason_ = CloseReason::kIdle;
    return;
  }
  if (options_.test_interval.count() == 0 || channels_.empty()) return;
  if (test_sent_) {
    if (now - *test_sent_ >= options_.test_interval) close_reason_ = CloseReason::kTestFailed;
  } else if (now - last_received_ >= options_.test_interval) {
    const Channel& channel = channels_.front();
    MessageWriter writer(out, channel.version, ecmg::kChannelTest);
    writer.U16(ecmg::kEcmChannelId, channel.handle.channel_id);
    Finish(writer, ecmg::kChannelTest);
    test_sent_ = now;
  }
}

void EcmgSession::Closed() {
  if (!should_close()) close_reason_ = CloseReason::kPeerClosed;
  while (!channels_.empty()) ReleaseChannel(channels_.back());
}

void EcmgSession::Handle(const MessageView& message, Fault fault, Bytes& out) {
  host_.OnReceived(message.spec() != nullptr ? message.type() : uint16_t{0});
  const bool is_error = message.spec() != nullptr && message.spec()->is_error;
  if (fault != Fault::kNone) {
    if (!is_error) {
      Refuse(message, static_cast<EcmgError>(ErrorStatusOf(Interface::kEcmgScs, fault)), out);
    }
    return;
  }
  if (is_error) {
    message.ForEach(ecmg::kErrorStatus, [this](ByteView status) {
      host_.OnErrorReceived(static_cast<uint16_t>(status[0] << 8 | status[1]));
    });
    return;
  }
  if (message.type() == ecmg::kChannelSetup) {
    ChannelSetup(message, out);
    return;
  }
  Channel* channel = FindChannel(message.U16(ecmg::kEcmChannelId));
  if (channel == nullptr) {
    Refuse(message, EcmgError::kUnknownChannelId, out);
  } else if (message.spec()->of_stream) {
    OnStream(message, *channel, out);
  } else if (message.type() == ecmg::kChannelTest) {
    SendChannelStatus(message, *channel, out);
  } else if (message.type() == ecmg::kChannelClose) {
    ReleaseChannel(*channel);
  }
  // What is left is a channel_status: the answer to our test.
}

void EcmgSession::ChannelSetup(const MessageView& message, Bytes& out) {
  Channel channel;
  channel.handle.channel_id = message.U16(ecmg::kEcmChannelId);
  channel.handle.super_cas_id = message.U32(ecmg::kSuperCasId);
  channel.version = message.version();
  EcmgError error = EcmgError::kNone;
  if (FindChannel(channel.handle.channel_id) != nullptr) {
    error = EcmgError::kChannelIdInUse;
  } else if (channels_.size() >= options_.max_channels) {
    error = EcmgError::kTooManyChannels;
  } else {
    error = host_.OpenChannel(channel.handle, channel.parameters);
  }
  if (error != EcmgError::kNone) {
    Refuse(message, error, out);
    return;
  }
  channel.ecm_ids = std::make_unique<std::bitset<65536>>();
  channels_.push_back(std::move(channel));
  SendChannelStatus(message, channels_.back(), out);
}

void EcmgSession::StreamSetup(const MessageView& message, Channel& channel, Bytes& out) {
  Stream stream;
  stream.channel_id = channel.handle.channel_id;
  stream.handle.stream_id = message.U16(ecmg::kEcmStreamId);
  stream.handle.ecm_id = message.U16(ecmg::kEcmId);
  stream.handle.nominal_cp_duration_100ms = message.U16(ecmg::kNominalCpDuration);
  const bool ecm_id_in_use =
      std::any_of(channels_.begin(), channels_.end(), [&channel, &stream](const Channel& other) {
        return other.handle.super_cas_id == channel.handle.super_cas_id &&
               other.ecm_ids->test(stream.handle.ecm_id);
      });
  EcmgError error = EcmgError::kNone;
  if (FindStream(stream.channel_id, stream.handle.stream_id) != nullptr) {
    error = EcmgError::kStreamIdInUse;
  } else if (ecm_id_in_use) {
    error = EcmgError::kEcmIdInUse;
  } else if (channel.parameters.max_streams != 0 && channel.streams >= channel.parameters.max_streams) {
    error = EcmgError::kTooManyStreamsOnChannel;
  } else {
    error = host_.OpenStream(channel.handle, stream.handle);
  }
  if (error != EcmgError::kNone) {
    Refuse(message, error, out);
    return;
  }
  ++channel.streams;
  channel.ecm_ids->set(stream.handle.ecm_id);
  const auto at = streams_.insert(StreamAt(stream.channel_id, stream.handle.stream_id), std::move(stream));
  SendStreamStatus(message, *at, out);
}

void EcmgSession::OnStream(const MessageView& message, Channel& channel, Bytes& out) {
  if (message.type() == ecmg::kStreamSetup) {
    StreamSetup(message, channel, out);
    return;
  }
  Stream* stream = FindStream(channel.handle.channel_id, message.U16(ecmg::kEcmStreamId));
  if (stream == nullptr) {
    Refuse(message, EcmgError::kUnknownStreamId, out);
    return;
  }
  switch (message.type()) {
    case ecmg::kCwProvision:
      Provide(message, channel, *stream, out);
      break;
    case ecmg::kStreamTest:
      SendStreamStatus(message, *stream, out);
      break;
    case ecmg::kStreamCloseRequest: {
      MessageWriter writer(out, message.version(), ecmg::kStreamCloseResponse);
      writer.U16(ecmg::kEcmChannelId, channel.handle.channel_id)
          .U16(ecmg::kEcmStreamId, stream->handle.stream_id);
      Finish(writer, ecmg::kStreamCloseResponse);
      ReleaseStream(channel, *stream);
      break;
    }
    default:  // stream_status: the answer to a test
      break;
  }
}

void EcmgSession::Provide(const MessageView& message, Channel& channel, Stream& stream, Bytes& out) {
  // Also from a message that is refused below: an SCS sends them only on change and has now sent them.
  const bool criteria_changed = UpdateCriteria(message, stream);
  EcmgError error = OrderCws(message, channel);
  if (error == EcmgError::kNone) {
    const bool in_force =
        stream.handle.criteria_in_each ? message.Has(ecmg::kAccessCriteria) : stream.has_criteria;
    const CwProvision provision{
        .channel = channel.handle,
        .stream = stream.handle,
        .cp_number = message.U16(ecmg::kCpNumber),
        .cws = cws_,
        .access_criteria = in_force ? std::optional<ByteView>(stream.criteria) : std::nullopt,
        .criteria_changed = criteria_changed,
        .cp_duration_100ms = message.Has(ecmg::kCpDuration)
                                 ? std::optional<uint16_t>(message.U16(ecmg::kCpDuration))
                                 : std::nullopt,
    };
    datagram_.clear();
    error = host_.MakeEcm(provision, datagram_);
  }
  if (error == EcmgError::kNone) {
    MessageWriter writer(out, message.version(), ecmg::kEcmResponse);
    writer.U16(ecmg::kEcmChannelId, channel.handle.channel_id)
        .U16(ecmg::kEcmStreamId, stream.handle.stream_id)
        .U16(ecmg::kCpNumber, message.U16(ecmg::kCpNumber))
        .Put(ecmg::kEcmDatagram, datagram_);
    if (Finish(writer, ecmg::kEcmResponse)) return;
    error = EcmgError::kUnknownError;  // the host's datagram is longer than a message can be
  }
  Refuse(message, error, out);
}

// Puts the CWs that belong into the message into cws_. CPs are compared modulo 65,536.
EcmgError EcmgSession::OrderCws(const MessageView& message, const Channel& channel) {
  if (message.Has(ecmg::kCwEncryption)) return EcmgError::kInvalidValue;  // never taken for clear CWs
  const size_t wanted = channel.parameters.cw_per_msg;
  const uint16_t cp_number = message.U16(ecmg::kCpNumber);
  const uint16_t first = FirstCp(cp_number, channel.parameters.lead_cw, channel.parameters.cw_per_msg);
  cws_.assign(wanted, CpCw{});
  size_t length = 0;
  bool wrong_length = false;
  bool wrong_cp = false;
  message.ForEach(ecmg::kCpCwCombination, [&](ByteView value) {
    const uint16_t cp = static_cast<uint16_t>(value[0] << 8 | value[1]);
    const ByteView cw = value.subspan(2);
    if (length == 0) length = cw.size();
    wrong_length |= cw.size() != length || (length != 8 && length != 16);
    const uint16_t place = static_cast<uint16_t>(cp - first);
    if (place < wanted) {
      wrong_cp |= !cws_[place].cw.empty();
      cws_[place] = {cp, cw};
    } else {
      // One peer always sends CP_number and the next, whatever the channel asked for: the other one is left.
      wrong_cp |= static_cast<uint16_t>(cp - cp_number) > 1;
    }
  });
  if (wrong_length) return EcmgError::kInconsistentLength;
  if (message.Count(ecmg::kCpCwCombination) < wanted) return EcmgError::kNotEnoughControlWords;
  const bool missing =
      std::any_of(cws_.begin(), cws_.end(), [](const CpCw& entry) { return entry.cw.empty(); });
  return wrong_cp || missing ? EcmgError::kInvalidValue : EcmgError::kNone;
}

bool EcmgSession::UpdateCriteria(const MessageView& message, Stream& stream) {
  if (!message.Has(ecmg::kAccessCriteria)) return false;
  const ByteView criteria = message.Get(ecmg::kAccessCriteria);
  if (stream.has_criteria &&
      std::equal(criteria.begin(), criteria.end(), stream.criteria.begin(), stream.criteria.end())) {
    return false;
  }
  stream.has_criteria = true;
  stream.criteria.assign(criteria.begin(), criteria.end());
  return true;
}

void EcmgSession::Refuse(const MessageView& message, EcmgError error, Bytes& out) {
  uint16_t channel_id = message.U16(ecmg::kEcmChannelId);
  if (!message.HasNumber(ecmg::kEcmChannelId, 2) && channels_.size() == 1) {
    channel_id = channels_.front().handle.channel_id;
  }
  const bool of_stream = message.spec() != nullptr && message.spec()->of_stream &&
                         message.HasNumber(ecmg::kEcmStreamId, 2) && FindChannel(channel_id) != nullptr;
  const uint16_t type = of_stream ? ecmg::kStreamError : ecmg::kChannelError;
  MessageWriter writer(out, ReplyVersion(message.version()), type);
  writer.U16(ecmg::kEcmChannelId, channel_id);
  if (of_stream) writer.U16(ecmg::kEcmStreamId, message.U16(ecmg::kEcmStreamId));
  writer.U16(ecmg::kErrorStatus, static_cast<uint16_t>(error));
  Finish(writer, type);
  host_.OnErrorSent(static_cast<uint16_t>(error));
}

void EcmgSession::SendChannelStatus(const MessageView& message, const Channel& channel, Bytes& out) {
  WriteChannelStatus(out, message.version(), channel.handle.channel_id, channel.parameters);
  host_.OnSent(ecmg::kChannelStatus);
}

void EcmgSession::SendStreamStatus(const MessageView& message, const Stream& stream, Bytes& out) {
  MessageWriter writer(out, message.version(), ecmg::kStreamStatus);
  writer.U16(ecmg::kEcmChannelId, stream.channel_id)
      .U16(ecmg::kEcmStreamId, stream.handle.stream_id)
      .U16(ecmg::kEcmId, stream.handle.ecm_id)
      .U8(ecmg::kAccessCriteriaTransferMode, stream.handle.criteria_in_each ? 1 : 0);
  Finish(writer, ecmg::kStreamStatus);
}

bool EcmgSession::Finish(MessageWriter& writer, uint16_t type) {
  if (!writer.Finish()) return false;
  host_.OnSent(type);
  return true;
}

EcmgSession::Channel* EcmgSession::FindChannel(uint16_t id) {
  const auto at = std::find_if(channels_.begin(), channels_.end(),
                               [id](const Channel& channel) { return channel.handle.channel_id == id; });
  return at != channels_.end() ? &*at : nullptr;
}

std::vector<EcmgSession::Stream>::iterator EcmgSession::StreamAt(uint16_t channel_id, uint16_t stream_id) {
  return std::lower_bound(streams_.begin(), streams_.end(), std::pair(channel_id, stream_id),
                          [](const Stream& stream, std::pair<uint16_t, uint16_t> key) {
                            return std::pair(stream.channel_id, stream.handle.stream_id) < key;
                          });
}

EcmgSession::Stream* EcmgSession::FindStream(uint16_t channel_id, uint16_t stream_id) {
  const auto at = StreamAt(channel_id, stream_id);
  const bool found =
      at != streams_.end() && at->channel_id == channel_id && at->handle.stream_id == stream_id;
  return found ? &*at : nullptr;
}

void EcmgSession::ReleaseStream(Channel& channel, Stream& stream) {
  host_.CloseStream(channel.handle, stream.handle);
  channel.ecm_ids->reset(stream.handle.ecm_id);
  --channel.streams;
  streams_.erase(streams_.begin() + (&stream - streams_.data()));
}

void EcmgSession::ReleaseChannel(Channel& channel) {
  const uint16_t id = channel.handle.channel_id;
  const auto first = StreamAt(id, 0);
  auto last = first;
  while (last != streams_.end() && last->channel_id == id) {
    host_.CloseStream(channel.handle, last->handle);
    ++last;
  }
  streams_.erase(first, last);
  host_.CloseChannel(channel.handle);
  channels_.erase(channels_.begin() + (&channel - channels_.data()));
}

}  // namespace hearth::simulcrypt
