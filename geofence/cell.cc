#include "geofence/cell.h"

#include <charconv>

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

constexpr Radio kRadios[] = {Radio::kGsm, Radio::kUmts, Radio::kLte, Radio::kNr, Radio::kCdma};

// Bits of the area and cell numbers of a radio; 0 for a value that is no Radio.
constexpr int AreaBits(Radio radio) {
  switch (radio) {
    case Radio::kNr:
      return 24;
    case Radio::kGsm:
    case Radio::kUmts:
    case Radio::kLte:
    case Radio::kCdma:
      return 16;
  }
  return 0;
}

constexpr int CellBits(Radio radio) {
  switch (radio) {
    case Radio::kGsm:
      return 16;
    case Radio::kUmts:
    case Radio::kLte:
      return 28;
    case Radio::kNr:
      return 36;
    case Radio::kCdma:
      return 31;  // SID 15, BID 16
  }
  return 0;
}

constexpr uint64_t MaxOf(int bits) { return (uint64_t{1} << bits) - 1; }

constexpr int MaxMnc(uint8_t digits) { return digits == 3 ? 999 : 99; }

// A decimal number without sign or leading zeros.
bool ParseNumber(std::string_view text, uint64_t& value) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Digits of a fixed-width code, leading zeros allowed.
bool ParseCode(std::string_view text, uint16_t& value) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Cuts the part before the next ':' off the front of `text`.
std::string_view CutPart(std::string_view& text) {
  const size_t colon = text.find(':');
  const std::string_view part = text.substr(0, colon);
  text = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  return part;
}

bool ParseParts(std::string_view text, Cell& cell) {
  const std::string_view radio = CutPart(text);
  const std::string_view mcc = CutPart(text);
  const std::string_view mnc = CutPart(text);
  const std::string_view area = CutPart(text);
  bool radio_known = false;
  for (const Radio candidate : kRadios) {
    if (radio != NameOf(candidate)) continue;
    cell.radio = candidate;
    radio_known = true;
  }
  uint64_t area_number = 0;
  if (!radio_known || mcc.size() != 3 || !ParseCode(mcc, cell.mcc) || (mnc.size() != 2 && mnc.size() != 3) ||
      !ParseCode(mnc, cell.mnc) || !ParseNumber(area, area_number) || area_number > MaxOf(24) ||
      !ParseNumber(text, cell.cell)) {
    return false;
  }
  cell.mnc_digits = static_cast<uint8_t>(mnc.size());
  cell.area = static_cast<uint32_t>(area_number);
  return true;
}

}  // namespace

std::string_view NameOf(Radio radio) {
  switch (radio) {
    case Radio::kGsm:
      return "gsm";
    case Radio::kUmts:
      return "umts";
    case Radio::kLte:
      return "lte";
    case Radio::kNr:
      return "nr";
    case Radio::kCdma:
      return "cdma";
  }
  return "unknown";
}

Cell CdmaCell(uint16_t mcc, uint16_t sid, uint16_t nid, uint16_t bid) {
  return {.radio = Radio::kCdma,
          .mcc = mcc,
          .mnc = static_cast<uint16_t>(mcc == 460 ? 3 : 0),
          .mnc_digits = 2,
          .area = nid,
          .cell = uint64_t{sid} << 16 | bid};
}

bool InRange(const Cell& cell) {
  const int area_bits = AreaBits(cell.radio);
  return area_bits != 0 && cell.mcc >= 1 && cell.mcc <= 999 &&
         (cell.mnc_digits == 2 || cell.mnc_digits == 3) && cell.mnc <= MaxMnc(cell.mnc_digits) &&
         cell.area <= MaxOf(area_bits) && cell.cell <= MaxOf(CellBits(cell.radio));
}

Status CheckCell(const Cell& cell) {
  if (InRange(cell)) return Ok();
  if (AreaBits(cell.radio) == 0) return InvalidField("cell.radio", "one of gsm, umts, lte, nr, cdma");
  if (cell.mcc < 1 || cell.mcc > 999) {
    return InvalidField("cell.mcc", fmt::format("1 to 999, not {}", cell.mcc));
  }
  if (cell.mnc_digits != 2 && cell.mnc_digits != 3) {
    return InvalidField("cell.mnc_digits", fmt::format("2 or 3, not {}", cell.mnc_digits));
  }
  if (cell.mnc > MaxMnc(cell.mnc_digits)) {
    return InvalidField("cell.mnc", fmt::format("at most {}, not {}", MaxMnc(cell.mnc_digits), cell.mnc));
  }
  if (cell.area > MaxOf(AreaBits(cell.radio))) {
    return InvalidField("cell.area", fmt::format("at most {} for {}, not {}", MaxOf(AreaBits(cell.radio)),
                                                 NameOf(cell.radio), cell.area));
  }
  return InvalidField("cell.cell", fmt::format("at most {} for {}, not {}", MaxOf(CellBits(cell.radio)),
                                               NameOf(cell.radio), cell.cell));
}

CellKey PackCell(const Cell& cell) {
  // The upper 40 bits: 4 zero, radio 3, MCC 10, MNC 10, flag 1, upper 12 of the area. The lower 48: the rest.
  const uint64_t upper = uint64_t{static_cast<uint8_t>(cell.radio)} << 33 | uint64_t{cell.mcc} << 23 |
                         uint64_t{cell.mnc} << 13 | uint64_t{cell.mnc_digits == 3} << 12 | cell.area >> 12;
  const uint64_t lower = uint64_t{cell.area & 0xFFF} << 36 | cell.cell;
  CellKey key{};
  for (size_t i = 0; i < 5; ++i) key[i] = static_cast<uint8_t>(upper >> (8 * (4 - i)));
  for (size_t i = 0; i < 6; ++i) key[5 + i] = static_cast<uint8_t>(lower >> (8 * (5 - i)));
  return key;
}

Result<Cell> UnpackCell(ByteView key) {
  ByteReader reader(key);
  const uint64_t upper = reader.U40();
  const uint64_t lower = reader.U(6);
  if (!reader.done() || upper >> 36 != 0) return InvalidField("cell", "a packed cell of 11 bytes");
  const Cell cell = {.radio = static_cast<Radio>(upper >> 33 & 0x7),
                     .mcc = static_cast<uint16_t>(upper >> 23 & 0x3FF),
                     .mnc = static_cast<uint16_t>(upper >> 13 & 0x3FF),
                     .mnc_digits = static_cast<uint8_t>((upper >> 12 & 1) != 0 ? 3 : 2),
                     .area = static_cast<uint32_t>((upper & 0xFFF) << 12 | lower >> 36),
                     .cell = lower & MaxOf(36)};
  HEARTH_RETURN_IF_ERROR(CheckCell(cell));
  return cell;
}

Result<Cell> ParseCell(std::string_view text, std::string_view field) {
  Cell cell;
  if (text.empty()) return MissingField(std::string(field), "a cell like lte:460:00:33301:26879745");
  if (!ParseParts(text, cell)) {
    return InvalidField(std::string(field),
                        fmt::format("a cell like lte:460:00:33301:26879745, not \"{}\"", text.substr(0, 60)));
  }
  if (Status status = CheckCell(cell); !status) {
    return InvalidField(std::string(field), status.error().message());
  }
  return cell;
}

std::string ToString(const Cell& cell) {
  return fmt::format("{}:{:03}:{:0{}}:{}:{}", NameOf(cell.radio), cell.mcc, cell.mnc, cell.mnc_digits,
                     cell.area, cell.cell);
}

}  // namespace hearth::geofence
