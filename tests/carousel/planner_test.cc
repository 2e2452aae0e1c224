#include "src/carousel/planner.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace hearth::carousel {
namespace {

const PlanLine& Line(const AirPlan& plan, std::string_view begin) {
  const auto it = std::find_if(plan.lines.begin(), plan.lines.end(),
                               [&](const PlanLine& line) { return line.what.starts_with(begin); });
  EXPECT_NE(it, plan.lines.end()) << begin;
  return *it;
}

// The figures of the whole country at 1 Mbit/s, by hand: 664.9 packets a second.
TEST(Planner, TheCountryAtOneMegabit) {
  const auto plan = PlanAir({});
  ASSERT_TRUE(plan) << plan.error().ToString();
  EXPECT_NEAR(plan->packets_per_second, 664.9, 0.1);
  EXPECT_EQ(Line(*plan, "groups").sections, 507'813U);
  EXPECT_NEAR(Line(*plan, "groups").seconds, 507'813 * 82.0 / 184 / (664.9 * 0.45), 1);
  EXPECT_LT(Line(*plan, "groups").worst, 15 * 60);
  EXPECT_NEAR(Line(*plan, "service").seconds, 155 * 178.0 / 184 / (664.9 * 0.05), 0.1);
  EXPECT_NEAR(Line(*plan, "records of all").seconds / 86'400, 130e6 * 183 / 184 / (664.9 * 0.025) / 86'400,
              0.1);
  EXPECT_NEAR(Line(*plan, "records that").seconds, 2'340'000 * 183.0 / 184 / (664.9 * 0.225), 10);
  EXPECT_NEAR(Line(*plan, "300,000").seconds, 300'000 * 25.0 / 184 / (664.9 * 0.6), 0.5);
  EXPECT_NEAR(Line(*plan, "a region").seconds, 25'391 * 82.0 / 184 / (664.9 * 0.6), 0.5);
  EXPECT_NEAR(plan->ecm_kbps, 42 * 188 * 8 / 100.0, 0.1);
  EXPECT_EQ(plan->lit_at_most, std::chrono::days(21));
  EXPECT_EQ(plan->lit_at_least, std::chrono::days(7));
  EXPECT_GT(plan->events_per_second, 50);
}

TEST(Planner, PaddedMultiplexersCostTheDifference) {
  const auto plan = PlanAir({.packing = mpegts::Packing::kPadded});
  ASSERT_TRUE(plan);
  EXPECT_NEAR(Line(*plan, "groups").seconds, 507'813 / (664.9 * 0.45), 1);
  EXPECT_NEAR(Line(*plan, "300,000").seconds, 300'000 / (664.9 * 0.6), 1);
}

TEST(Planner, BadInputIsNamed) {
  struct Row {
    const char* field;
    PlanInput input;
  };
  const Row rows[] = {{"cards", {.cards = 0}},
                      {"rate", {.kbps = 0}},
                      {"shares", {.shares = {.groups = 0.9}}},
                      {"packages", {.packages_per_group = 0}},
                      {"churn", {.churn_per_day = 2}},
                      {"record-part", {.record_part = -1}},
                      {"ecm-interval", {.ecm_interval = std::chrono::milliseconds(0)}},
                      {"word-bytes", {.word_bytes = 12}},
                      {"lead", {.lead = std::chrono::days(15)}}};
  for (const Row& row : rows) {
    const auto plan = PlanAir(row.input);
    ASSERT_FALSE(plan) << row.field;
    EXPECT_NE(plan.error().ToString().find(row.field), std::string::npos) << plan.error().ToString();
  }
}

}  // namespace
}  // namespace hearth::carousel
