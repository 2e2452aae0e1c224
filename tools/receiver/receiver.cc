#include "tools/receiver/receiver.h"

#include <algorithm>
#include <utility>

namespace hearth::receiver {

bool EcmResult::opened() const {
  return std::any_of(words.begin(), words.end(), [](const Word& word) { return word.word.size() > 0; });
}

std::optional<Card> Receiver::Remove() { return std::exchange(card_, std::nullopt); }

std::optional<LocationRules> Receiver::Rules() const {
  return card_ ? std::optional(card_->Rules()) : std::nullopt;
}

Outcome Receiver::Feed(ByteView section) {
  if (!section.empty() && section[0] == kPairing) return box_.Receive(section);
  if (!section.empty() && section[0] == kEmergency) {
    const uint32_t division = card_ ? card_->Rules().area.value / 1000 : 0;
    return box_.ReceiveAlert(section, division, Now());
  }
  if (!card_) return {Why::kNoCard, "there is no card in the box"};
  if (!section.empty() && (section[0] == kEcmEven || section[0] == kEcmOdd)) {
    return card_->Ecm(section).section;
  }
  return card_->Receive(section);
}

// Without the box's emergency clock, which alert.cc adds.
uint32_t Receiver::Now() const { return std::max(own_time_, card_ ? card_->state().clock : 0); }

std::vector<Alert> Receiver::alarms() const { return AlarmsAt(box_.state().alerts, Now()); }

EcmResult Receiver::Ecm(ByteView section) {
  EcmResult out;
  if (const auto head = DecodeEcmHead(section)) out.service = head->service;
  if (!card_) {
    out.section = {Why::kNoCard, "there is no card in the box"};
    out.screen = screen();
    return out;
  }
  const EcmOutcome answer = card_->Ecm(section);
  out.section = answer.section;
  out.screen = answer.screen;
  for (const Screen& verdict : answer.verdicts) out.words.push_back({verdict, {}});
  if (!answer.words) return out;

  OpenedWords opened = box_.Open(section, *answer.words, answer.verdicts.size());
  out.screen = opened.screen;
  if (out.screen.lit() && !box_.lit(Rules())) out.screen = box_.DarkScreen();
  for (size_t i = 0; i < out.words.size(); ++i) {
    if (!out.words[i].screen.lit()) continue;
    if (!out.screen.lit()) {
      out.words[i].screen = out.screen;
    } else if (opened.words[i]) {
      out.words[i].word = std::move(*opened.words[i]);
    }
  }
  return out;
}

void Receiver::Read(const Reading& reading, uint64_t at, UnixMillis now) {
  box_.Read(reading, at, now, Rules());
}

Screen Receiver::screen() const {
  if (!card_) return Refused("E01", "There is no card in the box.");
  Screen standing = card_->StandingScreen();
  if (!standing.lit()) return standing;
  const auto& pairing = box_.state().pairing;
  const bool paired = pairing && pairing->card == card_->number() && card_->box() == box_.state().serial;
  if (!paired) return Refused("E14", "Card and box are not paired with each other.");
  return box_.lit(Rules()) ? Screen() : box_.DarkScreen();
}

}  // namespace hearth::receiver
