// Emergency broadcast from the proposal to what receivers do, over restarts and failing outputs.
#include <algorithm>
#include <functional>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/app/audit.h"
#include "tests/app/site.h"

namespace hearth::app {
namespace {

using entitlement::Emergency;
using entitlement::EmergencyKind;
using entitlement::EmergencyState;
using entitlement::Severity;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;

constexpr uint64_t kTownVillage = 640104001002;  // in Xingqing, 640104

std::shared_ptr<const EmergencySigner> SignerOf(uint8_t key_id) {
  std::array<uint8_t, 32> seed{};
  seed.fill(key_id);
  return std::make_shared<const EmergencySigner>(
      EmergencySigner{.key_id = key_id, .key = crypto::SigningKey::FromSeed(crypto::Key256(seed)).value()});
}

SiteOptions WithKey() {
  SiteOptions options;
  options.head_end.emergency_signer = SignerOf(1);
  return options;
}

class EmergencyTest : public testing::Test {
 protected:
  Emergencies& alerts() { return site.head().emergencies(); }
  Request By(const std::string& actor) {
    Request request = site.NewRequest();
    request.actor = actor;
    return request;
  }
  static Emergency Flood() {
    return {.kind = EmergencyKind::kFlood,
            .severity = Severity::kOrange,
            .regions = {640122},
            .service = {.original_network = 65280, .transport_stream = 3, .service = 101},
            .reference = "NX-2027-15",
            .minutes = 90};
  }
  static Emergency Drill() {
    Emergency drill = Flood();
    drill.drill = true;
    return drill;
  }
  uint64_t Proposed(const Emergency& wanted, const std::string& actor = "li") {
    const auto done = alerts().Propose(By(actor), wanted);
    EXPECT_TRUE(done) << done.error().ToString();
    return done ? done->view.emergency.number : 0;
  }
  EmergencyChanged Approved(uint64_t number, const std::string& actor = "wang") {
    const auto done = alerts().Approve(By(actor), number);
    EXPECT_TRUE(done) << done.error().ToString();
    return done ? *done : EmergencyChanged();
  }
  template <typename T>
  static Reason ReasonOf(const Result<T>& result) {
    return result ? Reason{} : result.error().reason();
  }
  // A home whose card says which county it is in; it need not be lit to be warned.
  Home HomeIn(uint64_t n, uint64_t village) {
    const auto opened = site.Open(n, village);
    EXPECT_TRUE(opened) << opened.error().ToString();
    Home home = site.NewHome(n);
    site.Drain();  // an alert overtakes the card's record, and is sent once here
    site.Listen(home);
    return home;
  }
  void MakeTownArea() {
    const AreaId town(640104001);
    ASSERT_TRUE(
        site.head().geo().CreateArea(By("li"), {town, "兴庆一区", {geofence::PlaceCode(kTownVillage)}}));
    ASSERT_TRUE(site.head().geo().StepArea(By("li"), town, geofence::AreaState::kSubmitted));
    ASSERT_TRUE(site.head().geo().StepArea(By("wang"), town, geofence::AreaState::kApproved));
  }
  std::vector<Bytes> OnAir() {
    site.Drain();
    std::vector<Bytes> out;
    for (const Bytes& section : site.sink.all()) {
      if (section[0] == receiver::kEmergency) out.push_back(section);
    }
    return out;
  }
  // "ALARM flood", "DRILL flood", or "".
  std::string Sounds(Home& home) {
    site.Drain();
    site.Listen(home);
    home.receiver.SetTime(site.clock.Now());
    std::string out;
    for (const receiver::Alert& alert : home.receiver.alarms()) {
      out += fmt::format("{} {}", alert.drill ? "DRILL" : "ALARM", receiver::KindName(alert.kind));
    }
    return out;
  }

