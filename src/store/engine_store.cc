#include "src/store/engine_store.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace hearth::store {
namespace {

// A round ends at this many bytes, so that one sync stays short and one engine batch far below what an engine
// can take (RocksDB: 4 GiB).
constexpr size_t kRoundBytes = size_t{8} * 1024 * 1024;
// Keys one portion of a trim deletes: a fraction of a round.
constexpr size_t kTrimKeys = 1000;

Status CheckBucket(BucketId bucket) {
  if (bucket.value >= kAllBuckets) return InvalidField("bucket", "there is no such bucket");
  return Ok();
}

// Reads what is there, or nothing when the engine is new.
Result<SystemState> LoadSystemState(Engine& engine) {
  const std::string system = "\xFF\xFF";
  HEARTH_ASSIGN_OR_RETURN(const ScanPage page, engine.Scan(system, system + "\xFF", SIZE_MAX));
  if (!page.items.empty()) return DecodeSystemState(page.items);
  HEARTH_ASSIGN_OR_RETURN(const ScanPage data, engine.Scan("", system, 1));
  if (!data.items.empty()) return DecodeSystemState({});
  return SystemState{};
}

}  // namespace

EngineStore::Series::Series(MetricsRegistry& metrics)
    : commits(metrics.GetCounter("hearth_store_commits_total", "Commits synced.")),
      refused(metrics.GetCounter("hearth_store_refused_total",
                                 "Commits, trims and acquisitions refused, all reasons.")),
      batches(metrics.GetCounter("hearth_store_batches_total", "Synced writes to the engine.")),
      read_only(metrics.GetGauge("hearth_store_read_only",
                                 "1 after a failed write: restart the daemon when the disk is mended.")),
      batch_commits(metrics.GetHistogram("hearth_store_batch_commits",
                                         "Commits merged into one synced write.",
                                         {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384})),
      sync_seconds(metrics.GetHistogram("hearth_store_sync_seconds", "Time of one synced write.",
                                        {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3})) {}

Result<std::unique_ptr<Store>> EngineStore::Create(std::unique_ptr<Engine> engine, const Clock& clock,
                                                   MetricsRegistry& metrics, const Limits& limits) {
  HEARTH_ASSIGN_OR_RETURN(SystemState state, LoadSystemState(*engine));
  ++state.generation;
  HEARTH_RETURN_IF_ERROR(
      engine->Apply({{VersionKey(), VersionValue()}, {GenerationKey(), GenerationValue(state.generation)}}));
  return std::unique_ptr<Store>(new EngineStore(std::move(engine), clock, metrics, limits, state));
}

EngineStore::EngineStore(std::unique_ptr<Engine> engine, const Clock& clock, MetricsRegistry& metrics,
                         const Limits& limits, const SystemState& state)
    : engine_(std::move(engine)),
      clock_(clock),
      limits_(limits),
      series_(metrics),
      leases_(state.generation),
      sequences_(kAllBuckets),
      staged_sequences_(kAllBuckets) {
  for (const BucketSequence& item : state.sequences) {
    sequences_[item.bucket.value] = item.sequence;
    staged_sequences_[item.bucket.value] = item.sequence;
  }
  series_.read_only.Set(0);
  thread_ = std::thread([this] { Run(); });
}

EngineStore::~EngineStore() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  has_work_.NotifyOne();
  thread_.join();
}

// --- Leases

Result<Lease> EngineStore::Acquire(PartitionId partition, std::string_view owner,
                                   std::chrono::milliseconds ttl) {
  Pending pending;
  pending.kind = Kind::kAcquire;
  pending.lease = {partition, 0, std::string(owner)};
  pending.ttl = ttl;
  HEARTH_ASSIGN_OR_RETURN(const uint64_t epoch, EnqueueAndWait(std::move(pending)));
  return Lease{partition, epoch, std::string(owner)};
}

Status EngineStore::Renew(const Lease& lease, std::chrono::milliseconds ttl) {
  return leases_.Renew(lease, ttl, clock_.Steady());
}

