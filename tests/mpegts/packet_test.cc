#include "src/mpegts/packet.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "src/mpegts/ca_descriptor.h"
#include "src/mpegts/crc32.h"

namespace hearth::mpegts {
namespace {

constexpr Pid kPid{0x0123};

Bytes SectionOf(size_t total, uint8_t fill) {
  Bytes section(total, fill);
  section[0] = 0x82;
  section[1] = static_cast<uint8_t>(0x70 | (total - 3) >> 8);
  section[2] = static_cast<uint8_t>(total - 3);
  return section;
}

TEST(PacketHeader, ReadsEachField) {
  Packet packet = NullPacket();
  auto header = ReadPacketHeader(packet);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->pid, kNullPid);
  EXPECT_FALSE(header->error || header->unit_start || header->has_adaptation);
  EXPECT_EQ(header->payload_at, 4U);
  SetPid(packet, kPid);
  SetScrambling(packet, kOddKey);
  SetContinuity(packet, 0x1B);
  packet[1] |= 0xC0;
  packet[3] |= 0x20;
  packet[4] = 7;
  header = ReadPacketHeader(packet);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->pid, kPid);
  EXPECT_EQ(header->scrambling, kOddKey);
  EXPECT_EQ(header->continuity, 0x0B);
  EXPECT_TRUE(header->error && header->unit_start && header->has_adaptation);
  EXPECT_EQ(header->payload_at, 12U);
  EXPECT_EQ(header->payload_bytes(), 176U);
}

TEST(PacketHeader, RefusesWhatIsNoPacket) {
  EXPECT_FALSE(ReadPacketHeader(Bytes(187, 0x47)));
  Packet packet = NullPacket();
  packet[0] = 0x46;
  EXPECT_FALSE(ReadPacketHeader(packet)) << "sync byte";
  packet = NullPacket();
  packet[3] = 0;
  EXPECT_FALSE(ReadPacketHeader(packet)) << "neither adaptation field nor payload";
  packet[3] = 0x30;
  packet[4] = 184;
  EXPECT_FALSE(ReadPacketHeader(packet)) << "adaptation field beyond the end";
  packet[4] = 183;
  packet[3] = 0x20;
  EXPECT_EQ(ReadPacketHeader(packet)->payload_bytes(), 0U);
}

TEST(Packetiser, APaddedSectionStartsAPacket) {
  Packetiser packetiser(kPid, Packing::kPadded);
  std::vector<Packet> out;
  ASSERT_TRUE(packetiser.Add(SectionOf(24, 1), &out));
  ASSERT_TRUE(packetiser.Add(SectionOf(183, 2), &out));
  ASSERT_TRUE(packetiser.Add(SectionOf(184, 3), &out));
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(packetiser.waiting(), 0U);
  EXPECT_EQ(ToHex(ByteView(out[0]).first(8)), "4741231000827015");
  EXPECT_TRUE(std::all_of(out[0].begin() + 29, out[0].end(), [](uint8_t b) { return b == 0xFF; }));
  EXPECT_EQ(ToHex(ByteView(out[3]).first(6)), "4701231303ff");
  for (uint8_t i = 0; i < 4; ++i) EXPECT_EQ(ReadPacketHeader(out[i])->continuity, i);
  EXPECT_EQ(PaddedPackets(183), 1U);
  EXPECT_EQ(PaddedPackets(184), 2U);
  EXPECT_EQ(PaddedPackets(367), 2U);
  EXPECT_EQ(PaddedPackets(368), 3U);
}

TEST(Packetiser, PackedSectionsShareAPacket) {
  Packetiser packetiser(kPid, Packing::kPacked);
  std::vector<Packet> out;
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(packetiser.Add(SectionOf(24, 1), &out));
  EXPECT_TRUE(out.empty()) << "168 of 183 bytes";
  ASSERT_TRUE(packetiser.Add(SectionOf(24, 2), &out));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(packetiser.waiting(), 9U);
  packetiser.Flush(&out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(ToHex(ByteView(out[1]).first(6)), "470123110202") << "no section starts in it";
}

TEST(Packetiser, RefusesWhatIsNoSectionOrPacket) {
  Packetiser packetiser(kPid, Packing::kPacked);
  std::vector<Packet> out;
  EXPECT_EQ(packetiser.Add(Bytes(2, 0), &out).error().reason(), Reason::kSectionMalformed);
  EXPECT_EQ(packetiser.Add(Bytes(4097, 0), &out).error().reason(), Reason::kSectionMalformed);
  EXPECT_EQ(packetiser.AddPacket(Bytes(188, 0), &out).error().reason(), Reason::kSectionMalformed);
  EXPECT_TRUE(out.empty());
}

TEST(Packetiser, AForeignPacketTakesPidAndCounter) {
  Packetiser packetiser(kPid, Packing::kPadded);
  std::vector<Packet> out;
  Packet foreign = NullPacket();
  SetContinuity(foreign, 9);
  ASSERT_TRUE(packetiser.AddPacket(foreign, &out));
  ASSERT_TRUE(packetiser.AddPacket(foreign, &out));
  foreign[3] = 0x20;  // adaptation field only
  foreign[4] = 183;
  ASSERT_TRUE(packetiser.AddPacket(foreign, &out));
  const uint8_t expected[] = {0, 1, 1};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ReadPacketHeader(out[i])->pid, kPid);
    EXPECT_EQ(ReadPacketHeader(out[i])->continuity, expected[i]);
  }
}

TEST(Packetiser, NeverWastesAPacketWhenPacked) {
  EXPECT_TRUE(rc::check("packed", [] {
    const auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(3, 700));
    Packetiser packetiser(kPid, Packing::kPacked);
    std::vector<Packet> out;
    size_t bytes = 0;
    for (const size_t size : sizes) {
      RC_ASSERT(packetiser.Add(SectionOf(size, 7), &out).has_value());
      bytes += size;
      RC_ASSERT(packetiser.waiting() < 184U);
    }
    packetiser.Flush(&out);
    RC_ASSERT(packetiser.waiting() == 0U);
    RC_ASSERT(out.size() <= (bytes + 182) / 183);
  }));
}

TEST(Crc32, MatchesThePublishedCheckValue) {
  // "CRC-32/MPEG-2" in the catalogue of parametrised CRC algorithms: check 0x0376E6E7.
  EXPECT_EQ(Crc32(AsBytes("123456789")), 0x0376E6E7U);
  EXPECT_EQ(Crc32({}), 0xFFFFFFFFU);
  // A PAT: one programme 1 on PID 0x1000, as ffmpeg writes it.
  EXPECT_EQ(Crc32(FromHex("00b00d0001c100000001f0002ab104b2").value()), 0U);
}

TEST(CaDescriptor, IsEncodedAsTheStandardSays) {
  EXPECT_EQ(ToHex(EncodeCaDescriptor({0x4A75, Pid(0x1ABC), {0x01}}).value()), "09054a75fabc01");
  EXPECT_EQ(ToHex(EncodeCaDescriptor({0x0001, Pid(0), {}}).value()), "09040001e000");
  EXPECT_EQ(EncodeCaDescriptor({1, Pid(0x2000), {}}).error().reason(), Reason::kFieldInvalid);
  EXPECT_EQ(EncodeCaDescriptor({1, Pid(1), Bytes(252, 0)}).error().reason(), Reason::kFieldInvalid);
  EXPECT_TRUE(EncodeCaDescriptor({1, Pid(1), Bytes(251, 0)}).has_value());
}

}  // namespace
}  // namespace hearth::mpegts
