#include "entitlement/group.h"

#include <algorithm>

namespace hearth::entitlement {

std::optional<uint8_t> Join(Group& group, CardNumber card, Stamp floor) {
  for (size_t slot = 0; slot < group.members.size(); ++slot) {
    GroupMember& member = group.members[slot];
    if (member.card != card) continue;
    // What is older than the floor, the bit and a departure still on its way, is of an earlier stay.
    if (member.stamp < floor) member = {.card = card, .on = false, .stamp = floor};
    return static_cast<uint8_t>(slot);
  }
  auto free = std::find_if(group.members.begin(), group.members.end(),
                           [](const GroupMember& member) { return member.card.value == 0; });
  if (free == group.members.end()) {
    if (group.members.size() >= kGroupSlots) return std::nullopt;
    free = group.members.insert(free, GroupMember());
  }
  *free = {.card = card, .on = false, .stamp = floor};
  return static_cast<uint8_t>(free - group.members.begin());
}

bool Apply(Group& group, const MemberChange& change) {
  if (change.slot >= group.members.size() || change.card.value == 0) return false;
  GroupMember& member = group.members[change.slot];
  if (member.card != change.card || change.stamp <= member.stamp) return false;
  member.on = change.on && !change.leave;
  member.stamp = change.stamp;
  return true;
}

std::optional<Group> NextGeneration(const Group& group, std::span<const CardNumber> evicted,
                                    const std::function<bool(const GroupMember&, uint8_t slot)>& stays) {
  const auto is_evicted = [&](const GroupMember& member) {
    return member.card.value != 0 && std::find(evicted.begin(), evicted.end(), member.card) != evicted.end();
  };
  if (std::none_of(group.members.begin(), group.members.end(), is_evicted)) return std::nullopt;
  Group next = group;
  next.generation = group.generation == UINT8_MAX ? 1 : static_cast<uint8_t>(group.generation + 1);
  for (size_t slot = 0; slot < next.members.size(); ++slot) {
    GroupMember& member = next.members[slot];
    if (member.card.value == 0) continue;
    if (is_evicted(member) || !stays(member, static_cast<uint8_t>(slot))) member = {};
  }
  while (!next.members.empty() && next.members.back().card.value == 0) next.members.pop_back();
  return next;
}

std::array<uint8_t, 32> Bitmap(const Group& group) {
  std::array<uint8_t, 32> bitmap{};
  for (size_t slot = 0; slot < group.members.size(); ++slot) {
    if (group.members[slot].on) bitmap[slot / 8] = static_cast<uint8_t>(bitmap[slot / 8] | 0x80 >> slot % 8);
  }
  return bitmap;
}

}  // namespace hearth::entitlement
