// Arbitrary bytes as a stream of sections into a receiver with fixed keys. Each section is fed as it is, and
// once more with its SIV or MAC made right, so that mutations get behind the lock too. What may never happen:
// a crash, a state that does not survive being saved, a word from a section that did not count.
#include <cstdint>
#include <cstdlib>

#include "tests/receiver/home.h"
#include "tools/receiver/source.h"
#include "tools/receiver/state.h"

namespace hearth::receiver {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

Key KeyFor(const Home& home, uint8_t table_id) {
  switch (table_id) {
    case kRecord:
    case kStanding:
      return home.card_key;
    case kGroup:
      return home.group_key;
    case kPairing:
      return home.chip_key;
    case kServiceKeys:
    case kTable:
      return home.package_key;
    default:
      return home.service_key;
  }
}

void FeedOne(Home& home, const Bytes& section) {
  const bool ecm = !section.empty() && (section[0] == kEcmEven || section[0] == kEcmOdd);
  if (!ecm) {
    home.receiver.Feed(section);
    return;
  }
  const EcmResult result = home.receiver.Ecm(section);
  Require(!result.opened() || result.section.taken());
  Require(!result.opened() || result.screen.lit());
}

void Fuzz(ByteView data) {
  Home home;
  home.SendPairing(1);
  home.SendRecord(1);
  home.SendGroup(1, true);
  home.SendServiceKeys(1);
  home.SendTable(TableKind::kArea, kArea, 1, {kHomeCell});
  SectionSplitter splitter;
  splitter.Add(data);
  uint64_t second = 0;
  while (const auto section = splitter.Next()) {
    FeedOne(home, *section);
    FeedOne(home, air::Reseal(*section, KeyFor(home, section->front())));
    second += 40;
    home.Hear(second, second % 80 == 0 ? Hears({kCityCell}) : Hears({kStrangeCell, kHomeCell}));
  }
  home.receiver.screen();
  const auto card = ParseCardText(CardText(home.card()));
  Require(card.has_value() && *card == home.card() && Card::Create(*card).has_value());
  const auto box = ParseBoxText(BoxText(home.receiver.box().state()));
  Require(box.has_value() && *box == home.receiver.box().state() && Box::Create(*box).has_value());
  // A state file is outside input too.
  static_cast<void>(ParseCardText(AsChars(data)));
  static_cast<void>(ParseBoxText(AsChars(data)));
}

}  // namespace
}  // namespace hearth::receiver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::receiver::Fuzz({data, size});
  return 0;
}
