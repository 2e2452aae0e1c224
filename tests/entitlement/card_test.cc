#include "entitlement/card.h"

#include <string_view>

#include <gtest/gtest.h>

#include "tests/entitlement/samples.h"

namespace hearth::entitlement {
namespace {

Binding SomeBinding() {
  return {.account = "NX-1",
          .intent = Request(1),
          .box = kDevices.box,
          .sim = kDevices.sim,
          .area = AreaId(640122001),
          .village = RegionCode(640122100201),
          .place = {.group = GroupId(7), .slot = 3},
          .generation = 2};
}

Card InStock() { return {.number = kDevices.card, .batch = BatchId(4)}; }
Card Bound() { return Bind(InStock(), SomeBinding(), Stamp(100), UnixMillis(1000)); }

TEST(Rights, ProductNIsBit7MinusNMod8OfByteN8) {
  EXPECT_EQ(RightsOf({}), Rights{});
  EXPECT_EQ(RightsOf({0})[0], 0x80);
  EXPECT_EQ(RightsOf({7})[0], 0x01);
  EXPECT_EQ(RightsOf({8})[1], 0x80);
  EXPECT_EQ(RightsOf({127})[15], 0x01);
  EXPECT_EQ(RightsOf({0, 1, 1})[0], 0xC0);
}

TEST(Bind, WaitsForInstallationDark) {
  const Card card = Bound();
  EXPECT_EQ(card.number, kDevices.card);
  EXPECT_EQ(card.batch, BatchId(4));
  EXPECT_EQ(card.claim, (Claim{.account = "NX-1", .intent = Request(1)}));
  EXPECT_EQ(card.settled, Request(1));
  EXPECT_EQ(card.box, kDevices.box);
  EXPECT_EQ(card.sim, kDevices.sim);
  EXPECT_EQ(card.area, AreaId(640122001));
  EXPECT_EQ(card.village, RegionCode(640122100201));
  EXPECT_EQ(card.place, (GroupSlot{.group = GroupId(7), .slot = 3}));
  EXPECT_EQ(card.generation, 2);
  EXPECT_EQ(card.rights, RightsOf({kBaseProduct}));
  EXPECT_EQ(card.rights_expiry_day, kNoExpiryDay);
  EXPECT_EQ(card.validity_day, kNoExpiryDay);
  EXPECT_EQ(card.standing, Standing::kDark);
  EXPECT_EQ(card.reason, StandingReason::kWaiting);
  EXPECT_EQ(card.standing_since, UnixMillis(1000));
  EXPECT_EQ(card.installed, UnixMillis(0));
  EXPECT_EQ(card.standing_stamp, Stamp(100));
  EXPECT_EQ(card.record_stamp, Stamp(100));
  EXPECT_EQ(card.pairing_stamp, Stamp(100));
}

TEST(Bind, ANewPairWaitsAnew) {
  const Card lit = SwitchOn(Bound(), Stamp(101), UnixMillis(2000));
  Binding swap = SomeBinding();
  swap.intent = Request(2);
  swap.box = BoxSerial(6400000000000099);
  const Card card = Bind(lit, swap, Stamp(102), UnixMillis(3000));
  EXPECT_EQ(card.standing, Standing::kDark);
  EXPECT_EQ(card.reason, StandingReason::kWaiting);
  EXPECT_EQ(card.installed, UnixMillis(0));
  EXPECT_EQ(card.settled, Request(2));
  EXPECT_EQ(card.box, swap.box);
  EXPECT_EQ(card.pairing_stamp, Stamp(102));
}

TEST(SwitchOn, LightsAndRemembersTheFirstTime) {
  const Card first = SwitchOn(Bound(), Stamp(101), UnixMillis(2000));
  EXPECT_EQ(first.standing, Standing::kOn);
  EXPECT_EQ(first.reason, StandingReason::kNone);
  EXPECT_EQ(first.installed, UnixMillis(2000));
  EXPECT_EQ(first.standing_since, UnixMillis(2000));
  EXPECT_EQ(first.standing_stamp, Stamp(101));
  EXPECT_EQ(first.record_stamp, Stamp(100)) << "a change of standing alone needs no new record";

  const Card off = SwitchOff(first, StandingReason::kLocation, Stamp(102), UnixMillis(3000));
  const Card again = SwitchOn(off, Stamp(103), UnixMillis(4000));
  EXPECT_EQ(again.installed, UnixMillis(2000));
  EXPECT_EQ(again.standing_since, UnixMillis(4000));

  Card exempt = Bound();
  exempt.exempt = true;
  EXPECT_EQ(SwitchOn(exempt, Stamp(101), UnixMillis(2000)).standing, Standing::kOnExempt);
}

TEST(SwitchOff, TouchesOnlyTheStanding) {
  const Card lit = SwitchOn(Bound(), Stamp(101), UnixMillis(2000));
  for (const StandingReason reason :
       {StandingReason::kLocation, StandingReason::kOperator, StandingReason::kEvicted}) {
    Card expected = lit;
    expected.standing = Standing::kDark;
    expected.reason = reason;
    expected.standing_stamp = Stamp(102);
    expected.standing_since = UnixMillis(3000);
    EXPECT_EQ(SwitchOff(lit, reason, Stamp(102), UnixMillis(3000)), expected) << NameOf(reason);
  }
}

TEST(Unbind, LeavesACardThatHasNothing) {
  Card lit = SwitchOn(Bound(), Stamp(101), UnixMillis(2000));
  lit.exempt = true;
  for (const StandingReason reason : {StandingReason::kClosed, StandingReason::kSwapped}) {
    const Card card = Unbind(lit, reason, Stamp(102), UnixMillis(3000));
    Card expected = InStock();
    expected.reason = reason;
    expected.standing_since = UnixMillis(3000);
    expected.standing_stamp = Stamp(102);
    expected.record_stamp = Stamp(102);
    expected.pairing_stamp = Stamp(100);
    EXPECT_EQ(card, expected) << NameOf(reason);
  }
}

TEST(Evict, IsForEver) {
  Card lit = SwitchOn(Bound(), Stamp(101), UnixMillis(2000));
  lit.exempt = true;
  const Card card = Evict(lit, Stamp(102), UnixMillis(3000));
  Card expected = Bound();
  expected.installed = UnixMillis(2000);
  expected.place = {};
  expected.generation = 0;
  expected.rights = {};
  expected.reason = StandingReason::kEvicted;
  expected.standing_since = UnixMillis(3000);
  expected.standing_stamp = Stamp(102);
  expected.record_stamp = Stamp(102);
  EXPECT_EQ(card, expected) << "the account keeps it";
  EXPECT_TRUE(IsEvicted(card));
  EXPECT_FALSE(IsEvicted(lit));
  EXPECT_TRUE(CheckNotEvicted(lit));
  EXPECT_EQ(CheckNotEvicted(card).error().reason(), Reason::kCardEvicted);

  const Card released = Unbind(card, StandingReason::kSwapped, Stamp(103), UnixMillis(4000));
  EXPECT_FALSE(released.claim.held());
  EXPECT_TRUE(IsEvicted(released));
  const Card bound = Bind(released, SomeBinding(), Stamp(104), UnixMillis(5000));
  EXPECT_TRUE(IsEvicted(bound));
  EXPECT_EQ(bound.place, GroupSlot());
  EXPECT_EQ(bound.generation, 0);
  EXPECT_EQ(bound.rights, Rights{});
  EXPECT_EQ(bound.standing, Standing::kDark);
}

TEST(ViewerCode, IsWhatTheScreenShows) {
  struct Row {
    const char* name;
    Standing standing;
    StandingReason reason;
    bool claimed;
    std::string_view code;
  };
  const Row rows[] = {
      {"in stock", Standing::kDark, StandingReason::kNone, false, "E02"},
      {"dark without a reason", Standing::kDark, StandingReason::kNone, true, "E04"},
      {"waiting", Standing::kDark, StandingReason::kWaiting, true, "E09"},
      {"location", Standing::kDark, StandingReason::kLocation, true, "E09"},
      {"closed", Standing::kDark, StandingReason::kClosed, false, "E04"},
      {"swapped", Standing::kDark, StandingReason::kSwapped, false, "E14"},
      {"by hand", Standing::kDark, StandingReason::kOperator, true, "E04"},
      {"evicted", Standing::kDark, StandingReason::kEvicted, true, "E04"},
      {"on", Standing::kOn, StandingReason::kNone, true, ""},
      {"on and exempt", Standing::kOnExempt, StandingReason::kNone, true, ""},
  };
  for (const Row& row : rows) {
    Card card = row.claimed ? Bound() : InStock();
    card.standing = row.standing;
    card.reason = row.reason;
    EXPECT_EQ(ViewerCode(card), row.code) << row.name;
  }
}

}  // namespace
}  // namespace hearth::entitlement
