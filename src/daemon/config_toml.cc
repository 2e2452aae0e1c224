#include "src/daemon/config_toml.h"

#include <toml++/toml.h>

namespace hearth::daemon {
namespace {

std::string_view KindOf(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a section";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::floating_point:
      return "a number with a point";
    default:
      return "a date or time without quotes";
  }
}

bool HoldsNamedSections(std::string_view name) { return name == kMuxSections || name == kGatewaySections; }

TomlValue ToValue(const toml::node& node) {
  TomlValue out{OtherValue{KindOf(node)}, static_cast<int>(node.source().begin.line)};
  if (const auto* text = node.as_string()) {
    out.value = text->get();
  } else if (const auto* number = node.as_integer()) {
    out.value = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    out.value = flag->get();
  }
  return out;
}

void AddSection(TomlDocument& document, const std::string& name, const toml::table& section) {
  TomlSection& out = document.sections[name];
  out.line = static_cast<int>(section.source().begin.line);
  for (const auto& [key, value] : section) out.values.emplace(key.str(), ToValue(value));
}

}  // namespace

tl::expected<TomlDocument, TomlError> ParseToml(std::string_view text) {
  TomlDocument document;
  try {
    const toml::table root = toml::parse(text);
    for (const auto& [name, node] : root) {
      const toml::table* section = node.as_table();
      if (section == nullptr) {
        document.outside.emplace(name.str(), ToValue(node));
      } else if (!HoldsNamedSections(name.str()) || section->empty() ||
                 !section->begin()->second.is_table()) {
        AddSection(document, std::string(name.str()), *section);
      } else {
        for (const auto& [own, inner] : *section) {
          const std::string full = std::string(name.str()) + "." + std::string(own.str());
          if (const toml::table* table = inner.as_table(); table != nullptr) {
            AddSection(document, full, *table);
          } else {
            document.outside.emplace(full, ToValue(inner));
          }
        }
      }
    }
  } catch (const toml::parse_error& error) {
    return tl::unexpected(
        TomlError{static_cast<int>(error.source().begin.line), std::string(error.description())});
  }
  return document;
}

}  // namespace hearth::daemon
