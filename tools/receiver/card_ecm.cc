// What a card does with an ECM: section 5, rule 6.
#include <algorithm>

#include "tools/receiver/card.h"

namespace hearth::receiver {
namespace {

constexpr uint16_t kNoEnd = 65535;

bool DayPassed(uint32_t clock, uint16_t last_day) { return last_day != kNoEnd && clock / 86400 > last_day; }

Screen DarkScreen(StandingReason reason) {
  switch (reason) {
    case StandingReason::kLocation:
      return Refused("E09", "Not authorised in this place: the card was switched off for its location.");
    case StandingReason::kWaiting:
      return Refused("E09", "Waiting for installation: the box has not been found at its place yet.");
    case StandingReason::kSwapped:
      return Refused("E14", "This card or box was replaced by another one.");
    case StandingReason::kClosed:
      return Refused("E04", "The account of this card is closed.");
    case StandingReason::kOperator:
      return Refused("E04", "The card was switched off by the operator.");
    case StandingReason::kEvicted:
      return Refused("E04", "The card was shut out.");
    case StandingReason::kNone:
      break;
  }
  return Refused("E04", "The card is switched off.");
}

}  // namespace

Screen Card::StandingScreen() const {
  if (!state_.record) return Refused("E04", "The card was never given any rights.");
  if (state_.standing.standing == Standing::kDark) return DarkScreen(state_.standing.reason);
  if (DayPassed(state_.clock, state_.record->validity_day)) {
    return Refused("E04", "The card's authorisation has run out.");
  }
  return {};
}

Screen Card::Judge(const AcRecord& ac) const {
  if (ac.mode == 0) return Refused("E04", "The programme is closed to all.");
  if (ac.mode == 1 || ac.mode == 2) {
    const Screen standing = StandingScreen();
    if (!standing.lit()) return standing;
  }
  if (ac.mode == 2) {
    if (!state_.record->HasRight(ac.product)) {
      return Refused("E04", "The card has no right to this product.");
    }
    if (DayPassed(state_.clock, state_.record->expiry_day)) {
      return Refused("E04", "The card's right to this product has ended.");
    }
  }
  if (ac.region == 0) return {};
  const uint32_t area = state_.record->area.value;
  const bool inside = ScopeHolds(ac.region & 0x7FFFFFU, area / 1000);
  const bool all_but = (ac.region & 0x800000U) != 0;
  // A card without an area is neither inside nor outside of anything: it has no place yet.
  if (area == 0 || inside == all_but) return Refused("E09", "The programme is not meant for this region.");
  return {};
}

EcmOutcome Card::Ecm(ByteView section) {
  EcmOutcome out;
  const Why header = CheckHeader(section);
  const auto head = DecodeEcmHead(section);
  const auto parts = SplitSealed(section);
  if (header != Why::kTaken || section[0] > kEcmOdd || !head || !parts) {
    out.section = {header == Why::kTaken ? Why::kMalformed : header, "not a whole ECM"};
    return out;
  }
  if (!state_.record) {
    out.section = {Why::kNoKey, "the card has no record"};
    out.screen = StandingScreen();
    return out;
  }
  const auto found = state_.service_keys.find({head->service, head->key_epoch});
  if (found == state_.service_keys.end()) {
    out.section = {Why::kNoKey, "no key of this service and epoch"};
    out.screen = Refused("E04", "The card has no key for this programme.");
    return out;
  }
  const auto plain = SivOpen(DeriveSivKey(found->second, "ecm"), parts->associated, parts->sealed);
  if (!plain) {
    out.section = {Why::kNotAuthentic, "the ECM was not made under the service key"};
    return out;
  }
  const auto body = DecodeEcmBody(plain->secret_bytes());
  if (!body) {
    out.section = {Why::kMalformed, "the ECM breaks a rule"};
    return out;
  }
  state_.clock = std::max(state_.clock, head->utc);
  out.section = {Why::kTaken, "ECM"};
  for (const AcRecord& ac : body->criteria) out.verdicts.push_back(Judge(ac));
  const auto refused = [](const Screen& verdict) { return !verdict.lit(); };
  if (std::all_of(out.verdicts.begin(), out.verdicts.end(), refused)) {
    out.screen = out.verdicts.front();
  } else if (state_.record->box.value == 0) {
    out.screen = Refused("E14", "The card is not paired with a box.");
  } else {
    out.words = Seal(*head, *body, out.verdicts);
  }
  return out;
}

SealedWords Card::Seal(const EcmHead& head, const EcmBody& body, const std::vector<Screen>& verdicts) const {
  SealedWords out;
  out.card = state_.number;
  ByteWriter words;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const ByteView word = body.words.secret_bytes().subspan(i * body.word_bytes, body.word_bytes);
    if (verdicts[i].lit()) {
      out.flags = static_cast<uint8_t>(out.flags | 1U << i);
      words.Put(word);
    } else {
      words.Put(Bytes(body.word_bytes, 0));
    }
  }
  const SecretBytes plain(std::move(words).Take());
  ByteWriter pair;
  pair.U40(state_.number.value).U56(state_.record->box.value);
  const SivKey key = DeriveSivKey(Kdf(pair_key_, "hearth/1/pairing", pair.bytes()), "cw");
  ByteWriter associated;
  associated.U8(head.table_id).U16(head.service.value).U32(head.utc).U8(out.flags);
  out.sealed = SivSeal(key, associated.bytes(), plain.secret_bytes());
  return out;
}

}  // namespace hearth::receiver
