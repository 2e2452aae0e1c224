#include "entitlement/card.h"

#include <fmt/format.h>

namespace hearth::entitlement {
namespace {

Card WithStanding(Card card, Standing standing, StandingReason reason, Stamp stamp, UnixMillis now) {
  card.standing = standing;
  card.reason = reason;
  card.standing_stamp = stamp;
  card.standing_since = now;
  return card;
}

}  // namespace

Rights RightsOf(std::initializer_list<uint8_t> products) {
  Rights rights{};
  for (const uint8_t product : products) {
    rights[product / 8] = static_cast<uint8_t>(rights[product / 8] | 0x80 >> product % 8);
  }
  return rights;
}

Status CheckNotEvicted(const Card& card) {
  if (!IsEvicted(card)) return Ok();
  return Error(Reason::kCardEvicted, fmt::format("card {} was evicted", ToString(card.number)));
}

Card Bind(Card card, const Binding& binding, Stamp stamp, UnixMillis now) {
  const bool evicted = IsEvicted(card);
  card.claim = {.account = binding.account, .intent = binding.intent};
  card.settled = binding.intent;
  card.box = binding.box;
  card.sim = binding.sim;
  card.area = binding.area;
  card.village = binding.village;
  card.place = evicted ? GroupSlot() : binding.place;
  card.generation = evicted ? 0 : binding.generation;
  card.rights = evicted ? Rights() : RightsOf({kBaseProduct});
  card.rights_expiry_day = kNoExpiryDay;
  card.validity_day = kNoExpiryDay;
  card.installed = UnixMillis(0);
  card.record_stamp = stamp;
  card.pairing_stamp = stamp;
  const StandingReason reason = evicted ? StandingReason::kEvicted : StandingReason::kWaiting;
  return WithStanding(std::move(card), Standing::kDark, reason, stamp, now);
}

Card Unbind(Card card, StandingReason reason, Stamp stamp, UnixMillis now) {
  card.claim = {};
  card.settled = {};
  card.box = BoxSerial(0);
  card.sim = SimNumber(0);
  card.area = AreaId(0);
  card.village = RegionCode(0);
  card.place = {};
  card.generation = 0;
  card.exempt = false;
  card.rights = {};
  card.installed = UnixMillis(0);
  card.record_stamp = stamp;
  if (IsEvicted(card)) reason = StandingReason::kEvicted;
  return WithStanding(std::move(card), Standing::kDark, reason, stamp, now);
}

Card Evict(Card card, Stamp stamp, UnixMillis now) {
  card.place = {};
  card.generation = 0;
  card.exempt = false;
  card.rights = {};
  card.record_stamp = stamp;
  return WithStanding(std::move(card), Standing::kDark, StandingReason::kEvicted, stamp, now);
}

Card SwitchOn(Card card, Stamp stamp, UnixMillis now) {
  const Standing standing = card.exempt ? Standing::kOnExempt : Standing::kOn;
  if (card.installed.value == 0) card.installed = now;
  return WithStanding(std::move(card), standing, StandingReason::kNone, stamp, now);
}

Card SwitchOff(Card card, StandingReason reason, Stamp stamp, UnixMillis now) {
  return WithStanding(std::move(card), Standing::kDark, reason, stamp, now);
}

std::string_view ViewerCode(const Card& card) {
  if (card.standing != Standing::kDark) return "";
  switch (card.reason) {
    case StandingReason::kWaiting:
    case StandingReason::kLocation:
      return "E09";
    case StandingReason::kSwapped:
      return "E14";
    case StandingReason::kNone:
      return card.claim.held() ? "E04" : "E02";
    default:
      return "E04";
  }
}

}  // namespace hearth::entitlement
