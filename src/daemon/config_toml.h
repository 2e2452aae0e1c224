// TOML text as plain sections and values with their lines: the only place that knows toml++.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include <tl/expected.hpp>

namespace hearth::daemon {

// A value of a type that no key has; `name` says which ("a list").
struct OtherValue {
  std::string_view name;
};

struct TomlValue {
  std::variant<std::string, int64_t, bool, OtherValue> value;
  int line = 0;
};

struct TomlSection {
  int line = 0;
  std::map<std::string, TomlValue, std::less<>> values;
};

// Sections inside these are named by their users: [mux.yinchuan] is the section "mux.yinchuan".
inline constexpr std::string_view kMuxSections = "mux";
inline constexpr std::string_view kGatewaySections = "gateways";

struct TomlDocument {
  std::map<std::string, TomlSection, std::less<>> sections;
  std::map<std::string, TomlValue, std::less<>> outside;  // keys before the first section
};

struct TomlError {
  int line = 0;
  std::string message;
};

// Any thread.
tl::expected<TomlDocument, TomlError> ParseToml(std::string_view text);

}  // namespace hearth::daemon
