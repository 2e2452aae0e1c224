#include "src/carousel/pacer.h"

#include <algorithm>

namespace hearth::carousel {
namespace {

using mpegts::kPacketBytes;

constexpr size_t kPayloadBytes = kPacketBytes - mpegts::kPacketHeaderBytes;

}  // namespace

size_t AirMeter::Room() const {
  if (pointed_) return left_;
  return left_ > 1 ? left_ - 1 : 0;  // its pointer_field
}

double AirBytes(size_t section_bytes, Packing packing) {
  const size_t bytes = section_bytes + 1;
  if (packing == Packing::kPadded) {
    return static_cast<double>((bytes + kPayloadBytes - 1) / kPayloadBytes * mpegts::kPacketBytes);
  }
  return static_cast<double>(bytes * mpegts::kPacketBytes) / kPayloadBytes;
}

size_t AirMeter::PacketsFor(size_t section_bytes) const {
  const size_t room = Room();
  if (section_bytes <= room) return 0;
  // The packets that follow one with the beginning of a section need no pointer_field for its rest.
  const size_t wanted = room > 0 ? section_bytes - room : section_bytes + 1;
  return (wanted + kPayloadBytes - 1) / kPayloadBytes;
}

void AirMeter::Take(size_t section_bytes) {
  if (packing_ == Packing::kPadded) return;
  const size_t room = Room();
  if (section_bytes <= room) {
    left_ = room - section_bytes;
    pointed_ = true;
    return;
  }
  const size_t wanted = room > 0 ? section_bytes - room : section_bytes + 1;
  pointed_ = room == 0 && wanted <= kPayloadBytes;
  left_ = (kPayloadBytes - wanted % kPayloadBytes) % kPayloadBytes;
}

void Pacer::SetRate(uint32_t kbps, Time now) {
  kbps_ = kbps;
  free_at_ = std::max(free_at_, now);
}

size_t Pacer::Take(size_t section_bytes, Time now) {
  if (free_at_ + burst_ < now) meter_.Flush();
  const size_t packets = meter_.PacketsFor(section_bytes);
  meter_.Take(section_bytes);
  TakePackets(packets, now);
  return packets;
}

void Pacer::TakePackets(size_t packets, Time now) {
  free_at_ = std::max(free_at_, now - burst_);  // air that was let idle longer than a burst is gone
  if (kbps_ == 0) return;
  // bits / (kbit/s) is milliseconds.
  free_at_ += Time(static_cast<int64_t>(packets * kPacketBytes * 8) * 1'000'000 / kbps_);
}

}  // namespace hearth::carousel
