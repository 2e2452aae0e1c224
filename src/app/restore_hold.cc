// Keys of its bucket:
//   held      why, in words; there while the site is held
//   renewal   stamp 8: the groups are owed to the air from this stamp on
#include "src/app/restore_hold.h"

#include <fmt/format.h>

namespace hearth::app {
namespace {

constexpr store::BucketId kHoldBucket{store::kFirstViewBucket.value + store::kViewBuckets - 1};
constexpr std::string_view kHeldKey = "held";

}  // namespace

RestoreHold::RestoreHold(Executor& executor, ViewBucket bucket, MetricsRegistry& metrics, Logger& log)
    : executor_(executor),
      log_(log),
      gauge_(metrics.GetGauge("hearth_restore_unreconciled",
                              "1 while the site runs on a restored backup that nobody has reconciled.")),
      bucket_(std::move(bucket)) {}

Result<std::unique_ptr<RestoreHold>> RestoreHold::Create(Executor& executor, MetricsRegistry& metrics,
                                                         Logger& log) {
  HEARTH_ASSIGN_OR_RETURN(auto bucket, ViewBucket::Create(executor, kHoldBucket));
  std::unique_ptr<RestoreHold> hold(new RestoreHold(executor, std::move(bucket), metrics, log));
  HEARTH_RETURN_IF_ERROR(hold->Load());
  return hold;
}

Status RestoreHold::Load() {
  const MutexLock lock(mu_);
  HEARTH_ASSIGN_OR_RETURN(const auto held, bucket_.Get(std::string(kHeldKey)));
  if (held) why_ = *held;
  Show(held.has_value());
  return Ok();
}

void RestoreHold::Show(bool held) {
  executor_.Hold(held);
  held_.store(held);
  gauge_.Set(held ? 1 : 0);
}

Status RestoreHold::Gate() const {
  if (!held()) return Ok();
  const MutexLock lock(mu_);
  return Error(
      Reason::kRestoreUnreconciled,
      fmt::format("the site runs on a restored backup: {}; nothing is changed and no group goes on the "
                  "air until it is reconciled",
                  why_));
}

Status RestoreHold::Hold(const std::string& why) {
  const MutexLock lock(mu_);
  if (!held()) {
    bucket_.Put(std::string(kHeldKey), why);
    HEARTH_RETURN_IF_ERROR(bucket_.Commit());
    why_ = why;
    Show(true);
  }
  log_.Error("restore.unreconciled", {{"why", why_}, {"cure", InfoOf(Reason::kRestoreUnreconciled).cure}});
  return Ok();
}

Status RestoreHold::Lift() {
  const MutexLock lock(mu_);
  bucket_.Delete(std::string(kHeldKey));
  HEARTH_RETURN_IF_ERROR(bucket_.Commit());
  why_.clear();
  Show(false);
  return Ok();
}

Result<std::optional<std::string>> FindRestore(store::Store& store, const archive::Tails& tails) {
  HEARTH_ASSIGN_OR_RETURN(const auto sequences, store.Sequences());
  std::map<uint16_t, uint64_t> have;
  for (const auto& bucket : sequences) have[bucket.bucket.value] = bucket.sequence;
  size_t ahead = 0;
  uint64_t changes = 0;
  for (const auto& [bucket, tail] : tails) {
    const uint64_t n = have[bucket];
    if (tail.sequence > n) {
      ++ahead;
      changes += tail.sequence - n;
      continue;
    }
    if (tail.checksum == 0) continue;
    HEARTH_ASSIGN_OR_RETURN(const auto record, store.Get(store::BucketId(bucket), store::Space::kRecord,
                                                         store::SequenceKey(tail.sequence)));
    if (record && archive::Checksum(*record) != tail.checksum) {
      return std::optional(
          fmt::format("bucket {} has another change at sequence {} than the archive", bucket, tail.sequence));
    }
  }
  if (ahead == 0) return std::optional<std::string>();
  return std::optional(
      fmt::format("the archive has {} changes of {} buckets that the store lacks", changes, ahead));
}

}  // namespace hearth::app
