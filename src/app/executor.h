// Runs commands on buckets: each command decides on the state that the former ones staged, and is answered
// when its commit is synced.
//
// A partition's commands run one at a time (its mutex is its strand), but do not wait for each other's
// syncs: what a command staged is seen by the next at once and thrown away if its commit fails.
//
// Stored objects are revision (8 bytes, big-endian: the sequence that last changed the object) ‖ record.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "src/app/layout.h"
#include "src/app/stamps.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mutex.h"
#include "src/records/records.h"
#include "src/store/store.h"

namespace hearth::app {

// Who does what, for change record and audit.
struct Act {
  std::string actor;
  std::string action;  // "account.open" …
  std::string object;  // "account:NX-1"; empty: no audit entry
  std::string reason;
  std::string approver;
  std::string detail;
};

struct Committed {
  store::BucketId bucket;
  uint64_t sequence = 0;  // of the commit; of the bucket as it stood when nothing was to be written
  bool wrote = false;
};

// "r1.<bucket>.<sequence>".
std::string RevisionToken(const Committed& committed);
// FIELD_INVALID unless it is such a token.
Result<Committed> ParseRevisionToken(std::string_view token);

template <typename T>
struct Versioned {
  T value;
  uint64_t revision = 0;
};

// One command's view of its bucket and the writes it wants. Lives only inside the command.
class Txn {
 public:
  // The bytes of an object without its revision.
  Result<std::optional<Versioned<std::string>>> Get(std::string_view key);
  template <typename T>
  Result<std::optional<Versioned<T>>> Read(std::string_view key) {
    HEARTH_ASSIGN_OR_RETURN(auto bytes, Get(key));
    if (!bytes) return std::optional<Versioned<T>>();
    HEARTH_ASSIGN_OR_RETURN(T value, records::Decode<T>(bytes->value));
    return std::optional<Versioned<T>>({std::move(value), bytes->revision});
  }
  void Put(std::string_view key, std::string value);
  template <typename T>
  void Write(std::string_view key, const T& value) {
    Put(key, records::Encode(value));
  }
  void Delete(std::string_view key);
  void Emit(const decltype(records::OutboxEntry::effect)& effect,
            records::Urgency urgency = records::Urgency::kNormal);
  // In a replay: a change emitted with this stamp may not be in its group yet. See StampTracker.
  void Reopen(Stamp stamp);
  // A stamp above all former ones of this bucket. `open`: see StampTracker.
  Result<Stamp> NextStamp(bool open);

  Result<std::optional<records::Dedup>> Remembered(const RequestId& id);
  void Remember(const RequestId& id, const records::Dedup& dedup);

  // The object of the audit entry, where only the command can name it (a number it gives out).
  void NameObject(std::string object) { object_ = std::move(object); }

  // True when the command has written nothing so far.
  bool empty() const { return writes_.empty() && dedup_.empty() && outbox_.empty(); }
  // Forgets everything written so far: a dry run.
  void DropWrites();

  // The sequence this commit will have: the revision of what it writes.
  uint64_t next_sequence() const { return sequence_ + 1; }
  UnixMillis now() const { return now_; }

 private:
  friend class Executor;
  Txn(class Executor& executor, store::BucketId bucket, uint64_t sequence, UnixMillis now)
      : executor_(executor), bucket_(bucket), sequence_(sequence), now_(now) {}

  Executor& executor_;
  store::BucketId bucket_;
  uint64_t sequence_;
  UnixMillis now_;
  std::vector<std::pair<std::string, std::optional<std::string>>> writes_;  // object key → value or deletion
  std::vector<std::pair<std::string, std::string>> dedup_;
  std::vector<records::OutboxEntry> outbox_;
  std::vector<Stamp> open_stamps_;
  std::string object_;
};

// Threads: any. Must outlive nothing it was given; the store, clock and tracker must outlive it.
class Executor {
 public:
  // Called on the commit thread after each commit, in commit order within a bucket; quick, never calls back.
  using Listener = std::function<void(store::BucketId, uint64_t sequence, bool has_outbox)>;
  // Called on the commit thread with the bytes of each card that a commit wrote, in commit order of each
  // card, before whoever waits for the commit goes on; quick, never calls back.
  using CardListener = std::function<void(std::string_view record)>;
  // The same for each exemption and relocation.
  using HomeListener = std::function<void(std::string_view key, std::string_view record)>;
  // Asked before each command: an error refuses it (a clock that jumped, shutting down).
  using Gate = std::function<Status()>;

  // Takes ownership of all partitions. STORE_LEASE_HELD.
  static Result<std::unique_ptr<Executor>> Create(store::Store& store, const Clock& clock,
                                                  StampTracker& stamps, Logger& log, std::string_view owner);
  ~Executor();

