// From an operator's order or a box's report to what a receiver does: the head-end against the virtual
// receiver, which was written from docs/messages.md alone.
#include <gtest/gtest.h>

#include "src/cas/group.h"
#include "tests/app/site.h"

namespace hearth::app {
namespace {

class EndToEnd : public testing::Test {
 protected:
  void TearDown() override {
    if (!site.running()) return;
    site.Drain();
    for (const std::string& broken : site.BrokenInvariants(/*drained=*/true)) ADD_FAILURE() << broken;
  }

  ReportAnswer Send(Home& home, const Heard& heard) {
    auto answer = site.Send(home, heard);
    EXPECT_TRUE(answer) << answer.error().ToString();
    return answer ? std::move(*answer) : ReportAnswer{};
  }
  void Settle(Home& home) {
    site.Drain();
    site.Listen(home);
  }
  records::CardRecord CardRecordOf(uint64_t n) { return site.head().registry().Card(CardOf(n))->value; }
  // Two blacklisted reports a minute apart.
  void CarryToTown(Home& home) {
    EXPECT_EQ(Send(home, kCity).outcome, ReportOutcome::kCounted);
    site.clock.Advance(std::chrono::seconds(60));
    EXPECT_EQ(Send(home, kCity).outcome, ReportOutcome::kSwitchedOff);
  }

