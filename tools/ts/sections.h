// Sections out of packets, and packets out of bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "src/base/bytes.h"
#include "src/mpegts/packet.h"

namespace hearth::ts {

using mpegts::Packet;
using mpegts::PacketHeader;
using mpegts::Pid;

// Collects the sections of one PID. Whatever is damaged (a lost packet, a wrong pointer_field) costs the
// sections it touches, never later ones. Content is not looked into; a CRC is the reader's to check. One
// thread.
class SectionAssembler {
 public:
  using Sink = std::function<void(ByteView section)>;

  // Calls `sink` for each section that `packet` completes; the view is valid during the call only. Scrambled
  // packets, packets with an error mark and repeated packets are passed over.
  void Push(const Packet& packet, const Sink& sink);
  // Sections that were begun and lost.
  uint64_t lost() const { return lost_; }

 private:
  void Append(ByteView bytes, const Sink& sink);
  void Drop();

  Bytes partial_;
  bool in_section_ = false;
  std::optional<uint8_t> last_continuity_;
  uint64_t lost_ = 0;
};

// Cuts a byte stream into packets. Where the sync byte is not in its place it looks for the next place that
// is followed by another one 188 bytes on. One thread.
class PacketReader {
 public:
  void Add(ByteView bytes);
  // The next packet; nothing when more bytes are needed.
  std::optional<Packet> Next();
  // Bytes passed over while looking for a packet.
  uint64_t skipped_bytes() const { return skipped_; }
  // Bytes of a packet whose rest has not come.
  size_t pending() const { return buffer_.size() - at_; }

 private:
  Bytes buffer_;
  size_t at_ = 0;
  uint64_t skipped_ = 0;
};

}  // namespace hearth::ts
