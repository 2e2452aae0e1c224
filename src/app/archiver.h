// Change records and audit entries from the store into the archive, in the order of the commits.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <thread>

#include "src/app/executor.h"
#include "src/app/keys.h"
#include "src/archive/writer.h"
#include "src/base/metrics.h"

namespace hearth::app {

// One thread appends what was committed, some hundred milliseconds after. Order over all buckets is that of
// the commits, so that an archive that ends early lacks the newest changes and nothing that they rest on;
// only what it finds at its start, and after more waited than it queues, comes in the order of the records'
// times. When the disk refuses, it says so and tries again: the head-end goes on, and HeadEnd::Trim keeps
// what it lacks.
class Archiver {
 public:
  // Begins with what the store has and the archive lacks. While the executor is held nothing is appended.
  // What is passed must outlive it.
  Archiver(Executor& executor, const KeyKeeper& keys, std::unique_ptr<archive::Writer> writer,
           archive::Identity identity, MetricsRegistry& metrics, Logger& log);
  ~Archiver();

  // The executor's listener calls it. Any thread, never blocks for long.
  void Notify(store::BucketId bucket, uint64_t sequence);
  // The archive has this bucket's changes up to here. Any thread.
  uint64_t CursorOf(store::BucketId bucket) const;
  // Age of the oldest commit that is not archived. Any thread.
  double LagSeconds() const;
  // Where the archive ends. Any thread.
  archive::Tails tails() const;
  // What the store has and the archive lacks is looked for anew: after a hold. With `set_aside` the segments
  // there are put aside first: they are of a past that the store has left. Waits for it. Any thread.
  Status Resume(bool set_aside);
  // Appends what was committed before the call, unless the disk refuses, and ends the thread.
  void Stop();

 private:
  struct Item {
    uint16_t bucket = 0;
    uint64_t sequence = 0;
    std::chrono::nanoseconds since{0};
  };

  void Run();
  Status Step(bool stopping);
  Status CatchUp();
  Status AppendItems(const std::vector<Item>& items);
  Status Flush(std::vector<archive::Change>& changes);
  void Publish();
  void Tell(const Status& status);

  Executor& executor_;
  const KeyKeeper& keys_;
  Logger& log_;
  const archive::Identity identity_;
  Gauge& lag_;
  Counter& errors_;
  Counter& records_;

  std::unique_ptr<archive::Writer> writer_;  // its thread only
  bool failing_ = false;                     // the same

  mutable Mutex mu_;
  CondVar wake_;
  CondVar resumed_;
  std::deque<Item> queue_ HEARTH_GUARDED_BY(mu_);
  bool catch_up_ HEARTH_GUARDED_BY(mu_) = true;
  std::chrono::nanoseconds catch_up_since_ HEARTH_GUARDED_BY(mu_){0};
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  std::optional<bool> resume_ HEARTH_GUARDED_BY(mu_);  // asked for: whether to set aside
  Status resume_status_ HEARTH_GUARDED_BY(mu_);
  archive::Tails tails_ HEARTH_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace hearth::app
