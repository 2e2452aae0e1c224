#include "src/daemon/config_reader.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <fmt/format.h>

namespace hearth::daemon {
namespace {

constexpr size_t kMaxTextBytes = 4096;  // PATH_MAX of Linux, the longest text that makes sense

constexpr std::string_view kAddressRule = "an address:port, such as 127.0.0.1:9464 or [::1]:9464";

template <typename T>
constexpr std::string_view TypeName() {
  if constexpr (std::is_same_v<T, std::string>) return "a text in quotes";
  if constexpr (std::is_same_v<T, int64_t>) return "a whole number";
  if constexpr (std::is_same_v<T, bool>) return "true or false";
}

std::string Describe(const TomlValue& value) {
  struct Visitor {
    std::string operator()(const std::string& text) const { return fmt::format("\"{}\"", text); }
    std::string operator()(int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(OtherValue other) const { return std::string(other.name); }
  };
  return std::visit(Visitor{}, value.value);
}

// Levenshtein's distance: insertions, deletions and replacements that make one text of the other.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// The candidate that a person most likely meant, or "".
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

// Section and key.
std::pair<std::string_view, std::string_view> Split(std::string_view name) {
  const size_t dot = name.rfind('.');
  return {name.substr(0, dot), name.substr(dot + 1)};
}

bool IsPlainText(std::string_view text) {
  return text.size() <= kMaxTextBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c < 0 || (c >= ' ' && c != 0x7F); });
}

std::string Quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

}  // namespace

void ConfigReader::Section(std::string_view name) {
  section_ = name;
  sections_.emplace_back(name);
}

const TomlValue* ConfigReader::Value(std::string_view name) const {
  const auto [section, key] = Split(name);
  const auto in_section = document_.sections.find(section);
  if (in_section == document_.sections.end()) return nullptr;
  const auto found = in_section->second.values.find(key);
  return found == in_section->second.values.end() ? nullptr : &found->second;
}

template <typename T>
const T* ConfigReader::Find(std::string_view key, std::string rule, std::string default_value) {
  const std::string name = fmt::format("{}.{}", section_, key);
  keys_.push_back({name, std::move(rule), std::move(default_value)});
  const TomlValue* value = Value(name);
  if (value == nullptr) return nullptr;
  const T* typed = std::get_if<T>(&value->value);
  if (typed == nullptr) {
    Invalid(name, fmt::format("is {}, must be {}: {}", Describe(*value), TypeName<T>(), keys_.back().rule));
  }
  return typed;
}

void ConfigReader::Text(std::string_view key, std::string* out, std::string rule, const TextCheck& check) {
  const auto* text = Find<std::string>(key, std::move(rule), out->empty() ? "" : Quoted(*out));
  if (text == nullptr) return;
  if (IsPlainText(*text) && check(*text)) {
    *out = *text;
  } else {
    Invalid(keys_.back().name, fmt::format("is \"{}\", must be {}", *text, keys_.back().rule));
  }
}

void ConfigReader::Path(std::string_view key, std::filesystem::path* out) {
  std::string text = out->string();
  Text(key, &text, fmt::format("a path of at most {} bytes", kMaxTextBytes),
       [](std::string_view) { return true; });
  *out = text;
}

void ConfigReader::Flag(std::string_view key, bool* out) {
  const auto* flag = Find<bool>(key, "true or false", *out ? "true" : "false");
  if (flag != nullptr) *out = *flag;
}

void ConfigReader::Address(std::string_view key, Endpoint* out) {
  const auto* text = Find<std::string>(key, std::string(kAddressRule), Quoted(ToString(*out)));
  if (text == nullptr) return;
  auto endpoint = ParseEndpoint(*text);
  if (endpoint) {
    *out = *std::move(endpoint);
  } else {
    Invalid(keys_.back().name,
            fmt::format("is \"{}\", {}", *text, endpoint.error().violations().at(0).description));
  }
}

void ConfigReader::Address(std::string_view key, std::optional<Endpoint>* out) {
  const auto* text = Find<std::string>(key, fmt::format("{}; empty for none", kAddressRule),
                                       Quoted(*out ? ToString(**out) : ""));
  if (text == nullptr) return;
  out->reset();
  if (text->empty()) return;
  auto endpoint = ParseEndpoint(*text);
  if (endpoint) {
    *out = *std::move(endpoint);
  } else {
    Invalid(keys_.back().name,
            fmt::format("is \"{}\", {}", *text, endpoint.error().violations().at(0).description));
  }
}

void ConfigReader::Time(std::string_view key, UnixMillis* out, UnixMillis earliest) {
  const auto* text =
      Find<std::string>(key, fmt::format("a time in quotes, not before {}", hearth::ToString(earliest)),
                        Quoted(hearth::ToString(*out)));
  if (text == nullptr) return;
  const auto time = ParseTime(*text);
  if (time && *time >= earliest) {
    *out = *time;
  } else {
    Invalid(keys_.back().name, fmt::format("is \"{}\", must be {}", *text, keys_.back().rule));
  }
}

