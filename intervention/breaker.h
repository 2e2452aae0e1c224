// The circuit breaker: tells a network that renumbered its cells from boxes that were carried away.
//
// Cards that are about to be switched off are counted per area and network over a window. Up to the limit
// each is ordered at once. Beyond it, one more is ordered only when somebody else has heard the card's old
// cell since the card left it: then the cell is still there, and who no longer hears it has moved. When
// nobody has, or there is no evidence, it is held: an operator decides. Nothing held is ever released by
// itself.
//
// "Since" is the card's own first report from elsewhere plus kSkew: boxes' clocks may differ by as much as a
// report may lie in the future. It is not the first loss of any card: one thief who leaves ten minutes before
// the telco renumbers would make the last reports from home, just before it, speak against the whole village.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "intervention/policy.h"
#include "src/base/ids.h"
#include "src/base/limits.h"

namespace hearth::intervention {

// One card that would be switched off now. Times are the reports' own, in order to judge a storm of late
// reports as what it was; `now` is the head-end's, for the national cap.
struct Departure {
  CardNumber card;
  AreaId area;
  uint32_t network = 0;     // any number that stands for a network; cards of one network share it
  uint64_t area_cards = 0;  // installed cards of the area on that network, this one included
  uint32_t old_cell = 0;    // where the card was last at home, as a number of the caller's; 0: unknown
  UnixMillis away_since;    // the first report of this run that was not from home
  UnixMillis reported;      // the deciding report
  // The newest report of any other card that is not departing itself and heard `old_cell`; 0: none known.
  UnixMillis old_cell_heard;
  UnixMillis now;
};

// On disk in interventions: never reused.
enum class BreakerAnswer : uint8_t {
  kOrder = 1,         // within the limit
  kOrderMoved = 2,    // beyond it, but the old cell is still on the air
  kHoldArea = 3,      // beyond it, and nobody has heard the old cell since
  kHoldNational = 4,  // the country's limit of the hour
};

// "ORDER", "ORDER_MOVED", "HOLD_AREA", "HOLD_NATIONAL".
std::string_view NameOf(BreakerAnswer answer);
bool IsHold(BreakerAnswer answer);

// What stands above its limit, for status and alarms.
struct Tripped {
  AreaId area;
  uint32_t network = 0;
  uint32_t cards = 0;  // that would go out, in the window that has most of them
  uint32_t limit = 0;
  uint32_t held = 0;  // cards of the area on that network that are held, in whatever window
  UnixMillis first;   // report time of the first in the window

  bool operator==(const Tripped&) const = default;
};

// One thread. Deterministic: time comes with the departures, and an area's answers depend on no other area,
// but for the national cap. Windows lie anywhere in report time, because a storm of late reports comes in any
// order; so a departure is remembered for as long as a report with its time could still be accepted. Memory:
// some 50 bytes for each card that departed in these days.
class Breaker {
 public:
  // `report_age`: the oldest report that is accepted.
  explicit Breaker(const BreakerRules& rules, std::chrono::hours report_age = Limits().report_age)
      : rules_(rules), report_age_(report_age) {}

  // New rules; what was counted stays.
  void SetRules(const BreakerRules& rules) { rules_ = rules; }

  // Counts the card and answers. The same card again within the window counts once, and gets the answer for
  // the state as it is now.
  BreakerAnswer Judge(const Departure& departure);
  // Counts a card that was answered before a restart. In the order of their decisions; those of the last
  // report_age and window.
  void Replay(const Departure& departure, BreakerAnswer answer);
  // The card was lit again, or its hold dropped, by an operator: it no longer counts.
  void Forget(CardNumber card);
  // An operator ordered a held one: it counts on, but is not held.
  void Released(CardNumber card);

  // Automatic switch-offs ordered in the hour before `now`.
  uint32_t OrderedInHour(UnixMillis now) const;
  // By area and network: those above their limit of which a card departed within the window before `now`, or
  // is still held.
  std::vector<Tripped> tripped(UnixMillis now) const;

  // A report may lie this far in the future (Limits::report_ahead), so two clocks may differ by it.
  static constexpr std::chrono::minutes kSkew{5};

 private:
  struct Place {
    AreaId area;
    uint32_t network = 0;
    auto operator<=>(const Place&) const = default;
  };
  // Departures of one card with less than a window between each and the next. Every window that begins before
  // the last and ends after the first has one of them, so a run counts as an interval of report time.
  struct Run {
    CardNumber card;
    UnixMillis first;
    UnixMillis last;
    UnixMillis counted;  // by the head-end's clock
    bool held = false;
  };
  struct Area {
    std::vector<Run> runs;
    uint64_t area_cards = 0;  // as of the newest departure
  };
  struct Busiest {
    uint64_t cards = 0;
    UnixMillis begin;
  };

  Run& Count(const Departure& departure);
  void Prune(Area& area, UnixMillis now) const;
  void PruneAll(UnixMillis now);
  uint64_t LimitOf(uint64_t area_cards) const;
  // The window with most cards of those that have something in [from, to]; ends early above `enough`.
  Busiest BusiestWindow(const Area& area, UnixMillis from, UnixMillis to, uint64_t enough) const;
  void Order(CardNumber card, UnixMillis now);
  void ForgetOrder(CardNumber card);

  BreakerRules rules_;
  std::chrono::hours report_age_;
  std::map<Place, Area> areas_;
  // Of the last hour: the newest order of each card, by `now`; the same by time.
  std::unordered_map<CardNumber, UnixMillis> ordered_;
  std::set<std::pair<UnixMillis, CardNumber>> ordered_by_time_;
  UnixMillis next_prune_;
};

}  // namespace hearth::intervention
