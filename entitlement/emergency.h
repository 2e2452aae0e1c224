// Emergency broadcast (应急广播): what an alert is, and who may put it on the air or take it off.
//
//   proposed ──approve──► approved ──cancel──► cancelled
//       └────────────────cancel────────────────────▲
//
// An approved alert is in force from its start to its end; after the end it is over, as is a proposal that
// nobody approved within a day. A proposal never changes: what is approved is what was proposed.
//
// Pure functions and values; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::entitlement {

// The numbers are those of 0x87 (docs/messages.md).
enum class EmergencyKind : uint8_t {
  kOther = 1,
  kEarthquake = 2,
  kFlood = 3,
  kStorm = 4,
  kLandslide = 5,
  kFire = 6,
  kHazardousMaterial = 7,
  kPublicHealth = 8,
  kPublicSafety = 9,
  kColdAndSnow = 10,
};
// 特别重大, 重大, 较大, 一般 (grades I to IV of the emergency response law, red to blue).
enum class Severity : uint8_t { kRed = 1, kOrange = 2, kYellow = 3, kBlue = 4 };
enum class EmergencyState : uint8_t { kProposed = 1, kApproved = 2, kCancelled = 3 };

// The DVB triplet (EN 300 468) of the service that boxes tune to; all zero: none.
struct ServicePointer {
  uint16_t original_network = 0;
  uint16_t transport_stream = 0;
  uint16_t service = 0;

  bool none() const { return *this == ServicePointer(); }
  bool operator==(const ServicePointer&) const = default;
};

// Of an alert on the air; ascending, none twice.
inline constexpr size_t kEmergencyRegions = 31;
inline constexpr uint16_t kMaxEmergencyMinutes = 7 * 24 * 60;
inline constexpr std::chrono::milliseconds kEmergencyAhead = std::chrono::hours(30 * 24);
// How long a proposal waits for its approval.
inline constexpr std::chrono::milliseconds kProposalLife = std::chrono::hours(24);

struct Emergency {
  uint64_t number = 0;  // counts up; its low 16 bits are on the air
  EmergencyState state = EmergencyState::kProposed;
  bool drill = false;
  EmergencyKind kind = EmergencyKind::kOther;
  Severity severity = Severity::kRed;
  // Divisions of 6 digits with zeros at the right; 0, alone: everywhere.
  std::vector<uint32_t> regions;
  ServicePointer service;
  std::string reference;  // the message's name at the issuing office; not on the air; at most 128 bytes
  UnixMillis start;       // whole seconds; 0: when it is approved
  uint16_t minutes = 0;   // 1 to kMaxEmergencyMinutes
  std::string proposed_by;
  UnixMillis proposed;
  std::string approved_by;  // empty: nobody yet
  UnixMillis approved;
  std::string cancelled_by;
  UnixMillis cancelled;
  Stamp stamp;  // of its state on the air; 0: it never was there

  bool operator==(const Emergency&) const = default;
};

// When it is over by itself: its end, or that of the wait for an approval, whichever is first.
UnixMillis EndOf(const Emergency& emergency);
inline bool IsOver(const Emergency& emergency, UnixMillis now) { return EndOf(emergency) <= now; }
// Boxes must hear of it, or hear that it was cancelled.
inline bool IsOnAir(const Emergency& emergency, UnixMillis now) {
  return emergency.stamp.value != 0 && !IsOver(emergency, now);
}

// The proposal as it will be kept: regions sorted, those inside of another dropped, the start cut to whole
// seconds. FIELD_INVALID, FIELD_MISSING. Number, state, stamp and the acts of people are not looked at.
Result<Emergency> CheckEmergency(Emergency wanted, UnixMillis now, const Limits& limits);

// Puts it into force. EMERGENCY_STATE_INVALID (it is approved or cancelled), EMERGENCY_OVER,
// SECOND_APPROVER_NEEDED when `two_people` and it is no drill and the actor proposed it.
Result<Emergency> Approve(Emergency emergency, std::string_view actor, bool two_people, UnixMillis now);
// EMERGENCY_STATE_INVALID (it is cancelled), EMERGENCY_OVER.
Result<Emergency> Cancel(Emergency emergency, std::string_view actor, UnixMillis now);

// "OTHER", "EARTHQUAKE" …
std::string_view NameOf(EmergencyKind kind);
// "RED" …
std::string_view NameOf(Severity severity);

}  // namespace hearth::entitlement
