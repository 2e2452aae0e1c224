// CRC-32/MPEG-2, the check of long sections (ISO/IEC 13818-1, annex A): polynomial 0x04C11DB7, initial value
// all ones, nothing reflected, no final exclusive or. Over a whole section, CRC field included, it is 0. Any
// thread.
#pragma once

#include <cstdint>

#include "src/base/bytes.h"

namespace hearth::mpegts {

uint32_t Crc32(ByteView bytes);

}  // namespace hearth::mpegts
