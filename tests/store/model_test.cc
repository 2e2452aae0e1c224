// Random operations against a std::map, with reopens; leveldb's db_test showed the way.
#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "src/base/bytes.h"
#include "tests/store/conformance.h"

namespace hearth::store {
namespace {

using Pairs = std::map<std::string, std::string>;

constexpr Space kSpaces[] = {Space::kObject, Space::kDedup, Space::kOutbox, Space::kRecord, Space::kAudit};

// What a bucket must hold. `base` is the objects as of the newest trimmed record.
struct ModelBucket {
  uint64_t sequence = 0;
  std::map<Space, Pairs> spaces;
  Pairs base;
};

// The change record of these tests: (key size, key, 1 and value size and value | 0)*.
std::string EncodeRecord(const Batch& batch) {
  ByteWriter writer;
  for (const std::string& key : batch.deletes) writer.U16(key.size()).Put(AsBytes(key)).U8(0);
  for (const KeyValue& put : batch.puts) {
    writer.U16(put.key.size()).Put(AsBytes(put.key)).U8(1).U32(put.value.size()).Put(AsBytes(put.value));
  }
  return std::string(AsChars(writer.bytes()));
}

void Replay(std::string_view record, Pairs& objects) {
  ByteReader reader(AsBytes(record));
  while (reader.ok() && reader.remaining() > 0) {
    const std::string key(AsChars(reader.Take(reader.U16())));
    if (reader.U8() == 0) {
      objects.erase(key);
    } else {
      objects[key] = AsChars(reader.Take(reader.U32()));
    }
  }
  ASSERT_TRUE(reader.done());
}

class Model : public testing::TestWithParam<Backend> {
 protected:
  void Open() {
    store_.reset();
    auto store = GetParam().open(dir_.path() / "store", clock_, metrics_, {});
    ASSERT_TRUE(store) << store.error().detail();
    store_ = *std::move(store);
    for (const BucketId bucket : buckets_) Acquire(PartitionOf(bucket));
  }

  void Acquire(PartitionId partition) {
    auto lease = store_->Acquire(partition, "owner", kTtl);
    ASSERT_TRUE(lease);
    if (leases_.contains(partition)) {
      EXPECT_GT(lease->epoch, leases_[partition].epoch);
      stale_[partition] = leases_[partition];
    }
    leases_[partition] = *lease;
  }

