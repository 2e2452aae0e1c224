// Opens a store and commits until it is killed or a commit fails; every acknowledged commit is reported on
// standard output (store_child.h). Exit code 0: a commit failed and the store says read-only.
//
//   store_child DIRECTORY          no limit
//   store_child DIRECTORY BYTES    files may not grow beyond BYTES: writing fails at some time
//   store_child DIRECTORY open     only opens; exit code 10 when another process has it open
#include "tests/store/store_child.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/metrics.h"
#include "src/store/rocks/rocks_store.h"

namespace hearth::store {
namespace {

constexpr uint64_t kInFlight = 4;

Batch ChildBatch(uint64_t sequence) {
  Batch batch;
  for (int n = 0; n < kChildObjects; ++n) {
    batch.puts.push_back({"k" + std::to_string(n), ChildValue(sequence, n)});
  }
  batch.record = batch.audit = ChildValue(sequence, 0);
  batch.outbox = {"first", "second"};
  return batch;
}

// Keeps a few commits of one bucket in flight until one fails.
void CommitForEver(Store& store, const Lease& lease, BucketId bucket) {
  std::atomic<bool> failed = false;
  std::atomic<uint64_t> done = *store.Claim(lease, bucket);
  for (uint64_t next = done; !failed; ++next) {
    store.Commit(lease, bucket, next, ChildBatch(next + 1), [&, bucket](const Result<uint64_t>& result) {
      if (!result) {
        failed = true;
      } else {
        const Acknowledged line{bucket.value, *result};
        if (write(STDOUT_FILENO, &line, sizeof line) != sizeof line) failed = true;
      }
      ++done;
    });
    while (next + 1 - done.load() >= kInFlight && !failed) std::this_thread::yield();
    if (failed) {
      while (done.load() <= next) std::this_thread::yield();  // the callbacks use this frame
      return;
    }
  }
}

int Run(const char* directory, std::string_view mode) {
  const SystemClock clock;
  NullMetrics metrics;
  auto store = OpenRocksStore(directory, clock, metrics);
  if (!store) {
    std::fprintf(stderr, "%s (%s)\n", store.error().ToString().c_str(), store.error().detail().c_str());
    return store.error().reason() == Reason::kStoreLeaseHeld ? 10 : 2;
  }
  if (mode == "open") return 0;
  std::vector<std::thread> threads;
  for (uint16_t n = 0; n < kChildBuckets; ++n) {
    const BucketId bucket(static_cast<uint16_t>(n * kBucketsPerPartition));
    const auto lease = (*store)->Acquire(PartitionOf(bucket), "child", std::chrono::hours(1));
    if (!lease) return 3;
    threads.emplace_back([&store, lease = *lease, bucket] { CommitForEver(**store, lease, bucket); });
  }
  for (std::thread& thread : threads) thread.join();
  return (*store)->read_only() ? 0 : 4;
}

}  // namespace
}  // namespace hearth::store

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  const std::string_view mode = argc > 2 ? argv[2] : "";
  if (!mode.empty() && mode != "open") {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[2], nullptr, 10)};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 65;
  }
  return hearth::store::Run(argv[1], mode);
}
