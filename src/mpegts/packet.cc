#include "src/mpegts/packet.h"

#include <algorithm>

namespace hearth::mpegts {
namespace {

constexpr size_t kPayloadBytes = kPacketBytes - kPacketHeaderBytes;
constexpr size_t kPayloadAfterPointer = kPayloadBytes - 1;
constexpr size_t kMinSectionBytes = 3;
constexpr size_t kMaxLongSectionBytes = 4096;
constexpr uint8_t kStuffing = 0xFF;

Packet MakeNullPacket() {
  Packet packet;
  packet.fill(kStuffing);
  packet[0] = kSyncByte;
  SetPid(packet, kNullPid);
  packet[1] = packet[1] & 0x1F;
  packet[3] = 0x10;
  return packet;
}

}  // namespace

std::optional<PacketHeader> ReadPacketHeader(ByteView packet) {
  if (packet.size() != kPacketBytes || packet[0] != kSyncByte) return std::nullopt;
  PacketHeader header;
  header.error = (packet[1] & 0x80) != 0;
  header.unit_start = (packet[1] & 0x40) != 0;
  header.pid = Pid(static_cast<uint16_t>((packet[1] & 0x1F) << 8 | packet[2]));
  header.scrambling = packet[3] >> 6;
  header.continuity = packet[3] & 0x0F;
  header.has_adaptation = (packet[3] & 0x20) != 0;
  const bool has_payload = (packet[3] & 0x10) != 0;
  if (!header.has_adaptation && !has_payload) return std::nullopt;
  size_t at = kPacketHeaderBytes;
  if (header.has_adaptation) at += 1U + packet[kPacketHeaderBytes];
  if (at > kPacketBytes) return std::nullopt;
  if (has_payload) header.payload_at = at;
  return header;
}

void SetScrambling(Packet& packet, uint8_t control) {
  packet[3] = static_cast<uint8_t>((packet[3] & 0x3F) | control << 6);
}

void SetContinuity(Packet& packet, uint8_t counter) {
  packet[3] = static_cast<uint8_t>((packet[3] & 0xF0) | (counter & 0x0F));
}

void SetPid(Packet& packet, Pid pid) {
  packet[1] = static_cast<uint8_t>((packet[1] & 0xE0) | (pid.value >> 8 & 0x1F));
  packet[2] = static_cast<uint8_t>(pid.value);
}

const Packet& NullPacket() {
  static const Packet packet = MakeNullPacket();
  return packet;
}

Status Packetiser::Add(ByteView section, std::vector<Packet>* out) {
  if (section.size() < kMinSectionBytes || section.size() > kMaxLongSectionBytes) {
    return Error(Reason::kSectionMalformed, "a section has 3 to 4096 bytes");
  }
  starts_.push_back(waiting_.size());
  waiting_.insert(waiting_.end(), section.begin(), section.end());
  Emit(packing_ == Packing::kPadded, out);
  return Ok();
}

void Packetiser::Flush(std::vector<Packet>* out) { Emit(true, out); }

Status Packetiser::AddPacket(ByteView packet, std::vector<Packet>* out) {
  const auto header = ReadPacketHeader(packet);
  if (!header) return Error(Reason::kSectionMalformed, "it is no transport packet");
  Flush(out);
  Packet own;
  std::copy(packet.begin(), packet.end(), own.begin());
  SetPid(own, pid_);
  // A packet without payload repeats the counter of the one before.
  SetContinuity(own, header->payload_bytes() > 0 ? continuity_++ : static_cast<uint8_t>(continuity_ - 1));
  out->push_back(own);
  return Ok();
}

void Packetiser::Emit(bool flush, std::vector<Packet>* out) {
  while (!waiting_.empty()) {
    const size_t first = starts_.empty() ? waiting_.size() : starts_.front();
    if (!starts_.empty() && first < kPayloadAfterPointer) {
      // A section starts in this packet: a pointer_field says where.
      if (waiting_.size() < kPayloadAfterPointer && !flush) return;
      EmitOne(std::min(waiting_.size(), kPayloadAfterPointer), first, out);
    } else {
      // Only the rest of a section; one that starts at the last byte would have no room for the pointer.
      const bool boundary = !starts_.empty() && first == kPayloadAfterPointer;
      const size_t count = boundary ? kPayloadAfterPointer : std::min(waiting_.size(), kPayloadBytes);
      if (count < kPayloadBytes && !boundary && !flush) return;
      EmitOne(count, std::nullopt, out);
    }
  }
}

void Packetiser::EmitOne(size_t count, std::optional<size_t> pointer, std::vector<Packet>* out) {
  Packet packet;
  packet.fill(kStuffing);
  packet[0] = kSyncByte;
  packet[1] = pointer ? 0x40 : 0x00;
  packet[2] = 0;
  packet[3] = 0x10;
  SetPid(packet, pid_);
  SetContinuity(packet, continuity_++);
  size_t at = kPacketHeaderBytes;
  if (pointer) packet[at++] = static_cast<uint8_t>(*pointer);
  std::copy_n(waiting_.begin(), count, packet.begin() + static_cast<ptrdiff_t>(at));
  out->push_back(packet);

  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(count));
  const auto later = std::find_if(starts_.begin(), starts_.end(), [&](size_t s) { return s >= count; });
  starts_.erase(starts_.begin(), later);
  for (size_t& start : starts_) start -= count;
}

}  // namespace hearth::mpegts
