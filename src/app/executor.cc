#include "src/app/executor.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "src/base/bytes.h"
#include "src/crypto/primitives.h"

namespace hearth::app {
namespace {

constexpr std::chrono::milliseconds kLeaseTtl = std::chrono::hours(1);
constexpr std::string_view kAuditHeadKey = "~audit";

std::string WithRevision(uint64_t revision, std::string_view value) {
  ByteWriter out(8 + value.size());
  out.U64(revision).Put(AsBytes(value));
  return std::string(AsChars(out.bytes()));
}

std::string DedupKey(const RequestId& id) {
  ByteWriter out(24);
  out.U64(static_cast<uint64_t>(id.time().value) / 60'000).Put(id.bytes());
  return std::string(AsChars(out.bytes()));
}

// Names a staged value inside its partition.
std::string StagedKey(store::BucketId bucket, store::Space space, std::string_view key) {
  ByteWriter out(3 + key.size());
  out.U16(bucket.value).U8(static_cast<uint8_t>(space)).Put(AsBytes(key));
  return std::string(AsChars(out.bytes()));
}

}  // namespace

// The outcome of one commit, waited for by whoever decided on it.
struct Executor::Pending {
  Mutex mu;
  CondVar done;
  std::optional<Result<uint64_t>> result HEARTH_GUARDED_BY(mu);

  void Set(const Result<uint64_t>& value) {
    const MutexLock lock(mu);
    result = value;
    done.NotifyAll();
  }
  Result<uint64_t> Wait() {
    const MutexLock lock(mu);
    while (!result) done.Wait(mu);
    return *result;
  }
};

// `run` orders the commands; `state` guards what commands and the commit thread share. The commit thread
// takes only `state`, so a command blocked by back-pressure never blocks the commits it waits for.
struct Executor::Strand {
  struct StagedValue {
    uint64_t sequence = 0;
    std::optional<std::string> value;
  };
  struct Bucket {
    uint64_t sequence = 0;          // staged
    std::shared_ptr<Pending> last;  // the newest commit, until it is done
    size_t open = 0;                // commits not done yet
    bool broken = false;            // one of them failed: those behind it will fail too
  };

  Mutex run;
  Mutex state;
  CondVar mended;  // a broken bucket's last open commit is done
  std::unordered_map<std::string, StagedValue> staged HEARTH_GUARDED_BY(state);
  std::unordered_map<uint16_t, Bucket> buckets HEARTH_GUARDED_BY(state);
};

std::string RevisionToken(const Committed& committed) {
  return fmt::format("r1.{}.{}", committed.bucket.value, committed.sequence);
}

Result<Committed> ParseRevisionToken(std::string_view token) {
  const auto bad = [] { return InvalidField("revision_token", "a token as it was returned: r1.…"); };
  const size_t dot = token.find('.', 3);
  if (!token.starts_with("r1.") || dot == std::string_view::npos) return bad();
  uint16_t bucket = 0;
  uint64_t sequence = 0;
  const char* end = token.data() + token.size();
  const auto first = std::from_chars(token.data() + 3, token.data() + dot, bucket);
  const auto second = std::from_chars(token.data() + dot + 1, end, sequence);
  if (first.ec != std::errc() || first.ptr != token.data() + dot || second.ec != std::errc() ||
      second.ptr != end || bucket > store::kSystemBucket.value) {
    return bad();
  }
  return Committed{.bucket = store::BucketId(bucket), .sequence = sequence, .wrote = true};
}

Result<Versioned<std::string>> SplitRevision(std::string_view stored) {
  if (stored.size() < 8) return Error(Reason::kStoreCorrupt, "a stored object is shorter than its revision");
  ByteReader reader(AsBytes(stored));
  const uint64_t revision = reader.U64();
  return Versioned<std::string>{std::string(AsChars(reader.Rest())), revision};
}

Result<std::optional<Versioned<std::string>>> Txn::Get(std::string_view key) {
  for (auto it = writes_.rbegin(); it != writes_.rend(); ++it) {
    if (it->first != key) continue;
    if (!it->second) return std::optional<Versioned<std::string>>();
    return std::optional<Versioned<std::string>>({*it->second, next_sequence()});
  }
  HEARTH_ASSIGN_OR_RETURN(auto stored,
                          executor_.ReadStaged(bucket_, store::Space::kObject, std::string(key)));
  if (!stored) return std::optional<Versioned<std::string>>();
  HEARTH_ASSIGN_OR_RETURN(auto value, SplitRevision(*stored));
  return std::optional<Versioned<std::string>>(std::move(value));
}

void Txn::Put(std::string_view key, std::string value) { writes_.emplace_back(key, std::move(value)); }
void Txn::Delete(std::string_view key) { writes_.emplace_back(key, std::nullopt); }

void Txn::Emit(const decltype(records::OutboxEntry::effect)& effect, records::Urgency urgency) {
  outbox_.push_back({.time = now_, .effect = effect, .urgency = urgency});
}

Result<Stamp> Txn::NextStamp(bool open) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, Get(kStampKey));
  Stamp last;
  if (stored) last = Stamp(ByteReader(AsBytes(stored->value)).U64());
  const Stamp next = executor_.stamps_.Next(last, open);
  if (open) open_stamps_.push_back(next);
  ByteWriter out(8);
  out.U64(next.value);
  Put(kStampKey, std::string(AsChars(out.bytes())));
  return next;
}

