// Just enough JSON to print. Any thread.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace hearth::json {

// With quotes; everything outside printable ASCII is kept (UTF-8) except control characters.
std::string JsonText(std::string_view text);

// {"a":1,"b":"x"} in the order of Add.
class JsonObject {
 public:
  JsonObject& Add(std::string_view key, std::string_view value) { return Raw(key, JsonText(value)); }
  JsonObject& Add(std::string_view key, const char* value) { return Add(key, std::string_view(value)); }
  JsonObject& Add(std::string_view key, const std::string& value) {
    return Add(key, std::string_view(value));
  }
  JsonObject& Add(std::string_view key, bool value) { return Raw(key, value ? "true" : "false"); }
  template <std::integral T>
  JsonObject& Add(std::string_view key, T value) {
    return Raw(key, fmt::format("{}", static_cast<int64_t>(value)));
  }
  // `json` is a value already.
  JsonObject& Raw(std::string_view key, std::string_view json);
  std::string Take() { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

// ["a","b"] from values that are JSON already.
std::string JsonArray(const std::vector<std::string>& values);

}  // namespace hearth::json
