// Groups of up to 256 cards, formed inside one township: who sits in which slot, and the bitmap that is the
// authority on standing.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "entitlement/account.h"
#include "src/base/ids.h"

namespace hearth::entitlement {

inline constexpr size_t kGroupSlots = 256;
inline constexpr uint32_t kMaxGroupId = 0xFFFFFF;

struct GroupMember {
  CardNumber card;
  bool on = false;
  Stamp stamp;  // of the newest change of standing that is in the bitmap

  bool operator==(const GroupMember&) const = default;
};

struct Group {
  GroupId id;
  uint8_t generation = 1;
  RegionCode township;
  // Index = slot, at most 256. A card that left keeps its slot, dark: it may still hold the group key, and
  // would light up on the bit of whoever came after it. Only a new generation frees slots.
  std::vector<GroupMember> members;

  bool operator==(const Group&) const = default;
};

// The slot of a card, joining if need be; nullopt when all slots were given away. The bit of a card that
// joins begins clear, and only changes stamped after `floor` (the card's own standing stamp, before it is
// bound) move it: those from an earlier stay in the slot do not, not even a departure that has not arrived
// yet. Repeating it with the same floor is harmless.
std::optional<uint8_t> Join(Group& group, CardNumber card, Stamp floor);

struct MemberChange {
  CardNumber card;
  uint8_t slot = 0;
  bool on = false;
  bool leave = false;
  Stamp stamp;

  bool operator==(const MemberChange&) const = default;
};
// Applies a change of standing unless a newer one is there, or the slot is another card's. True when the
// group changed. Repeating it is harmless.
bool Apply(Group& group, const MemberChange& change);

// docs/messages.md 0x84: slot s is bit 7 − s mod 8 of byte s / 8.
std::array<uint8_t, 32> Bitmap(const Group& group);

}  // namespace hearth::entitlement
