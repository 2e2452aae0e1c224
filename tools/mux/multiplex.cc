#include "tools/mux/multiplex.h"

#include <algorithm>

#include <fmt/format.h>

#include "src/simulcrypt/tables.h"
#include "tools/ts/psi.h"

namespace hearth::mux {
namespace {

constexpr mpegts::Pid kFirstFreePid{0x0010};
constexpr size_t kHeaderBytes = 3;

// The whole section that `bytes` begins with; empty when there is none.
ByteView FirstSection(ByteView bytes) {
  if (bytes.size() < kHeaderBytes) return {};
  const size_t total = kHeaderBytes + ((bytes[1] & 0x0FU) << 8 | bytes[2]);
  return total <= bytes.size() ? bytes.first(total) : ByteView();
}

}  // namespace

Result<std::unique_ptr<Multiplex>> Multiplex::Create(const MultiplexOptions& options) {
  if (options.emm_pid < kFirstFreePid || options.emm_pid.value + kMaxStreams > mpegts::kNullPid.value) {
    return InvalidField("emm-pid", "0x10 to 0x1FEF: up to 16 data streams get PIDs from there on");
  }
  HEARTH_RETURN_IF_ERROR(mpegts::EncodeCaDescriptor({0, options.emm_pid, options.private_bytes}));
  return std::unique_ptr<Multiplex>(new Multiplex(options));
}

bool Multiplex::Open(const DataKey& key, simulcrypt::DataType type, Time now) {
  if (streams_.count(key) > 0) return true;
  if (streams_.size() >= kMaxStreams) return false;
  const mpegts::Pid pid(static_cast<uint16_t>(options_.emm_pid.value + streams_.size()));
  Stream& stream = streams_[key];
  stream.type = type;
  stream.packetiser = std::make_unique<mpegts::Packetiser>(pid, options_.packing);
  counts_[key].pid = pid;
  if (options_.stream && !foreign_cat_) SendCat(now);
  return true;
}

void Multiplex::Take(const DataKey& key, bool ts_packets, ByteView datagram, Time now) {
  if (!Open(key, simulcrypt::DataType::kEmm, now)) return;
  Stream& stream = streams_[key];
  ++counts_[key].datagrams;
  std::vector<mpegts::Packet> packets;
  if (ts_packets) {
    TakePackets(key, stream, datagram, &packets);
  } else {
    TakeSections(key, stream, datagram, &packets);
  }
  Send(key, packets, now);
  if (stream.packetiser->waiting() == 0) {
    stream.waiting_since.reset();
  } else if (!stream.waiting_since || !packets.empty()) {
    stream.waiting_since = now;
  }
}

void Multiplex::TakeSections(const DataKey& key, Stream& stream, ByteView datagram,
                             std::vector<mpegts::Packet>* out) {
  while (!datagram.empty()) {
    const ByteView section = FirstSection(datagram);
    if (section.empty() || !stream.packetiser->Add(section, out)) {
      ++counts_[key].refused;
      return;
    }
    Count(key, section);
    datagram = datagram.subspan(section.size());
  }
}

void Multiplex::TakePackets(const DataKey& key, Stream& stream, ByteView datagram,
                            std::vector<mpegts::Packet>* out) {
  if (!simulcrypt::AreTsPackets(datagram)) {
    ++counts_[key].refused;
    return;
  }
  for (size_t at = 0; at < datagram.size(); at += mpegts::kPacketBytes) {
    if (!stream.packetiser->AddPacket(datagram.subspan(at, mpegts::kPacketBytes), out)) {
      ++counts_[key].refused;
      continue;
    }
    // Read back with our counters: those of the sender may be anything.
    stream.assembler.Push(out->back(), [&](ByteView section) { Count(key, section); });
  }
}

void Multiplex::Count(const DataKey& key, ByteView section) {
  ++counts_[key].sections;
  counts_[key].section_bytes += section.size();
  if (on_section_) on_section_(key, section);
}

void Multiplex::Send(const DataKey& key, const std::vector<mpegts::Packet>& packets, Time now) {
  counts_[key].packets += packets.size();
  if (!options_.stream) return;
  for (const mpegts::Packet& packet : packets) inserter_.Queue(packet, now);
}

void Multiplex::FlushPacked(Time now, bool all) {
  for (auto& [key, stream] : streams_) {
    if (!stream.waiting_since || (!all && now < *stream.waiting_since + options_.packing_patience)) continue;
    std::vector<mpegts::Packet> packets;
    stream.packetiser->Flush(&packets);
    Send(key, packets, now);
    stream.waiting_since.reset();
  }
}

Status Multiplex::Pass(const mpegts::Packet& packet, Time now, Bytes* out) {
  FlushPacked(now, false);
  const auto header = mpegts::ReadPacketHeader(packet);
  if (header && header->pid == mpegts::kCatPid) {
    foreign_cat_ = true;
    cat_rewriter_.Pass(
        packet, [&](ByteView section) { return Announce(section); }, now, &inserter_, out);
    return Ok();
  }
  for (const auto& [key, counts] : counts_) {
    if (header && header->pid == counts.pid) {
      return Error(Reason::kSectionMalformed,
                   fmt::format("EMM PID 0x{:04X} is in use in the input", counts.pid.value));
    }
  }
  if (!foreign_cat_ && !streams_.empty() && (!next_cat_ || now >= *next_cat_)) SendCat(now);
  inserter_.Pass(packet, now, out);
  return Ok();
}

void Multiplex::Finish(Bytes* out) {
  FlushPacked(Time(0), true);
  inserter_.Flush(out);
}

Bytes Multiplex::OwnDescriptors() const {
  Bytes all;
  for (const auto& [key, stream] : streams_) {
    if (stream.type != simulcrypt::DataType::kEmm) continue;
    // Valid by Create.
    const Bytes one = *mpegts::EncodeCaDescriptor(
        {simulcrypt::CaSystemId(key.client_id), counts_.at(key).pid, options_.private_bytes});
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

std::optional<Bytes> Multiplex::Announce(ByteView section) const {
  auto cat = ts::ParseCat(section);
  if (!cat || cat->head.number != 0) return std::nullopt;
  const Bytes own = OwnDescriptors();
  cat->descriptors.insert(cat->descriptors.end(), own.begin(), own.end());
  cat->head.version = static_cast<uint8_t>((cat->head.version + streams_.size()) & 0x1F);
  auto built = ts::BuildCat(*cat);
  return built ? std::optional(*built) : std::nullopt;
}

void Multiplex::SendCat(Time now) {
  next_cat_ = now + options_.cat_period;
  ts::Cat cat;
  // The bits of table_id_extension are reserved: ones.
  cat.head.extension = 0xFFFF;
  cat.head.version = static_cast<uint8_t>(streams_.size() & 0x1F);
  cat.descriptors = OwnDescriptors();
  const auto section = ts::BuildCat(cat);
  if (section) cat_rewriter_.Send(*section, now, &inserter_);
}

}  // namespace hearth::mux
