// Cell lists in the form of OpenCellID and Ichnaea, with or without the header line:
// radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/base/limits.h"
#include "src/base/status.h"
#include "src/import/row_error.h"
#include "src/import/table.h"

namespace hearth::import {

// Same numbers as geofence::Radio.
enum class CellRadio : uint8_t { kGsm = 1, kUmts = 2, kLte = 3, kNr = 4, kCdma = 5 };

// One row. Identity is always there and in the ranges of its radio; what the file leaves empty is nullopt.
struct CellRow {
  uint64_t line = 0;
  CellRadio radio = CellRadio::kGsm;
  uint16_t mcc = 0;
  uint16_t mnc = 0;        // CDMA: 03 in MCC 460, else 0
  uint8_t mnc_digits = 2;  // 3 in North America (MCC 302, 310 to 316), or when written with three digits
  uint32_t area = 0;       // LAC, TAC; CDMA: NID
  uint64_t cell = 0;       // CI, UTRAN cell id, ECI, NCI; CDMA: SID << 16 | BID
  std::optional<double> longitude;  // degrees, WGS 84
  std::optional<double> latitude;
  std::optional<uint32_t> range_m;
  std::optional<uint32_t> samples;
  std::optional<int64_t> updated;  // Unix seconds

  bool operator==(const CellRow&) const = default;
};

// One thread. Files of any size in constant memory. Row errors are ROW_FIELD_INVALID naming the column, and
// warnings (the row is kept):
//   CELL_UNKNOWN_NETWORK  an MNC of MCC 460 that no Chinese operator uses
//   ROW_FIELD_INVALID     a number of all ones, which modules report when they do not know it
// In a CDMA row `net` is the SID; in MCC 460, where SIDs begin at 13568, a `net` below 100 is taken as the
// MNC and the SID as 0.
class CellReader {
 public:
  CellReader(const Limits& limits, RowSink<CellRow> sink);

  Status Feed(std::string_view chunk) { return table_.Feed(chunk); }
  Status Finish() { return table_.Finish(); }

 private:
  void Row(const TableRow& row);

  const RowSink<CellRow> sink_;
  TableReader table_;
};

// A whole file at once.
Result<Parsed<CellRow>> ParseCells(std::string_view text, const Limits& limits);

}  // namespace hearth::import
