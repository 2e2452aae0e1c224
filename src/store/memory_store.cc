#include "src/store/memory_store.h"

#include "src/store/engine_store.h"
#include "src/store/memory_engine.h"

namespace hearth::store {

Result<std::unique_ptr<Store>> OpenMemoryStore(const Clock& clock, MetricsRegistry& metrics,
                                               const Limits& limits) {
  return EngineStore::Create(std::make_unique<MemoryEngine>(), clock, metrics, limits);
}

}  // namespace hearth::store
