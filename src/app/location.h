// Reports of what boxes hear, and what follows (LocationService, InterventionService.Lift).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "geofence/judge.h"
#include "geofence/travel.h"
#include "intervention/decide.h"
#include "src/app/alarms.h"
#include "src/app/column.h"
#include "src/app/explain_text.h"
#include "src/app/gateways.h"
#include "src/app/geo.h"
#include "src/app/guard.h"
#include "src/app/keys.h"
#include "src/app/observed.h"
#include "src/app/pump.h"
#include "src/app/registry.h"
#include "src/app/report_counts.h"
#include "src/app/suspicion.h"
#include "src/base/metrics.h"

namespace hearth::app {

struct Report {
  CardNumber card;
  BoxSerial box;
  SimNumber sim;
  uint32_t counter = 0;
  UnixMillis time;              // whole seconds
  geofence::Evidence evidence;  // when there is a fix: no cells, and not no_signal
  std::optional<records::Fix> fix;
  bool card_signed = true;  // there is a MAC; else a gateway must vouch for it, and the counter means nothing
  std::array<uint8_t, 8> mac{};
};
// REPORT_NO_EVIDENCE, FIELD_INVALID, LIMIT_EXCEEDED, as geofence::CheckEvidence; of a fix too.
Status CheckEvidence(const Report& report, const Limits& limits);

// "lte:460:00:33301:26879745@-90 …", serving cell first.
std::string CellsText(const std::vector<geofence::HeardCell>& cells);

// The same of a fix: "fix:38.4872000,106.2309000~25m".
std::string EvidenceText(const Report& report);

// What became of a card that was judged again because lists or policy changed.
enum class Reconsidered : uint8_t { kNothing = 0, kDark = 1, kBack = 2, kHoldEnded = 3 };

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
  std::string would_change;  // what would light or darken it
  std::string screen;        // what the code on the screen means
  std::string delivery;      // how far its newest messages have come; empty without an account
  std::vector<std::string> evidence;
  AreaId area;
  uint64_t held = 0;  // number of its held or proposed intervention; 0: none
};

// What a batch of reports came to.
struct BatchAnswer {
  uint32_t observed = 0;
  uint32_t refused = 0;
  // Those that were not merely observed, ascending by position in the batch.
  std::vector<std::pair<uint32_t, Result<ReportAnswer>>> items;
};

// Where things are, as far as somebody knows. Called from any thread; quick; never call back.
struct Whereabouts {
  // Kilometres from a place to the nearest village of an area; nothing: not known.
  std::function<std::optional<double>(AreaId, geofence::Position)> distance_km;
  std::function<std::optional<geofence::Position>(const geofence::Cell&)> cell_position;
};

// Where a card is at home, by the rules that hold for it. A view of the record.
geofence::CardPlace PlaceOf(const records::CardRecord& record, const CardRules& rules, UnixMillis now);

// Reports have two lanes. One that changes nothing is judged from the card's row in the column and the
// snapshot of the lists, and is taken without a commit; the saver makes durable later what is worth it. All
// others are decided in the card's bucket, on what is stored and what the row knows beyond it, and are
// durable before they are answered. A card's counter is one for both lanes: see HeardColumn.
//
// Threads: any; a report that changes something blocks until synced.
class Location {
 public:
  Location(Executor& executor, Registry& registry, KeyKeeper& keys, GeoState& geo, HeardColumn& column,
           ObservedSaver& saver, Alarms& alarms, Guard& guard, const Limits& limits, Pump& pump,
           Whereabouts whereabouts, MetricsRegistry& metrics);

  // Told of the rollout under way each time a report switched a card off by what it brought. Before any
  // report.
  void SetDarkened(std::function<void(uint64_t rollout)> darkened) { darkened_ = std::move(darkened); }

  // `gateway`: who passed it on, if it is one that may vouch for reports without a MAC.
  Result<ReportAnswer> Take(const Report& report, Gateway* gateway = nullptr);

  // A batch whose durable decisions are under way together. Movable; Finish it once, on any thread.
  class Batch;
  // Several reports of one card are taken by their counters. A refused one refuses nothing else.
  Batch Begin(std::span<const Report> reports, Gateway* gateway = nullptr);
  // Waits until everything that has to be durable is.
  BatchAnswer Finish(Batch batch);
  // Counts a report that is refused before it comes here.
  void CountRefused(Reason reason) { counts_.Refused(reason); }

