// The store: buckets of opaque keys and bytes, each changed by atomic, guarded commits.
//
// The same interface fits one machine (memory, RocksDB) and many (engine rules: one bucket is one object,
// one commit is one atomic write on it). Nothing here knows what the bytes mean.
//
//   bucket      16,384 data buckets, then the system bucket, then the view buckets. Each has its own
//               sequence: the number of commits it has seen.
//   partition   64 data buckets; the system bucket and the views have one partition each. The unit of
//               ownership: whoever holds its lease may commit, and a lease's epoch only ever grows.
//   commit      one bucket, all or nothing, only if the lease's epoch is the partition's newest and the
//               bucket's sequence is what the caller expects. Acknowledged means synced.
//
// Spaces of keys inside a bucket:
//   c  objects            key chosen by the caller
//   d  deduplication      key chosen by the caller; sorted, so that old ones are trimmed by key
//   o  outbox             key = sequence (8 bytes, big-endian) ‖ n (4 bytes), written by the store
//   r  change records     key = sequence (8 bytes, big-endian)
//   a  audit              key = sequence (8 bytes, big-endian)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::store {

using BucketId = StrongInt<struct BucketIdTag, uint16_t>;
using PartitionId = StrongInt<struct PartitionIdTag, uint16_t>;

inline constexpr uint16_t kDataBuckets = 16384;
inline constexpr uint16_t kBucketsPerPartition = 64;
inline constexpr BucketId kSystemBucket{kDataBuckets};
// Derived views keep their own state and cursors here, one bucket a view.
inline constexpr BucketId kFirstViewBucket{kDataBuckets + 1};
inline constexpr uint16_t kViewBuckets = 64;
inline constexpr uint16_t kAllBuckets = kDataBuckets + 1 + kViewBuckets;
inline constexpr PartitionId kSystemPartition{kDataBuckets / kBucketsPerPartition};
inline constexpr PartitionId kViewPartition{kDataBuckets / kBucketsPerPartition + 1};
inline constexpr uint16_t kPartitions = kDataBuckets / kBucketsPerPartition + 2;

constexpr PartitionId PartitionOf(BucketId bucket) {
  if (bucket.value < kDataBuckets) return PartitionId(bucket.value / kBucketsPerPartition);
  return bucket == kSystemBucket ? kSystemPartition : kViewPartition;
}

// Proof of ownership of one partition. A value: copy it freely; it may have been superseded meanwhile.
// Epochs of a partition only grow, over restarts too, but not by one.
struct Lease {
  PartitionId partition;
  uint64_t epoch = 0;
  std::string owner;
};

struct KeyValue {
  std::string key;
  std::string value;

  bool operator==(const KeyValue&) const = default;
};

// What one commit does to one bucket. Keys are without the space byte and never empty. Deletes come before
// puts: a key in both is there afterwards; of two puts of one key the later counts.
struct Batch {
  std::vector<KeyValue> puts;              // objects
  std::vector<std::string> deletes;        // objects; deleting what is not there is no error
  std::vector<std::string> expect_absent;  // objects that must not exist before this commit
  std::vector<KeyValue> dedup;
  std::vector<std::string> outbox;  // n = index
  std::string record;               // change record; empty: none
  std::string audit;                // empty: none
};

enum class Space : char { kObject = 'c', kDedup = 'd', kOutbox = 'o', kRecord = 'r', kAudit = 'a' };

struct ScanPage {
  std::vector<KeyValue> items;  // ascending by key
  bool more = false;            // continue with after = items.back().key
};

struct BucketSequence {
  BucketId bucket;
  uint64_t sequence;
};

// Keys of o, r and a: 8 bytes big-endian, and 4 more for the outbox.
std::string SequenceKey(uint64_t sequence);
std::string OutboxKey(uint64_t sequence, uint32_t n);
// The sequence in such a key; 0 when the key is too short.
uint64_t SequenceOfKey(std::string_view key);

// What a store must do; see tests/store/conformance.cc, which every implementation passes.
//
// Threads: everything may be called from any thread. The store must outlive all outstanding commits;
// destroying it finishes them first.
class Store {
 public:
  using Done = std::function<void(Result<uint64_t>)>;

  virtual ~Store() = default;

  // Takes the partition for `owner` and raises its epoch. STORE_LEASE_HELD while another owner's lease
  // runs. Acquiring again as the same owner also raises the epoch.
  // A lease does not survive the process that took it: after a reopen nobody holds one.
  virtual Result<Lease> Acquire(PartitionId partition, std::string_view owner,
                                std::chrono::milliseconds ttl) = 0;
  // STORE_FENCED when the lease was superseded or released. One that only ran out may be renewed.
  virtual Status Renew(const Lease& lease, std::chrono::milliseconds ttl) = 0;
  // STORE_FENCED when the lease was superseded; releasing twice is no error.
  virtual Status Release(const Lease& lease) = 0;
  // The owner whose lease runs, if any.
  virtual Result<std::optional<std::string>> OwnerOf(PartitionId partition) = 0;

  // Must come before the first read of a bucket by a new owner. Returns the bucket's sequence (0: never
  // written). STORE_FENCED for a superseded lease.
  virtual Result<uint64_t> Claim(const Lease& lease, BucketId bucket) = 0;

  // Queues one commit, all in one order; `done` gets the new sequence (expected + 1) once it is synced, or
  //   STORE_CONFLICT      the sequence is not the expected one
  //   STORE_FENCED        a newer lease exists, or the lease is of another partition
  //   STORE_KEY_PRESENT   an expect_absent key exists
  //   LIMIT_EXCEEDED      a key or value over Limits::store_value_bytes
  //   FIELD_INVALID       an empty key, or a bucket that does not exist
  //   STORE_READ_ONLY     this sync or an earlier one failed; sticky until reopened. What the failed sync
  //                       carried is dropped here; whether it is on the disk shows only after reopening:
  //                       then read the sequence again. Metadata "cause" names the reason (STORE_FULL ...).
  // `done` runs on the commit thread, in commit order within a bucket; it must be quick and must not call
  // back into the store or throw. Blocks while too many commits wait (back-pressure).
  // A commit of the same bucket may be queued with expected_sequence + 1 before the former is done; if the
  // former fails, the later one conflicts.
  virtual void Commit(const Lease& lease, BucketId bucket, uint64_t expected_sequence, Batch batch,
                      Done done) = 0;

  // Reads what is committed and synced (never what is only queued).
  virtual Result<std::optional<std::string>> Get(BucketId bucket, Space space, std::string_view key) = 0;
  // Keys beginning with `prefix` and greater than `after`, at most `limit` (≥ 1). One page is one state of
  // the bucket; commits may fall between two pages.
  virtual Result<ScanPage> Scan(BucketId bucket, Space space, std::string_view prefix, std::string_view after,
                                size_t limit) = 0;
  // All buckets with a sequence above 0, ascending.
  virtual Result<std::vector<BucketSequence>> Sequences() = 0;

  // Deletes keys of `space` in the bucket that are less than `before` (not objects) and committed when the
  // call begins. Returns when that is synced; does not change the sequence. In portions, each of them
  // atomic, so that a long one does not hold up commits. Errors as Commit.
  virtual Status Trim(const Lease& lease, BucketId bucket, Space space, std::string_view before) = 0;

  // True after a failed sync: every commit answers STORE_READ_ONLY.
  virtual bool read_only() const = 0;

  // Waits for one commit.
  Result<uint64_t> CommitAndWait(const Lease& lease, BucketId bucket, uint64_t expected_sequence,
                                 Batch batch);
};

}  // namespace hearth::store
