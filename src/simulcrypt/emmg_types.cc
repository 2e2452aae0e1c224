#include "src/simulcrypt/emmg_types.h"

namespace hearth::simulcrypt {
namespace {

constexpr size_t kTsPacketBytes = 188;
constexpr uint8_t kTsSyncByte = 0x47;

}  // namespace

bool WriteDataProvision(Bytes& out, uint8_t version, const DataAddress& address,
                        std::span<const ByteView> datagrams, size_t max_message_bytes) {
  size_t total = DataProvisionBytes(address);
  for (const ByteView datagram : datagrams) total += kParameterHeaderBytes + datagram.size();
  if (datagrams.empty() || total > max_message_bytes) return false;
  MessageWriter writer(out, version, emmg::kDataProvision);
  writer.U32(emmg::kClientId, address.client_id);
  if (address.channel_id) writer.U16(emmg::kDataChannelId, *address.channel_id);
  if (address.stream_id) writer.U16(emmg::kDataStreamId, *address.stream_id);
  writer.U16(emmg::kDataId, address.data_id);
  for (const ByteView datagram : datagrams) writer.Put(emmg::kDatagram, datagram);
  return writer.Finish();
}

size_t DataProvisionBytes(const DataAddress& address) {
  const size_t ids = 1 + (address.channel_id ? 1 : 0) + (address.stream_id ? 1 : 0);
  return kHeaderBytes + kParameterHeaderBytes + sizeof(uint32_t) +
         ids * (kParameterHeaderBytes + sizeof(uint16_t));
}

bool AreTsPackets(ByteView datagram) {
  if (datagram.empty() || datagram.size() % kTsPacketBytes != 0) return false;
  for (size_t at = 0; at < datagram.size(); at += kTsPacketBytes) {
    if (datagram[at] != kTsSyncByte) return false;
  }
  return true;
}

bool AreSections(ByteView datagram) {
  if (datagram.empty()) return false;
  while (!datagram.empty()) {
    if (datagram.size() < 3) return false;
    const size_t total = 3 + (static_cast<size_t>(datagram[1] & 0x0F) << 8 | datagram[2]);
    if (total > datagram.size()) return false;
    datagram = datagram.subspan(total);
  }
  return true;
}

}  // namespace hearth::simulcrypt
