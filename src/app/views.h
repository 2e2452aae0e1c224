// Derived views, fed by change records: the list of accounts, the counts, the unknown cells, the log of
// interventions that watchers follow.
//
// One thread applies the records; a batch of changes and the cursors behind it are one commit of the view
// bucket. Views can be thrown away: they are rebuilt from the objects when their format is another one.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/app/executor.h"
#include "src/app/geo.h"
#include "src/base/limits.h"
#include "src/base/metrics.h"

namespace hearth::app {

struct AccountSummary {
  std::string form_number;
  RegionCode village;
  std::string name;
  CardNumber card;
  entitlement::AccountState state = entitlement::AccountState::kOpen;
};
template <typename T>
struct PageOf {
  std::vector<T> items;
  std::string next_token;  // empty: no more
};

struct Counts {
  uint64_t registered = 0;
  uint64_t waiting = 0;
  uint64_t activated = 0;
  uint64_t dark = 0;
};
struct RegionCounts {
  RegionCode region;  // 0: everything
  Counts counts;
};

struct UnknownCell {
  geofence::Cell cell;
  AreaId area;
  uint32_t cards = 0;
  UnixMillis first_seen;
  UnixMillis last_seen;
};

enum class InterventionKind : uint8_t {
  kRefusedInstall = 1,
  kSwitchOff = 2,
  kRestore = 3,
  kProposal = 4,
  kLiftedByOperator = 5,
  kHeld = 6,
  kDropped = 7,
  kExpired = 8,
};
struct InterventionEvent {
  InterventionKind kind = InterventionKind::kSwitchOff;
  records::InterventionRecord record;
};
// Which interventions are meant; all that are given must hold.
struct InterventionFilter {
  std::optional<CardNumber> card;
  bool in_force_only = false;
  uint32_t division = 0;                // 2, 4 or 6 digits: the card's area lies in it; 0: all
  std::vector<InterventionKind> kinds;  // empty: all

  bool Has(const InterventionEvent& event) const;
};

// One watcher's queue. Wait from one thread; the views push from theirs.
class InterventionWatch {
 public:
  virtual ~InterventionWatch() = default;
  struct Item {
    std::optional<InterventionEvent> event;  // none: only the token
    std::string token;
  };
  // The next event, or after `timeout` an item with only the token. WATCH_COMPACTED when this watcher lags
  // too far behind; SHUTTING_DOWN at the end.
  virtual Result<Item> Next(std::chrono::milliseconds timeout) = 0;
};

// Threads: any. Start after the executor; the executor's listener calls Notify.
class Views {
 public:
  static Result<std::unique_ptr<Views>> Create(Executor& executor, GeoState& geo, const Limits& limits,
                                               MetricsRegistry& metrics, Logger& log);
  virtual ~Views() = default;

  virtual void Notify(store::BucketId bucket, uint64_t sequence) = 0;
  // Waits until the views have seen this commit; kOverloaded after `timeout`.
  virtual Status WaitFor(const Committed& committed, std::chrono::milliseconds timeout) = 0;
  virtual double LagSeconds() const = 0;
  // The sequence up to which a bucket's records were applied.
  virtual uint64_t CursorOf(store::BucketId bucket) const = 0;
  virtual void Stop() = 0;
  // Ends all watches with SHUTTING_DOWN; the views go on.
  virtual void StopWatches() = 0;

  virtual Result<PageOf<AccountSummary>> ListAccounts(std::optional<RegionCode> region, size_t size,
                                                      std::string_view token) = 0;
  // The total below `region`, then the next level down. No region: everything, by province.
  virtual Result<std::vector<RegionCounts>> CountsBelow(std::optional<RegionCode> region) = 0;
  virtual Result<std::vector<UnknownCell>> UnknownCells(std::optional<AreaId> area, size_t limit) = 0;
  // Newest first. A page ends early, even empty, after 32,768 rows: a filter that few have costs
  // many short calls, never a long one.
  virtual Result<PageOf<InterventionEvent>> ListInterventions(const InterventionFilter& filter, size_t size,
                                                              std::string_view token) = 0;
  // From now on, or behind a resume token: WATCH_TOKEN_INVALID, WATCH_COMPACTED, LIMIT_EXCEEDED (too many).
  virtual Result<std::unique_ptr<InterventionWatch>> Watch(std::string_view resume_token) = 0;
};

}  // namespace hearth::app
