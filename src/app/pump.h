// From the outbox into the lines of the carousel.
//
// Delivery is at least once: a bucket's cursor moves only past effects whose sections every output has put on
// the air; what was not when the daemon ended stands in line again at the next start. Alerts of the emergency
// broadcast are taken before all others; a group's section waits (at most about a second) until the watermark
// has passed the change it is about.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "src/app/air.h"
#include "src/app/executor.h"
#include "src/app/geo.h"
#include "src/app/keys.h"
#include "src/base/metrics.h"

namespace hearth::app {

// How far the newest messages of a card have come.
enum class DeliveryState : uint8_t {
  kQueued = 1,          // not on the air yet
  kSent = 2,            // on the air, and repeated
  kBoundedByEpoch = 3,  // switched off and no longer repeated
  kConfirmed = 4,       // the home has reported since
};
struct Delivery {
  DeliveryState state = DeliveryState::kQueued;
  std::optional<UnixMillis> on_air;
  std::optional<UnixMillis> expected;  // of kQueued
  std::optional<UnixMillis> bounded;   // of a card switched off
};

struct Refreshed {
  Change change;
  // When everything will have been on the air, as it looks now; nothing while no output can send.
  std::optional<UnixMillis> expected;
};

// Threads: any. Start after the executor; the executor's listener calls Notify.
class Pump {
 public:
  // Takes up what a former run left in the outboxes and lines; sends nothing before Start. `sinks` must
  // outlive it.
  static Result<std::unique_ptr<Pump>> Create(Executor& executor, KeyKeeper& keys, GeoState& geo,
                                              const AirOptions& air, const std::vector<SectionSink*>& sinks,
                                              MetricsRegistry& metrics, Logger& log);
  virtual ~Pump() = default;

  // Begins to send. The pump commits changes of groups itself, so the listener must know it by then.
  virtual void Start() = 0;
  virtual void Notify(store::BucketId bucket, uint64_t sequence) = 0;
  // The epoch on air has changed: counts how far the cycles have taken it to the cards.
  virtual void Renew() = 0;
  // Reports of these cards were taken.
  virtual void Heard(std::span<const CardNumber> cards) = 0;
  // Nothing of cards and groups goes on the air while it is held, and nothing is taken out of the outboxes of
  // the data buckets: what they say about cards is not known to be true. Alerts, service keys and tables
  // (the system bucket's) go on. Any thread.
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
  // CARD_UNKNOWN.
  virtual Result<Delivery> DeliveryOf(CardNumber card) = 0;
  virtual AirStatus air() const = 0;
  // When a switch-off that a card drops takes effect at the latest: with the end of the epoch on air.
  virtual UnixMillis BoundedByEpoch() const = 0;
};

}  // namespace hearth::app
