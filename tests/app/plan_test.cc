// The schedule over time: pushes, what is in force, what lies on disk, and what a card makes of it.
#include <algorithm>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/site.h"

namespace hearth::app {
namespace {

using entitlement::Criteria;
using entitlement::CriteriaMode;
using entitlement::Window;
using entitlement::WindowKind;
using testing::ElementsAre;

constexpr int64_t kHour = 3'600'000;
constexpr Criteria kProduct7 = {.mode = CriteriaMode::kProduct, .product = 7};
constexpr Criteria kClosed = {.mode = CriteriaMode::kClosed};

class PlanTest : public testing::Test {
 protected:
  UnixMillis At(int64_t hours, int64_t ms = 0) const { return UnixMillis(zero.value + hours * kHour + ms); }
  Window Event(int64_t from, int64_t to, Criteria criteria = {}) const {
    return {.kind = WindowKind::kEvent, .start = At(from), .end = At(to), .criteria = criteria};
  }
  Window FreeToAir(int64_t from, int64_t to) const {
    return {.kind = WindowKind::kFreeToAir, .start = At(from), .end = At(to)};
  }
  Window Blackout(int64_t from, int64_t to, uint32_t division = 640000) const {
    return {.kind = WindowKind::kBlackout, .start = At(from), .end = At(to), .division = division};
  }
  static Result<PlanPush::Item> On(const ChannelRef& channel, Window window) {
    return PlanPush::Item{.channel = channel, .window = std::move(window)};
  }
  PlanPush Day(std::vector<Result<PlanPush::Item>> items, std::vector<ServiceId> services = {}) const {
    return {.from = At(0), .to = At(24), .services = std::move(services), .items = std::move(items)};
  }
  PlanPushed Push(const PlanPush& push) {
    auto pushed = site.head().plans().Push(site.NewRequest(), push);
    EXPECT_TRUE(pushed) << pushed.error().ToString();
    return pushed ? *std::move(pushed) : PlanPushed();
  }
  // "line reason field" of each refused item.
  static std::vector<std::string> Refused(const PlanPushed& pushed) {
    std::vector<std::string> out;
    for (const RowResult& row : pushed.rows) {
      EXPECT_EQ(row.outcome, RowOutcome::kRefused);
      const auto& fields = row.error->violations();
      out.push_back(fmt::format("{} {} {}", row.line, InfoOf(row.error->reason()).name,
                                fields.empty() ? "" : fields[0].field));
    }
    return out;
  }
  InForce InForceOf(const ChannelRef& channel, UnixMillis at) {
    const auto in_force = site.head().plans().InForceAt(channel, at);
    EXPECT_TRUE(in_force) << in_force.error().ToString();
    return in_force ? *in_force : InForce();
  }
  void PutProduct(uint8_t id) {
    const auto put = site.head().plans().PutProduct(site.NewRequest(), {.id = id, .name = "sport"});
    ASSERT_TRUE(put) << put.error().ToString();
  }
  RowResult PutChannel(const entitlement::Channel& channel) {
    return site.head().schedule().ImportChannels(site.NewRequest(), {{.line = 1, .channel = channel}})[0];
  }