  Site site{WithKey()};
};

TEST_F(EmergencyTest, ProposedApprovedByAnotherHeardInItsRegionAndCancelled) {
  MakeTownArea();
  Home inside = HomeIn(1, kVillage);
  Home outside = HomeIn(2, kTownVillage);
  inside.receiver.SetStandby(true);
  EXPECT_EQ(Sounds(inside) + Sounds(outside), "");

  const uint64_t number = Proposed(Flood());
  EXPECT_EQ(ReasonOf(alerts().Approve(By("li"), number)), Reason::kSecondApproverNeeded);
  EXPECT_TRUE(OnAir().empty()) << "a proposal is no alarm";
  EXPECT_FALSE(inside.receiver.awake());

  const EmergencyChanged approved = Approved(number);
  EXPECT_EQ(approved.view.emergency.approved_by, "wang");
  EXPECT_EQ(approved.view.emergency.proposed_by, "li");
  ASSERT_EQ(OnAir().size(), 1U);
  EXPECT_EQ(OnAir()[0].size(), 93U);
  EXPECT_EQ(Sounds(inside), "ALARM flood");
  EXPECT_TRUE(inside.receiver.awake());
  EXPECT_EQ(inside.receiver.alarms()[0].service, (std::array<uint16_t, 3>{65280, 3, 101}));
  EXPECT_EQ(Sounds(outside), "");

  const auto cancelled = alerts().Cancel(By("li"), number);
  ASSERT_TRUE(cancelled) << cancelled.error().ToString();
  ASSERT_EQ(OnAir().size(), 2U);
  EXPECT_EQ(Sounds(inside), "");
  EXPECT_FALSE(inside.receiver.awake());
  // Somebody plays the old section to the box.
  EXPECT_EQ(inside.receiver.Feed(OnAir()[0]).why, receiver::Why::kOldStamp);
  EXPECT_EQ(Sounds(inside), "");
  site.clock.Advance(minutes(90));
  EXPECT_EQ(Sounds(inside), "");
  EXPECT_EQ(inside.receiver.Feed(OnAir()[0]).why, receiver::Why::kOver);
}

TEST_F(EmergencyTest, ADrillNeedsOnePersonAndIsShownAsADrill) {
  Home home = HomeIn(1, kVillage);
  const uint64_t number = Proposed(Drill(), "li");
  Approved(number, "li");
  EXPECT_EQ(Sounds(home), "DRILL flood");
  site.clock.Advance(minutes(90));
  EXPECT_EQ(Sounds(home), "") << "it ends by itself";
}

TEST_F(EmergencyTest, OnePersonIsEnoughWhereTheSiteSaysSo) {
  site.options.emergency_two_people = false;
  site.Restart();
  Home home = HomeIn(1, kVillage);
  Approved(Proposed(Flood(), "li"), "li");
  EXPECT_EQ(Sounds(home), "ALARM flood");
}

TEST_F(EmergencyTest, AnAlertToComeSoundsAtItsStart) {
  Home home = HomeIn(1, kVillage);
  Emergency wanted = Flood();
  wanted.start = UnixMillis(site.clock.Now().value + 3'600'000);
  Approved(Proposed(wanted));
  EXPECT_EQ(Sounds(home), "");
  site.clock.Advance(minutes(61));
  EXPECT_EQ(Sounds(home), "ALARM flood");
}

TEST_F(EmergencyTest, TwoAtATimeAreToldApart) {
  Home home = HomeIn(1, kVillage);
  const uint64_t flood = Proposed(Flood());
  Emergency quake = Flood();
  quake.kind = EmergencyKind::kEarthquake;
  quake.severity = Severity::kRed;
  quake.regions = {0};
  const uint64_t earthquake = Proposed(quake);
  Approved(flood);
  Approved(earthquake);
  EXPECT_EQ(Sounds(home), "ALARM earthquakeALARM flood");
  ASSERT_TRUE(alerts().Cancel(By("li"), earthquake));
  EXPECT_EQ(Sounds(home), "ALARM flood");
}

TEST_F(EmergencyTest, ItSurvivesARestartBeforeItWasSent) {
  Home home = HomeIn(1, kVillage);
  site.Drain();
  site.sink.Fail(true);
  const uint64_t number = Proposed(Flood());
  site.Restart();
  Approved(number);
  EXPECT_TRUE(WaitUntil([&] { return site.sink.refused() > 0; }));
  site.Restart();
  site.sink.Fail(false);
  EXPECT_EQ(Sounds(home), "ALARM flood");
  EXPECT_GE(OnAir().size(), 1U);
  for (const Bytes& section : OnAir()) EXPECT_EQ(section, OnAir().front()) << "one state, again and again";
  EXPECT_EQ(alerts().Get(number)->emergency.state, EmergencyState::kApproved);
}

TEST_F(EmergencyTest, WhatHasEndedIsNotSentAgain) {
  site.Drain();
  site.sink.Fail(true);
  Approved(Proposed(Flood()));
  EXPECT_TRUE(WaitUntil([&] { return site.sink.refused() > 0; }));
  site.Stop();
  site.clock.Advance(minutes(91));
  site.sink.Fail(false);
  site.Start();
  EXPECT_TRUE(OnAir().empty());
}

// A thousand messages wait, and the alert that comes last goes out first.
TEST_F(EmergencyTest, ItGoesBeforeEverythingElse) {
  site.Drain();
  site.sink.Fail(true);
  for (uint64_t n = 1; n <= 40; ++n) ASSERT_TRUE(site.Open(n));
  EXPECT_TRUE(WaitUntil([&] { return site.sink.refused() > 0; }));
  Approved(Proposed(Flood()));
  site.Stop();
  const size_t before = site.sink.size();
  site.sink.Fail(false);
  site.Start();
  site.Drain();
  const auto sent = site.sink.From(before);
  ASSERT_GT(sent.size(), 80U);
  EXPECT_EQ(sent[0][0], receiver::kEmergency);
}

// The head-end's key was stolen: the second one takes over in boxes that have it.
TEST_F(EmergencyTest, ASecondKeyReplacesTheFirst) {
  Home home = HomeIn(1, kVillage);
  receiver::BoxState state = home.receiver.box().state();
  state.alerts.keys[2] = SignerOf(2)->key.public_key().bytes();
  home.receiver = receiver::Receiver(receiver::Box::Create(state).value(), *home.receiver.Remove());
  const uint64_t first = Proposed(Flood());
  Approved(first);
  EXPECT_EQ(Sounds(home), "ALARM flood");
  site.options.emergency_signer = SignerOf(2);
  site.Restart();
  Approved(Proposed(Drill()));
  EXPECT_EQ(Sounds(home), "DRILL flood");
  EXPECT_EQ(home.receiver.Feed(OnAir()[0]).why, receiver::Why::kNoKey);
}

TEST_F(EmergencyTest, RequestsAreRepeatedJudgedAndChecked) {
  Request request = By("li");
  const auto first = alerts().Propose(request, Flood());
  const auto again = alerts().Propose(request, Flood());
  ASSERT_TRUE(first && again);
  EXPECT_TRUE(again->change.repeated);
  EXPECT_EQ(again->view.emergency, first->view.emergency);
  const uint64_t number = first->view.emergency.number;

  Request dry = By("wang");
  dry.dry_run = true;
  const auto judged = alerts().Approve(dry, number);
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->view.emergency.state, EmergencyState::kApproved);
  EXPECT_EQ(alerts().Get(number)->emergency.state, EmergencyState::kProposed);
  Request stale = By("wang");
  stale.if_revision = first->change.revision + 1;
  EXPECT_EQ(ReasonOf(alerts().Approve(stale, number)), Reason::kRevisionMismatch);
  EXPECT_TRUE(OnAir().empty());

