// What only the RocksDB store can get wrong: files, locks, and RocksDB's words for failures.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <rocksdb/status.h>

#include "src/store/engine_store.h"
#include "src/store/layout.h"
#include "src/store/rocks/rocks_engine.h"
#include "src/store/rocks/rocks_error.h"
#include "src/store/rocks/rocks_store.h"
#include "tests/store/conformance.h"

namespace hearth::store {
namespace {

class Rocks : public testing::Test {
 protected:
  Result<std::unique_ptr<Store>> Open() { return OpenRocksStore(path_, clock_, metrics_); }

  // One commit of an incompressible value, closed.
  void Fill() {
    auto store = Open();
    ASSERT_TRUE(store) << store.error().detail();
    const Lease lease = *(*store)->Acquire(PartitionId(0), "a", kTtl);
    for (uint64_t n = 0; n < 100; ++n) {
      Batch batch = Puts({{"k" + std::to_string(n), std::string(1000, static_cast<char>('a' + n % 26))}});
      ASSERT_TRUE((*store)->CommitAndWait(lease, kBucket, n, std::move(batch)));
    }
  }

  std::vector<std::filesystem::path> Files(std::string_view extension) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().extension() == extension) files.push_back(entry.path());
    }
    return files;
  }

  TempDir dir_;
  std::filesystem::path path_ = dir_.path() / "deep" / "store";
  FakeClock clock_{UnixMillis(1'700'000'000'000)};
  NullMetrics metrics_;
};

void Overwrite(const std::filesystem::path& file, std::streamoff at, const std::string& text) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(at);
  out << text;
  ASSERT_TRUE(out.good());
}

TEST_F(Rocks, StatusMapping) {
  struct Row {
    const char* name;
    rocksdb::Status status;
    Reason reason;
  };
  const Row rows[] = {
      {"disk full", rocksdb::Status::NoSpace("x"), Reason::kStoreFull},
      {"corruption", rocksdb::Status::Corruption("x"), Reason::kStoreCorrupt},
      {"not a database", rocksdb::Status::InvalidArgument("x"), Reason::kStoreCorrupt},
      {"newer files", rocksdb::Status::NotSupported("x"), Reason::kStoreCorrupt},
      {"io", rocksdb::Status::IOError("x"), Reason::kStoreIo},
      {"no file", rocksdb::Status::PathNotFound("x"), Reason::kStoreIo},
      {"anything else", rocksdb::Status::Aborted("x"), Reason::kStoreIo},
  };
  for (const Row& row : rows) {
    const Error error = ErrorFromRocks(row.status, "trying");
    EXPECT_EQ(error.reason(), row.reason) << row.name;
    EXPECT_EQ(error.message().find(row.status.ToString()), std::string::npos) << row.name;
    EXPECT_EQ(error.detail(), row.status.ToString()) << row.name;
  }
}

TEST_F(Rocks, ASecondOpenFindsTheLock) {
  const auto store = Open();
  ASSERT_TRUE(store) << store.error().detail();
  const auto second = Open();
  EXPECT_EQ(NameOf(second), "STORE_LEASE_HELD") << second.error().detail();
}

TEST_F(Rocks, UnknownFormatVersionIsNamed) {
  Fill();
  ASSERT_TRUE((*OpenRocksEngine(path_))->Apply({{VersionKey(), std::string("\0\0\0\2", 4)}}));
  const auto store = Open();
  ASSERT_EQ(NameOf(store), "STORE_CORRUPT");
  EXPECT_NE(store.error().message().find("format version 2"), std::string::npos) << store.error().message();
}

TEST_F(Rocks, AFileIsNoDirectory) {
  std::filesystem::create_directories(path_.parent_path());
  std::ofstream(path_) << "x";
  EXPECT_EQ(NameOf(Open()), "STORE_IO");
}

TEST_F(Rocks, DamagedManifestIsCorruption) {
  Fill();
  Overwrite(path_ / "CURRENT", 0, "not a manifest\n");
  EXPECT_EQ(NameOf(Open()), "STORE_CORRUPT");
}

TEST_F(Rocks, DamagedTableIsNeverReadAsData) {
  Fill();
  ASSERT_TRUE(Open());  // replays the log into a table
  const auto tables = Files(".sst");
  ASSERT_FALSE(tables.empty());
  for (const auto& table : tables) Overwrite(table, 20, std::string(64, '#'));
  const auto store = Open();
  if (!store) {
    EXPECT_EQ(NameOf(store), "STORE_CORRUPT") << store.error().detail();
    return;
  }
  EXPECT_EQ(NameOf((*store)->Scan(kBucket, Space::kObject, "", "", 1000)), "STORE_CORRUPT");
  EXPECT_EQ(NameOf((*store)->Get(kBucket, Space::kObject, "k0")), "STORE_CORRUPT");
}

// As a power cut may leave it: the last record of the log half written, rubbish behind it.
TEST_F(Rocks, TornEndOfTheLogLosesOnlyTheTornCommit) {
  Fill();
  const auto logs = Files(".log");
  ASSERT_EQ(logs.size(), 1U);
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(logs[0]));
  for (const char* how : {"cut", "rubbish"}) {
    const std::filesystem::path copy = dir_.path() / how;
    std::filesystem::copy(path_, copy);
    const std::filesystem::path log = copy / logs[0].filename();
    if (how[0] == 'c') {
      std::filesystem::resize_file(log, size - 50);
    } else {
      Overwrite(log, size - 50, std::string(20'000, '#'));
    }
    auto store = OpenRocksStore(copy, clock_, metrics_);
    ASSERT_TRUE(store) << how << ": " << store.error().detail();
    const Lease lease = *(*store)->Acquire(PartitionId(0), "a", kTtl);
    EXPECT_EQ(*(*store)->Claim(lease, kBucket), 99U) << how;
    EXPECT_TRUE(*(*store)->Get(kBucket, Space::kObject, "k98")) << how;
    EXPECT_FALSE(*(*store)->Get(kBucket, Space::kObject, "k99")) << how;
    EXPECT_EQ(*(*store)->CommitAndWait(lease, kBucket, 99, {}), 100U) << how;
  }
}

TEST_F(Rocks, EpochsGrowOverManyReopens) {
  uint64_t last = 0;
  for (int n = 0; n < 5; ++n) {
    auto store = Open();
    ASSERT_TRUE(store) << store.error().detail();
    for (int again = 0; again < 3; ++again) {
      const uint64_t epoch = (*store)->Acquire(PartitionId(3), "a", kTtl)->epoch;
      EXPECT_GT(epoch, last);
      last = epoch;
    }
  }
}

}  // namespace
}  // namespace hearth::store
