// Commits that wait together are merged into one synced write. Beside it: the same store, one commit after
// the other, each waiting for its sync.
#include <memory>
#include <random>
#include <semaphore>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "src/base/clock.h"
#include "src/store/rocks/rocks_store.h"
#include "tools/bench/benches.h"
#include "tools/bench/measure.h"

namespace hearth::bench {
namespace {

constexpr size_t kObjectBytes = 256;
constexpr size_t kBucketsPerThread = 32;
constexpr auto kStoreLease = std::chrono::hours(24);

// What one committing thread owns: buckets nobody else writes, and the room for its commits under way.
struct Committer {
  explicit Committer(size_t window) : room(static_cast<ptrdiff_t>(window)) {}

  std::vector<store::BucketId> buckets;
  std::vector<uint64_t> sequences;
  std::counting_semaphore<> room;
  uint64_t next = 0;
  std::string object;
};

class StoreBench {
 public:
  explicit StoreBench(const StoreOptions& options) : options_(options) {}

  Result<Findings> Run() {
    HEARTH_RETURN_IF_ERROR(Prepare());
    Rate merged;
    Rate single;
    uint64_t merged_batches = 0;
    uint64_t single_batches = 0;
    const double slice = options_.seconds / (2 * kRounds);
    for (int round = 0; round < kRounds; ++round) {
      const uint64_t before = Batches();
      HEARTH_ASSIGN_OR_RETURN(const Rate many, Merged(slice));
      const uint64_t between = Batches();
      HEARTH_ASSIGN_OR_RETURN(const Rate one, OneByOne(slice));
      merged += many;
      single += one;
      merged_batches += between - before;
      single_batches += Batches() - between;
    }
    Findings findings{.bench = "store", .seed = options_.seed, .figures = {}, .checks = {}};
    findings.Add("merged to one by one", Ratio(merged, single), "ratio");
    findings.Add(
        fmt::format("merged, {} threads with {} commits under way", options_.threads, options_.window),
        merged.per_second(), "1/s");
    findings.Add("one by one", single.per_second(), "1/s");
    findings.Add("merged: commits", static_cast<double>(merged.count), "count");
    findings.Add("merged: synced writes", static_cast<double>(merged_batches), "count");
    findings.Add("one by one: commits", static_cast<double>(single.count), "count");
    findings.Add("one by one: synced writes", static_cast<double>(single_batches), "count");
    findings.Expect("merged: fewer synced writes than commits", merged_batches < merged.count);
    findings.Expect("one by one: as many synced writes as commits", single_batches == single.count);
    findings.Expect("every commit is in its bucket's sequence", SequencesMatch(merged.count + single.count));
    return findings;
  }

 private:
  Status Prepare() {
    HEARTH_ASSIGN_OR_RETURN(dir_, TempDir::Create(options_.dir));
    std::mt19937_64 random(options_.seed);
    const size_t stride = store::kDataBuckets / (options_.threads * kBucketsPerThread);
    size_t bucket = 0;
    for (size_t t = 0; t < options_.threads; ++t) {
      auto committer = std::make_unique<Committer>(options_.window);
      for (size_t b = 0; b < kBucketsPerThread; ++b, bucket += stride) {
        committer->buckets.emplace_back(static_cast<uint16_t>(bucket));
      }
      committer->sequences.resize(kBucketsPerThread);
      while (committer->object.size() < kObjectBytes) committer->object += static_cast<char>(random());
      committers_.push_back(std::move(committer));
    }
    HEARTH_ASSIGN_OR_RETURN(store_, store::OpenRocksStore(dir_->path() / "store", clock_, metrics_));
    for (uint16_t p = 0; p < store::kSystemPartition.value; ++p) {
      HEARTH_ASSIGN_OR_RETURN(auto lease,
                              store_->Acquire(store::PartitionId(p), "hearth-bench", kStoreLease));
      leases_.push_back(std::move(lease));
    }
    return Ok();
  }

  uint64_t Batches() const { return metrics_.CountOf("hearth_store_batches_total"); }

  store::Batch NextBatch(Committer& committer, size_t& bucket) {
    const uint64_t n = committer.next++;
    bucket = n % kBucketsPerThread;
    store::Batch batch;
    batch.puts.push_back({fmt::format("object/{:012}", n / kBucketsPerThread), committer.object});
    return batch;
  }

  // Waits only for room among the commits of its thread.
  Result<Rate> Merged(double seconds) {
    failed_ = 0;
    const double begin = WallSeconds();
    auto rate = RunThreads(options_.threads, seconds, [this](size_t thread) -> Status {
      Committer& committer = *committers_[thread];
      if (failed_ > 0) return Error(Reason::kStoreIo, "a commit was refused");
      size_t b = 0;
      store::Batch batch = NextBatch(committer, b);
      const store::BucketId bucket = committer.buckets[b];
      committer.room.acquire();
      store_->Commit(leases_[store::PartitionOf(bucket).value], bucket, committer.sequences[b]++,
                     std::move(batch), [this, &committer](Result<uint64_t> done) {
                       if (!done) ++failed_;
                       committer.room.release();
                     });
      return Ok();
    });
    for (const auto& committer : committers_) {
      for (size_t i = 0; i < options_.window; ++i) committer->room.acquire();
      committer->room.release(static_cast<ptrdiff_t>(options_.window));
    }
    if (rate && failed_ > 0) return Error(Reason::kStoreIo, "a commit was refused");
    if (rate) rate->seconds = WallSeconds() - begin;
    return rate;
  }

  Result<Rate> OneByOne(double seconds) {
    Committer& committer = *committers_.front();
    return RunThreads(1, seconds, [&](size_t) -> Status {
      size_t b = 0;
      store::Batch batch = NextBatch(committer, b);
      const store::BucketId bucket = committer.buckets[b];
      const auto done = store_->CommitAndWait(leases_[store::PartitionOf(bucket).value], bucket,
                                              committer.sequences[b]++, std::move(batch));
      if (!done) return done.error();
      return Ok();
    });
  }

  bool SequencesMatch(uint64_t commits) const {
    const auto sequences = store_->Sequences();
    if (!sequences) return false;
    uint64_t sum = 0;
    for (const store::BucketSequence& bucket : *sequences) sum += bucket.sequence;
    return sum == commits;
  }

  const StoreOptions options_;
  SystemClock clock_;
  CountingMetrics metrics_;
  std::unique_ptr<TempDir> dir_;
  std::atomic<uint64_t> failed_{0};
  std::vector<std::unique_ptr<Committer>> committers_;
  std::vector<store::Lease> leases_;
  std::unique_ptr<store::Store> store_;  // last: its commit thread calls into what stands above
};

}  // namespace

Result<Findings> BenchStore(const StoreOptions& options) { return StoreBench(options).Run(); }

}  // namespace hearth::bench
