#include "entitlement/group.h"

namespace hearth::entitlement {

std::optional<uint8_t> Join(Group& group, CardNumber card, Stamp floor) {
  std::optional<size_t> free;
  for (size_t slot = 0; slot < group.members.size(); ++slot) {
    if (group.members[slot].card == card) {
      // What is older than the floor, the bit and a departure still on its way, is of an earlier stay.
      if (group.members[slot].stamp < floor)
        group.members[slot] = {.card = card, .on = false, .stamp = floor};
      return static_cast<uint8_t>(slot);
    }
    if (group.members[slot].card.value == 0 && !free) free = slot;
  }
  if (!free) {
    if (group.members.size() >= kGroupSlots) return std::nullopt;
    free = group.members.size();
    group.members.emplace_back();
  }
  group.members[*free] = {.card = card, .on = false, .stamp = floor};
  return static_cast<uint8_t>(*free);
}

bool Apply(Group& group, const MemberChange& change) {
  if (change.slot >= group.members.size() || change.card.value == 0) return false;
  GroupMember& member = group.members[change.slot];
  if (member.card != change.card || change.stamp <= member.stamp) return false;
  member.on = change.on;
  member.stamp = change.stamp;
  if (change.leave) member = GroupMember{};
  return true;
}

std::array<uint8_t, 32> Bitmap(const Group& group) {
  std::array<uint8_t, 32> bitmap{};
  for (size_t slot = 0; slot < group.members.size(); ++slot) {
    if (group.members[slot].on) bitmap[slot / 8] = static_cast<uint8_t>(bitmap[slot / 8] | 0x80 >> slot % 8);
  }
  return bitmap;
}

}  // namespace hearth::entitlement
