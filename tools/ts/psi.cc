#include "tools/ts/psi.h"

#include <string>

#include "src/mpegts/crc32.h"

namespace hearth::ts {
namespace {

constexpr size_t kHeadBytes = 8;
constexpr size_t kCrcBytes = 4;
constexpr size_t kMaxPsiBytes = 1024;
constexpr unsigned kPidMask = 0x1FFF;
constexpr unsigned kReservedPid = 0xE000;
constexpr unsigned kLengthMask = 0x0FFF;
constexpr unsigned kReservedLength = 0xF000;

struct LongSection {
  TableHead head;
  ByteView body;
};

Error Malformed(std::string rule) { return Error(Reason::kSectionMalformed, std::move(rule)); }

Result<LongSection> ReadLong(ByteView section, uint8_t table_id) {
  ByteReader in(section);
  const uint8_t id = in.U8();
  const unsigned word = in.U16();
  if (!in.ok()) return Error(Reason::kSectionTruncated, "a section header has 3 bytes");
  if (id != table_id) return Error(Reason::kSectionUnknownTable, "it is another table");
  if ((word & 0x8000) == 0) return Malformed("a PSI table has the long form");
  const size_t total = 3 + (word & kLengthMask);
  if (section.size() < total) return Error(Reason::kSectionTruncated, "the section is cut off");
  if (section.size() > total || total < kHeadBytes + kCrcBytes) return Malformed("its length is wrong");
  if (mpegts::Crc32(section) != 0) return Error(Reason::kSectionNotAuthentic, "the CRC is wrong");
  LongSection out;
  out.head.extension = in.U16();
  const uint8_t version = in.U8();
  out.head.version = version >> 1 & 0x1F;
  out.head.current = (version & 1) != 0;
  out.head.number = in.U8();
  out.head.last = in.U8();
  out.body = in.Take(total - kHeadBytes - kCrcBytes);
  return out;
}

Result<Bytes> BuildLong(uint8_t table_id, const TableHead& head, ByteView body) {
  const size_t total = kHeadBytes + body.size() + kCrcBytes;
  if (total > kMaxPsiBytes) {
    return Error(Reason::kSectionTooLong, "a table of " + std::to_string(total) + " bytes; 1024 fit");
  }
  constexpr unsigned kFlags = 0xB000;
  ByteWriter out(total);
  out.U8(table_id).U16(kFlags | (total - 3)).U16(head.extension);
  out.U8(0xC0U | (head.version & 0x1FU) << 1 | (head.current ? 1U : 0U)).U8(head.number).U8(head.last);
  out.Put(body);
  out.U32(mpegts::Crc32(out.bytes()));
  return std::move(out).Take();
}

Pid TakePid(ByteReader& in) { return Pid(static_cast<uint16_t>(in.U16() & kPidMask)); }

Bytes TakeLoop(ByteReader& in) {
  const ByteView loop = in.Take(in.U16() & kLengthMask);
  return {loop.begin(), loop.end()};
}

void PutLoop(ByteWriter& out, const Bytes& loop) { out.U16(kReservedLength | loop.size()).Put(loop); }

// Calls `take` with tag and content of each whole descriptor of the loop.
template <typename Take>
void ForEachDescriptor(ByteView descriptors, const Take& take) {
  ByteReader in(descriptors);
  while (in.remaining() >= 2) {
    const uint8_t tag = in.U8();
    const ByteView content = in.Take(in.U8());
    if (!in.ok()) return;
    take(tag, content);
  }
}

}  // namespace

Result<Pat> ParsePat(ByteView section) {
  HEARTH_ASSIGN_OR_RETURN(const LongSection parts, ReadLong(section, kPatTable));
  Pat pat{parts.head, {}};
  ByteReader in(parts.body);
  while (in.remaining() > 0 && in.ok()) {
    const uint16_t number = in.U16();
    pat.programmes.push_back({number, TakePid(in)});
  }
  if (!in.ok()) return Malformed("a PAT has 4 bytes for each programme");
  return pat;
}

Result<Pmt> ParsePmt(ByteView section) {
  HEARTH_ASSIGN_OR_RETURN(const LongSection parts, ReadLong(section, kPmtTable));
  Pmt pmt;
  pmt.head = parts.head;
  ByteReader in(parts.body);
  pmt.pcr_pid = TakePid(in);
  pmt.descriptors = TakeLoop(in);
  while (in.remaining() > 0 && in.ok()) {
    Component component;
    component.type = in.U8();
    component.pid = TakePid(in);
    component.descriptors = TakeLoop(in);
    pmt.components.push_back(std::move(component));
  }
  if (!in.ok()) return Malformed("a descriptor loop of the PMT runs over its end");
  return pmt;
}

Result<Cat> ParseCat(ByteView section) {
  HEARTH_ASSIGN_OR_RETURN(const LongSection parts, ReadLong(section, kCatTable));
  return Cat{parts.head, Bytes(parts.body.begin(), parts.body.end())};
}

Result<Bytes> BuildPat(const Pat& pat) {
  ByteWriter body;
  for (const Programme& programme : pat.programmes) {
    body.U16(programme.number).U16(kReservedPid | programme.pid.value);
  }
  return BuildLong(kPatTable, pat.head, body.bytes());
}

Result<Bytes> BuildPmt(const Pmt& pmt) {
  ByteWriter body;
  body.U16(kReservedPid | pmt.pcr_pid.value);
  PutLoop(body, pmt.descriptors);
  for (const Component& component : pmt.components) {
    body.U8(component.type).U16(kReservedPid | component.pid.value);
    PutLoop(body, component.descriptors);
  }
  return BuildLong(kPmtTable, pmt.head, body.bytes());
}

Result<Bytes> BuildCat(const Cat& cat) { return BuildLong(kCatTable, cat.head, cat.descriptors); }

bool IsPes(uint8_t stream_type) {
  switch (stream_type) {
    case 0x05:  // private sections
    case 0x08:  // DSM-CC
    case 0x0A:
    case 0x0B:
    case 0x0C:
    case 0x0D:
    case 0x13:  // MPEG-4 streams in sections
    case 0x14:
    case 0x86:  // splice information (SCTE 35)
      return false;
    default:
      return true;
  }
}

std::vector<mpegts::CaDescriptor> FindCaDescriptors(ByteView descriptors) {
  std::vector<mpegts::CaDescriptor> found;
  ForEachDescriptor(descriptors, [&](uint8_t tag, ByteView content) {
    if (tag != mpegts::kCaDescriptorTag || content.size() < 4) return;
    ByteReader in(content);
    mpegts::CaDescriptor one;
    one.system_id = in.U16();
    one.pid = TakePid(in);
    const ByteView rest = in.Rest();
    one.private_bytes.assign(rest.begin(), rest.end());
    found.push_back(std::move(one));
  });
  return found;
}

bool HasDescriptor(ByteView descriptors, uint8_t tag) {
  bool found = false;
  ForEachDescriptor(descriptors, [&](uint8_t one, ByteView) { found = found || one == tag; });
  return found;
}

}  // namespace hearth::ts