void Txn::Reopen(Stamp stamp) {
  executor_.stamps_.Reopen(stamp);
  open_stamps_.push_back(stamp);
}

Result<std::optional<records::Dedup>> Txn::Remembered(const RequestId& id) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored,
                          executor_.ReadStaged(bucket_, store::Space::kDedup, DedupKey(id)));
  if (!stored) return std::optional<records::Dedup>();
  HEARTH_ASSIGN_OR_RETURN(auto dedup, records::Decode<records::Dedup>(*stored));
  return std::optional<records::Dedup>(std::move(dedup));
}

void Txn::Remember(const RequestId& id, const records::Dedup& dedup) {
  dedup_.emplace_back(DedupKey(id), records::Encode(dedup));
}

void Txn::DropWrites() {
  writes_.clear();
  dedup_.clear();
  outbox_.clear();
  for (const Stamp stamp : open_stamps_) executor_.stamps_.Close(stamp);
  open_stamps_.clear();
}

Executor::Executor(store::Store& store, const Clock& clock, StampTracker& stamps, Logger& log)
    : store_(store), clock_(clock), stamps_(stamps), log_(log) {
  for (uint16_t p = 0; p < store::kPartitions; ++p) strands_.push_back(std::make_unique<Strand>());
}

Executor::~Executor() { Drain(); }

void Executor::Drain() {
  for (const auto& strand : strands_) {
    std::vector<std::shared_ptr<Pending>> open;
    {
      const MutexLock lock(strand->state);
      for (const auto& [id, bucket] : strand->buckets) {
        if (bucket.last) open.push_back(bucket.last);
      }
    }
    for (const auto& pending : open) (void)pending->Wait();
  }
}

Result<std::unique_ptr<Executor>> Executor::Create(store::Store& store, const Clock& clock,
                                                   StampTracker& stamps, Logger& log,
                                                   std::string_view owner) {
  std::unique_ptr<Executor> executor(new Executor(store, clock, stamps, log));
  for (uint16_t p = 0; p < store::kPartitions; ++p) {
    HEARTH_ASSIGN_OR_RETURN(auto lease, store.Acquire(store::PartitionId(p), owner, kLeaseTtl));
    executor->leases_.push_back(std::move(lease));
  }
  return executor;
}

Status Executor::RenewLeases() {
  for (const store::Lease& lease : leases_) HEARTH_RETURN_IF_ERROR(store_.Renew(lease, kLeaseTtl));
  return Ok();
}

Result<std::optional<std::string>> Executor::ReadStaged(store::BucketId bucket, store::Space space,
                                                        const std::string& key) {
  Strand& strand = StrandOf(bucket);
  {
    const MutexLock lock(strand.state);
    const auto it = strand.staged.find(StagedKey(bucket, space, key));
    if (it != strand.staged.end()) return it->second.value;
  }
  return store_.Get(bucket, space, key);
}

// The sequence to decide on, and the commit that what is staged rests on. Waits while a failed commit's
// successors are still on their way: what they staged must not be decided on.
Result<uint64_t> Executor::SequenceOf(Strand& strand, store::BucketId bucket,
                                      std::shared_ptr<Pending>& rests_on) {
  {
    const MutexLock lock(strand.state);
    for (;;) {
      const auto it = strand.buckets.find(bucket.value);
      if (it == strand.buckets.end()) break;
      if (!it->second.broken) {
        rests_on = it->second.last;
        return it->second.sequence;
      }
      strand.mended.Wait(strand.state);
    }
  }
  HEARTH_ASSIGN_OR_RETURN(const uint64_t sequence, store_.Claim(LeaseOf(store::PartitionOf(bucket)), bucket));
  const MutexLock lock(strand.state);
  strand.buckets[bucket.value].sequence = sequence;
  return sequence;
}

Result<Committed> Executor::Run(store::BucketId bucket, const Act& act,
                                const std::function<Status(Txn&)>& command) {
  if (gate_) HEARTH_RETURN_IF_ERROR(gate_());
  return RunUngated(bucket, act, command);
}

