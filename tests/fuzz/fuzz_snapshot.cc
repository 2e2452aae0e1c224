// Any bytes as a snapshot of cell lists: opening, verifying and asking end and stay inside the bytes.
#include <cstdint>

#include "geofence/judge.h"
#include "geofence/snapshot.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth;
  using namespace hearth::geofence;
  const auto snapshot = Snapshot::Open(std::as_bytes(std::span(data, size)));
  if (!snapshot) return 0;
  (void)snapshot->Verify();
  for (uint64_t cell = 0; cell < 80; ++cell) {
    Evidence evidence;
    evidence.cells.push_back({{Radio::kLte, 460, 0, 2, 33301, cell}, -80});
    evidence.cells.push_back({{Radio::kCdma, 999, 99, 2, 0xFFFF, cell}, -90});
    (void)Judge(*snapshot, {AreaId(640122001), Strictness::kCounty, false}, evidence);
  }
  return 0;
}
