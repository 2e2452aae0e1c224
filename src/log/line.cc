#include "src/log/line.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace hearth::log {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Length of the well-formed UTF-8 sequence at the start of `text` (Unicode 15, table 3-7), or 0.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const auto within = [&](size_t i, uint8_t low, uint8_t high) { return byte(i) >= low && byte(i) <= high; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
    const uint8_t high = lead == 0xED ? 0x9F : 0xBF;
    return within(1, low, high) && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
    return within(1, low, high) && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

// U+0000 to U+001F, U+007F and U+0080 to U+009F: terminals obey them.
bool IsControl(std::string_view sequence) {
  const auto lead = static_cast<uint8_t>(sequence[0]);
  if (sequence.size() == 1) return lead < 0x20 || lead == 0x7F;
  return sequence.size() == 2 && lead == 0xC2 && static_cast<uint8_t>(sequence[1]) < 0xA0;
}

void AppendEscaped(std::string& out, std::string_view sequence) {
  switch (sequence[0]) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (IsControl(sequence)) {
    out += fmt::format("\\u{:04x}", static_cast<uint8_t>(sequence.back()));
  } else {
    out += sequence;
  }
}

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) {
      out += kReplacement;
      text.remove_prefix(1);
    } else {
      AppendEscaped(out, text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  out += '"';
}

bool IsPlain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
  });
}

void AppendTextValue(std::string& out, std::string_view text) {
  if (IsPlain(text)) {
    out += text;
  } else {
    AppendJsonString(out, text);
  }
}

std::string_view UpperNameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO ";
    case LogLevel::kWarn:
      return "WARN ";
    case LogLevel::kError:
      return "ERROR";
  }
  return "ERROR";
}

}  // namespace

std::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::string JsonString(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

std::string JsonLine(UnixMillis time, LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  std::string out = fmt::format(R"({{"time":"{}","level":"{}","event":)", ToString(time), NameOf(level));
  AppendJsonString(out, event);
  for (const LogField& field : fields) {
    out += ',';
    const bool fixed = field.key == "time" || field.key == "level" || field.key == "event";
    AppendJsonString(out, fixed ? fmt::format("{}_", field.key) : std::string(field.key));
    out += ':';
    AppendJsonString(out, field.value);
  }
  out += '}';
  return out;
}

std::string TextLine(UnixMillis time, LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  std::string out = fmt::format("{} {} ", ToString(time), UpperNameOf(level));
  AppendTextValue(out, event);
  for (const LogField& field : fields) {
    out += ' ';
    AppendTextValue(out, field.key);
    out += '=';
    AppendTextValue(out, field.value);
  }
  return out;
}

}  // namespace hearth::log
