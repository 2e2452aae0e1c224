// An Engine that is a std::map. Internal to src/store and its tests.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "src/base/mutex.h"
#include "src/store/engine.h"

namespace hearth::store {

// Any thread. Never fails.
class MemoryEngine final : public Engine {
 public:
  Status Apply(std::vector<Write> writes) override;
  Result<std::optional<std::string>> Get(std::string_view key) override;
  Result<ScanPage> Scan(std::string_view from, std::string_view end, size_t limit) override;

 private:
  Mutex mu_;
  std::map<std::string, std::string, std::less<>> map_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::store
