#include "tools/ts/sections.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace hearth::ts {
namespace {

using mpegts::Packetiser;
using mpegts::Packing;

constexpr Pid kPid{0x0200};

Bytes SectionOf(size_t total, uint8_t fill) {
  Bytes section(total, fill);
  section[0] = 0x82;
  section[1] = static_cast<uint8_t>(0x70 | (total - 3) >> 8);
  section[2] = static_cast<uint8_t>(total - 3);
  return section;
}

std::vector<Packet> Pack(const std::vector<Bytes>& sections, Packing packing) {
  Packetiser packetiser(kPid, packing);
  std::vector<Packet> out;
  for (const Bytes& section : sections) EXPECT_TRUE(packetiser.Add(section, &out));
  packetiser.Flush(&out);
  return out;
}

std::vector<Bytes> Assemble(SectionAssembler& assembler, const std::vector<Packet>& packets) {
  std::vector<Bytes> out;
  for (const Packet& packet : packets) {
    assembler.Push(packet, [&](ByteView section) { out.emplace_back(section.begin(), section.end()); });
  }
  return out;
}

TEST(SectionAssembler, GivesBackWhatWasPacked) {
  EXPECT_TRUE(rc::check("packed and padded", [](bool packed) {
    // Sizes around the edges of packets, and any.
    const auto size =
        rc::gen::oneOf(rc::gen::inRange<size_t>(3, 4097),
                       rc::gen::element<size_t>(3, 4, 179, 180, 181, 182, 183, 184, 185, 366, 367, 368));
    std::vector<Bytes> sections;
    for (const size_t total : *rc::gen::container<std::vector<size_t>>(size)) {
      sections.push_back(SectionOf(total, static_cast<uint8_t>(sections.size())));
    }
    SectionAssembler assembler;
    const auto packets = Pack(sections, packed ? Packing::kPacked : Packing::kPadded);
    RC_ASSERT(Assemble(assembler, packets) == sections);
    RC_ASSERT(assembler.lost() == 0U);
  }));
}

TEST(SectionAssembler, ALostPacketCostsOnlyTheSectionsItTouches) {
  std::vector<Bytes> sections;
  for (uint8_t i = 0; i < 40; ++i) sections.push_back(SectionOf(50 + i * 7U, i));
  for (const Packing packing : {Packing::kPadded, Packing::kPacked}) {
    const auto packets = Pack(sections, packing);
    for (size_t lost = 0; lost < packets.size(); ++lost) {
      std::vector<Packet> rest = packets;
      rest.erase(rest.begin() + static_cast<ptrdiff_t>(lost));
      SectionAssembler assembler;
      const auto out = Assemble(assembler, rest);
      EXPECT_GE(out.size() + 6, sections.size()) << lost;  // the shortest are 50 bytes: four in a packet
      for (const Bytes& section : out) {
        EXPECT_NE(std::find(sections.begin(), sections.end(), section), sections.end()) << lost;
      }
    }
  }
}

TEST(SectionAssembler, PassesOverRepeatedScrambledAndDamagedPackets) {
  const std::vector<Bytes> sections = {SectionOf(300, 1), SectionOf(60, 2)};
  std::vector<Packet> packets = Pack(sections, Packing::kPadded);
  ASSERT_EQ(packets.size(), 3U);
  Packet scrambled = packets[1];
  mpegts::SetScrambling(scrambled, mpegts::kEvenKey);
  Packet damaged = packets[1];
  damaged[1] |= 0x80;
  const std::vector<Packet> sent = {packets[0], packets[0], scrambled, damaged,
                                    packets[1], packets[1], packets[2]};
  SectionAssembler assembler;
  EXPECT_EQ(Assemble(assembler, sent), sections);
}

TEST(SectionAssembler, SurvivesAPointerBeyondThePacket) {
  std::vector<Packet> packets = Pack({SectionOf(60, 1), SectionOf(61, 2)}, Packing::kPadded);
  packets[0][4] = 200;
  SectionAssembler assembler;
  const auto out = Assemble(assembler, packets);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].size(), 61U);
}

TEST(SectionAssembler, AnyPacketsNeverBreakIt) {
  EXPECT_TRUE(rc::check("any", [](const std::vector<std::array<uint8_t, 184>>& payloads) {
    SectionAssembler assembler;
    uint8_t continuity = 0;
    for (const auto& payload : payloads) {
      Packet packet = mpegts::NullPacket();
      mpegts::SetContinuity(packet, continuity++);
      if (payload[1] % 2 == 0) packet[1] |= 0x40;
      std::copy(payload.begin(), payload.end(), packet.begin() + 4);
      assembler.Push(packet, [](ByteView section) {
        RC_ASSERT(section.size() == 3U + ((section[1] & 0x0FU) << 8 | section[2]));
      });
    }
  }));
}

TEST(PacketReader, GivesPacketsHoweverTheyArrive) {
  std::vector<Packet> packets = Pack({SectionOf(4096, 0x47), SectionOf(60, 2)}, Packing::kPacked);
  Bytes stream;
  for (const Packet& packet : packets) stream.insert(stream.end(), packet.begin(), packet.end());
  for (const size_t step : {size_t{1}, size_t{7}, size_t{188}, size_t{1000}, stream.size()}) {
    PacketReader reader;
    std::vector<Packet> out;
    for (size_t at = 0; at < stream.size(); at += step) {
      reader.Add(ByteView(stream).subspan(at, std::min(step, stream.size() - at)));
      while (const auto packet = reader.Next()) out.push_back(*packet);
    }
    EXPECT_EQ(out, packets) << step;
    EXPECT_EQ(reader.skipped_bytes() + reader.pending(), 0U);
  }
}

TEST(PacketReader, FindsItsStepAgain) {
  const std::vector<Packet> packets(4, mpegts::NullPacket());
  Bytes stream = {0x47, 1, 2, 3, 0x47};
  for (const Packet& packet : packets) {
    stream.insert(stream.end(), packet.begin(), packet.end());
    if (&packet == &packets[1]) stream.insert(stream.end(), 100, 0x00);
  }
  PacketReader reader;
  reader.Add(stream);
  size_t count = 0;
  while (const auto packet = reader.Next()) {
    EXPECT_EQ(*packet, packets[0]);
    ++count;
  }
  // The one before the gap is not followed by a sync byte.
  EXPECT_EQ(count, 3U);
  EXPECT_EQ(reader.skipped_bytes(), 5U + 188U + 100U);
}

}  // namespace
}  // namespace hearth::ts
