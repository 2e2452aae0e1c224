// What spans buckets: races for one thing, a stop at every step, a kill between any two commits.
#include <latch>
#include <thread>

#include <gtest/gtest.h>

#include "src/crypto/primitives.h"
#include "tests/app/site.h"

namespace hearth::app {
namespace {

using entitlement::AccountState;

void ExpectSound(Site& site, bool drained, const std::string& when) {
  for (const std::string& broken : site.BrokenInvariants(drained)) ADD_FAILURE() << when << ": " << broken;
}

// --- Races

struct RaceRow {
  const char* name;
  Reason refusal;
  // Makes the two forms want one thing.
  void (*collide)(entitlement::Form& first, entitlement::Form& second);
};
void PrintTo(const RaceRow& row, std::ostream* out) { *out << row.name; }

class Race : public testing::TestWithParam<RaceRow> {};

TEST_P(Race, OneWinsTheOtherIsToldAndMayOpenOtherwise) {
  Site site;
  for (uint64_t round = 0; round < 12; ++round) {
    entitlement::Form forms[2] = {FormOf(4 * round + 1), FormOf(4 * round + 2)};
    GetParam().collide(forms[0], forms[1]);
    std::optional<Result<AccountChanged>> answers[2];
    std::latch start(2);
    std::thread threads[2];
    for (int i = 0; i < 2; ++i) {
      threads[i] = std::thread([&, i] {
        const Request request = site.NewRequest();
        start.arrive_and_wait();
        answers[i] = site.head().registry().Open(request, forms[i]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    const int winners = (*answers[0] ? 1 : 0) + (*answers[1] ? 1 : 0);
    ASSERT_EQ(winners, 1) << "round " << round;
    const int loser = *answers[0] ? 1 : 0;
    EXPECT_EQ(answers[loser]->error().reason(), GetParam().refusal) << answers[loser]->error().ToString();
    ExpectSound(site, false, "after the race");
    // What the loser did not lose is free.
    entitlement::Form other = FormOf(4 * round + 3);
    const entitlement::Form& lost = forms[loser];
    const entitlement::Form& won = forms[1 - loser];
    if (lost.devices.card != won.devices.card) other.devices.card = lost.devices.card;
    if (lost.devices.box != won.devices.box) other.devices.box = lost.devices.box;
    if (lost.devices.sim != won.devices.sim) other.devices.sim = lost.devices.sim;
    const auto opened = site.head().registry().Open(site.NewRequest(), other);
    ASSERT_TRUE(opened) << opened.error().ToString();
  }
  site.Drain();
  ExpectSound(site, true, "at the end");
}

INSTANTIATE_TEST_SUITE_P(
    App, Race,
    testing::Values(
        RaceRow{"box", Reason::kBoxInUse, [](auto& a, auto& b) { b.devices.box = a.devices.box; }},
        RaceRow{"card", Reason::kCardInUse, [](auto& a, auto& b) { b.devices.card = a.devices.card; }},
        RaceRow{"sim", Reason::kSimInUse, [](auto& a, auto& b) { b.devices.sim = a.devices.sim; }},
        RaceRow{"person", Reason::kPersonInUse,
                [](auto& a, auto& b) { b.person.person_id = a.person.person_id; }}),
    [](const auto& row) { return row.param.name; });

TEST(SagaRace, OneFormNumberIsOpenedOnce) {
  Site site;
  for (uint64_t round = 0; round < 12; ++round) {
    entitlement::Form forms[2] = {FormOf(2 * round + 1), FormOf(2 * round + 2)};
    forms[1].form_number = forms[0].form_number;
    std::optional<Result<AccountChanged>> answers[2];
    std::latch start(2);
    std::thread threads[2];
    for (int i = 0; i < 2; ++i) {
      threads[i] = std::thread([&, i] {
        const Request request = site.NewRequest();
        start.arrive_and_wait();
        answers[i] = site.head().registry().Open(request, forms[i]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_NE(answers[0]->has_value(), answers[1]->has_value());
    const Reason reason = (*answers[0] ? answers[1] : answers[0])->error().reason();
    EXPECT_TRUE(reason == Reason::kAccountPending || reason == Reason::kAccountExists);
  }
  site.Drain();
  ExpectSound(site, true, "at the end");
}

TEST(SagaRace, OneRequestSentTwiceAtOnceIsDoneOnce) {
  Site site;
  for (uint64_t n = 1; n <= 12; ++n) {
    const Request request = site.NewRequest();
    std::optional<Result<AccountChanged>> answers[3];
    std::latch start(3);
    std::thread threads[3];
    for (int i = 0; i < 3; ++i) {
      threads[i] = std::thread([&, i] {
        start.arrive_and_wait();
        answers[i] = site.head().registry().Open(request, FormOf(n));
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& answer : answers) {
      ASSERT_TRUE(*answer) << answer->error().ToString();
      EXPECT_EQ((*answer)->view.account.form, FormOf(n));
      EXPECT_EQ((*answer)->view.account.history.size(), 1U);
    }
  }
  site.Drain();
  ExpectSound(site, true, "at the end");
}

// Stops the thread that names itself at one step until it is let go.
class Stopper {
 public:
  Stopper(Registry& registry, std::string step) {
    registry.SetProbe([this, step = std::move(step)](std::string_view at) -> Status {
      if (at != step || std::this_thread::get_id() != victim_.load()) return Ok();
      victim_ = std::thread::id();  // once
      reached_.count_down();
      go_.wait();
      return Ok();
    });
  }
  void BeVictim() { victim_ = std::this_thread::get_id(); }
  void WaitReached() { reached_.wait(); }
  void LetGo() { go_.count_down(); }

 private:
  std::atomic<std::thread::id> victim_;
  std::latch reached_{1};
  std::latch go_{1};
};

// The opener is held up while a report settles its account, and wakes when all is over.
TEST(SagaDrivers, ALateDriverOfAnOpeningChangesNothing) {
  for (const std::string step :
       {"begun", "claimed person", "claimed card", "claimed SIM", "joined group", "in force", "bound card"}) {
    Site site;
    Stopper stopper(site.head().registry(), step);
    std::optional<Result<AccountChanged>> answer;
    std::thread opener([&] {
      stopper.BeVictim();
      answer = site.Open(1);
    });
    stopper.WaitReached();
    ASSERT_TRUE(site.head().registry().Settle(FormNumberOf(1)));
    Home home = site.NewHome(1);
    const auto activated = site.Send(home, kHome);
    ASSERT_TRUE(activated) << step << ": " << activated.error().ToString();
    EXPECT_EQ(activated->outcome, ReportOutcome::kActivated);
    stopper.LetGo();
    opener.join();
    ASSERT_TRUE(*answer) << step << ": " << answer->error().ToString();
    site.Drain();
    site.Listen(home);
    EXPECT_TRUE(site.Watches(home)) << step;
    ExpectSound(site, true, step);
  }
}

// The opener is held up while its opening is given up, the box it wanted goes elsewhere …
TEST(SagaDrivers, ALateDriverOfARefusedOpeningClaimsNothing) {
  Site site;
  ASSERT_TRUE(site.Open(2));
  entitlement::Form form = FormOf(1);
  form.devices.sim = SimOf(2);  // refused last
  Stopper stopper(site.head().registry(), "claimed person");
  std::optional<Result<AccountChanged>> answer;
  std::thread opener([&] {
    stopper.BeVictim();
    answer = site.head().registry().Open(site.NewRequest(), form);
  });
  stopper.WaitReached();
  ASSERT_TRUE(site.head().registry().Settle(FormNumberOf(1)));
  EXPECT_EQ(site.head().registry().Get(FormNumberOf(1)).error().reason(), Reason::kAccountUnknown);
  entitlement::Form other = FormOf(3);
  other.devices.card = CardOf(1);
  ASSERT_TRUE(site.head().registry().Open(site.NewRequest(), other));
  stopper.LetGo();
  opener.join();
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().reason(), Reason::kCardInUse) << "it began anew and met the other";
  ExpectSound(site, false, "at the end");
}

// The swapper is held up while its swap is finished and another brings the old things back.
TEST(SagaDrivers, ALateFinisherFreesNothingThatCameBack) {
  for (const std::string step : {"in force", "unbound card", "bound card", "freed box"}) {
    Site site;
    ASSERT_TRUE(site.Open(1));
    const entitlement::Devices away{.card = CardOf(21), .box = BoxOf(21), .sim = SimOf(21)};
    const entitlement::Devices back{.card = CardOf(1), .box = BoxOf(1), .sim = SimOf(1)};
    Stopper stopper(site.head().registry(), step);
    std::thread swapper([&] {
      stopper.BeVictim();
      EXPECT_TRUE(site.Swap(1, away)) << step;
    });
    stopper.WaitReached();
    ASSERT_TRUE(site.head().registry().Settle(FormNumberOf(1)));
    const auto returned = site.Swap(1, back);
    ASSERT_TRUE(returned) << step << ": " << returned.error().ToString();
    stopper.LetGo();
    swapper.join();
    site.Drain();
    ExpectSound(site, true, step);
    EXPECT_EQ(site.head().registry().Get(FormNumberOf(1))->account.form.devices, back);
  }
}

// What a close has left behind is finished by whoever wants it.
TEST(SagaDrivers, WhatAnUnfinishedCloseHoldsIsFreedForTheNext) {
  Site site;
  ASSERT_TRUE(site.Open(1));
  site.head().registry().SetProbe([](std::string_view step) -> Status {
    return step == "unbound card" ? Status(Error(Reason::kInternal, "stopped by the test")) : Ok();
  });
  ASSERT_TRUE(site.Close(1));
  site.head().registry().SetProbe(nullptr);
  entitlement::Form form = FormOf(2);
  form.devices.box = BoxOf(1);
  const auto opened = site.head().registry().Open(site.NewRequest(), form);
  ASSERT_TRUE(opened) << opened.error().ToString();
  site.Drain();
  ExpectSound(site, true, "at the end");
}

// --- A stop at every step, or a kill between any two commits; then recovery over the same store

struct Order {
  const char* name;
  void (*prepare)(Site& site);
  Result<AccountChanged> (*run)(Registry& registry, const Request& request);
  // What the order gives in the end: open, closed, or this refusal.
  std::optional<AccountState> in_the_end;
  Reason refusal = Reason::kInternal;
};
void PrintTo(const Order& order, std::ostream* out) { *out << order.name; }

Result<AccountChanged> RunOpen(Registry& registry, const Request& request) {
  return registry.Open(request, FormOf(1));
}
Result<AccountChanged> RunSwapAll(Registry& registry, const Request& request) {
  return registry.Swap(request, FormNumberOf(1), {.card = CardOf(21), .box = BoxOf(21), .sim = SimOf(21)});
}
Result<AccountChanged> RunSwapBox(Registry& registry, const Request& request) {
  return registry.Swap(request, FormNumberOf(1), {.card = {}, .box = BoxOf(21), .sim = {}});
}
Result<AccountChanged> RunClose(Registry& registry, const Request& request) {
  return registry.Close(request, FormNumberOf(1));
}
void Opened(Site& site) {
  ASSERT_TRUE(site.Open(1));
  Home home = site.NewHome(1);
  ASSERT_TRUE(site.Send(home, kHome));
  site.Drain();
}
// SIM 1 belongs to account 2: an opening of account 1 is refused at its last claim.
void SimTaken(Site& site) {
  entitlement::Form form = FormOf(2);
  form.devices.sim = SimOf(1);
  ASSERT_TRUE(site.head().registry().Open(site.NewRequest(), form));
  site.Drain();
}
// … and so is a swap to SIM 21.
void SwapSimTaken(Site& site) {
  Opened(site);
  entitlement::Form form = FormOf(2);
  form.devices.sim = SimOf(21);
  ASSERT_TRUE(site.head().registry().Open(site.NewRequest(), form));
  site.Drain();
}

class Crash : public testing::TestWithParam<Order> {
 protected:
  // After the recovery: the same request again, and the world is sound.
  void Finish(Site& site, const Request& request, const std::string& when) {
    const Order& order = GetParam();
    ExpectSound(site, false, when + ", recovered");
    const auto answer = order.run(site.head().registry(), request);
    if (order.in_the_end) {
      ASSERT_TRUE(answer) << when << ": " << answer.error().ToString();
      EXPECT_EQ(answer->view.account.state, *order.in_the_end) << when;
      EXPECT_FALSE(answer->view.account.intent) << when;
      const auto again = order.run(site.head().registry(), request);
      ASSERT_TRUE(again) << when;
      EXPECT_TRUE(again->change.repeated);
      EXPECT_EQ(again->change.revision, answer->change.revision) << when;
      EXPECT_EQ(again->view.account, answer->view.account) << when;
      EXPECT_EQ(site.head().registry().Get(FormNumberOf(1))->account, answer->view.account) << when;
    } else {
      ASSERT_FALSE(answer) << when;
      EXPECT_EQ(answer.error().reason(), order.refusal) << when << ": " << answer.error().ToString();
    }
    site.Drain();
    ExpectSound(site, true, when + ", drained");
  }
};

TEST_P(Crash, StoppedAtAnyStepItIsFinishedOrGivenUp) {
  int steps = 0;
  for (int stop_at = 1;; ++stop_at) {
    Site site;
    GetParam().prepare(site);
    int calls = 0;
    std::string stopped;
    site.head().registry().SetProbe([&](std::string_view step) -> Status {
      if (++calls < stop_at) return Ok();
      if (stopped.empty()) stopped = step;
      return Error(Reason::kInternal, "stopped by the test");
    });
    const Request request = site.NewRequest();
    (void)GetParam().run(site.head().registry(), request);
    if (stopped.empty()) break;
    ++steps;
    site.Restart();
    ASSERT_TRUE(site.running());
    Finish(site, request, "stopped at " + stopped);
  }
  EXPECT_GE(steps, 3);
}

// Without a restart: whoever touches the account next finishes it.
TEST_P(Crash, LeftBehindItIsFinishedAtTheNextTouch) {
  for (int stop_at = 1;; ++stop_at) {
    Site site;
    GetParam().prepare(site);
    int calls = 0;
    std::string stopped;
    site.head().registry().SetProbe([&](std::string_view step) -> Status {
      if (++calls != stop_at) return Ok();
      stopped = step;
      return Error(Reason::kInternal, "stopped by the test");
    });
    const Request request = site.NewRequest();
    (void)GetParam().run(site.head().registry(), request);
    if (stopped.empty()) break;
    // Somebody else's order for the same account: told that it is being changed, or that it is closed.
    (void)site.Close(1);
    if (GetParam().in_the_end == AccountState::kOpen) {
      const auto account = site.head().registry().Get(FormNumberOf(1));
      EXPECT_FALSE(account && account->account.intent) << stopped;
    }
    site.Drain();
    ExpectSound(site, true, "touched after " + stopped);
  }
}

// The sink fails meanwhile, so that the pump commits nothing and the count of commits is the saga's.
TEST_P(Crash, KilledBetweenAnyTwoCommitsNothingIsLost) {
  int kills = 0;
  for (int survive = 0;; ++survive) {
    Site site;
    GetParam().prepare(site);
    site.sink.Fail(true);
    std::atomic<int> left = survive;
    std::atomic<bool> killed = false;
    site.store->SetGuard([&](store::BucketId bucket, const store::Batch&) -> Status {
      if (!killed && bucket.value > store::kSystemBucket.value) return Ok();
      if (!killed && left-- > 0) return Ok();
      killed = true;
      return Error(Reason::kStoreReadOnly, "killed by the test");
    });
    const Request request = site.NewRequest();
    const auto answer = GetParam().run(site.head().registry(), request);
    if (!killed) break;
    ++kills;
    site.Stop();
    site.store->SetGuard(nullptr);
    site.sink.Fail(false);
    site.Start();
    ASSERT_TRUE(site.running());
    if (answer) {
      const auto account = site.head().registry().Get(FormNumberOf(1));
      ASSERT_TRUE(account) << "answered after " << survive << " commits, and lost";
      EXPECT_EQ(account->account.form, answer->view.account.form);
      EXPECT_EQ(account->account.state, answer->view.account.state);
      EXPECT_EQ(account->account.history, answer->view.account.history);
    }
    Finish(site, request, "killed after " + std::to_string(survive) + " commits");
  }
  EXPECT_GE(kills, 4);
}

INSTANTIATE_TEST_SUITE_P(
    App, Crash,
    testing::Values(Order{"open", [](Site&) {}, RunOpen, AccountState::kOpen},
                    Order{"swap_all", Opened, RunSwapAll, AccountState::kOpen},
                    Order{"swap_box", Opened, RunSwapBox, AccountState::kOpen},
                    Order{"close", Opened, RunClose, AccountState::kClosed},
                    Order{"refused_open", SimTaken, RunOpen, std::nullopt, Reason::kSimInUse},
                    Order{"refused_swap", SwapSimTaken, RunSwapAll, std::nullopt, Reason::kSimInUse}),
    [](const auto& order) { return order.param.name; });

}  // namespace
}  // namespace hearth::app
