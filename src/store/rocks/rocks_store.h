// The embedded store: one RocksDB, all commits merged by one thread into synced WriteBatches.
#pragma once

#include <filesystem>
#include <memory>

#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/base/metrics.h"
#include "src/store/store.h"

namespace hearth::store {

// Opens or creates the store in `directory`. STORE_LEASE_HELD when another process has it open,
// STORE_CORRUPT when RocksDB cannot recover it. `clock` and `metrics` must outlive the store.
Result<std::unique_ptr<Store>> OpenRocksStore(const std::filesystem::path& directory, const Clock& clock,
                                              MetricsRegistry& metrics, const Limits& limits = {});

}  // namespace hearth::store
