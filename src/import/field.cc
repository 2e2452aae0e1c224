#include "src/import/field.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace hearth::import {
namespace {

constexpr std::string_view kWideSpaces[] = {"\xC2\xA0", "\xE3\x80\x80"};  // U+00A0, U+3000
constexpr std::string_view kWideDigits = "\xEF\xBC\x90";                  // U+FF10, full-width 0

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// The digits (and x) somebody probably meant: full-width forms, letters that look like digits, and
// separators are put right.
std::string Normalise(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i).starts_with(kWideDigits.substr(0, 2)) && i + 2 < text.size()) {
      const auto digit = static_cast<uint8_t>(text[i + 2]) - 0x90;
      if (digit >= 0 && digit <= 9) {
        out.push_back(static_cast<char>('0' + digit));
        i += 2;
        continue;
      }
    }
    const bool wide_space = std::any_of(std::begin(kWideSpaces), std::end(kWideSpaces),
                                        [&](std::string_view s) { return text.substr(i).starts_with(s); });
    if (wide_space) {
      i += text.substr(i).starts_with(kWideSpaces[0]) ? 1 : 2;
    } else if (c == 'O' || c == 'o') {
      out.push_back('0');
    } else if (c == 'l' || c == 'I' || c == '|') {
      out.push_back('1');
    } else if (!IsSpace(c) && c != '-' && c != '\'' && c != '.') {
      out.push_back(c);
    }
  }
  return out;
}

bool LooksScientific(std::string_view text) {
  const size_t e = text.find_first_of("eE");
  return e != std::string_view::npos && e > 0 && text[0] >= '1' && text[0] <= '9' && e + 1 < text.size() &&
         text[e + 1] == '+';
}

}  // namespace

std::string_view Trim(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
    while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
    for (const std::string_view space : kWideSpaces) {
      if (text.starts_with(space)) {
        text.remove_prefix(space.size());
        again = true;
      }
      if (text.ends_with(space)) {
        text.remove_suffix(space.size());
        again = true;
      }
    }
  }
  return text;
}

std::string_view CutText(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::optional<uint64_t> ParseUint(std::string_view text, uint64_t max) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) {
    return std::nullopt;
  }
  return value;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string SuggestDigits(std::string_view text, size_t digits) {
  if (LooksScientific(text)) {
    return fmt::format(
        "the spreadsheet rounded the number to {}: format the column as text and type it again",
        text.substr(0, 20));
  }
  const std::string plain = Normalise(text);
  if (plain.empty() || !AllDigits(plain)) return "";
  if (plain.size() == digits && plain != text) return "write " + plain;
  if (plain.size() < digits && plain.size() + 3 >= digits) {
    return fmt::format("{} digits: zeros at the front may be lost, as in {:0>{}}", plain.size(), plain,
                       digits);
  }
  return "";
}

std::string SuggestPersonId(std::string_view text) {
  if (LooksScientific(text)) {
    return "the spreadsheet rounded the number: format the column as text and type it again";
  }
  const std::string plain = Normalise(text);
  if (plain != text && CheckPersonId(plain)) return "type it with plain digits and without spaces";
  if (plain.size() == 15 && AllDigits(plain)) return "this is an old 15-digit number: take the 18-digit one";
  if (plain.size() == 18) return "compare it with the identity card: a digit is wrong or two are swapped";
  return "";
}

void RowErrors::Add(std::string_view column, std::string message, std::string suggestion, Reason reason) {
  ok_ = false;
  sink_({.line = line_,
         .column = std::string(column),
         .reason = reason,
         .message = std::move(message),
         .suggestion = std::move(suggestion)});
}

void RowErrors::Warn(std::string_view column, std::string message, Reason reason) {
  sink_({.line = line_,
         .column = std::string(column),
         .reason = reason,
         .message = std::move(message),
         .suggestion = "",
         .warning = true});
}

void RowErrors::Duplicate(std::string_view column, uint64_t first_line) {
  Add(column, fmt::format("the {} is on line {} already", column, first_line),
      fmt::format("compare with line {} and remove or correct one", first_line), Reason::kRowDuplicate);
}

std::string RowErrors::Text(std::string_view column, std::string_view text, size_t max_bytes, bool required) {
  if (required && text.empty()) {
    Add(column, fmt::format("{} is empty", column));
  } else if (text.size() > max_bytes) {
    Add(column, fmt::format("longer than {} bytes", max_bytes));
  } else if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20; })) {
    Add(column, "holds a line end or another control character");
  }
  return std::string(text);
}

std::string RowErrors::Rule(const Error& error) {
  if (error.violations().empty()) return error.message();
  const std::string& rule = error.violations().front().description;
  return error.reason() == Reason::kFieldMissing ? "empty; needs " + rule : "needs " + rule;
}

bool SeenValues::Claim(RowErrors& errors, const Claims& claims) {
  for (const auto& [column, value] : claims) {
    const auto& lines = lines_[column];
    if (const auto first = lines.find(value); first != lines.end()) errors.Duplicate(column, first->second);
  }
  if (!errors.ok()) return false;
  for (const auto& [column, value] : claims) lines_[column].emplace(value, errors.line());
  return true;
}

}  // namespace hearth::import
