// The log of interventions and those who follow it (InterventionService.Watch).
//
// Events are numbered per partition, in the order in which its records were applied. A resume token is the
// position in every partition:
//   token = version 1 (0x01) ‖ generation of the views 8 ‖ n × (partition 2 ‖ position 8), partitions with
//           events only, ascending
// 257 partitions make 2,579 bytes at most, under the 4 KiB that the API promises.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "src/app/view_bucket.h"
#include "src/app/views.h"

namespace hearth::app {

using Positions = std::map<uint16_t, uint64_t>;  // partition → number of its newest event

std::string EncodeToken(uint64_t generation, const Positions& positions);
// WATCH_TOKEN_INVALID; WATCH_COMPACTED when it is of another generation.
Result<Positions> DecodeToken(std::string_view token, uint64_t generation);

std::string EncodeEvent(const InterventionEvent& event);
Result<InterventionEvent> DecodeEvent(std::string_view bytes);

// Threads: Append, Publish and Load from the views' thread; the rest from any.
class WatchLog {
 public:
  WatchLog(const ViewBucket& bucket, const Limits& limits) : bucket_(bucket), limits_(limits) {}
  ~WatchLog();

  // Reads positions and generation; makes a generation when there is none.
  Status Load(ViewBucket& writes, uint64_t fresh_generation);
  // Collects an event into the views' next commit; Publish hands what was collected to the watchers after it.
  void Append(ViewBucket& writes, store::PartitionId partition, InterventionEvent event);
  void Publish();
  // Drops what was collected: the commit failed.
  void Discard();
  void Stop();

  Result<std::unique_ptr<InterventionWatch>> Watch(std::string_view resume_token);

 private:
  class Watcher;
  struct Numbered {
    uint16_t partition;
    uint64_t position;
    InterventionEvent event;
  };

  const ViewBucket& bucket_;
  const Limits limits_;
  std::vector<Numbered> collected_;  // views' thread only
  Positions appended_;               // views' thread only
  mutable Mutex mu_;
  uint64_t generation_ HEARTH_GUARDED_BY(mu_) = 0;
  Positions positions_ HEARTH_GUARDED_BY(mu_);  // published
  std::set<Watcher*> watchers_ HEARTH_GUARDED_BY(mu_);
  bool stopped_ HEARTH_GUARDED_BY(mu_) = false;
};

}  // namespace hearth::app
