// The two lanes of reports: what is taken without a commit, what is not, and that one counter rules both.
#include <atomic>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/app/parallel.h"
#include "tests/app/site.h"

namespace hearth::app {
namespace {

using geofence::Verdict;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Heard kEdge = {kRenumbered[0], kHome[1]};  // unknown serving cell, a neighbour of home

class Lanes : public testing::Test {
 protected:
  Home At(uint64_t n) {
    Home home = site.Installed(n);
    site.clock.Advance(minutes(1));
    return home;
  }
  records::CardRecord Stored(uint64_t n) { return site.head().registry().Card(CardOf(n))->value; }
  HeardRow RowOf(uint64_t n) { return *site.head().column().Find(CardOf(n)); }
  // Sends and expects that nothing is written for it.
  ReportAnswer SendUnwritten(Home& home, const Heard& heard) {
    const auto before = site.Sequences();
    auto answer = site.Send(home, heard);
    EXPECT_TRUE(answer) << answer.error().ToString();
    EXPECT_EQ(site.Sequences(), before);
    return answer ? std::move(*answer) : ReportAnswer{};
  }
  std::optional<Reason> RefusalOf(const Report& report) {
    const auto answer = site.head().location().Take(report);
    return answer ? std::nullopt : std::optional(answer.error().reason());
  }
  std::vector<records::Alarm> AlarmsOf(records::AlarmKind kind) {
    site.head().HousekeepNow();
    std::vector<records::Alarm> found;
    const auto page = site.head().alarms().List(true, 100, "");
    if (!page) return found;
    for (const auto& alarm : page->items) {
      if (alarm.kind == kind) found.push_back(alarm);
    }
    return found;
  }

