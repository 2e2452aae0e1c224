#include "tools/ctl/failure.h"

#include <fmt/format.h>

#include "tools/ctl/output.h"

namespace hearth::ctl {

Failure LocalFailure(const Error& error, int exit_code) {
  return {.code = std::string(NameOf(error.code())),
          .reason = std::string(InfoOf(error.reason()).name),
          .message = error.message(),
          .cure = std::string(error.cure()),
          .viewer_code = std::string(error.viewer_code()),
          .fields = error.violations(),
          .exit_code = exit_code};
}

std::string FailureText(const Failure& failure) {
  const std::string& name = failure.reason.empty() ? failure.code : failure.reason;
  std::string text = fmt::format("error: {}: {}\n", Printable(name), Printable(failure.message));
  // A message of one field already says what its only violation says.
  const bool said = failure.fields.size() == 1 &&
                    failure.message.find(failure.fields[0].description) != std::string::npos &&
                    failure.message.find(failure.fields[0].field) != std::string::npos;
  for (const FieldViolation& field : failure.fields) {
    if (said) break;
    text += fmt::format("  {}: {}\n", Printable(field.field), Printable(field.description));
  }
  if (!failure.cure.empty()) text += fmt::format("cure: {}\n", Printable(failure.cure));
  if (!failure.viewer_code.empty()) text += fmt::format("viewer code: {}\n", Printable(failure.viewer_code));
  return text;
}

std::string FailureJson(const Failure& failure) {
  std::string fields;
  for (const FieldViolation& field : failure.fields) {
    if (!fields.empty()) fields += ",";
    fields += fmt::format("{{\"field\":{},\"description\":{}}}", JsonString(field.field),
                          JsonString(field.description));
  }
  return fmt::format(
      "{{\"code\":{},\"reason\":{},\"message\":{},\"cure\":{},\"viewer_code\":{},\"fields\":[{}]}}",
      JsonString(failure.code), JsonString(failure.reason), JsonString(failure.message),
      JsonString(failure.cure), JsonString(failure.viewer_code), fields);
}

}  // namespace hearth::ctl