Status EngineStore::Release(const Lease& lease) { return leases_.Release(lease); }

Result<std::optional<std::string>> EngineStore::OwnerOf(PartitionId partition) {
  return leases_.OwnerOf(partition, clock_.Steady());
}

Result<uint64_t> EngineStore::Claim(const Lease& lease, BucketId bucket) {
  HEARTH_RETURN_IF_ERROR(leases_.Check(lease, bucket));
  return sequences_[bucket.value].load();
}

// --- Reading

Result<std::optional<std::string>> EngineStore::Get(BucketId bucket, Space space, std::string_view key) {
  HEARTH_RETURN_IF_ERROR(CheckBucket(bucket));
  return engine_->Get(StoredKey(bucket, space, key));
}

Result<ScanPage> EngineStore::Scan(BucketId bucket, Space space, std::string_view prefix,
                                   std::string_view after, size_t limit) {
  HEARTH_RETURN_IF_ERROR(CheckBucket(bucket));
  if (limit == 0) return InvalidField("limit", "a page holds at least one item");
  const std::string first = StoredKey(bucket, space, prefix);
  const std::string end = PrefixEnd(first);
  // The key right behind `after`.
  const std::string from = std::max(first, StoredKey(bucket, space, after) + '\0');
  if (from >= end) return ScanPage{};
  HEARTH_ASSIGN_OR_RETURN(ScanPage page, engine_->Scan(from, end, limit));
  for (KeyValue& item : page.items) item.key.erase(0, kKeyHeader);
  return page;
}

Result<std::vector<BucketSequence>> EngineStore::Sequences() {
  std::vector<BucketSequence> all;
  for (uint16_t bucket = 0; bucket < kAllBuckets; ++bucket) {
    const uint64_t sequence = sequences_[bucket].load();
    if (sequence > 0) all.push_back({BucketId(bucket), sequence});
  }
  return all;
}

// --- Queueing

Status EngineStore::AddKey(Pending& pending, Space space, std::string_view key,
                           std::optional<std::string> value) const {
  if (key.empty()) return InvalidField("key", "a key of the store is never empty");
  const size_t bytes = std::max(key.size(), value ? value->size() : 0);
  if (bytes > limits_.store_value_bytes) {
    return Error(Reason::kLimitExceeded,
                 fmt::format("a key or value for the store has {} bytes, at most {} are taken", bytes,
                             limits_.store_value_bytes));
  }
  pending.writes.push_back({StoredKey(pending.bucket, space, key), std::move(value)});
  return Ok();
}

Status EngineStore::AddBatch(Pending& pending, Batch batch) const {
  const uint64_t sequence = pending.expected_sequence + 1;
  for (const std::string& key : batch.expect_absent) {
    pending.expect_absent.push_back(StoredKey(pending.bucket, Space::kObject, key));
  }
  for (const std::string& key : batch.deletes) {
    HEARTH_RETURN_IF_ERROR(AddKey(pending, Space::kObject, key, std::nullopt));
  }
  for (KeyValue& put : batch.puts) {
    HEARTH_RETURN_IF_ERROR(AddKey(pending, Space::kObject, put.key, std::move(put.value)));
  }
  for (KeyValue& put : batch.dedup) {
    HEARTH_RETURN_IF_ERROR(AddKey(pending, Space::kDedup, put.key, std::move(put.value)));
  }
  for (uint32_t n = 0; n < batch.outbox.size(); ++n) {
    HEARTH_RETURN_IF_ERROR(
        AddKey(pending, Space::kOutbox, OutboxKey(sequence, n), std::move(batch.outbox[n])));
  }
  if (!batch.record.empty()) {
    HEARTH_RETURN_IF_ERROR(AddKey(pending, Space::kRecord, SequenceKey(sequence), std::move(batch.record)));
  }
  if (!batch.audit.empty()) {
    HEARTH_RETURN_IF_ERROR(AddKey(pending, Space::kAudit, SequenceKey(sequence), std::move(batch.audit)));
  }
  pending.writes.push_back(
      {BucketSequenceKey(pending.bucket), BucketSequenceValue(sequence, pending.lease.epoch)});
  return Ok();
}

