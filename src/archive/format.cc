#include "src/archive/format.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace hearth::archive {
namespace {

constexpr std::string_view kMagic = "HEARTHAR";
constexpr std::string_view kSuffix = ".archive";
constexpr size_t kBeforeRest = 14;

std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
    table[i] = value;
  }
  return table;
}

Error Damaged(std::string_view what) {
  return Error(Reason::kArchiveDamaged, fmt::format("the header of the segment {}", what));
}

}  // namespace

uint32_t Checksum(ByteView bytes) {
  static const std::array<uint32_t, 256> table = MakeTable();
  uint32_t crc = ~0U;
  for (const uint8_t byte : bytes) crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8);
  crc = ~crc;
  return crc == 0 ? 1 : crc;
}

Bytes EncodeHeader(const Header& header) {
  ByteWriter rest;
  rest.U64(header.number).U64(static_cast<uint64_t>(header.created_ms)).Put(header.identity.key_check);
  rest.U16(header.tails.empty() ? 0 : header.tails.begin()->first);
  rest.U16(header.tails.empty() ? 0 : header.tails.rbegin()->first);
  rest.U8(static_cast<uint8_t>(header.identity.site.size())).Put(AsBytes(header.identity.site));
  rest.U16(static_cast<uint16_t>(header.tails.size()));
  for (const auto& [bucket, tail] : header.tails) rest.U16(bucket).U64(tail.sequence).U32(tail.checksum);
  ByteWriter out;
  out.Put(AsBytes(kMagic)).U16(kFormatVersion).U32(static_cast<uint32_t>(rest.size())).Put(rest.bytes());
  out.U32(Checksum(out.bytes()));
  return std::move(out).Take();
}

void AppendFrame(const Change& change, Bytes& out) {
  ByteWriter body;
  body.U16(change.bucket).U64(change.sequence);
  body.U8(static_cast<uint8_t>(change.seal.size())).Put(change.seal);
  body.U32(static_cast<uint32_t>(change.record.size())).Put(AsBytes(change.record));
  body.Put(AsBytes(change.audit));
  ByteWriter head(kFrameHead);
  head.U32(static_cast<uint32_t>(body.size())).U32(Checksum(body.bytes()));
  out.insert(out.end(), head.bytes().begin(), head.bytes().end());
  out.insert(out.end(), body.bytes().begin(), body.bytes().end());
}

Result<Header> DecodeHeader(ByteView bytes, size_t& used) {
  ByteReader reader(bytes);
  const ByteView magic = reader.Take(kMagic.size());
  if (!reader.ok() || AsChars(magic) != kMagic) return Damaged("does not begin with HEARTHAR");
  const uint16_t version = reader.U16();
  const uint32_t rest_bytes = reader.U32();
  if (reader.ok() && version != kFormatVersion) {
    return Damaged(fmt::format("is of version {}, which this program does not know", version));
  }
  const size_t end = kBeforeRest + size_t{rest_bytes};
  if (!reader.ok() || rest_bytes > kMaxHeaderBytes || end + 4 > bytes.size()) return Damaged("is cut off");
  ByteReader sum(bytes.subspan(end, 4));
  if (sum.U32() != Checksum(bytes.first(end))) return Damaged("has a wrong checksum");
  ByteReader rest(bytes.subspan(kBeforeRest, rest_bytes));
  Header header;
  header.number = rest.U64();
  header.created_ms = static_cast<int64_t>(rest.U64());
  header.identity.key_check = rest.Array<8>();
  (void)rest.U32();  // first and last bucket: told by the table, too
  header.identity.site = std::string(AsChars(rest.Take(rest.U8())));
  const uint16_t count = rest.U16();
  for (size_t i = 0; i < count && rest.ok(); ++i) {
    const uint16_t bucket = rest.U16();
    header.tails[bucket].sequence = rest.U64();
    header.tails[bucket].checksum = rest.U32();
  }
  if (!rest.done() || header.tails.size() != count) return Damaged("does not hold together");
  used = end + 4;
  return header;
}

Frame DecodeFrame(ByteView bytes) {
  if (bytes.empty()) return {.state = FrameState::kEnd};
  const auto torn = [&] { return Frame{.state = FrameState::kTorn}; };
  if (std::all_of(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(std::min<size_t>(bytes.size(), 4096)),
                  [](uint8_t byte) { return byte == 0; })) {
    const bool zeros = std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
    return zeros ? torn() : Frame{.state = FrameState::kDamaged};
  }
  ByteReader reader(bytes);
  const uint32_t length = reader.U32();
  const uint32_t checksum = reader.U32();
  if (!reader.ok()) return torn();
  if (length > kMaxBodyBytes) return {.state = FrameState::kDamaged};
  const ByteView body = reader.Take(length);
  if (!reader.ok()) return torn();
  Frame frame{.state = FrameState::kDamaged, .bytes = kFrameHead + length};
  if (Checksum(body) != checksum) return frame;
  ByteReader in(body);
  frame.change.bucket = in.U16();
  frame.change.sequence = in.U64();
  const ByteView seal = in.Take(in.U8());
  frame.change.seal.assign(seal.begin(), seal.end());
  frame.change.record = std::string(AsChars(in.Take(in.U32())));
  frame.change.audit = std::string(AsChars(in.Rest()));
  if (in.ok() && frame.change.sequence > 0) frame.state = FrameState::kWhole;
  return frame;
}

std::string SegmentName(uint64_t number) { return fmt::format("{:010}{}", number, kSuffix); }

std::optional<uint64_t> SegmentNumber(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || name.size() < 10) return std::nullopt;
  return number;
}

}  // namespace hearth::archive
