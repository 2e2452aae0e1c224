// The store in memory: for tests, and the reference for what the others must do.
#pragma once

#include <memory>

#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/base/metrics.h"
#include "src/store/store.h"

namespace hearth::store {

// Everything is lost on destruction. `clock` judges leases and must outlive the store.
Result<std::unique_ptr<Store>> OpenMemoryStore(const Clock& clock, MetricsRegistry& metrics,
                                               const Limits& limits = {});

}  // namespace hearth::store
