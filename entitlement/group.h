// Groups of up to 256 cards, formed inside one township: who sits in which slot, and the bitmap that is the
// authority on standing.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
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
  uint8_t generation = 1;  // of the group key; never 0
  RegionCode township;
  // Index = slot, at most 256; card 0: free. A card that left keeps its slot, dark: it may still hold the
  // group key, and would light up on the bit of whoever came after it. Only a new generation frees slots.
  std::vector<GroupMember> members;

  bool operator==(const Group&) const = default;
};

// The slot of a card, joining if need be, in a free slot first; nullopt when all slots were given away. The
// bit of a card that joins begins clear, and only changes stamped after `floor` (the card's own standing
// stamp, before it is bound) move it: those from an earlier stay in the slot do not, not even a departure
// that has not arrived yet. Repeating it with the same floor is harmless.
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

// The group after some of its cards were evicted: the next generation, for which a new random key is drawn.
// The slots of the evicted are free, and those of all for whom `stays` is false, which is asked of the
// others. Nothing when none of the evicted is in the group: then it has been done before.
//
// Whoever stays keeps slot, bit and stamp. Slots do not move: a record, a bit and a change of standing on its
// way would otherwise name a slot that meant another card a moment ago, and a dark card would read the bit of
// a lit one as its own.
//
// The number has one byte on the air, and 1 follows 255. It only names a key: 0x84 is taken by whoever holds
// the key itself, which is new each time, so that a section of 255 generations ago opens for nobody who has
// the record of now, nor one of now for a card that slept as long.
std::optional<Group> NextGeneration(const Group& group, std::span<const CardNumber> evicted,
                                    const std::function<bool(const GroupMember&, uint8_t slot)>& stays);

// docs/messages.md 0x84: slot s is bit 7 − s mod 8 of byte s / 8.
std::array<uint8_t, 32> Bitmap(const Group& group);

}  // namespace hearth::entitlement