  // Before the first Run.
  void SetListener(Listener listener) { listener_ = std::move(listener); }
  void SetCardListener(CardListener listener) { card_listener_ = std::move(listener); }
  void SetHomeListener(HomeListener listener) { home_listener_ = std::move(listener); }
  void SetGate(Gate gate) { gate_ = std::move(gate); }
  // For what is taken without a commit and yet rests on the clock.
  Status CheckGate() const { return gate_ ? gate_() : Ok(); }

  // A command that was run, whose commit is under way. May be dropped without waiting.
  class Begun;
  // Runs the command and returns as soon as its commit is staged: what it decided must not be told to anybody
  // before Wait. An error of the command writes nothing.
  Result<Begun> Begin(store::BucketId bucket, const Act& act, const std::function<Status(Txn&)>& command);
  // The same past the gate; for what the head-end does by itself.
  Result<Begun> BeginUngated(store::BucketId bucket, const Act& act,
                             const std::function<Status(Txn&)>& command);
  // Any thread; once.
  static Result<Committed> Wait(Begun begun);

  // Runs the command and waits for its commit. An error of the command writes nothing. A command that
  // writes nothing commits nothing. The command must not call Run.
  Result<Committed> Run(store::BucketId bucket, const Act& act, const std::function<Status(Txn&)>& command);
  // The same past the gate; for what the head-end does by itself.
  Result<Committed> RunUngated(store::BucketId bucket, const Act& act,
                               const std::function<Status(Txn&)>& command);

  // A restored store that is not reconciled: every command that would write is refused with
  // RESTORE_UNRECONCILED, also past the gate, since each commit would take a sequence that the archive has
  // given to another one. Any thread.
  void Hold(bool held) { held_.store(held); }
  bool held() const { return held_.load(); }

  // Commits an archived change again exactly as it was: its objects, its record, its audit entry, in place of
  // a command; also while held. `effects` sees the bucket as it was before and emits what is to be sent; it
  // must not write. ARCHIVE_GAP unless `sequence` continues the bucket. Returns before the commit is synced:
  // WaitForReplay.
  Status Replay(store::BucketId bucket, uint64_t sequence, const std::string& record,
                const std::string& audit,
                const std::function<Status(Txn&, const records::ChangeRecord&)>& effects);
  // Waits for what was replayed before; the first error since the last call. One thread for both.
  Status WaitForReplay();

  // What is committed and synced.
  Result<std::optional<Versioned<std::string>>> Get(const ObjectKey& key);
  template <typename T>
  Result<std::optional<Versioned<T>>> Read(const ObjectKey& key) {
    HEARTH_ASSIGN_OR_RETURN(auto bytes, Get(key));
    if (!bytes) return std::optional<Versioned<T>>();
    HEARTH_ASSIGN_OR_RETURN(T value, records::Decode<T>(bytes->value));
    return std::optional<Versioned<T>>({std::move(value), bytes->revision});
  }
  // All objects of a bucket whose key begins with prefix, page by page, as committed.
  Status ForEach(store::BucketId bucket, std::string_view prefix,
                 const std::function<Status(std::string_view key, std::string_view value)>& visit);

  // Waits until every staged commit is done. Nobody may be running commands.
  void Drain();
  // STORE_FENCED when another owner took a partition over. The housekeeper calls it.
  Status RenewLeases();

  store::Store& store() { return store_; }
  StampTracker& stamps() { return stamps_; }
  const Clock& clock() const { return clock_; }
  const store::Lease& LeaseOf(store::PartitionId partition) const { return leases_[partition.value]; }

 private:
  friend class Txn;
  struct Strand;

  Executor(store::Store& store, const Clock& clock, StampTracker& stamps, Logger& log);
  Strand& StrandOf(store::BucketId bucket) { return *strands_[store::PartitionOf(bucket).value]; }
  Result<std::optional<std::string>> ReadStaged(store::BucketId bucket, store::Space space,
                                                const std::string& key);
  struct Pending;
  Result<uint64_t> SequenceOf(Strand& strand, store::BucketId bucket, std::shared_ptr<Pending>& rests_on);
  Status Stage(Strand& strand, Txn& txn, const Act& act, const std::shared_ptr<Pending>& pending);
  void Submit(Strand& strand, Txn& txn, store::Batch batch, const std::shared_ptr<Pending>& pending);

  store::Store& store_;
  const Clock& clock_;
  StampTracker& stamps_;
  Logger& log_;
  Listener listener_;
  CardListener card_listener_;
  HomeListener home_listener_;
  Gate gate_;
  std::vector<store::Lease> leases_;
  std::vector<std::unique_ptr<Strand>> strands_;
  std::atomic<bool> held_{false};
  std::vector<std::shared_ptr<Pending>> replayed_;
};

class Executor::Begun {
 public:
  Begun() = default;

 private:
  friend class Executor;
  Committed committed_;
  std::shared_ptr<Pending> pending_;
};

// Splits a stored object into revision and bytes; STORE_CORRUPT when too short.
Result<Versioned<std::string>> SplitRevision(std::string_view stored);

}  // namespace hearth::app
