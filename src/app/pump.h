// From the outbox into the lines of the carousel.
//
// Delivery is at least once: a bucket's cursor moves only past effects whose sections every output has put on
// the air; what was not when the daemon ended stands in line again at the next start. Alerts of the emergency
// broadcast are taken before all others; a group's section waits (at most about a second) until the watermark
// has passed the change it is about.
#pragma once

#include <memory>
#include <vector>

#include "intervention/policy.h"
#include "src/app/air.h"
#include "src/app/executor.h"
#include "src/app/geo.h"
#include "src/app/keys.h"
#include "src/base/metrics.h"

namespace hearth::app {

struct Refreshed {
  Change change;
  // When everything will have been on the air, as it looks now.
  UnixMillis expected;
};

// Threads: any. Start after the executor; the executor's listener calls Notify.
class Pump {
 public:
  // Takes up what a former run left in the outboxes and lines; sends nothing before Start. `sinks` must
  // outlive it.
  static Result<std::unique_ptr<Pump>> Create(Executor& executor, KeyKeeper& keys, GeoState& geo,
                                              const intervention::Policy& policy, const AirOptions& air,
                                              std::vector<SectionSink*> sinks, MetricsRegistry& metrics,
                                              Logger& log);
  virtual ~Pump() = default;

  // Begins to send. The pump commits changes of groups itself, so the listener must know it by then.
  virtual void Start() = 0;
  virtual void Notify(store::BucketId bucket, uint64_t sequence) = 0;
  // The epoch on air has changed: counts how far the cycles have taken it to the cards.
  virtual void Renew() = 0;
  // A report of this card was taken.
  virtual void Heard(CardNumber card) = 0;
  // No group's section goes on the air while it is held.
  virtual void HoldGroups(bool held) = 0;
  virtual uint64_t waiting() const = 0;
  // Sections handed to the outputs since the start, as of some tenths of a second ago.
  virtual uint64_t sent() const = 0;
  // The last epoch of package keys that all groups and counties have been sent.
  virtual uint64_t renewed() const = 0;
  virtual uint64_t CursorOf(store::BucketId bucket) const = 0;
  // Sends what is due and finds room (not what waits for the watermark), and ends the threads.
  virtual void Stop() = 0;

  // Everything a card needs, at the front: EntitlementService.RefreshCard.
  virtual Result<Refreshed> RefreshCard(const Request& request, CardNumber card, const Limits& limits) = 0;
  virtual AirStatus air() const = 0;
};

}  // namespace hearth::app
