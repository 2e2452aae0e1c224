// generic_message (TS 103 197, 4.4.1), all integers big-endian:
//
//   protocol_version 8 ‖ message_type 16 ‖ message_length 16 ‖ parameters
//   parameter = parameter_type 16 ‖ parameter_length 16 ‖ value
//
// Parameters come in any order. One decoder for both interfaces; it knows no message, only tables.h.
//
// When a message has several faults, the first of this list is reported:
//   1. message too long          (found by the framer)
//   2. unsupported version
//   3. unknown message_type      (user-defined ones too)
//   4. invalid message           broken framing, or a message that only the other side may send
//   5. unknown parameter_type    below 0x8000 and not in this message's table; from 0x8000 on: skipped
//   6. inconsistent length
//   7. invalid message           a parameter more often than the table allows
//   8. missing mandatory parameter
// Values, ids and states are the sessions' business and come after all of these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "src/base/bytes.h"
#include "src/simulcrypt/tables.h"

namespace hearth::simulcrypt {

inline constexpr size_t kHeaderBytes = 5;
inline constexpr size_t kParameterHeaderBytes = 4;
inline constexpr size_t kMaxBodyBytes = 0xFFFF;

// What is wrong with a message as such; ErrorStatusOf gives the number on the wire.
enum class Fault : uint8_t {
  kNone,
  kTooLong,
  kUnsupportedVersion,
  kUnknownMessageType,
  kInvalidMessage,
  kUnknownParameterType,
  kInconsistentLength,
  kMissingParameter,
};
uint16_t ErrorStatusOf(Interface interface, Fault fault);

// Protocol versions spoken: 1, 2, 3 of the standard's editions, and 5 of DVB-H, whose messages here are the
// same.
inline constexpr uint8_t kDefaultVersion = 3;
constexpr bool IsSupportedVersion(uint8_t version) { return (version >= 1 && version <= 3) || version == 5; }
// The version of a reply: that of the request, or for an unsupported one the next lower we speak (at least
// 1), which such a peer is the likeliest to read.
constexpr uint8_t ReplyVersion(uint8_t version) {
  if (IsSupportedVersion(version)) return version;
  return version == 0 ? uint8_t{1} : kDefaultVersion;
}

// A decoded message: positions in a buffer it does not own, which must outlive it. No allocation. Any thread
// for const use.
class MessageView {
 public:
  uint8_t version() const { return version_; }
  uint16_t type() const { return type_; }
  // nullptr for an unknown message_type.
  const MessageSpec* spec() const { return spec_; }

  bool Has(uint16_t parameter) const { return Count(parameter) != 0; }
  size_t Count(uint16_t parameter) const;
  // The first value of this type; empty when there is none.
  ByteView Get(uint16_t parameter) const;
  // Integers of the width given in the table; 0 when absent or (after a fault only) of another width.
  uint8_t U8(uint16_t parameter) const { return static_cast<uint8_t>(Number(parameter, 1)); }
  uint16_t U16(uint16_t parameter) const { return static_cast<uint16_t>(Number(parameter, 2)); }
  int16_t S16(uint16_t parameter) const { return static_cast<int16_t>(U16(parameter)); }
  uint32_t U32(uint16_t parameter) const { return Number(parameter, 4); }
  // True when Get gives a value of exactly that width.
  bool HasNumber(uint16_t parameter, size_t width) const { return Get(parameter).size() == width; }

  // Calls visit(ByteView value) for each parameter of this type in the order of the wire.
  template <typename Visitor>
  void ForEach(uint16_t parameter, Visitor&& visit) const;

 private:
  friend Fault Decode(Interface, Side, ByteView, MessageView&);
  struct Slot {
    uint32_t offset = 0;  // of the first value in body_
    uint16_t length = 0;
    uint16_t count = 0;
  };

  const Slot* Find(uint16_t parameter) const;
  Slot* Find(uint16_t parameter) { return const_cast<Slot*>(std::as_const(*this).Find(parameter)); }
  uint32_t Number(uint16_t parameter, size_t width) const;
  Fault ReadParameters();
  Fault CheckCounts() const;

  uint8_t version_ = 0;
  uint16_t type_ = 0;
  const MessageSpec* spec_ = nullptr;
  ByteView body_;
  std::array<Slot, kMaxParameterTypes> slots_;  // parallel to spec_->parameters
};

// Decodes `message`, exactly one generic_message, as `receiver` sees it. After a fault `out` holds what could
// be read, so that the answer can name the channel and stream: version and type always when there is a
// header, and the known parameters up to where the framing broke.
Fault Decode(Interface interface, Side receiver, ByteView message, MessageView& out);

// Appends one generic_message to a buffer that the caller owns (reused: no allocation once it has grown).
// Nothing is checked against the tables: tools must be able to send what is wrong.
class MessageWriter {
 public:
  MessageWriter(Bytes& out, uint8_t version, uint16_t type);

  MessageWriter& U8(uint16_t parameter, uint8_t value) { return Number(parameter, value, 1); }
  MessageWriter& U16(uint16_t parameter, uint16_t value) { return Number(parameter, value, 2); }
  MessageWriter& S16(uint16_t parameter, int16_t value) {
    return U16(parameter, static_cast<uint16_t>(value));
  }
  MessageWriter& U32(uint16_t parameter, uint32_t value) { return Number(parameter, value, 4); }
  MessageWriter& Put(uint16_t parameter, ByteView value);
  // A CP_CW_combination.
  MessageWriter& CpCw(uint16_t cp_number, ByteView cw);

  // Fills in message_length. False when a value or the message is longer than 65,535 bytes; the buffer is
  // then as it was before.
  [[nodiscard]] bool Finish();

 private:
  MessageWriter& Number(uint16_t parameter, uint32_t value, size_t width);

  Bytes& out_;
  size_t start_;
  bool ok_ = true;
};

template <typename Visitor>
void MessageView::ForEach(uint16_t parameter, Visitor&& visit) const {
  const Slot* slot = Find(parameter);
  if (slot == nullptr) return;
  size_t left = slot->count;
  size_t at = slot->offset - kParameterHeaderBytes;
  while (left > 0) {
    const uint16_t type = static_cast<uint16_t>(body_[at] << 8 | body_[at + 1]);
    const size_t length = static_cast<size_t>(body_[at + 2] << 8 | body_[at + 3]);
    at += kParameterHeaderBytes;
    if (type == parameter) {
      visit(body_.subspan(at, length));
      --left;
    }
    at += length;
  }
}

}  // namespace hearth::simulcrypt
