// Status and Result<T>: how every library of Hearth reports failure. Outside input is never asserted.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "src/base/reason.h"

namespace hearth {

// One field of a request that broke a rule; `field` is the path as the caller wrote it ("open.card_number").
struct FieldViolation {
  std::string field;
  std::string description;

  bool operator==(const FieldViolation&) const = default;
};

// A refusal: the reason (which fixes code, cure and viewer code), a sentence naming the thing and the rule,
// and what only the log may see. Copyable; any thread.
class Error {
 public:
  explicit Error(Reason reason, std::string message) : reason_(reason), message_(std::move(message)) {}

  Reason reason() const { return reason_; }
  Code code() const { return InfoOf(reason_).code; }
  const std::string& message() const { return message_; }
  std::string_view cure() const { return InfoOf(reason_).cure; }
  std::string_view viewer_code() const { return InfoOf(reason_).viewer; }
  const std::vector<FieldViolation>& violations() const { return violations_; }
  const std::vector<std::pair<std::string, std::string>>& metadata() const { return metadata_; }
  // The cause in the words of the library below; for logs only, never sent to a client.
  const std::string& detail() const { return detail_; }

  // These give a new error, so that both `return Error(…).Field(…)` and `error = std::move(error).Field(…)`
  // work.
  Error Field(std::string field, std::string description) && {
    violations_.push_back({std::move(field), std::move(description)});
    return std::move(*this);
  }
  Error With(std::string key, std::string value) && {
    metadata_.emplace_back(std::move(key), std::move(value));
    return std::move(*this);
  }
  Error Detail(std::string detail) && {
    detail_ = std::move(detail);
    return std::move(*this);
  }

  // "CARD_UNKNOWN: card 640000000017 is not in stock [cure]"; for logs and people.
  std::string ToString() const;

 private:
  Reason reason_;
  std::string message_;
  std::string detail_;
  std::vector<FieldViolation> violations_;
  std::vector<std::pair<std::string, std::string>> metadata_;
};

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error)
      : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}  // NOLINT: implicit by design
};

using Status = Result<void>;

inline Status Ok() { return {}; }

// FIELD_INVALID for one field; the commonest refusal.
Error InvalidField(std::string field, std::string rule);
Error MissingField(std::string field, std::string rule);

// Returns from the calling function with the error of `expr`, if it has one.
#define HEARTH_RETURN_IF_ERROR(expr)                                                  \
  do {                                                                                \
    if (auto hearth_status_ = (expr); !hearth_status_) return hearth_status_.error(); \
  } while (false)

#define HEARTH_CONCAT_(a, b) a##b
#define HEARTH_CONCAT(a, b) HEARTH_CONCAT_(a, b)

// HEARTH_ASSIGN_OR_RETURN(auto x, F()): x becomes the value of F(), or its error is returned.
#define HEARTH_ASSIGN_OR_RETURN(lhs, expr) \
  HEARTH_ASSIGN_OR_RETURN_(HEARTH_CONCAT(hearth_result_, __LINE__), lhs, expr)
// lhs may be a declaration, which parentheses would break.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define HEARTH_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  if (!tmp) return std::move(tmp).error();       \
  lhs = std::move(*tmp)
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace hearth