Result<Committed> Executor::RunUngated(store::BucketId bucket, const Act& act,
                                       const std::function<Status(Txn&)>& command) {
  HEARTH_ASSIGN_OR_RETURN(Begun begun, BeginUngated(bucket, act, command));
  return Wait(std::move(begun));
}

Result<Executor::Begun> Executor::Begin(store::BucketId bucket, const Act& act,
                                        const std::function<Status(Txn&)>& command) {
  if (gate_) HEARTH_RETURN_IF_ERROR(gate_());
  return BeginUngated(bucket, act, command);
}

Result<Executor::Begun> Executor::BeginUngated(store::BucketId bucket, const Act& act,
                                               const std::function<Status(Txn&)>& command) {
  Strand& strand = StrandOf(bucket);
  Begun begun;
  begun.committed_.bucket = bucket;
  const MutexLock lock(strand.run);
  // What the command reads may rest on a commit that is not synced yet: even one that writes nothing may
  // only be answered after that.
  HEARTH_ASSIGN_OR_RETURN(begun.committed_.sequence, SequenceOf(strand, bucket, begun.pending_));
  Txn txn(*this, bucket, begun.committed_.sequence, clock_.Now());
  if (Status status = command(txn); !status) {
    txn.DropWrites();
    return status.error();
  }
  if (!txn.empty()) {
    begun.pending_ = std::make_shared<Pending>();
    ++begun.committed_.sequence;
    begun.committed_.wrote = true;
    if (Status status = Stage(strand, txn, act, begun.pending_); !status) {
      txn.DropWrites();
      return status.error();
    }
  }
  return begun;
}

Result<Committed> Executor::Wait(Begun begun) {
  if (begun.pending_) {
    if (auto result = begun.pending_->Wait(); !result) return result.error();
  }
  return begun.committed_;
}

Status Executor::Stage(Strand& strand, Txn& txn, const Act& act, const std::shared_ptr<Pending>& pending) {
  if (held()) return Error(Reason::kRestoreUnreconciled, "the restored store waits to be reconciled");
  const uint64_t sequence = txn.next_sequence();
  store::Batch batch;
  records::ChangeRecord record{.time = txn.now_, .actor = act.actor, .action = act.action};
  if (!act.object.empty()) {
    records::Audit audit{.time = txn.now_,
                         .actor = act.actor,
                         .action = act.action,
                         .object = txn.object_.empty() ? act.object : txn.object_,
                         .reason = act.reason,
                         .approver = act.approver,
                         .detail = act.detail};
    HEARTH_ASSIGN_OR_RETURN(const auto head, txn.Get(kAuditHeadKey));
    if (head) audit.previous_hash = head->value;
    batch.audit = records::Encode(audit);
    const auto hash = crypto::Sha256(AsBytes(batch.audit));
    txn.Put(kAuditHeadKey, std::string(AsChars(hash)));
  }
  // The last write of a key wins; the order of different keys in one commit means nothing.
  std::unordered_map<std::string, std::optional<std::string>> last;
  for (auto& [key, value] : txn.writes_) last[key] = std::move(value);
  for (auto& [key, value] : last) {
    if (value) {
      batch.puts.push_back({key, WithRevision(sequence, *value)});
      record.puts.emplace_back(key, batch.puts.back().value);
    } else {
      batch.deletes.push_back(key);
      record.deletes.push_back(key);
    }
  }
  for (auto& [key, value] : txn.dedup_) batch.dedup.push_back({key, value});
  batch.record = records::Encode(record);
  Submit(strand, txn, std::move(batch), pending);
  return Ok();
}

