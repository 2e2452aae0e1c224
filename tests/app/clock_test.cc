// A clock that jumps: changes wait for an operator, what is on air stays on air.
#include <gtest/gtest.h>

#include "tests/app/site.h"

namespace hearth::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

struct Jump {
  const char* name;
  hours by;
};
void PrintTo(const Jump& jump, std::ostream* out) { *out << jump.name; }

class WhileRunning : public testing::TestWithParam<Jump> {};

TEST_P(WhileRunning, ChangesWaitUntilTheJumpIsAccepted) {
  Site site;
  Home home = site.Installed(1);
  const Epoch epoch =
      site.head().ecm().Issue({.channel = ServiceId(1), .control_words = {Bytes(8)}})->key_epoch;
  site.clock.Jump(UnixMillis(site.clock.Now().value + milliseconds(GetParam().by).count()));

  const auto refused = site.Open(2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::kClockJump);
  EXPECT_TRUE(site.head().clock().jumped());
  const auto report = site.Send(home, kHome);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason(), Reason::kClockJump);
  // Two turns of the housekeeper change nothing on air.
  std::this_thread::sleep_for(milliseconds(2100));
  EXPECT_EQ(site.head().ecm().Issue({.channel = ServiceId(1), .control_words = {Bytes(8)}})->key_epoch,
            epoch);
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home));

  EXPECT_EQ(site.head().clock().Accept(site.NewRequest("")).error().reason(), Reason::kFieldMissing);
  Request dry = site.NewRequest();
  dry.dry_run = true;
  EXPECT_TRUE(site.head().clock().Accept(dry));
  EXPECT_TRUE(site.head().clock().jumped());
  const Request request = site.NewRequest("the battery was empty");
  const auto accepted = site.head().clock().Accept(request);
  ASSERT_TRUE(accepted) << accepted.error().ToString();
  EXPECT_FALSE(site.head().clock().jumped());
  ASSERT_TRUE(site.Open(2));
  // What follows is above all that the cards have heard.
  ASSERT_TRUE(site.Close(1));
  site.Drain();
  site.Listen(home);
  EXPECT_FALSE(site.Watches(home));
  Home second = site.NewHome(2);
  ASSERT_TRUE(site.Send(second, kHome));
  const EpochPlan& plan = site.head().keys().plan();
  EXPECT_TRUE(WaitUntil([&] { return site.head().keys().current() == plan.Current(site.clock.Now()); }));
  site.Drain();
  site.Listen(second);
  EXPECT_TRUE(site.Watches(second));

  // Its repeat accepts no other jump.
  site.clock.Jump(UnixMillis(site.clock.Now().value + milliseconds(GetParam().by).count()));
  EXPECT_EQ(site.Open(3).error().reason(), Reason::kClockJump);
  const auto repeat = site.head().clock().Accept(request);
  ASSERT_TRUE(repeat);
  EXPECT_TRUE(repeat->repeated);
  EXPECT_EQ(repeat->revision, accepted->revision);
  EXPECT_TRUE(site.head().clock().jumped());
}

INSTANTIATE_TEST_SUITE_P(App, WhileRunning,
                         testing::Values(Jump{"two_hours_ahead", hours(2)}, Jump{"two_hours_back", -hours(2)},
                                         Jump{"a_year_ahead", hours(24 * 365)},
                                         Jump{"a_year_back", -hours(24 * 365)}),
                         [](const auto& row) { return row.param.name; });

TEST(WhileRunning, AnHourIsNoJump) {
  Site site;
  site.clock.Jump(UnixMillis(site.clock.Now().value + milliseconds(minutes(59)).count()));
  EXPECT_TRUE(site.Open(1));
  EXPECT_FALSE(site.head().clock().jumped());
}

struct Gap {
  const char* name;
  hours by;
  bool jump;
};
void PrintTo(const Gap& gap, std::ostream* out) { *out << gap.name; }

class OverARestart : public testing::TestWithParam<Gap> {};

TEST_P(OverARestart, WhatWasOnAirStaysOnAir) {
  Site site;
  Home home = site.Installed(1);
  site.Stop();
  site.clock.Jump(UnixMillis(site.clock.Now().value + milliseconds(GetParam().by).count()));
  site.Start();
  EXPECT_EQ(site.head().clock().jumped(), GetParam().jump);
  if (!GetParam().jump) {
    EXPECT_TRUE(site.Open(2));
    return;
  }
  EXPECT_EQ(site.Open(2).error().reason(), Reason::kClockJump);
  std::this_thread::sleep_for(milliseconds(1200));
  EXPECT_TRUE(site.Watches(home)) << "ECMs of the epoch before";
  // Still so after another restart.
  site.Restart();
  EXPECT_TRUE(site.head().clock().jumped());
  EXPECT_TRUE(site.Watches(home));

  ASSERT_TRUE(site.head().clock().Accept(site.NewRequest("it is so")));
  const EpochPlan& plan = site.head().keys().plan();
  EXPECT_TRUE(WaitUntil([&] { return site.head().keys().current() == plan.Current(site.clock.Now()); }));
  ASSERT_TRUE(site.Open(2));
  ASSERT_TRUE(site.head().pump().RefreshCard(site.NewRequest(), CardOf(1), site.options.limits));
  site.Drain();
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home)) << "with keys of the epoch that is now";
}

INSTANTIATE_TEST_SUITE_P(App, OverARestart,
                         testing::Values(Gap{"a_month_less_a_day", hours(24 * 29), false},
                                         Gap{"a_month_and_a_day", hours(24 * 31), true},
                                         Gap{"two_hours_back", -hours(2), true}),
                         [](const auto& row) { return row.param.name; });

// The cards have obeyed group sections of later than the clock now says.
TEST(OverARestart, AfterASmallStepBackCardsStillObey) {
  for (const bool crash : {false, true}) {
    Site site;
    Home home = site.Installed(1);
    if (crash) {
      site.store->SetGuard([](store::BucketId, const store::Batch&) -> Status {
        return Error(Reason::kStoreReadOnly, "killed by the test");
      });
    }
    site.Stop();
    site.store->SetGuard(nullptr);
    site.clock.Jump(UnixMillis(site.clock.Now().value - milliseconds(minutes(30)).count()));
    site.Start();
    EXPECT_FALSE(site.head().clock().jumped());
    ASSERT_TRUE(site.Close(1));
    site.Drain();
    site.Listen(home);
    EXPECT_FALSE(site.Watches(home)) << (crash ? "after a crash" : "after a stop");
    for (const std::string& broken : site.BrokenInvariants(true)) ADD_FAILURE() << broken;
  }
}

}  // namespace
}  // namespace hearth::app
