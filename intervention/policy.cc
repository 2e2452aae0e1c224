#include "intervention/policy.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace hearth::intervention {
namespace {

constexpr int64_t kMaxGapSeconds = 24 * 3600;
constexpr int64_t kMaxWindowMinutes = 30 * 24 * 60;
constexpr int64_t kMaxPlaces = 1'000'000;
constexpr int64_t kMaxCountry = 10'000'000;
constexpr int64_t kLastDay = 2'932'896;  // 9999-12-31
constexpr size_t kMaxOverrides = 5000;
constexpr size_t kMaxRetiring = 1000;
// Nobody reads more; each of 5,000 overrides may be wrong in five fields.
constexpr size_t kMaxViolations = 100;

// Collects one violation per field into one error.
class Violations {
 public:
  void Note(std::string field, std::string rule) {
    if (!error_) {
      error_ = InvalidField(std::move(field), std::move(rule));
    } else if (error_->violations().size() < kMaxViolations) {
      error_ = Error(std::move(*error_).Field(std::move(field), std::move(rule)));
    }
  }
  void Range(const std::string& field, int64_t value, int64_t low, int64_t high, const char* unit = "") {
    if (value >= low && value <= high) return;
    Note(field, fmt::format("{} to {}{}, not {}", low, high, unit, value));
  }
  void Percent(const std::string& field, double value) {
    if (value >= 0 && value <= 100) return;  // false for what is no number, too
    Note(field, fmt::format("0 to 100, not {}", value));
  }
  Status Take() && {
    if (error_) return *std::move(error_);
    return Ok();
  }

 private:
  std::optional<Error> error_;
};

// `prefix` is "" or ends with a dot.
void CheckRules(const Policy& policy, const std::string& prefix, Violations& violations) {
  violations.Range(prefix + "strictness", static_cast<int64_t>(policy.strictness),
                   static_cast<int64_t>(geofence::Strictness::kVillage),
                   static_cast<int64_t>(geofence::Strictness::kProvince));
  violations.Range(prefix + "blacklisted_reports", policy.blacklisted_reports, 1, 100);
  violations.Range(prefix + "blacklisted_gap", policy.blacklisted_gap.count(), 0, kMaxGapSeconds, " seconds");
  violations.Range(prefix + "out_of_area_reports", policy.out_of_area_reports, 1, 100);
  violations.Range(prefix + "out_of_area_window", policy.out_of_area_window.count(), 0, kMaxWindowMinutes,
                   " minutes");
  violations.Range(prefix + "grace_hours", policy.grace_hours, 0, 240);
}

void CheckBreaker(const BreakerRules& breaker, Violations& violations) {
  violations.Range("breaker.window", breaker.window.count(), 1, 24 * 60, " minutes");
  violations.Range("breaker.cards", breaker.cards, 1, kMaxPlaces);
  violations.Percent("breaker.percent", breaker.percent);
  violations.Range("breaker.national_per_hour", breaker.national_per_hour, 1, kMaxCountry);
}

void CheckChanges(const ChangeRules& changes, Violations& violations) {
  violations.Range("changes.cards", changes.cards, 0, kMaxPlaces);
  violations.Percent("changes.percent", changes.percent);
  violations.Range("changes.total", changes.total, 0, kMaxCountry);
  violations.Range("changes.evidence_days", changes.evidence_days, 1, 3650, " days");
}

void CheckRetiring(const RetiringNetwork& network, size_t index, Violations& violations) {
  const std::string prefix = fmt::format("retiring[{}].", index);
  violations.Range(prefix + "mcc", network.mcc, 1, 999);
  violations.Range(prefix + "mnc_digits", network.mnc_digits, 2, 3);
  violations.Range(prefix + "mnc", network.mnc, 0, network.mnc_digits == 3 ? 999 : 99);
  violations.Range(prefix + "radio", network.radio, 0, 5);
  if (network.region != RegionCode(0) && !ParseRegionCode(ToString(network.region))) {
    violations.Note(prefix + "region", "a division of 2, 4, 6, 9 or 12 digits, or 0 for everywhere");
  }
  violations.Range(prefix + "day", network.day, 1, kLastDay, " days since 1970");
}

Error TooMany(const char* field, size_t count, size_t limit) {
  return Error(Reason::kLimitExceeded, fmt::format("{} {}; the policy holds at most {}", count, field, limit))
      .Field(field, fmt::format("at most {}", limit));
}

}  // namespace

Status Policy::Check() const {
  Violations violations;
  violations.Range("version", version, 1, UINT32_MAX);
  CheckRules(*this, "", violations);
  return std::move(violations).Take();
}

Status PolicyBook::Check() const {
  if (regions.size() > kMaxOverrides) return TooMany("regions", regions.size(), kMaxOverrides);
  if (retiring.size() > kMaxRetiring) return TooMany("retiring", retiring.size(), kMaxRetiring);
  Violations violations;
  violations.Range("version", version, 1, UINT32_MAX);
  CheckRules(national, "national.", violations);
  for (const auto& [division, policy] : regions) {
    const std::string field = fmt::format("regions[{}]", division);
    if (!IsDivision(division)) violations.Note(field, "a division of 2, 4 or 6 digits, without trailing 00");
    CheckRules(policy, field + ".", violations);
  }
  CheckBreaker(breaker, violations);
  CheckChanges(changes, violations);
  for (size_t i = 0; i < retiring.size(); ++i) CheckRetiring(retiring[i], i, violations);
  return std::move(violations).Take();
}

Policy PolicyBook::For(AreaId area) const {
  Policy policy = national;
  for (uint32_t division = AreaDivision(area); division != 0; division /= 100) {
    const auto found = regions.find(division);
    if (found == regions.end()) continue;
    policy = found->second;
    break;
  }
  policy.version = version;
  return policy;
}

bool IsDivision(uint32_t division) {
  const bool length_ok = (division >= 10 && division <= 99) || (division >= 1000 && division <= 9999) ||
                         (division >= 100'000 && division <= 999'999);
  if (!length_ok) return false;
  for (uint32_t rest = division; rest != 0; rest /= 100) {
    if (rest % 100 == 0) return false;
  }
  return true;
}

bool DivisionHas(uint32_t division, AreaId area) {
  uint32_t scope = division;
  while (scope != 0 && scope < 100'000) scope *= 100;
  return scope != 0 && DivisionContains(scope, AreaDivision(area));
}

uint64_t CardLimit(uint64_t cards, double percent, uint64_t of) {
  // The small addition keeps 0.7 % of 1,000 at 7, whatever its binary form is.
  const double share = std::floor(percent * static_cast<double>(of) / 100 + 1e-9);
  return std::max(cards, static_cast<uint64_t>(std::max(share, 0.0)));
}

}  // namespace hearth::intervention
