// Boxes with a satellite receiver: where they are, signed by their cards.
#include <gtest/gtest.h>

#include "tests/app/site.h"

namespace hearth::app {
namespace {

using geofence::Verdict;
using std::chrono::minutes;

// 1 km a step to the north of the village.
constexpr geofence::Position kVillageAt{384'872'000, 1'062'309'000};
geofence::Position North(int km) { return {kVillageAt.latitude_e7 + km * 89'932, kVillageAt.longitude_e7}; }

class Fixes : public testing::Test {
 protected:
  Fixes() {
    options.head_end.whereabouts.distance_km = [this](AreaId area,
                                                      geofence::Position at) -> std::optional<double> {
      if (!known || area != kArea) return std::nullopt;
      return geofence::DistanceKm(at, kVillageAt);
    };
    site.emplace(options);
  }
  Report Sign(Home& home, geofence::Position at, uint32_t accuracy_m = 25) {
    receiver::ReportEvidence evidence{.box = home.receiver.box().state().serial,
                                      .sim = home.sim,
                                      .utc = MessageSeconds(site->clock.Now()),
                                      .cells = {},
                                      .fix = receiver::Fix{at.latitude_e7, at.longitude_e7, accuracy_m}};
    const auto report = home.receiver.mutable_card()->SignReport(evidence);
    EXPECT_TRUE(report);
    return {.card = home.receiver.card()->number(),
            .box = evidence.box,
            .sim = home.sim,
            .counter = report->counter,
            .time = UnixMillis((kEpoch2024Seconds + int64_t{evidence.utc}) * 1000),
            .evidence = {},
            .fix = records::Fix{.position = at, .accuracy_m = accuracy_m},
            .mac = report->mac};
  }
  Result<ReportAnswer> Send(Home& home, geofence::Position at, uint32_t accuracy_m = 25) {
    site->clock.Advance(minutes(11));
    return site->head().location().Take(Sign(home, at, accuracy_m));
  }
  records::CardRecord Stored(uint64_t n) { return site->head().registry().Card(CardOf(n))->value; }

  std::atomic<bool> known{true};
  SiteOptions options;
  std::optional<Site> site;
};

TEST_F(Fixes, AreAtHomeNearAVillageAndElsewhereBeyond) {
  ASSERT_TRUE(site->Open(1));
  Home home = site->NewHome(1);
  const auto far = Send(home, North(30));
  ASSERT_TRUE(far) << far.error().ToString();
  EXPECT_EQ(far->outcome, ReportOutcome::kInstallRefused);
  EXPECT_EQ(far->reason, Reason::kInstallOutOfArea);
  const auto opened = Send(home, North(9));
  EXPECT_EQ(opened->outcome, ReportOutcome::kActivated);
  EXPECT_EQ(Stored(1).fix->position, North(9));
  EXPECT_FALSE(Stored(1).home_cell);
  EXPECT_EQ(Send(home, North(2))->verdict, Verdict::kInArea);
  // Out of its area it is proposed, never switched off; vague or unknown says nothing.
  EXPECT_EQ(Send(home, North(9), 50'000)->verdict, Verdict::kUnknownCell);
  ReportAnswer last;
  for (int i = 0; i < 6; ++i) last = *Send(home, North(40));
  EXPECT_EQ(Stored(1).card.standing, entitlement::Standing::kOn);
  known = false;
  EXPECT_EQ(Send(home, North(40))->verdict, Verdict::kUnknownCell);
  EXPECT_EQ(Stored(1).card.standing, entitlement::Standing::kOn);
  const auto explained = site->head().location().Explain(CardOf(1));
  ASSERT_TRUE(explained);
  EXPECT_NE(explained->evidence.at(0).find("fix:38."), std::string::npos) << explained->evidence.at(0);
}

TEST_F(Fixes, AreSignedToTheLastDigit) {
  ASSERT_TRUE(site->Open(1));
  Home home = site->NewHome(1);
  Report report = Sign(home, kVillageAt);
  const auto refusal = [&](const Report& changed) {
    const auto answer = site->head().location().Take(changed);
    return answer ? std::nullopt : std::optional(answer.error().reason());
  };
  Report changed = report;
  ++changed.fix->position.latitude_e7;
  EXPECT_EQ(refusal(changed), Reason::kReportMacInvalid);
  changed = report;
  changed.fix->accuracy_m = 26;
  EXPECT_EQ(refusal(changed), Reason::kReportMacInvalid);
  changed = report;
  changed.fix.reset();
  changed.evidence.no_signal = true;
  EXPECT_EQ(refusal(changed), Reason::kReportMacInvalid);
  changed = report;
  changed.evidence = EvidenceOf(kHome);
  EXPECT_EQ(refusal(changed), Reason::kFieldInvalid);
  changed = report;
  changed.fix->position.latitude_e7 = 900'000'001;
  EXPECT_EQ(refusal(changed), Reason::kFieldInvalid);
  EXPECT_EQ(refusal(report), std::nullopt);
}

TEST_F(Fixes, NobodyIsInTwoPlaces) {
  Home home = site->Installed(1);
  ASSERT_TRUE(Send(home, kVillageAt));
  EXPECT_EQ(Send(home, North(1000)).error().reason(), Reason::kReportImpossibleTravel);
  EXPECT_EQ(Stored(1).fix->position, kVillageAt);
}

}  // namespace
}  // namespace hearth::app
