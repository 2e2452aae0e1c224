// ECMGs destroyed under their scramblers, which turn to the next one with the same ids.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "src/app/ecm_snapshot.h"
#include "src/gateway/ecmg_server.h"
#include "tools/bench/scs_load.h"

namespace hearth::bench {

struct FailoverPlan {
  std::shared_ptr<const app::EcmSnapshot> snapshot;  // whose keys open the ECMs
  const gateway::EcmMaker& maker;                    // of all ECMGs
  size_t threads = 2;
  ScsLoadOptions load;
  int times = 3;
};

struct FailoverFound {
  uint64_t cut_off = 0;  // questions under way when their ECMG was destroyed
  uint64_t lost = 0;     // never answered
  uint64_t wrong = 0;    // ECMs that do not open, or hold other words
  uint64_t by_first = 0;
  uint64_t by_others = 0;
  // From the death of an ECMG until every stream had its ECM from the next.
  std::chrono::nanoseconds slowest{0};
};

// Two ECMGs are up at any time. All streams ask; the ECMG in use is destroyed while it answers; the
// scramblers connect to the other, set up the same channel and streams, and ask again for what they have not
// got.
Result<FailoverFound> RunFailover(const FailoverPlan& plan);

}  // namespace hearth::bench
