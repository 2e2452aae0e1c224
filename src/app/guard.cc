#include "src/app/guard.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::app {
namespace {

using intervention::BreakerAnswer;
using intervention::Departure;

// How long cards that lost their home are remembered for one alarm: a renumbering is done overnight, and
// boxes report within a day.
constexpr int64_t kDriftMillis = 24LL * 3600 * 1000;
// Of one prefecture and network, before it is worth an alarm.
constexpr size_t kDriftCards = 10;
constexpr size_t kRemembered = 1000;

// "6401 460-00": one alarm for a prefecture and a network, in which renumberings happen.
std::string SubjectOf(AreaId area, const std::string& network) {
  return fmt::format("{:04} {}", AreaDivision(area) / 100, network.empty() ? "-" : network);
}

template <typename T>
void Remember(std::vector<T>& list, const T& one, int64_t span) {
  std::erase_if(list,
                [&](const T& old) { return old.card == one.card || old.at.value + span < one.at.value; });
  if (list.size() < kRemembered) list.push_back(one);
}

}  // namespace

Guard::Guard(GeoState& geo, HeardColumn& column, Alarms& alarms, MetricsRegistry& metrics)
    : geo_(geo), column_(column), alarms_(alarms), breaker_(geo.snapshot()->policy.breaker) {
  for (const auto answer : {BreakerAnswer::kOrder, BreakerAnswer::kOrderMoved, BreakerAnswer::kHoldArea,
                            BreakerAnswer::kHoldNational}) {
    answers_.push_back(&metrics.GetCounter("hearth_breaker_answers_total",
                                           "What the circuit breaker said to automatic switch-offs.",
                                           {{"answer", std::string(intervention::NameOf(answer))}}));
  }
}

Departure Guard::DepartureOf(const records::CardRecord& record, UnixMillis away_since, UnixMillis reported,
                             UnixMillis now) const {
  Departure departure{.card = record.card.number,
                      .area = record.card.area,
                      .away_since = away_since,
                      .reported = reported,
                      .now = now};
  if (record.home_cell) {
    departure.old_cell = column_.cells().Find(*record.home_cell);
    departure.network = column_.NetworkOf(*record.home_cell);
    departure.old_cell_heard = column_.cells().LastHeard(departure.old_cell);
  }
  departure.area_cards = column_.Installed(departure.area, departure.network);
  return departure;
}

BreakerAnswer Guard::Judge(const records::CardRecord& record, UnixMillis away_since, UnixMillis reported,
                           UnixMillis now) {
  const Departure departure = DepartureOf(record, away_since, reported, now);
  const auto rules = geo_.snapshot()->policy.breaker;
  const MutexLock lock(mu_);
  breaker_.SetRules(rules);
  const BreakerAnswer answer = breaker_.Judge(departure);
  answers_[static_cast<size_t>(answer) - 1]->Increment();
  Raise(record, departure, answer);
  return answer;
}

void Guard::Raise(const records::CardRecord& record, const Departure& departure, BreakerAnswer answer) {
  const std::string subject =
      SubjectOf(departure.area, record.home_cell ? NetworkName(*record.home_cell) : "");
  const Gone gone{.at = departure.reported, .card = departure.card, .area = departure.area};
  auto& departed = departed_[subject];
  Remember(departed, gone, std::chrono::milliseconds(geo_.snapshot()->policy.breaker.window).count());
  if (!intervention::IsHold(answer)) return;
  const bool national = answer == BreakerAnswer::kHoldNational;
  Sign sign{.kind = national ? records::AlarmKind::kNationalCap : records::AlarmKind::kBreaker,
            .subject = national ? "country" : subject,
            .text = {},
            .areas = {},
            .cards = {},
            .at = departure.now};
  for (const Gone& one : departed) {
    sign.areas.push_back(one.area);
    sign.cards.push_back(one.card);
  }
  std::sort(sign.areas.begin(), sign.areas.end());
  sign.areas.erase(std::unique(sign.areas.begin(), sign.areas.end()), sign.areas.end());
  std::sort(sign.cards.begin(), sign.cards.end());
  sign.text =
      national
          ? fmt::format("more than {} automatic switch-offs within an hour: all further ones are held",
                        geo_.snapshot()->policy.breaker.national_per_hour)
          : fmt::format(
                "{} cards of {} areas would go dark together, and nobody hears their old cells: held. If the "
                "network was renumbered, see `hearthctl cells successors`; if not, release them.",
                sign.cards.size(), sign.areas.size());
  alarms_.Raise(sign);
}

void Guard::LostHome(CardNumber card, AreaId area, const geofence::Cell& home_cell, UnixMillis at) {
  const std::string subject = SubjectOf(area, NetworkName(home_cell));
  const MutexLock lock(mu_);
  auto& lost = lost_[subject];
  Remember(lost, {.at = at, .card = card, .area = area}, kDriftMillis);
  if (lost.size() < kDriftCards) return;
  Sign sign{.kind = records::AlarmKind::kCellsDrift,
            .subject = subject,
            .text = {},
            .areas = {},
            .cards = {},
            .at = at};
  for (const Gone& one : lost) {
    sign.areas.push_back(one.area);
    sign.cards.push_back(one.card);
  }
  std::sort(sign.areas.begin(), sign.areas.end());
  sign.areas.erase(std::unique(sign.areas.begin(), sign.areas.end()), sign.areas.end());
  std::sort(sign.cards.begin(), sign.cards.end());
  sign.text = fmt::format(
      "{} homes of {} areas hear only cells that no list has, within a day: the network was probably "
      "renumbered. Nobody is switched off by the head-end; their boxes go dark when their grace "
      "ends. See `hearthctl cells successors`.",
      sign.cards.size(), sign.areas.size());
  alarms_.Raise(sign);
}

void Guard::Forget(CardNumber card) {
  const MutexLock lock(mu_);
  breaker_.Forget(card);
}

void Guard::Released(CardNumber card) {
  const MutexLock lock(mu_);
  breaker_.Released(card);
}

Status Guard::Replay(Views& views, UnixMillis now, const Limits& limits) {
  const auto& rules = geo_.snapshot()->policy.breaker;
  const int64_t oldest = now.value - std::chrono::milliseconds(limits.report_age).count() -
                         std::chrono::milliseconds(rules.window).count();
  std::vector<InterventionEvent> events;
  std::string token;
  do {
    HEARTH_ASSIGN_OR_RETURN(auto page, views.ListInterventions({}, limits.page_items, token));
    token = page.next_token;
    for (InterventionEvent& event : page.items) {
      if (event.record.intervention.decided.value < oldest) token.clear();
      events.push_back(std::move(event));
    }
  } while (!token.empty());
  const MutexLock lock(mu_);
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    const intervention::Intervention& one = event->record.intervention;
    const bool counts = one.cause == intervention::Cause::kBlacklistedConfirmed && one.rollout == 0 &&
                        one.decided.value >= oldest &&
                        (one.state == intervention::InterventionState::kInForce ||
                         one.state == intervention::InterventionState::kHeld);
    if (!counts) continue;
    const auto row = column_.Find(one.card);
    const uint32_t network = row ? row->network : 0;
    breaker_.Replay({.card = one.card,
                     .area = event->record.area,
                     .network = network,
                     .area_cards = column_.Installed(event->record.area, network),
                     .old_cell = row ? row->home_cell : 0,
                     .away_since = one.reported,
                     .reported = one.reported,
                     .now = one.decided},
                    one.breaker);
  }
  return Ok();
}

}  // namespace hearth::app
