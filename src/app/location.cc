#include "src/app/location.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "src/cas/report.h"

namespace hearth::app {
namespace {

using intervention::Cause;
using records::CardRecord;

// Two reports of one card this far apart in time are in order, whatever was done to the box's clock.
constexpr int64_t kClockStepSeconds = 60;
// From how far a box hears a cell, at most: the range of GSM.
constexpr double kCellRangeKm = 35;

std::optional<uint32_t> CounterOf(const Report& report) {
  return report.card_signed ? std::optional(report.counter) : std::nullopt;
}

uint32_t ReportSeconds(UnixMillis time) { return static_cast<uint32_t>(time.value / 1000); }

Error Replayed(const Report& report, uint64_t known) {
  return Error(Reason::kReportReplayed, fmt::format("card {} has reported up to counter {}; this is {}",
                                                    ToString(report.card), known, report.counter));
}

Error NotNewer(const Report& report) {
  return Error(Reason::kReportReplayed,
               fmt::format("card {} has reported later than {}; without its MAC only what is newer counts",
                           ToString(report.card), ToString(report.time)));
}

// At most as many as a row has: the serving cell, then neighbours of home, then the others.
Observation ObservationOf(const Report& report, const geofence::Judgement& judgement, CellNumbers& numbers) {
  Observation seen{.counts = report.card_signed,
                   .counter = report.counter,
                   .reported = ReportSeconds(report.time),
                   .verdict = judgement.verdict,
                   .at_home = judgement.verdict == geofence::Verdict::kInArea && !judgement.by_neighbour};
  const auto& cells = report.evidence.cells;
  std::array<uint32_t, 256> heard{};
  const size_t count = std::min(cells.size(), heard.size());
  for (size_t i = 0; i < count; ++i) heard[i] = numbers.Hear(cells[i].cell, report.time);
  const auto add = [&](size_t i) {
    if (seen.count < HeardRow::kCells) seen.cells[seen.count++] = heard[i];
  };
  if (count <= HeardRow::kCells) {
    for (size_t i = 0; i < count; ++i) add(i);
    return seen;
  }
  add(0);
  for (const bool own : {true, false}) {
    for (size_t i = 1; i < count; ++i) {
      if ((judgement.findings[i].fate == geofence::CellFate::kOwnPlace) == own) add(i);
    }
  }
  return seen;
}

std::string ObservedMessage(const Report& report, geofence::Verdict verdict, AreaId area) {
  const std::string serving =
      report.evidence.cells.empty() ? "no cell" : geofence::ToString(report.evidence.cells.front().cell);
  return fmt::format("observed: serving cell {} is {}; the card's area is {}", serving,
                     geofence::NameOf(verdict), ToString(area));
}

}  // namespace

Location::Location(Executor& executor, Registry& registry, KeyKeeper& keys, GeoState& geo,
                   HeardColumn& column, ObservedSaver& saver, Alarms& alarms, Guard& guard,
                   const Limits& limits, Pump& pump, Whereabouts whereabouts, MetricsRegistry& metrics)
    : executor_(executor),
      registry_(registry),
      keys_(keys),
      geo_(geo),
      column_(column),
      saver_(saver),
      alarms_(alarms),
      guard_(guard),
      limits_(limits),
      pump_(pump),
      whereabouts_(std::move(whereabouts)),
      suspicion_(alarms, limits),
      counts_(metrics) {}

Status CheckEvidence(const Report& report, const Limits& limits) {
  if (!report.fix) return geofence::CheckEvidence(report.evidence, limits);
  if (!report.evidence.cells.empty() || report.evidence.no_signal) {
    return InvalidField("fix", "either cells or a fix, not both");
  }
  if (!geofence::InRange(report.fix->position)) {
    return InvalidField("fix", "latitude -90 to 90, longitude -180 to 180 degrees");
  }
  if (report.fix->accuracy_m < 1 || report.fix->accuracy_m > 100'000) {
    return InvalidField("fix.accuracy_m", "1 to 100,000");
  }
  return Ok();
}

std::string EvidenceText(const Report& report) {
  if (!report.fix) return CellsText(report.evidence.cells);
  return fmt::format("fix:{:.7f},{:.7f}~{}m", report.fix->position.latitude_e7 / 1e7,
                     report.fix->position.longitude_e7 / 1e7, report.fix->accuracy_m);
}

Status Location::CheckSigned(const Report& report) const {
  // Kept between reports for its memory.
  thread_local cas::ReportBody body;
  body.card = report.card;
  body.box = report.box;
  body.sim = report.sim;
  body.counter = report.counter;
  body.utc = MessageSeconds(report.time);
  body.cells.clear();
  for (const geofence::HeardCell& heard : report.evidence.cells) {
    body.cells.push_back({.cell = geofence::PackCell(heard.cell), .signal_dbm = heard.signal_dbm});
  }
  body.fix.reset();
  if (report.fix) {
    body.fix = cas::ReportFix{.latitude_e7 = report.fix->position.latitude_e7,
                              .longitude_e7 = report.fix->position.longitude_e7,
                              .accuracy_m = report.fix->accuracy_m};
  }
  HEARTH_ASSIGN_OR_RETURN(const auto key, keys_.ReportKeyOf(report.card));
  return cas::VerifyReport(body, report.mac, key);
}

Status Location::CheckTime(const Report& report, UnixMillis now) const {
  const std::chrono::milliseconds age(now.value - report.time.value);
  if (age > limits_.report_age) {
    return Error(Reason::kReportStale, fmt::format("the report of card {} is from {}", ToString(report.card),
                                                   ToString(report.time)));
  }
  if (-age > limits_.report_ahead) {
    return Error(Reason::kReportFuture, fmt::format("the report of card {} is from {}", ToString(report.card),
                                                    ToString(report.time)));
  }
  return Ok();
}

Status Location::CheckPair(const Report& report, const CardRecord& record) const {
  const entitlement::Card& card = record.card;
  // Where it is heard means nothing: it may be the copy that reports.
  HEARTH_RETURN_IF_ERROR(entitlement::CheckNotEvicted(card));
  if (!card.claim.held() || card.settled != card.claim.intent) {
    return Error(Reason::kCardNotInAccount,
                 fmt::format("card {} belongs to no open account", ToString(card.number)));
  }
  if (report.box != card.box) {
    return Error(Reason::kBoxPairMismatch,
                 fmt::format("card {} is paired with box {}, not {}", ToString(card.number),
                             ToString(card.box), ToString(report.box)));
  }
  if (report.sim != card.sim) {
    return Error(Reason::kSimPairMismatch,
                 fmt::format("card {} goes with SIM {}, not {}", ToString(card.number), ToString(card.sim),
                             ToString(report.sim)));
  }
  const auto& known = record.location.last_counter;
  if (report.card_signed && known && report.counter <= *known) return Replayed(report, *known);
  if (!report.card_signed && report.time <= record.location.last_report_time) return NotNewer(report);
  return Ok();
}

geofence::Judgement Location::JudgeEvidence(const GeoSnapshot& geo, const geofence::CardPlace& place,
                                            const geofence::ListFilter& filter, const Report& report) const {
  if (!report.fix) return geofence::Judge(geo.cells_in_force.index(), place, report.evidence, filter);
  geofence::Judgement judgement;
  judgement.verdict = geofence::Verdict::kUnknownCell;
  const double vague_km = report.fix->accuracy_m / 1000.0;
  if (whereabouts_.distance_km && vague_km <= limits_.fix_radius_km) {
    auto km = whereabouts_.distance_km(place.area, report.fix->position);
    const auto also = place.also ? whereabouts_.distance_km(*place.also, report.fix->position) : std::nullopt;
    if (also && (!km || *also < *km)) km = also;
    if (km) {
      judgement.verdict =
          *km <= limits_.fix_radius_km ? geofence::Verdict::kInArea : geofence::Verdict::kOutOfArea;
    }
  }
  if (place.exempt) judgement.verdict = geofence::Verdict::kExempt;
  return judgement;
}

Status Location::Admit(const Report& report, const std::optional<HeardRow>& row, UnixMillis now,
                       Gateway* gateway) {
  HEARTH_RETURN_IF_ERROR(CheckEvidence(report, limits_));
  AreaId area(row ? row->area : 0);
  if (!row) {
    HEARTH_ASSIGN_OR_RETURN(const auto card, registry_.Card(report.card));
    area = card.value.card.area;
  }
  if (report.card_signed) {
    HEARTH_RETURN_IF_ERROR(CheckSigned(report));
  } else if (gateway == nullptr) {
    return Error(Reason::kReportUnsigned,
                 fmt::format("the report of card {} has no MAC", ToString(report.card)));
  } else {
    HEARTH_RETURN_IF_ERROR(gateway->Admit(area));
  }
  return CheckTime(report, now);
}

// --- The data lane.

Result<std::optional<ReportAnswer>> Location::Observe(const Report& report, const HeardRow& row,
                                                      const GeoSnapshot& geo, UnixMillis now, bool in_words) {
  const std::optional<ReportAnswer> not_ours;
  const uint32_t seconds = ReportSeconds(report.time);
  if (report.fix || row.counting != 0 || row.held != 0 || seconds <= row.decided ||
      row.pair != PairOf(report.box, report.sim)) {
    return not_ours;
  }
  const CardRules rules = geo.RulesFor(report.card, AreaId(row.area));
  const geofence::CardPlace place{
      .area = AreaId(row.area), .strictness = rules.policy.strictness, .exempt = row.exempt != 0};
  const geofence::Judgement judgement = JudgeEvidence(geo, place, rules.filter(), report);
  intervention::LocationState state{.standing = row.location_standing(),
                                    .last_counter = row.counter,
                                    .last_report_time = row.reported_time()};
  if (row.verdict != 0) state.last_verdict = static_cast<geofence::Verdict>(row.verdict);
  state.last_decision_time = UnixMillis(int64_t{row.decided} * 1000);
  // What a report against the card would count up to is not asked: the first of them goes the other way.
  const intervention::Decision decision =
      intervention::Decide(state, rules.policy,
                           {.verdict = judgement.verdict,
                            .whitelisted_neighbour = judgement.whitelisted_neighbour,
                            .card_authenticated = report.card_signed,
                            .counter = CounterOf(report),
                            .report_time = report.time,
                            .now = now});
  if (decision.action != intervention::Action::kNone || decision.changed_durably ||
      decision.cause == Cause::kStale) {
    return not_ours;
  }
  HEARTH_RETURN_IF_ERROR(CheckTravelFromRow(report, row));
  const Observation seen = ObservationOf(report, judgement, column_.cells());
  switch (column_.Observe(row, seen)) {
    case HeardColumn::Taken::kChanged:
      return not_ours;
    case HeardColumn::Taken::kReplayed:
      if (!report.card_signed) return NotNewer(report);
      CheckFork(report, row);
      return Replayed(report, row.counter);
    case HeardColumn::Taken::kTakenAndDirty:
      saver_.Add(report.card);
      break;
    case HeardColumn::Taken::kTaken:
      break;
  }
  if (report.card_signed) suspicion_.Took(report.card, place.area, report.time, report.evidence);
  const bool was_home = state.last_verdict == geofence::Verdict::kInArea;
  if (was_home && judgement.verdict == geofence::Verdict::kUnknownCell && row.home_cell != 0) {
    guard_.LostHome(report.card, place.area, column_.cells().CellOf(row.home_cell), report.time);
  }
  ReportAnswer answer{.outcome = ReportOutcome::kObserved, .verdict = judgement.verdict};
  if (decision.cause == Cause::kStillAway) answer.reason = Reason::kLocationBlacklisted;
  if (!in_words) return std::optional(std::move(answer));
  answer.unknown_cells = judgement.unknown_cells;
  answer.message = ObservedMessage(report, judgement.verdict, place.area);
  if (answer.reason) answer.viewer_code = InfoOf(*answer.reason).viewer;
  return std::optional(std::move(answer));
}

// --- The lane that commits.

std::optional<geofence::Whereabouts> Location::WhereaboutsOf(const Report& report) const {
  if (report.fix)
    return geofence::Whereabouts{report.fix->position, report.time, report.fix->accuracy_m / 1000.0};
  if (report.evidence.cells.empty()) return std::nullopt;
  return WhereaboutsOf(report.evidence.cells.front().cell, report.time);
}

std::optional<geofence::Whereabouts> Location::WhereaboutsOf(const geofence::Cell& cell,
                                                             UnixMillis at) const {
  const auto position = whereabouts_.cell_position ? whereabouts_.cell_position(cell) : std::nullopt;
  if (!position) return std::nullopt;
  return geofence::Whereabouts{*position, at, kCellRangeKm};
}

Status Location::CheckTravel(const Report& report, AreaId area, const geofence::Whereabouts& before,
                             std::string_view where) {
  const auto now = WhereaboutsOf(report);
  const auto kmh = now ? geofence::ImpossibleSpeed(before, *now) : std::nullopt;
  if (!kmh) return Ok();
  const std::string text =
      fmt::format("{} km/h between {} at {} and {} at {}", std::llround(*kmh), where, ToString(before.time),
                  report.fix ? EvidenceText(report) : geofence::ToString(report.evidence.cells.front().cell),
                  ToString(report.time));
  suspicion_.Clone(report.card, area, report.time, text);
  return Error(Reason::kReportImpossibleTravel, fmt::format("card {}: {}", ToString(report.card), text));
}

Status Location::CheckTravelFromRow(const Report& report, const HeardRow& row) {
  if (!whereabouts_.cell_position || row.count == 0 || report.evidence.cells.empty()) return Ok();
  const geofence::Cell cell = column_.cells().CellOf(row.cells[0]);
  if (cell == report.evidence.cells.front().cell) return Ok();
  const auto before = WhereaboutsOf(cell, row.reported_time());
  return before ? CheckTravel(report, AreaId(row.area), *before, geofence::ToString(cell)) : Ok();
}

// A card counts up. The counter of a report that was taken, with other content, or a lower one at a later
// time: two cards with the same keys count each for itself.
void Location::CheckFork(const Report& report, const HeardRow& row) {
  const uint32_t seconds = ReportSeconds(report.time);
  const auto& cells = report.evidence.cells;
  const bool same_cells = cells.size() == row.count &&
                          (cells.empty() || column_.cells().Find(cells.front().cell) == row.cells[0]);
  const bool differs = report.counter == row.counter && cells.size() <= HeardRow::kCells &&
                       (seconds > row.reported || (seconds == row.reported && !same_cells));
  const bool falls_back = report.counter < row.counter && seconds > row.reported + kClockStepSeconds;
  if (!differs && !falls_back) return;
  suspicion_.Clone(
      report.card, AreaId(row.area), report.time,
      fmt::format("counter {} at {} after counter {} at {}: two cards count with the same keys",
                  report.counter, ToString(report.time), row.counter, ToString(row.reported_time())));
}

// Brings what is stored up to what the row knows, and compares the report with it.
Status Location::CatchUp(Txn& txn, const Report& report, const HeardColumn::Claim& claim) {
  const std::string key = CardKey(report.card).key;
  HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(key));
  if (!stored) return Ok();  // Judge says so
  CardRecord& record = stored->value;
  if (claim.before && ApplyRow(*claim.before, claim.before->counter, column_.cells(), record)) {
    txn.Write(key, record);
  }
  HEARTH_RETURN_IF_ERROR(CheckPair(report, record));
  const AreaId area = record.card.area;
  if (record.fix) {
    return CheckTravel(report, area, {record.fix->position, record.observed, record.fix->accuracy_m / 1000.0},
                       "a fix");
  }
  if (record.heard.empty()) return Ok();
  const geofence::Cell& cell = record.heard.front().cell;
  const bool same = !report.evidence.cells.empty() && report.evidence.cells.front().cell == cell;
  const auto before = same ? std::nullopt : WhereaboutsOf(cell, record.observed);
  return before ? CheckTravel(report, area, *before, geofence::ToString(cell)) : Ok();
}

