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

}  // namespace hearth::carousel
