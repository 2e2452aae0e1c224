#include "intervention/policy.h"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

namespace hearth::intervention {
namespace {

TEST(Policy, StrictnessIsChecked) {
  Policy policy;
  EXPECT_TRUE(policy.Check());
  policy.strictness = static_cast<geofence::Strictness>(4);
  ASSERT_FALSE(policy.Check());
  EXPECT_EQ(policy.Check().error().violations()[0].field, "strictness");
}

TEST(PolicyBook, TheDefaultsAreValid) { EXPECT_TRUE(PolicyBook().Check()); }

TEST(PolicyBook, EachFieldIsCheckedByName) {
  struct Row {
    const char* name;
    std::function<void(PolicyBook&)> change;
    const char* field;  // nullptr: valid
  };
  const auto network = [](PolicyBook& book) -> RetiringNetwork& {
    book.retiring.resize(3, {.day = 20'000});
    return book.retiring[2];
  };
  const Row rows[] = {
      {"version 0", [](auto& b) { b.version = 0; }, "version"},
      {"no report needed", [](auto& b) { b.national.blacklisted_reports = 0; },
       "national.blacklisted_reports"},
      {"101 reports", [](auto& b) { b.national.blacklisted_reports = 101; }, "national.blacklisted_reports"},
      {"gap below 0", [](auto& b) { b.national.blacklisted_gap = std::chrono::seconds(-1); },
       "national.blacklisted_gap"},
      {"gap of 24 h", [](auto& b) { b.national.blacklisted_gap = std::chrono::hours(24); }, nullptr},
      {"gap beyond 24 h", [](auto& b) { b.national.blacklisted_gap = std::chrono::seconds(86'401); },
       "national.blacklisted_gap"},
      {"no out of area report", [](auto& b) { b.national.out_of_area_reports = 0; },
       "national.out_of_area_reports"},
      {"window beyond 30 days", [](auto& b) { b.national.out_of_area_window = std::chrono::minutes(43'201); },
       "national.out_of_area_window"},
      {"grace in a region", [](auto& b) { b.regions[640122].grace_hours = 241; },
       "regions[640122].grace_hours"},
      {"no grace in a region", [](auto& b) { b.regions[640122].grace_hours = 0; }, nullptr},
      {"strictness in a region", [](auto& b) { b.regions[64].strictness = geofence::Strictness(0); },
       "regions[64].strictness"},
      {"override of five digits", [](auto& b) { b.regions[64012]; }, "regions[64012]"},
      {"override of a town", [](auto& b) { b.regions[640122100]; }, "regions[640122100]"},
      {"override filled with zeros", [](auto& b) { b.regions[640100]; }, "regions[640100]"},
      {"override of everything", [](auto& b) { b.regions[0]; }, "regions[0]"},
      {"no window", [](auto& b) { b.breaker.window = std::chrono::minutes(0); }, "breaker.window"},
      {"window beyond a day", [](auto& b) { b.breaker.window = std::chrono::minutes(1441); },
       "breaker.window"},
      {"breaker of no card", [](auto& b) { b.breaker.cards = 0; }, "breaker.cards"},
      {"breaker percent", [](auto& b) { b.breaker.percent = 100.1; }, "breaker.percent"},
      {"breaker percent below 0", [](auto& b) { b.breaker.percent = -0.1; }, "breaker.percent"},
      {"breaker percent is no number", [](auto& b) { b.breaker.percent = std::nan(""); }, "breaker.percent"},
      {"no national cap", [](auto& b) { b.breaker.national_per_hour = 0; }, "breaker.national_per_hour"},
      {"every change needs an approver",
       [](auto& b) {
         b.changes = {0, 0, 0, 1};
       },
       nullptr},
      {"changes.cards", [](auto& b) { b.changes.cards = 1'000'001; }, "changes.cards"},
      {"changes.percent", [](auto& b) { b.changes.percent = INFINITY; }, "changes.percent"},
      {"changes.total", [](auto& b) { b.changes.total = 10'000'001; }, "changes.total"},
      {"changes.evidence_days", [](auto& b) { b.changes.evidence_days = 0; }, "changes.evidence_days"},
      {"networks", [&](auto& b) { network(b) = {310, 410, 3, 5, RegionCode(640122), 20'000}; }, nullptr},
      {"mcc", [&](auto& b) { network(b).mcc = 0; }, "retiring[2].mcc"},
      {"two-digit mnc", [&](auto& b) { network(b).mnc = 100; }, "retiring[2].mnc"},
      {"mnc_digits", [&](auto& b) { network(b).mnc_digits = 4; }, "retiring[2].mnc_digits"},
      {"radio", [&](auto& b) { network(b).radio = 6; }, "retiring[2].radio"},
      {"region", [&](auto& b) { network(b).region = RegionCode(640); }, "retiring[2].region"},
      {"day", [&](auto& b) { network(b).day = 0; }, "retiring[2].day"},
  };
  for (const Row& row : rows) {
    PolicyBook book;
    row.change(book);
    const Status status = book.Check();
    ASSERT_EQ(status.has_value(), row.field == nullptr) << row.name;
    if (row.field == nullptr) continue;
    EXPECT_EQ(status.error().reason(), Reason::kFieldInvalid) << row.name;
    ASSERT_EQ(status.error().violations().size(), 1U) << row.name;
    EXPECT_EQ(status.error().violations()[0].field, row.field) << row.name;
  }
}

TEST(PolicyBook, EveryWrongFieldIsNamedAtOnce) {
  PolicyBook book;
  book.national.grace_hours = 250;
  book.regions[640122].blacklisted_reports = 0;
  book.breaker.cards = 0;
  const Status status = book.Check();
  ASSERT_FALSE(status);
  ASSERT_EQ(status.error().violations().size(), 3U);
  EXPECT_EQ(status.error().violations()[1].field, "regions[640122].blacklisted_reports");
}

TEST(PolicyBook, HasLimits) {
  PolicyBook book;
  for (uint32_t i = 0; book.regions.size() <= 5000; ++i) {
    if (IsDivision(110'101 + i)) book.regions[110'101 + i] = {};
  }
  ASSERT_FALSE(book.Check());
  EXPECT_EQ(book.Check().error().reason(), Reason::kLimitExceeded);
  book.regions.erase(book.regions.begin());
  EXPECT_TRUE(book.Check());
  book.retiring.resize(1000, {.day = 1});
  EXPECT_TRUE(book.Check());
  book.retiring.resize(1001, {.day = 1});
  EXPECT_EQ(book.Check().error().reason(), Reason::kLimitExceeded);
}

TEST(PolicyBook, TheMostSpecificDivisionHolds) {
  PolicyBook book;
  book.version = 9;
  book.national.grace_hours = 1;
  book.regions[64].grace_hours = 2;
  book.regions[6401].grace_hours = 3;
  book.regions[640122].grace_hours = 4;
  book.regions[640122].version = 77;
  struct Row {
    uint32_t area;
    int grace_hours;
  };
  const Row rows[] = {{640122001, 4}, {640122999, 4}, {640121001, 3},
                      {640221001, 2}, {150121001, 1}, {640100001, 3}};
  for (const Row& row : rows) {
    EXPECT_EQ(int{book.For(AreaId(row.area)).grace_hours}, row.grace_hours) << row.area;
    EXPECT_EQ(book.For(AreaId(row.area)).version, 9U) << row.area;
  }
}

TEST(Divisions, HoldTheirAreas) {
  struct Row {
    uint32_t division;
    uint32_t area;
    bool holds;
  };
  const Row rows[] = {{64, 640122001, true},    {64, 650122001, false},     {6401, 640122001, true},
                      {6402, 640122001, false}, {640122, 640122001, true},  {640121, 640122001, false},
                      {6401, 640100001, true},  {640122, 640100001, false}, {0, 640122001, false}};
  for (const Row& row : rows) {
    EXPECT_EQ(DivisionHas(row.division, AreaId(row.area)), row.holds) << row.division << " " << row.area;
  }
}

TEST(CardLimit, IsTheLargerOfBothRoundedDown) {
  EXPECT_EQ(CardLimit(5, 2, 0), 5U);
  EXPECT_EQ(CardLimit(5, 2, 299), 5U);
  EXPECT_EQ(CardLimit(5, 2, 300), 6U);
  EXPECT_EQ(CardLimit(5, 2, 349), 6U);
  EXPECT_EQ(CardLimit(0, 0.7, 1000), 7U);
  EXPECT_EQ(CardLimit(0, 0, 1000), 0U);
  EXPECT_EQ(CardLimit(0, 100, 130'000'000), 130'000'000U);
}

}  // namespace
}  // namespace hearth::intervention