namespace {

std::optional<uint32_t> ParseHex32(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.size() != 10 || !text.starts_with("0x")) return std::nullopt;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::vector<uint32_t>> ParseHex32List(std::string_view text) {
  std::vector<uint32_t> values;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const auto value = ParseHex32(text.substr(0, comma));
    if (!value) return std::nullopt;
    values.push_back(*value);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return values;
}

}  // namespace

void ConfigReader::Hex32(std::string_view key, uint32_t* out) {
  std::string text;
  Text(key, &text, "eight hexadecimal digits, such as 0x4A750001",
       [](std::string_view given) { return ParseHex32(given).has_value(); });
  if (!text.empty()) *out = *ParseHex32(text);
}

void ConfigReader::Hex32List(std::string_view key, std::vector<uint32_t>* out) {
  std::string text;
  Text(key, &text, "one or more numbers of eight hexadecimal digits, such as 0x4A750001, separated by commas",
       [](std::string_view given) { return !given.empty() && ParseHex32List(given).has_value(); });
  if (!text.empty()) *out = *ParseHex32List(text);
}

std::vector<std::string> ConfigReader::NamedSections(std::string_view kind) const {
  std::vector<std::string> names;
  for (const auto& [name, section] : document_.sections) {
    if (Split(name).first == kind && name != kind) names.push_back(name);
  }
  return names;
}

void ConfigReader::Integer(std::string_view key, int64_t* out, int64_t min, int64_t max,
                           std::string_view unit) {
  const auto* number = Find<int64_t>(
      key, fmt::format("{} to {}{}{}", min, max, unit.empty() ? "" : " ", unit), fmt::format("{}", *out));
  if (number == nullptr) return;
  if (*number >= min && *number <= max) {
    *out = *number;
  } else {
    Invalid(keys_.back().name, fmt::format("is {}, must be {}", *number, keys_.back().rule));
  }
}

void ConfigReader::Word(std::string_view key, std::string* out, const std::vector<std::string_view>& words) {
  std::string rule;
  for (const std::string_view word : words)
    rule += (rule.empty() ? "\"" : " or \"") + std::string(word) + '"';
  Text(key, out, std::move(rule),
       [&](std::string_view text) { return std::find(words.begin(), words.end(), text) != words.end(); });
}

bool ConfigReader::Given(std::string_view name) const { return Value(name) != nullptr; }

void ConfigReader::Invalid(std::string_view name, std::string message) {
  const TomlValue* value = Value(name);
  bad_.emplace(name);
  errors_.push_back({value == nullptr ? 0 : value->line, std::string(name), Reason::kConfigValueInvalid,
                     std::move(message)});
}

void ConfigReader::Missing(std::string_view name, std::string why) {
  const auto section = document_.sections.find(Split(name).first);
  bad_.emplace(name);
  errors_.push_back({section == document_.sections.end() ? 0 : section->second.line, std::string(name),
                     Reason::kConfigMissing, std::move(why)});
}

void ConfigReader::Unknown(int line, std::string name, std::string_view part,
                           const std::vector<std::string>& candidates) {
  std::string message = "is not known";
  const std::string nearest = Nearest(part, candidates);
  const auto elsewhere = std::find_if(keys_.begin(), keys_.end(),
                                      [&](const ConfigKey& key) { return Split(key.name).second == part; });
  if (elsewhere != keys_.end()) {
    message += fmt::format("; it belongs into [{}]", Split(elsewhere->name).first);
  } else if (!nearest.empty()) {
    message += fmt::format("; did you mean {}?", nearest);
  }
  errors_.push_back({line, std::move(name), Reason::kConfigUnknownKey, std::move(message)});
}

ConfigErrors ConfigReader::Finish() {
  for (const auto& [name, value] : document_.outside) {
    if (std::find(sections_.begin(), sections_.end(), name) == sections_.end()) {
      Unknown(value.line, name, name, {});
    } else {
      errors_.push_back({value.line, name, Reason::kConfigValueInvalid,
                         fmt::format("is {}, must be a section: [{}]", Describe(value), name)});
    }
  }
  for (const auto& [name, section] : document_.sections) {
    if (std::find(sections_.begin(), sections_.end(), name) == sections_.end()) {
      Unknown(section.line, name, name, sections_);
      continue;
    }
    std::vector<std::string> known;
    for (const ConfigKey& key : keys_) {
      if (Split(key.name).first == name) known.emplace_back(Split(key.name).second);
    }
    for (const auto& [key, value] : section.values) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      Unknown(value.line, fmt::format("{}.{}", name, key), key, known);
    }
  }
  std::stable_sort(errors_.begin(), errors_.end(),
                   [](const ConfigError& a, const ConfigError& b) { return a.line < b.line; });
  return std::move(errors_);
}

}  // namespace hearth::daemon
