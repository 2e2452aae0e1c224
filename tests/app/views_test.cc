// Derived views: equal to a recount, equal to a rebuild, and the log that watchers follow.
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "src/app/watch.h"
#include "tests/app/workload.h"

namespace hearth::app {

// Beside Counts, where the comparison of maps looks for it.
static bool operator==(const Counts& a, const Counts& b) {
  return a.registered == b.registered && a.waiting == b.waiting && a.activated == b.activated &&
         a.dark == b.dark;
}
static void PrintTo(const Counts& counts, std::ostream* out) {
  *out << counts.registered << "/" << counts.waiting << "/" << counts.activated << "/" << counts.dark;
}

namespace {

using std::chrono::milliseconds;

using CountsOfRegions = std::map<uint64_t, Counts>;

// Everything below the whole site, level by level.
CountsOfRegions AllCounts(Views& views) {
  CountsOfRegions all;
  std::vector<std::optional<RegionCode>> open = {std::nullopt};
  while (!open.empty()) {
    const auto region = open.back();
    open.pop_back();
    const auto rows = views.CountsBelow(region);
    EXPECT_TRUE(rows) << rows.error().ToString();
    all[rows->front().region.value] = rows->front().counts;
    for (size_t i = 1; i < rows->size(); ++i) open.push_back((*rows)[i].region);
  }
  return all;
}

CountsOfRegions Recount(const std::map<std::string, std::string>& objects) {
  CountsOfRegions all;
  all[0] = {};
  for (const auto& [key, value] : objects) {
    if (!key.starts_with("card/")) continue;
    const auto record = records::Decode<records::CardRecord>(value);
    if (!record->card.claim.held() || record->card.village.value == 0) continue;
    for (const int level : {0, 2, 4, 6, 9, 12}) {
      const uint64_t region =
          level == 0 ? 0 : Ancestor(record->card.village, static_cast<RegionLevel>(level)).value;
      Counts& counts = all[region];
      ++counts.registered;
      if (record->card.standing != entitlement::Standing::kDark) {
        ++counts.activated;
      } else if (record->card.reason == entitlement::StandingReason::kWaiting) {
        ++counts.waiting;
      } else {
        ++counts.dark;
      }
    }
  }
  return all;
}

std::vector<std::string> AllAccounts(Views& views, std::optional<RegionCode> region, size_t page_size) {
  std::vector<std::string> all;
  std::string token;
  do {
    const auto page = views.ListAccounts(region, page_size, token);
    EXPECT_TRUE(page) << page.error().ToString();
    EXPECT_LE(page->items.size(), page_size);
    for (const AccountSummary& account : page->items) {
      all.push_back(ToString(account.village) + " " + account.form_number + " " + account.name + " " +
                    ToString(account.card) + " " + std::to_string(static_cast<int>(account.state)));
    }
    token = page->next_token;
  } while (!token.empty());
  return all;
}

std::vector<std::string> AllInterventions(Views& views, size_t page_size) {
  std::vector<std::string> all;
  std::string token;
  do {
    const auto page = views.ListInterventions({}, page_size, token);
    EXPECT_TRUE(page) << page.error().ToString();
    for (const InterventionEvent& event : page->items) all.push_back(EncodeEvent(event));
    token = page->next_token;
  } while (!token.empty());
  return all;
}

class AfterALife : public testing::Test {
 protected:
  void SetUp() override {
    Workload workload(site, TestSeed(), 15);
    workload.Run(150);
    site.Restart();
    workload.Run(150);
    site.Drain();
    site.DrainViews();
  }
  Views& views() { return site.head().views(); }

