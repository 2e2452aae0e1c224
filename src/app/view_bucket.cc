#include "src/app/view_bucket.h"

#include <charconv>

#include <fmt/format.h>

namespace hearth::app {
namespace {

constexpr std::string_view kCursorPrefix = "cur/";

}  // namespace

Result<ViewBucket> ViewBucket::Create(Executor& executor, store::BucketId bucket) {
  HEARTH_ASSIGN_OR_RETURN(const uint64_t sequence,
                          executor.store().Claim(executor.LeaseOf(store::kViewPartition), bucket));
  return ViewBucket(executor, bucket, sequence);
}

Result<std::optional<std::string>> ViewBucket::Get(const std::string& key) const {
  const auto it = writes_.find(key);
  if (it != writes_.end()) return it->second;
  return executor_->store().Get(bucket_, store::Space::kObject, key);
}

Status ViewBucket::Commit() {
  if (writes_.empty()) return Ok();
  store::Batch batch;
  for (auto& [key, value] : writes_) {
    if (value) {
      batch.puts.push_back({key, std::move(*value)});
    } else {
      batch.deletes.push_back(key);
    }
  }
  writes_.clear();
  HEARTH_ASSIGN_OR_RETURN(sequence_,
                          executor_->store().CommitAndWait(executor_->LeaseOf(store::kViewPartition), bucket_,
                                                           sequence_, std::move(batch)));
  return Ok();
}

Result<store::ScanPage> ViewBucket::Scan(std::string_view prefix, std::string_view after,
                                         size_t limit) const {
  return executor_->store().Scan(bucket_, store::Space::kObject, prefix, after, limit);
}

void ViewBucket::PutCursor(store::BucketId of, uint64_t sequence) {
  ByteWriter out(8);
  out.U64(sequence);
  Put(fmt::format("{}{:05}", kCursorPrefix, of.value), std::string(AsChars(out.bytes())));
}

Result<std::map<uint16_t, uint64_t>> ViewBucket::LoadCursors() const {
  std::map<uint16_t, uint64_t> cursors;
  std::string after;
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(const auto page, Scan(kCursorPrefix, after, 1000));
    for (const auto& item : page.items) {
      uint16_t bucket = 0;
      const std::string_view digits = std::string_view(item.key).substr(kCursorPrefix.size());
      std::from_chars(digits.data(), digits.data() + digits.size(), bucket);
      cursors[bucket] = ByteReader(AsBytes(item.value)).U64();
    }
    if (!page.more || page.items.empty()) return cursors;
    after = page.items.back().key;
  }
}

}  // namespace hearth::app
