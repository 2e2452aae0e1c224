#include <algorithm>
#include <thread>

#include "tests/store/conformance.h"

namespace hearth::store {

TEST_P(StoreConformance, BinaryKeysKeepTheirOrderAndPrefixes) {
  const Lease lease = MustAcquire(kBucket);
  const std::string ff(1, '\xFF');
  const std::string nul(1, '\0');
  // Ascending.
  const std::vector<std::string> keys = {nul,      nul + nul, nul + "a",      "a", "a" + nul,
                                         "ab",     "a" + ff,  "a" + ff + nul, "b", ff,
                                         ff + nul, ff + ff,   ff + ff + ff};
  Batch batch;
  for (const std::string& key : keys) batch.puts.push_back({key, "of " + key});
  std::reverse(batch.puts.begin(), batch.puts.end());
  MustCommit(lease, kBucket, std::move(batch));
  // Neighbours on all sides, which no scan may show.
  MustCommit(lease, BucketId(kBucket.value - 1), Puts({{ff + ff, "x"}, {"a", "x"}}));
  MustCommit(lease, kNeighbour, Puts({{nul, "x"}, {"a", "x"}}));
  Batch others;
  others.dedup = {{ff, "x"}, {nul, "x"}, {"a", "x"}};
  others.audit = "x";
  MustCommit(lease, kBucket, std::move(others));

  for (const std::string& key : keys) EXPECT_EQ(Read(kBucket, key), "of " + key);
  for (size_t limit = 1; limit <= keys.size() + 1; ++limit) {
    EXPECT_EQ(Keys(kBucket, Space::kObject, "", limit), keys) << limit;
  }
  struct Row {
    const char* name;
    std::string prefix;
  };
  const Row rows[] = {{"nul", nul},           {"two nul", nul + nul},     {"a", "a"},
                      {"a nul", "a" + nul},   {"a ff", "a" + ff},         {"ff", ff},
                      {"two ff", ff + ff},    {"three ff", ff + ff + ff}, {"four ff", ff + ff + ff + ff},
                      {"nothing such", "zzz"}};
  for (const Row& row : rows) {
    std::vector<std::string> expected;
    std::copy_if(keys.begin(), keys.end(), std::back_inserter(expected),
                 [&](const std::string& key) { return key.starts_with(row.prefix); });
    EXPECT_EQ(Keys(kBucket, Space::kObject, row.prefix, 2), expected) << row.name;
  }
}

TEST_P(StoreConformance, ScanPagesAndBounds) {
  const Lease lease = MustAcquire(kBucket);
  MustCommit(lease, kBucket, Puts({{"a1", "1"}, {"a2", "2"}, {"a3", "3"}, {"b1", "4"}}));
  struct Row {
    const char* name;
    std::string prefix;
    std::string after;
    size_t limit;
    std::vector<std::string> keys;
    bool more;
  };
  const Row rows[] = {
      {"all", "", "", 10, {"a1", "a2", "a3", "b1"}, false},
      {"exactly all", "", "", 4, {"a1", "a2", "a3", "b1"}, false},
      {"one less", "", "", 3, {"a1", "a2", "a3"}, true},
      {"after a key", "", "a2", 10, {"a3", "b1"}, false},
      {"after no key", "", "a20", 10, {"a3", "b1"}, false},
      {"after the last", "", "b1", 10, {}, false},
      {"prefix", "a", "", 10, {"a1", "a2", "a3"}, false},
      {"more counts the prefix only", "a", "a1", 2, {"a2", "a3"}, false},
      {"after before the prefix", "b", "a1", 10, {"b1"}, false},
      {"after behind the prefix", "a", "b", 10, {}, false},
      {"after is the prefix", "a1", "a1", 10, {}, false},
  };
  for (const Row& row : rows) {
    const auto page = store_->Scan(kBucket, Space::kObject, row.prefix, row.after, row.limit);
    ASSERT_TRUE(page) << row.name;
    std::vector<std::string> keys;
    for (const KeyValue& item : page->items) keys.push_back(item.key);
    EXPECT_EQ(keys, row.keys) << row.name;
    EXPECT_EQ(page->more, row.more) << row.name;
  }
}

TEST_P(StoreConformance, LargeValues) {
  const Lease lease = MustAcquire(kBucket);
  const std::string megabyte(1 << 20, 'm');
  const std::string largest(limits_.store_value_bytes, 'l');
  Batch batch = Puts({{"m", megabyte}, {"l", largest}});
  batch.record = megabyte;
  MustCommit(lease, kBucket, std::move(batch));
  if (GetParam().persistent) Open();
  EXPECT_EQ(Read(kBucket, "m"), megabyte);
  EXPECT_EQ(Read(kBucket, "l"), largest);
  EXPECT_EQ(Read(kBucket, SequenceKey(1), Space::kRecord), megabyte);
}

// A writer moves a token from key to key in single commits while scans page through: a page never shows it
// twice or not at all, and keys that are always there are never missed by a whole scan.
TEST_P(StoreConformance, ScansUnderWrites) {
  const Lease lease = MustAcquire(kBucket);
  Batch batch;
  for (int n = 10; n < 60; ++n) batch.puts.push_back({"stay" + std::to_string(n), "x"});
  batch.puts.push_back({"move0", "token"});
  MustCommit(lease, kBucket, std::move(batch));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (uint64_t n = 1; !stop; ++n) {
      Batch move = Puts({{"move" + std::to_string(n % 10), "token"}});
      move.deletes = {"move" + std::to_string((n - 1) % 10)};
      move.record = "r";
      ASSERT_TRUE(store_->CommitAndWait(lease, kBucket, n, std::move(move)));
    }
  });
  for (int n = 0; n < 100; ++n) {
    const auto page = store_->Scan(kBucket, Space::kObject, "move", "", 100);
    ASSERT_TRUE(page);
    EXPECT_EQ(page->items.size(), 1U);
    EXPECT_EQ(Keys(kBucket, Space::kObject, "stay", 7).size(), 50U);
    // Records only grow, without a gap.
    const auto records = Keys(kBucket, Space::kRecord, "", 50);
    for (size_t i = 0; i < records.size(); ++i) ASSERT_EQ(SequenceOfKey(records[i]), i + 2);
  }
  stop = true;
  writer.join();
}

