#include "src/store/memory_engine.h"

#include <utility>

namespace hearth::store {

Status MemoryEngine::Apply(std::vector<Write> writes) {
  MutexLock lock(mu_);
  for (Write& write : writes) {
    if (write.value) {
      map_.insert_or_assign(std::move(write.key), *std::move(write.value));
    } else {
      map_.erase(write.key);
    }
  }
  return Ok();
}

Result<std::optional<std::string>> MemoryEngine::Get(std::string_view key) {
  MutexLock lock(mu_);
  const auto it = map_.find(key);
  if (it == map_.end()) return std::optional<std::string>();
  return std::optional<std::string>(it->second);
}

Result<ScanPage> MemoryEngine::Scan(std::string_view from, std::string_view end, size_t limit) {
  MutexLock lock(mu_);
  ScanPage page;
  for (auto it = map_.lower_bound(from); it != map_.end() && it->first < end; ++it) {
    if (page.items.size() == limit) {
      page.more = true;
      break;
    }
    page.items.push_back({it->first, it->second});
  }
  return page;
}

}  // namespace hearth::store
