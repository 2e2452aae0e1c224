// What a channel airs over time: windows with criteria of their own, and what is in force at an instant.
//
// A plan is a list of windows [start, end) in UTC. In force at an instant is, from below:
//   base         the criteria of the event, else the channel's own
//   FREE_TO_AIR  replaces mode and product by open; the region stays
//   BLACKOUT     adds "all but this division"
// Windows of one kind of one channel never overlap. An AC record (docs/messages.md) holds one region, so a
// blackout may lie only over a base that has none, or has the very same one; see docs/decisions/0002.
//
// Pure functions and values; any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "entitlement/schedule.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::entitlement {

// A right that cards hold or not, by its number on the air (docs/messages.md, rights of 0x82).
struct Product {
  uint8_t id = 0;    // 0 to 127
  std::string name;  // 1 to 64 bytes

  bool operator==(const Product&) const = default;
};
// FIELD_INVALID.
Status CheckProduct(const Product& product);

// In the order in which they lie over each other.
enum class WindowKind : uint8_t { kEvent = 1, kFreeToAir = 2, kBlackout = 3 };
inline constexpr size_t kWindowKinds = 3;
// "EVENT", "FREE_TO_AIR", "BLACKOUT".
std::string_view NameOf(WindowKind kind);

// Shorter ones no scrambler can follow; longer ones are criteria of the channel.
inline constexpr std::chrono::milliseconds kMinWindow = std::chrono::seconds(1);
inline constexpr std::chrono::milliseconds kMaxWindow = std::chrono::hours(31 * 24);
// A season of programmes; a date beyond it is a typing error.
inline constexpr std::chrono::milliseconds kPlanAhead = std::chrono::hours(400 * 24);
// How long windows are kept after their end, for "why was it dark yesterday?".
inline constexpr std::chrono::milliseconds kPlanKept = std::chrono::hours(7 * 24);

struct Window {
  // Counts up in its channel and is never used twice; 0: not given yet. Its low 16 bits, never 0, are the AC
  // id of the ECMs made under it. A window that is pushed again with the same kind, start, end and criteria
  // keeps its number.
  uint64_t number = 0;
  WindowKind kind = WindowKind::kEvent;
  UnixMillis start;
  UnixMillis end;         // not included
  Criteria criteria;      // of an EVENT; else as made by default
  uint32_t division = 0;  // of a BLACKOUT: 6 digits with zeros at the right; else 0
  std::string title;      // at most 128 bytes
  std::string event_id;   // the scheduler's own name for it; at most 64 bytes

  bool operator==(const Window&) const = default;
};

// One window by itself: FIELD_MISSING, FIELD_INVALID, PLAN_WINDOW_LENGTH, PLAN_OUT_OF_RANGE. Fields are named
// "start", "end", "criteria.…", "region", "title", "event_id".
Status CheckWindow(const Window& window, UnixMillis now);

// A stretch of a plan in which the same windows are in force; it ends where the next begins.
struct PlanPiece {
  UnixMillis from;
  Criteria criteria;
  // By WindowKind − 1; nullptr: none. They point into the list the timeline was made of.
  std::array<const Window*, kWindowKinds> windows{};
  // A blackout over another region, which no door lets in: the channel is closed.
  bool region_conflict = false;

  const Window* Of(WindowKind kind) const { return windows[static_cast<size_t>(kind) - 1]; }
  // The window on top names the criteria; 0: the channel's own.
  uint16_t ac_id() const;
};

inline constexpr UnixMillis kTimeBegin{std::numeric_limits<int64_t>::min()};
inline constexpr UnixMillis kTimeEnd{std::numeric_limits<int64_t>::max()};

// All pieces in order; the first begins at kTimeBegin, so that there is one for each instant. `windows` must
// be sorted as SortWindows does and outlive the pieces.
std::vector<PlanPiece> TimelineOf(const Criteria& channel, std::span<const Window> windows);
// The piece in force; `pieces` as TimelineOf made them.
const PlanPiece& PieceAt(std::span<const PlanPiece> pieces, UnixMillis at);

// By start, then by kind.
void SortWindows(std::vector<Window>& windows);

// PLAN_REGION_CONFLICT when criteria with another region come to lie under a blackout that ends after `now`.
Status CheckBase(const Criteria& channel, std::span<const Window> windows, UnixMillis now);

// One channel's share of a push: takes out every window of `former` that begins in [from, to) and puts the
// items in. `former` holds, sorted, at least all windows that begin after from − kMaxWindow and before the
// last end of the items; `elsewhere` counts those of the channel that it leaves out.
struct PlanItem {
  size_t index = 0;  // in the push
  Window window;     // its number is not looked at
};
struct PlanRefusal {
  size_t index = 0;
  Error error;
};
struct PlanReplaced {
  std::vector<Window> windows;  // instead of `former`, sorted; meaningless when something was refused
  uint64_t last_number = 0;     // the highest number ever given in this channel
  size_t added = 0;             // new, or changed
  size_t existed = 0;           // stood there exactly so
  size_t removed = 0;           // taken out and not put in again
  std::vector<PlanRefusal> refused;
};
// Refuses items with PLAN_OUTSIDE_PUSH, PLAN_OVERLAP, PLAN_REGION_CONFLICT, PLAN_FULL; each item has passed
// CheckWindow. Fails as a whole with PLAN_REGION_CONFLICT when it is what is taken out that bares a conflict.
Result<PlanReplaced> ReplaceWindows(const Criteria& channel, std::span<const Window> former, size_t elsewhere,
                                    uint64_t last_number, UnixMillis from, UnixMillis to,
                                    std::vector<PlanItem> items, const Limits& limits);

}  // namespace hearth::entitlement
