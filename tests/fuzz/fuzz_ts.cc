// Arbitrary bytes as a transport stream: into the virtual receiver, the tool scrambler and the tool
// multiplexer. The CRCs of its tables are made right first, so that mutations get behind them. What may never
// happen: a crash, packets that are none, a packet of the input lost without an error.
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "src/mpegts/crc32.h"
#include "tests/receiver/home.h"
#include "tools/mux/multiplex.h"
#include "tools/receiver/tuner.h"
#include "tools/scs/scrambler.h"

namespace hearth::ts {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// Of the table that begins a packet and ends in it, if there is one.
void MakeCrcRight(Packet* packet) {
  const auto header = mpegts::ReadPacketHeader(*packet);
  if (!header || !header->unit_start || header->payload_bytes() < 4 || (*packet)[header->payload_at] != 0)
    return;
  const std::span<uint8_t> section = std::span(*packet).subspan(header->payload_at + 1);
  const size_t total = 3 + ((section[1] & 0x0FU) << 8 | section[2]);
  if (total < 12 || total > section.size() || (section[1] & 0x80) == 0) return;
  const uint32_t crc = mpegts::Crc32(section.first(total - 4));
  for (size_t i = 0; i < 4; ++i) section[total - 4 + i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
}

class Viewer final : public receiver::TunerHost {
 public:
  Viewer() { Require(home_.Install()); }
  void OnEmm(ByteView section) override { home_.receiver.Feed(section); }
  receiver::EcmResult OnEcm(ByteView section) override { return home_.receiver.Ecm(section); }
  void OnPeriod(const receiver::Period& period) override { Require(period.dark <= period.packets); }

 private:
  receiver::Home home_;
};

// Answers at once, with what it is told.
class Echo final : public scs::EcmSource {
 public:
  explicit Echo(const Bytes& datagram) : datagram_(datagram) { terms_.ts_packets = datagram.size() % 2 == 0; }
  const scs::EcmTerms& terms() const override { return terms_; }
  Status Ask(size_t stream, uint16_t cp_number, const std::vector<scs::PeriodWord>&) override {
    answers_.push_back({stream, cp_number, datagram_});
    return Ok();
  }
  Result<std::vector<scs::Ecm>> Take(std::chrono::milliseconds) override {
    return std::exchange(answers_, {});
  }

 private:
  scs::EcmTerms terms_;
  Bytes datagram_;
  std::vector<scs::Ecm> answers_;
};

class ZeroRandom final : public RandomSource {
 public:
  void Fill(std::span<uint8_t> out) override { std::fill(out.begin(), out.end(), uint8_t{0}); }
};

void Scramble(const std::vector<Packet>& packets, const Bytes& datagram) {
  Echo echo(datagram);
  ZeroRandom random;
  scs::ScramblerOptions options;
  options.crypto.crypto_period = std::chrono::seconds(1);
  options.patience = std::chrono::milliseconds(0);
  options.services = {{}};
  const auto scrambler = scs::Scrambler::Create(options, echo, random).value();
  Bytes out;
  for (const Packet& packet : packets) {
    if (!scrambler->Push(packet, &out)) return;
  }
  if (!scrambler->Finish(&out)) return;
  Require(out.size() == (packets.size() + scrambler->inserter().inserted()) * mpegts::kPacketBytes);
}

void Multiplex(const std::vector<Packet>& packets, const Bytes& datagram) {
  mux::MultiplexOptions options;
  options.packing = mpegts::Packing::kPacked;
  const auto multiplex = mux::Multiplex::Create(options).value();
  Bytes out;
  std::chrono::milliseconds now{0};
  for (const Packet& packet : packets) {
    multiplex->Take({1, 1}, now.count() % 2 == 0, datagram, now);
    if (!multiplex->Pass(packet, now, &out)) return;
    now += std::chrono::milliseconds(7);
  }
  multiplex->Finish(&out);
  Require(out.size() == (packets.size() + multiplex->inserter().inserted()) * mpegts::kPacketBytes);
}

void Fuzz(ByteView data) {
  PacketReader reader;
  reader.Add(data);
  std::vector<Packet> packets;
  while (auto packet = reader.Next()) {
    MakeCrcRight(&*packet);
    packets.push_back(*packet);
  }
  Viewer viewer;
  receiver::Tuner tuner({}, viewer);
  for (Packet packet : packets) {
    tuner.Push(packet);
    Require(packet[0] == mpegts::kSyncByte);
  }
  tuner.Finish();
  // Some bytes of the end stand for what an ECMG or EMMG sends.
  const size_t tail = std::min<size_t>(data.size(), data.empty() ? 0 : data.back());
  const Bytes datagram(data.end() - static_cast<ptrdiff_t>(tail), data.end());
  Scramble(packets, datagram);
  Multiplex(packets, datagram);
}

}  // namespace
}  // namespace hearth::ts

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::ts::Fuzz({data, size});
  return 0;
}
