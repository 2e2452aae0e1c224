// The box's way from a transport stream to one programme in the clear: finds the programme in PAT and PMT,
// the EMMs by the CAT, hands EMMs and ECMs out and descrambles with the words it is given back. Knows no
// card.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/receiver/receiver.h"
#include "tools/ts/cipher.h"
#include "tools/ts/psi.h"
#include "tools/ts/sections.h"
#include "tools/ts/stream_clock.h"

namespace hearth::receiver {

struct TunerOptions {
  std::optional<uint16_t> service;       // programme number; without it the first of the PAT
  std::optional<uint16_t> ca_system_id;  // whose CA_descriptors count; without it those of any system
  uint8_t suite = 1;                     // of these, the ones whose private byte says so, or that have none
};

// One crypto period: from one change of the words' parity to the next.
struct Period {
  uint64_t number = 0;               // counted from 0 by this receiver
  std::chrono::nanoseconds begin{};  // stream time
  ts::Parity parity = ts::Parity::kEven;
  uint64_t packets = 0;  // scrambled ones of the programme
  uint64_t dark = 0;     // of these, left scrambled
  Screen screen;         // why some are

  bool lit() const { return dark == 0; }
};

// What the tuner asks and tells. Must outlive it.
class TunerHost {
 public:
  virtual ~TunerHost() = default;
  virtual void OnEmm(ByteView section) = 0;
  // Called for each repetition: what the card says now holds from now on.
  virtual EcmResult OnEcm(ByteView section) = 0;
  // A crypto period has ended.
  virtual void OnPeriod(const Period& period) = 0;
};

// One thread.
class Tuner {
 public:
  explicit Tuner(const TunerOptions& options, TunerHost& host) : options_(options), host_(host) {}

  // Descrambles `packet` in place if it is of the programme and its word is known; else leaves it as it is.
  void Push(mpegts::Packet& packet);
  // The stream has ended: tells the last period.
  void Finish();

  std::optional<uint16_t> service() const { return service_; }
  std::optional<mpegts::Pid> ecm_pid() const { return ecm_pid_; }
  std::vector<mpegts::Pid> emm_pids() const;
  // The programme's PMT was found and announces no CA system that counts.
  bool announced_clear() const { return have_pmt_ && !ecm_pid_; }
  // Why there is nothing to descramble: "" when there is.
  std::string Missing() const;
  std::chrono::nanoseconds now() const;

 private:
  void OnPat(ByteView section);
  void OnCat(ByteView section);
  void OnPmt(ByteView section);
  void OnEcm(ByteView section);
  bool Counts(const mpegts::CaDescriptor& descriptor) const;
  void Descramble(mpegts::Packet& packet, const mpegts::PacketHeader& header);
  void NoteJudged(const EcmResult& result, ts::Parity first);

  TunerOptions options_;
  TunerHost& host_;
  ts::SectionAssembler pat_;
  ts::SectionAssembler cat_;
  ts::SectionAssembler pmt_;
  ts::SectionAssembler ecm_;
  std::map<mpegts::Pid, ts::SectionAssembler> emms_;
  std::optional<uint16_t> service_;
  std::optional<mpegts::Pid> pmt_pid_;
  std::optional<mpegts::Pid> ecm_pid_;
  std::vector<mpegts::Pid> components_;
  std::optional<mpegts::Pid> pcr_pid_;
  std::optional<ts::StreamClock> clock_;
  bool have_pat_ = false;
  bool have_pmt_ = false;
  ts::WordPair words_;
  Screen screen_;
  std::optional<Period> period_;
  uint64_t periods_ = 0;
};

}  // namespace hearth::receiver
