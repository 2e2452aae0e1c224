#include "src/base/bytes.h"

#include <cassert>

#include "src/base/hex_digit.h"

namespace hearth {
std::string ToHex(ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (uint8_t b : bytes) {
    out.push_back(kDigits[b >> 4]);
    out.push_back(kDigits[b & 15]);
  }
  return out;
}

Result<Bytes> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) return InvalidField("hex", "an even number of hexadecimal digits");
  Bytes out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return InvalidField("hex", "only the digits 0 to 9 and a to f");
    out.push_back(static_cast<uint8_t>(high << 4 | low));
  }
  return out;
}

uint64_t ByteReader::U(size_t width) {
  assert(width >= 1 && width <= 8);
  uint64_t value = 0;
  for (uint8_t b : Take(width)) value = value << 8 | b;
  return value;
}

ByteView ByteReader::Take(size_t count) {
  if (!ok_ || count > remaining()) {
    ok_ = false;
    at_ = bytes_.size();
    return {};
  }
  ByteView part = bytes_.subspan(at_, count);
  at_ += count;
  return part;
}

ByteWriter& ByteWriter::U(uint64_t value, size_t width) {
  assert(width >= 1 && width <= 8);
  for (size_t i = width; i-- > 0;) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
  return *this;
}

void ByteWriter::PatchU(size_t offset, uint64_t value, size_t width) {
  assert(offset + width <= out_.size());
  for (size_t i = 0; i < width; ++i) {
    out_[offset + i] = static_cast<uint8_t>(value >> (8 * (width - 1 - i)));
  }
}

}  // namespace hearth
