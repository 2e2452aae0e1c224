#include "tools/ts/cipher.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace hearth::ts {
namespace {

using mpegts::Packet;

// Header 47 60 80 11 of the published vectors, an adaptation field of `adaptation` bytes, then text.
Packet TextPacket(size_t adaptation) {
  const std::string text =
      "This is the payload used for creating the test vectors for the DVB IPTV scrambler/descrambler. ";
  Packet packet{0x47, 0x60, 0x80, static_cast<uint8_t>(adaptation > 0 ? 0x31 : 0x11)};
  size_t at = 4;
  if (adaptation > 0) {
    packet[at] = static_cast<uint8_t>(adaptation - 1);
    for (size_t i = 1; i < adaptation; ++i) packet[at + i] = i == 1 ? 0x00 : 0xFF;
    at += adaptation;
  }
  for (size_t i = 0; at + i < packet.size(); ++i)
    packet[at + i] = static_cast<uint8_t>(text[i % text.size()]);
  return packet;
}

// ETSI TS 103 127 V1.1.1, annex B: the key, and the cipher text of the first 176 bytes of the text. The
// vectors differ in the length of the adaptation field: of what is encrypted and what is left over.
const char* const kCissaKey = "00112233445566778899aabbccddeeff";
const std::string kCissaText =
    "15ce67e0cb01b53ce76054e57a4ad120a0dfa4eaaae932c6783f51ae19faee108bdb78f3113ec2b572cc208500a52ceca114126c"
    "58244df563e7a9b4e041cbc3fbfffbd83c8fbffb10e83ea38204bad702fb01a27b622c4f85aab6aa75559720d65ab844cea28cf2"
    "e1fe5e7ac19d44818919c23249f140757b5d16c0af45b25f509b9da0619712c59f0b39b06f1fbe90123f212983936a95317fcb62"
    "f4346a1b1e164840303aff838a019bf810a8e0b2";

struct CissaVector {
  const char* name;
  size_t adaptation;
  size_t encrypted;
};

TEST(Cissa, MatchesTheVectorsOfTheStandard) {
  const CissaVector vectors[] = {
      {"no adaptation field", 0, 176}, {"7 bytes", 7, 176}, {"8 bytes", 8, 176}, {"9 bytes", 9, 160}};
  for (const CissaVector& vector : vectors) {
    const Packet clear = TextPacket(vector.adaptation);
    Packet packet = clear;
    WordPair words;
    ASSERT_TRUE(words.Set(Parity::kEven, FromHex(kCissaKey).value()));
    ASSERT_TRUE(words.Scramble(Parity::kEven, packet));
    const size_t at = 4 + vector.adaptation;
    EXPECT_EQ(ToHex(ByteView(packet).subspan(at, vector.encrypted)),
              kCissaText.substr(0, 2 * vector.encrypted))
        << vector.name;
    EXPECT_EQ(ToHex(ByteView(packet).subspan(at + vector.encrypted)),
              ToHex(ByteView(clear).subspan(at + vector.encrypted)))
        << vector.name;
    EXPECT_EQ(packet[3], vector.adaptation > 0 ? 0xB1 : 0x91) << vector.name;
    EXPECT_EQ(words.Descramble(packet), WordPair::Outcome::kDescrambled);
    EXPECT_EQ(packet, clear) << vector.name;
  }
}

// Made with libdvbcsa 1.1.0, whose two implementations (single packets and bit slices) agree on it. The words
// have no check sums in bytes 3 and 7.
TEST(Csa, ScramblesAsItAlwaysDid) {
  Packet packet = TextPacket(0);
  WordPair words;
  ASSERT_TRUE(words.Set(Parity::kOdd, FromHex("0123456789abcdef").value()));
  ASSERT_TRUE(words.Scramble(Parity::kOdd, packet));
  EXPECT_EQ(packet[3], 0xD1);
  EXPECT_EQ(ToHex(ByteView(packet).subspan(4)),
            "0e7b309dcdfc96a22fc99926c57f4609c16f6de6da28fe979d2871b2b67cc308d8a04a6b0b135820823ed7ab74ff14f5"
            "ca1302e0df9cf8a38d74f946580423a18a5c0331cbdebd3f7f3471a58dbfb52565a4340d56e9eadce0e3d2e34b55d80b"
            "40173fd814ef0ad7202bd5ef0b25075090be6c0d0e87be5ae90a2761a7b441c09072532b04116f1a95994f59f1dbeaad"
            "6f40d23c170ff09e7454b17b595d515972f36ff396426fd4485f4d5324e4e3aca662420c8a65fdd5");
}

Bytes WordOf(Algorithm algorithm, uint8_t fill) { return Bytes(WordBytes(algorithm), fill); }

TEST(WordPair, AnyPacketComesBack) {
  EXPECT_TRUE(rc::check("identity", [](bool cissa, bool odd, uint8_t fill) {
    const auto algorithm = cissa ? Algorithm::kCissa : Algorithm::kCsa;
    const size_t adaptation = *rc::gen::inRange<size_t>(0, 185);
    const Packet clear = TextPacket(adaptation);
    Packet packet = clear;
    const Parity parity = odd ? Parity::kOdd : Parity::kEven;
    WordPair sender;
    RC_ASSERT(sender.Set(parity, WordOf(algorithm, fill)).has_value());
    RC_ASSERT(sender.Scramble(parity, packet));
    RC_ASSERT(std::equal(packet.begin() + 4, packet.begin() + 4 + static_cast<ptrdiff_t>(adaptation),
                         clear.begin() + 4));
    RC_ASSERT((mpegts::ReadPacketHeader(packet)->scrambling != mpegts::kClear) == (adaptation < 184));
    WordPair receiver;
    RC_ASSERT(receiver.Set(Other(parity), WordOf(algorithm, 1)).has_value());
    const Packet scrambled = packet;
    if (adaptation < 184) {
      RC_ASSERT(receiver.Descramble(packet) == WordPair::Outcome::kNoWord);
      RC_ASSERT(packet == scrambled);
    }
    RC_ASSERT(receiver.Set(parity, WordOf(algorithm, fill)).has_value());
    receiver.Descramble(packet);
    RC_ASSERT(packet == clear);
  }));
}

TEST(WordPair, LeavesAloneWhatIsNotForIt) {
  WordPair words;
  Packet packet = TextPacket(0);
  const Packet clear = packet;
  EXPECT_FALSE(words.Scramble(Parity::kEven, packet)) << "no word";
  EXPECT_EQ(words.Descramble(packet), WordPair::Outcome::kClear);
  EXPECT_EQ(packet, clear);
  ASSERT_TRUE(words.Set(Parity::kEven, Bytes(8, 1)));
  EXPECT_EQ(words.Set(Parity::kEven, Bytes(9, 1)).error().reason(), Reason::kFieldInvalid);
  EXPECT_TRUE(words.Has(Parity::kEven)) << "the old word stays";
  ASSERT_TRUE(words.Scramble(Parity::kEven, packet));
  const Packet once = packet;
  EXPECT_FALSE(words.Scramble(Parity::kEven, packet)) << "scrambled already";
  EXPECT_EQ(packet, once);
  words.Forget(Parity::kEven);
  EXPECT_EQ(words.Descramble(packet), WordPair::Outcome::kNoWord);
  Packet reserved = clear;
  mpegts::SetScrambling(reserved, 1);
  EXPECT_EQ(words.Descramble(reserved), WordPair::Outcome::kNoWord);
}

TEST(WordPair, AWrongWordGivesSomethingElse) {
  for (const Algorithm algorithm : {Algorithm::kCsa, Algorithm::kCissa}) {
    Packet packet = TextPacket(0);
    const Packet clear = packet;
    WordPair sender;
    WordPair receiver;
    ASSERT_TRUE(sender.Set(Parity::kEven, WordOf(algorithm, 1)));
    ASSERT_TRUE(receiver.Set(Parity::kEven, WordOf(algorithm, 2)));
    ASSERT_TRUE(sender.Scramble(Parity::kEven, packet));
    EXPECT_EQ(receiver.Descramble(packet), WordPair::Outcome::kDescrambled);
    EXPECT_NE(packet, clear);
  }
}

}  // namespace
}  // namespace hearth::ts
