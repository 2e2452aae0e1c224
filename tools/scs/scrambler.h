// A scrambler for a transport stream: programmes in, the same with scrambled components, ECMs and
// CA_descriptors out. Knows no socket and no wall clock: time is the stream's own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/scs/service.h"
#include "tools/ts/inserter.h"
#include "tools/ts/psi.h"
#include "tools/ts/sections.h"
#include "tools/ts/stream_clock.h"
#include "tools/ts/table_rewriter.h"

namespace hearth::scs {

struct ServiceOptions {
  std::optional<uint16_t> programme;  // without it the first of the PAT
  mpegts::Pid ecm_pid{0x0300};
};

struct ScramblerOptions {
  std::vector<ServiceOptions> services;  // in the order of the source's streams
  CryptoOptions crypto;
  uint16_t ca_system_id = 0;
  Bytes private_bytes{0x01};  // of the CA_descriptors: the suite
  // A crypto period whose ECM is late: true, the stream stands still and waits; false, the period before goes
  // on.
  bool wait_for_ecms = true;
  // How long the stream waits for an ECM, and for the first ones in any case.
  std::chrono::milliseconds patience{10'000};
  // How long a packet of ours waits for a null packet.
  std::chrono::milliseconds null_patience{20};
};

// One thread.
class Scrambler {
 public:
  // FIELD_INVALID: no programme, one named twice, two with one ECM PID, a PID that is reserved.
  static Result<std::unique_ptr<Scrambler>> Create(const ScramblerOptions& options, EcmSource& source,
                                                   RandomSource& random);

  // Takes a packet and appends what goes out to `out`: nothing until the tables of all programmes have come
  // and the first ECMs; then what was held, too. SECTION_MALFORMED when the tables do not come, a programme
  // is missing, its components have a CA system already or an ECM PID is in use; OUTPUT_FAILED when an ECM
  // does not come in time.
  Status Push(const mpegts::Packet& packet, Bytes* out);
  // The stream has ended: what still waits goes out.
  Status Finish(Bytes* out);

  // Called for each crypto period that begins: of which programme, which one, at what time.
  using OnPeriod = std::function<void(uint16_t programme, uint64_t period, StreamTime at)>;
  void set_on_period(OnPeriod on_period) { on_period_ = std::move(on_period); }

  StreamTime now() const { return clock_ ? clock_->now() : StreamTime(0); }
  size_t service_count() const { return services_.size(); }
  uint16_t programme(size_t service) const { return services_[service].number.value_or(0); }
  const ServiceCounts& counts(size_t service) const { return services_[service].crypto->counts(); }
  const ts::Inserter& inserter() const { return inserter_; }
  // Packets of the programmes that came scrambled, and were passed on so.
  uint64_t already_scrambled() const { return already_scrambled_; }

 private:
  struct Programme {
    std::optional<uint16_t> number;
    std::optional<mpegts::Pid> pmt_pid;
    std::optional<ts::Pmt> pmt;
    std::set<mpegts::Pid> components;  // those in PES
    std::unique_ptr<Service> crypto;
    uint64_t told = 0;
    bool announced = false;
  };

  Scrambler(const ScramblerOptions& options, EcmSource& source, RandomSource& random);

  Status Learn(const mpegts::Packet& packet);
  void OnPat(ByteView section);
  void OnPmt(ByteView section);
  bool Learned() const;
  std::string Unlearned() const;
  Status CheckPids() const;
  Status Start();
  Status WaitFor(const std::function<bool()>& done, std::string_view what);
  Status TakeEcms(std::chrono::milliseconds timeout);
  Status Process(const mpegts::Packet& packet, Bytes* out);
  Status AdvanceAll();
  Status PassTable(const mpegts::Packet& packet, ts::TableRewriter& rewriter, Bytes* out);
  std::optional<Bytes> Announce(ByteView section);

  ScramblerOptions options_;
  EcmSource& source_;
  std::vector<Programme> services_;
  ts::SectionAssembler pat_;
  std::map<mpegts::Pid, ts::SectionAssembler> pmts_;
  std::map<mpegts::Pid, ts::TableRewriter> rewriters_;
  std::optional<ts::StreamClock> clock_;
  ts::Inserter inserter_;
  std::vector<mpegts::Packet> held_;
  bool have_pat_ = false;
  bool started_ = false;
  uint64_t packets_ = 0;
  uint64_t already_scrambled_ = 0;
  OnPeriod on_period_;
};

}  // namespace hearth::scs
