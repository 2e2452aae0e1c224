#include "src/base/field_errors.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth {
namespace {

// Nobody reads more; and a list of 200,000 cells may be wrong in each.
constexpr size_t kMaxViolations = 100;

}  // namespace

bool FieldErrors::Noted(std::string_view field) const {
  const auto& noted = error_->violations();
  return std::any_of(noted.begin(), noted.end(),
                     [&](const FieldViolation& violation) { return violation.field == field; });
}

void FieldErrors::Add(const Error& error) {
  if (!error_) {
    error_ = error;
    return;
  }
  for (const FieldViolation& violation : error.violations()) {
    if (error_->violations().size() >= kMaxViolations || Noted(violation.field)) continue;
    error_ = std::move(*error_).Field(violation.field, violation.description);
  }
}

void FieldErrors::Require(bool holds, std::string_view field, std::string_view rule) {
  if (!holds) Add(InvalidField(std::string(field), std::string(rule)));
}

std::string FieldErrors::Text(const std::string& value, std::string_view field) {
  Require(value.size() <= limits_.text_bytes, field, fmt::format("at most {} bytes", limits_.text_bytes));
  return value;
}

Status FieldErrors::status() const {
  if (error_) return *error_;
  return Ok();
}

}  // namespace hearth
