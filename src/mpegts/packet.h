// Transport packets (ISO/IEC 13818-1, 2.4.3.2) and putting sections into them (2.4.4):
//
//   sync_byte 8 (0x47) ‖ transport_error_indicator 1 ‖ payload_unit_start_indicator 1 ‖ transport_priority 1
//   ‖ PID 13 ‖ transport_scrambling_control 2 ‖ adaptation_field_control 2 ‖ continuity_counter 4 ‖
//   [adaptation_field_length 8 ‖ adaptation field] ‖ payload
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::mpegts {

inline constexpr size_t kPacketBytes = 188;
inline constexpr size_t kPacketHeaderBytes = 4;
inline constexpr uint8_t kSyncByte = 0x47;

// 13 bits.
using Pid = StrongInt<struct PidTag, uint16_t>;
inline constexpr Pid kPatPid{0x0000};
inline constexpr Pid kCatPid{0x0001};
inline constexpr Pid kNullPid{0x1FFF};

using Packet = std::array<uint8_t, kPacketBytes>;

// Values of transport_scrambling_control (ETSI TS 100 289).
inline constexpr uint8_t kClear = 0;
inline constexpr uint8_t kEvenKey = 2;
inline constexpr uint8_t kOddKey = 3;

struct PacketHeader {
  bool error = false;
  bool unit_start = false;
  Pid pid;
  uint8_t scrambling = kClear;
  uint8_t continuity = 0;
  size_t payload_at = kPacketBytes;  // offset of the payload; kPacketBytes: the packet has none
  bool has_adaptation = false;

  size_t payload_bytes() const { return kPacketBytes - payload_at; }
};

// Nothing when it is no packet: length, sync byte, an adaptation field that is too long, or neither field.
std::optional<PacketHeader> ReadPacketHeader(ByteView packet);

void SetScrambling(Packet& packet, uint8_t control);
void SetContinuity(Packet& packet, uint8_t counter);
void SetPid(Packet& packet, Pid pid);

// A null packet: PID 0x1FFF, a payload of 0xFF.
const Packet& NullPacket();

// How sections lie in packets. Padded: each starts a packet, the rest of its last one is 0xFF. Packed: they
// follow each other, so that a packet may hold several.
enum class Packing : uint8_t { kPadded, kPacked };

// Air time of one section sent padded, in packets.
constexpr size_t PaddedPackets(size_t section_bytes) {
  return (section_bytes + 1 + kPacketBytes - kPacketHeaderBytes - 1) / (kPacketBytes - kPacketHeaderBytes);
}

// The packets of one PID; keeps its continuity counter. One thread.
class Packetiser {
 public:
  Packetiser(Pid pid, Packing packing) : pid_(pid), packing_(packing) {}

  // Appends the packets that `section` (3 to 4096 bytes, not looked into) completes. SECTION_MALFORMED for
  // any other length.
  Status Add(ByteView section, std::vector<Packet>* out);
  // Packed: fills up what waits for more sections and hands it out. Padded: nothing ever waits.
  void Flush(std::vector<Packet>* out);
  // A whole packet made by others: takes this PID and its continuity counter. What waits is flushed first.
  Status AddPacket(ByteView packet, std::vector<Packet>* out);

  // Bytes of sections that are in no packet yet.
  size_t waiting() const { return waiting_.size(); }

 private:
  void Emit(bool flush, std::vector<Packet>* out);
  void EmitOne(size_t count, std::optional<size_t> pointer, std::vector<Packet>* out);

  Pid pid_;
  Packing packing_;
  uint8_t continuity_ = 0;
  Bytes waiting_;
  std::vector<size_t> starts_;  // offsets in waiting_ where sections start, ascending
};

}  // namespace hearth::mpegts