  Site site;
};

TEST_F(Lanes, WhatChangesNothingIsTakenWithoutACommit) {
  Home home = At(1);
  struct Row {
    std::string_view name;
    Heard heard;
    Verdict verdict;
    Reason reason = Reason::kInternal;
  };
  const Row rows[] = {{"home", kHome, Verdict::kInArea},
                      {"edge", kEdge, Verdict::kInArea},
                      {"unknown", kRenumbered, Verdict::kUnknownCell},
                      {"nothing heard", {}, Verdict::kNoSignal}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    site.clock.Advance(seconds(5));
    const ReportAnswer answer = SendUnwritten(home, row.heard);
    EXPECT_EQ(answer.outcome, ReportOutcome::kObserved);
    EXPECT_EQ(answer.verdict, row.verdict);
    EXPECT_FALSE(answer.committed.wrote);
    EXPECT_FALSE(answer.message.empty());
    EXPECT_EQ(RowOf(1).count, row.heard.size());
    EXPECT_EQ(RowOf(1).reported_time().value / 1000, site.clock.Now().value / 1000);
  }
  // A step towards an intervention is durable, and so is all that follows while it counts.
  site.clock.Advance(seconds(5));
  EXPECT_TRUE(site.Send(home, kCity)->committed.wrote);
  EXPECT_EQ(Stored(1).location.blacklisted_count, 1U);
  EXPECT_EQ(Stored(1).location.last_counter, home.receiver.card()->state().counter);
  site.clock.Advance(seconds(5));
  EXPECT_TRUE(site.Send(home, kHome)->committed.wrote);
  EXPECT_EQ(Stored(1).location.blacklisted_count, 0U);
  site.clock.Advance(seconds(5));
  SendUnwritten(home, kHome);
}

TEST_F(Lanes, AnIntervenedCardThatStaysAwayIsObservedAndComesBackDurably) {
  Home home = At(1);
  ASSERT_EQ(site.Send(home, kCity)->outcome, ReportOutcome::kCounted);
  site.clock.Advance(seconds(60));
  ASSERT_EQ(site.Send(home, kCity)->outcome, ReportOutcome::kSwitchedOff);
  site.clock.Advance(seconds(60));
  const ReportAnswer away = SendUnwritten(home, kCity);
  EXPECT_EQ(away.outcome, ReportOutcome::kObserved);
  EXPECT_EQ(away.reason, Reason::kLocationBlacklisted);
  EXPECT_EQ(away.viewer_code, "E09");
  site.clock.Advance(seconds(60));
  const auto back = site.Send(home, kHome);
  EXPECT_EQ(back->outcome, ReportOutcome::kRestored);
  EXPECT_TRUE(back->committed.wrote);
}

TEST_F(Lanes, OneCounterRulesBothLanes) {
  Home home = At(1);
  const Report observed = site.Sign(home, kHome);
  EXPECT_FALSE(RefusalOf(observed));
  EXPECT_EQ(RefusalOf(observed), Reason::kReportReplayed) << "by the row";
  site.clock.Advance(seconds(5));
  const Report counted = site.Sign(home, kCity);
  EXPECT_FALSE(RefusalOf(counted));
  EXPECT_EQ(RefusalOf(counted), Reason::kReportReplayed) << "by the store";
  EXPECT_EQ(RefusalOf(observed), Reason::kReportReplayed) << "an older one, while the card counts";
  // A refused report leaves the counter to others, in either lane.
  Report wrong_box = site.Sign(home, kHome);
  wrong_box.box = BoxOf(2);
  EXPECT_EQ(RefusalOf(wrong_box), Reason::kReportMacInvalid);
  Home other = site.NewHome(1, 2, 1);
  while (other.receiver.card()->state().counter < home.receiver.card()->state().counter)
    (void)site.Sign(other, kHome);
  const Report mixed = site.Sign(other, kHome);  // signed, but from the box of card 2
  EXPECT_EQ(RefusalOf(mixed), Reason::kBoxPairMismatch);
  site.clock.Advance(seconds(5));
  const Report same_counter = site.Sign(home, kHome);
  ASSERT_EQ(same_counter.counter, mixed.counter);
  EXPECT_FALSE(RefusalOf(same_counter));
  EXPECT_TRUE(AlarmsOf(records::AlarmKind::kClone).empty());
}

TEST_F(Lanes, TimesAreCheckedInEitherLane) {
  Home home = At(1);
  const UnixMillis now = site.clock.Now();
  const Report stale = site.Sign(home, kHome, UnixMillis(now.value - 73LL * 3600 * 1000));
  const Report future = site.Sign(home, kHome, UnixMillis(now.value + 6LL * 60 * 1000));
  const Report before_decision = site.Sign(home, kCity, UnixMillis(now.value - 3600 * 1000));
  EXPECT_EQ(RefusalOf(stale), Reason::kReportStale);
  EXPECT_EQ(RefusalOf(future), Reason::kReportFuture);
  EXPECT_EQ(RefusalOf(before_decision), Reason::kReportStale) << "older than its activation";
  EXPECT_FALSE(RefusalOf(site.Sign(home, kHome)));
}

TEST_F(Lanes, AReportOvertakenByAnObservedOneDoesNotCount) {
  Home home = At(1);
  site.clock.Advance(minutes(10));
  const UnixMillis earlier(site.clock.Now().value - 5LL * 60 * 1000);
  EXPECT_EQ(SendUnwritten(home, kHome).outcome, ReportOutcome::kObserved);
  // Signed later, heard earlier: the store knows nothing of the report from home that came before it.
  EXPECT_EQ(RefusalOf(site.Sign(home, kCity, earlier)), Reason::kReportStale);
  EXPECT_EQ(Stored(1).location.blacklisted_count, 0U);
}

TEST_F(Lanes, CellsThatChangedAreSavedAndOthersOnceAnHour) {
  Home home = At(1);
  const auto saved = [&] {
    site.SaveObserved();
    return Stored(1);
  };
  SendUnwritten(home, kHome);
  EXPECT_LT(saved().observed, UnixMillis(site.clock.Now().value / 1000 * 1000)) << "the same cells";
  site.clock.Advance(minutes(1));
  SendUnwritten(home, {kHome[0]});
  site.clock.Advance(minutes(1));
  SendUnwritten(home, kEdge);
  const records::CardRecord changed = saved();
  EXPECT_EQ(changed.observed.value / 1000, site.clock.Now().value / 1000);
  EXPECT_EQ(changed.location.last_counter, home.receiver.card()->state().counter);
  EXPECT_EQ(changed.location.last_verdict, Verdict::kInArea);
  ASSERT_EQ(changed.heard.size(), 2U);
  EXPECT_EQ(changed.heard[0].cell, CellsOf(kEdge)[0]);
  EXPECT_EQ(changed.home_cell, CellsOf(kHome)[0]) << "by a neighbour is not at home on the serving cell";
  EXPECT_EQ(changed.card.standing, entitlement::Standing::kOn);
  // The order of neighbours is no change, and an hour is.
  site.clock.Advance(minutes(59));
  SendUnwritten(home, kEdge);
  EXPECT_EQ(saved().observed, changed.observed);
  site.clock.Advance(minutes(2));
  SendUnwritten(home, kEdge);
  EXPECT_EQ(saved().observed.value / 1000, site.clock.Now().value / 1000);
}

TEST_F(Lanes, TheSaverFollowsByItselfWithinSeconds) {
  Home home = At(1);
  SendUnwritten(home, kRenumbered);
  const UnixMillis heard(site.clock.Now().value / 1000 * 1000);
  site.clock.Advance(ObservedSaver::kWait + seconds(1));
  EXPECT_TRUE(WaitUntil([&] { return Stored(1).observed == heard; }));
}

TEST_F(Lanes, AtAShutdownEverythingDirtyIsSaved) {
  Home home = At(1);
  SendUnwritten(home, kRenumbered);
  const Report last = site.Sign(home, kHome, site.clock.Now());
  EXPECT_FALSE(RefusalOf(last));
  site.Restart();
  EXPECT_EQ(Stored(1).location.last_counter, last.counter);
  EXPECT_EQ(RefusalOf(last), Reason::kReportReplayed);
}

// kill -9: what the saver had not saved is gone. Replayed, it changes nothing; and what counts against a card
// is older than the last durable decision, or was never taken.
TEST_F(Lanes, AfterACrashAReplayOfWhatWasObservedChangesNothing) {
  Home home = At(1);
  const auto backup = [&] { return site.Backup(); };
  const Report first = site.Sign(home, kRenumbered);
  EXPECT_FALSE(RefusalOf(first));
  site.clock.Advance(seconds(10));
  ASSERT_EQ(site.Send(home, kCity)->outcome, ReportOutcome::kCounted);
  const Report counted = site.Sign(home, kHome);  // the counts begin anew
  EXPECT_FALSE(RefusalOf(counted));
  site.clock.Advance(seconds(10));
  const Report lost = site.Sign(home, kRenumbered);
  EXPECT_FALSE(RefusalOf(lost));
  const auto killed = backup();
  site.Restore(killed);
  site.Start();
  EXPECT_TRUE(WaitUntil([&] { return site.head().column().loaded(); }));
  EXPECT_EQ(RefusalOf(first), Reason::kReportReplayed) << "below the counter of a durable one";
  EXPECT_EQ(RefusalOf(counted), Reason::kReportReplayed);
  const auto before = Stored(1);
  const auto again = site.head().location().Take(lost);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->outcome, ReportOutcome::kObserved);
  site.SaveObserved();
  EXPECT_EQ(Stored(1).card, before.card);
  EXPECT_EQ(Stored(1).location.standing, before.location.standing);
}

TEST_F(Lanes, BeforeTheColumnHasACardItIsJudgedFromTheStore) {
  Home home = At(1);
  site.Restart();
  // Whether the loader was here first or not.
  EXPECT_EQ(site.Send(home, kHome)->outcome, ReportOutcome::kObserved);
  EXPECT_EQ(RefusalOf(site.Sign(home, kHome)), std::nullopt);
}

TEST_F(Lanes, RacesOfTwoReportsWithOneCounterTakeOne) {
  Home home = At(1);
  for (int round = 0; round < 50; ++round) {
    site.clock.Advance(seconds(61));
    // One would be observed, the other counts; both with the same counter, as of a card and its copy.
    Home copy = home;
    const Report a = site.Sign(home, kHome);
    const Report b = site.Sign(copy, round % 2 == 0 ? kCity : kHome);
    std::atomic<int> taken{0};
    InParallel(4, 4, [&](size_t i) {
      const auto answer = site.head().location().Take(i % 2 == 0 ? a : b);
      if (answer) ++taken;
      if (!answer) {
        EXPECT_EQ(answer.error().reason(), Reason::kReportReplayed);
      }
    });
    ASSERT_EQ(taken, 1) << "round " << round;
  }
}

TEST_F(Lanes, ABatchIsTakenByCountersAndARefusedOneRefusesNothing) {
  Home one = At(1);
  Home two = At(2);
  site.clock.Advance(minutes(5));
  const int64_t now = site.clock.Now().value;
  const auto at = [&](int64_t seconds_ago) { return UnixMillis(now - seconds_ago * 1000); };
  // Of card 1: counted, switched off, restored; in the batch the other way round.
  const Report first = site.Sign(one, kCity, at(200));
  const Report second = site.Sign(one, kCity, at(100));
  const Report third = site.Sign(one, kHome, at(50));
  const Report fourth = site.Sign(one, kHome, at(40));
  Report forged = site.Sign(two, kCity, at(30));
  forged.mac[0] ^= 1;
  const Report good = site.Sign(two, kHome, at(20));
  const std::vector<Report> reports = {fourth, third, forged, second, good, first, good};
  Location& location = site.head().location();
  const BatchAnswer answer = location.Finish(location.Begin(reports));
  EXPECT_EQ(answer.observed, 2U);
  EXPECT_EQ(answer.refused, 2U);
  std::map<uint32_t, std::string> items;
  for (const auto& [index, item] : answer.items) {
    items[index] =
        item ? std::string(NameOf(item->outcome)) : std::string(InfoOf(item.error().reason()).name);
  }
  EXPECT_THAT(items,
              testing::ElementsAre(testing::Pair(1, "restored"), testing::Pair(2, "REPORT_MAC_INVALID"),
                                   testing::Pair(3, "switched_off"), testing::Pair(5, "counted"),
                                   testing::Pair(6, "REPORT_REPLAYED")));
  EXPECT_EQ(Stored(1).card.standing, entitlement::Standing::kOn);
  EXPECT_EQ(Stored(1).interventions, 1U);
  EXPECT_EQ(Stored(1).location.last_counter, fourth.counter) << "it was decided in the lane that commits";
}

// Whatever is changed in a signed report, it is refused, and card and row stay as they were.
TEST_F(Lanes, AForgedReportChangesNothingAndDarkensNobody) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  Home home = At(1);
  Home neighbour = At(2);
  site.clock.Advance(minutes(5));
  const auto sequences = site.Quiet();
  const HeardRow row = RowOf(1);
  const Report genuine = site.Sign(home, kCity);
  for (int i = 0; i < 3000; ++i) {
    Report forged = genuine;
    switch (random() % 9) {
      case 0:
        forged.mac[random() % 8] ^= static_cast<uint8_t>(1 + random() % 255);
        break;
      case 1:
        forged.counter += static_cast<uint32_t>(1 + random() % 1000);
        break;
      case 2:
        forged.time.value += 1000 * static_cast<int64_t>(1 + random() % 200);
        break;
      case 3:
        forged.evidence.cells[random() % 2].cell.cell ^= 1ULL << random() % 20;
        break;
      case 4:
        forged.evidence.cells[random() % 2].signal_dbm ^= static_cast<int8_t>(1 + random() % 100);
        break;
      case 5:
        forged.evidence.cells.resize(1);
        break;
      case 6:
        std::swap(forged.evidence.cells[0], forged.evidence.cells[1]);
        break;
      case 7:
        forged.card = CardOf(2);
        forged.box = BoxOf(2);
        forged.sim = SimOf(2);
        break;
      default:
        forged.card_signed = false;
        break;
    }
    const auto refusal = RefusalOf(forged);
    ASSERT_TRUE(refusal == Reason::kReportMacInvalid || refusal == Reason::kReportUnsigned)
        << "seed " << seed;
  }
  EXPECT_EQ(site.Quiet(), sequences);
  const HeardRow after = RowOf(1);
  EXPECT_EQ(after.counter, row.counter);
  EXPECT_EQ(after.reported, row.reported);
  EXPECT_EQ(Stored(2).card.standing, entitlement::Standing::kOn);
  EXPECT_FALSE(RefusalOf(genuine)) << "none of them took its counter";
}

