#include "src/cas/area_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "src/mpegts/section.h"

namespace hearth::cas {
namespace {

using crypto::SecretAccess;

constexpr size_t kTableAadBytes = 21;
constexpr size_t kTableFixedBytes = kTableAadBytes + crypto::SivKey::kOverhead + 2;
static_assert(CellsPerPart(1) == mpegts::kPacketPayloadBytes - kTableFixedBytes);

Status CheckTable(const AreaTable& table) {
  if (table.kind != TableKind::kArea && table.kind != TableKind::kDeny) {
    return InvalidField("kind", "1 area or 2 deny");
  }
  HEARTH_RETURN_IF_ERROR(CheckArea(table.area));
  HEARTH_RETURN_IF_ERROR(CheckStamp(table.stamp));
  if (table.package == PackageId()) return InvalidField("package", "1 to 65535");
  if (table.width < kMinCellWidth || table.width > kMaxCellWidth) return InvalidField("width", "3 to 8");
  return Ok();
}

Status Check(const AreaTablePart& part) {
  HEARTH_RETURN_IF_ERROR(CheckTable(part.table));
  if (part.part >= part.parts) return InvalidField("part", "below the number of parts");
  if (part.hashes.size() % part.table.width != 0) {
    return InvalidField("hashes", "a multiple of the width");
  }
  return Ok();
}

Result<Bytes> EncodePart(const AreaTable& table, size_t part, size_t parts, ByteView hashes,
                         const crypto::SivKey& siv) {
  HEARTH_ASSIGN_OR_RETURN(ByteWriter out,
                          BeginMessage(TableId::kAreaTable, kTableFixedBytes + hashes.size()));
  out.U32(table.area.value).U16(table.version).U8(part).U8(parts).U40(table.stamp.value);
  out.U16(table.package.value).U16(table.package_epoch.value);
  ByteWriter enc(2 + hashes.size());
  enc.U8(static_cast<unsigned>(table.kind) << 4 | table.width).U8(table.grace_hours).Put(hashes);
  return FinishSealed(std::move(out), siv, crypto::Secret(std::move(enc).Take()));
}

}  // namespace

Result<Bytes> EncodeAreaTablePart(const AreaTablePart& part, const crypto::PackageKey& key) {
  HEARTH_RETURN_IF_ERROR(Check(part));
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::AreaTableSiv(key));
  return EncodePart(part.table, part.part, part.parts, part.hashes, siv);
}

Result<AreaTablePart> DecodeAreaTablePart(ByteView section, const crypto::PackageKey& key) {
  HEARTH_ASSIGN_OR_RETURN(ByteReader in, ReadMessage(section, TableId::kAreaTable));
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::AreaTableSiv(key));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Secret opened, OpenSealed(section, kTableAadBytes, siv));
  AreaTablePart part;
  part.table.area = AreaId(in.U32());
  part.table.version = in.U16();
  part.part = in.U8();
  part.parts = in.U8();
  part.table.stamp = Stamp(in.U40());
  part.table.package = PackageId(in.U16());
  part.table.package_epoch = Epoch(in.U16());
  ByteReader enc(opened.bytes(SecretAccess()));
  const unsigned kind_and_width = enc.U8();
  part.table.kind = static_cast<TableKind>(kind_and_width >> 4);
  part.table.width = kind_and_width & 15;
  part.table.grace_hours = enc.U8();
  if (!enc.ok()) return Malformed("an area table has at least 39 bytes");
  const ByteView hashes = enc.Rest();
  part.hashes.assign(hashes.begin(), hashes.end());
  HEARTH_RETURN_IF_ERROR(AsMalformed(Check(part)));
  return part;
}

Result<std::vector<Bytes>> PackAreaTable(const AreaTable& table, std::span<const CellBytes> cells,
                                         const crypto::PackageKey& key) {
  HEARTH_RETURN_IF_ERROR(CheckTable(table));
  // Sorted, so that the order of the operator's file is not on the air and equal lists give equal bytes.
  std::set<Bytes> distinct;
  for (const CellBytes& cell : cells) {
    HEARTH_ASSIGN_OR_RETURN(Bytes hash, CellHash(table.area, cell, table.width));
    distinct.insert(std::move(hash));
  }
  Bytes hashes;
  for (const Bytes& hash : distinct) hashes.insert(hashes.end(), hash.begin(), hash.end());

  const size_t part_bytes = CellsPerPart(table.width) * table.width;
  const size_t parts = std::max<size_t>(1, (hashes.size() + part_bytes - 1) / part_bytes);
  if (parts > kMaxTableParts) {
    return Error(Reason::kSectionTooLong, std::to_string(distinct.size()) + " cells of list " +
                                              ToString(table.area) +
                                              " need more than 255 sections: split the list");
  }
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::AreaTableSiv(key));
  std::vector<Bytes> sections;
  ByteView rest(hashes);
  for (size_t part = 0; part < parts; ++part) {
    const ByteView some = rest.first(std::min(part_bytes, rest.size()));
    HEARTH_ASSIGN_OR_RETURN(Bytes section, EncodePart(table, part, parts, some, siv));
    sections.push_back(std::move(section));
    rest = rest.subspan(some.size());
  }
  return sections;
}

}  // namespace hearth::cas
