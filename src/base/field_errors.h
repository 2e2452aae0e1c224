// Collects what is wrong with the fields of one message or form, so that the caller learns of all of it at
// once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth {

// One thread; lives as long as one conversion.
class FieldErrors {
 public:
  explicit FieldErrors(const Limits& limits) : limits_(limits) {}

  // The value, or T() after noting what is wrong with it.
  template <typename T>
  T Take(Result<T> result) {
    if (result) return *std::move(result);
    Add(result.error());
    return T();
  }
  // Notes an error; of a field that is noted already only the first counts.
  void Add(const Error& error);
  void Check(const Status& status) {
    if (!status) Add(status.error());
  }
  // Notes `field` unless the rule holds.
  void Require(bool holds, std::string_view field, std::string_view rule);
  // A text of at most Limits::text_bytes.
  std::string Text(const std::string& value, std::string_view field);

  // Reason and message of what was noted first, the violations of all.
  Status status() const;
  // The value if nothing was noted.
  template <typename T>
  Result<T> Finish(T value) const {
    if (error_) return *error_;
    return value;
  }

 private:
  bool Noted(std::string_view field) const;

  const Limits& limits_;
  std::optional<Error> error_;
};

}  // namespace hearth
