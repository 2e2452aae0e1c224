// The time of a transport stream: its programme clock (ISO/IEC 13818-1, 2.4.2.2) between whose values packets
// are spread evenly.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "src/base/bytes.h"
#include "src/mpegts/packet.h"

namespace hearth::ts {

// The PCR of a packet in ticks of 27 MHz (modulo 2^33 × 300); nothing when it has none.
std::optional<uint64_t> ReadPcr(const mpegts::Packet& packet);

// Time since the first PCR of one PID. Never goes back; a clock that jumps (a new programme, a loop) goes on
// at the rate it had. One thread.
class StreamClock {
 public:
  explicit StreamClock(mpegts::Pid pcr_pid) : pid_(pcr_pid) {}

  // The time of this packet, which is the one after the last that was pushed. 0 before the first PCR.
  std::chrono::nanoseconds Push(const mpegts::Packet& packet);

  std::chrono::nanoseconds now() const { return now_; }
  bool running() const { return last_pcr_.has_value(); }
  uint64_t jumps() const { return jumps_; }
  // Packets a second as measured between the last two PCRs; 0 before.
  double packet_rate() const;

 private:
  mpegts::Pid pid_;
  std::optional<uint64_t> last_pcr_;
  std::chrono::nanoseconds base_{0};  // at the last PCR
  std::chrono::nanoseconds now_{0};
  double packet_ns_ = 0;
  uint64_t packets_since_ = 0;
  uint64_t jumps_ = 0;
};

}  // namespace hearth::ts
