// The RocksDB store really syncs, and a sync that really fails makes it read-only. The test program's own
// fdatasync comes before the C library's for every shared library, RocksDB's too.
#include <atomic>
#include <cerrno>
#include <ostream>

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/store/rocks/rocks_store.h"
#include "tests/store/conformance.h"

namespace {

std::atomic<int> syncs = 0;
std::atomic<int> sync_error = 0;  // errno of a failing sync; 0: none fails

}  // namespace

extern "C" int fdatasync(int fd) {
  ++syncs;
  if (sync_error != 0) {
    errno = sync_error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

namespace hearth::store {
namespace {

struct SyncRow {
  const char* name;
  int error;
  std::string cause;
};

void PrintTo(const SyncRow& row, std::ostream* out) { *out << row.name; }

class Sync : public testing::TestWithParam<SyncRow> {
 protected:
  void TearDown() override { sync_error = 0; }
};

TEST_P(Sync, EachCommitIsSyncedAndAFailedSyncIsSticky) {
  const TempDir dir;
  const FakeClock clock(UnixMillis(1'700'000'000'000));
  NullMetrics metrics;
  auto store = OpenRocksStore(dir.path(), clock, metrics);
  ASSERT_TRUE(store) << store.error().detail();
  Lease lease = *(*store)->Acquire(PartitionId(0), "a", kTtl);
  for (uint64_t n = 0; n < 10; ++n) {
    const int before = syncs;
    ASSERT_TRUE((*store)->CommitAndWait(lease, kBucket, n, Puts({{"k", std::to_string(n + 1)}})));
    EXPECT_GT(syncs, before);
  }
  sync_error = GetParam().error;
  const auto failed = (*store)->CommitAndWait(lease, kBucket, 10, Puts({{"k", "11"}}));
  ASSERT_EQ(NameOf(failed), "STORE_READ_ONLY");
  EXPECT_EQ(failed.error().metadata().front().second, GetParam().cause) << failed.error().detail();
  EXPECT_TRUE((*store)->read_only());

  sync_error = 0;
  EXPECT_EQ(NameOf((*store)->CommitAndWait(lease, kBucket, 10, {})), "STORE_READ_ONLY");
  EXPECT_EQ(*(*store)->Claim(lease, kBucket), 10U);
  EXPECT_EQ(**(*store)->Get(kBucket, Space::kObject, "k"), "10") << "what failed is not shown";

  store->reset();
  store = OpenRocksStore(dir.path(), clock, metrics);
  ASSERT_TRUE(store) << store.error().detail();
  lease = *(*store)->Acquire(PartitionId(0), "a", kTtl);
  const uint64_t sequence = *(*store)->Claim(lease, kBucket);
  EXPECT_TRUE(sequence == 10 || sequence == 11) << sequence;
  EXPECT_EQ(**(*store)->Get(kBucket, Space::kObject, "k"), std::to_string(sequence));
  EXPECT_TRUE((*store)->CommitAndWait(lease, kBucket, sequence, {}));
}

INSTANTIATE_TEST_SUITE_P(Store, Sync,
                         testing::Values(SyncRow{"io", EIO, "STORE_IO"},
                                         SyncRow{"full", ENOSPC, "STORE_FULL"}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace hearth::store
