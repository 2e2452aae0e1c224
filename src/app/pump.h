// From the outbox onto the air: builds the sections of each effect and hands them to the outputs.
//
// Delivery is at least once: a bucket's cursor moves only past effects whose sections every output has put on
// the air; what was not when the daemon ended is built again from the state at the next start. Effects go out
// in commit order, an alert of the emergency broadcast before all others; a group's section waits (at most
// about a second) until the watermark has passed the change it is about.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "intervention/policy.h"
#include "src/app/executor.h"
#include "src/app/geo.h"
#include "src/app/keys.h"
#include "src/base/metrics.h"

namespace hearth::app {

// Where sections go. Called from the pump's thread only.
class SectionSink {
 public:
  virtual ~SectionSink() = default;
  // Takes all or none. OUTPUT_FAILED: the pump tries again.
  virtual Status Write(std::span<const Bytes> sections) = 0;
  // How many of the sections taken are not on the air yet: the last ones of those taken.
  virtual size_t Backlog() const { return 0; }
};

// Threads: any. Start after the executor; the executor's listener calls Notify.
class Pump {
 public:
  // Takes up what a former run left in the outboxes; sends nothing before Start. `sinks` must outlive it.
  static Result<std::unique_ptr<Pump>> Create(Executor& executor, KeyKeeper& keys, GeoState& geo,
                                              const intervention::Policy& policy,
                                              std::vector<SectionSink*> sinks, MetricsRegistry& metrics,
                                              Logger& log);
  virtual ~Pump() = default;

  // Begins to send. The pump commits changes of groups itself, so the listener must know it by then.
  virtual void Start() = 0;
  virtual void Notify(store::BucketId bucket, uint64_t sequence) = 0;
  // Queues the sections of all groups, service keys and tables: the epoch on air has changed.
  virtual void Renew() = 0;
  // Any thread. No group's section goes on the air while it is held, and nothing is taken out of the outboxes
  // of the data buckets: what they say about cards is not known to be true. Alerts, service keys and tables
  // (the system bucket's) go on.
  virtual void HoldGroups(bool held) = 0;
  virtual uint64_t waiting() const = 0;
  virtual uint64_t sent() const = 0;
  // The last epoch of package keys that all groups and counties have been sent.
  virtual uint64_t renewed() const = 0;
  virtual uint64_t CursorOf(store::BucketId bucket) const = 0;
  // Sends what is due (not what waits for the watermark) and ends the thread.
  virtual void Stop() = 0;

  // Everything a card needs, at the front: EntitlementService.RefreshCard.
  virtual Result<Change> RefreshCard(const Request& request, CardNumber card, const Limits& limits) = 0;
};

}  // namespace hearth::app
