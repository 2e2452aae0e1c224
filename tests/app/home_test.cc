// Homes without signal and homes that move: each step of both, what it does to card, account and receiver,
// and that no kill between two commits loses anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/site.h"

namespace hearth::app {
namespace {

using entitlement::Standing;
using intervention::ExemptionState;
using intervention::RelocationState;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;

// A second area in the county, one in another county, and one in another province.
constexpr AreaId kNextArea{640122002};
constexpr AreaId kOtherCounty{640104001};
constexpr uint64_t kNextVillage = 640122102200;
constexpr uint64_t kOtherCountyVillage = 640104100200;
const Heard kNextHome = {"lte:460:00:33302:500", "lte:460:00:33302:501"};
const Heard kOtherHome = {"lte:460:00:33303:600"};

class HomesTest : public testing::Test {
 protected:
  HomesTest() : site(Options()) {}

  static SiteOptions Options() {
    SiteOptions options;
    options.head_end.centre = {"centre"};
    return options;
  }
  void SetUp() override {
    Area(kNextArea, kNextVillage, kNextHome);
    Area(kOtherCounty, kOtherCountyVillage, kOtherHome);
  }
  void TearDown() override {
    if (!site.running()) return;
    site.head().HousekeepNow();
    site.Drain();
    for (const std::string& broken : site.BrokenInvariants(/*drained=*/true)) ADD_FAILURE() << broken;
  }

  void Area(AreaId id, uint64_t village, const Heard& cells) {
    GeoState& geo = site.head().geo();
    const auto made = geo.CreateArea(site.NewRequest(), {id, "新区", {geofence::PlaceCode(village)}});
    ASSERT_TRUE(made) << made.error().ToString();
    ASSERT_TRUE(geo.StepArea(site.NewRequest(), id, geofence::AreaState::kSubmitted));
    ASSERT_TRUE(geo.StepArea(By("second"), id, geofence::AreaState::kApproved));
    ASSERT_TRUE(geo.PutList(site.NewRequest(), {geofence::ListKind::kWhitelist, id, "新", CellsOf(cells)}));
  }
  Request By(const std::string& actor, const std::string& reason = "seen there",
             const std::string& approver = "") {
    Request request = site.NewRequest(reason);
    request.actor = actor;
    request.approver = approver;
    return request;
  }
  Exemptions& exemptions() { return site.head().exemptions(); }
  Relocations& relocations() { return site.head().relocations(); }
  records::CardRecord CardNow(uint64_t n) { return site.head().registry().Card(CardOf(n))->value; }
  entitlement::Account AccountNow(uint64_t n) { return site.head().registry().Get(FormNumberOf(n))->account; }
  UnixMillis In(hours time) {
    return UnixMillis(site.clock.Now().value + std::chrono::milliseconds(time).count());
  }

  // The installer, the county, the province.
  void Collect(uint64_t n) {
    Expect(exemptions().Report(By("installer", "no bars on the phone"), CardOf(n)));
    Expect(exemptions().Confirm(By("county"), CardOf(n)));
    Expect(exemptions().Collect(By("province"), CardOf(n)));
  }
  void Grant(uint64_t n, hours time = hours(48), std::vector<std::string> cells = {}) {
    Collect(n);
    Expect(
        exemptions().Grant(By("centre", "a deep valley", "chief"), CardOf(n), {In(time), std::move(cells)}));
  }
  void Ask(uint64_t n, uint64_t village = kNextVillage, uint32_t days = 30) {
    Expect(relocations().Ask(By("clerk", "married there"), {CardOf(n), geofence::PlaceCode(village), days}));
  }
  void Approve(uint64_t n, uint64_t village = kNextVillage, uint32_t days = 30) {
    Ask(n, village, days);
    Expect(relocations().Approve(By("chief", "papers seen"), CardOf(n)));
  }
  template <typename T>
  static void Expect(const Result<T>& result) {
    ASSERT_TRUE(result) << result.error().ToString() << " " << result.error().detail();
  }
  void Settle(Home& home) {
    site.Drain();
    site.Listen(home);
  }
  // Two reports from the city.
  void CarryToTown(Home& home) {
    for (int i = 0; i < 2; ++i) {
      site.clock.Advance(minutes(2));
      ASSERT_TRUE(site.Send(home, kCity));
    }
  }

