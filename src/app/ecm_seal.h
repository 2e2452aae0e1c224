// What a lane that only makes ECMs works from, as a file: channels, their criteria over time, and the service
// keys of several epochs, wrapped under a key of its own. A process with this file and that key needs no
// store, no gRPC and no other process; two of them make ECMs that the same cards open.
//
//   "HEARTHE1" ‖ generation 8 ‖ written 8 ‖ epochs: zero 8, length 8, lead 8 (ms) ‖ usable 8 ‖ services 4 ‖
//   services × (number 2 ‖ name: length 1, bytes ‖ terms 4 × (from 8 ‖ AC record 8 ‖ AC id 2) ‖
//               keys 1 × (epoch 8 ‖ wrapped: length 1, bytes)) ‖
//   seal: length 1, bytes: a zero key wrapped for the SHA-256 of everything before
//   AC record: mode 1 ‖ product 1 ‖ all but 1 ‖ 0 1 ‖ division 4
#pragma once

#include <cstdint>
#include <vector>

#include "src/app/ecm_snapshot.h"
#include "src/app/keys.h"
#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/crypto/wrap.h"

namespace hearth::app {

struct LaneHead {
  uint64_t generation = 0;  // grows with each file
  UnixMillis written;
  EpochPlan plan;
  // The last epoch that may be used: every registered lane holds its keys, and they have been on the air for
  // the cards. A lane whose clock is past it stays with it.
  uint64_t usable = 0;

  uint64_t EpochAt(UnixMillis now) const { return std::min(plan.Current(now), usable); }
};

struct Lane {
  LaneHead head;
  EcmSnapshot snapshot;     // its epoch in use is that of the opening
  uint64_t holds_from = 0;  // epochs that there are keys of, for every service
  uint64_t holds_through = 0;
};

// KEY_UNWRAP_FAILED is a bug: wrapping does not fail.
Result<Bytes> SealLane(const LaneHead& head, const EcmSnapshot& snapshot,
                       const std::vector<ServiceEpochKey>& keys, const crypto::MasterKey& lane_key);

// LANE_FILE_INVALID when it is cut or of another format; KEY_UNWRAP_FAILED when changed, or sealed under
// another key.
Result<Lane> OpenLane(ByteView file, const crypto::MasterKey& lane_key, UnixMillis now);

}  // namespace hearth::app
