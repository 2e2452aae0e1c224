#include "src/store/rocks/rocks_engine.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include "src/store/rocks/rocks_error.h"

namespace hearth::store {
namespace {

constexpr size_t kMiB = size_t{1024} * 1024;

rocksdb::CompressionType FirstSupported(std::initializer_list<rocksdb::CompressionType> wanted) {
  const auto supported = rocksdb::GetSupportedCompressions();
  for (const auto type : wanted) {
    if (std::find(supported.begin(), supported.end(), type) != supported.end()) return type;
  }
  return rocksdb::kNoCompression;
}

rocksdb::BlockBasedTableOptions TableOptions(size_t cache_mib) {
  rocksdb::BlockBasedTableOptions table;
  // 10 bits a key: 1 % false hits. Expect-absent and dedup look-ups are mostly misses and then read no block.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // One budget for data, index and filters: 10 million cards need some 60 MB of the latter two.
  table.block_cache = rocksdb::NewLRUCache(cache_mib * kMiB);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Newest format that RocksDB 7 writes, with a checksum that covers its own position.
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  return table;
}

void SetDurability(rocksdb::Options& options) {
  // Checks everything it reads and refuses to write once something is wrong (the default, and wanted).
  options.paranoid_checks = true;
  // The log is replayed up to the first damaged record. What follows it was never synced, hence never
  // acknowledged; a power cut may leave holes there, so treating them as corruption would refuse to open a
  // healthy store.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // A synced log that is missing or shorter than recorded is corruption all the same.
  options.track_and_verify_wals_in_manifest = true;
  // No silent recovery from a failed background write: after a failure the store stays read-only until it is
  // reopened, here as in EngineStore.
  options.max_bgerror_resume_count = 0;
}

// For a machine with two cores.
void SetSizes(rocksdb::Options& options, size_t write_buffer_mib) {
  // By default about 100 MB are replayed after a crash, under 2 s.
  options.write_buffer_size = write_buffer_mib * kMiB;
  options.max_write_buffer_number = 3;
  // One flush and one compaction at a time: they compete with the commit thread for two cores.
  options.max_background_jobs = 2;
  // Background writes go out in small pieces; otherwise the log's sync waits behind a whole file.
  options.bytes_per_sync = kMiB;
  // Below the usual limit of 1,024 descriptors, and enough for 30 GB of 64 MB files.
  options.max_open_files = 512;
  options.max_manifest_file_size = 16 * kMiB;
  // Fast where data is rewritten often, small in the last level, which holds nine tenths of it.
  options.compression = FirstSupported({rocksdb::kLZ4Compression, rocksdb::kSnappyCompression});
  options.bottommost_compression =
      FirstSupported({rocksdb::kZSTD, rocksdb::kLZ4Compression, rocksdb::kSnappyCompression});
  options.level_compaction_dynamic_level_bytes = true;
  // Outbox and records are written once and trimmed from the front: compact a file in which deletions crowd,
  // or every scan of the outbox walks over them.
  options.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(
      /*sliding_window_size=*/16384, /*deletion_trigger=*/8192));
  // Opening does not read the properties of all files.
  options.skip_stats_update_on_db_open = true;
}

rocksdb::Options MakeOptions(const RocksMemory& memory) {
  rocksdb::Options options;
  options.create_if_missing = true;
  SetDurability(options);
  SetSizes(options, memory.write_buffer_mib);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(memory.cache_mib)));
  // RocksDB's own log: warnings and errors, at most 4 MB.
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_log_file_size = kMiB;
  options.keep_log_file_num = 4;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

Error IoError(const std::filesystem::path& path, const std::error_code& code) {
  return Error(code == std::errc::no_space_on_device ? Reason::kStoreFull : Reason::kStoreIo,
               "the store's directory cannot be made")
      .Detail(path.string() + ": " + code.message());
}

// Makes the directory and syncs its parent: RocksDB syncs only what lies inside.
Status MakeDirectory(const std::filesystem::path& directory) {
  std::error_code code;
  const bool made = std::filesystem::create_directories(directory, code);
  if (code) return IoError(directory, code);
  if (!made) return Ok();
  const std::filesystem::path parent = std::filesystem::absolute(directory).parent_path();
  const int fd = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  code.assign(errno, std::generic_category());
  if (fd >= 0) ::close(fd);
  if (!synced) return IoError(parent, code);
  return Ok();
}

class RocksEngine final : public Engine {
 public:
  explicit RocksEngine(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {}

  Status Apply(std::vector<Write> writes) override {
    rocksdb::WriteBatch batch;
    rocksdb::Status status;
    for (const Write& write : writes) {
      status = write.value ? batch.Put(write.key, *write.value) : batch.Delete(write.key);
      if (!status.ok()) return ErrorFromRocks(status, "writing to the store");
    }
    rocksdb::WriteOptions options;
    options.sync = true;
    status = db_->Write(options, &batch);
    if (!status.ok()) return ErrorFromRocks(status, "writing to the store");
    return Ok();
  }

  Result<std::optional<std::string>> Get(std::string_view key) override {
    std::optional<std::string> value(std::in_place);
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &*value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return ErrorFromRocks(status, "reading the store");
    return value;
  }

  Result<ScanPage> Scan(std::string_view from, std::string_view end, size_t limit) override {
    const rocksdb::Slice bound(end);
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &bound;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    ScanPage page;
    for (it->Seek(from); it->Valid(); it->Next()) {
      if (page.items.size() == limit) {
        page.more = true;
        break;
      }
      page.items.push_back({it->key().ToString(), it->value().ToString()});
    }
    if (!it->status().ok()) return ErrorFromRocks(it->status(), "reading the store");
    return page;
  }

 private:
  const std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenRocksEngine(const std::filesystem::path& directory,
                                                const RocksMemory& memory) {
  HEARTH_RETURN_IF_ERROR(MakeDirectory(directory));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(MakeOptions(memory), directory.string(), &db);
  if (!status.ok()) return ErrorFromRocks(status, "opening the store");
  return std::unique_ptr<Engine>(std::make_unique<RocksEngine>(std::unique_ptr<rocksdb::DB>(db)));
}

}  // namespace hearth::store
