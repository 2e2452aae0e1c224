#include "entitlement/group.h"

namespace hearth::entitlement {

std::optional<uint8_t> Join(Group& group, CardNumber card, Stamp floor) {
  for (size_t slot = 0; slot < group.members.size(); ++slot) {
    GroupMember& member = group.members[slot];
    if (member.card != card) continue;
    // What is older than the floor, the bit and a departure still on its way, is of an earlier stay.
    if (member.stamp < floor) member = {.card = card, .on = false, .stamp = floor};
    return static_cast<uint8_t>(slot);
  }
  if (group.members.size() >= kGroupSlots) return std::nullopt;
  group.members.push_back({.card = card, .on = false, .stamp = floor});
  return static_cast<uint8_t>(group.members.size() - 1);
}

bool Apply(Group& group, const MemberChange& change) {
  if (change.slot >= group.members.size() || change.card.value == 0) return false;
  GroupMember& member = group.members[change.slot];
  if (member.card != change.card || change.stamp <= member.stamp) return false;
  member.on = change.on && !change.leave;
  member.stamp = change.stamp;
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
