#include "src/store/lease_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::store {
namespace {

// Keeps now + ttl inside its type; nobody needs more.
constexpr std::chrono::milliseconds kLongestLease = std::chrono::hours(24 * 365 * 10);

Status CheckTtl(std::chrono::milliseconds ttl) {
  if (ttl.count() <= 0) return InvalidField("ttl", "a lease runs for at least a millisecond");
  return Ok();
}

Error Fenced(PartitionId partition) {
  return Error(Reason::kStoreFenced,
               fmt::format("the lease of partition {} was superseded", partition.value));
}

}  // namespace

LeaseTable::LeaseTable(uint32_t generation) : entries_(kPartitions) {
  for (Entry& entry : entries_) entry.epoch = uint64_t{generation} << 32;
}

Result<Lease> LeaseTable::Acquire(PartitionId partition, std::string_view owner,
                                  std::chrono::milliseconds ttl, std::chrono::nanoseconds now) {
  if (partition.value >= kPartitions) return InvalidField("partition", "there is no such partition");
  if (owner.empty()) return InvalidField("owner", "a lease needs the name of its owner");
  HEARTH_RETURN_IF_ERROR(CheckTtl(ttl));
  MutexLock lock(mu_);
  Entry& entry = entries_[partition.value];
  if (!entry.owner.empty() && entry.owner != owner && now < entry.until) {
    return Error(Reason::kStoreLeaseHeld,
                 fmt::format("partition {} belongs to {}", partition.value, entry.owner));
  }
  ++entry.epoch;
  entry.owner = owner;
  entry.until = now + std::min(ttl, kLongestLease);
  return Lease{partition, entry.epoch, entry.owner};
}

Result<LeaseTable::Entry*> LeaseTable::Find(const Lease& lease) {
  if (lease.partition.value >= kPartitions) return Fenced(lease.partition);
  Entry& entry = entries_[lease.partition.value];
  if (entry.epoch != lease.epoch) return Fenced(lease.partition);
  return &entry;
}

Status LeaseTable::Renew(const Lease& lease, std::chrono::milliseconds ttl, std::chrono::nanoseconds now) {
  HEARTH_RETURN_IF_ERROR(CheckTtl(ttl));
  MutexLock lock(mu_);
  HEARTH_ASSIGN_OR_RETURN(Entry * entry, Find(lease));
  if (entry->owner.empty()) return Fenced(lease.partition);
  entry->until = now + std::min(ttl, kLongestLease);
  return Ok();
}

Status LeaseTable::Release(const Lease& lease) {
  MutexLock lock(mu_);
  HEARTH_ASSIGN_OR_RETURN(Entry * entry, Find(lease));
  entry->owner.clear();
  return Ok();
}

Result<std::optional<std::string>> LeaseTable::OwnerOf(PartitionId partition, std::chrono::nanoseconds now) {
  if (partition.value >= kPartitions) return InvalidField("partition", "there is no such partition");
  MutexLock lock(mu_);
  const Entry& entry = entries_[partition.value];
  if (entry.owner.empty() || now >= entry.until) return std::optional<std::string>();
  return std::optional<std::string>(entry.owner);
}

Status LeaseTable::Check(const Lease& lease, BucketId bucket) {
  if (bucket.value >= kAllBuckets) return InvalidField("bucket", "there is no such bucket");
  if (lease.partition != PartitionOf(bucket)) {
    return Error(Reason::kStoreFenced,
                 fmt::format("bucket {} is in partition {}, the lease is of {}", bucket.value,
                             PartitionOf(bucket).value, lease.partition.value));
  }
  MutexLock lock(mu_);
  HEARTH_ASSIGN_OR_RETURN([[maybe_unused]] const Entry* entry, Find(lease));
  return Ok();
}

}  // namespace hearth::store
