// Message 0x86: one part of an area table (where cards of an area may be) or a deny table (where they
// may not), as cell hashes.
//
//   0x86  header 3 ‖ suite 1 ‖ area 4 ‖ version 2 ‖ part 1 ‖ parts 1 ‖ stamp 5 ‖ package 2 ‖
//         package epoch 2 ‖ SIV 16 ‖ enc
//   enc   kind (1 area, 2 deny) 4 bits ‖ width w 4 bits (3 to 8) ‖ grace hours 1 ‖ n × cell hash w
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "src/base/ids.h"
#include "src/cas/wire.h"
#include "src/crypto/ladder.h"

namespace hearth::cas {

enum class TableKind : uint8_t { kArea = 1, kDeny = 2 };

inline constexpr uint8_t kGraceForEver = 255;
inline constexpr uint8_t kMinCellWidth = 3;
inline constexpr uint8_t kMaxCellWidth = 8;
inline constexpr size_t kMaxTableParts = 255;

// The chance that a foreign cell is taken for one of a table of n is n / 2^(8w): three bytes suit a village's
// list, four a county's; a deny table darkens an honest box by it, so it gets five (docs/security.md).
inline constexpr size_t kVillageCells = 100;
constexpr uint8_t TableWidth(TableKind kind, size_t cells) {
  if (kind == TableKind::kDeny) return 5;
  return cells <= kVillageCells ? 3 : 4;
}
// Cells of so many bytes in one section, and in all parts of a table.
constexpr size_t CellsPerPart(uint8_t width) { return 144 / width; }
constexpr size_t MaxTableCells(TableKind kind) {
  return kMaxTableParts * CellsPerPart(TableWidth(kind, SIZE_MAX));
}

// What all parts of one version share.
struct AreaTable {
  TableKind kind = TableKind::kArea;
  AreaId area;  // an area, or a deny list
  uint16_t version = 0;
  Stamp stamp;
  PackageId package;  // under whose key the table goes out; not 0
  Epoch package_epoch;
  uint8_t width = kMinCellWidth;  // bytes of a cell hash
  // Powered hours a box stays lit on unknown cells or without signal; kGraceForEver.
  uint8_t grace_hours = 0;

  bool operator==(const AreaTable&) const = default;
};

struct AreaTablePart {
  AreaTable table;
  uint8_t part = 0;   // 0 … parts − 1
  uint8_t parts = 1;  // ≥ 1
  Bytes hashes;       // n × width bytes, for `table.area`

  bool operator==(const AreaTablePart&) const = default;
};

// 39 + width · n bytes.
Result<Bytes> EncodeAreaTablePart(const AreaTablePart& part, const crypto::PackageKey& key);
Result<AreaTablePart> DecodeAreaTablePart(ByteView section, const crypto::PackageKey& key);

// Hashes the cells, sorts the hashes and drops doubles, and cuts them into as few parts as hold them: one
// empty part for an empty list. SECTION_TOO_LONG when more than 255 parts would be needed.
Result<std::vector<Bytes>> PackAreaTable(const AreaTable& table, std::span<const CellBytes> cells,
                                         const crypto::PackageKey& key);

}  // namespace hearth::cas