  Site site;
  const UnixMillis zero{site.clock.Now().value + kHour};
  const ChannelRef cctv1 = std::string("CCTV-1");
  const ChannelRef cctv2 = ServiceId(2);
};

TEST_F(PlanTest, EachItemIsToldWhatIsWrongWithItAndNothingIsTaken) {
  PutProduct(7);
  Push(Day({On(cctv1, Event(0, 24, kClosed))}));
  const auto before = site.Quiet();
  const Result<PlanPush::Item> unreadable = InvalidField("kind", "EVENT, FREE_TO_AIR or BLACKOUT");
  const PlanPush push = Day({On(cctv1, Event(0, 2)),  // 1, good
                             unreadable, On("CCTV-99", Event(0, 1)), On(ServiceId(77), Event(0, 1)),
                             On(cctv2, Event(0, 1, kProduct7)),  // 5, good
                             On(cctv2, Event(1, 2, {.mode = CriteriaMode::kProduct, .product = 8})),
                             On(cctv1, Event(1, 3)), On(cctv1, Event(24, 25)), On(cctv2, Blackout(3, 2)),
                             On(cctv2, Event(3, 4, {.division = 640100})),  // 10, good
                             On(cctv2, Blackout(3, 4))});
  for (const bool dry_run : {true, false}) {
    Request request = site.NewRequest();
    request.dry_run = dry_run;
    const auto pushed = site.head().plans().Push(request, push);
    ASSERT_TRUE(pushed) << pushed.error().ToString();
    EXPECT_THAT(
        Refused(*pushed),
        ElementsAre("2 FIELD_INVALID kind", "3 CHANNEL_UNKNOWN channel", "4 CHANNEL_UNKNOWN channel",
                    "6 PRODUCT_UNKNOWN criteria.product", "7 PLAN_OVERLAP start", "8 PLAN_OUTSIDE_PUSH start",
                    "9 PLAN_WINDOW_LENGTH end", "11 PLAN_REGION_CONFLICT region"));
    EXPECT_EQ(pushed->refused, 8U);
    EXPECT_EQ(pushed->done + pushed->existed + pushed->removed, 0U);
    EXPECT_FALSE(pushed->change.committed.wrote);
  }
  EXPECT_EQ(site.Sequences(), before);
  EXPECT_EQ(InForceOf(cctv1, At(1)).criteria, kClosed);
  EXPECT_TRUE(InForceOf(cctv2, At(0)).windows.empty());
}

TEST_F(PlanTest, TheCallAsAWholeIsRefused) {
  Push(Day({On(cctv1, Blackout(0, 24))}));
  site.options.limits.plan_items = 3;
  site.options.limits.rows_per_batch = 2;
  site.Restart();
  struct Row {
    const char* name;
    std::function<void(Request&, PlanPush&)> change;
    Reason reason;
    const char* field;
  };
  const Row rows[] = {
      {"a revision", [](Request& r, PlanPush&) { r.if_revision = 3; }, Reason::kFieldInvalid,
       "change.if_revision"},
      {"no time", [](Request&, PlanPush& p) { p.to = p.from; }, Reason::kFieldInvalid, "to"},
      {"backwards", [](Request&, PlanPush& p) { std::swap(p.from, p.to); }, Reason::kFieldInvalid, "to"},
      {"nothing", [](Request&, PlanPush& p) { p.items.clear(); }, Reason::kFieldMissing, "items"},
      {"an unknown service",
       [](Request&, PlanPush& p) {
         p.services = {ServiceId(1), ServiceId(77)};
       },
       Reason::kChannelUnknown, "service_ids[1]"},
      {"four items", [](Request&, PlanPush& p) { p.items.resize(4, p.items[0]); }, Reason::kLimitExceeded,
       ""},
  };
  const auto before = site.Quiet();
  for (const Row& row : rows) {
    Request request = site.NewRequest();
    PlanPush push = Day({On(cctv2, Event(0, 1))});
    row.change(request, push);
    const auto pushed = site.head().plans().Push(request, push);
    ASSERT_FALSE(pushed) << row.name;
    EXPECT_EQ(pushed.error().reason(), row.reason) << row.name;
    const auto& fields = pushed.error().violations();
    EXPECT_EQ(fields.empty() ? "" : fields[0].field, row.field) << row.name;
  }
  // Of three refused items two are listed, and all are counted.
  const auto three = Push(Day({On("a", Event(0, 1)), On("b", Event(0, 1)), On("c", Event(0, 1))}));
  EXPECT_EQ(three.rows.size(), 2U);
  EXPECT_EQ(three.refused, 3U);
  EXPECT_EQ(site.Sequences(), before);
}

TEST_F(PlanTest, APushThatDoesNotFitIntoACommitIsRefusedWhole) {
  site.options.limits.store_value_bytes = 6000;
  site.Restart();
  PlanPush push = Day({});
  for (int64_t hour = 0; hour < 24; ++hour) {
    Window window = Event(hour, hour + 1);
    window.title = std::string(100, 't');
    push.items.push_back(On(cctv1, window));
  }
  const auto before = site.Quiet();
  const auto pushed = site.head().plans().Push(site.NewRequest(), push);
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().reason(), Reason::kLimitExceeded);
  EXPECT_EQ(site.Sequences(), before);
  push.items.resize(10, push.items[0]);
  EXPECT_EQ(Push(push).done, 10U);
}

TEST_F(PlanTest, APushReplacesWhatBeginsInItsRangeOfItsServices) {
  const auto first =
      Push({.from = At(0),
            .to = At(72),
            .services = {},
            .items = {On(cctv1, Event(0, 10)), On(cctv1, Event(20, 30)), On(cctv1, Event(30, 40)),
                      On(cctv1, FreeToAir(2, 5)), On(cctv2, Event(1, 2))}});
  EXPECT_EQ(first.done, 5U);
  EXPECT_TRUE(first.change.committed.wrote);

  const auto second = Push(Day({On(cctv1, FreeToAir(2, 5)), On(cctv1, Event(0, 9))}));
  EXPECT_EQ(second.done, 1U);
  EXPECT_EQ(second.existed, 1U);
  EXPECT_EQ(second.removed, 2U);
  const auto starts = [&](const ChannelRef& channel) {
    std::vector<int64_t> hours;
    const auto page = site.head().plans().List(channel, At(-100), At(100), 100, "");
    for (const auto& each : page->windows) {
      hours.push_back((each.window.start.value - zero.value) / kHour);
    }
    return hours;
  };
  EXPECT_THAT(starts(cctv1), ElementsAre(0, 2, 30));
  EXPECT_THAT(starts(cctv2), ElementsAre(1));

  const auto same = Push(Day({On(cctv1, FreeToAir(2, 5)), On(cctv1, Event(0, 9))}));
  EXPECT_EQ(same.existed, 2U);
  EXPECT_FALSE(same.change.committed.wrote);

  const auto cleared = Push(Day({}, {ServiceId(1), ServiceId(2)}));
  EXPECT_EQ(cleared.removed, 3U);
  EXPECT_THAT(starts(cctv1), ElementsAre(30));
  EXPECT_THAT(starts(cctv2), ElementsAre());
  // Numbers go on, also when a plan was empty for a while.
  EXPECT_EQ(Push(Day({On(cctv2, Event(1, 2))})).done, 1U);
  EXPECT_EQ(InForceOf(cctv2, At(1)).ac_id, 2);
}

TEST_F(PlanTest, ARepeatTellsTheCountsOfTheFirst) {
  const Request request = site.NewRequest();
  const PlanPush push = Day({On(cctv1, Event(0, 1)), On(cctv2, Event(0, 1))});
  ASSERT_TRUE(site.head().plans().Push(request, push));
  Push(Day({}, {ServiceId(1)}));
  const auto repeat = site.head().plans().Push(request, push);
  ASSERT_TRUE(repeat);
  EXPECT_TRUE(repeat->change.repeated);
  EXPECT_EQ(repeat->done, 2U);
  EXPECT_TRUE(InForceOf(cctv1, At(0)).windows.empty());  // and did nothing
}

TEST_F(PlanTest, WhatIsInForceIsToldWithItsWindowsAndItsTime) {
  PutProduct(7);
  Push(Day({On(cctv1, Event(0, 10, kProduct7)), On(cctv1, FreeToAir(4, 8)), On(cctv1, Blackout(6, 12))}));
  struct Row {
    int64_t hour;
    Criteria criteria;
    std::vector<WindowKind> kinds;
    std::optional<int64_t> since, until;
  };
  using enum WindowKind;
  const Criteria but = {.division = 640000, .division_except = true};
  Criteria open_but = but;
  open_but.mode = CriteriaMode::kOpen;
  Criteria product_but = kProduct7;
  product_but.division = 640000;
  product_but.division_except = true;
  const Row rows[] = {
      {-1, {}, {}, std::nullopt, 0},
      {0, kProduct7, {kEvent}, 0, 4},
      {4, {.mode = CriteriaMode::kOpen}, {kEvent, kFreeToAir}, 4, 6},
      {7, open_but, {kEvent, kFreeToAir, kBlackout}, 6, 8},
      {8, product_but, {kEvent, kBlackout}, 8, 10},
      {10, but, {kBlackout}, 10, 12},
      {12, {}, {}, 12, std::nullopt},
      {24 * 900, {}, {}, 12, std::nullopt},
  };
  for (const bool restarted : {false, true}) {
    if (restarted) site.Restart();
    for (const Row& row : rows) {
      const InForce now = InForceOf(cctv1, At(row.hour));
      EXPECT_EQ(now.criteria, row.criteria) << row.hour;
      std::vector<WindowKind> kinds;
      for (const Window& window : now.windows) kinds.push_back(window.kind);
      EXPECT_EQ(kinds, row.kinds) << row.hour;
      EXPECT_EQ(now.since, row.since ? std::optional(At(*row.since)) : std::nullopt) << row.hour;
      EXPECT_EQ(now.until, row.until ? std::optional(At(*row.until)) : std::nullopt) << row.hour;
      EXPECT_EQ(now.ac_id, now.windows.empty() ? 0 : now.windows.back().number) << row.hour;
    }
  }
  EXPECT_EQ(site.head().plans().InForceAt("CCTV-99", At(0)).error().reason(), Reason::kChannelUnknown);
  EXPECT_EQ(site.head().plans().InForceAt(cctv1, At(-7 * 24 - 2)).error().reason(), Reason::kPlanOutOfRange);
}

TEST_F(PlanTest, ListsByPage) {
  PlanPush push = Day({});
  for (int64_t hour = 0; hour < 24; ++hour) {
    push.items.push_back(On(cctv2, Event(hour, hour + 1)));
    push.items.push_back(On(cctv1, Event(hour, hour + 1)));
    push.items.push_back(On(cctv1, FreeToAir(hour, hour + 1)));
  }
  Push(push);
  const auto all = site.head().plans().List({}, At(0), At(24), 1000, "");
  ASSERT_TRUE(all);
  ASSERT_EQ(all->windows.size(), 72U);
  EXPECT_EQ(all->next_token, "");
  EXPECT_EQ(all->windows[0].channel, "CCTV-1");
  std::vector<PlannedWindow> paged;
  std::string token;
  do {
    const auto page = site.head().plans().List({}, At(0), At(24), 7, token);
    ASSERT_TRUE(page) << page.error().ToString();
    paged.insert(paged.end(), page->windows.begin(), page->windows.end());
    token = page->next_token;
  } while (!token.empty());
  ASSERT_EQ(paged.size(), 72U);
  for (size_t i = 0; i < 72; ++i) {
    EXPECT_EQ(paged[i].service, all->windows[i].service);
    EXPECT_EQ(paged[i].window, all->windows[i].window);
  }
  // Windows that reach into the range belong to it.
  EXPECT_EQ(site.head().plans().List(cctv2, At(3, 1), At(5), 100, "")->windows.size(), 2U);
  for (const char* bad :
       {"x", "p1.", "p1.1.2", "p1.1.2.", "p1.1.2.3.", "p1.70000.2.3", "p1.1.2.3x", "p1.-1.2.3"}) {
    const auto page = site.head().plans().List({}, At(0), At(24), 7, bad);
    ASSERT_FALSE(page) << bad;
    EXPECT_EQ(page.error().reason(), Reason::kPageTokenInvalid) << bad;
  }
  EXPECT_EQ(site.head().plans().List({}, At(1), At(1), 7, "").error().reason(), Reason::kFieldInvalid);
}

TEST_F(PlanTest, AChannelAsksOnlyForProductsThatExistAndRegionsItsBlackoutsAllow) {
  entitlement::Channel channel = *site.head().keys().ChannelOf(cctv1);
  channel.criteria = kProduct7;
  EXPECT_EQ(PutChannel(channel).error->reason(), Reason::kProductUnknown);
  PutProduct(7);
  EXPECT_EQ(PutChannel(channel).outcome, RowOutcome::kDone);

  Push(Day({On(cctv1, Blackout(0, 10))}));
  channel.criteria.division = 640122;
  EXPECT_EQ(PutChannel(channel).error->reason(), Reason::kPlanRegionConflict);
  site.clock.Advance(std::chrono::hours(12));
  EXPECT_EQ(PutChannel(channel).outcome, RowOutcome::kDone);
}

TEST_F(PlanTest, WhatEndedAWeekAgoIsForgottenByDays) {
  Push({.from = At(0),
        .to = At(24 * 20),
        .services = {},
        .items = {On(cctv1, Event(0, 1)), On(cctv1, Blackout(1, 24 * 20)), On(cctv1, Event(48, 49)),
                  On(cctv1, Event(49, 50)), On(cctv2, Event(0, 1)), On(cctv2, Event(24 * 19, 24 * 19 + 1))}});
  const auto windows = [&] {
    return site.head().plans().List({}, At(-100), At(1000), 100, "")->windows.size();
  };
  const auto trim = [&] {
    const Status trimmed = site.head().plans().Trim();
    EXPECT_TRUE(trimmed) << trimmed.error().ToString();
  };
  trim();
  EXPECT_EQ(windows(), 6U);
  site.clock.Advance(std::chrono::hours(24 * 10 + 6));
  trim();
  // Gone: the day of CCTV-2, and the two later ones of CCTV-1; its first day holds the blackout.
  EXPECT_EQ(windows(), 3U);
  const auto before = site.Quiet();
  trim();
  EXPECT_EQ(site.Sequences(), before);
  site.Restart();
  EXPECT_EQ(windows(), 3U);
  site.clock.Advance(std::chrono::hours(24 * 40));
  ASSERT_TRUE(site.head().clock().Accept(site.NewRequest()));
  trim();
  EXPECT_EQ(windows(), 0U);
  for (const auto& [key, value] : site.Objects()) EXPECT_NE(key.substr(0, 5), "plan/") << key;
}

// What the scramblers' snapshot says at random instants is what the plans say, however they came about.
TEST_F(PlanTest, TheSnapshotAgreesWithThePlans) {
  std::mt19937_64 random(TestSeed());
  const auto any = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  PutProduct(7);
  for (int round = 0; round < 12; ++round) {
    const int64_t from = any(0, 60);
    PlanPush push{.from = At(from), .to = At(from + any(1, 40)), .services = {}, .items = {}};
    if (any(0, 3) == 0) push.services = {ServiceId(1), ServiceId(2)};
    for (int64_t left = any(1, 20); left > 0; --left) {
      const int64_t start = any(from, from + 40);
      const int64_t end = start + any(1, 5);
      const Criteria criteria =
          any(0, 1) == 0 ? kProduct7 : Criteria{.division = 640000, .division_except = true};
      const Window window = any(0, 2) == 0   ? Event(start, end, criteria)
                            : any(0, 1) == 0 ? FreeToAir(start, end)
                                             : Blackout(start, end, any(0, 1) == 0 ? 640000 : 640100);
      push.items.push_back(On(any(0, 1) == 0 ? cctv1 : cctv2, window));
    }
    PlanPushed pushed = Push(push);
    // The items that are at fault alone are taken out, until the push is taken.
    while (pushed.refused > 0) {
      for (auto row = pushed.rows.rbegin(); row != pushed.rows.rend(); ++row) {
        push.items.erase(push.items.begin() + static_cast<ptrdiff_t>(row->line - 1));
      }
      if (push.items.empty() && push.services.empty()) break;
      pushed = Push(push);
    }
    const auto snapshot = site.head().ecm().snapshot();
    for (int i = 0; i < 200; ++i) {
      const ChannelRef& channel = any(0, 1) == 0 ? cctv1 : cctv2;
      const UnixMillis at = At(any(-5, 110), any(-1, 1));
      const InForce want = InForceOf(channel, at);
      const EcmTerms& have = snapshot->Find(want.channel.service)->At(at);
      ASSERT_EQ(static_cast<int>(have.access.mode), static_cast<int>(want.criteria.mode));
      ASSERT_EQ(have.access.product, want.criteria.product);
      ASSERT_EQ(have.access.division, want.criteria.division);
      ASSERT_EQ(have.access.all_but, want.criteria.division_except);
      ASSERT_EQ(have.ac_id, want.ac_id);
      ASSERT_LE(have.from, at);
    }
  }
}

TEST_F(PlanTest, ASnapshotOnceTakenStaysAsItIs) {
  const auto former = site.head().ecm().snapshot();
  const uint64_t version = site.head().ecm().version();
  Push(Day({On(cctv1, Event(0, 1, kClosed))}));
  EXPECT_GT(site.head().ecm().version(), version);
  EXPECT_EQ(former->Find(ServiceId(1))->At(At(0)).access.mode, cas::AcMode::kSubscribers);
  EXPECT_EQ(site.head().ecm().snapshot()->Find(ServiceId(1))->At(At(0)).access.mode, cas::AcMode::kClosed);
}

// A card gets the words of the free film and none of those after it, in one ECM across the end.
TEST_F(PlanTest, EachControlWordCarriesTheCriteriaOfItsOwnCryptoPeriod) {
  Home home = site.Installed(1);
  ASSERT_TRUE(site.Watches(home));
  const UnixMillis now = site.clock.Now();
  const auto in = [&](int64_t seconds) { return UnixMillis(now.value + seconds * 1000); };
  // In ten seconds the channel closes; twenty seconds later Ningxia alone is blacked out.
  const std::vector<Result<PlanPush::Item>> items = {
      On(cctv1, {.kind = WindowKind::kEvent, .start = in(10), .end = in(30), .criteria = kClosed}),
      On(cctv1, {.kind = WindowKind::kBlackout, .start = in(30), .end = in(3600), .division = 640000})};
  Push({.from = now, .to = in(3600), .services = {}, .items = items});

  const Bytes words[] = {{1, 2, 3, 6, 5, 6, 7, 18}, {9, 8, 7, 24, 5, 4, 3, 12}};
  const std::vector<ByteView> views(std::begin(words), std::end(words));
  struct Row {
    const char* name;
    int64_t at;  // seconds
    uint16_t cp_number, first_cp;
    int64_t period;
    std::vector<std::string> screens;  // "": lit
  };
  const Row rows[] = {
      {"both before", 0, 10, 10, 5, {"", ""}},
      {"the second at the very instant", 0, 10, 10, 10, {"", "E04"}},
      {"a millisecond is not enough", 0, 10, 11, 4, {"", ""}},
      {"no period known", 9, 10, 10, 0, {"", ""}},
      {"lead of one", 0, 10, 11, 10, {"E04", "E04"}},
      {"CP_number wraps", 0, 65535, 65535, 10, {"", "E04"}},
      {"the second is blacked out, the first closed", 20, 0, 0, 10, {"E04", "E09"}},
      {"the word of a period that is over", 35, 1, 0, 30, {"", "E09"}},
  };
  for (const Row& row : rows) {
    const auto snapshot = site.head().ecm().snapshot();
    Bytes sections = {0xAA};  // what is there already stays
    const Status made = AppendEcm(*snapshot->Find(ServiceId(1)),
                                  {.cp_number = row.cp_number,
                                   .first_cp = row.first_cp,
                                   .crypto_period = std::chrono::seconds(row.period),
                                   .words = views},
                                  in(row.at), sections);
    ASSERT_TRUE(made) << made.error().ToString();
    EXPECT_EQ(sections[0], 0xAA);
    EXPECT_EQ(sections[1], row.first_cp % 2 == 0 ? 0x80 : 0x81) << row.name;
    const auto opened = home.receiver.Ecm(ByteView(sections).subspan(1));
    std::vector<std::string> screens;
    for (const auto& word : opened.words) screens.emplace_back(word.screen.code);
    EXPECT_EQ(screens, row.screens) << row.name;
  }

  // The head-end's own clock, over the boundary.
  EXPECT_TRUE(site.Watches(home));
  site.clock.Advance(std::chrono::milliseconds(9'999));
  EXPECT_TRUE(site.Watches(home));
  site.clock.Advance(std::chrono::milliseconds(1));
  EXPECT_FALSE(site.Watches(home));
}

TEST_F(PlanTest, AnEcmThatCannotBeMadeLeavesTheBufferAlone) {
  const auto snapshot = site.head().ecm().snapshot();
  EcmServiceOnAir service{.service = ServiceId(1), .channel = "x", .terms = {{.from = UnixMillis(0)}}};
  const Bytes eight(8);
  const Bytes nine(9);
  const Bytes sixteen(16);
  const std::vector<ByteView> good = {eight};
  const std::vector<ByteView> wrong[] = {{}, {nine}, {eight, sixteen}, {eight, eight, eight}};
  Bytes out = {1};
  EXPECT_EQ(AppendEcm(service, {.words = good}, UnixMillis(1), out).error().reason(), Reason::kEpochNotReady);
  for (const auto& words : wrong) {
    const Status made = AppendEcm(*snapshot->Find(ServiceId(1)), {.words = words}, site.clock.Now(), out);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().reason(), Reason::kControlWordInvalid);
  }
  EXPECT_EQ(out, Bytes{1});
}

}  // namespace
}  // namespace hearth::app
