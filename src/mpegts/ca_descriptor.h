// CA_descriptor (ISO/IEC 13818-1, 2.6.16), which tells a receiver where the messages of a CA system are: in a
// CAT the PID of its EMMs, in a PMT that of the ECMs.
//
//   descriptor_tag 8 (0x09) ‖ descriptor_length 8 ‖ CA_system_ID 16 ‖ reserved 3 (111) ‖ CA_PID 13 ‖
//   private bytes; Hearth's own are one byte, the suite (docs/messages.md)
#pragma once

#include <cstdint>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/mpegts/packet.h"

namespace hearth::mpegts {

inline constexpr uint8_t kCaDescriptorTag = 0x09;
// A descriptor_length is one byte; 4 of what it counts are not private.
inline constexpr size_t kMaxCaPrivateBytes = 251;

struct CaDescriptor {
  uint16_t system_id = 0;
  Pid pid;
  Bytes private_bytes;

  bool operator==(const CaDescriptor&) const = default;
};

// FIELD_INVALID when the PID has more than 13 bits or there are too many private bytes.
Result<Bytes> EncodeCaDescriptor(const CaDescriptor& descriptor);

}  // namespace hearth::mpegts
