#include "src/mpegts/section.h"

#include <algorithm>
#include <string>

namespace hearth::mpegts {
namespace {

// section_syntax_indicator 0, private_indicator 1, reserved 11.
constexpr unsigned kFlags = 0x7000;
constexpr unsigned kFlagMask = 0xF000;
constexpr unsigned kLengthMask = 0x0FFF;

Error Malformed(std::string rule) { return Error(Reason::kSectionMalformed, std::move(rule)); }

}  // namespace

Status BeginSection(ByteWriter& out, uint8_t table_id, size_t total_bytes, size_t limit) {
  limit = std::min(limit, kMaxSectionBytes);
  if (total_bytes > limit) {
    return Error(Reason::kSectionTooLong, "a section of " + std::to_string(total_bytes) + " bytes; at most " +
                                              std::to_string(limit) + " fit");
  }
  out.U8(table_id).U16(kFlags | (total_bytes - kSectionHeaderBytes));
  return Ok();
}

Result<ParsedHeader> ReadHeader(ByteView bytes) {
  ByteReader in(bytes);
  const uint8_t table_id = in.U8();
  const unsigned word = in.U16();
  if (!in.ok()) return Error(Reason::kSectionTruncated, "a section header has 3 bytes");
  if ((word & kFlagMask) != kFlags) return Malformed("the second byte of a short private section is 7x");
  const size_t total = kSectionHeaderBytes + (word & kLengthMask);
  if (total == kSectionHeaderBytes) return Malformed("a section has at least its suite byte");
  if (total > kMaxSectionBytes) return Malformed("a section has at most 256 bytes");
  return ParsedHeader{table_id, total};
}

Result<uint8_t> CheckWhole(ByteView section) {
  HEARTH_ASSIGN_OR_RETURN(const ParsedHeader header, ReadHeader(section));
  if (section.size() < header.total_bytes) {
    return Error(Reason::kSectionTruncated, std::to_string(section.size()) + " of " +
                                                std::to_string(header.total_bytes) + " bytes are there");
  }
  if (section.size() > header.total_bytes) return Malformed("bytes follow the section");
  return header.table_id;
}

Status SectionSplitter::Push(ByteView bytes, const Sink& sink) {
  while (!broken_ && !bytes.empty()) {
    // First the header, then as much as it says; what is already held is a prefix of one section.
    size_t wanted = kSectionHeaderBytes;
    if (held_ >= kSectionHeaderBytes) {
      const auto header = ReadHeader(ByteView(partial_).first(held_));
      if (!header) {
        broken_ = true;
        break;
      }
      wanted = header->total_bytes;
    }
    const size_t part = std::min(wanted - held_, bytes.size());
    std::copy_n(bytes.begin(), part, partial_.begin() + static_cast<ptrdiff_t>(held_));
    held_ += part;
    bytes = bytes.subspan(part);
    if (held_ == wanted && wanted > kSectionHeaderBytes) {
      held_ = 0;
      sink(ByteView(partial_).first(wanted));
    }
  }
  // A header that ends with the bytes pushed is judged now, not at the next push.
  if (held_ >= kSectionHeaderBytes && !ReadHeader(ByteView(partial_).first(held_))) broken_ = true;
  if (broken_) return Malformed("the stream has no section header where one must be");
  return Ok();
}

Status SectionSplitter::Finish() const {
  if (broken_) return Malformed("the stream has no section header where one must be");
  if (held_ == 0) return Ok();
  return Error(Reason::kSectionTruncated,
               "the stream ended after " + std::to_string(held_) + " bytes of a section");
}

}  // namespace hearth::mpegts
