// Reconciling a restored store with the archive: what the archive has beyond the backup is shown, then
// committed again exactly as it was.
//
//   1. Begin    the caller says whose archive it has, and is told which sequence each bucket has (Have)
//   2. Take     it gives the changes behind those, in the order of the archive
//   3. Finish   and where its archive ends. Without a plan this was a check: nothing is changed, and the
//   answer
//               holds the differences and a plan. With the plan of a former check the changes were committed
//               as they came; when all of the plan is there the hold ends
//
// Each change committed again carries into the outbox what it is about (a card's record and standing, a
// group, a package, a list, an alert), so that a crash anywhere leaves a held site that can be reconciled
// again, with what was done done. The outbox is sent when the hold ends.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/app/archiver.h"
#include "src/app/request.h"
#include "src/app/restore_hold.h"
#include "src/archive/format.h"

namespace hearth::app {

enum class DifferenceKind : uint8_t {
  kAccountOpened = 1,
  kAccountClosed = 2,
  kAccountSwapped = 3,
  kCardLit = 4,
  kCardDarkened = 5,
};
struct Difference {
  DifferenceKind kind = DifferenceKind::kAccountOpened;
  std::string object;  // "account:NX-1", "card:640000000001"
};

struct ReconcileReport {
  bool held = false;  // as it was before
  uint64_t changes = 0;
  uint64_t buckets = 0;
  UnixMillis newest;                       // time of the newest change; 0: none
  std::map<std::string, uint64_t> writes;  // kind of object → how often one was written or deleted
  std::vector<Difference> differences;     // of the store as it is and as it would be; of a check only
  std::string plan;                        // of a check: hand it to the call that commits
  std::optional<Committed> committed;      // the end of the hold
};

// Where an archive ends, and what it knows of the change that the store has last.
struct ArchiveEnd {
  uint64_t sequence = 0;
  uint32_t checksum_at_have = 0;  // 0: not known
};

// Threads: one for each run; runs exclude each other.
class Reconciler {
 public:
  // Ends the hold: reloads, commits the audit entry, lifts. Of the head-end.
  using Release = std::function<Result<Committed>(const Request&, std::string_view action, bool set_aside)>;

  // `archiver` may be null.
  Reconciler(Executor& executor, const KeyKeeper& keys, RestoreHold& hold, const Archiver* archiver,
             archive::Identity identity, const Limits& limits, Release release)
      : executor_(executor),
        keys_(keys),
        hold_(hold),
        archiver_(archiver),
        identity_(std::move(identity)),
        limits_(limits),
        release_(std::move(release)) {}

  class Run {
   public:
    ~Run();
    // The sequence of each data and system bucket.
    const std::map<uint16_t, uint64_t>& have() const { return have_; }
    // ARCHIVE_GAP, ARCHIVE_FOREIGN, ARCHIVE_DAMAGED. What lies at or below have() is passed over.
    Status Take(const archive::Change& change);
    // ARCHIVE_BEHIND, ARCHIVE_DIVERGED, ARCHIVE_GAP.
    Result<ReconcileReport> Finish(const std::map<uint16_t, ArchiveEnd>& ends);

   private:
    friend class Reconciler;
    Run(Reconciler& owner, Request request, std::string plan)
        : owner_(owner), request_(std::move(request)), plan_(std::move(plan)) {}

    Status TakeChecked(const archive::Change& change);
    Status Compare(const std::string& key, const std::string& stored);
    Status CheckEnds(const std::map<uint16_t, ArchiveEnd>& ends) const;
    Status CheckBehind(uint16_t bucket, uint64_t end) const;
    std::string PlanNow() const;

    Reconciler& owner_;
    const Request request_;
    const std::string plan_;  // empty: a check
    std::map<uint16_t, uint64_t> have_;
    archive::Tails reached_;  // of the buckets that got a change
    std::map<std::string, Difference> differences_;
    ReconcileReport report_;
    size_t unsynced_ = 0;
  };

  // Nobody's hold is ended by another's archive: ARCHIVE_FOREIGN. CONCURRENT_EDIT while another run is under
  // way. RESTORE_NOT_HELD for a plan on a site that is not held, REVISION_MISMATCH for one that is not of the
  // last check, FIELD_MISSING without a reason.
  Result<std::unique_ptr<Run>> Begin(const Request& request, const archive::Identity& archive,
                                     std::string plan);
  // Ends the hold with the store as it is. What the head-end's own archive has beyond it is set aside.
  // RESTORE_NOT_HELD, FIELD_MISSING without a reason.
  Result<Change> ReleaseWithoutArchive(const Request& request);

 private:
  Executor& executor_;
  const KeyKeeper& keys_;
  RestoreHold& hold_;
  const Archiver* archiver_;
  const archive::Identity identity_;
  const Limits limits_;
  const Release release_;
  std::atomic<bool> running_{false};
  Mutex mu_;
  std::string checked_ HEARTH_GUARDED_BY(mu_);  // plan of the last check
  archive::Tails checked_tails_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::app