  Site site;
};

TEST_F(AfterALife, TheCountsAreThoseOfARecount) {
  EXPECT_EQ(AllCounts(views()), Recount(site.Objects()));
  EXPECT_GT(AllCounts(views())[0].registered, 3U);
}

TEST_F(AfterALife, TheAccountsAreListedOnceInPagesOfAnySize) {
  std::set<std::string> expected;
  for (const auto& [key, value] : site.Objects()) {
    if (key.starts_with("account/")) expected.insert(key.substr(8));
  }
  const auto all = AllAccounts(views(), std::nullopt, 1000);
  EXPECT_EQ(all.size(), expected.size());
  for (const size_t size : {1U, 2U, 7U}) EXPECT_EQ(AllAccounts(views(), std::nullopt, size), all);
  auto parts = AllAccounts(views(), RegionCode(640122100), 2);
  const auto rest = AllAccounts(views(), RegionCode(640122101), 2);
  parts.insert(parts.end(), rest.begin(), rest.end());
  EXPECT_EQ(parts, all);
  EXPECT_TRUE(AllAccounts(views(), RegionCode(640104), 2).empty());
}

TEST_F(AfterALife, TheInterventionsAreThoseOfTheObjectsNewestFirst) {
  std::multiset<std::string> expected;
  size_t in_force = 0;
  for (const auto& [key, value] : site.Objects()) {
    if (!key.starts_with("iv/")) continue;
    const auto record = records::Decode<records::InterventionRecord>(value);
    expected.insert(record->intervention.id);
    if (record->intervention.state == intervention::InterventionState::kInForce) ++in_force;
  }
  std::multiset<std::string> listed;
  UnixMillis last(INT64_MAX);
  for (const std::string& bytes : AllInterventions(views(), 3)) {
    const auto event = DecodeEvent(bytes);
    listed.insert(event->record.intervention.id);
    EXPECT_LE(event->record.intervention.decided, last);
    last = event->record.intervention.decided;
  }
  EXPECT_EQ(listed, expected);
  EXPECT_GT(listed.size(), 5U);
  EXPECT_EQ(views().ListInterventions({.in_force_only = true}, 1000, "")->items.size(), in_force);
}

// Each filter has exactly those of the whole list that fit it, in the same order.
TEST_F(AfterALife, InterventionsAreFilteredByKindAndDivision) {
  const auto all = views().ListInterventions({}, 1000, "")->items;
  std::set<InterventionKind> kinds;
  std::set<uint32_t> divisions = {99};
  for (const InterventionEvent& event : all) {
    kinds.insert(event.kind);
    divisions.insert({AreaDivision(event.record.area), AreaDivision(event.record.area) / 100,
                      AreaDivision(event.record.area) / 10'000});
  }
  ASSERT_GE(kinds.size(), 2U);
  const auto ids = [](const std::vector<InterventionEvent>& events) {
    std::vector<std::string> result;
    for (const InterventionEvent& event : events) result.push_back(EncodeEvent(event));
    return result;
  };
  for (const uint32_t division : divisions) {
    for (const InterventionKind kind : kinds) {
      std::vector<InterventionEvent> expected;
      for (const InterventionEvent& event : all) {
        const std::string area = ToString(event.record.area);
        if (event.kind == kind && area.starts_with(std::to_string(division))) expected.push_back(event);
      }
      const InterventionFilter filter{.division = division, .kinds = {kind}};
      EXPECT_EQ(ids(views().ListInterventions(filter, 1000, "")->items), ids(expected)) << division;
    }
  }
}

// Takes the format away, as a new version of the views would.
void ForceRebuild(Site& site) {
  site.Stop();
  const auto lease = site.store->Acquire(store::kViewPartition, "hearthd", std::chrono::hours(1));
  ASSERT_TRUE(lease);
  const auto sequence = site.store->Claim(*lease, store::kFirstViewBucket);
  ASSERT_TRUE(sequence);
  store::Batch batch;
  batch.deletes.emplace_back("format");
  ASSERT_TRUE(site.store->CommitAndWait(*lease, store::kFirstViewBucket, *sequence, std::move(batch)));
  site.clock.Advance(std::chrono::seconds(1));
  site.Start();
}

TEST_F(AfterALife, ARebuildGivesTheSame) {
  const auto counts = AllCounts(views());
  const auto accounts = AllAccounts(views(), std::nullopt, 100);
  const auto interventions = AllInterventions(views(), 100);
  ForceRebuild(site);
  site.DrainViews();
  EXPECT_EQ(AllCounts(views()), counts);
  EXPECT_EQ(AllAccounts(views(), std::nullopt, 100), accounts);
  EXPECT_EQ(AllInterventions(views(), 100), interventions);
  // And they go on from there.
  Workload more(site, 1, 5);
  site.clock.Advance(std::chrono::hours(1));
  more.Run(40);
  site.DrainViews();
  EXPECT_EQ(AllCounts(views()), Recount(site.Objects()));
}

TEST_F(AfterALife, UnknownCellsAreThoseOnNoList) {
  const auto cells = views().UnknownCells(std::nullopt, 100);
  ASSERT_TRUE(cells);
  const auto geo = site.head().geo().snapshot();
  uint32_t last = UINT32_MAX;
  for (const UnknownCell& cell : *cells) {
    EXPECT_FALSE(geo->Known(cell.cell));
    EXPECT_GE(cell.cards, 1U);
    EXPECT_LE(cell.cards, last) << "the most often heard first";
    last = cell.cards;
  }
  EXPECT_LE(views().UnknownCells(std::nullopt, 1)->size(), 1U);
}

// --- Watches

class Watching : public testing::Test {
 protected:
  void SetUp() override {
    options_.head_end.limits.watch_queue_events = 6;
    options_.head_end.limits.open_watches = 3;
    site = std::make_unique<Site>(options_);
  }
  // `count` events: refused installations of so many cards.
  void MakeEvents(uint64_t first, uint64_t count) {
    for (uint64_t n = first; n < first + count; ++n) {
      ASSERT_TRUE(site->Open(n));
      Home home = site->NewHome(n);
      const auto answer = site->Send(home, kCity);
      ASSERT_TRUE(answer);
      ASSERT_EQ(answer->outcome, ReportOutcome::kInstallRefused);
      ASSERT_TRUE(site->head().views().WaitFor(answer->committed, std::chrono::seconds(10)));
    }
  }
  std::unique_ptr<InterventionWatch> Watch(std::string_view token = "") {
    auto watch = site->head().views().Watch(token);
    EXPECT_TRUE(watch) << watch.error().ToString();
    return watch ? std::move(*watch) : nullptr;
  }
  // The cards of the next events; the token after the last.
  std::vector<uint64_t> Take(InterventionWatch& watch, size_t count, std::string* token = nullptr) {
    std::vector<uint64_t> cards;
    while (cards.size() < count) {
      const auto item = watch.Next(milliseconds(2000));
      EXPECT_TRUE(item) << item.error().ToString();
      if (!item || !item->event) break;
      EXPECT_LT(item->token.size(), 4096U);
      cards.push_back(item->event->record.intervention.card.value - CardOf(0).value);
      if (token != nullptr) *token = item->token;
    }
    return cards;
  }
  Reason RefusalOf(std::string_view token) {
    const auto watch = site->head().views().Watch(token);
    EXPECT_FALSE(watch);
    return watch ? Reason::kInternal : watch.error().reason();
  }

  SiteOptions options_;
  std::unique_ptr<Site> site;
};

TEST_F(Watching, LiveEventsComeWithTokens) {
  MakeEvents(1, 2);
  auto watch = Watch();
  const auto idle = watch->Next(milliseconds(10));
  ASSERT_TRUE(idle);
  EXPECT_FALSE(idle->event) << "from now on, not from the beginning";
  EXPECT_FALSE(idle->token.empty());
  MakeEvents(3, 3);
  EXPECT_EQ(Take(*watch, 3), (std::vector<uint64_t>{3, 4, 5}));
}

TEST_F(Watching, ATokenResumesOverARestartWithoutLossOrDouble) {
  auto watch = Watch();
  MakeEvents(1, 4);
  std::string token;
  std::multiset<uint64_t> seen;
  for (const uint64_t card : Take(*watch, 2, &token)) seen.insert(card);
  watch.reset();
  site->Restart();
  MakeEvents(5, 3);
  watch = Watch(token);
  MakeEvents(8, 2);
  for (const uint64_t card : Take(*watch, 7, &token)) seen.insert(card);
  EXPECT_EQ(seen, (std::multiset<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_FALSE(watch->Next(milliseconds(10))->event);
  watch = Watch(token);
  EXPECT_FALSE(watch->Next(milliseconds(10))->event);
}

TEST_F(Watching, ATokenFromBeforeARebuildIsCompacted) {
  MakeEvents(1, 2);
  std::string token;
  {
    auto watch = Watch();
    MakeEvents(3, 1);
    ASSERT_EQ(Take(*watch, 1, &token).size(), 1U);
  }
  ForceRebuild(*site);
  EXPECT_EQ(RefusalOf(token), Reason::kWatchCompacted);
}

TEST_F(Watching, ASlowWatcherIsToldAfterWhatItStillGets) {
  auto slow = Watch();
  auto quick = Watch();
  for (uint64_t n = 1; n <= 9; ++n) {
    MakeEvents(n, 1);
    EXPECT_EQ(Take(*quick, 1), (std::vector<uint64_t>{n}));
  }
  EXPECT_EQ(Take(*slow, 6), (std::vector<uint64_t>{1, 2, 3, 4, 5, 6}));
  const auto told = slow->Next(milliseconds(10));
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().reason(), Reason::kWatchCompacted);
}

TEST_F(Watching, OnlySoManyAtOnce) {
  auto first = Watch();
  auto second = Watch();
  {
    auto third = Watch();
    EXPECT_EQ(RefusalOf(""), Reason::kLimitExceeded);
  }
  auto again = Watch();
  EXPECT_NE(again, nullptr);
}

TEST_F(Watching, GarbageIsNoToken) {
  MakeEvents(1, 1);
  auto watch = Watch();
  const std::string good = watch->Next(milliseconds(1))->token;
  ASSERT_EQ(good.size(), 19U);
  Watch(good);
  std::string ahead = good;
  ahead.back() = static_cast<char>(ahead.back() + 1);
  std::string version = good;
  version[0] = 2;
  std::string partition = good;
  partition[9] = '\xFF';
  for (const std::string& bad : {std::string("x"), std::string("\x01"), good.substr(0, good.size() - 1),
                                 good + "x", ahead, version, partition, std::string(4096, '\x01')}) {
    EXPECT_EQ(InfoOf(RefusalOf(bad)).name, "WATCH_TOKEN_INVALID") << ToHex(AsBytes(bad)).substr(0, 80);
  }
}

TEST_F(Watching, TheEndIsTold) {
  auto watch = Watch();
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(20));
    site->head().BeginShutdown();
  });
  const auto ended = watch->Next(std::chrono::seconds(10));
  stopper.join();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().reason(), Reason::kShuttingDown);
  EXPECT_EQ(RefusalOf(""), Reason::kShuttingDown);
  EXPECT_EQ(site->Open(1).error().reason(), Reason::kShuttingDown);
  watch.reset();
}

TEST(WatchTokens, OfAllPartitionsFitTheirPromise) {
  Positions all;
  for (uint16_t p = 0; p < store::kPartitions; ++p) all[p] = UINT64_MAX - p;
  const std::string token = EncodeToken(UINT64_MAX, all);
  EXPECT_LT(token.size(), 4096U);
  const auto decoded = DecodeToken(token, UINT64_MAX);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, all);
}

}  // namespace
}  // namespace hearth::app
