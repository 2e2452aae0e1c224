// Reads CSV (RFC 4180) piece by piece: comma-separated, fields in quotes may hold commas, quotes and line
// ends.
//
// More lenient than the RFC where hands and spreadsheets deviate: LF or CRLF, a byte order mark, a quote
// inside an unquoted field is an ordinary character, empty lines are passed over. Stricter: UTF-8 only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/import/row_error.h"

namespace hearth::import {

// One row. Valid only during the call that gets it.
struct CsvRow {
  uint64_t line = 0;  // where the row begins, from 1
  std::span<const std::string_view> fields;
};

// One thread. Holds at most `max_row_bytes` and one chunk. The callbacks must not call the reader.
//
// A bad row costs only itself. Errors (column ""): ENCODING_INVALID (with the line of the bad byte),
// ROW_TOO_LONG, ROW_FIELD_INVALID (text behind a closing quote, a quote never closed). Since a stray quote
// swallows the lines behind it, reading goes on at the line after the one where the bad row began (in a file
// with more than 1,000 such rows: behind the bad row).
class CsvReader {
 public:
  using OnRow = std::function<void(const CsvRow&)>;
  using OnError = std::function<void(RowError)>;

  CsvReader(size_t max_row_bytes, OnRow on_row, OnError on_error);
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  // The next bytes of the file, cut anywhere.
  void Feed(std::string_view chunk);
  // The end of the file; a last line without line end counts. Call once; no Feed afterwards.
  void Finish();

 private:
  enum class State : uint8_t { kFieldStart, kPlain, kQuoted, kQuoteInQuoted, kClosed, kTooLong };

  void SkipByteOrderMark(bool at_end);
  void Scan();
  void EndRow(size_t end, size_t next);
  void RowTooLong();
  void SplitFields(std::string_view raw);
  std::string_view QuotedField(std::string_view raw, size_t& at);
  void Refuse(uint64_t line, Reason reason, std::string message, std::string suggestion);
  bool BeginAgainAtNextLine(size_t limit);
  void BeginRowAt(size_t next);

  const size_t max_row_bytes_;
  const OnRow on_row_;
  const OnError on_error_;

  std::string buffer_;     // from the first byte not yet done with
  size_t row_begin_ = 0;   // in buffer_
  size_t at_ = 0;          // in buffer_: next byte to look at
  uint64_t row_line_ = 1;  // line of row_begin_
  State state_ = State::kFieldStart;
  bool malformed_ = false;  // text behind a closing quote
  bool started_ = false;    // the byte order mark is behind us
  // How often reading may still go back to the line behind a bad row: keeps the time linear in the file.
  size_t begin_again_left_ = 1000;

  std::vector<std::string_view> fields_;
  std::string unescaped_;
};

}  // namespace hearth::import
