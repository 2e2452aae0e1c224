#include "src/simulcrypt/mux_session.h"

#include <algorithm>
#include <utility>

namespace hearth::simulcrypt {
namespace {

constexpr uint64_t kBytesPerKbit = 125;
constexpr SteadyTime kRateWindow = std::chrono::seconds(1);

}  // namespace

Result<std::unique_ptr<MuxSession>> MuxSession::Create(const MuxOptions& options, MuxHost& host) {
  if (options.max_message_bytes < kMinMaxMessageBytes) {
    return InvalidField("max_message_bytes", "at least 256");
  }
  if (options.max_channels == 0) return InvalidField("max_channels", "at least 1");
  if (options.max_streams_per_channel == 0) return InvalidField("max_streams_per_channel", "at least 1");
  if (options.max_streams == 0) return InvalidField("max_streams", "at least 1");
  return std::unique_ptr<MuxSession>(new MuxSession(options, host));
}

MuxSession::MuxSession(const MuxOptions& options, MuxHost& host)
    : options_(options),
      host_(host),
      receiver_(Interface::kEmmgMux, Side::kServer, options.max_message_bytes) {}

MuxSession::~MuxSession() { Closed(); }

void MuxSession::Push(ByteView received, SteadyTime now, Bytes& out) {
  if (should_close()) return;
  receiver_.Feed(received);
  MessageView message;
  Fault fault = Fault::kNone;
  while (!should_close() && receiver_.Next(message, fault)) {
    Handle(message, fault, now, out);
    if (receiver_.too_many_malformed()) close_reason_ = CloseReason::kMalformed;
  }
}

EmmgError MuxSession::PushUdp(ByteView payload, SteadyTime now) {
  MessageView message;
  const Fault fault = Decode(Interface::kEmmgMux, Side::kServer, payload, message);
  host_.OnReceived(message.spec() != nullptr ? message.type() : uint16_t{0});
  if (fault != Fault::kNone) {
    return static_cast<EmmgError>(ErrorStatusOf(Interface::kEmmgMux, fault));
  }
  if (message.type() != emmg::kDataProvision) return EmmgError::kInvalidMessage;
  const uint32_t client_id = message.U32(emmg::kClientId);
  Stream* stream = FindByDataId(client_id, message.U16(emmg::kDataId));
  if (message.Has(emmg::kDataChannelId) && message.Has(emmg::kDataStreamId)) {
    stream = FindStream(client_id, message.U16(emmg::kDataChannelId), message.U16(emmg::kDataStreamId));
    if (stream == nullptr) return EmmgError::kUnknownStreamId;
  }
  if (stream == nullptr) return EmmgError::kUnknownDataId;
  return TakeData(message, *FindChannel(client_id, stream->channel_id), *stream, now);
}

void MuxSession::Closed() {
  if (!should_close()) close_reason_ = CloseReason::kPeerClosed;
  while (!channels_.empty()) ReleaseChannel(channels_.back());
}

bool MuxSession::Allocate(uint16_t channel_id, uint16_t stream_id, uint16_t kbps, Bytes& out) {
  const Channel* channel = FindChannel(channel_id);
  Stream* stream = FindStream(channel_id, stream_id);
  if (channel == nullptr || stream == nullptr || !stream->granted_kbps) return false;
  stream->granted_kbps = kbps;
  SendAllocation(channel->version, *stream, true, out);
  return true;
}

bool MuxSession::SendError(uint16_t channel_id, std::optional<uint16_t> stream_id, EmmgError error,
                           Bytes& out) {
  const Channel* channel = FindChannel(channel_id);
  if (channel == nullptr || (stream_id && FindStream(channel_id, *stream_id) == nullptr)) return false;
  const uint16_t type = stream_id ? emmg::kStreamError : emmg::kChannelError;
  MessageWriter writer(out, channel->version, type);
  writer.U32(emmg::kClientId, channel->handle.client_id).U16(emmg::kDataChannelId, channel_id);
  if (stream_id) writer.U16(emmg::kDataStreamId, *stream_id);
  writer.U16(emmg::kErrorStatus, static_cast<uint16_t>(error));
  Finish(writer, type);
  host_.OnErrorSent(static_cast<uint16_t>(error));
  return true;
}

bool MuxSession::TestChannel(uint16_t channel_id, Bytes& out) {
  const Channel* channel = FindChannel(channel_id);
  if (channel == nullptr) return false;
  MessageWriter writer(out, channel->version, emmg::kChannelTest);
  writer.U32(emmg::kClientId, channel->handle.client_id).U16(emmg::kDataChannelId, channel_id);
  return Finish(writer, emmg::kChannelTest);
}

bool MuxSession::TestStream(uint16_t channel_id, uint16_t stream_id, Bytes& out) {
  const Channel* channel = FindChannel(channel_id);
  const Stream* stream = FindStream(channel_id, stream_id);
  if (channel == nullptr || stream == nullptr) return false;
  SendForStream(emmg::kStreamTest, channel->version, *stream, out);
  return true;
}

std::optional<uint16_t> MuxSession::bandwidth_kbps(uint16_t channel_id, uint16_t stream_id) const {
  for (const Stream& stream : streams_) {
    if (stream.channel_id == channel_id && stream.handle.stream_id == stream_id) {
      return stream.granted_kbps.value_or(0);
    }
  }
  return std::nullopt;
}

void MuxSession::Handle(const MessageView& message, Fault fault, SteadyTime now, Bytes& out) {
  host_.OnReceived(message.spec() != nullptr ? message.type() : uint16_t{0});
  const bool is_error = message.spec() != nullptr && message.spec()->is_error;
  if (fault != Fault::kNone) {
    if (!is_error) {
      Refuse(message, static_cast<EmmgError>(ErrorStatusOf(Interface::kEmmgMux, fault)), out);
    }
  } else if (is_error) {
    message.ForEach(emmg::kErrorStatus, [this](ByteView status) {
      host_.OnErrorReceived(static_cast<uint16_t>(status[0] << 8 | status[1]));
    });
  } else if (message.type() == emmg::kChannelSetup) {
    ChannelSetup(message, out);
  } else {
    Dispatch(message, now, out);
  }
}

void MuxSession::ChannelSetup(const MessageView& message, Bytes& out) {
  Channel channel;
  channel.version = message.version();
  channel.handle.client_id = message.U32(emmg::kClientId);
  channel.handle.channel_id = message.U16(emmg::kDataChannelId);
  const uint8_t asked = message.U8(emmg::kSectionTspktFlag);
  channel.handle.ts_packets = options_.mode == MuxOptions::Mode::kAsAsked
                                  ? asked == 1
                                  : options_.mode == MuxOptions::Mode::kTsPackets;
  EmmgError error = EmmgError::kNone;
  if (asked > 1) {
    error = EmmgError::kInvalidValue;
  } else if (FindChannel(channel.handle.channel_id) != nullptr) {
    error = EmmgError::kChannelIdInUse;
  } else if (channels_.size() >= options_.max_channels) {
    error = EmmgError::kTooManyChannels;
  } else {
    error = host_.OpenChannel(channel.handle);
  }
  if (error != EmmgError::kNone) {
    Refuse(message, error, out);
    return;
  }
  channels_.push_back(channel);
  SendChannelStatus(message.version(), channel, out);
}

void MuxSession::Dispatch(const MessageView& message, SteadyTime now, Bytes& out) {
  const uint32_t client_id = message.U32(emmg::kClientId);
  const uint16_t channel_id = message.U16(emmg::kDataChannelId);
  if (message.type() == emmg::kDataProvision &&
      (!message.Has(emmg::kDataChannelId) || !message.Has(emmg::kDataStreamId))) {
    Refuse(message, EmmgError::kMissingParameter, out);
    return;
  }
  Channel* channel = FindChannel(client_id, channel_id);
  if (channel == nullptr) {
    const bool known = std::any_of(channels_.begin(), channels_.end(),
                                   [client_id](const Channel& c) { return c.handle.client_id == client_id; });
    Refuse(message, known ? EmmgError::kUnknownChannelId : EmmgError::kUnknownClientId, out);
  } else if (message.type() == emmg::kStreamSetup) {
    StreamSetup(message, *channel, out);
  } else if (message.spec()->of_stream) {
    Stream* stream = FindStream(client_id, channel_id, message.U16(emmg::kDataStreamId));
    if (stream == nullptr) {
      Refuse(message, EmmgError::kUnknownStreamId, out);
    } else {
      OnStream(message, *channel, *stream, now, out);
    }
  } else if (message.type() == emmg::kChannelTest) {
    SendChannelStatus(message.version(), *channel, out);
  } else if (message.type() == emmg::kChannelClose) {
    ReleaseChannel(*channel);
  }
  // What is left is a channel_status: the answer to a test.
}

void MuxSession::StreamSetup(const MessageView& message, const Channel& channel, Bytes& out) {
  const uint8_t data_type = message.U8(emmg::kDataType);
  Stream stream;
  stream.client_id = channel.handle.client_id;
  stream.channel_id = channel.handle.channel_id;
  stream.handle = {message.U16(emmg::kDataStreamId), message.U16(emmg::kDataId),
                   static_cast<DataType>(data_type)};
  const auto on_channel = std::count_if(streams_.begin(), streams_.end(), [&stream](const Stream& s) {
    return s.client_id == stream.client_id && s.channel_id == stream.channel_id;
  });
  EmmgError error = EmmgError::kNone;
  if (data_type > static_cast<uint8_t>(DataType::kEcm)) {
    error = EmmgError::kInvalidValue;
  } else if (FindStream(stream.client_id, stream.channel_id, stream.handle.stream_id) != nullptr) {
    error = EmmgError::kStreamIdInUse;
  } else if (FindByDataId(stream.client_id, stream.handle.data_id) != nullptr) {
    error = EmmgError::kDataIdInUse;
  } else if (static_cast<size_t>(on_channel) >= options_.max_streams_per_channel) {
    error = EmmgError::kTooManyStreamsOnChannel;
  } else if (streams_.size() >= options_.max_streams) {
    error = EmmgError::kTooManyStreamsOnMux;
  } else {
    error = host_.OpenStream(channel.handle, stream.handle);
  }
  if (error != EmmgError::kNone) {
    Refuse(message, error, out);
    return;
  }
  streams_.push_back(stream);
  SendStreamStatus(message.version(), stream, out);
}

void MuxSession::OnStream(const MessageView& message, const Channel& channel, Stream& stream, SteadyTime now,
                          Bytes& out) {
  switch (message.type()) {
    case emmg::kDataProvision:
      if (const EmmgError error = TakeData(message, channel, stream, now); error != EmmgError::kNone) {
        Refuse(message, error, out);
      }
      break;
    case emmg::kStreamBwRequest:
      BandwidthRequest(message, stream, out);
      break;
    case emmg::kStreamTest:
      SendStreamStatus(message.version(), stream, out);
      break;
    case emmg::kStreamCloseRequest:
      SendForStream(emmg::kStreamCloseResponse, message.version(), stream, out);
      ReleaseStream(channel, stream);
      break;
    default:  // stream_status: the answer to a test
      break;
  }
}

void MuxSession::BandwidthRequest(const MessageView& message, Stream& stream, Bytes& out) {
  bool equal = false;
  if (message.Has(emmg::kBandwidth)) {
    const uint32_t asked = message.U16(emmg::kBandwidth);
    const uint32_t elsewhere = GrantedElsewhere(stream);
    const uint32_t left = options_.bandwidth_kbps > elsewhere ? options_.bandwidth_kbps - elsewhere : 0;
    stream.granted_kbps = static_cast<uint16_t>(std::min(asked, left));
    equal = *stream.granted_kbps == asked;
  }
  // A request without bandwidth asks what is granted.
  SendAllocation(message.version(), stream, !(equal && options_.omit_equal_bandwidth), out);
}

EmmgError MuxSession::TakeData(const MessageView& message, const Channel& channel, Stream& stream,
                               SteadyTime now) {
  if (message.U16(emmg::kDataId) != stream.handle.data_id) return EmmgError::kUnknownDataId;
  bool good = true;
  size_t bytes = 0;
  message.ForEach(emmg::kDatagram, [&](ByteView datagram) {
    good = good && (channel.handle.ts_packets ? AreTsPackets(datagram) : AreSections(datagram));
    bytes += datagram.size();
  });
  if (!good) return EmmgError::kInvalidValue;
  message.ForEach(emmg::kDatagram,
                  [&](ByteView datagram) { host_.OnDatagram(channel.handle, stream.handle, datagram); });
  return CountBytes(stream, bytes, now);
}

// One error per second and stream at most.
EmmgError MuxSession::CountBytes(Stream& stream, size_t bytes, SteadyTime now) {
  if (options_.bandwidth_slack_percent < 0) return EmmgError::kNone;
  if (stream.window_bytes == 0 || now - stream.window_began >= kRateWindow) {
    stream.window_began = now;
    stream.window_bytes = 0;
    stream.window_reported = false;
  }
  stream.window_bytes += bytes;
  const uint64_t percent = 100 + static_cast<uint64_t>(options_.bandwidth_slack_percent);
  const uint64_t limit = stream.granted_kbps.value_or(0) * kBytesPerKbit * percent / 100;
  if (stream.window_bytes <= limit || stream.window_reported) return EmmgError::kNone;
  stream.window_reported = true;
  return EmmgError::kExceededBandwidth;
}

void MuxSession::Refuse(const MessageView& message, EmmgError error, Bytes& out) {
  const MuxChannel only = channels_.size() == 1 ? channels_.front().handle : MuxChannel{};
  const uint32_t client_id =
      message.HasNumber(emmg::kClientId, 4) ? message.U32(emmg::kClientId) : only.client_id;
  const uint16_t channel_id =
      message.HasNumber(emmg::kDataChannelId, 2) ? message.U16(emmg::kDataChannelId) : only.channel_id;
  const bool of_stream = message.spec() != nullptr && message.spec()->of_stream &&
                         message.HasNumber(emmg::kDataStreamId, 2) &&
                         FindChannel(client_id, channel_id) != nullptr;
  const uint16_t type = of_stream ? emmg::kStreamError : emmg::kChannelError;
  MessageWriter writer(out, ReplyVersion(message.version()), type);
  writer.U32(emmg::kClientId, client_id).U16(emmg::kDataChannelId, channel_id);
  if (of_stream) writer.U16(emmg::kDataStreamId, message.U16(emmg::kDataStreamId));
  writer.U16(emmg::kErrorStatus, static_cast<uint16_t>(error));
  Finish(writer, type);
  host_.OnErrorSent(static_cast<uint16_t>(error));
}

void MuxSession::SendForStream(uint16_t type, uint8_t version, const Stream& stream, Bytes& out) {
  MessageWriter writer(out, version, type);
  writer.U32(emmg::kClientId, stream.client_id)
      .U16(emmg::kDataChannelId, stream.channel_id)
      .U16(emmg::kDataStreamId, stream.handle.stream_id);
  Finish(writer, type);
}

void MuxSession::SendChannelStatus(uint8_t version, const Channel& channel, Bytes& out) {
  MessageWriter writer(out, version, emmg::kChannelStatus);
  writer.U32(emmg::kClientId, channel.handle.client_id)
      .U16(emmg::kDataChannelId, channel.handle.channel_id)
      .U8(emmg::kSectionTspktFlag, channel.handle.ts_packets ? 1 : 0);
  Finish(writer, emmg::kChannelStatus);
}

void MuxSession::SendStreamStatus(uint8_t version, const Stream& stream, Bytes& out) {
  MessageWriter writer(out, version, emmg::kStreamStatus);
  writer.U32(emmg::kClientId, stream.client_id)
      .U16(emmg::kDataChannelId, stream.channel_id)
      .U16(emmg::kDataStreamId, stream.handle.stream_id)
      .U16(emmg::kDataId, stream.handle.data_id)
      .U8(emmg::kDataType, static_cast<uint8_t>(stream.handle.data_type));
  Finish(writer, emmg::kStreamStatus);
}

void MuxSession::SendAllocation(uint8_t version, const Stream& stream, bool with_bandwidth, Bytes& out) {
  MessageWriter writer(out, version, emmg::kStreamBwAllocation);
  writer.U32(emmg::kClientId, stream.client_id)
      .U16(emmg::kDataChannelId, stream.channel_id)
      .U16(emmg::kDataStreamId, stream.handle.stream_id);
  if (with_bandwidth) writer.U16(emmg::kBandwidth, stream.granted_kbps.value_or(0));
  Finish(writer, emmg::kStreamBwAllocation);
}

bool MuxSession::Finish(MessageWriter& writer, uint16_t type) {
  if (!writer.Finish()) return false;
  host_.OnSent(type);
  return true;
}

void MuxSession::ReleaseStream(const Channel& channel, Stream& stream) {
  host_.CloseStream(channel.handle, stream.handle);
  streams_.erase(streams_.begin() + (&stream - streams_.data()));
}

void MuxSession::ReleaseChannel(Channel& channel) {
  for (size_t i = streams_.size(); i-- > 0;) {
    if (streams_[i].channel_id == channel.handle.channel_id) ReleaseStream(channel, streams_[i]);
  }
  host_.CloseChannel(channel.handle);
  channels_.erase(channels_.begin() + (&channel - channels_.data()));
}

uint32_t MuxSession::GrantedElsewhere(const Stream& stream) const {
  uint32_t sum = 0;
  for (const Stream& other : streams_) {
    if (&other != &stream) sum += other.granted_kbps.value_or(0);
  }
  return sum;
}

MuxSession::Channel* MuxSession::FindChannel(uint32_t client_id, uint16_t channel_id) {
  Channel* channel = FindChannel(channel_id);
  return channel != nullptr && channel->handle.client_id == client_id ? channel : nullptr;
}

// data_channel_id is unique on the connection, whichever client uses it.
MuxSession::Channel* MuxSession::FindChannel(uint16_t channel_id) {
  const auto at = std::find_if(channels_.begin(), channels_.end(),
                               [channel_id](const Channel& c) { return c.handle.channel_id == channel_id; });
  return at != channels_.end() ? &*at : nullptr;
}

MuxSession::Stream* MuxSession::FindStream(uint32_t client_id, uint16_t channel_id, uint16_t stream_id) {
  Stream* stream = FindStream(channel_id, stream_id);
  return stream != nullptr && stream->client_id == client_id ? stream : nullptr;
}

MuxSession::Stream* MuxSession::FindStream(uint16_t channel_id, uint16_t stream_id) {
  const auto at = std::find_if(streams_.begin(), streams_.end(), [channel_id, stream_id](const Stream& s) {
    return s.channel_id == channel_id && s.handle.stream_id == stream_id;
  });
  return at != streams_.end() ? &*at : nullptr;
}

MuxSession::Stream* MuxSession::FindByDataId(uint32_t client_id, uint16_t data_id) {
  const auto at = std::find_if(streams_.begin(), streams_.end(), [client_id, data_id](const Stream& s) {
    return s.client_id == client_id && s.handle.data_id == data_id;
  });
  return at != streams_.end() ? &*at : nullptr;
}

}  // namespace hearth::simulcrypt
