// Fields of a row: cleaning, numbers, and suggestions for what hands and spreadsheets do to them. Used inside
// this library.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"
#include "src/import/row_error.h"

namespace hearth::import {

// Without outer spaces, tabs, line ends, no-break spaces and full-width spaces.
std::string_view Trim(std::string_view text);

// The front of `text` for a message: at most `max_bytes`, never half a character.
std::string_view CutText(std::string_view text, size_t max_bytes);

// Without sign, decimal, at most `max`.
std::optional<uint64_t> ParseUint(std::string_view text, uint64_t max);

// ASCII letters in lower case; other bytes as they are.
std::string Lower(std::string_view text);

bool AllDigits(std::string_view text);

// What was probably meant by a field that should hold `digits` digits; "" when there is no good guess.
std::string SuggestDigits(std::string_view text, size_t digits);
// The same for an 18-character identity number. Never quotes the number: it is personal.
std::string SuggestPersonId(std::string_view text);

// The errors of one row.
class RowErrors {
 public:
  RowErrors(uint64_t line, const std::function<void(RowError)>& sink) : line_(line), sink_(sink) {}

  void Add(std::string_view column, std::string message, std::string suggestion = "",
           Reason reason = Reason::kRowFieldInvalid);
  // The row is kept.
  void Warn(std::string_view column, std::string message, Reason reason = Reason::kRowFieldInvalid);
  // ROW_DUPLICATE: `first_line` has the same value.
  void Duplicate(std::string_view column, uint64_t first_line);

  // Reads an identifier of a fixed number of digits with one of the parsers of src/base/ids.h.
  template <typename Id>
  Id Number(std::string_view column, std::string_view text, size_t digits,
            Result<Id> (*parse)(std::string_view, std::string_view)) {
    Result<Id> id = parse(CutText(text, 40), column);
    if (id) return *id;
    Add(column, Rule(id.error()), SuggestDigits(text, digits));
    return Id();
  }
  // Names and addresses: at most `max_bytes`, no control characters.
  std::string Text(std::string_view column, std::string_view text, size_t max_bytes, bool required);

  uint64_t line() const { return line_; }
  // False when an error (not just a warning) was added.
  bool ok() const { return ok_; }

 private:
  static std::string Rule(const Error& error);

  const uint64_t line_;
  const std::function<void(RowError)>& sink_;
  bool ok_ = true;
};

// Which values of which columns the good rows so far have, to find doubles.
class SeenValues {
 public:
  using Claims = std::vector<std::pair<std::string_view, std::string>>;  // column, value

  // Takes all values for the row, or reports each that an earlier row has and takes none.
  bool Claim(RowErrors& errors, const Claims& claims);

 private:
  std::map<std::string_view, std::unordered_map<std::string, uint64_t>> lines_;  // column → value → line
};

// A whole file through a Reader with the usual constructor (limits, sink).
template <typename Reader, typename Row>
Result<Parsed<Row>> ParseWhole(std::string_view text, const Limits& limits) {
  Parsed<Row> parsed;
  Reader reader(limits, {[&](Row row) { parsed.rows.push_back(std::move(row)); },
                         [&](RowError error) { parsed.errors.push_back(std::move(error)); }});
  HEARTH_RETURN_IF_ERROR(reader.Feed(text));
  HEARTH_RETURN_IF_ERROR(reader.Finish());
  return parsed;
}

}  // namespace hearth::import
