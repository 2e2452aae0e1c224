// The data lane of ECMs: memory only, never the store.
#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "src/app/keys.h"
#include "src/app/site_clock.h"

namespace hearth::app {

struct EcmRequest {
  std::variant<ServiceId, std::string> channel;
  uint16_t cp_number = 0;
  std::vector<Bytes> control_words;
};
struct Ecm {
  Bytes section;
  Epoch key_epoch;
};

// Threads: any, without waiting for each other.
class EcmService {
 public:
  EcmService(const KeyKeeper& keys, SiteClock& clock) : keys_(keys), clock_(clock) {}

  // CHANNEL_UNKNOWN, CONTROL_WORD_INVALID, EPOCH_NOT_READY.
  Result<Ecm> Issue(const EcmRequest& request) const;

 private:
  const KeyKeeper& keys_;
  SiteClock& clock_;
};

}  // namespace hearth::app
