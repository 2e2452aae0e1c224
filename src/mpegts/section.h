// Short private sections (ISO/IEC 13818-1, 2.4.4.11) as docs/messages.md section 4 uses them, without CRC:
//
//   table_id 8 ‖ section_syntax_indicator 1 (0) ‖ private_indicator 1 (1) ‖ reserved 2 (11) ‖
//   section_length 12 (bytes that follow) ‖ those bytes
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::mpegts {

inline constexpr size_t kSectionHeaderBytes = 3;
// The longest section a receiver takes, header included (hardware section filters, DVB).
inline constexpr size_t kMaxSectionBytes = 256;
// What one transport packet carries of a section that starts in it: 188 less 4 header, 1 pointer.
inline constexpr size_t kPacketPayloadBytes = 183;

// Writes the header of a section of `total_bytes`, header included, which the caller then completes.
// SECTION_TOO_LONG when that is more than `limit`.
Status BeginSection(ByteWriter& out, uint8_t table_id, size_t total_bytes,
                    size_t limit = kPacketPayloadBytes);

struct ParsedHeader {
  uint8_t table_id;
  size_t total_bytes;  // header included
};
// Reads the first 3 bytes. SECTION_TRUNCATED when there are fewer; SECTION_MALFORMED when the bits are not
// those above, nothing follows, or the section would be longer than 256 bytes.
Result<ParsedHeader> ReadHeader(ByteView bytes);

// Checks that `section` is exactly one whole section and returns its table_id. Also SECTION_TRUNCATED when
// bytes are missing, SECTION_MALFORMED when bytes trail.
Result<uint8_t> CheckWhole(ByteView section);

// Cuts a byte stream (file, pipe, socket) into sections. Holds at most one unfinished section. Sections
// without packets around them have no mark to look for, so a bad header ends the stream for good.
// One thread at a time.
class SectionSplitter {
 public:
  using Sink = std::function<void(ByteView section)>;

  // Calls `sink` for each section that `bytes` completes, in order; the view is valid during the call only.
  // SECTION_MALFORMED at a bad header, and again at every later call.
  Status Push(ByteView bytes, const Sink& sink);
  // At the end of the stream: SECTION_TRUNCATED when it ended inside a section.
  Status Finish() const;

 private:
  std::array<uint8_t, kMaxSectionBytes> partial_{};
  size_t held_ = 0;
  bool broken_ = false;
};

}  // namespace hearth::mpegts
