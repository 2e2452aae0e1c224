// Where the scrambler gets its ECMs: an ECMG behind SimulCrypt, or a test.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::scs {

// What an ECMG asks of a scrambler (channel_status of ETSI TS 103 197, 5.3).
struct EcmTerms {
  bool ts_packets = false;  // ECMs come as transport packets, else as sections
  std::chrono::milliseconds delay_start{
      0};  // first sending of an ECM, after the beginning of its crypto period
  std::chrono::milliseconds delay_stop{0};  // its last one, after the end
  std::chrono::milliseconds repetition{100};
  std::chrono::milliseconds min_crypto_period{1000};
  uint8_t lead_cw = 1;
  uint8_t cw_per_msg = 2;
};

// A control word and the crypto period it is for.
struct PeriodWord {
  uint16_t cp_number = 0;
  Bytes word;
};

struct Ecm {
  size_t stream = 0;  // in the order in which the streams were made
  uint16_t cp_number = 0;
  Bytes datagram;
};

// One thread.
class EcmSource {
 public:
  virtual ~EcmSource() = default;
  virtual const EcmTerms& terms() const = 0;
  // Asks for the ECM of a crypto period. `words`: cw_per_msg of them, the last is cp_number + lead_cw. A
  // stream asks again only when it was answered.
  virtual Status Ask(size_t stream, uint16_t cp_number, const std::vector<PeriodWord>& words) = 0;
  // What was answered since the last call; waits for something at most `timeout`.
  virtual Result<std::vector<Ecm>> Take(std::chrono::milliseconds timeout) = 0;
};

}  // namespace hearth::scs
