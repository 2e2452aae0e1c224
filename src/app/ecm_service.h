// The data lane of ECMs: memory only, never the store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/app/ecm_snapshot.h"
#include "src/app/keys.h"
#include "src/app/site_clock.h"

namespace hearth::app {

// One ECM by itself, as people ask for it.
struct EcmOrder {
  ChannelRef channel;
  uint16_t cp_number = 0;  // of the first control word, whose crypto period begins now
  std::chrono::milliseconds crypto_period{0};
  std::vector<Bytes> control_words;
};
struct Ecm {
  Bytes section;
  Epoch key_epoch;
};

// Threads: any, without waiting for each other. KeyKeeper and SiteClock must outlive it.
class EcmService {
 public:
  EcmService(const KeyKeeper& keys, SiteClock& clock) : keys_(keys), clock_(clock) {}

  // What is in force; keep it as long as you like. Takes a lock for the copy of a pointer: who makes many
  // ECMs keeps it and asks again when version() has changed.
  std::shared_ptr<const EcmSnapshot> snapshot() const { return keys_.ecm_snapshot(); }
  uint64_t version() const { return keys_.ecm_version(); }

  // Appends a section to `out` with the time that goes on the air; see AppendEcm.
  Status Make(const EcmServiceOnAir& service, const EcmRequest& request, Bytes& out) const {
    return AppendEcm(service, request, clock_.OnAir(), out);
  }

  // CHANNEL_UNKNOWN, CONTROL_WORD_INVALID, EPOCH_NOT_READY.
  Result<Ecm> Issue(const EcmOrder& order) const;

 private:
  const KeyKeeper& keys_;
  SiteClock& clock_;
};

}  // namespace hearth::app
