// The three files of stock: cards, boxes (the manufacturer's file) and SIMs. Each is held in memory as a
// whole while it is read; a delivery has some hundred thousand rows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"
#include "src/import/row_error.h"

namespace hearth::import {

// Columns: card_number, batch.
struct CardStockRow {
  uint64_t line = 0;
  CardNumber card;
  BatchId batch;  // 1 to 65535

  bool operator==(const CardStockRow&) const = default;
};

// Columns: box_serial, encrypted_serial, imei, model, chip_key.
struct BoxStockRow {
  uint64_t line = 0;
  BoxSerial box;
  uint64_t encrypted_serial = 0;  // 11 digits
  uint64_t imei = 0;              // of the location module: 15 digits, the last checks the others (Luhn)
  std::string model;              // 1 to 64 bytes
  // Secret: the key in the box's chip, 32 hexadecimal digits in the file. The caller moves it into a type
  // that wipes it. No error message ever quotes it.
  std::array<uint8_t, 16> chip_key{};

  bool operator==(const BoxStockRow&) const = default;
};

// Columns: sim_number, iccid.
struct SimStockRow {
  uint64_t line = 0;
  SimNumber sim;
  std::string iccid;  // 19 or 20 digits (ITU-T E.118)

  bool operator==(const SimStockRow&) const = default;
};

// Good rows and errors: HEADER_INVALID for the file; ROW_FIELD_INVALID and ROW_DUPLICATE (same card, box,
// encrypted serial, IMEI, SIM or ICCID as an earlier good row, whose line is named) for rows.
Result<Parsed<CardStockRow>> ParseCardStock(std::string_view text, const Limits& limits);
Result<Parsed<BoxStockRow>> ParseBoxStock(std::string_view text, const Limits& limits);
Result<Parsed<SimStockRow>> ParseSimStock(std::string_view text, const Limits& limits);

// True when the last decimal digit is the Luhn check digit of the others (ISO/IEC 7812-1 annex B).
bool LuhnValid(std::string_view digits);

}  // namespace hearth::import
