#include "tools/ts/sections.h"

#include <algorithm>

namespace hearth::ts {
namespace {

constexpr size_t kHeaderBytes = 3;
constexpr uint8_t kStuffing = 0xFF;

}  // namespace

void SectionAssembler::Drop() {
  if (in_section_) ++lost_;
  in_section_ = false;
  partial_.clear();
}

void SectionAssembler::Push(const Packet& packet, const Sink& sink) {
  const auto header = mpegts::ReadPacketHeader(packet);
  if (!header || header->error || header->scrambling != mpegts::kClear || header->payload_bytes() == 0)
    return;
  if (last_continuity_ == header->continuity) return;
  if (last_continuity_ && ((*last_continuity_ + 1) & 0x0F) != header->continuity) Drop();
  last_continuity_ = header->continuity;

  ByteView payload = ByteView(packet).subspan(header->payload_at);
  if (!header->unit_start) {
    if (in_section_) Append(payload, sink);
    return;
  }
  const size_t pointer = payload[0];
  payload = payload.subspan(1);
  if (pointer > payload.size()) return Drop();
  if (in_section_) Append(payload.first(pointer), sink);
  Drop();  // what the bytes before the pointer did not finish
  in_section_ = true;
  Append(payload.subspan(pointer), sink);
}

void SectionAssembler::Append(ByteView bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (partial_.empty() && bytes[0] == kStuffing) break;
    size_t wanted = kHeaderBytes;
    if (partial_.size() >= kHeaderBytes) wanted += (partial_[1] & 0x0FU) << 8 | partial_[2];
    const size_t part = std::min(wanted - partial_.size(), bytes.size());
    partial_.insert(partial_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(part));
    bytes = bytes.subspan(part);
    if (partial_.size() < kHeaderBytes) return;
    if (partial_.size() == kHeaderBytes + ((partial_[1] & 0x0FU) << 8 | partial_[2])) {
      sink(partial_);
      partial_.clear();
    }
  }
  // Another section begins in this payload only where a pointer_field or the section before it says so.
  if (partial_.empty()) in_section_ = false;
}

void PacketReader::Add(ByteView bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(at_));
  at_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<Packet> PacketReader::Next() {
  while (pending() >= mpegts::kPacketBytes) {
    const bool sync = buffer_[at_] == mpegts::kSyncByte;
    // Out of step only where two in a row are wrong: the next sync byte decides once it is there.
    const size_t next = at_ + mpegts::kPacketBytes;
    if (sync && (next >= buffer_.size() || buffer_[next] == mpegts::kSyncByte)) {
      Packet packet;
      std::copy_n(buffer_.begin() + static_cast<ptrdiff_t>(at_), packet.size(), packet.begin());
      at_ = next;
      return packet;
    }
    ++at_;
    ++skipped_;
  }
  return std::nullopt;
}

}  // namespace hearth::ts
