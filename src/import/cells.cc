#include "src/import/cells.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "src/import/field.h"
#include "src/import/networks.h"

namespace hearth::import {
namespace {

enum CellColumn : size_t {
  kRadio,
  kMcc,
  kNet,
  kArea,
  kCell,
  kUnit,
  kLon,
  kLat,
  kRange,
  kSamples,
  kUpdated = 12
};
// The columns of OpenCellID, which a file without a header has.
constexpr size_t kPositional = 14;

std::span<const Column> CellColumns() {
  static const std::vector<Column> columns = {
      {"radio", {"制式", "网络制式"}},
      {"mcc", {"国家码"}},
      {"net", {"mnc", "网号"}},
      {"area", {"lac", "tac", "位置区"}},
      {"cell", {"cellid", "ci", "小区"}},
      {"unit", {"psc", "pci"}, false},
      {"lon", {"longitude", "经度"}, false},
      {"lat", {"latitude", "纬度"}, false},
      {"range", {"覆盖半径"}, false},
      {"samples", {"样本数"}, false},
      {"changeable", {}, false},
      {"created", {}, false},
      {"updated", {"更新时间"}, false},
      {"averageSignal", {"average_signal"}, false},
      // Telcos write it; nothing here needs it.
      {"power", {"功率", "发射功率"}, false},
  };
  return columns;
}

struct RadioRule {
  std::string_view name;
  CellRadio radio;
  uint64_t max_area;
  uint64_t max_cell;
};

constexpr RadioRule kRadioRules[] = {
    {"gsm", CellRadio::kGsm, 0xFFFF, 0xFFFF},           {"umts", CellRadio::kUmts, 0xFFFF, 0xFFF'FFFF},
    {"wcdma", CellRadio::kUmts, 0xFFFF, 0xFFF'FFFF},    {"tdscdma", CellRadio::kUmts, 0xFFFF, 0xFFF'FFFF},
    {"td-scdma", CellRadio::kUmts, 0xFFFF, 0xFFF'FFFF}, {"lte", CellRadio::kLte, 0xFFFF, 0xFFF'FFFF},
    {"nr", CellRadio::kNr, 0xFF'FFFF, 0xF'FFFF'FFFF},   {"cdma", CellRadio::kCdma, 0xFFFF, 0xFFFF},
};

const RadioRule* FindRadio(std::string_view text) {
  const std::string name = Lower(text);
  const auto* rule = std::find_if(std::begin(kRadioRules), std::end(kRadioRules),
                                  [&](const RadioRule& r) { return r.name == name; });
  return rule == std::end(kRadioRules) ? nullptr : rule;
}

bool ThreeDigitCountry(uint16_t mcc) { return mcc == 302 || (mcc >= 310 && mcc <= 316); }

// A required number; an error when it is not there or too large.
uint64_t Required(RowErrors& errors, std::string_view column, std::string_view text, uint64_t min,
                  uint64_t max) {
  const auto value = ParseUint(text, max);
  if (value && *value >= min) return *value;
  errors.Add(column, fmt::format("needs a number from {} to {}, not \"{}\"", min, max, CutText(text, 40)));
  return 0;
}

// Numbers beside the identity: a bad one is left out with a warning, the cell stays good.
template <typename T>
std::optional<T> Optional(RowErrors& errors, std::string_view column, std::string_view text) {
  if (text.empty() || text == "-1") return std::nullopt;
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  errors.Warn(column, fmt::format("not a number: \"{}\"; left out", CutText(text, 40)));
  return std::nullopt;
}

std::optional<double> Degrees(RowErrors& errors, std::string_view column, std::string_view text, double max) {
  const auto value = Optional<double>(errors, column, text);
  if (!value || (*value >= -max && *value <= max)) return value;
  errors.Warn(column, fmt::format("beyond {} degrees: {}; left out", max, CutText(text, 40)));
  return std::nullopt;
}

void ReadNetwork(RowErrors& errors, std::string_view net, CellRow& cell) {
  cell.mnc = static_cast<uint16_t>(Required(errors, "net", net, 0, 999));
  const bool three = net.size() == 3 || ThreeDigitCountry(cell.mcc);
  cell.mnc_digits = static_cast<uint8_t>(three ? 3 : 2);
  if (errors.ok() && cell.mcc == kChinaMcc && FindNetwork(cell.mcc, cell.mnc, cell.mnc_digits) == nullptr) {
    errors.Warn("net", fmt::format("no Chinese network has the number 460-{}", net),
                Reason::kCellUnknownNetwork);
  }
}

// CDMA base stations broadcast a SID, not an MNC; see geofence::CdmaCell, whose form this is.
void ReadCdmaSystem(RowErrors& errors, std::string_view net, CellRow& cell) {
  uint64_t sid = Required(errors, "net", net, 0, 0x7FFF);
  if (cell.mcc == kChinaMcc && sid < 100) sid = 0;
  cell.mnc = static_cast<uint16_t>(cell.mcc == kChinaMcc ? 3 : 0);
  cell.cell |= sid << 16;
}

void WarnOfUnknown(RowErrors& errors, std::string_view column, uint64_t value, uint64_t max) {
  if (value == max) errors.Warn(column, fmt::format("{} is what modules report when they do not know", max));
}

}  // namespace

CellReader::CellReader(const Limits& limits, RowSink<CellRow> sink)
    : sink_(std::move(sink)),
      table_(
          CellColumns(),
          {.max_row_bytes = limits.csv_row_bytes,
           .header_optional = true,
           .short_rows = true,
           .positional = kPositional},
          [this](const TableRow& row) { Row(row); }, sink_.error) {}

void CellReader::Row(const TableRow& row) {
  RowErrors errors(row.line(), sink_.error);
  CellRow cell;
  cell.line = row.line();
  const RadioRule* rule = FindRadio(row.Get(kRadio));
  if (rule == nullptr) {
    errors.Add("radio", fmt::format("\"{}\" is no radio", CutText(row.Get(kRadio), 40)),
               "one of GSM, UMTS, LTE, NR, CDMA");
    return;
  }
  cell.radio = rule->radio;
  cell.mcc = static_cast<uint16_t>(Required(errors, "mcc", row.Get(kMcc), 1, 999));
  cell.area = static_cast<uint32_t>(Required(errors, "area", row.Get(kArea), 0, rule->max_area));
  cell.cell = Required(errors, "cell", row.Get(kCell), 0, rule->max_cell);
  if (errors.ok()) WarnOfUnknown(errors, "area", cell.area, rule->max_area);
  if (errors.ok()) WarnOfUnknown(errors, "cell", cell.cell, rule->max_cell);
  if (cell.radio == CellRadio::kCdma) {
    ReadCdmaSystem(errors, row.Get(kNet), cell);
  } else {
    ReadNetwork(errors, row.Get(kNet), cell);
  }
  if (!errors.ok()) return;
  cell.longitude = Degrees(errors, "lon", row.Get(kLon), 180);
  cell.latitude = Degrees(errors, "lat", row.Get(kLat), 90);
  cell.range_m = Optional<uint32_t>(errors, "range", row.Get(kRange));
  cell.samples = Optional<uint32_t>(errors, "samples", row.Get(kSamples));
  cell.updated = Optional<int64_t>(errors, "updated", row.Get(kUpdated));
  sink_.row(cell);
}

Result<Parsed<CellRow>> ParseCells(std::string_view text, const Limits& limits) {
  return ParseWhole<CellReader, CellRow>(text, limits);
}

}  // namespace hearth::import