  Request approve = By("wang");
  approve.if_revision = first->change.revision;
  ASSERT_TRUE(alerts().Approve(approve, number));
  const auto repeated = alerts().Approve(approve, number);
  ASSERT_TRUE(repeated);
  EXPECT_TRUE(repeated->change.repeated);
  EXPECT_EQ(OnAir().size(), 1U);
  EXPECT_EQ(ReasonOf(alerts().Approve(By("zhao"), number)), Reason::kEmergencyStateInvalid);
  ASSERT_TRUE(alerts().Cancel(By("zhao"), number));
  EXPECT_EQ(ReasonOf(alerts().Cancel(By("zhao"), number)), Reason::kEmergencyStateInvalid);

  const auto audit = ListAudit(site.head().executor(), fmt::format("emergency:{}", number), 100, "");
  ASSERT_TRUE(audit) << audit.error().ToString();
  std::vector<std::string> acts;
  for (const auto& entry : audit->items) acts.push_back(entry.entry.actor + " " + entry.entry.action);
  EXPECT_THAT(acts, ElementsAre("li emergency.propose", "wang emergency.approve", "zhao emergency.cancel"));
}

TEST_F(EmergencyTest, WhatCannotBeIsRefusedWithItsReason) {
  EXPECT_EQ(ReasonOf(alerts().Approve(By("wang"), 7)), Reason::kEmergencyUnknown);
  EXPECT_EQ(ReasonOf(alerts().Cancel(By("wang"), 7)), Reason::kEmergencyUnknown);
  EXPECT_EQ(ReasonOf(alerts().Get(7)), Reason::kEmergencyUnknown);
  struct Row {
    const char* name;
    std::function<void(Emergency&)> change;
    Reason reason;
  };
  const Row rows[] = {
      {"a division nobody knows", [](auto& e) { e.regions = {999'999}; }, Reason::kRegionUnknown},
      {"no region", [](auto& e) { e.regions.clear(); }, Reason::kFieldMissing},
      {"no duration", [](auto& e) { e.minutes = 0; }, Reason::kFieldInvalid},
  };
  for (const Row& row : rows) {
    Emergency wanted = Flood();
    row.change(wanted);
    EXPECT_EQ(ReasonOf(alerts().Propose(By("li"), wanted)), row.reason) << row.name;
  }
  Request request = By("li");
  request.if_revision = 3;
  EXPECT_EQ(ReasonOf(alerts().Propose(request, Flood())), Reason::kFieldInvalid);

  const uint64_t number = Proposed(Flood());
  site.clock.Advance(hours(24));
  EXPECT_EQ(ReasonOf(alerts().Approve(By("wang"), number)), Reason::kEmergencyOver);
  EXPECT_EQ(ReasonOf(alerts().Cancel(By("wang"), number)), Reason::kEmergencyOver);
  EXPECT_TRUE(alerts().Get(number)->over);

  site.options.emergency_signer = nullptr;
  site.Restart();
  EXPECT_EQ(ReasonOf(alerts().Propose(By("li"), Flood())), Reason::kEmergencyKeyMissing);
}

TEST_F(EmergencyTest, AsManyAsBoxesHoldAndTheListGoesByPages) {
  for (int i = 0; i < 64; ++i) Proposed(i % 2 == 0 ? Flood() : Drill());
  EXPECT_EQ(ReasonOf(alerts().Propose(By("li"), Flood())), Reason::kLimitExceeded);
  EXPECT_EQ(alerts().List(true, 100, "")->items.size(), 64U);
  site.clock.Advance(hours(24));
  EXPECT_TRUE(alerts().List(true, 100, "")->items.empty());
  EXPECT_EQ(Proposed(Flood()), 65U);
  const auto first = alerts().List(false, 40, "");
  ASSERT_TRUE(first);
  const auto second = alerts().List(false, 40, first->next_token);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->items.size(), 40U);
  EXPECT_EQ(second->items.size(), 25U);
  EXPECT_EQ(second->items.front().emergency.number, 41U);
  EXPECT_EQ(second->next_token, "");
  EXPECT_EQ(ReasonOf(alerts().List(false, 40, "x")), Reason::kPageTokenInvalid);
}

TEST_F(EmergencyTest, AnAlertGoesBeforeAllThatWaitsAndIsRepeatedWhileItIsInForce) {
  site.sink.SetRate(site.clock, 10);
  for (uint64_t n = 1; n <= 20; ++n) ASSERT_TRUE(site.Open(n));
  ASSERT_TRUE(WaitUntil([&] {
    site.clock.Advance(std::chrono::milliseconds(50));
    return site.sink.size() > 5;
  }));
  ASSERT_GT(site.head().pump().waiting(), 10U) << "records and pairings wait";
  for (int i = 0; i < 2; ++i)
    (void)site.head().pump().DeliveryOf(CardOf(1));  // what there is room for is out
  const size_t before = site.sink.size();
  const uint64_t number = Proposed(Flood());
  Approved(number);
  const auto alerts_sent = [&] {
    size_t count = 0;
    for (const Bytes& section : site.sink.From(before)) count += section[0] == receiver::kEmergency ? 1 : 0;
    return count;
  };
  // The clock stands still: nothing else finds room on the air.
  EXPECT_TRUE(WaitUntil([&] { return alerts_sent() == 1; }));
  EXPECT_EQ(site.sink.From(before).front()[0], receiver::kEmergency);
  site.sink.SetRate(site.clock, 1000);
  const auto go = [&](minutes time) {
    const UnixMillis until(site.clock.Now().value + std::chrono::milliseconds(time).count());
    while (site.clock.Now() < until) {
      site.clock.Advance(std::chrono::milliseconds(1000));
      for (int i = 0; i < 2; ++i) (void)site.head().pump().DeliveryOf(CardOf(1));
    }
  };
  go(minutes(10));
  EXPECT_GE(alerts_sent(), 35U) << "each quarter of a minute, for as long as it is in force";
  site.Restart();
  const size_t so_far = alerts_sent();
  go(minutes(10));
  EXPECT_GE(alerts_sent(), so_far + 35) << "a restart ends nothing";
  go(minutes(75));
  const size_t at_end = alerts_sent();
  go(minutes(5));
  EXPECT_EQ(alerts_sent(), at_end) << "it is over";
}

}  // namespace
}  // namespace hearth::app
