#include "tools/ctl/output.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>
#include <time.h>

namespace hearth::ctl {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

constexpr std::array<Range, 14> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0x33FF},
                                          {0x3400, 0x4DBF},
                                          {0x4E00, 0x9FFF},
                                          {0xA000, 0xA4CF},
                                          {0xA960, 0xA97F},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0xFFE0, 0xFFE6},
                                          {0x1F300, 0x1FAFF},
                                          {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 5> kNoWidth = {
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}}};
constexpr std::array<Range, 4> kUnprintable = {
    {{0x00, 0x1F}, {0x7F, 0x9F}, {0x202A, 0x202E}, {0x2066, 0x2069}}};

constexpr uint32_t kNoCharacter = 0xFFFFFFFF;

template <size_t N>
bool In(const std::array<Range, N>& ranges, uint32_t character) {
  return std::any_of(ranges.begin(), ranges.end(), [character](const Range& range) {
    return character >= range.first && character <= range.last;
  });
}

size_t SequenceLength(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// The character at the front of `text`, which is shortened by it; kNoCharacter and one byte less when the
// bytes there are no UTF-8.
uint32_t TakeCharacter(std::string_view& text) {
  const auto lead = static_cast<uint8_t>(text.front());
  const size_t length = SequenceLength(lead);
  if (length == 0 || length > text.size()) {
    text.remove_prefix(1);
    return kNoCharacter;
  }
  uint32_t character = length == 1 ? lead : lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) {
      text.remove_prefix(1);
      return kNoCharacter;
    }
    character = character << 6 | (next & 0x3FU);
  }
  text.remove_prefix(length);
  return character;
}

google::protobuf::util::JsonPrintOptions Options(JsonStyle style) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = style == JsonStyle::kPretty;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  return options;
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const uint32_t character = TakeCharacter(text);
    if (character == kNoCharacter || !In(kNoWidth, character)) ++width;
    if (character != kNoCharacter && In(kWide, character)) ++width;
  }
  return width;
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const uint32_t character = TakeCharacter(text);
    if (character == kNoCharacter || In(kUnprintable, character)) {
      out.push_back('?');
    } else {
      out.append(before.substr(0, before.size() - text.size()));
    }
  }
  return out;
}

std::string LocalTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "-";
  const auto seconds = static_cast<time_t>(time.seconds());
  tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return "-";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1,
                     local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

std::string_view YesNo(bool value) { return value ? "yes" : "no"; }

std::string OrDash(std::string_view text) { return text.empty() ? "-" : std::string(text); }

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (const Column& column : columns_) widths_.push_back(DisplayWidth(column.name));
}

void Table::Add(std::vector<std::string> fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    fields[i] = Printable(fields[i]);
    widths_[i] = std::max(widths_[i], DisplayWidth(fields[i]));
  }
  rows_.push_back(std::move(fields));
}

void Table::PrintRow(std::ostream& out, const std::vector<std::string>& fields) const {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string padding(widths_[i] - std::min(widths_[i], DisplayWidth(fields[i])), ' ');
    if (i > 0) line += "  ";
    line += columns_[i].right ? padding + fields[i] : fields[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

void Table::Print(std::ostream& out) {
  if (!header_printed_) {
    std::vector<std::string> names;
    for (const Column& column : columns_) names.push_back(column.name);
    PrintRow(out, names);
    header_printed_ = true;
  }
  for (const auto& row : rows_) PrintRow(out, row);
  rows_.clear();
}

void Sheet::Add(std::string name, std::string_view value) {
  lines_.emplace_back(std::move(name), Printable(OrDash(value)));
}

void Sheet::AddIf(std::string name, std::string_view value) {
  if (!value.empty()) Add(std::move(name), value);
}

void Sheet::Print(std::ostream& out) const {
  size_t width = 0;
  for (const auto& line : lines_) width = std::max(width, DisplayWidth(line.first));
  for (const auto& [name, value] : lines_) {
    out << name << ':' << std::string(width - DisplayWidth(name) + 2, ' ') << value << '\n';
  }
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::string_view before = text;
    const uint32_t character = TakeCharacter(text);
    if (character == kNoCharacter) {
      out += "\\ufffd";
    } else if (character == '"' || character == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(character));
    } else if (character < 0x20) {
      out += fmt::format("\\u{:04x}", character);
    } else {
      out.append(before.substr(0, before.size() - text.size()));
    }
  }
  return out + "\"";
}

std::string Json(const google::protobuf::Message& message, JsonStyle style) {
  std::string out;
  // Fails only on a broken Any or an out-of-range Timestamp that the head-end sent.
  if (!google::protobuf::util::MessageToJsonString(message, &out, Options(style)).ok()) return "{}";
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::vector<std::string> JsonElements(const google::protobuf::Message& answer) {
  std::vector<std::string> out;
  const auto* descriptor = answer.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (!field->is_repeated() || field->message_type() == nullptr) continue;
    const int size = answer.GetReflection()->FieldSize(answer, field);
    for (int k = 0; k < size; ++k) {
      out.push_back(Json(answer.GetReflection()->GetRepeatedMessage(answer, field, k), JsonStyle::kOneLine));
    }
  }
  return out;
}

}  // namespace hearth::ctl
