// The circuit breaker: tells a network that renumbered its cells from boxes that were carried away.
//
// Cards that are about to be switched off are counted per area and network over a window. Up to the limit
// each is ordered at once. Beyond it, one more is ordered only when somebody else has heard the card's old
// cell since cards began to lose it: then the cell is still there, and who no longer hears it has moved. When
// nobody has, or there is no evidence, it is held: an operator decides. Nothing held is ever released by
// itself.
//
// "Since" is the earliest time at which a card that lost the cell was heard away from it, plus kSkew: boxes'
// clocks may differ by as much as a report may lie in the future.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "intervention/policy.h"
#include "src/base/ids.h"

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

// What stands above its limit now, for status and alarms.
struct Tripped {
  AreaId area;
  uint32_t network = 0;
  uint32_t cards = 0;  // that would go out, in the window
  uint32_t limit = 0;
  uint32_t held = 0;  // of them
  UnixMillis first;   // report time of the first in the window

  bool operator==(const Tripped&) const = default;
};

// One thread. Deterministic: time comes with the departures. Memory: some 100 bytes for each card that
// departed within the window or the hour.
class Breaker {
 public:
  explicit Breaker(const BreakerRules& rules) : rules_(rules) {}

  // New rules; what was counted stays.
  void SetRules(const BreakerRules& rules) { rules_ = rules; }

  // Counts the card and answers. The same card again within the window counts once, and gets the answer for
  // the state as it is now.
  BreakerAnswer Judge(const Departure& departure);
  // Counts a card that was answered before a restart. In the order of their decisions.
  void Replay(const Departure& departure, BreakerAnswer answer);
  // The card was lit again, or its hold dropped, by an operator: it no longer counts.
  void Forget(CardNumber card);

  // Automatic switch-offs ordered in the hour before `now`.
  uint32_t OrderedInHour(UnixMillis now) const;
  // By area and network.
  std::vector<Tripped> tripped() const;

  // A report may lie this far in the future (Limits::report_ahead), so two clocks may differ by it.
  static constexpr std::chrono::minutes kSkew{5};

 private:
  struct Place {
    AreaId area;
    uint32_t network = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct One {
    CardNumber card;
    UnixMillis reported;
    bool held = false;
  };
  struct Window {
    std::deque<One> cards;  // by report time
    uint64_t area_cards = 0;
  };

  BreakerRules rules_;
  std::map<Place, Window> windows_;
  std::map<uint32_t, UnixMillis> lost_since_;              // old cell → earliest loss within the window
  std::deque<std::pair<UnixMillis, CardNumber>> ordered_;  // of the last hour, by `now`
};

}  // namespace hearth::intervention
