#include "tools/ts/stream_clock.h"

#include <algorithm>

namespace hearth::ts {
namespace {

constexpr uint64_t kPcrModulus = (uint64_t{1} << 33) * 300;
constexpr uint64_t kTicksPerSecond = 27'000'000;
// PCRs come at least each 100 ms; some muxers are slower.
constexpr uint64_t kLongestGap = 2 * kTicksPerSecond;

std::chrono::nanoseconds Nanoseconds(double ns) { return std::chrono::nanoseconds(static_cast<int64_t>(ns)); }

}  // namespace

std::optional<uint64_t> ReadPcr(const mpegts::Packet& packet) {
  constexpr size_t kPcrAt = 6;
  constexpr uint8_t kFieldBytes = 7;
  const auto header = mpegts::ReadPacketHeader(packet);
  if (!header || !header->has_adaptation || packet[4] < kFieldBytes || (packet[5] & 0x10) == 0)
    return std::nullopt;
  ByteReader in(ByteView(packet).subspan(kPcrAt));
  const uint64_t word = in.U(6);
  return (word >> 15) * 300 + (word & 0x1FF);
}

std::chrono::nanoseconds StreamClock::Push(const mpegts::Packet& packet) {
  const auto header = mpegts::ReadPacketHeader(packet);
  const auto pcr = header && header->pid == pid_ ? ReadPcr(packet) : std::nullopt;
  if (last_pcr_) ++packets_since_;
  if (!pcr) {
    now_ = std::max(now_, base_ + Nanoseconds(packet_ns_ * static_cast<double>(packets_since_)));
    return now_;
  }
  const uint64_t ticks = last_pcr_ ? (*pcr + kPcrModulus - *last_pcr_) % kPcrModulus : 0;
  if (last_pcr_ && ticks <= kLongestGap) {
    const double ns = static_cast<double>(ticks) * 1000 / 27;
    base_ += Nanoseconds(ns);
    packet_ns_ = ns / static_cast<double>(packets_since_);
  } else if (last_pcr_) {
    base_ += Nanoseconds(packet_ns_ * static_cast<double>(packets_since_));
    ++jumps_;
  }
  last_pcr_ = pcr;
  packets_since_ = 0;
  // Packets may have been spread past this PCR when the rate fell.
  now_ = std::max(now_, base_);
  return now_;
}

double StreamClock::packet_rate() const { return packet_ns_ > 0 ? 1e9 / packet_ns_ : 0; }

}  // namespace hearth::ts
