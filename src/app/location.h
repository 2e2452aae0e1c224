// Reports of what boxes hear, and what follows (LocationService, InterventionService.Lift).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "geofence/judge.h"
#include "intervention/decide.h"
#include "src/app/alarms.h"
#include "src/app/column.h"
#include "src/app/geo.h"
#include "src/app/guard.h"
#include "src/app/keys.h"
#include "src/app/registry.h"
#include "src/base/metrics.h"

namespace hearth::app {

struct Report {
  CardNumber card;
  BoxSerial box;
  SimNumber sim;
  uint32_t counter = 0;
  UnixMillis time;  // whole seconds
  geofence::Evidence evidence;
  std::array<uint8_t, 8> mac{};
  // The card's MAC was right; false: only a gateway vouches for it. Set by Take.
  bool authenticated = false;
};

enum class ReportOutcome : uint8_t {
  kObserved = 1,
  kActivated = 2,
  kInstallRefused = 3,
  kCounted = 4,
  kSwitchedOff = 5,
  kRestored = 6,
  kProposed = 7,
  kHeld = 8,
};

// What became of a card that was judged again because lists or policy changed.
enum class Reconsidered : uint8_t { kNothing = 0, kDark = 1, kBack = 2, kHoldEnded = 3 };

// "observed", "activated" …: labels of metrics.
std::string_view NameOf(ReportOutcome outcome);
// "lte:460:00:33301:26879745@-90 …", serving cell first.
std::string CellsText(const std::vector<geofence::HeardCell>& cells);

struct ReportAnswer {
  ReportOutcome outcome = ReportOutcome::kObserved;
  geofence::Verdict verdict = geofence::Verdict::kNoSignal;
  std::optional<Reason> reason;  // of a refusal or an intervention
  std::string message;
  std::string viewer_code;
  Committed committed;
  std::vector<geofence::Cell> unknown_cells;
  uint64_t rollout = 0;  // the rollout under way that switched the card off
};

struct Explanation {
  CardNumber card;
  bool lit = false;
  UnixMillis since;
  std::optional<Reason> reason;
  std::string viewer_code;
  std::string why;
  std::string what_to_do;
  std::vector<std::string> evidence;
};

// Threads: any; a report that changes something blocks until synced.
class Location {
 public:
  Location(Executor& executor, Registry& registry, KeyKeeper& keys, GeoState& geo, HeardColumn& column,
           Alarms& alarms, Guard& guard, const Limits& limits, std::function<void(CardNumber)> heard,
           MetricsRegistry& metrics);

  // Told of the rollout under way each time a report switched a card off by what it brought. Before any
  // report.
  void SetDarkened(std::function<void(uint64_t rollout)> darkened) { darkened_ = std::move(darkened); }

  Result<ReportAnswer> Take(const Report& report);
  Result<Explanation> Explain(CardNumber card);
  // NOT_UNDER_INTERVENTION, CARD_UNKNOWN, FIELD_MISSING without a reason.
  Result<Change> Lift(const Request& request, CardNumber card);
  // Orders a held or proposed intervention, or gives it up. INTERVENTION_NOT_HELD, CARD_UNKNOWN,
  // FIELD_MISSING.
  Result<Change> Decide(const Request& request, CardNumber card, bool release);
  // Judges the card's newest report again, by the lists and the policy of now: a rollout put the card inside
  // one of its stages, or was undone (then what it caused is lifted, whatever the report says).
  Result<Reconsidered> Reconsider(CardNumber card, const intervention::Rollout& rollout, bool undo);

 private:
  struct Case;
  Status CheckSigned(const Report& report, const entitlement::Card& card) const;
  Status CheckTime(const Report& report, UnixMillis now) const;
  Status CheckPair(const Report& report, const records::CardRecord& card) const;
  Status Judge(Txn& txn, const Report& report, const GeoSnapshot& geo, Act& act, ReportAnswer& answer);
  void Remember(const Case& one, const intervention::LocationState& before);
  Status Follow(Txn& txn, Case& one, const intervention::LocationState& before, ReportAnswer& answer);
  Status DisableOrHold(Txn& txn, Case& one, const intervention::LocationState& before, ReportAnswer& answer);
  Result<Reconsidered> JudgeAgain(Txn& txn, records::CardRecord& record, const GeoSnapshot& geo,
                                  const intervention::Rollout& rollout, bool undo);
  Result<Reconsidered> DarkenAgain(Txn& txn, records::CardRecord& record, const GeoSnapshot& geo,
                                   const intervention::Rollout& rollout, const geofence::Judgement& now);

  Executor& executor_;
  Registry& registry_;
  KeyKeeper& keys_;
  GeoState& geo_;
  HeardColumn& column_;
  Alarms& alarms_;
  Guard& guard_;
  const Limits limits_;
  std::function<void(uint64_t)> darkened_;
  const std::function<void(CardNumber)> heard_;  // told of each card whose report was taken
  std::vector<Counter*> outcomes_;               // by ReportOutcome
};

}  // namespace hearth::app
