// The commit thread: merging, back-pressure, and what happens when a write fails.
#include <atomic>
#include <ostream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "src/store/engine_store.h"
#include "src/store/memory_engine.h"
#include "src/store/rocks/rocks_engine.h"
#include "tests/store/conformance.h"

namespace hearth::store {
namespace {

using Verdict = HookedEngine::Verdict;

constexpr uint16_t kThreads = 8;
constexpr uint64_t kCommits = 100;  // by each thread

// Holds each Apply until opened.
class Gate {
 public:
  Verdict Enter() {
    MutexLock lock(mu_);
    ++entered_;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mu_);
    return Verdict::kApply;
  }
  void WaitEntered(int count) {
    MutexLock lock(mu_);
    while (entered_ < count) changed_.Wait(mu_);
  }
  void Set(bool open) {
    MutexLock lock(mu_);
    open_ = open;
    changed_.NotifyAll();
  }
  int entered() {
    MutexLock lock(mu_);
    return entered_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool open_ HEARTH_GUARDED_BY(mu_) = true;
  int entered_ HEARTH_GUARDED_BY(mu_) = 0;
};

class CommitThread : public testing::Test {
 protected:
  void Open(HookedEngine::Hook hook) {
    auto store = EngineStore::Create(std::make_unique<HookedEngine>(memory_, std::move(hook)), clock_,
                                     metrics_, limits_);
    ASSERT_TRUE(store) << NameOf(store);
    store_ = *std::move(store);
  }

