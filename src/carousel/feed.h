// What stands in line for the air: the shapes that queues, cycles and the scheduler share.
//
// The carousel decides by sizes and times only. It never holds a message: whoever sends builds the section
// from the state of the moment, so that what is on the air is never older than the decision to send it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace hearth::carousel {

using Time = std::chrono::nanoseconds;  // steady time

// Whose state a section tells. A newer change of the same subject replaces the older one in the line.
enum class Kind : uint8_t {
  kStanding = 1,     // a card's unique standing, 0x83
  kRecord = 2,       // a card's unique record, 0x82
  kPairing = 3,      // a card's pairing, 0x88
  kGroup = 4,        // a group's bitmap and package keys, 0x84
  kServiceKeys = 5,  // a package's service keys, 0x85
  kArea = 6,         // a part of an area or deny table, 0x86
  kEmergency = 7,    // 0x87
};

// Kind, and the number of the card (12 digits), group, package, area part or alert: below 2^56.
struct Subject {
  uint64_t value = 0;

  constexpr Subject() = default;
  constexpr Subject(Kind kind, uint64_t number)
      : value(uint64_t{static_cast<uint8_t>(kind)} << 56 | number) {}

  Kind kind() const { return static_cast<Kind>(value >> 56); }
  uint64_t number() const { return value & ((uint64_t{1} << 56) - 1); }
  friend bool operator==(Subject, Subject) = default;
};

struct Section {
  Subject subject;
  uint32_t bytes = 0;  // of the section, header included
};

// One line of sections. One thread.
class Feed {
 public:
  virtual ~Feed() = default;
  // What comes next, if something is due; the same until Advance or a change of the line.
  virtual std::optional<Section> Peek(Time now) = 0;
  // That was put on the air.
  virtual void Advance(Time now) = 0;
};

}  // namespace hearth::carousel
