#include "intervention/policy.h"

#include <optional>
#include <string>

#include <fmt/format.h>

namespace hearth::intervention {
namespace {

constexpr int64_t kMaxGapSeconds = 24 * 3600;
constexpr int64_t kMaxWindowMinutes = 30 * 24 * 60;

// Collects one violation per field into one error.
class Violations {
 public:
  void Range(const char* field, int64_t value, int64_t low, int64_t high, const char* unit) {
    if (value >= low && value <= high) return;
    std::string rule = fmt::format("{} to {}{}, not {}", low, high, unit, value);
    if (!error_) {
      error_ = InvalidField(field, std::move(rule));
    } else {
      error_ = Error(std::move(*error_).Field(field, std::move(rule)));
    }
  }
  Status Take() && {
    if (error_) return *std::move(error_);
    return Ok();
  }

 private:
  std::optional<Error> error_;
};

}  // namespace

Status Policy::Check() const {
  Violations violations;
  violations.Range("version", version, 1, UINT32_MAX, "");
  violations.Range("blacklisted_reports", blacklisted_reports, 1, 100, "");
  violations.Range("blacklisted_gap", blacklisted_gap.count(), 0, kMaxGapSeconds, " seconds");
  violations.Range("out_of_area_reports", out_of_area_reports, 1, 100, "");
  violations.Range("out_of_area_window", out_of_area_window.count(), 0, kMaxWindowMinutes, " minutes");
  violations.Range("grace_hours", grace_hours, 0, 240, "");
  return std::move(violations).Take();
}

}  // namespace hearth::intervention
