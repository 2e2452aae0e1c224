// Puts packets of one's own into a passing stream: in place of null packets, so that the rate stays, or,
// where none comes in time, beside the others.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "src/base/bytes.h"
#include "src/mpegts/packet.h"

namespace hearth::ts {

// One thread.
class Inserter {
 public:
  // How long a packet waits for a null packet before it is inserted.
  explicit Inserter(std::chrono::nanoseconds patience) : patience_(patience) {}

  void Queue(const mpegts::Packet& packet, std::chrono::nanoseconds now) {
    waiting_.push_back({packet, now});
  }

  // Appends `packet` to `out`, or in its place, when it is a null packet, what has waited longest; and what
  // has waited too long.
  void Pass(const mpegts::Packet& packet, std::chrono::nanoseconds now, Bytes* out);
  // A place that fell free: takes what has waited longest, else a null packet.
  void Fill(std::chrono::nanoseconds now, Bytes* out) { Pass(mpegts::NullPacket(), now, out); }
  // Appends everything that waits.
  void Flush(Bytes* out);

  size_t waiting() const { return waiting_.size(); }
  uint64_t replaced() const { return replaced_; }
  uint64_t inserted() const { return inserted_; }

 private:
  struct Item {
    mpegts::Packet packet;
    std::chrono::nanoseconds since;
  };
  void PutFront(Bytes* out);

  std::chrono::nanoseconds patience_;
  std::deque<Item> waiting_;
  uint64_t replaced_ = 0;
  uint64_t inserted_ = 0;
};

}  // namespace hearth::ts