  Site site;
};

bool IsTable(const Bytes& section, uint8_t table) { return section[0] == table; }
bool IsUnique(const Bytes& section) {
  return section[0] == receiver::kRecord || section[0] == receiver::kStanding;
}

TEST_F(EndToEnd, ActivatedInTheVillageItOpensItsPackageAndNothingElse) {
  Home home = site.NewHome(1);
  const auto opened = site.Open(1);
  ASSERT_TRUE(opened) << opened.error().ToString();
  EXPECT_EQ(opened->view.account.state, entitlement::AccountState::kOpen);
  EXPECT_FALSE(opened->view.account.intent);
  EXPECT_EQ(opened->view.account.area, kArea);
  ASSERT_EQ(opened->view.account.history.size(), 1U);

  Settle(home);
  ASSERT_TRUE(home.receiver.card()->state().record);
  EXPECT_EQ(home.receiver.screen().code, "E09") << "waiting for installation";
  EXPECT_FALSE(site.Watches(home));

  const ReportAnswer answer = Send(home, kHome);
  EXPECT_EQ(answer.outcome, ReportOutcome::kActivated);
  EXPECT_EQ(answer.verdict, geofence::Verdict::kInArea);
  EXPECT_FALSE(answer.reason);
  EXPECT_EQ(answer.viewer_code, "");
  Settle(home);
  EXPECT_TRUE(home.receiver.screen().lit()) << home.receiver.screen().sentence;
  EXPECT_TRUE(site.Watches(home, "CCTV-1"));
  EXPECT_TRUE(site.Watches(home, "NX-TV"));
  const auto refused = site.TryWatch(home, "PAY-1");
  EXPECT_FALSE(refused.opened());
  EXPECT_EQ(refused.screen.code, "E04");
  // The whitelist's cells are in the record or the area table; the deny list comes by in its cycle.
  site.Pass();
  site.Listen(home);
  const receiver::LocationRules rules = home.receiver.card()->Rules();
  ASSERT_TRUE(rules.area_cells);
  EXPECT_TRUE(rules.area_cells->Contains(*receiver::ParseCell(kHome[0])));
  ASSERT_EQ(rules.deny.size(), 1U);
  EXPECT_TRUE(rules.deny[0].Contains(*receiver::ParseCell(kCity[0])));
  EXPECT_EQ(rules.grace_hours, 72);
}

TEST_F(EndToEnd, InstalledInTheCityItIsNeverOpened) {
  Home neighbour = site.Installed(2);
  Home thief = site.NewHome(1);
  ASSERT_TRUE(site.Open(1));
  for (int i = 0; i < 3; ++i) {
    const ReportAnswer answer = Send(thief, kCity);
    EXPECT_EQ(answer.outcome, ReportOutcome::kInstallRefused);
    EXPECT_EQ(answer.reason, Reason::kInstallBlacklisted);
    EXPECT_EQ(answer.viewer_code, "E09");
    site.clock.Advance(std::chrono::minutes(2));
  }
  // Something else moves the group on.
  CarryToTown(neighbour);
  Settle(thief);
  EXPECT_FALSE(site.Watches(thief));

  const entitlement::Card card = CardRecordOf(1).card;
  size_t bitmaps = 0;
  for (const Bytes& section : site.sink.all()) {
    if (IsTable(section, receiver::kStanding) && receiver::AddressedCard(section) == CardOf(1)) {
      EXPECT_EQ(receiver::DecodeStanding(section)->standing.standing, receiver::Standing::kDark);
    }
    if (IsTable(section, receiver::kGroup)) {
      const auto head = receiver::DecodeGroupHead(section);
      ASSERT_TRUE(head);
      if (head->group != card.place.group) continue;
      ++bitmaps;
      EXPECT_FALSE(head->On(card.place.slot));
    }
  }
  EXPECT_GE(bitmaps, 2U);
  site.DrainViews();
  const auto interventions = site.head().views().ListInterventions({.card = CardOf(1)}, 100, "");
  ASSERT_TRUE(interventions);
  ASSERT_EQ(interventions->items.size(), 1U) << "one note, not one for each report";
  EXPECT_EQ(interventions->items[0].kind, InterventionKind::kRefusedInstall);
}

TEST_F(EndToEnd, CarriedToTownItGoesDarkAndComesBack) {
  Home home = site.Installed(1);
  EXPECT_EQ(Send(home, kCity).outcome, ReportOutcome::kCounted);
  site.clock.Advance(std::chrono::seconds(59));
  EXPECT_EQ(Send(home, kCity).outcome, ReportOutcome::kCounted) << "too close together";
  Settle(home);
  EXPECT_TRUE(site.Watches(home)) << "a count is no intervention";
  EXPECT_EQ(Send(home, kHome).outcome, ReportOutcome::kObserved);

  CarryToTown(home);
  Settle(home);
  const auto dark = site.TryWatch(home, "CCTV-1");
  EXPECT_FALSE(dark.opened());
  EXPECT_EQ(dark.screen.code, "E09");
  EXPECT_EQ(home.receiver.card()->state().standing.reason, receiver::StandingReason::kLocation);
  const auto explained = site.head().location().Explain(CardOf(1));
  ASSERT_TRUE(explained);
  EXPECT_FALSE(explained->lit);
  EXPECT_EQ(explained->reason, Reason::kLocationBlacklisted);
  EXPECT_EQ(Send(home, kCity).outcome, ReportOutcome::kObserved) << "still away";

  EXPECT_EQ(Send(home, kHome).outcome, ReportOutcome::kRestored);
  Settle(home);
  EXPECT_TRUE(site.Watches(home));
  site.DrainViews();
  const auto log = site.head().views().ListInterventions({.card = CardOf(1)}, 100, "");
  ASSERT_TRUE(log);
  ASSERT_EQ(log->items.size(), 1U);
  EXPECT_EQ(log->items[0].kind, InterventionKind::kRestore);
  EXPECT_TRUE(site.head()
                  .views()
                  .ListInterventions({.card = CardOf(1), .in_force_only = true}, 100, "")
                  ->items.empty());
}

TEST_F(EndToEnd, AnOperatorLiftsAnIntervention) {
  Home home = site.Installed(1);
  CarryToTown(home);
  Settle(home);
  EXPECT_FALSE(site.Watches(home));
  const auto unsaid = site.head().location().Lift(site.NewRequest(""), CardOf(1));
  ASSERT_FALSE(unsaid);
  EXPECT_EQ(unsaid.error().reason(), Reason::kFieldMissing);
  site.clock.Advance(std::chrono::seconds(5));
  const auto lifted = site.head().location().Lift(site.NewRequest("visited"), CardOf(1));
  ASSERT_TRUE(lifted) << lifted.error().ToString();
  Settle(home);
  EXPECT_TRUE(site.Watches(home));
  const auto again = site.head().location().Lift(site.NewRequest("visited"), CardOf(1));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason(), Reason::kNotUnderIntervention);
}

TEST_F(EndToEnd, RenumberedCellsDarkenNobodyAndAreListed) {
  std::vector<Home> homes;
  for (uint64_t n = 1; n <= 5; ++n) homes.push_back(site.Installed(n));
  for (int round = 0; round < 5; ++round) {
    for (Home& home : homes) {
      const ReportAnswer answer = Send(home, kRenumbered);
      EXPECT_EQ(answer.outcome, ReportOutcome::kObserved);
      EXPECT_EQ(answer.verdict, geofence::Verdict::kUnknownCell);
      EXPECT_EQ(answer.unknown_cells, CellsOf(kRenumbered));
    }
    site.SaveObserved();  // as it does by itself, within seconds
    site.clock.Advance(std::chrono::hours(1));
  }
  site.Drain();
  for (Home& home : homes) {
    site.Listen(home);
    EXPECT_TRUE(site.Watches(home));
  }
  site.DrainViews();
  auto unknown = site.head().views().UnknownCells(kArea, 10);
  ASSERT_TRUE(unknown);
  ASSERT_EQ(unknown->size(), 1U) << "the serving cell, not its neighbours";
  EXPECT_EQ(unknown->front().cell, CellsOf(kRenumbered)[0]);
  EXPECT_EQ(unknown->front().cards, 5U);
  EXPECT_EQ(unknown->front().area, kArea);
  EXPECT_EQ(unknown->front().last_seen.value - unknown->front().first_seen.value, 4 * 3'600'000);

  // Once on the whitelist the cell is unknown no more.
  Heard now = kHome;
  now.push_back(kRenumbered[0]);
  const auto list =
      site.head().geo().PutList(site.NewRequest(), {geofence::ListKind::kWhitelist, kArea, "", CellsOf(now)});
  ASSERT_TRUE(list) << list.error().ToString();
  EXPECT_EQ(list->version, 2U);
  EXPECT_TRUE(site.head().views().UnknownCells(std::nullopt, 10)->empty());
  EXPECT_EQ(Send(homes[0], kRenumbered).verdict, geofence::Verdict::kInArea);
  // And the receivers are told.
  Settle(homes[0]);
  EXPECT_TRUE(homes[0].receiver.card()->Rules().area_cells->Contains(*receiver::ParseCell(kRenumbered[0])));
}

TEST_F(EndToEnd, NoSignalAndOutOfAreaNeverDarken) {
  Home home = site.Installed(1);
  for (int i = 0; i < 20; ++i) {
    const ReportAnswer answer = Send(home, i % 2 == 0 ? Heard() : kRenumbered);
    EXPECT_EQ(answer.outcome, ReportOutcome::kObserved);
    site.clock.Advance(std::chrono::minutes(10));
  }
  Settle(home);
  EXPECT_TRUE(site.Watches(home));
}

TEST_F(EndToEnd, SwappedBoxTheOldPairIsDeadTheNewOneWaits) {
  Home old_pair = site.Installed(1);
  const auto swapped = site.Swap(1, {.card = {}, .box = BoxOf(21), .sim = {}});
  ASSERT_TRUE(swapped) << swapped.error().ToString();
  EXPECT_EQ(swapped->view.account.form.devices.box, BoxOf(21));
  EXPECT_EQ(swapped->view.account.history.size(), 2U);
  EXPECT_EQ(swapped->view.account.history[1].reason, "broken");

  Settle(old_pair);
  EXPECT_FALSE(site.Watches(old_pair));
  Home new_pair = site.NewHome(1, 21, 1);
  new_pair.receiver.Insert(*old_pair.receiver.Remove());
  new_pair.heard_sections = 0;
  site.Listen(new_pair);
  EXPECT_FALSE(site.Watches(new_pair)) << "waiting for installation";
  EXPECT_EQ(Send(new_pair, kHome).outcome, ReportOutcome::kActivated);
  Settle(new_pair);
  EXPECT_TRUE(site.Watches(new_pair));
  // The card in the old box: its words are sealed for the new one.
  Home stolen = site.NewHome(1);
  stolen.receiver.Insert(*new_pair.receiver.Remove());
  stolen.heard_sections = site.sink.size();
  EXPECT_FALSE(site.Watches(stolen));
  const auto report = site.Send(stolen, kHome);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason(), Reason::kBoxPairMismatch);
  // The old box is in stock again.
  EXPECT_EQ(site.head().registry().GetByBox(BoxOf(1)).error().reason(), Reason::kAccountUnknown);
  EXPECT_EQ(site.head().registry().GetByBox(BoxOf(21))->account.form.form_number, FormNumberOf(1));
}

