// Byte strings, the one bounds-checked reader and writer for all big-endian formats, and hexadecimal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/status.h"

namespace hearth {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsChars(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal without separators.
std::string ToHex(ByteView bytes);
// FIELD_INVALID on an odd length or a character that is no hexadecimal digit.
Result<Bytes> FromHex(std::string_view text);

// Reads big-endian fields from a view it does not own. After the first read past the end `ok()` is false,
// everything reads as zero, and nothing beyond the view is touched; check `ok()` once at the end.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  uint64_t U(size_t width);  // 1 to 8 bytes
  uint8_t U8() { return static_cast<uint8_t>(U(1)); }
  uint16_t U16() { return static_cast<uint16_t>(U(2)); }
  uint32_t U24() { return static_cast<uint32_t>(U(3)); }
  uint32_t U32() { return static_cast<uint32_t>(U(4)); }
  uint64_t U40() { return U(5); }
  uint64_t U56() { return U(7); }
  uint64_t U64() { return U(8); }
  ByteView Take(size_t count);
  template <size_t N>
  std::array<uint8_t, N> Array() {
    std::array<uint8_t, N> out{};
    ByteView part = Take(N);
    for (size_t i = 0; i < part.size(); ++i) out[i] = part[i];
    return out;
  }
  ByteView Rest() { return Take(remaining()); }

  size_t remaining() const { return bytes_.size() - at_; }
  size_t position() const { return at_; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && remaining() == 0; }

 private:
  ByteView bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

// Appends big-endian fields to a Bytes it owns.
class ByteWriter {
 public:
  ByteWriter() = default;
  explicit ByteWriter(size_t reserve) { out_.reserve(reserve); }

  ByteWriter& U(uint64_t value, size_t width);  // the low `width` bytes, 1 to 8
  ByteWriter& U8(uint64_t v) { return U(v, 1); }
  ByteWriter& U16(uint64_t v) { return U(v, 2); }
  ByteWriter& U24(uint64_t v) { return U(v, 3); }
  ByteWriter& U32(uint64_t v) { return U(v, 4); }
  ByteWriter& U40(uint64_t v) { return U(v, 5); }
  ByteWriter& U56(uint64_t v) { return U(v, 7); }
  ByteWriter& U64(uint64_t v) { return U(v, 8); }
  ByteWriter& Put(ByteView bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  // Overwrites `width` bytes at `offset`, which must have been written before.
  void PatchU(size_t offset, uint64_t value, size_t width);

  size_t size() const { return out_.size(); }
  const Bytes& bytes() const { return out_; }
  Bytes Take() && { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace hearth
