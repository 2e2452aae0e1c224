// The archive of change records: numbered files (segments) in one directory, only ever appended to.
// Big-endian. docs/archive.md describes the same for readers.
//
//   segment = header frame*
//   header  = "HEARTHAR" ‖ [format version, 1]2 ‖ [bytes of rest]4 ‖ rest ‖ [CRC-32C of all before it]4
//   rest    = number 8 ‖ created 8, ms since 1970 ‖ check value of the site's master key 8
//             ‖ [first bucket]2 ‖ [last bucket]2 ‖ [length]1 ‖ name of the site
//             ‖ [count]2 ‖ count × (bucket 2 ‖ sequence 8 ‖ checksum 4), ascending by bucket
//   frame   = [bytes of body]4 ‖ [CRC-32C of body]4 ‖ body
//   body    = bucket 2 ‖ sequence 8 ‖ [length]1 ‖ seal ‖ [length]4 ‖ change record ‖ audit entry (may be
//   empty)
//
// The table of a header says up to which sequence each bucket has been archived before this segment, with the
// CRC-32C of the change record there; checksum 0: that record itself was never archived. So the newest
// segment alone tells where the archive ends. Frames lie in the order of the commits, over all buckets: a
// tail that is cut off takes away the newest changes of the site and leaves no change without what it rests
// on.
//
// Record, audit entry and seal are opaque here; src/app makes and checks the seal.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::archive {

inline constexpr uint16_t kFormatVersion = 1;
// A commit is at most some MB (Limits::cells_per_list); beyond this a length is no length.
inline constexpr size_t kMaxBodyBytes = size_t{64} << 20;
inline constexpr size_t kMaxHeaderBytes = size_t{1} << 20;
inline constexpr size_t kFrameHead = 8;

struct Change {
  uint16_t bucket = 0;
  uint64_t sequence = 0;
  Bytes seal;  // at most 255 bytes
  std::string record;
  std::string audit;

  bool operator==(const Change&) const = default;
};

// Where a bucket ends.
struct Tail {
  uint64_t sequence = 0;
  uint32_t checksum = 0;  // of the change record there; 0: not known

  bool operator==(const Tail&) const = default;
};
using Tails = std::map<uint16_t, Tail>;

// Whose archive it is.
struct Identity {
  std::string site;  // at most 255 bytes
  std::array<uint8_t, 8> key_check{};

  bool operator==(const Identity&) const = default;
};

struct Header {
  uint64_t number = 0;
  int64_t created_ms = 0;
  Identity identity;
  Tails tails;

  bool operator==(const Header&) const = default;
};

// CRC-32C (Castagnoli, RFC 3720 appendix B.4), never 0: a sum of 0 is given as 1.
uint32_t Checksum(ByteView bytes);
inline uint32_t Checksum(std::string_view bytes) { return Checksum(AsBytes(bytes)); }

Bytes EncodeHeader(const Header& header);
void AppendFrame(const Change& change, Bytes& out);

// ARCHIVE_DAMAGED for anything that EncodeHeader does not make; `used` becomes its length.
Result<Header> DecodeHeader(ByteView bytes, size_t& used);

// One look at the bytes from the beginning of a frame to the end of the file.
enum class FrameState : uint8_t {
  kWhole,
  kEnd,      // no byte left
  kTorn,     // the file ends inside the frame, or in zeros: an append was cut off
  kDamaged,  // the checksum is wrong, or the length is none
};
struct Frame {
  FrameState state = FrameState::kEnd;
  size_t bytes = 0;  // to the next frame; 0 where that cannot be told
  Change change;     // kWhole
};
Frame DecodeFrame(ByteView bytes);

// "0000000007.archive", and back.
std::string SegmentName(uint64_t number);
std::optional<uint64_t> SegmentNumber(std::string_view name);

}  // namespace hearth::archive
