// The background: everything comes by again and again, in a new order each pass.
//
// A home that is on from seven to ten must not miss the same message every evening, so no cycle keeps step
// with the day: its order is drawn anew each pass. How far an item may move from one pass to the next is a
// choice: anywhere in the pass (for cycles longer than an evening, whose passes must be independent of each
// other), so that two turns are at most two passes apart; or only within its segment of n, so that they are
// at most 1 + 1/n passes apart.
#pragma once

#include <functional>
#include <random>
#include <unordered_map>
#include <vector>

#include "src/carousel/feed.h"
#include "src/carousel/shuffle.h"

namespace hearth::carousel {

// Where a cycle stands; kept over restarts. It goes on at the same place of the same order.
struct CyclePosition {
  uint64_t seed = 1;
  uint64_t pass = 0;
  uint64_t place = 0;

  friend bool operator==(const CyclePosition&, const CyclePosition&) = default;
};

struct CycleOptions {
  uint32_t segments = 1;  // 1 to 1024; see above
  // A pass takes at least so long; what is not due then is left to those further down.
  Time min_pass{0};
};

// A cycle over things that have numbers from 0 on: groups, records of all cards, parts of tables. One thread.
class Cycle final : public Feed {
 public:
  // The section at a number; 0 bytes: there is none, pass it over. Called on the cycle's thread.
  using SectionAt = std::function<Section(uint64_t)>;

  Cycle(SectionAt section_at, CyclePosition position, const CycleOptions& options);

  // How many numbers there are. A pass under way ends as it began; those that are new come with the next.
  // Where they lie does not change while the count stays below the next power of two.
  void SetCount(uint64_t count) { count_ = count; }
  // From the next look on.
  void SetMinPass(Time min_pass) { options_.min_pass = min_pass; }
  Time min_pass() const { return options_.min_pass; }
  // Goes on where an earlier run stood. Before the first look.
  void Resume(const CyclePosition& position) { position_ = position; }
  // Nothing is due while it is held.
  void Hold(bool held) { held_ = held; }

  std::optional<Section> Peek(Time now) override;
  void Advance(Time now) override;

  const CyclePosition& position() const { return position_; }
  uint64_t count() const { return count_; }
  // Part of the pass under way.
  double done() const;
  // How long the last whole pass of this run took; 0 before there was one.
  Time last_pass() const { return last_pass_; }

 private:
  // False: there is nothing to cycle.
  bool BeginPass(Time now);
  // The number at a place of this pass; it may be one that is not there.
  uint64_t NumberAt(uint64_t place) const;

  SectionAt section_at_;
  CyclePosition position_;
  CycleOptions options_;
  uint64_t count_ = 0;
  uint64_t size_ = 0;    // of the pass under way; 0 before the first
  uint64_t places_ = 0;  // a power of two, not below it
  bool held_ = false;
  bool whole_ = false;  // this run has seen the pass from its beginning
  Time began_{0};
  Time last_pass_{0};
  uint64_t begun_at_ = 0;  // place where this run took the pass up
  std::optional<Section> next_;
};

// A cycle over a set that changes: records that no report has confirmed yet. Each pass draws its order as it
// goes, and takes at least `min_pass`. One thread.
class SetCycle final : public Feed {
 public:
  explicit SetCycle(uint64_t seed, Time min_pass = Time(0)) : random_(seed), min_pass_(min_pass) {}

  // New ones come in this pass. Known ones take the new size.
  void Put(Section section);
  bool Remove(Subject subject);
  bool Contains(Subject subject) const { return places_.contains(subject.value); }
  size_t size() const { return items_.size(); }
  uint64_t bytes() const { return bytes_; }

  // Nothing is due while it is held.
  void Hold(bool held) { held_ = held; }

  std::optional<Section> Peek(Time now) override;
  void Advance(Time now) override;
  Time last_pass() const { return last_pass_; }

 private:
  void Swap(size_t a, size_t b);

  std::mt19937_64 random_;
  const Time min_pass_;
  std::vector<Section> items_;  // [0, visited_) have been on the air in this pass
  std::unordered_map<uint64_t, uint32_t> places_;
  size_t visited_ = 0;
  bool held_ = false;
  bool drawn_ = false;  // items_[visited_] is the next
  uint64_t bytes_ = 0;
  Time began_{-1};
  Time last_pass_{0};
};

// Two feeds that share a tier: `second` gets a turn in `every`, and all turns that `first` has no use for.
// The bytes of their sections should be alike. Both must outlive it. One thread.
class Alternate final : public Feed {
 public:
  Alternate(Feed& first, Feed& second, uint32_t every) : first_(first), second_(second), every_(every) {}

  std::optional<Section> Peek(Time now) override;
  void Advance(Time now) override;

 private:
  Feed& first_;
  Feed& second_;
  uint32_t every_;
  uint32_t turn_ = 0;
  Feed* chosen_ = nullptr;
};

}  // namespace hearth::carousel