Location::Flight Location::BeginDurable(const Report& report) {
  Flight flight{.card = report.card, .counter = CounterOf(report), .time = report.time};
  const auto refuse = [&](const Error& error) {
    flight.refused = error;
    if (flight.claimed) column_.EndDurable(flight.card, flight.counter, flight.claim, /*done=*/false);
    flight.claimed = false;
  };
  if (const auto card = registry_.SettledCard(report.card); card) {
    flight.area = card->value.card.area;
  } else {
    refuse(card.error());
    return flight;
  }
  flight.claim = column_.BeginDurable(report.card, flight.counter);
  if (flight.claim.replayed) {
    if (!flight.claim.busy) CheckFork(report, *flight.claim.before);
    refuse(Replayed(report, flight.claim.before->counter));
    return flight;
  }
  flight.claimed = true;
  if (!report.evidence.cells.empty()) flight.serving = report.evidence.cells.front().cell;
  if (report.card_signed) flight.evidence = report.evidence;
  const auto geo = geo_.snapshot();
  Act act{.actor = "card:" + ToString(report.card), .action = "report"};
  auto begun = executor_.Begin(CardKey(report.card).bucket, act, [&](Txn& txn) -> Status {
    HEARTH_RETURN_IF_ERROR(CatchUp(txn, report, flight.claim));
    return Judge(txn, report, *geo, act, flight.answer);
  });
  if (begun) {
    flight.begun = std::move(*begun);
  } else {
    refuse(begun.error());
  }
  return flight;
}

