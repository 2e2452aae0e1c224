// A country on the air in simulated time: the carousel's own scheduler, and cards that are on, off and losing
// sections. No message is built; sizes and times are enough.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "src/base/status.h"
#include "src/carousel/scheduler.h"

namespace hearth::bench {

struct AirOptions {
  uint64_t cards = 130'000'000;
  uint32_t kbps = 1000;
  uint64_t seed = 1;
  int evenings = 3;                   // 1 to 3: how long is simulated
  double loss = 0.01;                 // of sections, each card by itself
  double churn_per_day = 0.001;       // of the cards; each changes its standing
  double record_part = 0.2;           // of these changes, those that change the record too
  double individual_per_second = 15;  // switched off and on for their location
  double refresh_per_second = 0.1;
  uint32_t stale_days = 90;      // records changed since then and confirmed by no report
  uint64_t scattered = 300'000;  // switched off at once, all over the country
  double regional_part = 0.05;   // of the cards, region by region
  double off_for_months = 0.10;  // of the cards
  double always_on = 0.15;       // the others are on for an evening
  carousel::SchedulerOptions scheduler;
  // Called each simulated quarter of an hour; may be empty.
  std::function<void(double hours_done, double hours)> progress;

  AirOptions();
};

// Milliseconds.
struct Waits {
  uint64_t count = 0;
  double median = 0;
  double p99 = 0;
  double worst = 0;
};

struct AirResult {
  double packets_per_second = 0;
  double simulated_hours = 0;
  double used = 0;  // of the packets granted
  Waits individual;
  Waits individual_in_bulk;  // while a mass event was on its way
  Waits change;
  Waits refresh;                 // until the last of the home's sections was on the air
  double scattered_seconds = 0;  // until the last was first sent
  double regional_seconds = 0;
  double group_pass_median_s = 0;
  double group_pass_worst_s = 0;
  double service_pass_s = 0;
  double stale_pass_s = 0;
  uint64_t stale_records = 0;
  double key_999_s = 0;       // until 99.9 % of the cards that were on held the next key; 0: never
  double key_two_passes = 0;  // part that held it after two passes
  // A card that was off for three months, from the moment it is on.
  double returned_keys_15_min = 0;  // part that held the key after 15 minutes
  double returned_record_3_evenings = 0;
  std::array<double, carousel::kTiers> air{};        // part of the air time
  std::vector<std::pair<double, double>> key_curve;  // seconds, part of the cards that hold the next key
  std::vector<std::pair<double, double>>
      record_curve;  // hours powered, part of the returned that hold their record
  std::vector<std::array<double, carousel::kTiers>>
      air_by_quarter;  // part of the air time in each quarter of an hour
};

// INVALID_FIELD for options that make no country. Takes minutes; memory about 60 bytes for each stale record
// and 2 bytes for each card.
Result<AirResult> SimulateAir(const AirOptions& options);

}  // namespace hearth::bench
