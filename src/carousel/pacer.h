// How fast sections may go to a multiplexer: the rate it granted, counted as it counts, and never a burst.
//
// A multiplexer has a short queue and no back-pressure: one lost 3,879 of 5,000 sections of a burst without a
// word. What counts is air time: packets of 188 bytes (ISO/IEC 13818-1, 2.4.3), not the bytes of a section.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "src/mpegts/packet.h"

namespace hearth::carousel {

using mpegts::Packing;

// What a section takes of the air in the long run, in bytes of whole packets: with the pointer_field of the
// packet it begins in, which packed sections that begin in the same one share.
double AirBytes(size_t section_bytes, Packing packing);

// Counts the packets that a run of sections starts. One thread.
class AirMeter {
 public:
  explicit AirMeter(Packing packing) : packing_(packing) {}

  // How many packets this section would start now.
  size_t PacketsFor(size_t section_bytes) const;
  void Take(size_t section_bytes);
  // Nothing came in time to fill the packet begun: the multiplexer sent it as it was.
  void Flush() { left_ = 0; }

 private:
  // Bytes of a section that begins in the packet begun.
  size_t Room() const;

  Packing packing_;
  size_t left_ = 0;       // payload bytes free in the packet begun
  bool pointed_ = false;  // a section begins in it, so its pointer_field is there already
};

// A bucket of air time. One thread; time is steady time.
class Pacer {
 public:
  using Time = std::chrono::nanoseconds;

  // `burst`: how much air time may be caught up after a late wake-up. A section may go whenever the air is
  // free, and then occupies it, so that one of any length goes whatever the burst.
  Pacer(Packing packing, Time burst) : meter_(packing), burst_(burst) {}

  // 0 holds everything until the next call. Air time saved up is not carried over.
  void SetRate(uint32_t kbps, Time now);
  uint32_t rate_kbps() const { return kbps_; }

  // From when on the next section may go; Time::max() without a rate.
  Time free_at() const { return kbps_ == 0 ? Time::max() : free_at_; }
  // It went. Returns the packets it starts.
  size_t Take(size_t section_bytes, Time now);
  // Whole packets went.
  void TakePackets(size_t packets, Time now);

 private:
  AirMeter meter_;
  const Time burst_;
  uint32_t kbps_ = 0;
  Time free_at_{0};
};

}  // namespace hearth::carousel
