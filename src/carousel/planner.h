// What a rate buys, before anyone buys it: how long the cycles take, what the ECMs need beside them, and how
// long a card that drops its messages stays lit. Pure arithmetic over the same shares that the scheduler
// keeps.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "src/base/status.h"
#include "src/carousel/scheduler.h"

namespace hearth::carousel {

struct PlanInput {
  uint64_t cards = 130'000'000;
  uint32_t kbps = 1000;  // for EMMs
  mpegts::Packing packing = mpegts::Packing::kPacked;
  Shares shares;
  Borrow borrow;
  uint32_t packages_per_group = 1;
  uint32_t service_key_sections = 155;  // over all provinces, docs/messages.md 0x85
  uint32_t area_sections = 40'000;      // parts of area and deny tables, 0x86
  double churn_per_day = 0.001;         // of the cards, each a change of standing
  double record_part = 0.2;             // of these, those that change the record as well
  uint32_t stale_days = 90;  // how long a record that no report confirmed stays among the frequent ones
  uint32_t channels = 42;
  std::chrono::milliseconds ecm_interval{100};
  uint32_t word_bytes = 8;  // or 16
  std::chrono::days epoch{14};
  std::chrono::days lead{7};
};

// A cycle or a mass event on the air.
struct PlanLine {
  std::string what;
  uint64_t sections = 0;
  double share = 0;    // of the rate, while every tier has more to send than its share
  double seconds = 0;  // a pass; until the last is first sent
  double worst = 0;    // the longest that a home which is on waits, when nothing is lost
};

struct AirPlan {
  double packets_per_second = 0;
  std::vector<PlanLine> lines;
  double events_per_second = 0;  // individual switch-offs and -ons that the share carries, with their repeats
  double ecm_kbps = 0;           // beside the rate for EMMs
  // A card that takes no message any more since just after the next epoch's keys came on the air: it goes
  // dark with the end of that epoch. And at the earliest, one that drops them since just before.
  std::chrono::days lit_at_most{0};
  std::chrono::days lit_at_least{0};
};

// INVALID_FIELD naming what is out of range.
Result<AirPlan> PlanAir(const PlanInput& input);

}  // namespace hearth::carousel
