#include "src/store/rocks/rocks_store.h"

#include <utility>

#include "src/store/engine_store.h"
#include "src/store/rocks/rocks_engine.h"

namespace hearth::store {

Result<std::unique_ptr<Store>> OpenRocksStore(const std::filesystem::path& directory, const Clock& clock,
                                              MetricsRegistry& metrics, const Limits& limits,
                                              const RocksMemory& memory) {
  HEARTH_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenRocksEngine(directory, memory));
  return EngineStore::Create(std::move(engine), clock, metrics, limits);
}

}  // namespace hearth::store