Result<ReportAnswer> Location::FinishDurable(Flight flight) {
  if (!flight.refused) {
    if (auto committed = Executor::Wait(std::move(flight.begun)); committed) {
      flight.answer.committed = *committed;
    } else {
      flight.refused = committed.error();
    }
  }
  if (flight.claimed) column_.EndDurable(flight.card, flight.counter, flight.claim, !flight.refused);
  if (flight.refused) {
    counts_.Refused(flight.refused->reason());
    return *std::move(flight.refused);
  }
  counts_.Decided(flight.answer.outcome);
  if (flight.answer.outcome == ReportOutcome::kSwitchedOff && flight.answer.rollout != 0 && darkened_) {
    darkened_(flight.answer.rollout);
  }
  suspicion_.Took(flight.card, flight.area, flight.time, flight.evidence);
  if (flight.answer.outcome == ReportOutcome::kActivated && flight.serving) {
    suspicion_.Opened(flight.card, flight.area, flight.time, *flight.serving);
  }
  return std::move(flight.answer);
}

Result<ReportAnswer> Location::Take(const Report& report, Gateway* gateway) {
  const UnixMillis now = executor_.clock().Now();
  const auto row = column_.Find(report.card);
  Status admitted = executor_.CheckGate();
  if (admitted) admitted = Admit(report, row, now, gateway);
  if (!admitted) {
    counts_.Refused(admitted.error().reason());
    return admitted.error();
  }
  if (row) {
    auto observed = Observe(report, *row, *geo_.snapshot(), now, /*in_words=*/true);
    if (!observed) {
      counts_.Refused(observed.error().reason());
      return observed.error();
    }
    if (*observed) {
      counts_.Observed(1);
      pump_.Heard({&report.card, 1});
      return **std::move(observed);
    }
  }
  auto answer = FinishDurable(BeginDurable(report));
  if (answer) pump_.Heard({&report.card, 1});
  return answer;
}