// A model of both lanes: what any sequence of reports does is what it would do if each were committed.
TEST_F(Lanes, BothLanesTogetherDecideAsTheDecisionAlone) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  Home home = At(1);
  intervention::LocationState model = Stored(1).location;
  const intervention::Policy policy = site.options.policy.national;
  const auto verdict_of = [](const Heard& heard) {
    if (heard.empty()) return Verdict::kNoSignal;
    if (heard == kCity) return Verdict::kBlacklisted;
    return heard == kRenumbered ? Verdict::kUnknownCell : Verdict::kInArea;
  };
  for (int i = 0; i < 400; ++i) {
    site.clock.Advance(seconds(random() % 50));
    if (random() % 40 == 0) site.SaveObserved();
    if (random() % 60 == 0) site.Restart();
    const Heard choices[] = {kHome, kEdge, kCity, kCity, kRenumbered, {}};
    const Heard& heard = choices[random() % std::size(choices)];
    const UnixMillis at((site.clock.Now().value - static_cast<int64_t>(random() % 90'000)) / 1000 * 1000);
    const Report report = site.Sign(home, heard, at);
    const auto expected = intervention::Decide(model, policy,
                                               {.verdict = verdict_of(heard),
                                                .whitelisted_neighbour = heard == kEdge || heard == kHome,
                                                .card_authenticated = true,
                                                .counter = report.counter,
                                                .report_time = report.time,
                                                .now = site.clock.Now()});
    const auto answer = site.head().location().Take(report);
    if (expected.cause == intervention::Cause::kStale) {
      ASSERT_FALSE(answer) << "seed " << seed << " step " << i;
      EXPECT_EQ(answer.error().reason(), Reason::kReportStale);
      continue;
    }
    ASSERT_TRUE(answer) << "seed " << seed << " step " << i << ": " << answer.error().ToString();
    model = expected.next;
    EXPECT_EQ(answer->outcome == ReportOutcome::kSwitchedOff,
              expected.action == intervention::Action::kDisable);
    EXPECT_EQ(answer->outcome == ReportOutcome::kRestored, expected.action == intervention::Action::kRestore);
    ASSERT_EQ(Stored(1).location.standing, model.standing) << "seed " << seed << " step " << i;
    ASSERT_EQ(Stored(1).location.blacklisted_count, model.blacklisted_count)
        << "seed " << seed << " step " << i;
  }
}

}  // namespace
}  // namespace hearth::app
