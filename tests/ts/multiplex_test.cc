#include "tools/mux/multiplex.h"

#include <algorithm>
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "tests/ts/ffmpeg.h"
#include "tests/ts/peers.h"
#include "tools/mux/emm_server.h"
#include "tools/ts/psi.h"

namespace hearth::ts {
namespace {

using mux::DataKey;
using mux::Multiplex;
using mux::MultiplexOptions;
using simulcrypt::DataType;
using std::chrono::milliseconds;

constexpr DataKey kEmms{0x4A750001, 7};

Bytes SectionOf(size_t total, uint8_t fill) {
  Bytes section(total, fill);
  section[0] = 0x83;
  section[1] = static_cast<uint8_t>(0x70 | (total - 3) >> 8);
  section[2] = static_cast<uint8_t>(total - 3);
  return section;
}

// The sections of one PID.
std::vector<Bytes> SectionsOf(ByteView stream, Pid pid) {
  std::vector<Bytes> sections;
  SectionAssembler assembler;
  for (size_t at = 0; at + mpegts::kPacketBytes <= stream.size(); at += mpegts::kPacketBytes) {
    Packet packet;
    std::copy_n(stream.begin() + static_cast<ptrdiff_t>(at), packet.size(), packet.begin());
    if (mpegts::ReadPacketHeader(packet)->pid != pid) continue;
    assembler.Push(packet, [&](ByteView section) { sections.emplace_back(section.begin(), section.end()); });
  }
  EXPECT_EQ(assembler.lost(), 0U);
  return sections;
}

// `count` null packets, a millisecond each.
Bytes PassNulls(Multiplex& multiplex, int count, milliseconds begin = milliseconds(0)) {
  Bytes out;
  for (int i = 0; i < count; ++i) {
    EXPECT_TRUE(multiplex.Pass(mpegts::NullPacket(), begin + milliseconds(i), &out));
  }
  return out;
}

TEST(Multiplex, EmmsAndACatTakeThePlacesOfNullPackets) {
  for (const bool packed : {false, true}) {
    MultiplexOptions options;
    options.packing = packed ? mpegts::Packing::kPacked : mpegts::Packing::kPadded;
    const auto multiplex = Multiplex::Create(options).value();
    std::vector<Bytes> sent;
    for (uint8_t i = 0; i < 40; ++i) {
      sent.push_back(SectionOf(24, i));
      multiplex->Take(kEmms, false, sent.back(), milliseconds(0));
    }
    const Bytes out = PassNulls(*multiplex, 1000);
    EXPECT_EQ(out.size(), (1000 + multiplex->inserter().inserted()) * mpegts::kPacketBytes);
    EXPECT_EQ(SectionsOf(out, options.emm_pid), sent);
    const auto& counts = multiplex->counts().at(kEmms);
    EXPECT_EQ(counts.sections, 40U);
    EXPECT_EQ(counts.section_bytes, 960U);
    EXPECT_EQ(counts.packets, packed ? 6U : 40U);
    const auto cats = SectionsOf(out, mpegts::kCatPid);
    EXPECT_EQ(cats.size(), 10U) << "at once, and each 100 ms";
    const std::vector<mpegts::CaDescriptor> expected = {{0x4A75, options.emm_pid, {0x01}}};
    EXPECT_EQ(FindCaDescriptors(ParseCat(cats[0])->descriptors), expected);
  }
}

TEST(Multiplex, EachDataStreamHasItsPidAndKeepsIt) {
  const auto multiplex = Multiplex::Create({}).value();
  const DataKey other{0x4A760001, 1};
  const DataKey private_data{0x4A750001, 8};
  ASSERT_TRUE(multiplex->Open(other, DataType::kEmm, milliseconds(0)));
  ASSERT_TRUE(multiplex->Open(kEmms, DataType::kEmm, milliseconds(0)));
  ASSERT_TRUE(multiplex->Open(private_data, DataType::kPrivateData, milliseconds(0)));
  ASSERT_TRUE(multiplex->Open(other, DataType::kEmm, milliseconds(0))) << "the same one again";
  multiplex->Take(private_data, false, SectionOf(30, 1), milliseconds(0));
  multiplex->Take(other, false, SectionOf(31, 1), milliseconds(0));
  multiplex->Take(kEmms, false, SectionOf(32, 1), milliseconds(0));
  const Bytes out = PassNulls(*multiplex, 50);
  EXPECT_EQ(SectionsOf(out, Pid(0x500)).at(0).size(), 31U);
  EXPECT_EQ(SectionsOf(out, Pid(0x501)).at(0).size(), 32U);
  EXPECT_EQ(SectionsOf(out, Pid(0x502)).at(0).size(), 30U);
  const auto descriptors = FindCaDescriptors(ParseCat(SectionsOf(out, mpegts::kCatPid).back())->descriptors);
  const std::set<std::pair<uint16_t, Pid>> expected = {{0x4A76, Pid(0x500)}, {0x4A75, Pid(0x501)}};
  std::set<std::pair<uint16_t, Pid>> found;
  for (const auto& one : descriptors) found.emplace(one.system_id, one.pid);
  EXPECT_EQ(found, expected) << "private data is no EMM";
  for (uint16_t i = 3; i < Multiplex::kMaxStreams; ++i) {
    EXPECT_TRUE(multiplex->Open({1, i}, DataType::kEmm, milliseconds(0)));
  }
  EXPECT_FALSE(multiplex->Open({1, 99}, DataType::kEmm, milliseconds(0)));
}

TEST(Multiplex, ACatThatIsThereIsCompleted) {
  const auto multiplex = Multiplex::Create({}).value();
  Cat cat;
  cat.head = {0xFFFF, 31, true, 0, 0};
  cat.descriptors = mpegts::EncodeCaDescriptor({0x0B00, Pid(0x77), {}}).value();
  std::vector<Packet> packets;
  mpegts::Packetiser packetiser(mpegts::kCatPid, mpegts::Packing::kPadded);
  Bytes out;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(packetiser.Add(BuildCat(cat).value(), &packets));
    ASSERT_TRUE(multiplex->Pass(packets.back(), milliseconds(200 * i), &out));
    ASSERT_TRUE(multiplex->Open(kEmms, DataType::kEmm, milliseconds(200 * i)));
  }
  const auto sections = SectionsOf(out, mpegts::kCatPid);
  EXPECT_EQ(sections.size(), 5U) << "none beside it";
  const Cat seen = ParseCat(sections.back()).value();
  EXPECT_EQ(seen.head.version, 0) << "31 and one more";
  const std::vector<mpegts::CaDescriptor> expected = {{0x0B00, Pid(0x77), {}}, {0x4A75, Pid(0x500), {0x01}}};
  EXPECT_EQ(FindCaDescriptors(seen.descriptors), expected);
}

TEST(Multiplex, PacketsOfAnEmmgGetPidAndCounter) {
  const auto multiplex = Multiplex::Create({}).value();
  std::vector<Bytes> told;
  multiplex->set_on_section([&](const DataKey&, ByteView s) { told.emplace_back(s.begin(), s.end()); });
  mpegts::Packetiser packetiser(Pid(0x99), mpegts::Packing::kPacked);
  std::vector<Packet> packets;
  std::vector<Bytes> sent;
  for (uint8_t i = 0; i < 20; ++i) {
    sent.push_back(SectionOf(100, i));
    ASSERT_TRUE(packetiser.Add(sent.back(), &packets));
  }
  packetiser.Flush(&packets);
  Bytes datagram;
  for (Packet& packet : packets) {
    mpegts::SetContinuity(packet, 5);
    datagram.insert(datagram.end(), packet.begin(), packet.end());
  }
  multiplex->Take(kEmms, true, datagram, milliseconds(0));
  EXPECT_EQ(told, sent);
  EXPECT_EQ(SectionsOf(PassNulls(*multiplex, 50), Pid(0x500)), sent);
  multiplex->Take(kEmms, true, Bytes(188, 0), milliseconds(0));
  multiplex->Take(kEmms, false, Bytes(5, 0xFF), milliseconds(0));
  EXPECT_EQ(multiplex->counts().at(kEmms).refused, 2U);
}

TEST(Multiplex, RefusesPidsThatAreTaken) {
  EXPECT_FALSE(Multiplex::Create({Pid(0x000F)}).has_value());
  EXPECT_FALSE(Multiplex::Create({Pid(0x1FF0)}).has_value());
  const auto multiplex = Multiplex::Create({}).value();
  ASSERT_TRUE(multiplex->Open(kEmms, DataType::kEmm, milliseconds(0)));
  Packet packet = mpegts::NullPacket();
  mpegts::SetPid(packet, Pid(0x500));
  Bytes out;
  EXPECT_EQ(multiplex->Pass(packet, milliseconds(0), &out).error().reason(), Reason::kSectionMalformed);
}

// Runs the server until `peer` is done.
EmmgResult Serve(mux::EmmServer& server, const std::function<EmmgResult()>& peer) {
  EmmgResult result;
  std::atomic<bool> done{false};
  std::thread thread([&] {
    result = peer();
    done = true;
  });
  while (!done) server.Poll(milliseconds(5));
  thread.join();
  for (int i = 0; i < 10; ++i) server.Poll(milliseconds(1));
  return result;
}

simulcrypt::EmmgOptions EmmgOf(uint16_t kbps) {
  simulcrypt::EmmgOptions options;
  options.client_id = kEmms.client_id;
  options.data_id = kEmms.data_id;
  options.bandwidth_kbps = kbps;
  return options;
}

TEST(EmmServer, TakesWhatAnEmmgSendsOverTcpAndUdp) {
  for (const bool udp : {false, true}) {
    const auto multiplex = Multiplex::Create({}).value();
    mux::EmmServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.udp = Endpoint{"127.0.0.1", 0};
    options.session.bandwidth_kbps = 600;
    const auto server = mux::EmmServer::Create(options, *multiplex).value();
    std::vector<Bytes> sent;
    for (uint8_t i = 0; i < 50; ++i) sent.push_back(SectionOf(24 + i, i));
    const uint16_t tcp_port = server->tcp_port();
    const uint16_t udp_port = udp ? server->udp_port() : uint16_t{0};
    // Twice: an EMMG that comes back has the PID it had.
    for (int turn = 0; turn < 2; ++turn) {
      const EmmgResult result =
          Serve(*server, [&] { return SendEmms(tcp_port, EmmgOf(800), sent, udp_port); });
      EXPECT_TRUE(result.sent) << result.failure;
      EXPECT_EQ(result.granted_kbps, 600);
      const Bytes out = PassNulls(*multiplex, 200, milliseconds(1000 * turn));
      EXPECT_EQ(SectionsOf(out, Pid(0x500)), sent);
      EXPECT_EQ(server->connections(), 0U);
    }
    EXPECT_EQ(server->errors_sent(), 0U);
    EXPECT_EQ(server->udp_refused(), 0U);
  }
}

TEST(EmmServer, TsModeWhereTheMuxWantsIt) {
  const auto multiplex = Multiplex::Create({}).value();
  mux::EmmServerOptions options;
  options.listen = {"127.0.0.1", 0};
  options.session.mode = simulcrypt::MuxOptions::Mode::kTsPackets;
  const auto server = mux::EmmServer::Create(options, *multiplex).value();
  mpegts::Packetiser packetiser(Pid(0x99), mpegts::Packing::kPadded);
  std::vector<Packet> packets;
  ASSERT_TRUE(packetiser.Add(SectionOf(150, 3), &packets));
  const std::vector<Bytes> sent = {Bytes(packets[0].begin(), packets[0].end())};
  const uint16_t port = server->tcp_port();
  const EmmgResult result = Serve(*server, [&] { return SendEmms(port, EmmgOf(100), sent); });
  EXPECT_TRUE(result.sent) << result.failure;
  EXPECT_EQ(SectionsOf(PassNulls(*multiplex, 50), Pid(0x500)), std::vector<Bytes>{SectionOf(150, 3)});
}

}  // namespace
}  // namespace hearth::ts
