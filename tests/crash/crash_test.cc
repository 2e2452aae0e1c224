// hearthd, killed in the middle of its work: nothing acknowledged is lost, nothing is half there, nothing is
// done twice.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/app/parallel.h"
#include "tests/crash/child.h"
#include "tests/crash/site.h"
#include "tests/crash/store_check.h"
#include "tests/crash/verify.h"
#include "tests/crash/worker.h"

namespace hearth::crash {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Then a new store is begun, so that checking everything stays short.
constexpr int kRoundsPerSite = 20;

uint64_t Seed() {
  const char* text = std::getenv("HEARTH_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
}

int Rounds() {
  const char* text = std::getenv("HEARTH_CRASH_ROUNDS");
  return text != nullptr ? std::max(1, static_cast<int>(std::strtol(text, nullptr, 10))) : 8;
}

// Adds up over sites.
struct Sum {
  int kills = 0;
  Tally tally;

  void Add(const Tally& other) {
    tally.acknowledged += other.acknowledged;
    tally.refused += other.refused;
    tally.doubtful_done += other.doubtful_done;
    tally.doubtful_undone += other.doubtful_undone;
  }
};

std::ostream& operator<<(std::ostream& out, const Sum& sum) {
  return out << fmt::format(
             "{} kills, {} changes acknowledged, {} races lost, {} in doubt ({} found done, {} not)",
             sum.kills, sum.tally.acknowledged, sum.tally.refused,
             sum.tally.doubtful_done + sum.tally.doubtful_undone, sum.tally.doubtful_done,
             sum.tally.doubtful_undone);
}

class Crash : public testing::Test {
 protected:
  uint64_t Random(uint64_t below) { return random_() % below; }

  void NewSite() {
    child_ = std::make_unique<Child>();
    races_ = std::vector<Race>(kPairs);
    workers_.clear();
    for (size_t n = 0; n < kWorkers; ++n) {
      workers_.push_back(std::make_unique<Worker>(n, random_(), races_[n / 2]));
    }
    child_->Spawn();
    ASSERT_TRUE(child_->WaitReady());
    SetUpSite(child_->address());
  }

  // Work, killed; perhaps a recovery, killed; a recovery, and everything looked at.
  void Round() {
    for (const auto& worker : workers_) worker->Connect(child_->address());
    std::thread killer([this, work = milliseconds(50 + Random(351))] {
      std::this_thread::sleep_for(work);
      EXPECT_TRUE(child_->Kill()) << "hearthd ended by itself";
    });
    app::InParallel(kWorkers, kWorkers, [&](size_t n) { workers_[n]->Work(); });
    killer.join();
    ++sum_.kills;
    if (Random(3) == 0) {
      child_->Spawn();
      std::this_thread::sleep_for(milliseconds(Random(150)));
      EXPECT_TRUE(child_->Kill()) << "hearthd ended in its recovery";
      ++sum_.kills;
    }
    child_->Spawn();
    ASSERT_TRUE(child_->WaitReady());
    for (const auto& worker : workers_) worker->Connect(child_->address());
    app::InParallel(kWorkers, kWorkers, [&](size_t n) { workers_[n]->Settle(); });
    Verify(child_->address(), workers_);
  }

  void EndSite() {
    auto client = std::make_unique<Client>(child_->address());
    WaitForAir(*client);
    // A server that stops waits for idle connections too, as long as for running calls.
    client.reset();
    for (const auto& worker : workers_) worker->Disconnect();
    EXPECT_EQ(child_->Stop(), 0) << "the end by SIGTERM";
    // Something that was decided and did not go out, a section or a commit.
    EXPECT_EQ(child_->LogLines("\"level\":\"error\""), "");
    std::set<std::string> lit;
    for (const auto& worker : workers_) {
      lit.insert(worker->lit().begin(), worker->lit().end());
      sum_.Add(worker->tally());
    }
    EXPECT_FALSE(lit.empty());
    CheckStore(child_->store(), child_->sections(), lit);
  }

  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  std::unique_ptr<Child> child_;
  std::vector<Race> races_;
  Workers workers_;
  Sum sum_;
};

TEST_F(Crash, NothingAcknowledgedIsLost) {
  const int rounds = Rounds();
  std::cout << "HEARTH_TEST_SEED=" << seed_ << " HEARTH_CRASH_ROUNDS=" << rounds << std::endl;
  for (int round = 0; round < rounds; ++round) {
    if (round % kRoundsPerSite == 0) NewSite();
    ASSERT_FALSE(HasFailure()) << "before round " << round;
    const auto began = Clock::now();
    Round();
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    std::cout << "round " << round << ": " << took.count() << " ms" << std::endl;
    ASSERT_FALSE(HasFailure()) << "round " << round;
    if (round % kRoundsPerSite == kRoundsPerSite - 1 || round == rounds - 1) EndSite();
  }
  std::cout << sum_ << "; seed " << seed_ << std::endl;
  EXPECT_GT(sum_.tally.acknowledged, 0U);
}

}  // namespace
}  // namespace hearth::crash
