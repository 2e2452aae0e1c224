#include "src/app/archiver.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace hearth::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kInterval{200};
constexpr milliseconds kArchiveRetry{1000};
// What one sync takes along.
constexpr size_t kSyncItems = 4096;
constexpr size_t kSyncBytes = size_t{8} << 20;
// Beyond it the buckets are looked through instead: 32 MB.
constexpr size_t kQueueItems = size_t{1} << 20;

}  // namespace

Archiver::Archiver(Executor& executor, const KeyKeeper& keys, std::unique_ptr<archive::Writer> writer,
                   archive::Identity identity, MetricsRegistry& metrics, Logger& log)
    : executor_(executor),
      keys_(keys),
      log_(log),
      identity_(std::move(identity)),
      lag_(metrics.GetGauge("hearth_archive_lag_seconds", "Age of the oldest change that is not archived.")),
      errors_(metrics.GetCounter("hearth_archive_errors_total", "Attempts to archive that failed.")),
      records_(metrics.GetCounter("hearth_archive_records_total", "Change records archived.")),
      writer_(std::move(writer)) {
  {
    const MutexLock lock(mu_);
    tails_ = writer_->tails();
    catch_up_since_ = executor_.clock().Steady();
  }
  thread_ = std::thread([this] { Run(); });
}

Archiver::~Archiver() { Stop(); }

void Archiver::Notify(store::BucketId bucket, uint64_t sequence) {
  const nanoseconds now = executor_.clock().Steady();
  const MutexLock lock(mu_);
  if (queue_.size() >= kQueueItems) {
    queue_.clear();
    if (!catch_up_) catch_up_since_ = now;
    catch_up_ = true;
  }
  queue_.push_back({.bucket = bucket.value, .sequence = sequence, .since = now});
}

uint64_t Archiver::CursorOf(store::BucketId bucket) const {
  const MutexLock lock(mu_);
  const auto it = tails_.find(bucket.value);
  return it == tails_.end() ? 0 : it->second.sequence;
}

archive::Tails Archiver::tails() const {
  const MutexLock lock(mu_);
  return tails_;
}

double Archiver::LagSeconds() const {
  const MutexLock lock(mu_);
  if (executor_.held() || (!catch_up_ && queue_.empty())) return 0;
  const nanoseconds since = catch_up_ ? catch_up_since_ : queue_.front().since;
  return std::chrono::duration<double>(executor_.clock().Steady() - since).count();
}

Status Archiver::Resume(bool set_aside) {
  const MutexLock lock(mu_);
  if (stop_) return Error(Reason::kShuttingDown, "the head-end is stopping");
  resume_ = set_aside;
  wake_.NotifyOne();
  while (resume_ && !stop_) resumed_.Wait(mu_);
  return resume_status_;
}