TEST_F(EndToEnd, SwappedCardTheOldOneIsDarkForGood) {
  Home home = site.Installed(1);
  const auto swapped = site.Swap(1, {.card = CardOf(22), .box = {}, .sim = {}});
  ASSERT_TRUE(swapped) << swapped.error().ToString();
  Settle(home);
  const auto dark = site.TryWatch(home, "CCTV-1");
  EXPECT_FALSE(dark.opened());
  EXPECT_EQ(dark.screen.code, "E14");
  const auto old_card = site.Send(home, kHome);
  ASSERT_FALSE(old_card);
  EXPECT_EQ(old_card.error().reason(), Reason::kCardNotInAccount);

  Home fresh = site.NewHome(22, 1, 1);
  site.Listen(fresh);
  EXPECT_FALSE(site.Watches(fresh));
  EXPECT_EQ(Send(fresh, kHome).outcome, ReportOutcome::kActivated);
  Settle(fresh);
  EXPECT_TRUE(site.Watches(fresh));
  // The old card serves another account.
  entitlement::Form form = FormOf(23);
  form.devices.card = CardOf(1);
  ASSERT_TRUE(site.head().registry().Open(site.NewRequest(), form));
  Home second = site.NewHome(1, 23, 23);
  second.receiver.Insert(*home.receiver.Remove());
  Settle(second);
  EXPECT_EQ(Send(second, kHome).outcome, ReportOutcome::kActivated);
  Settle(second);
  EXPECT_TRUE(site.Watches(second));
}

