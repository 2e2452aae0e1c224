// What the tests of the application layer share apart from the site: seeds, randomness, a sink that collects,
// stores that misbehave.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "src/app/pump.h"
#include "src/base/mutex.h"
#include "src/base/random.h"
#include "src/store/engine.h"
#include "src/store/store.h"

namespace hearth::app {

// HEARTH_TEST_SEED, or a new one; printed either way.
uint64_t TestSeed();

// Polls until `done` holds or a minute has passed; the last answer.
bool WaitUntil(const std::function<bool()>& done);

// The same bytes for the same seed, but for the order in which threads ask. Any thread.
class TestRandom final : public RandomSource {
 public:
  explicit TestRandom(uint64_t seed) : state_(seed) {}
  void Fill(std::span<uint8_t> out) override;

 private:
  std::atomic<uint64_t> state_;
};

// Keeps every section; refuses them while it fails. Any thread.
class CollectingSink final : public SectionSink {
 public:
  explicit CollectingSink(std::string name = "collecting") : name_(std::move(name)) {}

  std::string_view name() const override { return name_; }
  // As fast as it is given anything, with the shares and forecasts of 1 Mbit/s; or in the time of a clock.
  std::optional<Pace> pace() const override;
  // From now on at this rate, like a multiplexer; 0: nothing.
  void SetRate(const Clock& clock, uint32_t kbps);
  Status Write(std::span<const Bytes> sections) override;
  size_t Backlog() const override;
  void Fail(bool failing) { failing_ = failing; }
  // Takes sections and keeps them off the air, as a multiplexer's output does that waits for its rate.
  void Hold() { holding_ = true; }
  // What was held is lost, as it is when the daemon dies; nothing is held any more.
  void LoseHeld();
  uint64_t refused() const { return refused_; }
  size_t size() const;
  // Those from number `from` on.
  std::vector<Bytes> From(size_t from) const;
  std::vector<Bytes> all() const { return From(0); }

 private:
  const std::string name_;
  std::atomic<bool> failing_{false};
  std::atomic<bool> holding_{false};
  std::atomic<uint64_t> refused_{0};
  mutable Mutex mu_;
  std::vector<Bytes> sections_ HEARTH_GUARDED_BY(mu_);
  size_t held_ HEARTH_GUARDED_BY(mu_) = 0;
  const Clock* clock_ HEARTH_GUARDED_BY(mu_) = nullptr;
  uint32_t kbps_ HEARTH_GUARDED_BY(mu_) = 1000;
  std::chrono::nanoseconds free_at_ HEARTH_GUARDED_BY(mu_){0};
};

// The engine of a store that is closed and opened again.
class SharedEngine final : public store::Engine {
 public:
  explicit SharedEngine(std::shared_ptr<store::Engine> engine) : engine_(std::move(engine)) {}
  Status Apply(std::vector<store::Write> writes) override { return engine_->Apply(std::move(writes)); }
  Result<std::optional<std::string>> Get(std::string_view key) override { return engine_->Get(key); }
  Result<store::ScanPage> Scan(std::string_view from, std::string_view end, size_t limit) override {
    return engine_->Scan(from, end, limit);
  }

 private:
  const std::shared_ptr<store::Engine> engine_;
};

// Asks before each commit whether it may pass; what may not is answered STORE_READ_ONLY (or the error given)
// and never reaches the store. The store must outlive it. Any thread.
class GuardedStore final : public store::Store {
 public:
  using Guard = std::function<Status(store::BucketId, const store::Batch&)>;

  explicit GuardedStore(store::Store& inner) : inner_(inner) {}
  void SetGuard(Guard guard) {
    const MutexLock lock(mu_);
    guard_ = std::move(guard);
  }

  Result<store::Lease> Acquire(store::PartitionId partition, std::string_view owner,
                               std::chrono::milliseconds ttl) override {
    return inner_.Acquire(partition, owner, ttl);
  }
  Status Renew(const store::Lease& lease, std::chrono::milliseconds ttl) override {
    return inner_.Renew(lease, ttl);
  }
  Status Release(const store::Lease& lease) override { return inner_.Release(lease); }
  Result<std::optional<std::string>> OwnerOf(store::PartitionId partition) override {
    return inner_.OwnerOf(partition);
  }
  Result<uint64_t> Claim(const store::Lease& lease, store::BucketId bucket) override {
    return inner_.Claim(lease, bucket);
  }
  void Commit(const store::Lease& lease, store::BucketId bucket, uint64_t expected_sequence,
              store::Batch batch, Done done) override;
  Result<std::optional<std::string>> Get(store::BucketId bucket, store::Space space,
                                         std::string_view key) override {
    return inner_.Get(bucket, space, key);
  }
  Result<store::ScanPage> Scan(store::BucketId bucket, store::Space space, std::string_view prefix,
                               std::string_view after, size_t limit) override {
    return inner_.Scan(bucket, space, prefix, after, limit);
  }
  Result<std::vector<store::BucketSequence>> Sequences() override { return inner_.Sequences(); }
  Status Trim(const store::Lease& lease, store::BucketId bucket, store::Space space,
              std::string_view before) override {
    return inner_.Trim(lease, bucket, space, before);
  }
  bool read_only() const override { return inner_.read_only(); }

 private:
  store::Store& inner_;
  Mutex mu_;
  Guard guard_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::app
