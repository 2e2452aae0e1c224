#include "src/import/stock.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "src/base/bytes.h"
#include "src/import/field.h"
#include "src/import/table.h"

namespace hearth::import {
namespace {

std::span<const Column> CardColumns() {
  static const std::vector<Column> columns = {
      {"card_number", {"加密卡号"}},
      {"batch", {"批次"}},
  };
  return columns;
}

std::span<const Column> BoxColumns() {
  static const std::vector<Column> columns = {
      {"box_serial", {"机顶盒编号"}}, {"encrypted_serial", {"加密序列号"}}, {"imei", {}}, {"model", {"型号"}},
      {"chip_key", {"芯片密钥"}},
  };
  return columns;
}

std::span<const Column> SimColumns() {
  static const std::vector<Column> columns = {
      {"sim_number", {"电话卡号"}},
      {"iccid", {}},
  };
  return columns;
}

uint64_t ReadDigits(RowErrors& errors, std::string_view column, std::string_view text, size_t digits) {
  const auto value = ParseUint(text, UINT64_MAX);
  if (text.size() == digits && AllDigits(text) && value) return *value;
  errors.Add(column, fmt::format("needs exactly {} digits, not \"{}\"", digits, CutText(text, 40)),
             SuggestDigits(text, digits));
  return 0;
}

uint64_t ReadImei(RowErrors& errors, std::string_view text) {
  const uint64_t imei = ReadDigits(errors, "imei", text, 15);
  if (imei != 0 && !LuhnValid(text)) {
    errors.Add("imei", fmt::format("the last digit of {} does not match the others", text),
               "compare it with the label of the location module");
  }
  return imei;
}

// Secret: neither the field nor any part of it goes into the message.
std::array<uint8_t, 16> ReadChipKey(RowErrors& errors, std::string_view text) {
  std::array<uint8_t, 16> key{};
  Result<Bytes> bytes = FromHex(text);
  if (!bytes || bytes->size() != key.size()) {
    errors.Add("chip_key", "needs exactly 32 hexadecimal digits");
    return key;
  }
  std::copy(bytes->begin(), bytes->end(), key.begin());
  std::fill(bytes->begin(), bytes->end(), uint8_t{0});
  return key;
}

CardStockRow ReadCard(RowErrors& errors, const TableRow& row) {
  CardStockRow card;
  card.line = row.line();
  card.card = errors.Number("card_number", row.Get(0), 12, &ParseCardNumber);
  const auto batch = ParseUint(row.Get(1), UINT16_MAX);
  if (!batch || *batch == 0) {
    errors.Add("batch", fmt::format("needs a number from 1 to 65535, not \"{}\"", CutText(row.Get(1), 40)));
  }
  card.batch = BatchId(static_cast<uint16_t>(batch.value_or(0)));
  return card;
}

BoxStockRow ReadBox(RowErrors& errors, const TableRow& row) {
  BoxStockRow box;
  box.line = row.line();
  box.box = errors.Number("box_serial", row.Get(0), 16, &ParseBoxSerial);
  box.encrypted_serial = ReadDigits(errors, "encrypted_serial", row.Get(1), 11);
  box.imei = ReadImei(errors, row.Get(2));
  box.model = errors.Text("model", row.Get(3), 64, true);
  box.chip_key = ReadChipKey(errors, row.Get(4));
  return box;
}

SimStockRow ReadSim(RowErrors& errors, const TableRow& row) {
  SimStockRow sim;
  sim.line = row.line();
  sim.sim = errors.Number("sim_number", row.Get(0), 11, &ParseSimNumber);
  sim.iccid = std::string(row.Get(1));
  if (!AllDigits(sim.iccid) || sim.iccid.size() < 19 || sim.iccid.size() > 20) {
    errors.Add("iccid", fmt::format("needs 19 or 20 digits, not \"{}\"", CutText(sim.iccid, 40)),
               SuggestDigits(sim.iccid, 20));
  }
  return sim;
}

SeenValues::Claims ClaimsOf(const CardStockRow& row) { return {{"card_number", ToString(row.card)}}; }

SeenValues::Claims ClaimsOf(const BoxStockRow& row) {
  return {{"box_serial", ToString(row.box)},
          {"encrypted_serial", fmt::format("{}", row.encrypted_serial)},
          {"imei", fmt::format("{}", row.imei)}};
}

SeenValues::Claims ClaimsOf(const SimStockRow& row) {
  return {{"sim_number", ToString(row.sim)}, {"iccid", row.iccid}};
}

template <typename Row>
Result<Parsed<Row>> ParseStock(std::string_view text, const Limits& limits, std::span<const Column> columns,
                               Row (*read)(RowErrors&, const TableRow&)) {
  Parsed<Row> parsed;
  SeenValues seen;
  const std::function<void(RowError)> on_error = [&](RowError e) { parsed.errors.push_back(std::move(e)); };
  TableReader table(
      columns, {.max_row_bytes = limits.csv_row_bytes},
      [&](const TableRow& table_row) {
        RowErrors errors(table_row.line(), on_error);
        Row row = read(errors, table_row);
        if (errors.ok() && seen.Claim(errors, ClaimsOf(row))) parsed.rows.push_back(std::move(row));
      },
      on_error);
  HEARTH_RETURN_IF_ERROR(table.Feed(text));
  HEARTH_RETURN_IF_ERROR(table.Finish());
  return parsed;
}

}  // namespace

Result<Parsed<CardStockRow>> ParseCardStock(std::string_view text, const Limits& limits) {
  return ParseStock<CardStockRow>(text, limits, CardColumns(), &ReadCard);
}

Result<Parsed<BoxStockRow>> ParseBoxStock(std::string_view text, const Limits& limits) {
  return ParseStock<BoxStockRow>(text, limits, BoxColumns(), &ReadBox);
}

Result<Parsed<SimStockRow>> ParseSimStock(std::string_view text, const Limits& limits) {
  return ParseStock<SimStockRow>(text, limits, SimColumns(), &ReadSim);
}

bool LuhnValid(std::string_view digits) {
  if (!AllDigits(digits)) return false;
  int sum = 0;
  bool twice = false;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, twice = !twice) {
    const int value = (*digit - '0') * (twice ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 == 0;
}

}  // namespace hearth::import