Location::Batch Location::Begin(std::span<const Report> reports, Gateway* gateway) {
  Batch batch;
  const UnixMillis now = executor_.clock().Now();
  const auto geo = geo_.snapshot();
  std::vector<std::pair<uint64_t, uint32_t>> order(reports.size());
  for (uint32_t i = 0; i < reports.size(); ++i) order[i] = {reports[i].card.value, i};
  std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const uint32_t left = reports[a.second].counter;
    const uint32_t right = reports[b.second].counter;
    return left != right ? left < right : a.second < b.second;
  });
  const auto refuse = [&](uint32_t index, const Error& error) {
    counts_.Refused(error.reason());
    batch.answer_.items.emplace_back(index, error);
  };
  batch.heard_.reserve(reports.size());
  const Status open = executor_.CheckGate();
  for (const auto& [card, index] : order) {
    const Report& report = reports[index];
    const auto row = column_.Find(report.card);
    if (Status admitted = open ? Admit(report, row, now, gateway) : open; !admitted) {
      refuse(index, admitted.error());
      continue;
    }
    if (row) {
      auto observed = Observe(report, *row, *geo, now, /*in_words=*/false);
      if (!observed) {
        refuse(index, observed.error());
        continue;
      }
      if (*observed) {
        batch.heard_.push_back(report.card);
        continue;
      }
    }
    batch.flights_.push_back(BeginDurable(report));
    batch.flights_.back().index = index;
  }
  counts_.Batch();
  counts_.Observed(batch.heard_.size());
  batch.answer_.observed = static_cast<uint32_t>(batch.heard_.size());
  return batch;
}

BatchAnswer Location::Finish(Batch batch) {
  BatchAnswer answer = std::move(batch.answer_);
  for (Flight& flight : batch.flights_) {
    const uint32_t index = flight.index;
    const CardNumber card = flight.card;
    auto one = FinishDurable(std::move(flight));
    if (one) batch.heard_.push_back(card);
    if (one && one->outcome == ReportOutcome::kObserved) {
      ++answer.observed;
    } else {
      answer.items.emplace_back(index, std::move(one));
    }
  }
  pump_.Heard(batch.heard_);
  std::sort(answer.items.begin(), answer.items.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [index, one] : answer.items) answer.refused += one ? 0 : 1;
  return answer;
}

}  // namespace hearth::app
