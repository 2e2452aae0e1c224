#include "intervention/breaker.h"

#include <algorithm>

namespace hearth::intervention {
namespace {

constexpr std::chrono::milliseconds kHour = std::chrono::hours(1);

int64_t Millis(std::chrono::milliseconds span) { return span.count(); }

// Somebody heard the card's old cell after the card had left it.
bool OldCellLives(const Departure& departure) {
  if (departure.old_cell == 0 || departure.old_cell_heard == UnixMillis(0)) return false;
  const UnixMillis since = departure.away_since == UnixMillis(0) ? departure.reported : departure.away_since;
  return departure.old_cell_heard.value > since.value + Millis(Breaker::kSkew);
}

}  // namespace

std::string_view NameOf(BreakerAnswer answer) {
  switch (answer) {
    case BreakerAnswer::kOrder:
      return "ORDER";
    case BreakerAnswer::kOrderMoved:
      return "ORDER_MOVED";
    case BreakerAnswer::kHoldArea:
      return "HOLD_AREA";
    case BreakerAnswer::kHoldNational:
      return "HOLD_NATIONAL";
  }
  return "UNKNOWN";
}

bool IsHold(BreakerAnswer answer) {
  return answer == BreakerAnswer::kHoldArea || answer == BreakerAnswer::kHoldNational;
}

uint64_t Breaker::LimitOf(uint64_t area_cards) const {
  return CardLimit(rules_.cards, rules_.percent, area_cards);
}

BreakerAnswer Breaker::Judge(const Departure& departure) {
  PruneAll(departure.now);
  Run& run = Count(departure);
  const Area& area = areas_[{departure.area, departure.network}];
  const uint64_t limit = LimitOf(departure.area_cards);
  const bool tripped = area.runs.size() > limit &&
                       BusiestWindow(area, departure.reported, departure.reported, limit).cards > limit;

  BreakerAnswer answer = BreakerAnswer::kOrder;
  if (tripped) {
    answer = OldCellLives(departure) ? BreakerAnswer::kOrderMoved : BreakerAnswer::kHoldArea;
  }
  // A card that was ordered within the hour is not one more.
  const bool again = ordered_.contains(departure.card);
  if (!IsHold(answer) && !again && OrderedInHour(departure.now) >= rules_.national_per_hour) {
    answer = BreakerAnswer::kHoldNational;
  }
  run.held = IsHold(answer);
  if (!run.held) Order(departure.card, departure.now);
  return answer;
}

void Breaker::Replay(const Departure& departure, BreakerAnswer answer) {
  PruneAll(departure.now);
  Count(departure).held = IsHold(answer);
  if (!IsHold(answer)) Order(departure.card, departure.now);
}

void Breaker::Forget(CardNumber card) {
  for (auto& [place, area] : areas_) {
    std::erase_if(area.runs, [&](const Run& run) { return run.card == card; });
  }
  std::erase_if(areas_, [](const auto& entry) { return entry.second.runs.empty(); });
  ForgetOrder(card);
}

void Breaker::Released(CardNumber card) {
  for (auto& [place, area] : areas_) {
    for (Run& run : area.runs) {
      if (run.card == card) run.held = false;
    }
  }
}

uint32_t Breaker::OrderedInHour(UnixMillis now) const {
  const UnixMillis since(now.value - Millis(kHour));
  size_t over = 0;
  for (const auto& [time, card] : ordered_by_time_) {
    if (time > since) break;
    ++over;
  }
  return static_cast<uint32_t>(ordered_by_time_.size() - over);
}

void Breaker::Order(CardNumber card, UnixMillis now) {
  ForgetOrder(card);
  ordered_[card] = now;
  ordered_by_time_.emplace(now, card);
  while (ordered_by_time_.begin()->first.value <= now.value - Millis(kHour)) {
    ForgetOrder(ordered_by_time_.begin()->second);
  }
}

void Breaker::ForgetOrder(CardNumber card) {
  const auto found = ordered_.find(card);
  if (found == ordered_.end()) return;
  ordered_by_time_.erase({found->second, card});
  ordered_.erase(found);
}

std::vector<Tripped> Breaker::tripped(UnixMillis now) const {
  std::vector<Tripped> found;
  for (const auto& [place, area] : areas_) {
    Tripped trip{.area = place.area, .network = place.network};
    bool fresh = false;
    for (const Run& run : area.runs) {
      if (run.held) ++trip.held;
      fresh = fresh || run.counted.value > now.value - Millis(rules_.window);
    }
    if (!fresh && trip.held == 0) continue;
    const Busiest busiest =
        BusiestWindow(area, UnixMillis(INT64_MIN / 2), UnixMillis(INT64_MAX / 2), UINT64_MAX);
    const uint64_t limit = LimitOf(area.area_cards);
    if (busiest.cards <= limit) continue;
    trip.cards = static_cast<uint32_t>(busiest.cards);
    trip.limit = static_cast<uint32_t>(limit);
    trip.first = busiest.begin;
    found.push_back(trip);
  }
  return found;
}

// Joins the departure to the card's runs that lie less than a window away; there are two of them when it
// falls between.
Breaker::Run& Breaker::Count(const Departure& departure) {
  Area& area = areas_[{departure.area, departure.network}];
  area.area_cards = departure.area_cards;
  Run run{departure.card, departure.reported, departure.reported, departure.now, false};
  const int64_t window = Millis(rules_.window);
  std::erase_if(area.runs, [&](const Run& other) {
    if (other.card != departure.card || departure.reported.value - other.last.value >= window ||
        other.first.value - departure.reported.value >= window) {
      return false;
    }
    run.first = std::min(run.first, other.first);
    run.last = std::max(run.last, other.last);
    return true;
  });
  return area.runs.emplace_back(run);
}

void Breaker::Prune(Area& area, UnixMillis now) const {
  const int64_t oldest = now.value - Millis(report_age_) - Millis(rules_.window);
  std::erase_if(area.runs, [&](const Run& run) { return run.last.value < oldest; });
}

// Once a minute is often enough: what stays longer lies in no window of a report that is accepted.
void Breaker::PruneAll(UnixMillis now) {
  if (now < next_prune_) return;
  next_prune_ = UnixMillis(now.value + Millis(std::chrono::minutes(1)));
  for (auto& [place, area] : areas_) Prune(area, now);
  std::erase_if(areas_, [](const auto& entry) { return entry.second.runs.empty(); });
}

// A window [s, s + w) has most cards when s is as late as it can be without losing one: at the end of a run.
Breaker::Busiest Breaker::BusiestWindow(const Area& area, UnixMillis from, UnixMillis to,
                                        uint64_t enough) const {
  const int64_t window = Millis(rules_.window);
  std::vector<int64_t> firsts;
  std::vector<int64_t> lasts;
  for (const Run& run : area.runs) {
    if (run.last.value <= from.value - window || run.first.value >= to.value + window) continue;
    firsts.push_back(run.first.value);
    lasts.push_back(run.last.value);
  }
  std::sort(firsts.begin(), firsts.end());
  std::sort(lasts.begin(), lasts.end());

  Busiest busiest;
  size_t begun = 0;
  for (size_t ended = 0; ended < lasts.size(); ++ended) {
    const int64_t start = std::min(lasts[ended], to.value);
    while (begun < firsts.size() && firsts[begun] < start + window) ++begun;
    if (begun - ended > busiest.cards) busiest = {begun - ended, UnixMillis(start)};
    if (busiest.cards > enough || lasts[ended] >= to.value) break;
  }
  return busiest;
}

}  // namespace hearth::intervention
