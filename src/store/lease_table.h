// Who owns which partition, and its newest epoch. Internal to src/store.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/mutex.h"
#include "src/base/status.h"
#include "src/store/store.h"

namespace hearth::store {

// Lives in memory only: between processes the engine's lock file is the fence, and epochs begin with the
// generation (layout.h), so that every lease of an earlier process is superseded. Any thread. `now` is
// steady time. Errors as in Store.
class LeaseTable {
 public:
  explicit LeaseTable(uint32_t generation);

  Result<Lease> Acquire(PartitionId partition, std::string_view owner, std::chrono::milliseconds ttl,
                        std::chrono::nanoseconds now);
  Status Renew(const Lease& lease, std::chrono::milliseconds ttl, std::chrono::nanoseconds now);
  Status Release(const Lease& lease);
  Result<std::optional<std::string>> OwnerOf(PartitionId partition, std::chrono::nanoseconds now);
  // STORE_FENCED unless the lease is the newest of the bucket's partition; FIELD_INVALID for no bucket.
  Status Check(const Lease& lease, BucketId bucket);

 private:
  struct Entry {
    uint64_t epoch = 0;
    std::string owner;  // empty: released, or not taken since opening
    std::chrono::nanoseconds until{};
  };

  // The entry that `lease` owns.
  Result<Entry*> Find(const Lease& lease) HEARTH_REQUIRES(mu_);

  Mutex mu_;
  std::vector<Entry> entries_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::store
