// One card in one box: what comes from the air goes to the one it is for, and the viewer sees what follows.
// The card can be taken out and another one put in; each keeps its own state.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"
#include "tools/receiver/box.h"
#include "tools/receiver/card.h"

namespace hearth::receiver {

// One control word of an ECM: the word, or why not.
struct Word {
  Screen screen;
  SecretBytes word;  // empty unless screen.lit()
};

struct EcmResult {
  Outcome section;
  ServiceId service;
  Screen screen;  // why there is no picture; empty also when the section was ignored
  std::vector<Word> words;

  // At least one word was granted, opened and is applied.
  bool opened() const;
};

// One thread at a time.
class Receiver {
 public:
  explicit Receiver(Box box) : box_(std::move(box)) {}
  Receiver(Box box, Card card) : box_(std::move(box)), card_(std::move(card)) {}

  void Insert(Card card) { card_ = std::move(card); }
  // The card as it is now, to be put into another box; nothing when there was none.
  std::optional<Card> Remove();

  // Any section. An ECM only sets the card's clock: use Ecm for its words.
  Outcome Feed(ByteView section);
  EcmResult Ecm(ByteView section);
  // What the box's own clock says: counts only where it is ahead of what is authentic. Not kept.
  void SetTime(UnixMillis now) { own_time_ = MessageSeconds(now); }
  void SetStandby(bool standby) { box_.SetStandby(standby); }
  // Alerts that sound now, the first before the others; they do so whatever the screen says.
  std::vector<Alert> alarms() const;
  // False in standby, unless an alarm woke it.
  bool awake() const { return !box_.state().standby || !alarms().empty(); }

  // A reading of the location module at powered second `at`; `now` is only remembered.
  void Read(const Reading& reading, uint64_t at, UnixMillis now);

  // Apart from any one programme: E01 without a card, then what the card's standing says, E14 when card and
  // box are not paired, E09 while the box is dark.
  Screen screen() const;

  const Box& box() const { return box_; }
  const std::optional<Card>& card() const { return card_; }
  // For signing a report; nullptr without a card.
  Card* mutable_card() { return card_ ? &*card_ : nullptr; }

 private:
  std::optional<LocationRules> Rules() const;
  uint32_t Now() const;

  uint32_t own_time_ = 0;
  Box box_;
  std::optional<Card> card_;
};

}  // namespace hearth::receiver
