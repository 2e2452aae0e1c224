#include "entitlement/group.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace hearth::entitlement {
namespace {

Group WithCards(size_t count) {
  Group group{.id = GroupId(7), .township = RegionCode(640122100)};
  for (size_t i = 0; i < count; ++i) Join(group, CardNumber(1000 + i), Stamp(10));
  return group;
}

MemberChange On(CardNumber card, uint8_t slot, uint64_t stamp) {
  return {.card = card, .slot = slot, .on = true, .leave = false, .stamp = Stamp(stamp)};
}
MemberChange Leave(CardNumber card, uint8_t slot, uint64_t stamp) {
  return {.card = card, .slot = slot, .on = false, .leave = true, .stamp = Stamp(stamp)};
}

TEST(Join, FillsEverySlotOnceAndRefusesThe257th) {
  Group group{.id = GroupId(7), .township = RegionCode(640122100)};
  std::set<uint8_t> slots;
  for (uint64_t card = 1; card <= kGroupSlots; ++card) {
    const auto slot = Join(group, CardNumber(card), Stamp(1));
    ASSERT_TRUE(slot.has_value()) << card;
    EXPECT_TRUE(slots.insert(*slot).second) << card;
  }
  const Group full = group;
  EXPECT_EQ(Join(group, CardNumber(257), Stamp(1)), std::nullopt);
  EXPECT_EQ(group, full);
  EXPECT_EQ(Join(group, CardNumber(256), Stamp(1)), 255) << "who is in stays in";
  EXPECT_EQ(Bitmap(group), (std::array<uint8_t, 32>{})) << "a bit begins clear";

  ASSERT_TRUE(Apply(group, Leave(CardNumber(100), 99, 2)));
  EXPECT_EQ(Join(group, CardNumber(257), Stamp(1)), std::nullopt) << "who left may still hold the group key";
}

TEST(Join, RepeatedIsHarmless) {
  Group group = WithCards(3);
  ASSERT_TRUE(Apply(group, On(CardNumber(1001), 1, 11)));
  const Group before = group;
  EXPECT_EQ(Join(group, CardNumber(1001), Stamp(10)), 1);
  EXPECT_EQ(group, before);
}

// A card that is freed and bound again in the same township comes back before its departure was delivered.
TEST(Join, AgainBeforeTheDepartureArrives) {
  Group group = WithCards(3);
  const CardNumber card(1001);
  ASSERT_TRUE(Apply(group, On(card, 1, 20)));
  EXPECT_EQ(Join(group, card, Stamp(30)), 1);
  EXPECT_FALSE(group.members[1].on) << "a new stay begins dark";
  EXPECT_FALSE(Apply(group, On(card, 1, 25)));
  EXPECT_FALSE(Apply(group, Leave(card, 1, 30))) << "the departure is of the earlier stay";
  EXPECT_EQ(group.members[1].card, card);
  EXPECT_TRUE(Apply(group, On(card, 1, 40)));
  EXPECT_TRUE(group.members[1].on);
}

TEST(Apply, PassesOverWhatIsNotForTheMember) {
  struct Row {
    const char* name;
    MemberChange change;
  };
  const Row rows[] = {
      {"slot nobody has had", On(CardNumber(1001), 200, 50)},
      {"another card's slot", On(CardNumber(1001), 2, 50)},
      {"unknown card", On(CardNumber(9999), 1, 50)},
      {"stamp of the join", On(CardNumber(1001), 1, 10)},
      {"stamp before the join", On(CardNumber(1001), 1, 9)},
      {"free slot and no card", On(CardNumber(0), 0, 50)},
  };
  Group group = WithCards(3);
  ASSERT_TRUE(Apply(group, Leave(CardNumber(1000), 0, 11)));
  const Group before = group;
  for (const Row& row : rows) {
    EXPECT_FALSE(Apply(group, row.change)) << row.name;
    EXPECT_EQ(group, before) << row.name;
  }
}

TEST(Apply, AFormerMembersSlotStaysDarkAndIsGivenToNobodyElse) {
  EXPECT_TRUE(rc::check([] {
    Group group = WithCards(3);
    const CardNumber former(1001);
    const CardNumber next(2000);
    RC_ASSERT(Apply(group, Leave(former, 1, 100)));
    RC_ASSERT(Join(group, next, Stamp(50)) == std::optional<uint8_t>(3));
    RC_ASSERT(Apply(group, On(next, 3, 200)));
    MemberChange late = On(former, 1, *rc::gen::inRange<uint64_t>(0, 101));
    late.on = *rc::gen::arbitrary<bool>();
    late.leave = *rc::gen::arbitrary<bool>();
    RC_ASSERT(!Apply(group, late));
    RC_ASSERT(!group.members[1].on);
    RC_ASSERT(group.members[3].on);
  }));
}

TEST(Apply, AStayEndsWithItsDeparture) {
  Group group = WithCards(2);
  const CardNumber card(1001);
  ASSERT_TRUE(Apply(group, Leave(card, 1, 30)));
  EXPECT_FALSE(group.members[1].on);
  EXPECT_EQ(Join(group, card, Stamp(30)), 1);
  EXPECT_FALSE(Apply(group, On(card, 1, 20))) << "late, of the earlier stay";
  EXPECT_FALSE(group.members[1].on);
  EXPECT_TRUE(Apply(group, On(card, 1, 31)));
}

// Changes of several members, each with stamps of its own; a departure, if any, is a member's newest.
std::vector<MemberChange> AnyChanges(size_t members) {
  std::vector<MemberChange> changes;
  for (size_t slot = 0; slot < members; ++slot) {
    const size_t count = *rc::gen::inRange<size_t>(0, 6);
    for (size_t i = 1; i <= count; ++i) {
      MemberChange change = On(CardNumber(1000 + slot), static_cast<uint8_t>(slot), 10 + i);
      change.on = *rc::gen::arbitrary<bool>();
      changes.push_back(change);
    }
    if (*rc::gen::inRange(0, 4) == 0) {
      changes.push_back(Leave(CardNumber(1000 + slot), static_cast<uint8_t>(slot), 100));
    }
  }
  return changes;
}

std::vector<MemberChange> Shuffled(std::vector<MemberChange> changes) {
  for (size_t i = changes.size(); i > 1; --i) {
    std::swap(changes[i - 1], changes[*rc::gen::inRange<size_t>(0, i)]);
  }
  return changes;
}

TEST(Apply, OnlyTheNewestChangeCountsInWhateverOrderAndHoweverOften) {
  EXPECT_TRUE(rc::check([] {
    constexpr size_t kMembers = 8;
    const std::vector<MemberChange> changes = AnyChanges(kMembers);
    Group in_order = WithCards(kMembers);
    for (const MemberChange& change : changes) Apply(in_order, change);

    std::vector<MemberChange> twice = changes;
    twice.insert(twice.end(), changes.begin(), changes.end());
    Group shuffled = WithCards(kMembers);
    for (const MemberChange& change : Shuffled(twice)) Apply(shuffled, change);
    RC_ASSERT(shuffled == in_order);

    for (const MemberChange& change : Shuffled(changes)) RC_ASSERT(!Apply(shuffled, change));
    RC_ASSERT(shuffled == in_order);
  }));
}

bool Everybody(const GroupMember&, uint8_t) { return true; }

TEST(NextGeneration, FreesTheSlotsOfTheEvictedAndOfThoseWhoLeftAndMovesNobody) {
  Group group = WithCards(6);
  ASSERT_TRUE(Apply(group, On(CardNumber(1000), 0, 20)));
  ASSERT_TRUE(Apply(group, On(CardNumber(1002), 2, 30)));
  ASSERT_TRUE(Apply(group, Leave(CardNumber(1003), 3, 25)));
  const CardNumber evicted[] = {CardNumber(1002), CardNumber(1005)};
  const auto next = NextGeneration(group, evicted, [](const GroupMember& member, uint8_t slot) {
    EXPECT_EQ(member.card.value, 1000U + slot);
    return member.card != CardNumber(1003);
  });
  ASSERT_TRUE(next);
  Group expected = group;
  expected.generation = 2;
  expected.members[2] = {};
  expected.members[3] = {};
  expected.members.pop_back();
  EXPECT_EQ(*next, expected);

  Group joined = *next;
  EXPECT_EQ(Join(joined, CardNumber(2000), Stamp(1)), 2);
  EXPECT_EQ(Join(joined, CardNumber(2001), Stamp(1)), 3);
  EXPECT_EQ(Join(joined, CardNumber(2002), Stamp(1)), 5);
  EXPECT_FALSE(Apply(joined, On(CardNumber(1002), 2, 90))) << "on its way since before";
  EXPECT_FALSE(joined.members[2].on);
}

TEST(NextGeneration, IsDoneOnceAndOnlyForWhoIsThere) {
  const Group group = WithCards(3);
  const CardNumber evicted[] = {CardNumber(1001)};
  const CardNumber stranger[] = {CardNumber(9999), CardNumber(0)};
  const auto next = NextGeneration(group, evicted, Everybody);
  ASSERT_TRUE(next);
  EXPECT_EQ(NextGeneration(*next, evicted, Everybody), std::nullopt) << "again";
  EXPECT_EQ(NextGeneration(*next, stranger, Everybody), std::nullopt) << "free slots are nobody's";
  EXPECT_EQ(NextGeneration(group, {}, Everybody), std::nullopt);
}

TEST(NextGeneration, After255Comes1) {
  Group group = WithCards(kGroupSlots);
  for (int generation = 1; generation <= 300; ++generation) {
    EXPECT_EQ(group.generation, (generation - 1) % 255 + 1);
    const CardNumber evicted[] = {group.members[0].card};
    const auto next = NextGeneration(group, evicted, Everybody);
    ASSERT_TRUE(next);
    EXPECT_NE(next->generation, group.generation);
    group = *next;
    ASSERT_EQ(Join(group, CardNumber(5000U + static_cast<uint64_t>(generation)), Stamp(1)), 0);
  }
}

TEST(NextGeneration, SurvivorsKeepTheirStandingAndNoTwoShareASlot) {
  EXPECT_TRUE(rc::check([] {
    const size_t count = *rc::gen::inRange<size_t>(1, kGroupSlots + 1);
    Group group = WithCards(count);
    group.generation = *rc::gen::inRange<uint8_t>(1, 255);
    for (const MemberChange& change : AnyChanges(count)) Apply(group, change);
    std::set<uint64_t> evicted_set;
    std::vector<CardNumber> evicted;
    for (size_t n = *rc::gen::inRange<size_t>(1, 5); n > 0; --n) {
      evicted.emplace_back(1000 + *rc::gen::inRange<size_t>(0, count));
      evicted_set.insert(evicted.back().value);
    }
    std::set<uint64_t> left;
    for (size_t n = *rc::gen::inRange<size_t>(0, 20); n > 0; --n)
      left.insert(1000 + *rc::gen::inRange<size_t>(0, count));
    const auto next = NextGeneration(group, evicted, [&](const GroupMember& member, uint8_t) {
      return !left.contains(member.card.value);
    });
    RC_ASSERT(next.has_value());
    RC_ASSERT(next->generation != group.generation);
    RC_ASSERT(next->generation != 0);
    for (size_t slot = 0; slot < group.members.size(); ++slot) {
      const GroupMember& before = group.members[slot];
      const bool gone = evicted_set.contains(before.card.value) || left.contains(before.card.value);
      const GroupMember after = slot < next->members.size() ? next->members[slot] : GroupMember();
      RC_ASSERT(after == (gone ? GroupMember() : before));
    }
    // Newcomers fill the holes first, and every card has one slot.
    Group filled = *next;
    for (uint64_t card = 5000; filled.members.size() <= kGroupSlots; ++card) {
      if (!Join(filled, CardNumber(card), Stamp(1))) break;
    }
    RC_ASSERT(filled.members.size() == kGroupSlots);
    std::set<uint64_t> cards;
    for (const GroupMember& member : filled.members) RC_ASSERT(cards.insert(member.card.value).second);
    RC_ASSERT(cards.size() == kGroupSlots);
    for (const CardNumber card : evicted) RC_ASSERT(!cards.contains(card.value));
    for (size_t slot = 0; slot < next->members.size(); ++slot) {
      if (next->members[slot].card.value != 0) RC_ASSERT(filled.members[slot] == next->members[slot]);
    }
    // What was on its way when the generation changed finds its survivor, and nobody else.
    const uint8_t slot = *rc::gen::inRange<uint8_t>(0, static_cast<uint8_t>(std::min<size_t>(count, 255)));
    const bool is_there = slot < next->members.size() && next->members[slot].card == group.members[slot].card;
    RC_ASSERT(Apply(filled, On(group.members[slot].card, slot, 1000)) == is_there);
  }));
}

TEST(Bitmap, SlotSIsBit7MinusSMod8OfByteS8) {
  EXPECT_TRUE(rc::check([] {
    Group group = WithCards(kGroupSlots);
    std::set<uint8_t> lit;
    for (const uint8_t slot : *rc::gen::arbitrary<std::vector<uint8_t>>()) {
      lit.insert(slot);
      Apply(group, On(CardNumber(1000 + slot), slot, 11));
    }
    const auto bitmap = Bitmap(group);
    for (size_t slot = 0; slot < kGroupSlots; ++slot) {
      const bool bit = (bitmap[slot / 8] >> (7 - slot % 8) & 1) != 0;
      RC_ASSERT(bit == lit.contains(static_cast<uint8_t>(slot)));
    }
  }));
}

}  // namespace
}  // namespace hearth::entitlement