TEST_F(EndToEnd, ClosedAccountIsDarkAndItsThingsAreFree) {
  Home home = site.Installed(1);
  const auto closed = site.Close(1);
  ASSERT_TRUE(closed) << closed.error().ToString();
  EXPECT_EQ(closed->view.account.state, entitlement::AccountState::kClosed);
  EXPECT_FALSE(closed->view.account.intent);
  Settle(home);
  const auto dark = site.TryWatch(home, "CCTV-1");
  EXPECT_FALSE(dark.opened());
  EXPECT_EQ(dark.screen.code, "E04");
  EXPECT_EQ(site.Open(1).error().reason(), Reason::kAccountExists);
  EXPECT_EQ(site.Close(1).error().reason(), Reason::kAccountClosed);
  // Person, card, box and SIM under another form.
  entitlement::Form form = FormOf(1);
  form.form_number = "NX-AGAIN";
  const auto reopened = site.head().registry().Open(site.NewRequest(), form);
  ASSERT_TRUE(reopened) << reopened.error().ToString();
  EXPECT_EQ(Send(home, kHome).outcome, ReportOutcome::kActivated);
  Settle(home);
  EXPECT_TRUE(site.Watches(home));
}

TEST_F(EndToEnd, AnInterventionEndsWithTheSwapOrTheAccount) {
  Home swapped = site.Installed(1);
  Home closed = site.Installed(2);
  CarryToTown(swapped);
  CarryToTown(closed);
  site.DrainViews();
  EXPECT_EQ(site.head().views().ListInterventions({.in_force_only = true}, 100, "")->items.size(), 2U);
  ASSERT_TRUE(site.Swap(1, {.card = {}, .box = BoxOf(21), .sim = {}}));
  ASSERT_TRUE(site.Close(2));
  site.DrainViews();
  EXPECT_TRUE(site.head().views().ListInterventions({.in_force_only = true}, 100, "")->items.empty());
  const auto log = site.head().views().ListInterventions({}, 100, "");
  ASSERT_EQ(log->items.size(), 2U);
  for (const InterventionEvent& event : log->items) {
    EXPECT_EQ(event.kind, InterventionKind::kLiftedByOperator);
    EXPECT_FALSE(event.record.intervention.lift_reason.empty());
  }
}

TEST_F(EndToEnd, TheBitmapAloneIsEnough) {
  Home home = site.Installed(1);
  const auto deaf = [](const Bytes& section) { return !IsUnique(section); };
  CarryToTown(home);
  site.Pass();
  site.Listen(home, deaf);
  EXPECT_FALSE(site.Watches(home)) << "dark by the bitmap";
  EXPECT_EQ(Send(home, kHome).outcome, ReportOutcome::kRestored);
  site.Drain();
  site.Listen(home, deaf);
  EXPECT_TRUE(site.Watches(home)) << "lit by the bitmap";
}

