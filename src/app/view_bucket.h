// One view's own bucket: its state and its cursors, changed together. One thread writes.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "src/app/executor.h"

namespace hearth::app {

// Writes are collected and seen by Get at once; Commit makes them durable in one go.
class ViewBucket {
 public:
  static Result<ViewBucket> Create(Executor& executor, store::BucketId bucket);

  Result<std::optional<std::string>> Get(const std::string& key) const;
  void Put(std::string key, std::string value) { writes_[std::move(key)] = std::move(value); }
  void Delete(std::string key) { writes_[std::move(key)] = std::nullopt; }
  Status Commit();
  // Committed state only. Any thread.
  Result<store::ScanPage> Scan(std::string_view prefix, std::string_view after, size_t limit) const;

  // The cursor of a data or system bucket: how far its records or outbox entries are taken in.
  void PutCursor(store::BucketId of, uint64_t sequence);
  Result<std::map<uint16_t, uint64_t>> LoadCursors() const;

 private:
  ViewBucket(Executor& executor, store::BucketId bucket, uint64_t sequence)
      : executor_(&executor), bucket_(bucket), sequence_(sequence) {}

  Executor* executor_;
  store::BucketId bucket_;
  uint64_t sequence_;
  std::map<std::string, std::optional<std::string>> writes_;
};

}  // namespace hearth::app
