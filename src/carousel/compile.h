// In which form a change of standing costs the least air time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "src/mpegts/packet.h"

namespace hearth::carousel {

inline constexpr uint32_t kStandingBytes = 24;  // 0x83, docs/messages.md
// 0x82 with so many cells.
constexpr uint32_t RecordBytes(size_t cells) { return static_cast<uint32_t>(86 + 3 * cells); }
inline constexpr uint32_t kRecordBytes = RecordBytes(32);
inline constexpr uint32_t kPairingBytes = 53;  // 0x88
// 0x84 with so many package keys.
constexpr uint32_t GroupBytes(size_t packages) { return static_cast<uint32_t>(63 + 18 * packages); }

// True: send the bitmap of the group once; false: a unique standing to each of `changed` of its members. Both
// say the same to an honest card; what is compared is air time, which in padded packing is a packet for
// either.
constexpr bool BitmapIsCheaper(size_t changed, uint32_t group_bytes, mpegts::Packing packing) {
  constexpr size_t kPayload = mpegts::kPacketBytes - mpegts::kPacketHeaderBytes;
  if (packing == mpegts::Packing::kPadded) return changed > (group_bytes + 1 + kPayload - 1) / kPayload;
  return changed * kStandingBytes > group_bytes;
}

// Packets that so many sections of so many bytes together need when they are packed; each may begin a packet,
// which costs the byte that says where.
constexpr uint64_t PackedPackets(uint64_t sections, uint64_t bytes) {
  constexpr uint64_t kPayload = mpegts::kPacketBytes - mpegts::kPacketHeaderBytes;
  return (bytes + sections + kPayload - 1) / kPayload;
}

// How long packets take when they have all of a rate. `kbps` is not 0.
constexpr double AirSeconds(uint64_t packets, uint32_t kbps) {
  return static_cast<double>(packets) * mpegts::kPacketBytes * 8 / (kbps * 1000.0);
}

}  // namespace hearth::carousel
