#include "tests/simulcrypt/wire.h"

#include <fmt/format.h>

namespace hearth::simulcrypt {

Bytes Hex(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c != ' ' && c != '\n') digits.push_back(c);
  }
  return FromHex(digits).value();
}

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// Not by MessageWriter, so that the two can be held against each other.
Bytes Message(uint16_t type, const Fields& fields, uint8_t version) {
  ByteWriter body;
  for (const auto& [parameter, hex] : fields) {
    const Bytes value = Hex(hex);
    body.U16(parameter).U16(value.size()).Put(value);
  }
  ByteWriter out;
  out.U8(version).U16(type).U16(body.size()).Put(body.bytes());
  return std::move(out).Take();
}

Fields SampleFields(const MessageSpec& spec) {
  Fields fields;
  for (const ParameterUse& use : spec.parameters) {
    const size_t bytes = use.parameter->max_bytes < 0xFFFF ? use.parameter->min_bytes
                                                           : std::max<size_t>(use.parameter->min_bytes, 5);
    const int times = use.max_count > 1 ? 2 : 1;
    for (int i = 0; i < times; ++i) {
      std::string hex;
      for (size_t b = 0; b + 1 < bytes; ++b) hex += "00";
      fields.emplace_back(use.parameter->type, hex + (i == 0 ? "01" : "02"));
    }
  }
  return fields;
}

std::string Describe(Interface interface, ByteView message) {
  const uint16_t type = static_cast<uint16_t>(message[1] << 8 | message[2]);
  std::string text = fmt::format("{} {}", message[0], MessageName(interface, type));
  ByteReader reader(message.subspan(kHeaderBytes));
  while (reader.remaining() > 0) {
    const uint16_t parameter = reader.U16();
    const ByteView value = reader.Take(reader.U16());
    std::string_view name = "unknown";
    for (const ParameterSpec& row : Parameters(interface)) {
      if (row.type == parameter) name = row.name;
    }
    text += fmt::format(" {}={}", name, ToHex(value));
  }
  return reader.ok() ? text : text + " BROKEN";
}

std::vector<std::string> DescribeAll(Interface interface, ByteView bytes) {
  std::vector<std::string> all;
  Framer framer(kHeaderBytes + kMaxBodyBytes);
  framer.Feed(bytes);
  while (const auto frame = framer.Next()) all.push_back(Describe(interface, frame->bytes));
  if (framer.buffered() != 0) all.emplace_back("UNFINISHED");
  return all;
}

EcmgError RecordingEcmg::OpenChannel(EcmgChannel& channel, ChannelParameters& out) {
  if (channel.super_cas_id != super_cas_id) return EcmgError::kUnknownSuperCasId;
  log.push_back(fmt::format("open channel {}", channel.channel_id));
  channel.ref = 1000U + channel.channel_id;
  out = parameters;
  ++open_channels;
  return EcmgError::kNone;
}

void RecordingEcmg::CloseChannel(const EcmgChannel& channel) {
  log.push_back(fmt::format("close channel {} ref {}", channel.channel_id, channel.ref));
  --open_channels;
}

EcmgError RecordingEcmg::OpenStream(const EcmgChannel& channel, EcmgStream& stream) {
  if (refuse_stream != EcmgError::kNone) return refuse_stream;
  if (stream.ecm_id > known_ecm_ids) return EcmgError::kUnknownEcmId;
  log.push_back(fmt::format("open stream {} {}", channel.ref, stream.stream_id));
  stream.criteria_in_each = criteria_in_each;
  stream.ref = 2000U + stream.stream_id;
  ++open_streams;
  return EcmgError::kNone;
}

void RecordingEcmg::CloseStream(const EcmgChannel& channel, const EcmgStream& stream) {
  log.push_back(fmt::format("close stream {} {} ref {}", channel.channel_id, stream.stream_id, stream.ref));
  --open_streams;
}

EcmgError RecordingEcmg::MakeEcm(const CwProvision& provision, Bytes& datagram) {
  criteria.push_back(provision.access_criteria ? ToHex(*provision.access_criteria) : "none");
  if (provision.criteria_changed) criteria.back() += "*";
  if (refuse_ecm != EcmgError::kNone) return refuse_ecm;
  if (datagram_bytes > 0) {
    datagram.resize(datagram_bytes);
    return EcmgError::kNone;
  }
  const auto put16 = [&datagram](uint16_t value) {
    datagram.push_back(static_cast<uint8_t>(value >> 8));
    datagram.push_back(static_cast<uint8_t>(value));
  };
  put16(provision.stream.ecm_id);
  put16(provision.cp_number);
  for (const CpCw& entry : provision.cws) datagram.insert(datagram.end(), entry.cw.begin(), entry.cw.end());
  if (provision.access_criteria) {
    datagram.insert(datagram.end(), provision.access_criteria->begin(), provision.access_criteria->end());
  }
  return EcmgError::kNone;
}

Bytes Section(size_t bytes, uint8_t fill) {
  Bytes section(bytes, fill);
  section[0] = 0x82;
  section[1] = static_cast<uint8_t>(0x70 | (bytes - 3) >> 8);
  section[2] = static_cast<uint8_t>(bytes - 3);
  return section;
}

}  // namespace hearth::simulcrypt
