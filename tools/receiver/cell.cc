#include "tools/receiver/cell.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "tools/receiver/crypto.h"

namespace hearth::receiver {
namespace {

struct RadioRow {
  Radio radio;
  std::string_view name;
  unsigned area_bits;
  unsigned cell_bits;
};

constexpr RadioRow kRadios[] = {
    {Radio::kGsm, "gsm", 16, 16}, {Radio::kUmts, "umts", 16, 28}, {Radio::kLte, "lte", 16, 28},
    {Radio::kNr, "nr", 24, 36},   {Radio::kCdma, "cdma", 16, 16},
};

const RadioRow* FindRadio(std::string_view name) {
  const auto* row =
      std::find_if(std::begin(kRadios), std::end(kRadios), [&](const RadioRow& r) { return r.name == name; });
  return row == std::end(kRadios) ? nullptr : row;
}

std::optional<uint64_t> Decimal(std::string_view text, uint64_t max) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

}  // namespace

Result<Cell> ParseCell(std::string_view text, std::string_view field) {
  const auto bad = [&](std::string_view rule) {
    return InvalidField(std::string(field), fmt::format("{}, in \"{}\"", rule, text.substr(0, 60)));
  };
  std::string_view parts[5];
  std::string_view rest = text;
  for (size_t i = 0; i < 5; ++i) {
    const size_t colon = rest.find(':');
    if ((i < 4) != (colon != std::string_view::npos)) return bad("radio:mcc:mnc:area:cell");
    parts[i] = rest.substr(0, colon);
    rest = i < 4 ? rest.substr(colon + 1) : std::string_view();
  }
  const RadioRow* radio = FindRadio(parts[0]);
  if (radio == nullptr) return bad("the radio is gsm, umts, lte, nr or cdma");
  const auto mcc = Decimal(parts[1], 999);
  if (!mcc || parts[1].size() != 3) return bad("the MCC has 3 digits");
  const auto mnc = Decimal(parts[2], 999);
  if (!mnc || parts[2].size() < 2 || parts[2].size() > 3) return bad("the MNC has 2 or 3 digits");
  const auto area = Decimal(parts[3], (uint64_t{1} << radio->area_bits) - 1);
  if (!area) return bad(fmt::format("the area code has {} bits", radio->area_bits));
  const auto cell = Decimal(parts[4], (uint64_t{1} << radio->cell_bits) - 1);
  if (!cell) return bad(fmt::format("the cell number has {} bits", radio->cell_bits));
  return Cell{radio->radio,         static_cast<uint16_t>(*mcc),  static_cast<uint16_t>(*mnc),
              parts[2].size() == 3, static_cast<uint32_t>(*area), *cell};
}

std::string ToString(const Cell& cell) {
  const auto* row = std::find_if(std::begin(kRadios), std::end(kRadios),
                                 [&](const RadioRow& r) { return r.radio == cell.radio; });
  return fmt::format("{}:{:03}:{:0{}}:{}:{}", row == std::end(kRadios) ? "?" : row->name, cell.mcc, cell.mnc,
                     cell.mnc_three_digits ? 3 : 2, cell.area, cell.cell);
}

std::array<uint8_t, 11> PackCell(const Cell& cell) {
  const uint64_t high = static_cast<uint64_t>(cell.radio) << 41 | uint64_t{cell.mcc} << 31 |
                        uint64_t{cell.mnc} << 21 | uint64_t{cell.mnc_three_digits} << 20 | cell.area >> 4;
  const uint64_t low = uint64_t{cell.area & 0xFU} << 36 | cell.cell;
  ByteWriter out(11);
  out.U(high, 6).U40(low);
  std::array<uint8_t, 11> packed{};
  std::copy(out.bytes().begin(), out.bytes().end(), packed.begin());
  return packed;
}

std::array<uint8_t, 32> CellHash(AreaId area, const Cell& cell) {
  ByteWriter input;
  input.Put(AsBytes("hearth/cell")).U32(area.value).Put(PackCell(cell));
  return Sha256(input.bytes());
}

bool CellSet::Contains(const Cell& cell) const {
  const auto hash = CellHash(list, cell);
  for (size_t at = 0; at + width <= hashes.size(); at += width) {
    if (std::equal(hash.begin(), hash.begin() + width, hashes.begin() + static_cast<ptrdiff_t>(at)))
      return true;
  }
  return false;
}

Result<HeardCell> ParseHeardCell(std::string_view text, std::string_view field) {
  const size_t at = text.find('@');
  HeardCell heard;
  HEARTH_ASSIGN_OR_RETURN(heard.cell, ParseCell(text.substr(0, at), field));
  if (at == std::string_view::npos) return heard;
  const std::string_view signal = text.substr(at + 1);
  int value = 0;
  const auto [end, error] = std::from_chars(signal.data(), signal.data() + signal.size(), value);
  if (error != std::errc() || end != signal.data() + signal.size() || value < -128 || value > 127) {
    return InvalidField(std::string(field), "the signal after @ is -128 to 127 dBm");
  }
  heard.signal_dbm = static_cast<int8_t>(value);
  return heard;
}

std::string ToString(const HeardCell& heard) {
  std::string text = ToString(heard.cell);
  if (heard.signal_dbm != 0) text += fmt::format("@{}", heard.signal_dbm);
  return text;
}

}  // namespace hearth::receiver
