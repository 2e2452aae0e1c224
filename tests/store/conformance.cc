#include "tests/store/conformance.h"

#include <thread>

#include "src/base/mutex.h"

namespace hearth::store {

namespace {

constexpr int kThreads = 4;
constexpr int kAdditions = 150;  // by each thread

}  // namespace

void StoreConformance::Open() {
  store_.reset();
  auto store = GetParam().open(dir_.path() / "store", clock_, metrics_, limits_);
  ASSERT_TRUE(store) << store.error().ToString() << store.error().detail();
  store_ = *std::move(store);
}

Lease StoreConformance::MustAcquire(BucketId bucket, std::string_view owner) {
  auto lease = store_->Acquire(PartitionOf(bucket), owner, kTtl);
  EXPECT_TRUE(lease) << NameOf(lease);
  return lease ? *lease : Lease{};
}

uint64_t StoreConformance::MustCommit(const Lease& lease, BucketId bucket, Batch batch) {
  const auto sequence = store_->Claim(lease, bucket);
  EXPECT_TRUE(sequence) << NameOf(sequence);
  const auto committed = store_->CommitAndWait(lease, bucket, sequence.value_or(0), std::move(batch));
  EXPECT_TRUE(committed) << NameOf(committed);
  return committed.value_or(0);
}

std::string StoreConformance::Read(BucketId bucket, std::string_view key, Space space) {
  const auto value = store_->Get(bucket, space, key);
  EXPECT_TRUE(value) << NameOf(value);
  return value && *value ? **value : std::string(kAbsent);
}

std::vector<std::string> StoreConformance::Keys(BucketId bucket, Space space, std::string_view prefix,
                                                size_t limit) {
  std::vector<std::string> keys;
  for (bool more = true; more;) {
    const auto page = store_->Scan(bucket, space, prefix, keys.empty() ? std::string() : keys.back(), limit);
    if (!page) {
      ADD_FAILURE() << NameOf(page);
      break;
    }
    EXPECT_LE(page->items.size(), limit);
    EXPECT_TRUE(!page->more || !page->items.empty());
    for (const KeyValue& item : page->items) keys.push_back(item.key);
    more = page->more && !page->items.empty();
  }
  return keys;
}

Batch Puts(std::vector<KeyValue> puts) {
  Batch batch;
  batch.puts = std::move(puts);
  return batch;
}

// --- Leases

TEST_P(StoreConformance, LeaseIsExclusiveUntilItExpires) {
  const Lease a = MustAcquire(kBucket, "a");
  EXPECT_EQ(a.owner, "a");
  EXPECT_EQ(NameOf(store_->Acquire(a.partition, "b", kTtl)), "STORE_LEASE_HELD");
  EXPECT_EQ(*store_->OwnerOf(a.partition), "a");
  clock_.Advance(kTtl - std::chrono::milliseconds(1));
  EXPECT_EQ(NameOf(store_->Acquire(a.partition, "b", kTtl)), "STORE_LEASE_HELD");
  clock_.Advance(std::chrono::milliseconds(1));
  EXPECT_EQ(*store_->OwnerOf(a.partition), std::nullopt);
  const Lease b = MustAcquire(kBucket, "b");
  EXPECT_GT(b.epoch, a.epoch);
  EXPECT_EQ(*store_->OwnerOf(a.partition), "b");
  EXPECT_EQ(NameOf(store_->Renew(a, kTtl)), "STORE_FENCED");
  EXPECT_EQ(NameOf(store_->Release(a)), "STORE_FENCED");
  EXPECT_EQ(*store_->OwnerOf(a.partition), "b");
  EXPECT_EQ(*store_->OwnerOf(PartitionOf(kElsewhere)), std::nullopt);
}

TEST_P(StoreConformance, RenewProlongsAndReleaseEnds) {
  const Lease a = MustAcquire(kBucket, "a");
  clock_.Advance(kTtl - std::chrono::milliseconds(1));
  EXPECT_TRUE(store_->Renew(a, kTtl));
  clock_.Advance(kTtl - std::chrono::milliseconds(1));
  EXPECT_EQ(NameOf(store_->Acquire(a.partition, "b", kTtl)), "STORE_LEASE_HELD");
  EXPECT_TRUE(store_->Release(a));
  EXPECT_TRUE(store_->Release(a));
  EXPECT_EQ(NameOf(store_->Renew(a, kTtl)), "STORE_FENCED");
  EXPECT_EQ(*store_->OwnerOf(a.partition), std::nullopt);
  EXPECT_GT(MustAcquire(kBucket, "b").epoch, a.epoch);
}

TEST_P(StoreConformance, WallClockJumpsDoNotEndALease) {
  const Lease a = MustAcquire(kBucket, "a");
  clock_.Jump(UnixMillis(clock_.Now().value + 1'000'000'000));
  EXPECT_EQ(*store_->OwnerOf(a.partition), "a");
}

TEST_P(StoreConformance, AcquiringAgainRaisesTheEpochAndFencesTheFormerLease) {
  const Lease first = MustAcquire(kBucket, "a");
  const Lease second = MustAcquire(kBucket, "a");
  EXPECT_GT(second.epoch, first.epoch);
  EXPECT_EQ(NameOf(store_->Claim(first, kBucket)), "STORE_FENCED");
  EXPECT_EQ(NameOf(store_->CommitAndWait(first, kBucket, 0, Puts({{"k", "v"}}))), "STORE_FENCED");
  EXPECT_EQ(NameOf(store_->Trim(first, kBucket, Space::kRecord, SequenceKey(9))), "STORE_FENCED");
  EXPECT_EQ(*store_->CommitAndWait(second, kBucket, 0, Puts({{"k", "v"}})), 1U);
}

TEST_P(StoreConformance, ALeaseIsGoodForItsOwnPartitionOnly) {
  const Lease lease = MustAcquire(kBucket);
  const Lease elsewhere = MustAcquire(kElsewhere);
  EXPECT_EQ(NameOf(store_->Claim(lease, kElsewhere)), "STORE_FENCED");
  EXPECT_EQ(NameOf(store_->CommitAndWait(lease, kElsewhere, 0, {})), "STORE_FENCED");
  EXPECT_EQ(NameOf(store_->CommitAndWait(elsewhere, kBucket, 0, {})), "STORE_FENCED");
  EXPECT_EQ(*store_->CommitAndWait(lease, kNeighbour, 0, {}), 1U);
}

TEST_P(StoreConformance, LeasesAndEpochsOverAReopen) {
  if (!GetParam().persistent) GTEST_SKIP() << "keeps nothing";
  const Lease old = MustAcquire(kBucket, "a");
  MustCommit(old, kBucket, Puts({{"k", "1"}}));
  Open();
  EXPECT_EQ(*store_->OwnerOf(old.partition), std::nullopt);
  EXPECT_EQ(NameOf(store_->CommitAndWait(old, kBucket, 1, Puts({{"k", "2"}}))), "STORE_FENCED");
  const Lease fresh = MustAcquire(kBucket, "b");
  EXPECT_GT(fresh.epoch, old.epoch);
  EXPECT_EQ(NameOf(store_->CommitAndWait(old, kBucket, 1, Puts({{"k", "2"}}))), "STORE_FENCED");
  EXPECT_EQ(NameOf(store_->Renew(old, kTtl)), "STORE_FENCED");
  EXPECT_EQ(*store_->Claim(fresh, kBucket), 1U);
  EXPECT_EQ(*store_->CommitAndWait(fresh, kBucket, 1, Puts({{"k", "3"}})), 2U);
  EXPECT_EQ(Read(kBucket, "k"), "3");
}

TEST_P(StoreConformance, AllPartitionsCanBeAcquiredAtOnce) {
  for (uint16_t p = 0; p < kPartitions; ++p) {
    ASSERT_TRUE(store_->Acquire(PartitionId(p), "a", kTtl)) << p;
  }
}

// --- Commits

TEST_P(StoreConformance, OneCommitWritesAllSpacesAtOnce) {
  const Lease lease = MustAcquire(kBucket);
  MustCommit(lease, kBucket, Puts({{"old", "x"}}));
  Batch batch = Puts({{"k1", "v1"}, {"k2", ""}});
  batch.deletes = {"old", "never there"};
  batch.dedup = {{"d1", "answer"}};
  batch.outbox = {"first", "second"};
  batch.record = "record";
  batch.audit = "audit";
  EXPECT_EQ(MustCommit(lease, kBucket, std::move(batch)), 2U);
  EXPECT_EQ(Read(kBucket, "k1"), "v1");
  EXPECT_EQ(Read(kBucket, "k2"), "");
  EXPECT_EQ(Read(kBucket, "old"), kAbsent);
  EXPECT_EQ(Read(kBucket, "d1", Space::kDedup), "answer");
  EXPECT_EQ(Read(kBucket, "d1"), kAbsent);
  EXPECT_EQ(Read(kBucket, OutboxKey(2, 0), Space::kOutbox), "first");
  EXPECT_EQ(Read(kBucket, OutboxKey(2, 1), Space::kOutbox), "second");
  EXPECT_EQ(Keys(kBucket, Space::kOutbox).size(), 2U);
  EXPECT_EQ(Read(kBucket, SequenceKey(2), Space::kRecord), "record");
  EXPECT_EQ(Read(kBucket, SequenceKey(2), Space::kAudit), "audit");
  EXPECT_EQ(Read(kBucket, SequenceKey(1), Space::kRecord), kAbsent);
  EXPECT_EQ(*store_->Claim(lease, kBucket), 2U);
  EXPECT_EQ(*store_->Claim(lease, kNeighbour), 0U);
}

TEST_P(StoreConformance, DeletesComeBeforePutsAndTheLaterPutCounts) {
  const Lease lease = MustAcquire(kBucket);
  Batch batch = Puts({{"k", "1"}, {"k", "2"}});
  batch.deletes = {"k"};
  MustCommit(lease, kBucket, std::move(batch));
  EXPECT_EQ(Read(kBucket, "k"), "2");
}

TEST_P(StoreConformance, ARefusedCommitChangesNothing) {
  const Lease lease = MustAcquire(kBucket);
  const Lease stale = {lease.partition, lease.epoch - 1, lease.owner};
  MustCommit(lease, kBucket, Puts({{"there", "1"}}));
  struct Row {
    const char* name;
    Lease lease;
    BucketId bucket;
    uint64_t expected;
    Batch batch;
    std::string reason;
  };
  const auto full = [](Batch batch) {
    batch.puts.push_back({"new", "x"});
    batch.deletes = {"there"};
    batch.outbox = {"x"};
    batch.record = batch.audit = "x";
    batch.dedup = {{"new", "x"}};
    return batch;
  };
  Batch absent;
  absent.expect_absent = {"elsewhere", "there"};
  const Row rows[] = {
      {"sequence behind", lease, kBucket, 0, full({}), "STORE_CONFLICT"},
      {"sequence ahead", lease, kBucket, 2, full({}), "STORE_CONFLICT"},
      {"sequence at the end", lease, kBucket, UINT64_MAX, full({}), "STORE_CONFLICT"},
      {"stale epoch", stale, kBucket, 1, full({}), "STORE_FENCED"},
      {"epoch of the future", {lease.partition, lease.epoch + 1, "a"}, kBucket, 1, full({}), "STORE_FENCED"},
      {"no such partition", {PartitionId(60'000), 1, "a"}, kBucket, 1, full({}), "STORE_FENCED"},
      {"key present", lease, kBucket, 1, full(absent), "STORE_KEY_PRESENT"},
      {"value too large", lease, kBucket, 1,
       full(Puts({{"big", std::string(limits_.store_value_bytes + 1, 'x')}})), "LIMIT_EXCEEDED"},
      {"key too large", lease, kBucket, 1,
       full(Puts({{std::string(limits_.store_value_bytes + 1, 'k'), ""}})), "LIMIT_EXCEEDED"},
      {"empty key", lease, kBucket, 1, full(Puts({{"", "x"}})), "FIELD_INVALID"},
      {"no such bucket", lease, BucketId(kAllBuckets), 1, full({}), "FIELD_INVALID"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(NameOf(store_->CommitAndWait(row.lease, row.bucket, row.expected, row.batch)), row.reason)
        << row.name;
    EXPECT_EQ(Keys(kBucket, Space::kObject), std::vector<std::string>{"there"}) << row.name;
    for (const Space space : {Space::kDedup, Space::kOutbox, Space::kRecord, Space::kAudit}) {
      EXPECT_TRUE(Keys(kBucket, space).empty()) << row.name;
    }
    EXPECT_EQ(*store_->Claim(lease, kBucket), 1U) << row.name;
  }
  EXPECT_EQ(*store_->CommitAndWait(lease, kBucket, 1, full({})), 2U);
}

TEST_P(StoreConformance, BadArgumentsAreRefused) {
  const Lease lease = MustAcquire(kBucket);
  const BucketId none(kAllBuckets);
  const PartitionId nowhere(kPartitions);
  EXPECT_EQ(NameOf(store_->Acquire(nowhere, "a", kTtl)), "FIELD_INVALID");
  EXPECT_EQ(NameOf(store_->Acquire(lease.partition, "", kTtl)), "FIELD_INVALID");
  EXPECT_EQ(NameOf(store_->Acquire(lease.partition, "a", std::chrono::milliseconds(0))), "FIELD_INVALID");
  EXPECT_TRUE(store_->Acquire(PartitionOf(kElsewhere), "a", std::chrono::milliseconds::max()));
  EXPECT_EQ(*store_->OwnerOf(PartitionOf(kElsewhere)), "a");
  EXPECT_EQ(NameOf(store_->OwnerOf(nowhere)), "FIELD_INVALID");
  EXPECT_EQ(NameOf(store_->Claim(lease, none)), "FIELD_INVALID");
  EXPECT_EQ(NameOf(store_->Get(none, Space::kObject, "k")), "FIELD_INVALID");
  EXPECT_EQ(NameOf(store_->Scan(none, Space::kObject, "", "", 1)), "FIELD_INVALID");
  EXPECT_EQ(NameOf(store_->Scan(kBucket, Space::kObject, "", "", 0)), "FIELD_INVALID");
  EXPECT_EQ(NameOf(store_->Trim(lease, none, Space::kRecord, "")), "FIELD_INVALID");
  EXPECT_EQ(NameOf(store_->Trim(lease, kBucket, Space::kObject, "z")), "FIELD_INVALID");
}

TEST_P(StoreConformance, ExpectAbsentSeesQueuedCommits) {
  const Lease lease = MustAcquire(kBucket);
  MustCommit(lease, kBucket, Puts({{"was", "1"}}));
  const auto claim = [](std::string key) {
    Batch batch = Puts({{key, "x"}});
    batch.expect_absent = {std::move(key)};
    return batch;
  };
  Batch free;
  free.deletes = {"was"};
  std::vector<std::string> outcomes;  // written on the commit thread, read after the last wait
  const auto note = [&](const Result<uint64_t>& result) { outcomes.push_back(NameOf(result)); };
  store_->Commit(lease, kBucket, 1, claim("new"), note);
  store_->Commit(lease, kBucket, 2, claim("new"), note);
  store_->Commit(lease, kBucket, 2, std::move(free), note);
  store_->Commit(lease, kBucket, 3, claim("was"), note);
  EXPECT_EQ(NameOf(store_->CommitAndWait(lease, kBucket, 4, claim("was"))), "STORE_KEY_PRESENT");
  EXPECT_EQ(outcomes, (std::vector<std::string>{"OK", "STORE_KEY_PRESENT", "OK", "OK"}));
}

TEST_P(StoreConformance, PipelinedCommitsBehindAFailedOneConflict) {
  const Lease lease = MustAcquire(kBucket);
  MustCommit(lease, kBucket, Puts({{"taken", "x"}}));
  Batch fails = Puts({{"k", "never"}});
  fails.expect_absent = {"taken"};
  std::vector<std::string> outcomes;
  const auto note = [&](const Result<uint64_t>& result) { outcomes.push_back(NameOf(result)); };
  store_->Commit(lease, kBucket, 1, Puts({{"k", "2"}}), note);
  store_->Commit(lease, kBucket, 2, std::move(fails), note);
  store_->Commit(lease, kBucket, 3, Puts({{"k", "never"}}), note);
  store_->Commit(lease, kBucket, 4, Puts({{"k", "never"}}), note);
  EXPECT_EQ(*store_->CommitAndWait(lease, kBucket, 2, Puts({{"l", "3"}})), 3U);
  EXPECT_EQ(outcomes,
            (std::vector<std::string>{"OK", "STORE_KEY_PRESENT", "STORE_CONFLICT", "STORE_CONFLICT"}));
  EXPECT_EQ(Read(kBucket, "k"), "2");
  EXPECT_EQ(Read(kBucket, "l"), "3");
}

TEST_P(StoreConformance, CommittersReadTheirWrites) {
  const Lease lease = MustAcquire(kBucket);
  for (uint64_t n = 0; n < 50; ++n) {
    const std::string text = std::to_string(n);
    ASSERT_EQ(*store_->CommitAndWait(lease, kBucket, n, Puts({{"k", text}, {"k" + text, text}})), n + 1);
    ASSERT_EQ(Read(kBucket, "k"), text);
    ASSERT_EQ(Read(kBucket, "k" + text), text);
  }
}

// A committer that never hears the outcome: whoever owns the partition next reads the sequence again, and
// the dedup key tells whether the command was done.
TEST_P(StoreConformance, RetryAfterAnUnknownOutcome) {
  for (const bool arrived : {false, true}) {
    const Lease lost = MustAcquire(kBucket);
    const uint64_t before = *store_->Claim(lost, kBucket);
    const std::string id = arrived ? "request 2" : "request 1";
    Batch batch = Puts({{"counter", id}});
    batch.dedup = {{id, "done"}};
    if (arrived) store_->Commit(lost, kBucket, before, batch, [](const Result<uint64_t>&) {});
    if (GetParam().persistent) Open();
    const Lease lease = MustAcquire(kBucket);
    const uint64_t now = *store_->Claim(lease, kBucket);
    const bool done = Read(kBucket, id, Space::kDedup) != kAbsent;
    EXPECT_EQ(done, arrived);
    EXPECT_EQ(now, before + (done ? 1 : 0));
    if (!done) {
      EXPECT_EQ(*store_->CommitAndWait(lease, kBucket, now, batch), now + 1);
    }
    EXPECT_EQ(NameOf(store_->CommitAndWait(lease, kBucket, before, batch)), "STORE_CONFLICT");
    EXPECT_EQ(Read(kBucket, "counter"), id);
  }
}

TEST_P(StoreConformance, ADestroyedStoreFinishesItsCommits) {
  const Lease lease = MustAcquire(kBucket);
  uint64_t done = 0;
  for (uint64_t n = 0; n < 100; ++n) {
    store_->Commit(lease, kBucket, n, Puts({{"k", std::to_string(n)}}),
                   [&done](const Result<uint64_t>& result) { done = result.value_or(0); });
  }
  store_.reset();
  EXPECT_EQ(done, 100U);
  if (!GetParam().persistent) return;
  Open();
  EXPECT_EQ(Read(kBucket, "k"), "99");
}

TEST_P(StoreConformance, ManyThreadsAddUp) {
  const std::vector<BucketId> buckets = {kBucket, kNeighbour, kElsewhere, kSystemBucket, kFirstViewBucket};
  std::vector<Lease> leases;
  leases.reserve(buckets.size());
  const Lease shared = MustAcquire(kBucket);  // for both buckets of its partition
  for (const BucketId bucket : buckets) {
    leases.push_back(PartitionOf(bucket) == shared.partition ? shared : MustAcquire(bucket));
  }
  std::atomic<int> conflicts = 0;
  const auto add = [&](size_t which) {
    for (;;) {
      const uint64_t sequence = *store_->Claim(leases[which], buckets[which]);
      const auto value = store_->Get(buckets[which], Space::kObject, "sum");
      const int sum = *value ? std::stoi(**value) : 0;
      Batch batch = Puts({{"sum", std::to_string(sum + 1)}});
      batch.record = "r";
      const auto result = store_->CommitAndWait(leases[which], buckets[which], sequence, std::move(batch));
      if (result) return;
      ASSERT_EQ(NameOf(result), "STORE_CONFLICT");
      ++conflicts;
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < kAdditions; ++n) add(static_cast<size_t>(t + n) % buckets.size());
    });
  }
  for (std::thread& thread : threads) thread.join();
  int total = 0;
  for (size_t which = 0; which < buckets.size(); ++which) {
    total += std::stoi(Read(buckets[which], "sum"));
    EXPECT_EQ(std::stoull(Read(buckets[which], "sum")), *store_->Claim(leases[which], buckets[which]));
    EXPECT_EQ(Keys(buckets[which], Space::kRecord).size(), *store_->Claim(leases[which], buckets[which]));
  }
  EXPECT_EQ(total, kThreads * kAdditions);
  EXPECT_EQ(metrics_.Value("hearth_store_commits_total"), kThreads * kAdditions);
  EXPECT_EQ(metrics_.Value("hearth_store_refused_total"), conflicts.load());
}

}  // namespace hearth::store