// The committer's thread builds keys and values, so that the one commit thread has less to do.
void EngineStore::Commit(const Lease& lease, BucketId bucket, uint64_t expected_sequence, Batch batch,
                         Done done) {
  Pending pending;
  pending.kind = Kind::kCommit;
  pending.lease = lease;
  pending.bucket = bucket;
  pending.expected_sequence = expected_sequence;
  pending.done = std::move(done);
  if (Status status = AddBatch(pending, std::move(batch)); !status) {
    pending.refusal = status.error();
    pending.writes.clear();
  }
  Enqueue(std::move(pending));
}

// Finds the keys first, on the caller's thread, and deletes them one by one: range deletions make every
// later read of an LSM tree slower, and the outbox is trimmed all the time.
Status EngineStore::Trim(const Lease& lease, BucketId bucket, Space space, std::string_view before) {
  HEARTH_RETURN_IF_ERROR(leases_.Check(lease, bucket));
  if (space == Space::kObject) return InvalidField("space", "objects are not trimmed");
  std::string from = StoredKey(bucket, space, "");
  const std::string end = StoredKey(bucket, space, before);
  bool more = true;
  while (more) {
    HEARTH_ASSIGN_OR_RETURN(ScanPage page, engine_->Scan(from, end, kTrimKeys));
    if (page.items.empty()) break;
    Pending pending;
    pending.kind = Kind::kTrim;
    pending.lease = lease;
    pending.bucket = bucket;
    from = page.items.back().key + '\0';
    more = page.more;
    for (KeyValue& item : page.items) pending.writes.push_back({std::move(item.key), std::nullopt});
    HEARTH_ASSIGN_OR_RETURN([[maybe_unused]] const uint64_t unused, EnqueueAndWait(std::move(pending)));
  }
  return Ok();
}

bool EngineStore::Full(size_t bytes) const {
  return queue_.size() >= limits_.commits_waiting || queued_bytes_ + bytes > limits_.commits_waiting_bytes;
}

void EngineStore::Enqueue(Pending pending) {
  for (const Write& write : pending.writes) {
    pending.bytes += write.key.size() + (write.value ? write.value->size() : 0);
  }
  MutexLock lock(mu_);
  // An empty queue takes anything, so that no limit can block for ever.
  while (!queue_.empty() && Full(pending.bytes)) has_room_.Wait(mu_);
  queued_bytes_ += pending.bytes;
  queue_.push_back(std::move(pending));
  has_work_.NotifyOne();
}

Result<uint64_t> EngineStore::EnqueueAndWait(Pending pending) {
  // Shared with the callback, which may still be inside set_value when the waiter returns.
  auto promise = std::make_shared<std::promise<Result<uint64_t>>>();
  auto future = promise->get_future();
  pending.done = [promise](Result<uint64_t> result) { promise->set_value(std::move(result)); };
  Enqueue(std::move(pending));
  return future.get();
}

// --- The commit thread

void EngineStore::Run() {
  for (;;) {
    std::vector<Pending> pendings = TakeRound();
    if (pendings.empty()) return;
    Process(pendings);
  }
}