  Site site;
};

// --- Exemptions

TEST_F(HomesTest, AHomeWithoutSignalIsOpenedByTheCentreAndByNobodyElse) {
  Home home = site.NewHome(1);
  ASSERT_TRUE(site.Open(1));
  Settle(home);
  EXPECT_EQ(exemptions().Get(CardOf(1)).error().reason(), Reason::kExemptionUnknown);
  EXPECT_EQ(exemptions().Confirm(By("county"), CardOf(1)).error().reason(), Reason::kExemptionUnknown);
  Collect(1);
  EXPECT_EQ(exemptions().Report(By("installer"), CardOf(1)).error().reason(), Reason::kExemptionStateInvalid);
  EXPECT_EQ(CardNow(1).card.standing, Standing::kDark);
  const ExemptionWish wish{In(hours(48)), {}};
  EXPECT_EQ(exemptions().Grant(By("centre", "why", "installer"), CardOf(1), wish).error().reason(),
            Reason::kSecondApproverNeeded);
  EXPECT_EQ(
      exemptions().Grant(By("centre", "why", "chief"), CardOf(1), {site.clock.Now(), {}}).error().reason(),
      Reason::kFieldInvalid);
  EXPECT_EQ(exemptions()
                .Grant(By("centre", "why", "chief"), CardOf(1), {In(hours(1)), {"a cell"}})
                .error()
                .reason(),
            Reason::kFieldInvalid);
  Request try_it = By("centre", "why", "chief");
  try_it.dry_run = true;
  const auto supposed = exemptions().Grant(try_it, CardOf(1), wish);
  Expect(supposed);
  EXPECT_EQ(supposed->view.record.exemption.state, ExemptionState::kGranted);
  EXPECT_EQ(CardNow(1).card.standing, Standing::kDark) << "a dry run";

  const Request request = By("centre", "a deep valley", "chief");
  const auto granted = exemptions().Grant(request, CardOf(1), wish);
  Expect(granted);
  const auto again = exemptions().Grant(request, CardOf(1), wish);
  Expect(again);
  EXPECT_TRUE(again->change.repeated);
  EXPECT_EQ(again->view.record, granted->view.record);
  EXPECT_EQ(again->view.revision, granted->view.revision);
  const records::CardRecord card = CardNow(1);
  EXPECT_EQ(card.card.standing, Standing::kOnExempt);
  EXPECT_EQ(card.exempt_until, wish.expires);
  Settle(home);
  EXPECT_TRUE(site.Watches(home)) << "lit, though nobody ever heard it";
  EXPECT_EQ(home.receiver.card()->state().standing.standing, receiver::Standing::kExempt);

  std::vector<std::string> who;
  const auto kept = exemptions().Get(CardOf(1));
  Expect(kept);
  for (const auto& step : kept->record.exemption.steps) who.push_back(step.actor);
  EXPECT_THAT(who, ElementsAre("installer", "county", "province", "centre"));
  const auto explained = site.head().location().Explain(CardOf(1));
  Expect(explained);
  EXPECT_THAT(explained->evidence, testing::Contains(HasSubstr("approved by chief")));
}

TEST_F(HomesTest, AnExemptionEndsByItselfAndTheBoxIsTold) {
  Home home = site.Installed(1);
  Grant(1);
  Settle(home);
  EXPECT_EQ(home.receiver.card()->state().standing.standing, receiver::Standing::kExempt);
  site.head().HousekeepNow();
  EXPECT_EQ(CardNow(1).card.standing, Standing::kOnExempt);
  site.clock.Advance(hours(49));
  site.head().HousekeepNow();
  EXPECT_EQ(exemptions().Get(CardOf(1))->record.exemption.state, ExemptionState::kExpired);
  const records::CardRecord card = CardNow(1);
  EXPECT_EQ(card.card.standing, Standing::kOn) << "lit as any other";
  EXPECT_FALSE(card.card.exempt);
  EXPECT_EQ(card.exempt_until, UnixMillis());
  Settle(home);
  EXPECT_EQ(home.receiver.card()->state().standing.standing, receiver::Standing::kOn);
  EXPECT_TRUE(site.Watches(home));
  const size_t before = site.Quiet().size();
  EXPECT_EQ(site.Quiet().size(), before);
  // From here on it is judged as any other.
  CarryToTown(home);
  EXPECT_EQ(CardNow(1).card.standing, Standing::kDark);
  // It may be reported again.
  Collect(1);
}

TEST_F(HomesTest, AnExemptionLiftsTheDenyListFromTheCellsItNamesWhileItHolds) {
  Home home = site.Installed(1);
  CarryToTown(home);
  ASSERT_EQ(CardNow(1).card.standing, Standing::kDark);
  Grant(1, hours(48), {kCity[0], kCity[1]});
  EXPECT_EQ(CardNow(1).card.standing, Standing::kOnExempt) << "its newest report speaks for it by now";
  EXPECT_EQ(CardNow(1).in_force, 0U);
  CarryToTown(home);
  EXPECT_EQ(CardNow(1).card.standing, Standing::kOnExempt);
  Expect(exemptions().Revoke(By("centre", "a mast was built"), CardOf(1)));
  EXPECT_EQ(CardNow(1).card.standing, Standing::kOn) << "no report has spoken against it since";
  EXPECT_TRUE(CardNow(1).exempt_cells.empty());
  CarryToTown(home);
  EXPECT_EQ(CardNow(1).card.standing, Standing::kDark);
}

TEST_F(HomesTest, ItEndsWithItsTimeEvenBeforeTheHousekeeper) {
  Home home = site.Installed(1);
  Grant(1, hours(1), {kCity[0], kCity[1]});
  const records::CardRecord card = CardNow(1);
  const auto geo = site.head().geo().snapshot();
  const CardRules rules = geo->RulesFor(CardOf(1), kArea);
  EXPECT_TRUE(PlaceOf(card, rules, site.clock.Now()).exempt);
  EXPECT_EQ(PlaceOf(card, rules, site.clock.Now()).exempt_cells.size(), 2U);
  EXPECT_FALSE(PlaceOf(card, rules, card.exempt_until).exempt);
  EXPECT_TRUE(PlaceOf(card, rules, card.exempt_until).exempt_cells.empty());
}

TEST_F(HomesTest, ABoxSwapKeepsAnExemptionACardThatLeavesLosesIt) {
  Home home = site.Installed(1);
  Grant(1);
  ASSERT_TRUE(site.Swap(1, {.card = {}, .box = BoxOf(21), .sim = {}}));
  EXPECT_EQ(CardNow(1).card.standing, Standing::kOnExempt) << "nobody could hear the new box";
  EXPECT_EQ(exemptions().Get(CardOf(1))->record.exemption.state, ExemptionState::kGranted);
  ASSERT_TRUE(site.Close(1));
  const auto ended = exemptions().Get(CardOf(1));
  EXPECT_EQ(ended->record.exemption.state, ExemptionState::kRevoked);
  EXPECT_EQ(ended->record.exemption.steps.back().actor, "hearthd");
  EXPECT_FALSE(CardNow(1).card.exempt);
  EXPECT_EQ(CardNow(1).exempt_until, UnixMillis());
  EXPECT_EQ(exemptions().Report(By("installer"), CardOf(1)).error().reason(), Reason::kCardNotInAccount);
  EXPECT_EQ(exemptions().Report(By("installer"), CardOf(399)).error().reason(), Reason::kCardUnknown);
  // One that is not decided goes with its account too.
  ASSERT_TRUE(site.Open(2));
  Collect(2);
  ASSERT_TRUE(site.Close(2));
  EXPECT_EQ(exemptions().Get(CardOf(2))->record.exemption.state, ExemptionState::kRefused);
}

TEST_F(HomesTest, ExemptionsAreListedByStateAndDivision) {
  for (uint64_t n = 1; n <= 5; ++n) ASSERT_TRUE(site.Open(n, n == 5 ? kFarVillage : kVillage));
  for (uint64_t n = 1; n <= 3; ++n) Expect(exemptions().Report(By("installer"), CardOf(n)));
  Collect(4);
  Collect(5);
  const auto numbers = [&](const HomeFilter& filter) {
    std::vector<uint64_t> cards;
    std::string token;
    do {
      const auto page = exemptions().List(filter, 2, token);
      Expect(page);
      EXPECT_LE(page->items.size(), 2U);
      for (const ExemptionView& view : page->items) {
        for (uint64_t n = 1; n <= 5; ++n) {
          if (view.record.exemption.card == CardOf(n)) cards.push_back(n);
        }
      }
      token = page->next_token;
    } while (!token.empty());
    return cards;
  };
  EXPECT_THAT(numbers({}), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(numbers({.states = {static_cast<uint8_t>(ExemptionState::kCollected)}, .region = {}}),
              ElementsAre(4, 5));
  EXPECT_THAT(numbers({.states = {}, .region = RegionCode(640122101)}), ElementsAre(5));
  EXPECT_THAT(numbers({.states = {}, .region = RegionCode(640104)}), ElementsAre());
  EXPECT_EQ(exemptions().List({}, 2, "x").error().reason(), Reason::kPageTokenInvalid);
  site.Restart();
  EXPECT_THAT(numbers({}), ElementsAre(1, 2, 3, 4, 5));
}

// --- Relocations

TEST_F(HomesTest, AMoveIsApprovedAndTheFirstReportFromTheNewHomeConfirmsIt) {
  Home home = site.Installed(1);
  const auto before = AccountNow(1);
  Ask(1);
  EXPECT_EQ(relocations().Approve(By("clerk"), CardOf(1)).error().reason(), Reason::kSecondApproverNeeded);
  EXPECT_EQ(relocations().Ask(By("clerk"), {CardOf(1), geofence::PlaceCode(kNextVillage)}).error().reason(),
            Reason::kRelocationStateInvalid);
  Expect(relocations().Approve(By("chief", "papers seen"), CardOf(1)));
  EXPECT_EQ(CardNow(1).also, kNextArea);
  auto explained = site.head().location().Explain(CardOf(1), Language::kChinese);
  Expect(explained);
  EXPECT_THAT(explained->evidence, testing::Contains(HasSubstr("移机")));
  // It still stands in the old home, and may.
  site.clock.Advance(minutes(2));
  auto answer = site.Send(home, kHome);
  Expect(answer);
  EXPECT_EQ(answer->verdict, geofence::Verdict::kInArea);
  EXPECT_EQ(CardNow(1).card.area, kArea);
  // What both homes hear is no word for the new one; a cell of the new one is.
  site.clock.Advance(minutes(2));
  answer = site.Send(home, kNextHome);
  Expect(answer);
  EXPECT_EQ(answer->verdict, geofence::Verdict::kInArea);
  EXPECT_THAT(answer->message, HasSubstr("relocation confirmed"));
  EXPECT_EQ(CardNow(1).card.area, kNextArea);
  EXPECT_EQ(CardNow(1).card.village, RegionCode(kNextVillage));
  EXPECT_EQ(CardNow(1).also, AreaId());
  site.head().HousekeepNow();
  const auto after = AccountNow(1);
  EXPECT_EQ(after.area, kNextArea);
  EXPECT_EQ(after.form.village, RegionCode(kNextVillage));
  EXPECT_EQ(after.place, before.place) << "its slot on the air is no place on the map";
  EXPECT_EQ(after.history.back().action, "relocate");
  EXPECT_EQ(after.history.back().actor, "clerk");
  const auto done = relocations().Get(CardOf(1));
  EXPECT_EQ(done->record.relocation.state, RelocationState::kConfirmed);
  EXPECT_TRUE(done->record.told);
  // Lists and counts have it in its new village, and only there.
  site.DrainViews();
  Views& views = site.head().views();
  EXPECT_EQ(views.ListAccounts(RegionCode(kVillage), 10, "")->items.size(), 0U);
  EXPECT_EQ(views.ListAccounts(RegionCode(kNextVillage), 10, "")->items.size(), 1U);
  EXPECT_EQ(views.ListAccounts(RegionCode(640122), 10, "")->items.size(), 1U);
  EXPECT_EQ(views.CountsBelow(RegionCode(kNextVillage))->front().counts.activated, 1U);
  EXPECT_EQ(views.CountsBelow(RegionCode(kVillage))->front().counts.activated, 0U);
  // The old home is another area's by now.
  site.clock.Advance(minutes(2));
  EXPECT_EQ(site.Send(home, kHome)->verdict, geofence::Verdict::kOutOfArea);
  // It may move again, back.
  Approve(1, kVillage);
  site.clock.Advance(minutes(2));
  EXPECT_EQ(site.Send(home, kHome)->verdict, geofence::Verdict::kInArea);
  site.head().HousekeepNow();
  EXPECT_EQ(AccountNow(1).form.village, RegionCode(kVillage));
  site.DrainViews();
  EXPECT_EQ(views.ListAccounts(RegionCode(640122), 10, "")->items.size(), 1U);
  EXPECT_EQ(views.ListAccounts(RegionCode(kVillage), 10, "")->items.size(), 1U);
}

TEST_F(HomesTest, TheReceiverHasTheOldAreaUntilTheMoveIsConfirmed) {
  Home home = site.Installed(1);
  site.Pass();
  site.Listen(home);
  Approve(1);
  Settle(home);
  const auto area = [&] { return home.receiver.card()->state().record->area; };
  EXPECT_EQ(area(), kArea) << "nobody has moved yet";
  site.clock.Advance(minutes(2));
  ASSERT_TRUE(site.Send(home, kNextHome));
  site.head().HousekeepNow();
  site.Pass();
  site.Listen(home);
  EXPECT_EQ(area(), kNextArea);
  EXPECT_TRUE(site.Watches(home));
  const receiver::LocationRules rules = home.receiver.card()->Rules();
  ASSERT_TRUE(rules.area_cells);
  EXPECT_TRUE(rules.area_cells->Contains(*receiver::ParseCell(kNextHome[0])));
}

TEST_F(HomesTest, WhoWasSwitchedOffInTheNewHomeIsLitByTheApproval) {
  Home home = site.Installed(1);
  CarryToTown(home);
  ASSERT_EQ(CardNow(1).card.standing, Standing::kDark);
  site.clock.Advance(minutes(2));
  ASSERT_TRUE(site.Send(home, kNextHome));
  ASSERT_EQ(CardNow(1).card.standing, Standing::kDark) << "another area does not light it";
  Approve(1);
  EXPECT_EQ(CardNow(1).card.standing, Standing::kOn);
  EXPECT_EQ(relocations().Get(CardOf(1))->record.relocation.state, RelocationState::kApproved)
      << "that report is older than the approval";
  site.clock.Advance(minutes(2));
  ASSERT_TRUE(site.Send(home, kNextHome));
  EXPECT_EQ(relocations().Get(CardOf(1))->record.relocation.state, RelocationState::kConfirmed);
}

TEST_F(HomesTest, WhoIsNotHeardThereInTimeStaysAtHome) {
  Home home = site.Installed(1);
  Approve(1, kNextVillage, 2);
  site.clock.Advance(hours(47));
  site.head().HousekeepNow();
  EXPECT_EQ(CardNow(1).also, kNextArea);
  site.clock.Advance(hours(2));
  site.head().HousekeepNow();
  EXPECT_EQ(relocations().Get(CardOf(1))->record.relocation.state, RelocationState::kTimedOut);
  EXPECT_EQ(CardNow(1).also, AreaId());
  EXPECT_EQ(CardNow(1).card.area, kArea);
  EXPECT_EQ(site.Send(home, kNextHome)->verdict, geofence::Verdict::kOutOfArea);
  EXPECT_EQ(AccountNow(1).area, kArea);
}

TEST_F(HomesTest, ACancelledMoveLeavesTheOldHome) {
  Home home = site.Installed(1);
  Approve(1);
  Expect(relocations().Cancel(By("clerk", "stays after all"), CardOf(1)));
  EXPECT_EQ(CardNow(1).also, AreaId());
  site.clock.Advance(minutes(2));
  EXPECT_EQ(site.Send(home, kNextHome)->verdict, geofence::Verdict::kOutOfArea);
  EXPECT_EQ(relocations().Cancel(By("clerk"), CardOf(1)).error().reason(), Reason::kRelocationStateInvalid);
  EXPECT_EQ(relocations().Cancel(By("clerk"), CardOf(2)).error().reason(), Reason::kRelocationUnknown);
}

TEST_F(HomesTest, AnotherCountyIsTheCentresToAllow) {
  Home home = site.Installed(1);
  Ask(1, kOtherCountyVillage);
  EXPECT_EQ(relocations().Approve(By("chief"), CardOf(1)).error().reason(), Reason::kAreaOutsideCounty);
  Expect(relocations().Approve(By("centre"), CardOf(1)));
  site.clock.Advance(minutes(2));
  EXPECT_EQ(site.Send(home, kOtherHome)->verdict, geofence::Verdict::kInArea);
  site.head().HousekeepNow();
  EXPECT_EQ(AccountNow(1).area, kOtherCounty);
  site.Pass();
  site.Listen(home);
  EXPECT_TRUE(site.Watches(home)) << "the province's package is the same";
}

TEST_F(HomesTest, WhatCannotBeAMoveIsRefused) {
  ASSERT_TRUE(site.Open(1));
  const auto ask = [&](uint64_t n, uint64_t village, uint32_t days = 30) {
    const auto asked = relocations().Ask(By("clerk"), {CardOf(n), geofence::PlaceCode(village), days});
    return asked ? Reason::kInternal : asked.error().reason();
  };
  EXPECT_EQ(ask(1, kHamlet), Reason::kFieldInvalid) << "a village of its own area";
  EXPECT_EQ(ask(1, 640122103200), Reason::kNotInServiceArea);
  EXPECT_EQ(ask(1, 990122103200), Reason::kRegionUnknown);
  EXPECT_EQ(ask(1, kNextVillage, 181), Reason::kFieldInvalid);
  EXPECT_EQ(ask(2, kNextVillage), Reason::kCardNotInAccount);
  EXPECT_EQ(ask(399, kNextVillage), Reason::kCardUnknown);
}

TEST_F(HomesTest, AMoveEndsTheExemptionOfTheOldHome) {
  Home home = site.Installed(1);
  Grant(1);
  Approve(1);
  site.clock.Advance(minutes(2));
  ASSERT_TRUE(site.Send(home, kNextHome));
  EXPECT_EQ(exemptions().Get(CardOf(1))->record.exemption.state, ExemptionState::kRevoked);
  EXPECT_EQ(CardNow(1).card.standing, Standing::kOn);
  EXPECT_EQ(CardNow(1).card.area, kNextArea);
}

TEST_F(HomesTest, ABoxSwapOnTheWayIsNoEndOfTheMove) {
  Home home = site.Installed(1);
  Approve(1);
  ASSERT_TRUE(site.Swap(1, {.card = {}, .box = BoxOf(21), .sim = {}}));
  EXPECT_EQ(CardNow(1).also, kNextArea);
  Home swapped = site.NewHome(1, 21, 1);
  (void)site.Sign(swapped, kNextHome);  // the card has counted one with its former box
  site.clock.Advance(minutes(2));
  const auto answer = site.Send(swapped, kNextHome);
  Expect(answer);
  EXPECT_EQ(answer->outcome, ReportOutcome::kActivated);
  site.head().HousekeepNow();
  EXPECT_EQ(AccountNow(1).area, kNextArea);
  // And a closed account ends it.
  ASSERT_TRUE(site.Open(2));
  Ask(2);
  ASSERT_TRUE(site.Close(2));
  EXPECT_EQ(relocations().Get(CardOf(2))->record.relocation.state, RelocationState::kCancelled);
}

TEST_F(HomesTest, ACardThatIsSwappedBeforeTheAccountHeardOfItMovesWithTheAccount) {
  Home home = site.Installed(1);
  Approve(1);
  std::atomic<bool> stop{true};
  relocations().SetProbe([&](std::string_view step) -> Status {
    if (stop && step == "confirmed") return Error(Reason::kStoreReadOnly, "stopped by the test");
    return Ok();
  });
  site.clock.Advance(minutes(2));
  ASSERT_TRUE(site.Send(home, kNextHome));
  site.head().HousekeepNow();
  EXPECT_EQ(AccountNow(1).area, kArea) << "not told yet";
  ASSERT_TRUE(site.Swap(1, {.card = CardOf(22), .box = {}, .sim = {}}));
  EXPECT_EQ(CardNow(22).card.area, kArea);
  stop = false;
  site.clock.Advance(minutes(2));  // after a failure it is tried again in a minute
  site.head().HousekeepNow();
  EXPECT_EQ(AccountNow(1).area, kNextArea);
  EXPECT_EQ(CardNow(22).card.area, kNextArea);
}

TEST_F(HomesTest, RelocationsAreListedByStateAndEitherDivision) {
  for (uint64_t n = 1; n <= 3; ++n) ASSERT_TRUE(site.Open(n));
  Ask(1);
  Approve(2, kNextVillage);
  Ask(3, kOtherCountyVillage);
  const auto count = [&](std::vector<uint8_t> states, uint64_t region) {
    const auto page = relocations().List({std::move(states), RegionCode(region)}, 100, "");
    Expect(page);
    return page->items.size();
  };
  EXPECT_EQ(count({}, 0), 3U);
  EXPECT_EQ(count({static_cast<uint8_t>(RelocationState::kRequested)}, 0), 2U);
  EXPECT_EQ(count({}, 640104), 1U) << "where to";
  EXPECT_EQ(count({}, 640122), 3U) << "where from";
  EXPECT_EQ(count({static_cast<uint8_t>(RelocationState::kApproved)}, kNextVillage), 1U);
}

// --- A kill between any two commits

// Kills the head-end after `survive` commits of `run`; true when it came to that. Started again over what is
// there.
bool KilledAfter(Site& site, int survive, const std::function<void()>& run) {
  std::atomic<int> left = survive;
  std::atomic<bool> killed = false;
  site.store->SetGuard([&](store::BucketId bucket, const store::Batch&) -> Status {
    if (!killed && bucket.value > store::kSystemBucket.value) return Ok();
    if (!killed && left-- > 0) return Ok();
    killed = true;
    return Error(Reason::kStoreReadOnly, "killed by the test");
  });
  run();
  const bool was = killed;
  site.Stop();
  site.store->SetGuard(nullptr);
  site.Start();
  return was;
}

TEST(HomesCrash, AConfirmedMoveReachesItsAccountWhateverIsKilled) {
  int kills = 0;
  for (int survive = 0; survive < 12; ++survive) {
    Site site;
    GeoState& geo = site.head().geo();
    Request second = site.NewRequest();
    second.actor = "second";
    ASSERT_TRUE(geo.CreateArea(site.NewRequest(), {kNextArea, "新区", {geofence::PlaceCode(kNextVillage)}}));
    ASSERT_TRUE(geo.StepArea(site.NewRequest(), kNextArea, geofence::AreaState::kSubmitted));
    ASSERT_TRUE(geo.StepArea(second, kNextArea, geofence::AreaState::kApproved));
    ASSERT_TRUE(geo.PutList(site.NewRequest(),
                            {geofence::ListKind::kWhitelist, kNextArea, "新", CellsOf(kNextHome)}));
    Home home = site.Installed(1);
    ASSERT_TRUE(
        site.head().relocations().Ask(site.NewRequest(), {CardOf(1), geofence::PlaceCode(kNextVillage)}));
    Request approval = site.NewRequest();
    approval.actor = "chief";
    ASSERT_TRUE(site.head().relocations().Approve(approval, CardOf(1)));
    site.clock.Advance(minutes(2));
    site.Drain();
    bool answered = false;
    const bool killed = KilledAfter(site, survive, [&] {
      answered = site.Send(home, kNextHome).has_value();
      site.head().HousekeepNow();
    });
    kills += killed ? 1 : 0;
    ASSERT_TRUE(site.running());
    if (!answered) {
      site.clock.Advance(minutes(2));
      const auto again = site.Send(home, kNextHome);
      ASSERT_TRUE(again) << again.error().ToString();
    }
    site.head().HousekeepNow();
    EXPECT_EQ(site.head().registry().Get(FormNumberOf(1))->account.area, kNextArea) << survive;
    EXPECT_TRUE(site.head().relocations().Get(CardOf(1))->record.told) << survive;
    EXPECT_EQ(site.head().registry().Get(FormNumberOf(1))->account.history.size(), 2U) << survive;
    site.Drain();
    for (const std::string& broken : site.BrokenInvariants(true)) ADD_FAILURE() << survive << ": " << broken;
    if (!killed) break;
  }
  EXPECT_GE(kills, 3);
}

TEST(HomesCrash, AnExemptionAndItsCardAreNeverOfTwoMinds) {
  int kills = 0;
  for (int survive = 0; survive < 8; ++survive) {
    Site site;
    ASSERT_TRUE(site.Open(1));
    Exemptions& exemptions = site.head().exemptions();
    ASSERT_TRUE(exemptions.Report(site.NewRequest(), CardOf(1)));
    ASSERT_TRUE(exemptions.Confirm(site.NewRequest(), CardOf(1)));
    ASSERT_TRUE(exemptions.Collect(site.NewRequest(), CardOf(1)));
    site.Drain();
    Request grant = site.NewRequest();
    grant.approver = "chief";
    const UnixMillis expires(site.clock.Now().value + std::chrono::milliseconds(hours(24)).count());
    const bool killed = KilledAfter(site, survive, [&] {
      (void)site.head().exemptions().Grant(grant, CardOf(1), {expires, {}});
      site.clock.Advance(hours(23));
      site.clock.Advance(hours(2));
      site.head().HousekeepNow();
    });
    kills += killed ? 1 : 0;
    ASSERT_TRUE(site.running());
    site.head().HousekeepNow();
    const auto state = site.head().exemptions().Get(CardOf(1))->record.exemption.state;
    const records::CardRecord card = site.head().registry().Card(CardOf(1))->value;
    EXPECT_TRUE(state == ExemptionState::kExpired || state == ExemptionState::kCollected) << survive;
    EXPECT_FALSE(card.card.exempt) << survive;
    EXPECT_EQ(card.card.standing, state == ExemptionState::kExpired ? Standing::kOn : Standing::kDark)
        << survive;
    if (!killed) break;
  }
  EXPECT_GE(kills, 2);
}

}  // namespace
}  // namespace hearth::app
