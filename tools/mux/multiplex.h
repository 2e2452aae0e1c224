// EMMs and a CAT into a transport stream. Knows no socket; time is given.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/mpegts/packet.h"
#include "src/simulcrypt/emmg_types.h"
#include "tools/ts/inserter.h"
#include "tools/ts/sections.h"
#include "tools/ts/table_rewriter.h"

namespace hearth::mux {

using Time = std::chrono::nanoseconds;

struct MultiplexOptions {
  // Of the first data stream; the next ones get the PIDs that follow.
  mpegts::Pid emm_pid{0x0500};
  mpegts::Packing packing = mpegts::Packing::kPadded;
  Bytes private_bytes{0x01};  // of the CA_descriptors: the suite
  bool stream = true;         // false: sections are only counted and told, and no packet ever passes
  std::chrono::milliseconds cat_period{100};
  // How long packets of ours wait for a null packet, and packed sections for more of them.
  std::chrono::milliseconds null_patience{20};
  std::chrono::milliseconds packing_patience{50};
};

// A data stream as the CAT knows it: what stays when an EMMG connects again.
struct DataKey {
  uint32_t client_id = 0;
  uint16_t data_id = 0;
  auto operator<=>(const DataKey&) const = default;
};

struct DataCounts {
  mpegts::Pid pid;
  uint64_t datagrams = 0;
  uint64_t sections = 0;
  uint64_t section_bytes = 0;
  uint64_t packets = 0;  // on the air
  uint64_t refused = 0;  // datagrams that are neither sections nor packets
};

// One thread.
class Multiplex {
 public:
  // At most as many data streams: each has a PID and a CA_descriptor.
  static constexpr size_t kMaxStreams = 16;

  // FIELD_INVALID: a PID that is reserved or leaves no room for 16.
  static Result<std::unique_ptr<Multiplex>> Create(const MultiplexOptions& options);

  // Makes the data stream known: a CAT that names its PID goes out before its first EMM. False when there are
  // too many.
  bool Open(const DataKey& key, simulcrypt::DataType type, Time now);
  // A datagram: whole sections, or whole packets. It goes out with the packets that pass from now on.
  void Take(const DataKey& key, bool ts_packets, ByteView datagram, Time now);
  // A packet of the passing stream, or a null packet where there is none; appends what goes out to `out`.
  // SECTION_MALFORMED when it has an EMM PID already.
  Status Pass(const mpegts::Packet& packet, Time now, Bytes* out);
  // The stream has ended.
  void Finish(Bytes* out);

  // Called for each section received; in TS mode, for each that was complete.
  using OnSection = std::function<void(const DataKey& key, ByteView section)>;
  void set_on_section(OnSection on_section) { on_section_ = std::move(on_section); }

  const std::map<DataKey, DataCounts>& counts() const { return counts_; }
  const ts::Inserter& inserter() const { return inserter_; }

 private:
  struct Stream {
    simulcrypt::DataType type = simulcrypt::DataType::kEmm;
    std::unique_ptr<mpegts::Packetiser> packetiser;
    ts::SectionAssembler assembler;  // of what comes as packets
    std::optional<Time> waiting_since;
  };

  explicit Multiplex(const MultiplexOptions& options) : options_(options), inserter_(options.null_patience) {}

  void TakeSections(const DataKey& key, Stream& stream, ByteView datagram, std::vector<mpegts::Packet>* out);
  void TakePackets(const DataKey& key, Stream& stream, ByteView datagram, std::vector<mpegts::Packet>* out);
  void Count(const DataKey& key, ByteView section);
  void Send(const DataKey& key, const std::vector<mpegts::Packet>& packets, Time now);
  void FlushPacked(Time now, bool all);
  Bytes OwnDescriptors() const;
  std::optional<Bytes> Announce(ByteView section) const;
  void SendCat(Time now);

  MultiplexOptions options_;
  std::map<DataKey, Stream> streams_;
  std::map<DataKey, DataCounts> counts_;
  ts::Inserter inserter_;
  ts::TableRewriter cat_rewriter_{mpegts::kCatPid};
  bool foreign_cat_ = false;
  std::optional<Time> next_cat_;
  OnSection on_section_;
};

}  // namespace hearth::mux
