#include "src/import/table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "src/import/field.h"

namespace hearth::import {
namespace {

// Names of columns are compared in this form.
std::string Canonical(std::string_view name) {
  std::string out = Lower(Trim(name));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '-' || c == ' '; }, '_');
  return out;
}

bool AllEmpty(std::span<const std::string_view> fields) {
  return std::all_of(fields.begin(), fields.end(), [](std::string_view f) { return Trim(f).empty(); });
}

// Adds "what: a, b" to a list of complaints.
void Complain(std::string& complaints, std::string_view what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  if (!complaints.empty()) complaints += "; ";
  complaints += fmt::format("{}: {}", what, fmt::join(names, ", "));
}

}  // namespace

std::string_view TableRow::Get(size_t column) const {
  const int position = positions_[column];
  if (position < 0 || static_cast<size_t>(position) >= fields_.size()) return {};
  return Trim(fields_[static_cast<size_t>(position)]);
}

TableReader::TableReader(std::span<const Column> columns, const TableOptions& options, OnRow on_row,
                         OnError on_error)
    : columns_(columns),
      options_(options),
      on_row_(std::move(on_row)),
      on_error_(std::move(on_error)),
      csv_(
          options.max_row_bytes, [this](const CsvRow& row) { Row(row); },
          [this](RowError error) { RowFailed(std::move(error)); }) {}

Status TableReader::Feed(std::string_view chunk) {
  if (status_) csv_.Feed(chunk);
  return status_;
}

Status TableReader::Finish() {
  if (status_) csv_.Finish();
  if (status_ && !header_done_) status_ = Error(Reason::kHeaderInvalid, "the file is empty");
  return status_;
}

void TableReader::RowFailed(RowError error) {
  if (!status_) return;
  if (header_done_) {
    on_error_(std::move(error));
    return;
  }
  // Without its first line nobody knows what the columns mean.
  status_ = Error(error.reason,
                  fmt::format("line {}, the header: {}; {}", error.line, error.message, error.suggestion));
}

void TableReader::Row(const CsvRow& row) {
  if (!status_ || AllEmpty(row.fields)) return;
  if (!header_done_) {
    header_done_ = true;
    if (!options_.header_optional || IsHeader(row)) {
      status_ = ReadHeader(row);
      return;
    }
    UseDefaultOrder();
  }
  const bool too_many = row.fields.size() > width_ && !AllEmpty(row.fields.subspan(width_));
  if (row.fields.size() < min_width_ || too_many) {
    on_error_({.line = row.line,
               .column = "",
               .reason = Reason::kRowColumns,
               .message = fmt::format("{} fields instead of {}", row.fields.size(), width_),
               .suggestion = too_many ? "put a field that holds commas into quotes" : ""});
    return;
  }
  on_row_(TableRow(row.line, row.fields, positions_));
}

bool TableReader::IsHeader(const CsvRow& row) const { return FindColumn(row.fields.front()).has_value(); }

Status TableReader::ReadHeader(const CsvRow& row) {
  positions_.assign(columns_.size(), -1);
  std::vector<std::string> unknown;
  std::vector<std::string> twice;
  size_t fields = row.fields.size();
  while (fields > 0 && Trim(row.fields[fields - 1]).empty()) --fields;
  for (size_t i = 0; i < fields; ++i) {
    const auto column = FindColumn(row.fields[i]);
    if (!column) {
      unknown.push_back(fmt::format("\"{}\"", CutText(Trim(row.fields[i]), 60)));
    } else if (positions_[*column] >= 0) {
      twice.emplace_back(columns_[*column].name);
    } else {
      positions_[*column] = static_cast<int>(i);
    }
  }
  std::vector<std::string> missing;
  width_ = fields;
  min_width_ = options_.short_rows ? 1 : fields;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!columns_[i].required) continue;
    if (positions_[i] < 0) missing.emplace_back(columns_[i].name);
    min_width_ = std::max(min_width_, static_cast<size_t>(positions_[i] + 1));
  }
  std::string complaints;
  Complain(complaints, "missing columns", missing);
  Complain(complaints, "unknown columns", unknown);
  Complain(complaints, "columns there twice", twice);
  if (complaints.empty()) return Ok();
  return Error(Reason::kHeaderInvalid, fmt::format("line {}: {}", row.line, complaints));
}

void TableReader::UseDefaultOrder() {
  width_ = options_.positional > 0 ? options_.positional : columns_.size();
  min_width_ = options_.short_rows ? 1 : width_;
  positions_.assign(columns_.size(), -1);
  for (size_t i = 0; i < width_; ++i) {
    positions_[i] = static_cast<int>(i);
    if (columns_[i].required) min_width_ = std::max(min_width_, i + 1);
  }
}

std::optional<size_t> TableReader::FindColumn(std::string_view name) const {
  const std::string wanted = Canonical(name);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const bool alias = std::any_of(column.aliases.begin(), column.aliases.end(),
                                   [&](std::string_view a) { return Canonical(a) == wanted; });
    if (alias || Canonical(column.name) == wanted) return i;
  }
  return std::nullopt;
}

}  // namespace hearth::import
