// A subscriber moves house (移机): an approved relocation, not an intervention. Pure decisions: each takes
// the present state and gives the next one or a refusal.
//
//   REQUESTED ─ approved ─► APPROVED ─ a report from the new area ─► CONFIRMED   (the card's area is the new
//   one)
//       │                      ├── its days are over ─► TIMED_OUT                (it stays the old one)
//       └──────cancelled───────┴─► CANCELLED
//
// While it is APPROVED both areas are home.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::intervention {

// The numbers are on disk: never reused.
enum class RelocationState : uint8_t {
  kRequested = 1,
  kApproved = 2,
  kConfirmed = 3,
  kTimedOut = 4,
  kCancelled = 5,
};

// "REQUESTED", "APPROVED", "CONFIRMED", "TIMED_OUT", "CANCELLED".
std::string_view NameOf(RelocationState state);
// Nothing can become of it any more; the card may be moved again.
bool IsOver(RelocationState state);

struct RelocationStep {
  RelocationState state = RelocationState::kRequested;
  std::string actor;  // "" when a report or the time did it
  std::string reason;
  UnixMillis at;

  bool operator==(const RelocationStep&) const = default;
};

struct Relocation {
  CardNumber card;
  AreaId from;
  AreaId to;
  RelocationState state = RelocationState::kRequested;
  uint32_t days = 30;                 // how long an approved one waits for a report from the new area
  UnixMillis ends;                    // of an approved one: when these are over
  std::vector<RelocationStep> steps;  // oldest first, one per state passed

  bool operator==(const Relocation&) const = default;
};

// Who acts and why, and the time of the decision.
struct RelocationActor {
  std::string name;
  std::string reason;
  UnixMillis now;
  bool from_centre = false;  // may let a card go to another county
};

// What is asked for; outside input.
struct RelocationWish {
  CardNumber card;
  AreaId from;
  AreaId to;
  uint32_t days = 30;  // 1 to 180
};

// A new one. `present` is what the card has already, or nullptr.
//   RELOCATION_STATE_INVALID  that is not over yet
//   FIELD_MISSING, LIMIT_EXCEEDED   without actor or reason, over limits.text_bytes; so do all that follow
//   FIELD_INVALID             both areas are the same, or `days` out of range
// That both areas exist and sell is the caller's to check. Another county is possible here: the centre may
// allow it.
Result<Relocation> DecideRequest(const RelocationWish& wish, const Relocation* present,
                                 const RelocationActor& actor, const Limits& limits);
// The steps. RELOCATION_STATE_INVALID when it is not in the state the step starts from.
// SECOND_APPROVER_NEEDED when the actor requested it; AREA_OUTSIDE_COUNTY when the new area is in another
// county and the actor is not from the centre.
Result<Relocation> DecideApprove(Relocation relocation, const RelocationActor& actor, const Limits& limits);
Result<Relocation> DecideCancel(Relocation relocation, const RelocationActor& actor, const Limits& limits);
// The card was heard in `area` by a report of its own time `reported`. nullopt: that changes nothing, because
// it is not the new area, or is older than the approval. RELOCATION_STATE_INVALID unless it is APPROVED.
Result<std::optional<Relocation>> DecideHeard(Relocation relocation, AreaId area, UnixMillis reported,
                                              UnixMillis now);
// RELOCATION_STATE_INVALID unless it is APPROVED and its days are over.
Result<Relocation> DecideTimeOut(Relocation relocation, UnixMillis now);

// A second area that is home now; nullopt: none but the card's own. One that has run out of time but was not
// timed out yet counts: nobody goes dark because a housekeeper is late.
std::optional<AreaId> AlsoHome(const Relocation& relocation);
// Where the card lives as far as the relocation says.
AreaId AreaAfter(const Relocation& relocation);

}  // namespace hearth::intervention
