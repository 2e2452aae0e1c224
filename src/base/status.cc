#include "src/base/status.h"

#include <fmt/format.h>

namespace hearth {

std::string Error::ToString() const {
  std::string text = fmt::format("{}: {}", InfoOf(reason_).name, message_);
  for (const auto& violation : violations_) {
    text += fmt::format("; {}: {}", violation.field, violation.description);
  }
  text += fmt::format(" [{}]", cure());
  return text;
}

Error InvalidField(std::string field, std::string rule) {
  std::string message = fmt::format("{}: {}", field, rule);
  return Error(Reason::kFieldInvalid, std::move(message)).Field(std::move(field), std::move(rule));
}

Error MissingField(std::string field, std::string rule) {
  std::string message = fmt::format("{} is missing: {}", field, rule);
  return Error(Reason::kFieldMissing, std::move(message)).Field(std::move(field), std::move(rule));
}

}  // namespace hearth