TEST_P(StoreConformance, SequencesListsWhatWasWritten) {
  EXPECT_TRUE(store_->Sequences()->empty());
  const BucketId last(kAllBuckets - 1);
  const Lease view = MustAcquire(last);
  const Lease lease = MustAcquire(kBucket);
  MustCommit(view, last, {});
  MustCommit(lease, kBucket, {});
  MustCommit(lease, kBucket, {});
  MustCommit(MustAcquire(kSystemBucket), kSystemBucket, {});
  for (int pass = 0; pass < (GetParam().persistent ? 2 : 1); ++pass) {
    if (pass == 1) Open();
    const auto all = store_->Sequences();
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 3U);
    EXPECT_EQ((*all)[0].bucket, kBucket);
    EXPECT_EQ((*all)[0].sequence, 2U);
    EXPECT_EQ((*all)[1].bucket, kSystemBucket);
    EXPECT_EQ((*all)[2].bucket, last);
    EXPECT_EQ((*all)[2].sequence, 1U);
  }
}

TEST_P(StoreConformance, TrimDeletesBelowAndKeepsTheSequence) {
  const Lease lease = MustAcquire(kBucket);
  for (uint64_t n = 0; n < 10; ++n) {
    Batch batch = Puts({{"k", "v"}});
    batch.outbox = {"x", "y"};
    batch.record = batch.audit = "r";
    batch.dedup = {{"minute " + std::to_string(n), "r"}};
    MustCommit(lease, kBucket, std::move(batch));
  }
  Batch neighbour;
  neighbour.record = "r";
  MustCommit(lease, kNeighbour, std::move(neighbour));

  EXPECT_TRUE(store_->Trim(lease, kBucket, Space::kRecord, SequenceKey(4)));
  EXPECT_TRUE(store_->Trim(lease, kBucket, Space::kOutbox, OutboxKey(3, 1)));
  EXPECT_TRUE(store_->Trim(lease, kBucket, Space::kDedup, "minute 5"));
  EXPECT_TRUE(store_->Trim(lease, kBucket, Space::kAudit, ""));
  for (int pass = 0; pass < (GetParam().persistent ? 2 : 1); ++pass) {
    if (pass == 1) Open();
    EXPECT_EQ(Keys(kBucket, Space::kRecord).size(), 7U);
    EXPECT_EQ(SequenceOfKey(Keys(kBucket, Space::kRecord).front()), 4U);
    EXPECT_EQ(Keys(kBucket, Space::kOutbox).size(), 15U);
    EXPECT_EQ(Keys(kBucket, Space::kOutbox).front(), OutboxKey(3, 1));
    EXPECT_EQ(Keys(kBucket, Space::kDedup).front(), "minute 5");
    EXPECT_EQ(Keys(kBucket, Space::kAudit).size(), 10U);
    EXPECT_EQ(Keys(kNeighbour, Space::kRecord).size(), 1U);
    EXPECT_EQ(Read(kBucket, "k"), "v");
  }
  const Lease again = MustAcquire(kBucket);
  EXPECT_EQ(*store_->Claim(again, kBucket), 10U);
  EXPECT_TRUE(store_->Trim(again, kBucket, Space::kAudit, std::string(9, '\xFF')));
  EXPECT_TRUE(Keys(kBucket, Space::kAudit).empty());
}

TEST_P(StoreConformance, TrimOfManyPortions) {
  const Lease lease = MustAcquire(kBucket);
  Batch batch;
  for (int n = 0; n < 2500; ++n) batch.outbox.emplace_back("x");
  MustCommit(lease, kBucket, std::move(batch));
  EXPECT_TRUE(store_->Trim(lease, kBucket, Space::kOutbox, OutboxKey(1, 2400)));
  EXPECT_EQ(Keys(kBucket, Space::kOutbox, "", 1000).size(), 100U);
}

TEST(Keys, OfSequences) {
  EXPECT_EQ(SequenceKey(0x0102030405060708), "\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_EQ(OutboxKey(1, 2), std::string("\0\0\0\0\0\0\0\1\0\0\0\2", 12));
  EXPECT_EQ(SequenceOfKey(SequenceKey(77)), 77U);
  EXPECT_EQ(SequenceOfKey(OutboxKey(78, 9)), 78U);
  EXPECT_EQ(SequenceOfKey("short"), 0U);
  EXPECT_LT(SequenceKey(255), SequenceKey(256));
  EXPECT_LT(OutboxKey(1, 0xFFFFFFFF), OutboxKey(2, 0));
}

TEST(Partitions, OfBuckets) {
  EXPECT_EQ(PartitionOf(BucketId(0)), PartitionId(0));
  EXPECT_EQ(PartitionOf(BucketId(63)), PartitionId(0));
  EXPECT_EQ(PartitionOf(BucketId(64)), PartitionId(1));
  EXPECT_EQ(PartitionOf(BucketId(kDataBuckets - 1)), PartitionId(255));
  EXPECT_EQ(PartitionOf(kSystemBucket), PartitionId(256));
  EXPECT_EQ(PartitionOf(kFirstViewBucket), PartitionId(257));
  EXPECT_EQ(PartitionOf(BucketId(kAllBuckets - 1)), PartitionId(257));
}

}  // namespace hearth::store
