// Makes durable what the data lane took without a commit. A row is told to the saver when the cells a card
// hears changed, or an hour after it was last saved; within seconds it stands in the store.
#pragma once

#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "src/app/column.h"
#include "src/app/executor.h"
#include "src/base/limits.h"
#include "src/base/metrics.h"

namespace hearth::app {

// What a row has that the card's record has not: cells, times, home cell, counter (at most `counter`); never
// a standing. False when there is nothing, or when card and row are not of the same box, SIM and area.
bool ApplyRow(const HeardRow& row, uint32_t counter, const CellNumbers& cells, records::CardRecord& record);

// One thread of its own; Add and SaveNow from any.
class ObservedSaver {
 public:
  // A row waits this long for more to change, and is saved within 5 s of its first change while the store
  // keeps up with limits.observed_saves_per_second.
  static constexpr std::chrono::seconds kWait{2};

  ObservedSaver(Executor& executor, HeardColumn& column, const Limits& limits, MetricsRegistry& metrics,
                Logger& log);
  ~ObservedSaver();
  ObservedSaver(const ObservedSaver&) = delete;
  ObservedSaver& operator=(const ObservedSaver&) = delete;

  // The row has just become dirty.
  void Add(CardNumber card);
  // Everything dirty, at once.
  Status SaveNow();
  // Saves everything and ends the thread. Nothing may be added any more.
  void Stop();

 private:
  struct Entry {
    CardNumber card;
    std::chrono::nanoseconds since{0};
  };
  void Run();
  void Tell();
  std::vector<Entry> TakeDue(std::chrono::nanoseconds not_after, size_t most);
  Status Save(const std::vector<Entry>& entries);
  void PutBack(const std::vector<Entry>& entries);

  Executor& executor_;
  HeardColumn& column_;
  const Limits limits_;
  Logger& log_;
  Gauge& rows_gauge_;
  Gauge& age_gauge_;
  Counter& saved_;
  Mutex save_mu_;  // one round at a time
  Mutex mu_;
  CondVar wake_;
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  std::deque<Entry> queue_ HEARTH_GUARDED_BY(mu_);  // oldest first
  std::thread thread_;
};

}  // namespace hearth::app