// Waits for work; empty when the store is being destroyed and all is done.
std::vector<EngineStore::Pending> EngineStore::TakeRound() {
  std::vector<Pending> taken;
  MutexLock lock(mu_);
  while (queue_.empty() && !stopping_) has_work_.Wait(mu_);
  size_t bytes = 0;
  while (!queue_.empty() && bytes < kRoundBytes) {
    bytes += queue_.front().bytes;
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
  has_room_.NotifyAll();
  return taken;
}

void EngineStore::Process(std::vector<Pending>& pendings) {
  Round round;
  round.track_keys = std::any_of(pendings.begin(), pendings.end(),
                                 [](const Pending& p) { return !p.expect_absent.empty(); });
  for (Pending& pending : pendings) pending.outcome = Stage(pending, round);
  if (!round.writes.empty()) {
    if (Status status = Sync(std::move(round.writes)); !status) {
      failure_ = Error(Reason::kStoreReadOnly, "a write to disk failed: the store takes no more changes")
                     .With("cause", std::string(InfoOf(status.error().reason()).name))
                     .Detail(status.error().detail());
      read_only_ = true;
      series_.read_only.Set(1);
      Drop(pendings);
    }
  }
  Publish(pendings);
  for (Pending& pending : pendings) {
    if (pending.done) pending.done(std::move(pending.outcome));
    pending.done = nullptr;
  }
}

Result<uint64_t> EngineStore::Stage(Pending& pending, Round& round) {
  if (pending.kind == Kind::kAcquire) {
    HEARTH_ASSIGN_OR_RETURN(const Lease lease, leases_.Acquire(pending.lease.partition, pending.lease.owner,
                                                               pending.ttl, clock_.Steady()));
    return lease.epoch;
  }
  if (failure_) return *failure_;
  if (pending.refusal) return *pending.refusal;
  HEARTH_RETURN_IF_ERROR(leases_.Check(pending.lease, pending.bucket));
  uint64_t result = 0;
  if (pending.kind == Kind::kCommit) {
    HEARTH_RETURN_IF_ERROR(CheckCommit(pending, round));
    result = ++staged_sequences_[pending.bucket.value];
  }
  if (round.track_keys) {
    for (const Write& write : pending.writes) round.keys[write.key] = write.value.has_value();
  }
  std::move(pending.writes.begin(), pending.writes.end(), std::back_inserter(round.writes));
  return result;
}

Status EngineStore::CheckCommit(const Pending& pending, const Round& round) {
  const uint64_t sequence = staged_sequences_[pending.bucket.value];
  if (sequence != pending.expected_sequence) {
    return Error(Reason::kStoreConflict, fmt::format("bucket {} is at {}, not at {}", pending.bucket.value,
                                                     sequence, pending.expected_sequence));
  }
  for (size_t i = 0; i < pending.expect_absent.size(); ++i) {
    HEARTH_ASSIGN_OR_RETURN(const bool exists, Exists(pending.expect_absent[i], round));
    // The key itself may be personal: it goes neither to the client nor into a log.
    if (exists) {
      return Error(Reason::kStoreKeyPresent,
                   fmt::format("bucket {} holds key {} of those expected absent", pending.bucket.value, i));
    }
  }
  return Ok();
}

Result<bool> EngineStore::Exists(const std::string& key, const Round& round) {
  if (const auto it = round.keys.find(key); it != round.keys.end()) return it->second;
  HEARTH_ASSIGN_OR_RETURN(const std::optional<std::string> value, engine_->Get(key));
  return value.has_value();
}

Status EngineStore::Sync(std::vector<Write> writes) {
  const auto begin = clock_.Steady();
  Status status = engine_->Apply(std::move(writes));
  series_.sync_seconds.Observe(std::chrono::duration<double>(clock_.Steady() - begin).count());
  if (status) series_.batches.Increment();
  return status;
}

void EngineStore::Publish(const std::vector<Pending>& pendings) {
  size_t commits = 0;
  size_t refused = 0;
  for (const Pending& pending : pendings) {
    if (!pending.outcome) {
      ++refused;
    } else if (pending.kind == Kind::kCommit) {
      ++commits;
      sequences_[pending.bucket.value] = *pending.outcome;
    }
  }
  series_.refused.Add(static_cast<double>(refused));
  if (commits == 0) return;
  series_.commits.Add(static_cast<double>(commits));
  series_.batch_commits.Observe(static_cast<double>(commits));
}

// Those that were refused too: they were judged by a state that is not to be.
void EngineStore::Drop(std::vector<Pending>& pendings) {
  for (Pending& pending : pendings) {
    if (pending.kind != Kind::kAcquire) pending.outcome = *failure_;
  }
}

}  // namespace hearth::store