TEST_F(EndToEnd, AReceiverThatMissedEverythingIsCuredByARefresh) {
  Home home = site.NewHome(1);
  ASSERT_TRUE(site.Open(1));
  EXPECT_EQ(Send(home, kHome).outcome, ReportOutcome::kActivated);
  site.Drain();
  home.heard_sections = site.sink.size();
  EXPECT_FALSE(site.Watches(home));
  const auto refreshed = site.head().pump().RefreshCard(site.NewRequest(), CardOf(1), site.options.limits);
  ASSERT_TRUE(refreshed) << refreshed.error().ToString();
  Settle(home);
  EXPECT_TRUE(site.Watches(home));
  EXPECT_EQ(
      site.head().pump().RefreshCard(site.NewRequest(), CardOf(2), site.options.limits).error().reason(),
      Reason::kCardNotInAccount);
}

// The rule alone, on a card that was made so in the store; how it gets there is in home_test.
TEST_F(EndToEnd, AnExemptCardLivesWithoutSignalButNotInTown) {
  Home home = site.NewHome(1);
  ASSERT_TRUE(site.Open(1));
  const ObjectKey key = CardKey(CardOf(1));
  ASSERT_TRUE(site.head().executor().Run(key.bucket, {}, [&](Txn& txn) -> Status {
    auto stored = txn.Read<records::CardRecord>(key.key);
    (*stored)->value.card.exempt = true;
    txn.Write(key.key, (*stored)->value);
    return Ok();
  }));
  const ReportAnswer answer = Send(home, {});
  EXPECT_EQ(answer.outcome, ReportOutcome::kActivated);
  EXPECT_EQ(answer.verdict, geofence::Verdict::kExempt);
  Settle(home);
  EXPECT_TRUE(site.Watches(home));
  EXPECT_EQ(home.receiver.card()->state().standing.standing, receiver::Standing::kExempt);
  CarryToTown(home);
  Settle(home);
  EXPECT_FALSE(site.Watches(home));
  EXPECT_EQ(Send(home, kRenumbered).outcome, ReportOutcome::kRestored) << "exempt: unknown cells are home";
  Settle(home);
  EXPECT_EQ(home.receiver.card()->state().standing.standing, receiver::Standing::kExempt);
}

// More cards than one group holds, in two townships.
TEST_F(EndToEnd, GroupsFillUpTownshipByTownship) {
  std::vector<StockRow> stock;
  std::vector<RosterRow> roster;
  for (uint64_t n = 1; n <= 300; ++n) {
    if (n > kStock) {
      stock.push_back({.line = 3 * n, .item = StockItem(StockCard{CardOf(n), BatchId(1)})});
      crypto::Key128 chip = crypto::Key128::Random(site.random);
      stock.push_back(
          {.line = 3 * n + 1,
           .item = StockItem(StockBox{BoxOf(n), "1", "2", "HH-S1", crypto::ChipKey(std::move(chip))})});
      stock.push_back({.line = 3 * n + 2, .item = StockItem(StockSim{SimOf(n), "3"})});
    }
    roster.push_back({.line = n, .form = FormOf(n, n <= 280 ? kVillage : kFarVillage)});
  }
  for (const RowResult& row : site.head().registry().ImportStock(site.NewRequest(), stock)) {
    EXPECT_EQ(row.outcome, RowOutcome::kDone) << (row.error ? row.error->ToString() : "");
  }
  for (const RowResult& row : site.head().registry().ImportRoster(site.NewRequest(), roster)) {
    EXPECT_EQ(row.outcome, RowOutcome::kDone)
        << (row.error ? row.error->ToString() + " " + row.error->detail() : "");
  }
  std::map<uint32_t, int> groups;
  for (uint64_t n = 1; n <= 300; ++n) ++groups[CardRecordOf(n).card.place.group.value];
  ASSERT_EQ(groups.size(), 3U);
  std::vector<int> sizes;
  for (const auto& [id, size] : groups) sizes.push_back(size);
  std::sort(sizes.begin(), sizes.end());
  EXPECT_EQ(sizes, (std::vector<int>{20, 24, 256}));
  // Importing the roster again is harmless.
  for (const RowResult& row : site.head().registry().ImportRoster(site.NewRequest(), roster)) {
    EXPECT_EQ(row.outcome, RowOutcome::kExisted) << (row.error ? row.error->ToString() : "");
  }
}

}  // namespace
}  // namespace hearth::app