  uint64_t Below(uint64_t n) { return random_() % n; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  BucketId AnyBucket() { return buckets_[Below(buckets_.size())]; }

  // Few and short, so that they meet; with the bytes that hurt.
  std::string AnyKey() {
    std::string key;
    for (uint64_t n = 1 + Below(3); n > 0; --n) key.push_back("ab\0\xFF"[Below(4)]);
    return key;
  }
  std::string AnyPrefix() { return OneIn(3) ? std::string() : AnyKey(); }
  std::string AnyValue() {
    const uint64_t size = OneIn(50) ? Below(100'000) : Below(100);
    return std::string(size, static_cast<char>('a' + Below(26)));
  }

  Batch AnyBatch(const ModelBucket& model) {
    Batch batch;
    for (uint64_t n = Below(4); n > 0; --n) batch.puts.push_back({AnyKey(), AnyValue()});
    for (uint64_t n = Below(3); n > 0; --n) batch.deletes.push_back(AnyKey());
    for (uint64_t n = Below(2); n > 0; --n) batch.dedup.push_back({AnyKey(), AnyValue()});
    for (uint64_t n = Below(3); n > 0; --n) batch.outbox.push_back(AnyValue());
    if (OneIn(3)) batch.expect_absent.push_back(AnyKey());
    batch.audit = OneIn(2) ? "audit of " + std::to_string(model.sequence + 1) : "";
    batch.record = EncodeRecord(batch);
    return batch;
  }

  // Changes the model and says what the store should answer.
  static std::string Apply(const Batch& batch, uint64_t expected, bool fenced, ModelBucket& model) {
    if (fenced) return "STORE_FENCED";
    if (expected != model.sequence) return "STORE_CONFLICT";
    Pairs& objects = model.spaces[Space::kObject];
    for (const std::string& key : batch.expect_absent) {
      if (objects.contains(key)) return "STORE_KEY_PRESENT";
    }
    ++model.sequence;
    for (const std::string& key : batch.deletes) objects.erase(key);
    for (const KeyValue& put : batch.puts) objects[put.key] = put.value;
    for (const KeyValue& put : batch.dedup) model.spaces[Space::kDedup][put.key] = put.value;
    for (uint32_t n = 0; n < batch.outbox.size(); ++n) {
      model.spaces[Space::kOutbox][OutboxKey(model.sequence, n)] = batch.outbox[n];
    }
    if (!batch.record.empty()) model.spaces[Space::kRecord][SequenceKey(model.sequence)] = batch.record;
    if (!batch.audit.empty()) model.spaces[Space::kAudit][SequenceKey(model.sequence)] = batch.audit;
    return "OK";
  }

  // Several commits queued without waiting, some of them wrong on purpose.
  void Commits() {
    std::vector<std::string> expected;
    std::vector<std::string> outcomes;
    const uint64_t count = 1 + Below(6);
    for (uint64_t n = 0; n < count; ++n) {
      const BucketId bucket = AnyBucket();
      const PartitionId partition = PartitionOf(bucket);
      ModelBucket& model = model_[bucket];
      const Batch batch = AnyBatch(model);
      const uint64_t sequence = OneIn(8) ? Below(model.sequence + 3) : model.sequence;
      const bool fenced = OneIn(10) && stale_.contains(partition);
      expected.push_back(Apply(batch, sequence, fenced, model));
      store_->Commit(fenced ? stale_[partition] : leases_[partition], bucket, sequence, batch,
                     [&outcomes](const Result<uint64_t>& result) { outcomes.push_back(NameOf(result)); });
    }
    // In the queue behind them all.
    Acquire(PartitionId(77));
    EXPECT_EQ(outcomes, expected);
  }

  void CheckGet() {
    const BucketId bucket = AnyBucket();
    const Space space = kSpaces[Below(2)];
    const std::string key = AnyKey();
    const auto value = store_->Get(bucket, space, key);
    ASSERT_TRUE(value);
    const Pairs& pairs = model_[bucket].spaces[space];
    const auto it = pairs.find(key);
    ASSERT_EQ(value->has_value(), it != pairs.end());
    if (*value) {
      ASSERT_EQ(**value, it->second);
    }
  }

  void CheckScan() {
    const BucketId bucket = AnyBucket();
    const Space space = kSpaces[Below(std::size(kSpaces))];
    const std::string prefix = AnyPrefix();
    const std::string after = AnyPrefix();
    const size_t limit = 1 + Below(10);
    std::vector<KeyValue> expected;
    for (const auto& [key, value] : model_[bucket].spaces[space]) {
      if (key.starts_with(prefix) && key > after) expected.push_back({key, value});
    }
    const auto page = store_->Scan(bucket, space, prefix, after, limit);
    ASSERT_TRUE(page);
    EXPECT_EQ(page->more, expected.size() > limit);
    expected.resize(std::min(limit, expected.size()));
    EXPECT_EQ(page->items, expected);
  }

  void Trim() {
    const BucketId bucket = AnyBucket();
    const Space space = kSpaces[1 + Below(std::size(kSpaces) - 1)];
    ModelBucket& model = model_[bucket];
    const std::string before = space == Space::kDedup ? AnyKey() : SequenceKey(Below(model.sequence + 2));
    Pairs& pairs = model.spaces[space];
    const auto end = pairs.lower_bound(before);
    if (space == Space::kRecord) {
      for (auto it = pairs.begin(); it != end; ++it) Replay(it->second, model.base);
    }
    pairs.erase(pairs.begin(), end);
    const auto trimmed = store_->Trim(leases_[PartitionOf(bucket)], bucket, space, before);
    ASSERT_TRUE(trimmed) << NameOf(trimmed);
  }

  Pairs All(BucketId bucket, Space space) {
    Pairs pairs;
    const auto page = store_->Scan(bucket, space, "", "", SIZE_MAX);
    EXPECT_TRUE(page && !page->more);
    for (const KeyValue& item : page->items) pairs.emplace(item.key, item.value);
    return pairs;
  }

  void CheckAll() {
    std::map<BucketId, uint64_t> sequences;
    const auto all = store_->Sequences();
    ASSERT_TRUE(all);
    for (const BucketSequence& item : *all) sequences[item.bucket] = item.sequence;
    for (const BucketId bucket : buckets_) {
      ModelBucket& model = model_[bucket];
      ASSERT_EQ(sequences[bucket], model.sequence);
      ASSERT_EQ(*store_->Claim(leases_[PartitionOf(bucket)], bucket), model.sequence);
      for (const Space space : kSpaces) {
        ASSERT_EQ(All(bucket, space), model.spaces[space]) << static_cast<char>(space);
      }
      // State at n plus the records behind it is the state now.
      Pairs replayed = model.base;
      for (const auto& [key, record] : All(bucket, Space::kRecord)) Replay(record, replayed);
      ASSERT_EQ(replayed, model.spaces[Space::kObject]);
    }
  }

  void Step() {
    const uint64_t choice = Below(100);
    if (choice < 45) return Commits();
    if (choice < 65) return CheckGet();
    if (choice < 85) return CheckScan();
    if (choice < 92) return Trim();
    if (choice < 96) return Acquire(PartitionOf(AnyBucket()));
    if (choice == 99 && GetParam().persistent) Open();
    if (choice >= 98) CheckAll();
  }

  const std::vector<BucketId> buckets_ = {BucketId(0),  BucketId(1),   BucketId(63),
                                          BucketId(64), kSystemBucket, BucketId(kAllBuckets - 1)};
  TempDir dir_;
  FakeClock clock_{UnixMillis(1'700'000'000'000)};
  NullMetrics metrics_;
  std::mt19937_64 random_;
  std::map<PartitionId, Lease> leases_;
  std::map<PartitionId, Lease> stale_;
  std::map<BucketId, ModelBucket> model_;
  std::unique_ptr<Store> store_;
};

TEST_P(Model, RandomOperations) {
  random_.seed(TestSeed());
  Open();
  const int steps = EnvNumber("HEARTH_MODEL_STEPS", 3000);
  for (int step = 0; step < steps; ++step) {
    Step();
    ASSERT_FALSE(HasFailure()) << "step " << step;
  }
  CheckAll();
}

INSTANTIATE_TEST_SUITE_P(All, Model, testing::ValuesIn(AllBackends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
