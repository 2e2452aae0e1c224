// One cell of a mobile network: its identity, its ranges, and the two canonical forms of it (84 bits, text).
// Sources: 3GPP TS 23.003 (LAC, CI, TAC, ECI, NCI), ITU-T E.212 (MCC, MNC), 3GPP2 C.S0005 (SID, NID, BID).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::geofence {

// The numbers are on disk and in packed keys: never reused.
enum class Radio : uint8_t { kGsm = 1, kUmts = 2, kLte = 3, kNr = 4, kCdma = 5 };

// "gsm", "umts", "lte", "nr", "cdma"; "unknown" for a value that is no Radio.
std::string_view NameOf(Radio radio);

// A value; any thread. The order is that of the packed key.
struct Cell {
  Radio radio = Radio::kGsm;
  uint16_t mcc = 0;        // 1 to 999
  uint16_t mnc = 0;        // 0 to 99 or 0 to 999, see mnc_digits: 460-01 is not 460-001
  uint8_t mnc_digits = 2;  // 2 or 3
  uint32_t area = 0;       // LAC or TAC: 16 bits, 5G TAC: 24 bits; CDMA: NID, 16 bits
  uint64_t cell = 0;       // CI: 16 bits; UTRAN cell id and ECI: 28; NCI: 36; CDMA: SID << 16 | BID: 31

  auto operator<=>(const Cell&) const = default;
};

// A CDMA cell by its system, network and base station id. SIDs do not fit the MNC, and NID and BID repeat
// in every system, so the SID goes above the BID. The MNC is 03 in MCC 460 and 00 elsewhere, because a CDMA
// base station does not broadcast one; a report and a list must therefore both be built by this function.
Cell CdmaCell(uint16_t mcc, uint16_t sid, uint16_t nid, uint16_t bid);

// FIELD_INVALID naming the field ("cell.area") when a number is outside the ranges above.
Status CheckCell(const Cell& cell);
// The same question without the words, for hot paths.
bool InRange(const Cell& cell);

// 84 bits, big-endian, behind four zero bits: radio 3, MCC 10, MNC 10, three-digit MNC 1, area 24, cell 36.
// Byte order is the order of cells. The cell must be in range.
using CellKey = std::array<uint8_t, 11>;
CellKey PackCell(const Cell& cell);
// FIELD_INVALID unless these are 11 bytes that PackCell gives for some cell in range.
Result<Cell> UnpackCell(ByteView key);

// "lte:460:00:33301:26879745": radio, MCC (3 digits), MNC (its 2 or 3 digits), area, cell in decimal without
// leading zeros. FIELD_INVALID names `field`. ToString gives back exactly what ParseCell took.
Result<Cell> ParseCell(std::string_view text, std::string_view field = "cell");
std::string ToString(const Cell& cell);

}  // namespace hearth::geofence
