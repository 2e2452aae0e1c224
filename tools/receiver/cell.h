// Mobile network cells as a receiver names them: the text form, the 11 bytes of docs/messages.md section 3,
// and the short hashes of area and deny tables. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::receiver {

enum class Radio : uint8_t { kGsm = 1, kUmts = 2, kLte = 3, kNr = 4, kCdma = 5 };

struct Cell {
  Radio radio = Radio::kGsm;
  uint16_t mcc = 0;  // 0 to 999
  uint16_t mnc = 0;  // 0 to 999
  bool mnc_three_digits = false;
  uint32_t area = 0;  // LAC or TAC: 16 bits, NR 24
  uint64_t cell = 0;  // CI, ECI, NCI: GSM and CDMA 16 bits, UMTS and LTE 28, NR 36

  auto operator<=>(const Cell&) const = default;
};

// radio:mcc:mnc:area:cell, decimal, e.g. "lte:460:00:33301:26879745"; radio is gsm, umts, lte, nr or cdma,
// MNC has its 2 or 3 digits. FIELD_INVALID names `field` and the part that is wrong.
Result<Cell> ParseCell(std::string_view text, std::string_view field = "cell");
std::string ToString(const Cell& cell);

// The 84 bits, left-padded to 11 bytes.
std::array<uint8_t, 11> PackCell(const Cell& cell);

// The first 32 bytes the table widths cut from: SHA-256("hearth/cell" ‖ area ‖ cell).
std::array<uint8_t, 32> CellHash(AreaId area, const Cell& cell);

// Hashes of width `width` (3 to 8 bytes) of the cells of one list, joined.
struct CellSet {
  AreaId list;
  uint8_t width = 3;
  Bytes hashes;

  bool Contains(const Cell& cell) const;
  size_t size() const { return hashes.size() / width; }
  bool operator==(const CellSet&) const = default;
};

// One cell of a reading with its signal in dBm (0: not measured).
struct HeardCell {
  Cell cell;
  int8_t signal_dbm = 0;

  bool operator==(const HeardCell&) const = default;
};

// The text form with an optional signal: "gsm:460:00:4301:20986@-71". Signal -128 to 127.
Result<HeardCell> ParseHeardCell(std::string_view text, std::string_view field = "cell");
std::string ToString(const HeardCell& heard);

}  // namespace hearth::receiver
