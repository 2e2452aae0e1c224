// Just enough JSON to write test vectors: objects of strings, integers, booleans, lists and objects, one
// field a line, in the order they were added, so that a diff of two versions reads well.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/bytes.h"

namespace hearth::vectors {

class Json {
 public:
  static Json Object() { return Json(true); }
  static Json List() { return Json(false); }

  Json& Text(std::string_view name, std::string_view value) {
    return Raw(name, "\"" + std::string(value) + "\"");
  }
  Json& Hex(std::string_view name, ByteView value) { return Text(name, ToHex(value)); }
  Json& Bool(std::string_view name, bool value) { return Raw(name, value ? "true" : "false"); }
  Json& Int(std::string_view name, std::integral auto value) { return Raw(name, std::to_string(value)); }
  Json& Child(std::string_view name, Json value) {
    items_.push_back({std::string(name), "", {std::move(value)}});
    return *this;
  }
  // For lists.
  Json& Item(Json value) { return Child("", std::move(value)); }
  Json& HexItem(ByteView value) { return Raw("", "\"" + ToHex(value) + "\""); }
  Json& IntItem(std::integral auto value) { return Raw("", std::to_string(value)); }

  std::string Print(size_t indent = 0) const {
    const std::string inner(indent + 2, ' ');
    std::string out = object_ ? "{" : "[";
    for (size_t i = 0; i < items_.size(); ++i) {
      out += i == 0 ? "\n" : ",\n";
      out += inner;
      if (object_) out += "\"" + items_[i].name + "\": ";
      out += items_[i].child.empty() ? items_[i].raw : items_[i].child.front().Print(indent + 2);
    }
    if (!items_.empty()) out += "\n" + std::string(indent, ' ');
    return out + (object_ ? "}" : "]");
  }

 private:
  struct Entry {
    std::string name;
    std::string raw;
    std::vector<Json> child;
  };

  explicit Json(bool object) : object_(object) {}
  Json& Raw(std::string_view name, std::string value) {
    items_.push_back({std::string(name), std::move(value), {}});
    return *this;
  }

  bool object_;
  std::vector<Entry> items_;
};

}  // namespace hearth::vectors
