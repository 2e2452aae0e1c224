// Administrative divisions: code,name,parent,level, as in deploy/data/regions-64-ningxia.csv.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"
#include "src/import/row_error.h"
#include "src/import/table.h"

namespace hearth::import {

struct RegionRow {
  uint64_t line = 0;
  RegionCode code;
  std::string name;
  RegionCode parent;  // 0 for a province
  RegionLevel level = RegionLevel::kProvince;

  bool operator==(const RegionRow&) const = default;
};

// One thread. ROW_FIELD_INVALID: a bad code, a level (province, prefecture, county, township, village) that
// does not match the digits, a parent that is not the code's prefix. ROW_DUPLICATE: a code again.
// Whether a parent has a row is for the tree to say, since rows come in any order.
class RegionReader {
 public:
  RegionReader(const Limits& limits, RowSink<RegionRow> sink);

  Status Feed(std::string_view chunk) { return table_.Feed(chunk); }
  Status Finish() { return table_.Finish(); }

 private:
  void Row(const TableRow& row);

  const size_t text_bytes_;
  const RowSink<RegionRow> sink_;
  std::unordered_map<uint64_t, uint64_t> first_lines_;  // code → line
  TableReader table_;
};

// A whole file at once.
Result<Parsed<RegionRow>> ParseRegions(std::string_view text, const Limits& limits);

}  // namespace hearth::import
