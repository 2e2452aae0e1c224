// Emergency broadcast in the box: message 0x87 and the rules of docs/messages.md section 6, "Emergency".
// Plain data and one class; one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "tools/receiver/messages.h"

namespace hearth::receiver {

// What a box keeps of an alert.
struct Alert {
  uint16_t number = 0;
  Stamp stamp;
  uint32_t start = 0;  // seconds since 2024
  uint16_t minutes = 1;
  uint8_t kind = 1;
  uint8_t severity = 1;  // 1 red to 4 blue
  bool drill = false;
  bool cancelled = false;
  std::array<uint16_t, 3> service{};  // original network, transport stream, service; zeros: stay

  uint64_t end() const { return start + uint64_t{60} * minutes; }
  bool operator==(const Alert&) const = default;
};
// "flood", "other" for a kind without a name.
std::string_view KindName(uint8_t kind);
// "red" …
std::string_view SeverityName(uint8_t severity);
// "ALARM: flood, orange (II), until 2026-11-23T05:00:00.000Z, tune to 65280.3.101"; "DRILL (演练): …".
std::string AlarmText(const Alert& alert);

struct EmergencyMessage {
  uint8_t key_id = 0;
  Alert alert;
  std::vector<uint32_t> regions;
  ByteView signature;  // within the section
};
std::optional<EmergencyMessage> DecodeEmergency(ByteView section);

using PublicKey = std::array<uint8_t, 32>;

struct AlertState {
  std::map<uint8_t, PublicKey> keys;  // by key id, from the factory
  uint8_t lowest_key = 1;             // key ids below are believed no more
  uint32_t clock = 0;                 // seconds since 2024 of the newest authentic stamp
  std::map<uint16_t, Alert> held;     // by number, cancelled ones too

  static constexpr size_t kRoom = 64;
  bool operator==(const AlertState&) const = default;
};

// `division`: of the card's area; 0: none, so that only alerts for everywhere concern the box. `now`: seconds
// since 2024, without the clock of the state.
Outcome ReceiveEmergency(ByteView section, uint32_t division, uint32_t now, AlertState* state);

// The alerts that sound at `now`: alarms before drills, then the graver, then the newer.
std::vector<Alert> AlarmsAt(const AlertState& state, uint32_t now);

}  // namespace hearth::receiver
