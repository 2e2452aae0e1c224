// ECMs through card and box: section 5, rule 6, and what a tapped control word is worth.
#include <gtest/gtest.h>

#include "tests/receiver/home.h"

namespace hearth::receiver {
namespace {

constexpr AcRecord kSubscribers{1, 0, 0};

TEST(Ecm, TheFirstRuleThatAppliesRefuses) {
  struct Row {
    const char* name;
    AcRecord ac;
    void (*prepare)(Home&);
    const char* code;
  };
  const auto nothing = [](Home&) {};
  const Row rows[] = {
      {"closed to all", {0, 0, 0}, nothing, "E04"},
      {"subscribers", kSubscribers, nothing, ""},
      {"dark", kSubscribers, [](Home& h) { h.SendStanding(500, Standing::kDark); }, "E04"},
      {"dark: waiting", kSubscribers,
       [](Home& h) { h.SendStanding(500, Standing::kDark, StandingReason::kWaiting); }, "E09"},
      {"dark: location", kSubscribers,
       [](Home& h) { h.SendStanding(500, Standing::kDark, StandingReason::kLocation); }, "E09"},
      {"dark: closed", kSubscribers,
       [](Home& h) { h.SendStanding(500, Standing::kDark, StandingReason::kClosed); }, "E04"},
      {"dark: swapped", kSubscribers,
       [](Home& h) { h.SendStanding(500, Standing::kDark, StandingReason::kSwapped); }, "E14"},
      {"dark: operator", kSubscribers,
       [](Home& h) { h.SendStanding(500, Standing::kDark, StandingReason::kOperator); }, "E04"},
      {"dark: evicted", kSubscribers,
       [](Home& h) { h.SendStanding(500, Standing::kDark, StandingReason::kEvicted); }, "E04"},
      {"exempt", kSubscribers, [](Home& h) { h.SendStanding(500, Standing::kExempt); }, ""},
      {"last valid day", kSubscribers,
       [](Home& h) {
         h.record.validity_day = kToday;
         h.SendRecord(501);
       },
       ""},
      {"validity passed", kSubscribers,
       [](Home& h) {
         h.record.validity_day = kToday - 1;
         h.SendRecord(501);
       },
       "E04"},
      {"product held", {2, 9, 0}, nothing, ""},
      {"product not held", {2, 10, 0}, nothing, "E04"},
      {"last day of the right",
       {2, 9, 0},
       [](Home& h) {
         h.record.expiry_day = kToday;
         h.SendRecord(501);
       },
       ""},
      {"right expired",
       {2, 9, 0},
       [](Home& h) {
         h.record.expiry_day = kToday - 1;
         h.SendRecord(501);
       },
       "E04"},
      {"an expired right is not asked for in mode 1", kSubscribers,
       [](Home& h) {
         h.record.expiry_day = kToday - 1;
         h.SendRecord(501);
       },
       ""},
      {"dark with a right", {2, 9, 0}, [](Home& h) { h.SendStanding(500, Standing::kDark); }, "E04"},
      {"open, though dark", {3, 0, 0}, [](Home& h) { h.SendStanding(500, Standing::kDark); }, ""},
      {"own county", {1, 0, 640122}, nothing, ""},
      {"own prefecture", {1, 0, 640100}, nothing, ""},
      {"own province", {1, 0, 640000}, nothing, ""},
      {"another county", {1, 0, 640121}, nothing, "E09"},
      {"another province", {1, 0, 620000}, nothing, "E09"},
      {"all but the own county", {1, 0, 0x800000 | 640122}, nothing, "E09"},
      {"all but the own province", {1, 0, 0x800000 | 640000}, nothing, "E09"},
      {"all but another county", {1, 0, 0x800000 | 640121}, nothing, ""},
      {"open, but another region", {3, 0, 640121}, nothing, "E09"},
      {"dark before region", {1, 0, 640121}, [](Home& h) { h.SendStanding(500, Standing::kDark); }, "E04"},
      {"region without an area",
       {1, 0, 640122},
       [](Home& h) {
         h.record.area = AreaId(0);
         h.SendRecord(501);
       },
       "E09"},
      {"all but, without an area",
       {1, 0, 0x800000 | 640121},
       [](Home& h) {
         h.record.area = AreaId(0);
         h.SendRecord(501);
       },
       "E09"},
      {"record without a box", kSubscribers,
       [](Home& h) {
         h.record.box = BoxSerial(0);
         h.SendRecord(501);
       },
       "E14"},
  };
  for (const Row& row : rows) {
    Home home;
    ASSERT_TRUE(home.Install());
    row.prepare(home);
    EXPECT_EQ(home.Opens(row.ac), row.code) << row.name;
  }
}

TEST(Ecm, GivesTheWordsInOrder) {
  for (const size_t width : {8, 16}) {
    Home home;
    ASSERT_TRUE(home.Install());
    const Bytes even(width, 0x11);
    const Bytes odd(width, 0x22);
    const Bytes section = air::MakeEcm(home.service_key, {kEcmOdd, kService, Epoch(21), kNow},
                                       {kSubscribers, kSubscribers}, {even, odd});
    EXPECT_EQ(section.size(), 42 + 2 * width);  // 58 and 74
    const EcmResult result = home.receiver.Ecm(section);
    ASSERT_TRUE(result.opened());
    ASSERT_EQ(result.words.size(), 2U);
    EXPECT_EQ(ToHex(result.words[0].word.secret_bytes()), ToHex(even));
    EXPECT_EQ(ToHex(result.words[1].word.secret_bytes()), ToHex(odd));
  }
}

TEST(Ecm, EachWordIsJudgedByItsOwnRecord) {
  Home home;
  ASSERT_TRUE(home.Install());
  const EcmResult result = home.receiver.Ecm(home.EcmOf({{2, 10, 0}, {2, 9, 0}}));
  ASSERT_TRUE(result.opened());
  EXPECT_EQ(result.words[0].screen.code, "E04");
  EXPECT_EQ(result.words[0].word.size(), 0U);
  EXPECT_EQ(ToHex(result.words[1].word.secret_bytes()), "a1a1a1a1a1a1a1a1");
}

TEST(Ecm, TheCardAnswersWithZerosForARefusedWord) {
  Home home;
  ASSERT_TRUE(home.Install());
  Card card = *home.receiver.card();
  const Bytes section = home.EcmOf({{2, 9, 0}, {2, 10, 0}});
  const EcmOutcome answer = card.Ecm(section);
  ASSERT_TRUE(answer.words.has_value());
  EXPECT_EQ(answer.words->flags, 1);
  ByteWriter associated;
  associated.U8(kEcmEven).U16(kService.value).U32(kNow).U8(1);
  const SivKey key = DeriveSivKey(air::PairingKey(home.card_key, kCard, kBox), "cw");
  const auto plain = SivOpen(key, associated.bytes(), answer.words->sealed);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(ToHex(plain->secret_bytes()), "a0a0a0a0a0a0a0a00000000000000000");
}

TEST(Ecm, WithoutRecordOrKey) {
  Home home;
  EXPECT_EQ(home.Opens(), "E04");
  home.SendRecord(100);
  EXPECT_EQ(home.Opens(), "E04");
  home.SendGroup(100, true);
  home.SendServiceKeys(100, 21);
  EXPECT_EQ(home.Opens(kSubscribers, kNow, 22), "E04");
}

TEST(Ecm, ClockIsAHighWaterMark) {
  Home home;
  ASSERT_TRUE(home.Install());
  home.record.validity_day = kToday;
  home.SendRecord(501);
  EXPECT_EQ(home.Opens(kSubscribers, kNow), "");
  EXPECT_EQ(home.Opens(kSubscribers, kNow + 86400), "E04");
  EXPECT_EQ(home.Opens(kSubscribers, kNow), "E04");  // an old ECM does not turn the clock back
  EXPECT_EQ(home.card().clock, kNow + 86400);
  EXPECT_EQ(home.Screen(), "E04");
}

TEST(Ecm, OnlyAnAuthenticOneSetsTheClock) {
  Home home;
  ASSERT_TRUE(home.Install());
  Bytes section = home.EcmOf({kSubscribers}, kNow + 999'999);
  section.back() ^= 1;
  const EcmResult result = home.receiver.Ecm(section);
  EXPECT_EQ(result.section.why, Why::kNotAuthentic);
  EXPECT_TRUE(result.screen.lit());  // the section does not exist for the viewer
  EXPECT_FALSE(result.opened());
  EXPECT_EQ(home.card().clock, 0U);
}

TEST(Ecm, BrokenOnesAreIgnoredWhole) {
  Home home;
  ASSERT_TRUE(home.Install());
  EXPECT_EQ(home.Opens({4, 0, 0}), "ignored");
  EXPECT_EQ(home.Opens({2, 128, 0}), "ignored");
  EXPECT_EQ(home.Opens({1, 5, 0}), "ignored");
  const Bytes nine =
      air::MakeEcm(home.service_key, {kEcmEven, kService, Epoch(21), kNow}, {kSubscribers}, {Bytes(9, 1)});
  EXPECT_EQ(home.receiver.Ecm(nine).section.why, Why::kMalformed);
  EXPECT_EQ(home.card().clock, 0U);
}

TEST(Pairing, ATappedWordIsUselessInAnotherBox) {
  Home home;
  ASSERT_TRUE(home.Install());
  const Bytes section = home.EcmOf({kSubscribers});
  Card card = *home.receiver.card();
  const auto tapped = card.Ecm(section).words;
  ASSERT_TRUE(tapped.has_value());
  EXPECT_TRUE(home.receiver.box().Open(section, *tapped, 1).screen.lit());

  Box other = home.MakeBoxOf(kOtherBox);
  EXPECT_EQ(other.Open(section, *tapped, 1).screen.code, "E14");
  // Even when it was paired with the very card: the key is of the pair.
  ASSERT_TRUE(other
                  .Receive(air::MakePairing(home.chip_key, {kCard, kOtherBox, Stamp(900)},
                                            air::PairingKey(home.card_key, kCard, kOtherBox)))
                  .taken());
  EXPECT_EQ(other.Open(section, *tapped, 1).screen.code, "E14");
}

TEST(Pairing, ATappedWordIsUselessForAnotherEcm) {
  Home home;
  ASSERT_TRUE(home.Install());
  Card card = *home.receiver.card();
  const auto tapped = card.Ecm(home.EcmOf({kSubscribers})).words;
  const Bytes later = home.EcmOf({kSubscribers}, kNow + 1);
  EXPECT_EQ(home.receiver.box().Open(later, *tapped, 1).screen.code, "E14");
  SealedWords lied = *tapped;
  lied.flags = 3;
  EXPECT_EQ(home.receiver.box().Open(home.EcmOf({kSubscribers}), lied, 1).screen.code, "E14");
}

TEST(Pairing, ACardCarriedIntoAnotherBoxShowsE14AndComesBackUnharmed) {
  Home home;
  ASSERT_TRUE(home.Install());
  Receiver neighbour(home.MakeBoxOf(kOtherBox));
  EXPECT_EQ(neighbour.screen().code, "E01");
  neighbour.Insert(*home.receiver.Remove());
  EXPECT_EQ(home.Screen(), "E01");
  EXPECT_EQ(neighbour.screen().code, "E14");
  EXPECT_EQ(neighbour.Ecm(home.EcmOf({kSubscribers})).screen.code, "E14");
  home.receiver.Insert(*neighbour.Remove());
  EXPECT_EQ(home.Opens(), "");
}

TEST(Pairing, ASwappedBoxTakesOverAndTheOldOneIsOut) {
  Home home;
  ASSERT_TRUE(home.Install());
  const Box old_box = home.receiver.box();
  home.record.box = kOtherBox;
  home.SendRecord(600);
  EXPECT_EQ(home.Screen(), "E14");
  EXPECT_EQ(home.Opens(), "E14");  // the old box cannot open what the card seals now

  Receiver swapped(home.MakeBoxOf(kOtherBox), *home.receiver.card());
  EXPECT_EQ(swapped.screen().code, "E14");
  ASSERT_TRUE(swapped
                  .Feed(air::MakePairing(home.chip_key, {kCard, kOtherBox, Stamp(600)},
                                         air::PairingKey(home.card_key, kCard, kOtherBox)))
                  .taken());
  EXPECT_TRUE(swapped.screen().lit());
  EXPECT_TRUE(swapped.Ecm(home.EcmOf({kSubscribers})).opened());
  Receiver before(old_box, *swapped.card());
  EXPECT_FALSE(before.Ecm(home.EcmOf({kSubscribers})).opened());
}

TEST(Pairing, OfThisBoxAuthenticAndNotOlder) {
  Home home;
  const Key key = air::PairingKey(home.card_key, kCard, kBox);
  const auto feed = [&](const Key& chip, CardNumber card, BoxSerial box, uint64_t stamp) {
    return home.receiver.Feed(air::MakePairing(chip, {card, box, Stamp(stamp)}, key)).why;
  };
  EXPECT_EQ(feed(home.chip_key, kCard, kOtherBox, 100), Why::kNotMine);
  EXPECT_EQ(feed(air::TestKey(50), kCard, kBox, 100), Why::kNotAuthentic);
  EXPECT_EQ(feed(home.chip_key, CardNumber(kMaxCardNumber + 1), kBox, 100), Why::kMalformed);
  EXPECT_EQ(feed(home.chip_key, kCard, kBox, 100), Why::kTaken);
  EXPECT_EQ(feed(home.chip_key, CardNumber(5), kBox, 99), Why::kOldStamp);
  EXPECT_EQ(feed(home.chip_key, kCard, kBox, 100), Why::kTaken);
  EXPECT_EQ(home.receiver.box().state().pairing->card, kCard);
}

TEST(Pairing, WorksWithoutACardInTheBox) {
  Home home;
  home.receiver.Remove();
  EXPECT_EQ(home.SendPairing(100), Why::kTaken);
  EXPECT_EQ(home.SendRecord(100), Why::kNoCard);
}

}  // namespace
}  // namespace hearth::receiver
