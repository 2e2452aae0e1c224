// Fresh messages of one class: each goes on the air once as soon as there is room, and again with decay until
// the cycle that carries the same state (the bitmap, the records) is no slower than the next repeat would be.
#pragma once

#include <deque>
#include <functional>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/carousel/feed.h"

namespace hearth::carousel {

// Gaps grow by doubling from `first`. A repeat that would come later than `bound` after the one before is
// left to the cycle, whose own bound this is; so no gap of a message on the air exceeds it. What could not be
// repeated until twice the bound after it was first on the air is dropped: the cycle has carried it
// meanwhile.
struct Decay {
  Time first = std::chrono::seconds(2);
  Time bound = std::chrono::minutes(15);
  // No cycle carries it: it is repeated each `bound` until it is removed.
  bool lasting = false;
};

// One thread.
class Queue {
 public:
  struct Item {
    Subject subject;
    uint32_t bytes = 0;
    uint32_t sends = 0;  // how often it has been on the air
    uint64_t order = 0;  // those never on the air go in this order
    Time put{0};
    Time on_air{0};  // first
    Time due{0};     // of the next send
  };

  explicit Queue(const Decay& decay) : decay_(decay) {}

  // A newer state of a subject takes the place of an older one that has not been on the air; if that one has,
  // the newer one stands at the end, and its repeats begin anew.
  void Put(Section section, Time now);
  // As it stood before a restart. It must not be in the line; those never on the air must come in their
  // order.
  void Restore(const Item& item);
  // A report has confirmed it, or it has no meaning any more. False: not in the line.
  bool Remove(Subject subject);

  // Those never on the air, in the order they came; and the repeats that are due, the most overdue first.
  // Both are this queue's and end with it.
  Feed& firsts() { return firsts_; }
  Feed& repeats() { return repeats_; }

  size_t waiting() const { return waiting_; }  // never on the air
  uint64_t waiting_bytes() const { return waiting_bytes_; }
  size_t size() const { return items_.size(); }  // those and the ones that repeat
  const Item* Find(Subject subject) const;
  // Those left to the cycle since the last call.
  std::vector<Subject> TakeLeft() { return std::exchange(left_, {}); }
  // How long the one at the front has waited; 0 when none waits.
  Time Oldest(Time now);
  void ForEach(const std::function<void(const Item&)>& each) const;

 private:
  struct Entry {
    Item item;
    uint32_t version = 0;  // of its place in `repeating_`
  };
  struct Repeat {
    Time due;
    uint64_t subject;
    uint32_t version;
    bool operator<(const Repeat& other) const { return due > other.due; }  // the earliest on top
  };
  class Firsts final : public Feed {
   public:
    explicit Firsts(Queue& queue) : queue_(queue) {}
    std::optional<Section> Peek(Time now) override;
    void Advance(Time now) override;

   private:
    Queue& queue_;
  };
  class Repeats final : public Feed {
   public:
    explicit Repeats(Queue& queue) : queue_(queue) {}
    std::optional<Section> Peek(Time now) override;
    void Advance(Time now) override;

   private:
    Queue& queue_;
  };

  void Leave(std::unordered_map<uint64_t, Entry>::iterator entry);
  Entry* FrontFirst();
  Entry* FrontRepeat(Time now);
  void Sent(Entry& entry, Time now);
  void Line(Entry& entry);

  Decay decay_;
  std::unordered_map<uint64_t, Entry> items_;
  // May name subjects that have gone since; these are passed over.
  std::deque<std::pair<uint64_t, uint32_t>> line_;
  std::priority_queue<Repeat> repeating_;
  std::vector<Subject> left_;
  size_t waiting_ = 0;
  uint64_t waiting_bytes_ = 0;
  uint32_t versions_ = 0;
  uint64_t orders_ = 0;
  Firsts firsts_{*this};
  Repeats repeats_{*this};
};

}  // namespace hearth::carousel