// Shows the writes of a decided commit to the next command, and sends it on its way with the outbox of `txn`.
void Executor::Submit(Strand& strand, Txn& txn, store::Batch batch, const std::shared_ptr<Pending>& pending) {
  const uint64_t sequence = txn.next_sequence();
  const store::BucketId bucket = txn.bucket_;
  for (const auto& entry : txn.outbox_) batch.outbox.push_back(records::Encode(entry));
  std::vector<std::string> touched;
  {
    const MutexLock lock(strand.state);
    const auto stage = [&](store::Space space, const std::string& key,
                           std::optional<std::string> value) HEARTH_REQUIRES(strand.state) {
      touched.push_back(StagedKey(bucket, space, key));
      strand.staged[touched.back()] = {.sequence = sequence, .value = std::move(value)};
    };
    for (const auto& put : batch.puts) stage(store::Space::kObject, put.key, put.value);
    for (const auto& key : batch.deletes) stage(store::Space::kObject, key, std::nullopt);
    for (const auto& put : batch.dedup) stage(store::Space::kDedup, put.key, put.value);
    Strand::Bucket& staged = strand.buckets[bucket.value];
    staged.sequence = sequence;
    staged.last = pending;
    ++staged.open;
  }
  std::vector<std::string> cards;
  if (card_listener_) {
    for (const auto& put : batch.puts) {
      if (put.key.starts_with(kCardPrefix)) cards.push_back(put.value.substr(sizeof(uint64_t)));
    }
  }
  std::vector<std::pair<std::string, std::string>> homes;
  if (home_listener_) {
    for (const auto& put : batch.puts) {
      if (!put.key.starts_with(kExemptionPrefix) && !put.key.starts_with(kRelocationPrefix)) continue;
      homes.emplace_back(put.key, put.value.substr(sizeof(uint64_t)));
    }
  }
  const bool has_outbox = !batch.outbox.empty();
  auto done = [this, &strand, bucket, sequence, has_outbox, pending, touched = std::move(touched),
               cards = std::move(cards), homes = std::move(homes),
               stamps = std::move(txn.open_stamps_)](const Result<uint64_t>& result) {
    {
      const MutexLock lock(strand.state);
      for (const std::string& key : touched) {
        const auto it = strand.staged.find(key);
        if (it != strand.staged.end() && it->second.sequence == sequence) strand.staged.erase(it);
      }
      Strand::Bucket& staged = strand.buckets[bucket.value];
      --staged.open;
      if (!result) staged.broken = true;
      if (staged.last == pending) staged.last.reset();
      if (staged.broken && staged.open == 0) {
        // A failed commit takes down all that was staged on it; the next command claims anew.
        strand.buckets.erase(bucket.value);
        strand.mended.NotifyAll();
      }
    }
    if (result) {
      for (const std::string& card : cards) card_listener_(card);
      for (const auto& [key, home] : homes) home_listener_(key, home);
      if (listener_) listener_(bucket, sequence, has_outbox);
    } else {
      for (const Stamp stamp : stamps) stamps_.Close(stamp);
      log_.Error("commit_failed", {{"bucket", bucket.value}, {"error", result.error().ToString()}});
    }
    pending->Set(result);
  };
  store_.Commit(LeaseOf(store::PartitionOf(bucket)), bucket, sequence - 1, std::move(batch), std::move(done));
}

Status Executor::Replay(store::BucketId bucket, uint64_t sequence, const std::string& record,
                        const std::string& audit,
                        const std::function<Status(Txn&, const records::ChangeRecord&)>& effects) {
  HEARTH_ASSIGN_OR_RETURN(const auto change, records::Decode<records::ChangeRecord>(record));
  Strand& strand = StrandOf(bucket);
  const MutexLock lock(strand.run);
  std::shared_ptr<Pending> rests_on;
  HEARTH_ASSIGN_OR_RETURN(const uint64_t present, SequenceOf(strand, bucket, rests_on));
  if (sequence != present + 1) {
    return Error(Reason::kArchiveGap, fmt::format("bucket {} is at sequence {}; the next change is {}",
                                                  bucket.value, present, sequence));
  }
  Txn txn(*this, bucket, present, clock_.Now());
  if (Status status = effects(txn, change); !status) {
    txn.DropWrites();
    return status.error();
  }
  store::Batch batch;
  for (const auto& [key, value] : change.puts) batch.puts.push_back({key, value});
  batch.deletes = change.deletes;
  batch.record = record;
  batch.audit = audit;
  auto pending = std::make_shared<Pending>();
  Submit(strand, txn, std::move(batch), pending);
  replayed_.push_back(std::move(pending));
  return Ok();
}

Status Executor::WaitForReplay() {
  std::optional<Error> first;
  for (const auto& pending : replayed_) {
    if (auto result = pending->Wait(); !result && !first) first = result.error();
  }
  replayed_.clear();
  return first ? Status(*first) : Ok();
}

Result<std::optional<Versioned<std::string>>> Executor::Get(const ObjectKey& key) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, store_.Get(key.bucket, store::Space::kObject, key.key));
  if (!stored) return std::optional<Versioned<std::string>>();
  HEARTH_ASSIGN_OR_RETURN(auto value, SplitRevision(*stored));
  return std::optional<Versioned<std::string>>(std::move(value));
}

Status Executor::ForEach(store::BucketId bucket, std::string_view prefix,
                         const std::function<Status(std::string_view, std::string_view)>& visit) {
  constexpr size_t kPage = 512;
  std::string after;
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(const auto page,
                            store_.Scan(bucket, store::Space::kObject, prefix, after, kPage));
    for (const auto& item : page.items) {
      HEARTH_ASSIGN_OR_RETURN(const auto value, SplitRevision(item.value));
      HEARTH_RETURN_IF_ERROR(visit(item.key, value.value));
    }
    if (!page.more || page.items.empty()) return Ok();
    after = page.items.back().key;
  }
}

}  // namespace hearth::app