void Archiver::Stop() {
  {
    const MutexLock lock(mu_);
    stop_ = true;
    wake_.NotifyAll();
    resumed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

// Loud when it begins and when it ends; the counter has each attempt.
void Archiver::Tell(const Status& status) {
  if (!status) {
    errors_.Increment();
    if (!failing_) {
      log_.Error("archive.failing", {{"error", status.error().ToString()},
                                     {"detail", status.error().detail()},
                                     {"effect", "changes are taken, but no change record is trimmed"}});
    }
  } else if (failing_) {
    log_.Info("archive.mended");
  }
  failing_ = !status;
}

void Archiver::Run() {
  for (;;) {
    bool stopping = false;
    {
      const MutexLock lock(mu_);
      if (!stop_ && !resume_) wake_.WaitFor(mu_, failing_ ? kArchiveRetry : kInterval);
      stopping = stop_;
    }
    Tell(Step(stopping));
    lag_.Set(LagSeconds());
    if (stopping) return;
  }
}

Status Archiver::Step(bool stopping) {
  std::optional<bool> resume;
  {
    const MutexLock lock(mu_);
    resume = resume_;
    if (executor_.held()) {
      queue_.clear();
      catch_up_ = true;
    }
  }
  if (resume) {
    Status status = Ok();
    if (*resume) {
      const auto aside = writer_->SetAside(executor_.clock().Now().value);
      if (aside) log_.Warn("archive.set_aside", {{"directory", aside->string()}});
      if (!aside) status = aside.error();
      Publish();
    }
    const MutexLock lock(mu_);
    queue_.clear();
    catch_up_ = true;
    catch_up_since_ = executor_.clock().Steady();
    resume_.reset();
    resume_status_ = status;
    resumed_.NotifyAll();
    return status;
  }
  if (executor_.held()) return Ok();
  for (;;) {
    std::vector<Item> items;
    bool catch_up = false;
    {
      const MutexLock lock(mu_);
      catch_up = std::exchange(catch_up_, false);
      const size_t count = std::min(queue_.size(), kSyncItems);
      if (!catch_up) items.assign(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(count));
    }
    if (!catch_up && items.empty()) return Ok();
    if (Status status = catch_up ? CatchUp() : AppendItems(items); !status) {
      const MutexLock lock(mu_);
      catch_up_ = catch_up_ || catch_up;
      return status;
    }
    const MutexLock lock(mu_);
    // Those taken are still in front, unless there were so many that all were dropped.
    const size_t count = std::min(items.size(), queue_.size());
    if (!catch_up_) queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(count));
    if (!stopping && resume_) return Ok();
  }
}

// All that the store has and the archive lacks, up to what is queued: that comes in the order of the commits.
Status Archiver::CatchUp() {
  struct Place {
    int64_t time = 0;
    Item item;
  };
  std::vector<Place> missing;
  store::Store& store = executor_.store();
  HEARTH_ASSIGN_OR_RETURN(const auto buckets, store.Sequences());
  // After the sequences: what they show beyond the queue was committed at one moment, and none of it rests on
  // another bucket's.
  std::map<uint16_t, uint64_t> queued;
  {
    const MutexLock lock(mu_);
    for (const Item& item : queue_) queued.try_emplace(item.bucket, item.sequence);
  }
  for (const auto& bucket : buckets) {
    const uint16_t id = bucket.bucket.value;
    if (id > store::kSystemBucket.value) break;
    const auto first_queued = queued.find(id);
    const uint64_t end =
        first_queued == queued.end() ? bucket.sequence : std::min(bucket.sequence, first_queued->second - 1);
    const auto known = writer_->tails().find(id);
    uint64_t last = known == writer_->tails().end() ? 0 : known->second.sequence;
    std::string after = store::SequenceKey(last);
    while (last < end) {
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              store.Scan(bucket.bucket, store::Space::kRecord, "", after, 256));
      const uint64_t first = page.items.empty() ? end + 1 : store::SequenceOfKey(page.items[0].key);
      if (first > last + 1) {
        if (known != writer_->tails().end()) {
          log_.Error("archive.gap", {{"bucket", id}, {"archived_to", last}, {"store_from", first}});
        }
        writer_->Skip(id, first - 1);
      }
      for (const auto& item : page.items) {
        last = store::SequenceOfKey(item.key);
        if (last > end) break;
        HEARTH_ASSIGN_OR_RETURN(const auto record, records::Decode<records::ChangeRecord>(item.value));
        missing.push_back({.time = record.time.value, .item = {.bucket = id, .sequence = last}});
      }
      if (page.items.empty()) break;
      after = page.items.back().key;
    }
  }
  std::stable_sort(missing.begin(), missing.end(), [](const Place& a, const Place& b) {
    return std::pair(a.time, a.item.sequence) < std::pair(b.time, b.item.sequence);
  });
  // Time may step back inside a bucket; its own order is kept all the same.
  std::map<uint16_t, std::vector<uint64_t>> order;
  for (const Place& place : missing) order[place.item.bucket].push_back(place.item.sequence);
  std::map<uint16_t, size_t> next;
  for (auto& [bucket, sequences] : order) std::sort(sequences.begin(), sequences.end());
  std::vector<Item> items;
  for (const Place& place : missing) {
    Item item = place.item;
    item.sequence = order[item.bucket][next[item.bucket]++];
    items.push_back(item);
    if (items.size() < kSyncItems) continue;
    HEARTH_RETURN_IF_ERROR(AppendItems(items));
    items.clear();
  }
  return AppendItems(items);
}

Status Archiver::AppendItems(const std::vector<Item>& items) {
  std::vector<archive::Change> changes;
  std::map<uint16_t, uint64_t> ends;  // with `changes`
  size_t bytes = 0;
  for (const Item& item : items) {
    const auto known = writer_->tails().find(item.bucket);
    uint64_t& end =
        ends.try_emplace(item.bucket, known == writer_->tails().end() ? 0 : known->second.sequence)
            .first->second;
    if (item.sequence <= end) continue;  // found by CatchUp
    if (item.sequence != end + 1) {
      const MutexLock lock(mu_);
      catch_up_ = true;
      break;
    }
    const store::BucketId bucket(item.bucket);
    const std::string key = store::SequenceKey(item.sequence);
    HEARTH_ASSIGN_OR_RETURN(auto record, executor_.store().Get(bucket, store::Space::kRecord, key));
    HEARTH_ASSIGN_OR_RETURN(auto audit, executor_.store().Get(bucket, store::Space::kAudit, key));
    if (!record) {
      return Error(Reason::kStoreCorrupt,
                   fmt::format("bucket {} lacks change record {}", item.bucket, item.sequence));
    }
    archive::Change change{.bucket = item.bucket,
                           .sequence = item.sequence,
                           .seal = {},
                           .record = std::move(*record),
                           .audit = std::move(audit).value_or("")};
    HEARTH_ASSIGN_OR_RETURN(change.seal, keys_.SealArchived(identity_, change));
    bytes += change.record.size() + change.audit.size();
    changes.push_back(std::move(change));
    end = item.sequence;
    if (bytes < kSyncBytes) continue;
    HEARTH_RETURN_IF_ERROR(Flush(changes));
    bytes = 0;
  }
  return Flush(changes);
}

Status Archiver::Flush(std::vector<archive::Change>& changes) {
  if (changes.empty()) return Ok();
  HEARTH_RETURN_IF_ERROR(writer_->Append(changes, executor_.clock().Now().value));
  records_.Add(static_cast<double>(changes.size()));
  changes.clear();
  Publish();
  return Ok();
}

void Archiver::Publish() {
  const MutexLock lock(mu_);
  tails_ = writer_->tails();
}

}  // namespace hearth::app
