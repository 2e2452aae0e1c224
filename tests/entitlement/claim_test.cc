#include "entitlement/claim.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/entitlement/samples.h"

namespace hearth::entitlement {
namespace {

const CardNumber kOldCard = kDevices.card;
const CardNumber kNewCard(640000000099);

// The account of OpenAccount in each stage of its life. The opening is request 1, the swap of the card
// (old → new) request 2, the closing request 3.
Account Opening() { return *DecideOpen(GoodForm(), AreaId(640122001), nullptr, Request(1), By("wang")); }
Account Opened() { return TakeEffect(Opening(), UnixMillis(2000)); }
Account Swapping() {
  return *DecideSwap(Finished(Opened()), Devices{.card = kNewCard}, Request(2), By("wang"));
}
Account Swapped() { return TakeEffect(Swapping(), UnixMillis(3000)); }
Account Closing() { return *DecideClose(Finished(Opened()), Request(3), By("wang")); }

struct Row {
  const char* name;
  std::optional<Account> home;
  ClaimKind kind;
  uint64_t number;
  uint8_t request;  // whose claim it is
  ClaimFate fate;
};

TEST(FateOf, IsDecidedByTheHomeInEveryPhase) {
  const uint64_t old_card = kOldCard.value;
  const uint64_t new_card = kNewCard.value;
  const uint64_t box = kDevices.box.value;
  const uint64_t sim = kDevices.sim.value;
  using enum ClaimKind;
  using enum ClaimFate;
  const Row rows[] = {
      {"no account", std::nullopt, kCard, old_card, 1, kDead},

      {"opening: card", Opening(), kCard, old_card, 1, kPending},
      {"opening: box", Opening(), kBox, box, 1, kPending},
      {"opening: SIM", Opening(), kSim, sim, 1, kPending},
      {"opening: person", Opening(), kPerson, 0, 1, kPending},
      {"opening: a card it does not want", Opening(), kCard, new_card, 1, kDead},
      {"opening: claim of an opening given up before", Opening(), kCard, old_card, 8, kDead},
      {"opening: person of an opening given up before", Opening(), kPerson, 0, 8, kDead},

      {"opening given up: card", BeginAbort(Opening()), kCard, old_card, 1, kDead},
      {"opening given up: person", BeginAbort(Opening()), kPerson, 0, 1, kDead},

      {"opened, cards being told: card", Opened(), kCard, old_card, 1, kHeld},
      {"opened, cards being told: person", Opened(), kPerson, 0, 1, kHeld},
      {"opened, cards being told: another card", Opened(), kCard, new_card, 1, kDead},

      {"open: card", Finished(Opened()), kCard, old_card, 1, kHeld},
      {"open: box", Finished(Opened()), kBox, box, 1, kHeld},
      {"open: SIM", Finished(Opened()), kSim, sim, 1, kHeld},
      {"open: person", Finished(Opened()), kPerson, 0, 1, kHeld},
      {"open: another card", Finished(Opened()), kCard, new_card, 1, kDead},
      {"open: the card's number on a box", Finished(Opened()), kBox, old_card, 1, kDead},

      {"swapping: new card", Swapping(), kCard, new_card, 2, kPending},
      {"swapping: new card of a swap given up before", Swapping(), kCard, new_card, 8, kDead},
      {"swapping: old card", Swapping(), kCard, old_card, 1, kHeld},
      {"swapping: box, which stays", Swapping(), kBox, box, 1, kHeld},
      {"swapping: person", Swapping(), kPerson, 0, 1, kHeld},

      {"swap given up: new card", BeginAbort(Swapping()), kCard, new_card, 2, kDead},
      {"swap given up: old card", BeginAbort(Swapping()), kCard, old_card, 1, kHeld},
      {"swap given up: person", BeginAbort(Swapping()), kPerson, 0, 1, kHeld},

      {"swapped, cards being told: new card", Swapped(), kCard, new_card, 2, kHeld},
      {"swapped, cards being told: old card", Swapped(), kCard, old_card, 1, kPending},
      {"swapped, cards being told: box", Swapped(), kBox, box, 1, kHeld},
      {"swapped, cards being told: person, who stays", Swapped(), kPerson, 0, 1, kHeld},

      {"swap done: new card", Finished(Swapped()), kCard, new_card, 2, kHeld},
      {"swap done: old card", Finished(Swapped()), kCard, old_card, 1, kDead},

      {"closed, cards being told: card", Closing(), kCard, old_card, 1, kPending},
      {"closed, cards being told: box", Closing(), kBox, box, 1, kPending},
      {"closed, cards being told: SIM", Closing(), kSim, sim, 1, kPending},
      {"closed, cards being told: person", Closing(), kPerson, 0, 1, kPending},
      {"closed, cards being told: another card", Closing(), kCard, new_card, 1, kDead},

      {"closed: card", Finished(Closing()), kCard, old_card, 1, kDead},
      {"closed: box", Finished(Closing()), kBox, box, 1, kDead},
      {"closed: SIM", Finished(Closing()), kSim, sim, 1, kDead},
      {"closed: person", Finished(Closing()), kPerson, 0, 1, kDead},
  };
  for (const Row& row : rows) {
    const Claim claim{.account = GoodForm().form_number, .intent = Request(row.request)};
    const Account* home = row.home ? &*row.home : nullptr;
    EXPECT_EQ(FateOf(claim, home, row.kind, row.number), row.fate) << row.name;
    EXPECT_EQ(FateOf(Claim{}, home, row.kind, row.number), kDead) << row.name << ", but not claimed";
  }
}

TEST(ClaimRefused, HasTheReasonOfItsKind) {
  struct Kind {
    ClaimKind kind;
    Reason reason;
  };
  const Kind kinds[] = {{ClaimKind::kCard, Reason::kCardInUse},
                        {ClaimKind::kBox, Reason::kBoxInUse},
                        {ClaimKind::kSim, Reason::kSimInUse},
                        {ClaimKind::kPerson, Reason::kPersonInUse}};
  const Claim by{.account = "NX-1", .intent = Request(1)};
  for (const Kind& row : kinds) {
    const Error held = ClaimRefused(row.kind, "17", by, ClaimFate::kHeld);
    EXPECT_EQ(held.reason(), row.reason);
    EXPECT_EQ(held.message(), std::string(NameOf(row.kind)) + " 17 belongs to account NX-1");
    EXPECT_THAT(held.metadata(), ::testing::ElementsAre(::testing::Pair("account", "NX-1")));
    const Error pending = ClaimRefused(row.kind, "17", by, ClaimFate::kPending);
    EXPECT_EQ(pending.reason(), row.reason);
    EXPECT_THAT(pending.message(), ::testing::HasSubstr("is being bound to or freed from"));
  }
}

}  // namespace
}  // namespace hearth::entitlement
