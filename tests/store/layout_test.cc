#include "src/store/layout.h"

#include <random>

#include <gtest/gtest.h>

#include "src/base/bytes.h"
#include "src/base/clock.h"
#include "src/store/engine_store.h"
#include "src/store/memory_engine.h"
#include "tests/store/conformance.h"

namespace hearth::store {
namespace {

std::string Hex(std::string_view bytes) { return ToHex(AsBytes(bytes)); }

TEST(Layout, Vectors) {
  EXPECT_EQ(Hex(StoredKey(BucketId(0x1234), Space::kObject, "a")), "12346361");
  EXPECT_EQ(Hex(StoredKey(kSystemBucket, Space::kRecord, SequenceKey(1))), "4000720000000000000001");
  EXPECT_EQ(Hex(StoredKey(BucketId(1), Space::kOutbox, OutboxKey(1, 2))), "00016f000000000000000100000002");
  EXPECT_EQ(Hex(VersionKey()), "ffff76");
  EXPECT_EQ(Hex(VersionValue()), "00000001");
  EXPECT_EQ(Hex(GenerationKey()), "ffff67");
  EXPECT_EQ(Hex(GenerationValue(258)), "00000102");
  EXPECT_EQ(Hex(BucketSequenceKey(BucketId(0x1234))), "ffff621234");
  EXPECT_EQ(Hex(BucketSequenceValue(3, (uint64_t{2} << 32) | 1)), "00000000000000030000000200000001");
}

TEST(Layout, PrefixEnd) {
  EXPECT_EQ(Hex(PrefixEnd("a")), "62");
  EXPECT_EQ(Hex(PrefixEnd("a\xFF")), "62");
  EXPECT_EQ(Hex(PrefixEnd("a\xFE")), "61ff");
  EXPECT_EQ(Hex(PrefixEnd("\x7F")), "80");
  EXPECT_EQ(Hex(PrefixEnd(StoredKey(BucketId(1), Space::kObject, "\xFF\xFF"))), "000164");
}

TEST(Layout, SystemState) {
  const KeyValue version{VersionKey(), VersionValue()};
  const KeyValue generation{GenerationKey(), GenerationValue(7)};
  const KeyValue sequence{BucketSequenceKey(BucketId(3)), BucketSequenceValue(9, 1)};
  const std::string four("\0\0\0\2", 4);
  struct Row {
    const char* name;
    std::vector<KeyValue> items;
    std::string outcome;
    std::string message;
  };
  const Row rows[] = {
      {"as written", {sequence, generation, version}, "OK", ""},
      {"nothing written yet", {generation, version}, "OK", ""},
      {"no version", {sequence, generation}, "STORE_CORRUPT", "no format version"},
      {"newer version", {{VersionKey(), four}, {"\xFF\xFFz", "new"}}, "STORE_CORRUPT", "version 2"},
      {"short version", {{VersionKey(), "1"}, generation}, "STORE_CORRUPT", "damaged"},
      {"no generation", {version, sequence}, "STORE_CORRUPT", "generation 0"},
      {"last generation",
       {version, {GenerationKey(), GenerationValue(UINT32_MAX)}},
       "STORE_CORRUPT",
       "generation"},
      {"long generation", {version, {GenerationKey(), four + "x"}}, "STORE_CORRUPT", "damaged"},
      {"bucket too high",
       {version, generation, {BucketSequenceKey(BucketId(kAllBuckets)), sequence.value}},
       "STORE_CORRUPT",
       "damaged"},
      {"short sequence", {version, generation, {sequence.key, four}}, "STORE_CORRUPT", "damaged"},
      {"sequence 0",
       {version, generation, {sequence.key, BucketSequenceValue(0, 1)}},
       "STORE_CORRUPT",
       "damaged"},
      {"long sequence key",
       {version, generation, {sequence.key + "x", sequence.value}},
       "STORE_CORRUPT",
       "damaged"},
      {"unknown letter", {version, generation, {"\xFF\xFFz", ""}}, "STORE_CORRUPT", "damaged"},
      {"no letter", {version, generation, {"\xFF\xFF", ""}}, "STORE_CORRUPT", "damaged"},
  };
  for (const Row& row : rows) {
    const auto state = DecodeSystemState(row.items);
    EXPECT_EQ(NameOf(state), row.outcome) << row.name;
    if (!state) {
      EXPECT_NE(state.error().message().find(row.message), std::string::npos)
          << row.name << ": " << state.error().message();
    }
  }
  const auto state = DecodeSystemState(rows[0].items);
  EXPECT_EQ(state->generation, 7U);
  ASSERT_EQ(state->sequences.size(), 1U);
  EXPECT_EQ(state->sequences[0].bucket, BucketId(3));
  EXPECT_EQ(state->sequences[0].sequence, 9U);
}

TEST(Layout, AStrangersDataIsNotTakenOver) {
  const FakeClock clock(UnixMillis(0));
  NullMetrics metrics;
  auto engine = std::make_unique<MemoryEngine>();
  ASSERT_TRUE(engine->Apply({{"somebody's key", "value"}}));
  EXPECT_EQ(NameOf(EngineStore::Create(std::move(engine), clock, metrics, {})), "STORE_CORRUPT");
}

// Whatever stands under 0xFFFF, opening answers and does not crash.
TEST(Layout, RandomSystemRecords) {
  std::mt19937_64 random(TestSeed());
  const FakeClock clock(UnixMillis(0));
  NullMetrics metrics;
  for (int round = 0; round < 2000; ++round) {
    auto engine = std::make_unique<MemoryEngine>();
    std::vector<Write> writes = {{VersionKey(), VersionValue()}, {GenerationKey(), GenerationValue(1)}};
    for (uint64_t n = random() % 4; n > 0; --n) {
      std::string key = "\xFF\xFF";
      for (uint64_t i = random() % 5; i > 0; --i) key.push_back("vgb\0\1\x40\xFE"[random() % 7]);
      std::string value;
      for (uint64_t i = random() % 18; i > 0; --i) value.push_back(static_cast<char>(random()));
      writes.push_back({key, value});
    }
    ASSERT_TRUE(engine->Apply(std::move(writes)));
    const auto store = EngineStore::Create(std::move(engine), clock, metrics, {});
    EXPECT_TRUE(store || NameOf(store) == "STORE_CORRUPT") << NameOf(store);
  }
}

}  // namespace
}  // namespace hearth::store
