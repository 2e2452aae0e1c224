// The store over an Engine: leases, guards, and the one commit thread. Internal to src/store and its tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/base/metrics.h"
#include "src/base/mutex.h"
#include "src/store/engine.h"
#include "src/store/layout.h"
#include "src/store/lease_table.h"
#include "src/store/store.h"

namespace hearth::store {

// Everything that commits goes through one queue. The commit thread repeats:
//
//   1. take all that waits (up to a number of bytes), whatever the bucket. No timer: what arrives during a
//      sync makes the next round, so rounds grow with the load and an idle store answers at once.
//   2. check each against the state as staged by those before it, and collect what passes
//   3. one Engine::Apply for the whole round
//   4. show the new sequences, then call each `done`, in the order of the queue
//
// If 3 fails the store is read-only until reopened: after a failed sync nobody knows what is on the disk, and
// trying again may report success for pages the kernel has already dropped.
//
// Acquire goes through the queue too: when it returns, no commit of the former owner is still on its way.
class EngineStore final : public Store {
 public:
  // Reads the store's own records and writes the next generation. STORE_CORRUPT for an unknown format
  // version; otherwise as Engine. `clock` and `metrics` must outlive the store.
  static Result<std::unique_ptr<Store>> Create(std::unique_ptr<Engine> engine, const Clock& clock,
                                               MetricsRegistry& metrics, const Limits& limits);
  ~EngineStore() override;
  EngineStore(const EngineStore&) = delete;
  EngineStore& operator=(const EngineStore&) = delete;

  Result<Lease> Acquire(PartitionId partition, std::string_view owner,
                        std::chrono::milliseconds ttl) override;
  Status Renew(const Lease& lease, std::chrono::milliseconds ttl) override;
  Status Release(const Lease& lease) override;
  Result<std::optional<std::string>> OwnerOf(PartitionId partition) override;
  Result<uint64_t> Claim(const Lease& lease, BucketId bucket) override;
  void Commit(const Lease& lease, BucketId bucket, uint64_t expected_sequence, Batch batch,
              Done done) override;
  Result<std::optional<std::string>> Get(BucketId bucket, Space space, std::string_view key) override;
  Result<ScanPage> Scan(BucketId bucket, Space space, std::string_view prefix, std::string_view after,
                        size_t limit) override;
  Result<std::vector<BucketSequence>> Sequences() override;
  Status Trim(const Lease& lease, BucketId bucket, Space space, std::string_view before) override;
  bool read_only() const override { return read_only_.load(); }

 private:
  enum class Kind : uint8_t { kCommit, kTrim, kAcquire };

  // One entry of the queue. Keys are stored keys.
  struct Pending {
    Kind kind = Kind::kCommit;
    Lease lease;  // kAcquire: partition and owner of the lease to make
    BucketId bucket;
    uint64_t expected_sequence = 0;   // kCommit
    std::chrono::milliseconds ttl{};  // kAcquire
    std::vector<std::string> expect_absent;
    std::vector<Write> writes;
    size_t bytes = 0;
    std::optional<Error> refusal;  // found before queueing
    Done done;                     // gets the sequence (kCommit), the epoch (kAcquire) or 0
    Result<uint64_t> outcome = 0;
  };

  // What a round is going to write.
  struct Round {
    std::vector<Write> writes;
    // Keys written in this round, and whether they exist after it; only kept when somebody asks.
    bool track_keys = false;
    std::unordered_map<std::string, bool> keys;
  };

  struct Series {
    explicit Series(MetricsRegistry& metrics);
    Counter& commits;
    Counter& refused;
    Counter& batches;
    Gauge& read_only;
    Histogram& batch_commits;
    Histogram& sync_seconds;
  };

  EngineStore(std::unique_ptr<Engine> engine, const Clock& clock, MetricsRegistry& metrics,
              const Limits& limits, const SystemState& state);

  // Any thread.
  Status AddKey(Pending& pending, Space space, std::string_view key, std::optional<std::string> value) const;
  Status AddBatch(Pending& pending, Batch batch) const;
  void Enqueue(Pending pending) HEARTH_EXCLUDES(mu_);
  Result<uint64_t> EnqueueAndWait(Pending pending) HEARTH_EXCLUDES(mu_);
  bool Full(size_t bytes) const HEARTH_REQUIRES(mu_);

  // The commit thread.
  void Run();
  std::vector<Pending> TakeRound() HEARTH_EXCLUDES(mu_);
  void Process(std::vector<Pending>& pendings);
  Result<uint64_t> Stage(Pending& pending, Round& round);
  Status CheckCommit(const Pending& pending, const Round& round);
  Result<bool> Exists(const std::string& key, const Round& round);
  Status Sync(std::vector<Write> writes);
  void Publish(const std::vector<Pending>& pendings);
  void Drop(std::vector<Pending>& pendings);

  const std::unique_ptr<Engine> engine_;
  const Clock& clock_;
  const Limits limits_;
  Series series_;
  LeaseTable leases_;
  // Synced; written by the commit thread only.
  std::vector<std::atomic<uint64_t>> sequences_;
  std::atomic<bool> read_only_{false};

  // The commit thread's own.
  std::vector<uint64_t> staged_sequences_;
  std::optional<Error> failure_;  // why the store is read-only

  Mutex mu_;
  CondVar has_work_;
  CondVar has_room_;
  std::deque<Pending> queue_ HEARTH_GUARDED_BY(mu_);
  size_t queued_bytes_ HEARTH_GUARDED_BY(mu_) = 0;
  bool stopping_ HEARTH_GUARDED_BY(mu_) = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace hearth::store
