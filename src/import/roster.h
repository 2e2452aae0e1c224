// Rosters (花名册) of filled-in five-part forms (五联单): one row binds a person, a box, a card and a SIM.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"
#include "src/import/field.h"
#include "src/import/row_error.h"
#include "src/import/table.h"

namespace hearth::import {

// Class of subsidy (用户类别). The numbers are on disk: never reused.
enum class SubsidyClass : uint8_t {
  kNone = 0,
  kFiveGuarantee = 1,  // 五保户
  kDisabled = 2,       // 残疾人
  kMilitary = 3,       // 军烈属
  kOther = 4,          // 其他
};

// One form. Holds personal data: not for logs.
struct RosterRow {
  uint64_t line = 0;
  std::string form_number;  // 五联单号: 4 to 32 letters, digits or hyphens
  std::string name;         // 姓名
  std::string person_id;    // 身份证号, checked by GB 11643, X in upper case
  std::string phone;        // 联系电话: 7 to 12 digits, hyphens kept; may be empty
  RegionCode village;       // 村代码, 12 digits
  std::string address;      // 详细地址; may be empty
  SubsidyClass subsidy = SubsidyClass::kNone;
  CardNumber card;              // 加密卡号
  BoxSerial box;                // 机顶盒编号
  SimNumber sim;                // 电话卡号
  uint8_t natural_village = 0;  // 自然村: serial 1 to 99 behind the village's 12 digits; 0: not named

  bool operator==(const RosterRow&) const = default;
};

// One thread. Columns: form_number, name, person_id, phone (optional), village, address (optional), class
// (optional), card_number, box_serial, sim_number, or their Chinese names.
//
// Every bad field of a row is reported, with a suggestion where typing or a spreadsheet is the likely cause:
// full-width digits, spaces, letters O and l for digits, a number in scientific notation, a lost leading
// zero. A form, person, card, box or SIM that an earlier good row has is ROW_DUPLICATE naming that row's
// line; the first stays. The table of numbers seen takes about 400 bytes a row.
class RosterReader {
 public:
  RosterReader(const Limits& limits, RowSink<RosterRow> sink);

  Status Feed(std::string_view chunk) { return table_.Feed(chunk); }
  Status Finish() { return table_.Finish(); }

 private:
  void Row(const TableRow& row);

  const size_t text_bytes_;
  const RowSink<RosterRow> sink_;
  SeenValues seen_;  // forms, persons, cards, boxes, SIMs
  TableReader table_;
};

// A whole file at once.
Result<Parsed<RosterRow>> ParseRoster(std::string_view text, const Limits& limits);

}  // namespace hearth::import
