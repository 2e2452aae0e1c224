// Tables: a CSV file whose columns are found by their names, English or Chinese, in any order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/status.h"
#include "src/import/csv.h"
#include "src/import/row_error.h"

namespace hearth::import {

// A column of a format. Names are compared without case, outer spaces, and with '_', '-' and ' ' alike.
struct Column {
  std::string_view name;                  // as documented, and as errors call it
  std::vector<std::string_view> aliases;  // other accepted names
  bool required = true;
};

struct TableOptions {
  size_t max_row_bytes = 65'536;
  // The first line may already be data in the order of the columns; it is a header when its first field is a
  // column name.
  bool header_optional = false;
  // A row may stop before its last optional columns.
  bool short_rows = false;
  // So many columns does a file without a header have; 0: all.
  size_t positional = 0;
};

// One row of a table. Valid only during the call that gets it.
class TableRow {
 public:
  TableRow(uint64_t line, std::span<const std::string_view> fields, std::span<const int> positions)
      : line_(line), fields_(fields), positions_(positions) {}

  uint64_t line() const { return line_; }
  // The field of the column with this index in the format, without outer spaces; "" when the file or the row
  // does not have it.
  std::string_view Get(size_t column) const;

 private:
  uint64_t line_;
  std::span<const std::string_view> fields_;
  std::span<const int> positions_;  // by column: index of the field, or -1
};

// One thread. Errors of rows (ROW_COLUMNS and those of CsvReader) go to the callback and cost only the row.
// An error of the header is returned by the call that found it and by every later one: nothing of such a file
// is read. Rows whose fields are all empty are passed over.
class TableReader {
 public:
  using OnRow = std::function<void(const TableRow&)>;
  using OnError = CsvReader::OnError;

  // `columns` must outlive the reader.
  TableReader(std::span<const Column> columns, const TableOptions& options, OnRow on_row, OnError on_error);
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // HEADER_INVALID names every column that is missing, unknown or there twice.
  Status Feed(std::string_view chunk);
  // Also HEADER_INVALID when the file is empty.
  Status Finish();

 private:
  void Row(const CsvRow& row);
  void RowFailed(RowError error);
  bool IsHeader(const CsvRow& row) const;
  Status ReadHeader(const CsvRow& row);
  void UseDefaultOrder();
  std::optional<size_t> FindColumn(std::string_view name) const;

  const std::span<const Column> columns_;
  const TableOptions options_;
  const OnRow on_row_;
  const OnError on_error_;
  bool header_done_ = false;
  Status status_;  // of the header
  std::vector<int> positions_;
  size_t width_ = 0;      // fields of a full row
  size_t min_width_ = 0;  // fields a row must have
  CsvReader csv_;
};

}  // namespace hearth::import
