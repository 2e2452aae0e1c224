// The embedded store: one RocksDB, all commits merged by one thread into synced WriteBatches.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/base/metrics.h"
#include "src/store/store.h"

namespace hearth::store {

// What the store keeps in memory, in MiB: blocks read, and what was written since the last file, of which
// there are up to three in memory; that is also what a start after a crash reads again. The defaults suit a
// daemon with 2 GiB.
struct RocksMemory {
  size_t cache_mib = 128;
  size_t write_buffer_mib = 32;
};

// Opens or creates the store in `directory`. STORE_LEASE_HELD when another process has it open,
// STORE_CORRUPT when RocksDB cannot recover it. `clock` and `metrics` must outlive the store.
Result<std::unique_ptr<Store>> OpenRocksStore(const std::filesystem::path& directory, const Clock& clock,
                                              MetricsRegistry& metrics, const Limits& limits = {},
                                              const RocksMemory& memory = {});

}  // namespace hearth::store
