#include "src/import/roster.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "src/import/field.h"

namespace hearth::import {
namespace {

enum RosterColumn : size_t {
  kFormNumber,
  kName,
  kPersonId,
  kPhone,
  kVillage,
  kAddress,
  kClass,
  kCardNumber,
  kBoxSerial,
  kSimNumber
};

std::span<const Column> RosterColumns() {
  static const std::vector<Column> columns = {
      {"form_number", {"五联单号", "五联单编号"}},
      {"name", {"姓名", "用户姓名"}},
      {"person_id", {"身份证号", "身份证号码"}},
      {"phone", {"联系电话"}, false},
      {"village", {"村代码"}},
      {"address", {"详细地址"}, false},
      {"class", {"用户类别", "用户特殊情况"}, false},
      {"card_number", {"加密卡号"}},
      {"box_serial", {"机顶盒编号", "机顶盒号"}},
      {"sim_number", {"电话卡号"}},
  };
  return columns;
}

struct ClassName {
  std::string_view name;
  SubsidyClass subsidy;
};

constexpr ClassName kClasses[] = {
    {"", SubsidyClass::kNone},
    {"none", SubsidyClass::kNone},
    {"无", SubsidyClass::kNone},
    {"five_guarantee", SubsidyClass::kFiveGuarantee},
    {"五保户", SubsidyClass::kFiveGuarantee},
    {"五保", SubsidyClass::kFiveGuarantee},
    {"disabled", SubsidyClass::kDisabled},
    {"残疾人", SubsidyClass::kDisabled},
    {"残疾", SubsidyClass::kDisabled},
    {"military", SubsidyClass::kMilitary},
    {"军烈属", SubsidyClass::kMilitary},
    {"other", SubsidyClass::kOther},
    {"其他", SubsidyClass::kOther},
    {"其它", SubsidyClass::kOther},
};

SubsidyClass ReadClass(RowErrors& errors, std::string_view text) {
  const std::string name = Lower(text);
  const auto* row = std::find_if(std::begin(kClasses), std::end(kClasses),
                                 [&](const ClassName& c) { return c.name == name; });
  if (row != std::end(kClasses)) return row->subsidy;
  errors.Add("class", fmt::format("\"{}\" is no class", CutText(text, 40)),
             "none, five_guarantee 五保户, disabled 残疾人, military 军烈属 or other 其他");
  return SubsidyClass::kNone;
}

std::string ReadFormNumber(RowErrors& errors, std::string_view text) {
  const bool characters_ok = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
  });
  if (!characters_ok || text.size() < 4 || text.size() > 32) {
    errors.Add("form_number",
               fmt::format("needs 4 to 32 letters, digits or hyphens, not \"{}\"", CutText(text, 40)));
  }
  return std::string(text);
}

// Personal: the messages do not quote the number.
std::string ReadPersonId(RowErrors& errors, std::string_view text) {
  const std::string person = Lower(text);
  if (text.empty()) {
    errors.Add("person_id", "empty; needs the 18-character identity number");
  } else if (Status status = CheckPersonId(person); !status) {
    errors.Add("person_id", status.error().violations().front().description, SuggestPersonId(text));
  }
  std::string upper = person;
  if (upper.ends_with('x')) upper.back() = 'X';
  return upper;
}

std::string ReadPhone(RowErrors& errors, std::string_view text) {
  const auto digits = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const auto hyphens = std::count(text.begin(), text.end(), '-');
  const bool characters_ok = static_cast<size_t>(digits + hyphens) == text.size();
  if (!text.empty() && (!characters_ok || digits < 7 || digits > 12 || hyphens > 2)) {
    errors.Add("phone", "needs 7 to 12 digits, as in 13900000001 or 0951-6012345", SuggestDigits(text, 11));
  }
  return std::string(text);
}

// 14 digits are a village and the serial of a natural village in it.
RegionCode ReadVillage(RowErrors& errors, std::string_view text, uint8_t& natural) {
  if (text.size() == 14 && AllDigits(text) && text.substr(12) != "00") {
    natural = static_cast<uint8_t>(*ParseUint(text.substr(12), 99));
    text = text.substr(0, 12);
  }
  const RegionCode village = errors.Number("village", text, 12, &ParseRegionCode);
  if (village.value != 0 && LevelOf(village) != RegionLevel::kVillage) {
    errors.Add("village", fmt::format("{} is a larger division", text),
               "write the 12-digit code of the village", Reason::kRegionNotVillage);
  }
  return village;
}

}  // namespace

RosterReader::RosterReader(const Limits& limits, RowSink<RosterRow> sink)
    : text_bytes_(limits.text_bytes),
      sink_(std::move(sink)),
      table_(
          RosterColumns(), {.max_row_bytes = limits.csv_row_bytes}, [this](const TableRow& row) { Row(row); },
          sink_.error) {}

void RosterReader::Row(const TableRow& table_row) {
  RowErrors errors(table_row.line(), sink_.error);
  RosterRow row;
  row.line = table_row.line();
  row.form_number = ReadFormNumber(errors, table_row.Get(kFormNumber));
  row.name = errors.Text("name", table_row.Get(kName), text_bytes_, true);
  row.person_id = ReadPersonId(errors, table_row.Get(kPersonId));
  row.phone = ReadPhone(errors, table_row.Get(kPhone));
  row.village = ReadVillage(errors, table_row.Get(kVillage), row.natural_village);
  row.address = errors.Text("address", table_row.Get(kAddress), text_bytes_, false);
  row.subsidy = ReadClass(errors, table_row.Get(kClass));
  row.card = errors.Number("card_number", table_row.Get(kCardNumber), 12, &ParseCardNumber);
  row.box = errors.Number("box_serial", table_row.Get(kBoxSerial), 16, &ParseBoxSerial);
  row.sim = errors.Number("sim_number", table_row.Get(kSimNumber), 11, &ParseSimNumber);
  if (errors.ok() && seen_.Claim(errors, {{"form_number", row.form_number},
                                          {"person_id", row.person_id},
                                          {"card_number", ToString(row.card)},
                                          {"box_serial", ToString(row.box)},
                                          {"sim_number", ToString(row.sim)}})) {
    sink_.row(std::move(row));
  }
}

Result<Parsed<RosterRow>> ParseRoster(std::string_view text, const Limits& limits) {
  return ParseWhole<RosterReader, RosterRow>(text, limits);
}

}  // namespace hearth::import
