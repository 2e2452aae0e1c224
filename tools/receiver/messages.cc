#include "tools/receiver/messages.h"

#include <algorithm>

namespace hearth::receiver {
namespace {

constexpr size_t kSivBytes = 16;
constexpr uint32_t kMaxArea = 999'999'999;  // 6 digits of a division, 3 of a serial
constexpr size_t kHeaderBytes = 4;          // table_id, length, suite

std::optional<StandingPair> ToStanding(uint8_t standing, uint8_t reason) {
  if (standing > 2 || reason > 6) return std::nullopt;
  return StandingPair{static_cast<Standing>(standing), static_cast<StandingReason>(reason)};
}

Key ReadKey(ByteReader& in) { return Key(in.Array<16>()); }

ByteReader Body(ByteView section) {
  return ByteReader(section.subspan(std::min(kHeaderBytes, section.size())));
}

}  // namespace

std::string_view NameOf(Why why) {
  switch (why) {
    case Why::kTaken:
      return "taken";
    case Why::kNotMine:
      return "not_mine";
    case Why::kOldStamp:
      return "old_stamp";
    case Why::kNoKey:
      return "no_key";
    case Why::kNotAuthentic:
      return "not_authentic";
    case Why::kMalformed:
      return "malformed";
    case Why::kUnknownTable:
      return "unknown_table";
    case Why::kUnknownSuite:
      return "unknown_suite";
    case Why::kFull:
      return "full";
    case Why::kOver:
      return "over";
    case Why::kNoCard:
      return "no_card";
  }
  return "unknown";
}

std::string_view NameOf(Standing standing) {
  switch (standing) {
    case Standing::kDark:
      return "dark";
    case Standing::kOn:
      return "on";
    case Standing::kExempt:
      return "exempt";
  }
  return "unknown";
}

std::string_view NameOf(StandingReason reason) {
  switch (reason) {
    case StandingReason::kNone:
      return "none";
    case StandingReason::kWaiting:
      return "waiting";
    case StandingReason::kLocation:
      return "location";
    case StandingReason::kClosed:
      return "closed";
    case StandingReason::kSwapped:
      return "swapped";
    case StandingReason::kOperator:
      return "operator";
    case StandingReason::kEvicted:
      return "evicted";
  }
  return "unknown";
}

std::string_view NameOf(TableKind kind) { return kind == TableKind::kArea ? "area" : "deny"; }

Why CheckHeader(ByteView section) {
  if (section.size() < kHeaderBytes) return Why::kMalformed;
  const uint8_t id = section[0];
  const bool known = id >= kEcmEven && id <= kPairing;
  if (!known) return Why::kUnknownTable;
  const size_t length = static_cast<size_t>(section[1] & 0x0F) << 8 | section[2];
  if ((section[1] & 0xF0) != 0x70 || length + 3 != section.size() || section.size() > kMaxSectionBytes) {
    return Why::kMalformed;
  }
  return section[3] == 1 ? Why::kTaken : Why::kUnknownSuite;
}

size_t AssociatedBytes(uint8_t table_id) {
  switch (table_id) {
    case kEcmEven:
    case kEcmOdd:
    case kRecord:
      return 14;
    case kGroup:
      return 47;
    case kServiceKeys:
      return 15;
    case kTable:
    case kPairing:
      return 21;
    default:
      return 0;
  }
}

std::optional<SealedSection> SplitSealed(ByteView section) {
  if (section.empty()) return std::nullopt;
  const size_t clear = AssociatedBytes(section[0]);
  if (clear == 0 || section.size() < clear + kSivBytes) return std::nullopt;
  return SealedSection{section.first(clear), section.subspan(clear)};
}

bool Record::HasRight(unsigned product) const {
  return product < 128 && (rights[product / 8] >> (7 - product % 8) & 1) != 0;
}

std::optional<Record> DecodeRecord(ByteView plain) {
  ByteReader in(plain);
  Record record;
  const uint8_t standing = in.U8();
  const auto pair = ToStanding(standing, in.U8());
  record.validity_day = in.U16();
  record.group = GroupId(in.U24());
  record.slot = in.U8();
  record.generation = in.U8();
  record.group_key = ReadKey(in);
  record.box = BoxSerial(in.U56());
  record.area = AreaId(in.U32());
  record.area_version = in.U16();
  record.rights = in.Array<16>();
  record.expiry_day = in.U16();
  const ByteView cells = in.Rest();
  record.cells.assign(cells.begin(), cells.end());
  const bool key_fits_group = record.group.value != 0 || record.group_key == Key();
  const bool numbers_fit = record.box.value <= kMaxBoxSerial && record.area.value <= kMaxArea;
  if (!in.ok() || !pair || !key_fits_group || !numbers_fit || cells.size() % 3 != 0 || cells.size() > 96)
    return std::nullopt;
  record.standing = *pair;
  return record;
}

CardNumber AddressedCard(ByteView section) { return CardNumber(Body(section).U40()); }

std::optional<StandingMessage> DecodeStanding(ByteView section) {
  if (section.size() != 24) return std::nullopt;
  ByteReader in = Body(section);
  in.Take(5);
  StandingMessage message;
  message.stamp = Stamp(in.U40());
  const uint8_t standing = in.U8();
  const auto pair = ToStanding(standing, in.U8());
  if (!pair) return std::nullopt;
  message.standing = *pair;
  return message;
}

std::optional<GroupHead> DecodeGroupHead(ByteView section) {
  ByteReader in = Body(section);
  GroupHead head;
  head.group = GroupId(in.U24());
  head.generation = in.U8();
  head.stamp = Stamp(in.U40());
  head.epoch = Epoch(in.U16());
  head.bitmap = in.Array<32>();
  if (!in.ok()) return std::nullopt;
  return head;
}

std::optional<std::vector<std::pair<PackageId, Key>>> DecodeGroupKeys(ByteView plain) {
  if (plain.size() % 18 != 0 || plain.size() > 6 * 18) return std::nullopt;
  ByteReader in(plain);
  std::vector<std::pair<PackageId, Key>> keys;
  while (in.remaining() > 0) {
    const PackageId package(in.U16());
    keys.emplace_back(package, ReadKey(in));
  }
  return keys;
}

std::optional<ServiceKeysHead> DecodeServiceKeysHead(ByteView section) {
  ByteReader in = Body(section);
  ServiceKeysHead head;
  head.package = PackageId(in.U16());
  head.package_epoch = Epoch(in.U16());
  head.stamp = Stamp(in.U40());
  head.key_epoch = Epoch(in.U16());
  if (!in.ok()) return std::nullopt;
  return head;
}

std::optional<std::vector<std::pair<ServiceId, Key>>> DecodeServiceKeys(ByteView plain) {
  ByteReader in(plain);
  std::vector<std::pair<ServiceId, Key>> keys;
  while (in.ok() && in.remaining() > 0) {
    const uint32_t first = in.U16();
    const uint32_t count = in.U8();
    if (count == 0 || first + count > 65536) return std::nullopt;
    for (uint32_t i = 0; i < count && in.ok(); ++i) {
      keys.emplace_back(ServiceId(static_cast<uint16_t>(first + i)), ReadKey(in));
    }
  }
  if (!in.done()) return std::nullopt;
  return keys;
}

std::optional<TableHead> DecodeTableHead(ByteView section) {
  ByteReader in = Body(section);
  TableHead head;
  head.list = AreaId(in.U32());
  head.version = in.U16();
  head.part = in.U8();
  head.parts = in.U8();
  head.stamp = Stamp(in.U40());
  head.package = PackageId(in.U16());
  head.package_epoch = Epoch(in.U16());
  if (!in.ok() || head.part >= head.parts || head.list.value > kMaxArea) return std::nullopt;
  return head;
}

std::optional<TablePart> DecodeTablePart(ByteView plain) {
  ByteReader in(plain);
  const uint8_t kind_and_width = in.U8();
  TablePart part;
  part.grace_hours = in.U8();
  const ByteView hashes = in.Rest();
  const unsigned kind = kind_and_width >> 4;
  part.width = kind_and_width & 0x0F;
  if (!in.ok() || kind < 1 || kind > 2 || part.width < 3 || part.width > 8) return std::nullopt;
  if (hashes.size() % part.width != 0) return std::nullopt;
  part.kind = static_cast<TableKind>(kind);
  part.hashes.assign(hashes.begin(), hashes.end());
  return part;
}

std::optional<PairingHead> DecodePairingHead(ByteView section) {
  if (section.size() != 53) return std::nullopt;
  ByteReader in = Body(section);
  PairingHead head;
  head.card = CardNumber(in.U40());
  head.box = BoxSerial(in.U56());
  head.stamp = Stamp(in.U40());
  if (head.card.value > kMaxCardNumber) return std::nullopt;
  return head;
}

std::optional<EcmHead> DecodeEcmHead(ByteView section) {
  if (section.size() < 14) return std::nullopt;
  ByteReader in = Body(section);
  EcmHead head;
  head.table_id = section[0];
  head.service = ServiceId(in.U16());
  head.key_epoch = Epoch(in.U16());
  head.utc = in.U32();
  return head;
}

std::optional<EcmBody> DecodeEcmBody(ByteView plain) {
  const size_t size = plain.size();
  if (size != 14 && size != 22 && size != 28 && size != 44) return std::nullopt;
  const size_t count = size < 28 ? 1 : 2;
  EcmBody body;
  body.word_bytes = size / count - 6;
  ByteReader in(plain);
  for (size_t i = 0; i < count; ++i) {
    AcRecord ac;
    ac.mode = in.U8();
    ac.product = in.U8();
    ac.region = in.U24();
    in.U8();
    const bool product_fits = ac.mode == 2 ? ac.product < 128 : ac.product == 0;
    if (ac.mode > 3 || !product_fits) return std::nullopt;
    body.criteria.push_back(ac);
  }
  const ByteView words = in.Rest();
  body.words = SecretBytes(Bytes(words.begin(), words.end()));
  return body;
}

}  // namespace hearth::receiver
