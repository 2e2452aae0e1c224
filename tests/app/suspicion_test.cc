// Clones, forks, identical vectors, bulk openings, impossible travel.
#include <gtest/gtest.h>

#include "tests/app/site.h"

namespace hearth::app {
namespace {

using records::AlarmKind;
using std::chrono::minutes;
using std::chrono::seconds;

// Yinchuan and Shanghai.
constexpr geofence::Position kHere{384'800'000, 1'062'300'000};
constexpr geofence::Position kFar{312'300'000, 1'214'700'000};

class Suspicions : public testing::Test {
 protected:
  Suspicions() {
    options.head_end.whereabouts.cell_position =
        [](const geofence::Cell& cell) -> std::optional<geofence::Position> {
      if (cell == CellsOf(kHome)[0]) return kHere;
      if (cell == CellsOf(kRenumbered)[0] || cell == CellsOf(kCity)[0]) return kFar;
      return std::nullopt;
    };
    site.emplace(options);
  }
  Home At(uint64_t n) {
    Home home = site->Installed(n);
    site->clock.Advance(minutes(1));
    return home;
  }
  std::optional<Reason> RefusalOf(const Report& report) {
    const auto answer = site->head().location().Take(report);
    return answer ? std::nullopt : std::optional(answer.error().reason());
  }
  std::vector<records::Alarm> AlarmsOf(AlarmKind kind) {
    site->head().HousekeepNow();
    std::vector<records::Alarm> found;
    const auto page = site->head().alarms().List(true, 100, "");
    if (!page) return found;
    for (const auto& alarm : page->items) {
      if (alarm.kind == kind) found.push_back(alarm);
    }
    return found;
  }

  SiteOptions options;
  std::optional<Site> site;
};

TEST_F(Suspicions, TwoFarPlacesAtOnceAreRefusedAndAnAlarm) {
  Home home = At(1);
  ASSERT_FALSE(RefusalOf(site->Sign(home, kHome)));
  site->clock.Advance(minutes(10));
  const auto sequences = site->Quiet();
  EXPECT_EQ(RefusalOf(site->Sign(home, kRenumbered)), Reason::kReportImpossibleTravel) << "the data lane";
  EXPECT_EQ(RefusalOf(site->Sign(home, kCity)), Reason::kReportImpossibleTravel) << "the lane that commits";
  const auto alarms = AlarmsOf(AlarmKind::kClone);
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].cards, std::vector{CardOf(1)});
  EXPECT_EQ(alarms[0].count, 2U);
  EXPECT_NE(alarms[0].text.find("km/h"), std::string::npos);
  auto now = site->Quiet();
  now[store::kSystemBucket.value] = sequences.at(store::kSystemBucket.value);  // the alarm
  EXPECT_EQ(now, sequences) << "nothing else was written";
  // Slowly it is a journey.
  site->clock.Advance(std::chrono::hours(5));
  EXPECT_FALSE(RefusalOf(site->Sign(home, kRenumbered)));
}

TEST_F(Suspicions, CountersThatForkAreAnAlarm) {
  Home home = At(1);
  Home copy = home;
  ASSERT_FALSE(RefusalOf(site->Sign(home, kHome)));
  EXPECT_TRUE(AlarmsOf(AlarmKind::kClone).empty());
  // Same counter, later.
  site->clock.Advance(minutes(2));
  EXPECT_EQ(RefusalOf(site->Sign(copy, kHome)), Reason::kReportReplayed);
  EXPECT_EQ(AlarmsOf(AlarmKind::kClone).size(), 1U);
  // It falls back while time goes on.
  for (int i = 0; i < 3; ++i) {
    site->clock.Advance(seconds(10));
    ASSERT_FALSE(RefusalOf(site->Sign(home, kHome)));
  }
  site->clock.Advance(minutes(2));
  EXPECT_EQ(RefusalOf(site->Sign(copy, kHome)), Reason::kReportReplayed);
  EXPECT_EQ(AlarmsOf(AlarmKind::kClone).at(0).count, 2U);
}

TEST_F(Suspicions, ARepeatedReportIsNone) {
  Home home = At(1);
  const Report observed = site->Sign(home, kHome);
  ASSERT_FALSE(RefusalOf(observed));
  EXPECT_EQ(RefusalOf(observed), Reason::kReportReplayed);
  site->clock.Advance(minutes(1));
  ASSERT_FALSE(RefusalOf(site->Sign(home, kHome)));
  EXPECT_EQ(RefusalOf(observed), Reason::kReportReplayed) << "overtaken";
  EXPECT_TRUE(AlarmsOf(AlarmKind::kClone).empty());
}

TEST_F(Suspicions, FiveCardsWithTheSameVectorAreAnAlarm) {
  const Heard three = {kHome[0], kHome[1], "lte:460:00:33301:26879747"};
  std::vector<Home> homes;
  for (uint64_t n = 1; n <= 6; ++n) homes.push_back(At(n));
  // Two cells, or signals of one's own, are no sign.
  for (Home& home : homes) ASSERT_FALSE(RefusalOf(site->Sign(home, kHome)));
  site->clock.Advance(seconds(5));
  for (size_t i = 0; i < 4; ++i) ASSERT_FALSE(RefusalOf(site->Sign(homes[i], three)));
  site->clock.Advance(seconds(5));
  ASSERT_FALSE(RefusalOf(site->Sign(homes[0], three))) << "one of the four again";
  EXPECT_TRUE(AlarmsOf(AlarmKind::kIdenticalVectors).empty());
  ASSERT_FALSE(RefusalOf(site->Sign(homes[4], three)));
  auto alarms = AlarmsOf(AlarmKind::kIdenticalVectors);
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].cards.size(), 5U);
  EXPECT_EQ(alarms[0].areas, std::vector{kArea});
  // In the next window it begins anew.
  site->clock.Advance(minutes(11));
  for (size_t i = 0; i < 4; ++i) ASSERT_FALSE(RefusalOf(site->Sign(homes[i], three)));
  EXPECT_EQ(AlarmsOf(AlarmKind::kIdenticalVectors).at(0).count, 1U);
}

TEST_F(Suspicions, OpeningsInBulkOnOneCellAreAnAlarm) {
  for (uint64_t n = 1; n <= 21; ++n) {
    EXPECT_TRUE(AlarmsOf(AlarmKind::kBulkOpenings).empty()) << n;
    ASSERT_TRUE(site->Open(n));
    Home home = site->NewHome(n);
    ASSERT_EQ(site->Send(home, kHome)->outcome, ReportOutcome::kActivated);
    site->clock.Advance(seconds(60));
  }
  const auto alarms = AlarmsOf(AlarmKind::kBulkOpenings);
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0].subject, "cell:" + kHome[0]);
  EXPECT_EQ(alarms[0].cards.size(), 21U);
}

TEST_F(Suspicions, OpeningsOverTheDayAreNone) {
  for (uint64_t n = 1; n <= 25; ++n) {
    ASSERT_TRUE(site->Open(n));
    Home home = site->NewHome(n);
    ASSERT_EQ(site->Send(home, kHome)->outcome, ReportOutcome::kActivated);
    site->clock.Advance(minutes(10));
  }
  EXPECT_TRUE(AlarmsOf(AlarmKind::kBulkOpenings).empty());
}

}  // namespace
}  // namespace hearth::app
