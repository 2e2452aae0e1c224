// Which cards have an exemption, or a relocation, in which state, and when something is due: in memory, so
// that lists and the housekeeper need not read all buckets. Derived: filled from the store at start, kept up
// by every commit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "src/base/ids.h"
#include "src/base/mutex.h"

namespace hearth::app {

struct HomeRow {
  uint8_t state = 0;  // the number of the enum of its kind
  RegionCode village;
  RegionCode other;               // a second village that it concerns; 0: none
  std::optional<UnixMillis> due;  // when the housekeeper has to see to it; nothing: never
};

// All that are given must hold.
struct HomeFilter {
  std::vector<uint8_t> states;  // any of these; empty: all
  RegionCode region;            // a village of it lies below this; 0: everywhere
};

// Any thread; quick.
class HomeIndex {
 public:
  void Put(CardNumber card, const HomeRow& row);
  // At most `most` cards above `after`, ascending.
  std::vector<CardNumber> After(CardNumber after, const HomeFilter& filter, size_t most) const;
  // At most `most` whose time has come, the oldest first.
  std::vector<CardNumber> Due(UnixMillis now, size_t most) const;
  // It could not be seen to: not again before `until`, unless it changes.
  void Defer(CardNumber card, UnixMillis until);
  size_t Count(uint8_t state) const;

 private:
  struct Entry {
    HomeRow row;
    std::optional<UnixMillis> due;  // the row's, or later when it was deferred
  };
  void Schedule(uint64_t card, Entry& entry, std::optional<UnixMillis> due) HEARTH_REQUIRES(mu_);

  mutable Mutex mu_;
  std::map<uint64_t, Entry> rows_ HEARTH_GUARDED_BY(mu_);
  std::set<std::pair<int64_t, uint64_t>> due_ HEARTH_GUARDED_BY(mu_);  // time, card
  std::map<uint8_t, size_t> counts_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::app
