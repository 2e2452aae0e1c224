#include "src/store/memory_store.h"
#include "src/store/rocks/rocks_store.h"
#include "tests/store/conformance.h"

namespace hearth::store {

std::vector<Backend> AllBackends() {
  return {
      {"memory", false,
       [](const std::filesystem::path&, const Clock& clock, MetricsRegistry& metrics, const Limits& limits) {
         return OpenMemoryStore(clock, metrics, limits);
       }},
      {"rocks", true,
       [](const std::filesystem::path& path, const Clock& clock, MetricsRegistry& metrics,
          const Limits& limits) { return OpenRocksStore(path, clock, metrics, limits); }},
  };
}

INSTANTIATE_TEST_SUITE_P(All, StoreConformance, testing::ValuesIn(AllBackends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace hearth::store
