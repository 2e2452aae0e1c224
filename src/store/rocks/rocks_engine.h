// An Engine in a RocksDB. Internal to src/store/rocks and its tests.
#pragma once

#include <filesystem>
#include <memory>

#include "src/store/engine.h"
#include "src/store/rocks/rocks_store.h"

namespace hearth::store {

// Opens or creates. Errors as OpenRocksStore.
Result<std::unique_ptr<Engine>> OpenRocksEngine(const std::filesystem::path& directory,
                                                const RocksMemory& memory = {});

}  // namespace hearth::store