  std::shared_ptr<Engine> memory_ = std::make_shared<MemoryEngine>();
  FakeClock clock_{UnixMillis(1'700'000'000'000)};
  TestMetrics metrics_;
  Limits limits_;
  std::unique_ptr<Store> store_;
};

TEST_F(CommitThread, AllThatWaitsBecomesOneBatch) {
  Gate gate;
  Open([&gate] { return gate.Enter(); });
  const Lease lease = *store_->Acquire(PartitionId(0), "a", kTtl);
  const int before = gate.entered();  // opening the store
  gate.Set(false);
  std::atomic<int> done = 0;
  const auto note = [&done](const Result<uint64_t>& result) { done += result ? 1 : 0; };
  store_->Commit(lease, BucketId(0), 0, Puts({{"k", "v"}}), note);
  gate.WaitEntered(before + 1);
  for (uint16_t bucket = 1; bucket < 50; ++bucket) {
    for (uint64_t n = 0; n < 4; ++n) store_->Commit(lease, BucketId(bucket), n, Puts({{"k", "v"}}), note);
  }
  EXPECT_EQ(done, 0);
  EXPECT_FALSE(*store_->Get(BucketId(0), Space::kObject, "k"));
  EXPECT_TRUE(store_->Sequences()->empty());
  gate.Set(true);
  EXPECT_TRUE(store_->CommitAndWait(lease, BucketId(0), 1, {}));
  EXPECT_EQ(done, 1 + 49 * 4);
  // The first, the 196 that waited, and the last, which may or may not have joined them.
  EXPECT_LE(gate.entered() - before, 3);
  EXPECT_EQ(metrics_.Value("hearth_store_commits_total"), 1 + 49 * 4 + 1);
  EXPECT_LE(metrics_.Value("hearth_store_batches_total"), 3);
}

TEST_F(CommitThread, ThreadsShareSyncs) {
  const TempDir dir;
  auto engine = OpenRocksEngine(dir.path() / "store");
  ASSERT_TRUE(engine) << NameOf(engine);
  store_ = *EngineStore::Create(*std::move(engine), clock_, metrics_, limits_);
  const Lease lease = *store_->Acquire(PartitionId(0), "a", kTtl);
  std::vector<std::thread> threads;
  for (uint16_t bucket = 0; bucket < kThreads; ++bucket) {
    threads.emplace_back([&, bucket] {
      for (uint64_t n = 0; n < kCommits; ++n) {
        ASSERT_TRUE(store_->CommitAndWait(lease, BucketId(bucket), n, Puts({{"k", "v"}})));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double batches = metrics_.Value("hearth_store_batches_total");
  EXPECT_EQ(metrics_.Value("hearth_store_commits_total"), kThreads * kCommits);
  EXPECT_LT(batches, kThreads * kCommits);
  RecordProperty("batches", static_cast<int>(batches));
}

TEST_F(CommitThread, AcquireWaitsForTheFormerOwnersCommit) {
  Gate gate;
  Open([&gate] { return gate.Enter(); });
  const Lease former = *store_->Acquire(PartitionId(0), "a", kTtl);
  const int before = gate.entered();
  gate.Set(false);
  store_->Commit(former, kBucket, 0, Puts({{"k", "former"}}), [](const Result<uint64_t>&) {});
  gate.WaitEntered(before + 1);
  clock_.Advance(kTtl);
  std::thread opener([&gate] { gate.Set(true); });
  const Lease next = *store_->Acquire(PartitionId(0), "b", kTtl);
  EXPECT_EQ(*store_->Claim(next, kBucket), 1U);
  opener.join();
}

struct LimitRow {
  const char* name;
  size_t commits;
  size_t bytes;
};

void PrintTo(const LimitRow& row, std::ostream* out) { *out << row.name; }

class BackPressure : public CommitThread, public testing::WithParamInterface<LimitRow> {};

TEST_P(BackPressure, CommittersWaitWhenTheQueueIsFull) {
  limits_.commits_waiting = GetParam().commits;
  limits_.commits_waiting_bytes = GetParam().bytes;
  Gate gate;
  Open([&gate] { return gate.Enter(); });
  const Lease lease = *store_->Acquire(PartitionId(0), "a", kTtl);
  const int before = gate.entered();
  gate.Set(false);
  std::atomic<int> queued = 0;
  std::atomic<int> done = 0;
  const auto note = [&done](const Result<uint64_t>& result) { done += result ? 1 : 0; };
  store_->Commit(lease, kBucket, 0, {}, note);
  gate.WaitEntered(before + 1);
  std::thread committer([&] {
    for (uint64_t n = 1; n < 20; ++n) {
      store_->Commit(lease, kBucket, n, Puts({{"k", std::string(1000, 'x')}}), note);
      ++queued;
    }
  });
  while (queued < 3) std::this_thread::yield();
  // Only a store without back-pressure gets further meanwhile.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(queued, 3);
  gate.Set(true);
  committer.join();
  store_.reset();
  EXPECT_EQ(done, 20);
}

INSTANTIATE_TEST_SUITE_P(Store, BackPressure,
                         testing::Values(LimitRow{"commits", 3, 1 << 20}, LimitRow{"bytes", 1000, 3500}),
                         [](const auto& row) { return row.param.name; });

TEST_F(CommitThread, AnEmptyQueueTakesACommitLargerThanAllLimits) {
  limits_.commits_waiting_bytes = 10;
  Open(nullptr);
  const Lease lease = *store_->Acquire(PartitionId(0), "a", kTtl);
  EXPECT_TRUE(store_->CommitAndWait(lease, kBucket, 0, Puts({{"k", std::string(1000, 'x')}})));
}

// The nth write fails, before or after it reached the engine, while several threads commit to their own
// buckets. Afterwards all acknowledged commits are there, and what the failed write carried is there wholly
// or not at all.
struct FailureRow {
  const char* name;
  Verdict verdict;
  bool rocks;
};

void PrintTo(const FailureRow& row, std::ostream* out) { *out << row.name; }

class Failure : public CommitThread, public testing::WithParamInterface<FailureRow> {
 protected:
  void OpenFailing(int nth) {
    if (GetParam().rocks) {
      auto engine = OpenRocksEngine(dir_.path() / "store");
      ASSERT_TRUE(engine) << NameOf(engine);
      memory_ = *std::move(engine);
    }
    left_ = nth;
    Open([this] { return left_-- == 0 ? GetParam().verdict : Verdict::kApply; });
  }
  void Close() {
    store_.reset();
    if (GetParam().rocks) memory_.reset();
  }

  TempDir dir_;
  std::atomic<int> left_ = 0;
};

TEST_P(Failure, IsStickyAndLosesNothingAcknowledged) {
  for (const int nth : {2, 3, 10, 25}) {
    OpenFailing(nth);
    std::vector<uint64_t> before;
    for (uint16_t bucket = 0; bucket < kThreads; ++bucket) {
      const auto value = store_->Get(BucketId(bucket), Space::kObject, "k");
      before.push_back(*value ? std::stoull(**value) : 0);
    }
    const Lease lease = *store_->Acquire(PartitionId(0), "a", kTtl);
    std::vector<uint64_t> acknowledged = before;
    std::vector<std::thread> threads;
    for (uint16_t bucket = 0; bucket < kThreads; ++bucket) {
      threads.emplace_back([&, bucket] {
        for (uint64_t n = before[bucket];; ++n) {
          const std::string text = std::to_string(n + 1);
          const auto result =
              store_->CommitAndWait(lease, BucketId(bucket), n, Puts({{"k", text}, {"l", text}}));
          if (!result) {
            EXPECT_EQ(NameOf(result), "STORE_READ_ONLY");
            EXPECT_EQ(result.error().detail(), "injected");
            EXPECT_EQ(result.error().metadata().front().second, "STORE_FULL");
            return;
          }
          acknowledged[bucket] = *result;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();

    EXPECT_TRUE(store_->read_only());
    EXPECT_EQ(metrics_.Value("hearth_store_read_only"), 1);
    for (uint16_t bucket = 0; bucket < kThreads; ++bucket) {
      const uint64_t sequence = *store_->Claim(lease, BucketId(bucket));
      EXPECT_EQ(sequence, acknowledged[bucket]);
      // What a caller would do next; also with the sequence the failed commit would have made.
      for (const uint64_t next : {sequence, sequence + 1}) {
        EXPECT_EQ(NameOf(store_->CommitAndWait(lease, BucketId(bucket), next, {})), "STORE_READ_ONLY");
      }
    }
    EXPECT_TRUE(store_->Acquire(PartitionId(1), "a", kTtl)) << "ownership needs no disk";

    Close();
    OpenFailing(-1);
    EXPECT_FALSE(store_->read_only());
    EXPECT_EQ(metrics_.Value("hearth_store_read_only"), 0);
    const Lease again = *store_->Acquire(PartitionId(0), "a", kTtl);
    for (uint16_t bucket = 0; bucket < kThreads; ++bucket) {
      const uint64_t sequence = *store_->Claim(again, BucketId(bucket));
      const uint64_t at_most = acknowledged[bucket] + (GetParam().verdict == Verdict::kFailAfter ? 1 : 0);
      EXPECT_GE(sequence, acknowledged[bucket]);
      EXPECT_LE(sequence, at_most);
      for (const char* key : {"k", "l"}) {
        const auto value = store_->Get(BucketId(bucket), Space::kObject, key);
        EXPECT_EQ(value->value_or("0"), std::to_string(sequence));
      }
    }
    const BucketId other(kThreads);
    EXPECT_TRUE(store_->CommitAndWait(again, other, *store_->Claim(again, other), {}));
    Close();
  }
}

TEST_P(Failure, WhatIsStagedTogetherFailsTogether) {
  Gate gate;
  OpenFailing(-1);
  Close();
  if (GetParam().rocks) memory_ = *OpenRocksEngine(dir_.path() / "store");
  std::atomic<bool> fail = false;
  Open([&] {
    gate.Enter();
    return fail ? GetParam().verdict : Verdict::kApply;
  });
  const Lease lease = *store_->Acquire(PartitionId(0), "a", kTtl);
  const int before = gate.entered();
  gate.Set(false);
  std::vector<std::string> outcomes;
  const auto note = [&](const Result<uint64_t>& result) { outcomes.push_back(NameOf(result)); };
  store_->Commit(lease, kBucket, 0, {}, note);
  gate.WaitEntered(before + 1);
  fail = true;
  store_->Commit(lease, kBucket, 1, {}, note);
  store_->Commit(lease, kBucket, 7, {}, note);  // would conflict, but by a state that is not to be
  store_->Commit(lease, kNeighbour, 0, {}, note);
  gate.Set(true);
  EXPECT_EQ(NameOf(store_->CommitAndWait(lease, kNeighbour, 1, {})), "STORE_READ_ONLY");
  EXPECT_EQ(outcomes, (std::vector<std::string>(4, "STORE_READ_ONLY")));
  EXPECT_EQ(NameOf(store_->Trim(lease, kBucket, Space::kRecord, SequenceKey(9))), "OK") << "nothing to trim";
}

INSTANTIATE_TEST_SUITE_P(Store, Failure,
                         testing::Values(FailureRow{"memory_before", Verdict::kFailBefore, false},
                                         FailureRow{"memory_after", Verdict::kFailAfter, false},
                                         FailureRow{"rocks_before", Verdict::kFailBefore, true},
                                         FailureRow{"rocks_after", Verdict::kFailAfter, true}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace hearth::store
