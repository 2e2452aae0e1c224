// A card and what the head-end lets it do: stock, binding, place, standing, rights; and the pure changes of
// its standing. Stamps are given by the caller, who takes them from the card's bucket.
#pragma once

#include <array>
#include <string>

#include "entitlement/claim.h"
#include "entitlement/standing.h"
#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::entitlement {

// 128 product bits; product n is bit 7 − n mod 8 of byte n / 8 (docs/messages.md, 0x82).
using Rights = std::array<uint8_t, 16>;
inline constexpr uint8_t kBaseProduct = 0;
Rights RightsOf(std::initializer_list<uint8_t> products);

struct Card {
  CardNumber number;
  BatchId batch;
  Claim claim;
  // The intent whose outcome this card shows; equal to claim.intent once the opening or swap is finished.
  RequestId settled;

  BoxSerial box;  // 0: none
  SimNumber sim;
  AreaId area;         // 0: none
  RegionCode village;  // of the home
  GroupSlot place;     // group 0: none
  uint8_t generation = 0;
  Standing standing = Standing::kDark;
  StandingReason reason = StandingReason::kNone;
  UnixMillis standing_since;
  bool exempt = false;
  Rights rights{};
  uint16_t rights_expiry_day = kNoExpiryDay;
  uint16_t validity_day = kNoExpiryDay;
  UnixMillis installed;  // first activation of the present pair; 0: waiting

  Stamp standing_stamp;
  Stamp record_stamp;
  Stamp pairing_stamp;

  bool operator==(const Card&) const = default;
};

// What an account gives to its card when an intent comes into force.
struct Binding {
  std::string account;
  RequestId intent;
  BoxSerial box;
  SimNumber sim;
  AreaId area;
  RegionCode village;
  GroupSlot place;
  uint8_t generation = 0;
};

// An evicted card is one whose keys somebody else may have. It stays evicted whatever happens to its account:
// nothing gives it a place in a group any more.
constexpr bool IsEvicted(const Card& card) { return card.reason == StandingReason::kEvicted; }
// CARD_EVICTED when it is.
Status CheckNotEvicted(const Card& card);

// Waiting for installation (等待安装): dark, with record and pairing to be sent. An evicted card gets box and
// account and nothing else.
Card Bind(Card card, const Binding& binding, Stamp stamp, UnixMillis now);
// The card leaves its account: dark for `reason` (an evicted one stays evicted), no box, no area; the group
// slot is given back by the caller.
Card Unbind(Card card, StandingReason reason, Stamp stamp, UnixMillis now);
// Standing on (or on and exempt).
Card SwitchOn(Card card, Stamp stamp, UnixMillis now);
Card SwitchOff(Card card, StandingReason reason, Stamp stamp, UnixMillis now);
// Dark for ever, without rights and without a place: its record holds no group key. The account keeps it
// until it is swapped; the slot is freed by the group's next generation.
Card Evict(Card card, Stamp stamp, UnixMillis now);

// What the viewer reads on the screen for a dark card: E02, E04, E09, E14; "" when lit.
std::string_view ViewerCode(const Card& card);

}  // namespace hearth::entitlement