  // CARD_UNKNOWN. May wait for the carousel's thread.
  Result<Explanation> Explain(CardNumber card, Language language = Language::kEnglish);
  // NOT_UNDER_INTERVENTION, CARD_UNKNOWN, FIELD_MISSING without a reason.
  Result<Change> Lift(const Request& request, CardNumber card);
  // Orders a held or proposed intervention, or gives it up. INTERVENTION_NOT_HELD, CARD_UNKNOWN,
  // FIELD_MISSING.
  Result<Change> Decide(const Request& request, CardNumber card, bool release);
  // Judges the card's newest report again, by the lists and the policy of now: a rollout put the card inside
  // one of its stages, or was undone (then what it caused is lifted, whatever the report says).
  Result<Reconsidered> Reconsider(CardNumber card, const intervention::Rollout& rollout, bool undo);

  // Inside a command of the card's bucket, after exemption or second area changed: judges its newest evidence
  // again, lights what is at home by now, and tells the box of its exemption. Never darkens: what speaks
  // against a card are its reports. The caller writes the card, and calls ForgetHold after the commit.
  Status Rejudge(Txn& txn, records::CardRecord& record, const std::string& actor, const std::string& reason);
  void ForgetHold(CardNumber card) { guard_.Forget(card); }

 private:
  struct Case;
  struct Flight;

  Status Admit(const Report& report, const std::optional<HeardRow>& row, UnixMillis now, Gateway* gateway);
  Status CheckSigned(const Report& report) const;
  Status CheckTime(const Report& report, UnixMillis now) const;
  Status CheckPair(const Report& report, const records::CardRecord& card) const;
  geofence::Judgement JudgeEvidence(const GeoSnapshot& geo, const geofence::CardPlace& place,
                                    const geofence::ListFilter& filter, const Report& report) const;
  // The data lane: nothing when the report is not for it.
  Result<std::optional<ReportAnswer>> Observe(const Report& report, const HeardRow& row,
                                              const GeoSnapshot& geo, UnixMillis now, bool in_words);
  // The lane that commits.
  Flight BeginDurable(const Report& report);
  Result<ReportAnswer> FinishDurable(Flight flight);
  Status CatchUp(Txn& txn, const Report& report, const HeardColumn::Claim& claim);
  Status CheckTravel(const Report& report, AreaId area, const geofence::Whereabouts& before,
                     std::string_view where);
  Status CheckTravelFromRow(const Report& report, const HeardRow& row);
  std::optional<geofence::Whereabouts> WhereaboutsOf(const Report& report) const;
  std::optional<geofence::Whereabouts> WhereaboutsOf(const geofence::Cell& cell, UnixMillis at) const;
  void CheckFork(const Report& report, const HeardRow& row);
  Status Judge(Txn& txn, const Report& report, const GeoSnapshot& geo, Act& act, ReportAnswer& answer);
  bool HeardIn(const GeoSnapshot& geo, const Report& report, AreaId area) const;
  Result<bool> TryConfirmMove(Txn& txn, const Report& report, const GeoSnapshot& geo,
                              records::CardRecord& record) const;
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
  ObservedSaver& saver_;
  Alarms& alarms_;
  Guard& guard_;
  const Limits limits_;
  std::function<void(uint64_t)> darkened_;
  Pump& pump_;  // told of each card whose report was taken
  const Whereabouts whereabouts_;
  Suspicion suspicion_;
  ReportCounts counts_;
};

// One report in the lane that commits, begun.
struct Location::Flight {
  uint32_t index = 0;
  CardNumber card;
  std::optional<uint32_t> counter;
  HeardColumn::Claim claim;
  bool claimed = false;
  std::optional<Error> refused;
  ReportAnswer answer;
  AreaId area;
  UnixMillis time;
  std::optional<geofence::Cell> serving;
  geofence::Evidence evidence;  // signed by the card
  Executor::Begun begun;
};

class Location::Batch {
 public:
  Batch() = default;

 private:
  friend class Location;
  BatchAnswer answer_;
  std::vector<CardNumber> heard_;  // observed
  std::vector<Flight> flights_;
};

}  // namespace hearth::app
