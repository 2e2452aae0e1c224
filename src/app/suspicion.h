// What single reports cannot show, but several together do: a card in two places at once, counters that fork,
// boxes that report exactly the same, openings in bulk on one cell. Nothing here is durable or decides about
// a card; it raises alarms.
//
// Where a box is said to be is the box's word: the MAC proves the card, not the place. These are the
// statistical counter-measures of the design (docs/security.md).
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "geofence/judge.h"
#include "src/app/alarms.h"
#include "src/base/limits.h"
#include "src/base/mutex.h"

namespace hearth::app {

// Threads: any.
class Suspicion {
 public:
  Suspicion(Alarms& alarms, const Limits& limits);

  void Clone(CardNumber card, AreaId area, UnixMillis at, const std::string& text);
  // A report that was taken, signed by its card.
  void Took(CardNumber card, AreaId area, UnixMillis at, const geofence::Evidence& evidence);
  // A card was activated on this cell.
  void Opened(CardNumber card, AreaId area, UnixMillis at, const geofence::Cell& serving);

 private:
  static constexpr size_t kSlots = 1 << 15;
  static constexpr size_t kLocks = 16;
  static constexpr size_t kCards = 15;
  // Cells with openings in the last hour: a country's crews do far fewer.
  static constexpr size_t kOpeningCells = 50'000;

  // Who reported one vector first; the newest vector takes a slot over unless two cards share the one in it.
  struct Slot {
    uint64_t hash = 0;
    uint32_t since = 0;  // Unix seconds of the first report
    uint32_t count = 0;  // of cards
    std::array<uint64_t, kCards> cards{};
  };

  Alarms& alarms_;
  const Limits limits_;
  std::array<Mutex, kLocks> slot_mu_;
  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);  // slot n under slot_mu_[n % kLocks]
  Mutex mu_;
  std::unordered_map<std::string, std::deque<std::pair<UnixMillis, CardNumber>>> openings_
      HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::app
