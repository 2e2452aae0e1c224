#include "src/import/csv.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace hearth::import {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Length of the UTF-8 sequence at the start of `text` (RFC 3629), or 0 when it is none. NUL counts as none:
// it shows that the file is UTF-16 or binary.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(i < text.size() ? text[i] : 0); };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

// Position of the first byte that is not UTF-8, or npos.
size_t FindBadByte(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = SequenceLength(text.substr(at, 4));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

uint64_t CountLines(std::string_view text) {
  return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

CsvReader::CsvReader(size_t max_row_bytes, OnRow on_row, OnError on_error)
    : max_row_bytes_(max_row_bytes), on_row_(std::move(on_row)), on_error_(std::move(on_error)) {}

void CsvReader::Feed(std::string_view chunk) {
  buffer_.append(chunk);
  SkipByteOrderMark(false);
  if (!started_) return;
  Scan();
  buffer_.erase(0, row_begin_);
  at_ -= row_begin_;
  row_begin_ = 0;
}

void CsvReader::Finish() {
  SkipByteOrderMark(true);
  Scan();
  // Each turn ends one row; an unclosed quote sends us back to the line behind it, as often as it takes.
  while (row_begin_ < buffer_.size()) {
    if (state_ == State::kQuoted) {
      Refuse(row_line_, Reason::kRowFieldInvalid, "a quote is opened and never closed",
             "close the quote, or write a quote inside a field twice");
      if (BeginAgainAtNextLine(buffer_.size())) {
        Scan();
        continue;
      }
      BeginRowAt(buffer_.size());
    } else {
      EndRow(buffer_.size(), buffer_.size());
      Scan();
    }
  }
}

void CsvReader::SkipByteOrderMark(bool at_end) {
  if (started_) return;
  const std::string_view head = std::string_view(buffer_).substr(0, kByteOrderMark.size());
  if (!at_end && head.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(head)) return;
  started_ = true;
  if (head == kByteOrderMark) buffer_.erase(0, kByteOrderMark.size());
}

void CsvReader::Scan() {
  while (at_ < buffer_.size()) {
    const char c = buffer_[at_];
    if (c == '\n' && state_ != State::kQuoted) {
      EndRow(at_, at_ + 1);
      continue;
    }
    if (state_ != State::kTooLong && at_ - row_begin_ >= max_row_bytes_) {
      RowTooLong();
      continue;
    }
    switch (state_) {
      case State::kFieldStart:
        if (c != ',') state_ = c == '"' ? State::kQuoted : State::kPlain;
        break;
      case State::kPlain:
        if (c == ',') state_ = State::kFieldStart;
        break;
      case State::kQuoted:
        if (c == '"') state_ = State::kQuoteInQuoted;
        break;
      case State::kQuoteInQuoted:
        if (c == '"') {
          state_ = State::kQuoted;
          break;
        }
        state_ = State::kClosed;
        [[fallthrough]];
      case State::kClosed:
        if (c == ',') {
          state_ = State::kFieldStart;
        } else if (c != '\r') {
          malformed_ = true;
          state_ = State::kPlain;
        }
        break;
      case State::kTooLong:
        break;
    }
    ++at_;
  }
  if (state_ == State::kTooLong) {
    // The rest of such a row is not kept; it has no line end, or it would be over.
    buffer_.erase(row_begin_);
    at_ = row_begin_;
  }
}

// The row is [row_begin_, end); the next one begins at `next`.
void CsvReader::EndRow(size_t end, size_t next) {
  std::string_view raw = std::string_view(buffer_).substr(row_begin_, end - row_begin_);
  if (raw.ends_with('\r')) raw.remove_suffix(1);
  if (state_ == State::kTooLong || raw.empty()) {
    BeginRowAt(next);
    return;
  }
  if (const size_t bad = FindBadByte(raw); bad != std::string_view::npos) {
    Refuse(row_line_ + CountLines(raw.substr(0, bad)), Reason::kEncodingInvalid,
           fmt::format("byte {} of the row is not UTF-8", bad + 1),
           "save the file as UTF-8 (in a spreadsheet: CSV UTF-8)");
    BeginRowAt(next);
    return;
  }
  if (malformed_) {
    Refuse(row_line_, Reason::kRowFieldInvalid, "text behind a closing quote",
           "write a quote inside a field twice");
    if (!BeginAgainAtNextLine(end)) BeginRowAt(next);
    return;
  }
  SplitFields(raw);
  on_row_({.line = row_line_, .fields = fields_});
  BeginRowAt(next);
}

void CsvReader::RowTooLong() {
  Refuse(row_line_, Reason::kRowTooLong, fmt::format("the row is longer than {} bytes", max_row_bytes_),
         "look for a quote that is not closed, or a missing line end");
  if (BeginAgainAtNextLine(at_)) return;
  BeginRowAt(at_);
  state_ = State::kTooLong;
}

// `raw` is well-formed. Fields with doubled quotes are rewritten into unescaped_, the others are views.
void CsvReader::SplitFields(std::string_view raw) {
  fields_.clear();
  unescaped_.clear();
  unescaped_.reserve(raw.size());  // so that views into it stay right while it grows
  size_t at = 0;
  while (true) {
    if (at < raw.size() && raw[at] == '"') {
      fields_.push_back(QuotedField(raw, at));
    } else {
      const size_t comma = std::min(raw.find(',', at), raw.size());
      fields_.push_back(raw.substr(at, comma - at));
      at = comma;
    }
    if (at >= raw.size()) return;
    ++at;  // the comma
  }
}

// `at` is at the opening quote; afterwards at the comma behind the field, or at the end.
std::string_view CsvReader::QuotedField(std::string_view raw, size_t& at) {
  const size_t begin = unescaped_.size();
  for (++at; at < raw.size(); ++at) {
    if (raw[at] == '"') {
      ++at;
      if (at >= raw.size() || raw[at] != '"') break;
    }
    unescaped_.push_back(raw[at]);
  }
  at = std::min(raw.find(',', at), raw.size());
  return std::string_view(unescaped_).substr(begin);
}

void CsvReader::Refuse(uint64_t line, Reason reason, std::string message, std::string suggestion) {
  on_error_({.line = line,
             .column = "",
             .reason = reason,
             .message = std::move(message),
             .suggestion = std::move(suggestion)});
}

// Goes to the line behind the first line of the bad row, when the row has more than one before `limit`.
bool CsvReader::BeginAgainAtNextLine(size_t limit) {
  const size_t line_end = buffer_.find('\n', row_begin_);
  if (line_end >= limit || begin_again_left_ == 0) return false;
  --begin_again_left_;
  BeginRowAt(line_end + 1);
  return true;
}

void CsvReader::BeginRowAt(size_t next) {
  row_line_ += CountLines(std::string_view(buffer_).substr(row_begin_, next - row_begin_));
  row_begin_ = next;
  at_ = next;
  state_ = State::kFieldStart;
  malformed_ = false;
}

}  // namespace hearth::import
