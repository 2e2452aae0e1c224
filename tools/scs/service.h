// One programme under scrambling: its crypto periods, its words, its ECMs on the air.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/random.h"
#include "src/base/status.h"
#include "src/mpegts/packet.h"
#include "tools/scs/ecm_source.h"
#include "tools/ts/cipher.h"
#include "tools/ts/inserter.h"

namespace hearth::scs {

using StreamTime = std::chrono::nanoseconds;

struct CryptoOptions {
  ts::Algorithm algorithm = ts::Algorithm::kCsa;
  std::chrono::milliseconds crypto_period{10'000};
};

// What became of the crypto periods; for people and tests.
struct ServiceCounts {
  uint64_t periods = 0;        // begun
  uint64_t late = 0;           // begun late because their ECM was not there
  StreamTime late_longest{0};  // by how much
  uint64_t ecms = 0;           // received
  uint64_t ecm_packets = 0;    // sent, repetitions included
  uint64_t scrambled = 0;      // packets
};

// Crypto period n runs from its beginning to that of n + 1, and is scrambled with word n. The ECM of n goes
// out again and again from delay_start after the beginning of n to delay_stop after its end; it is asked for
// when n - 1 begins. A period whose ECM has not come does not begin: the one before goes on. One thread.
class Service {
 public:
  // `stream` is the number that `source` knows it by. Both references must outlive it.
  Service(size_t stream, mpegts::Pid ecm_pid, const CryptoOptions& options, EcmSource& source,
          RandomSource& random);

  // Asks for the first ECM. The source's terms are read here.
  Status Begin();
  Status Take(const Ecm& ecm);
  // The first ECM has come.
  bool ready() const { return has(0); }
  // Period n + 1 is due at `now`, and its ECM has not come.
  bool Waits(StreamTime now) const { return now >= next_begins_ && !has(period_ + 1); }

  // Starts crypto period 0.
  Status Start(StreamTime now);
  // Begins what is due and puts ECMs that are due into `inserter`.
  Status Advance(StreamTime now, ts::Inserter* inserter);
  // Sends the present ECM at the next Advance, whenever the last one was.
  void Repeat() { next_ecm_.reset(); }
  // Scrambles a packet of one of the programme's components; passes over what is scrambled already.
  void Scramble(mpegts::Packet* packet);

  uint64_t period() const { return static_cast<uint64_t>(period_); }
  mpegts::Pid ecm_pid() const { return ecm_pid_; }
  const ServiceCounts& counts() const { return counts_; }

 private:
  struct OnAir {
    int64_t period = 0;
    Bytes datagram;
  };

  bool has(int64_t period) const { return newest_ecm_ >= period; }
  const Bytes& WordOf(int64_t period);
  Status AskFor(int64_t period);
  Status BeginPeriod(int64_t period, StreamTime now);
  StreamTime FirstSending(int64_t period) const;
  bool Over(int64_t period, StreamTime now) const;
  Status SendEcm(StreamTime now, ts::Inserter* inserter);

  size_t stream_;
  mpegts::Pid ecm_pid_;
  CryptoOptions options_;
  EcmSource& source_;
  RandomSource& random_;
  EcmTerms terms_;
  mpegts::Packetiser packetiser_;
  ts::WordPair words_;
  std::map<int64_t, Bytes> word_of_;  // the last few periods and those ahead
  int64_t period_ = 0;
  int64_t asked_ = -1;
  int64_t newest_ecm_ = -1;
  StreamTime begins_{0};       // of period_
  StreamTime next_begins_{0};  // as planned
  std::deque<OnAir> ecms_;     // ascending; the last may be of the next period
  std::optional<StreamTime> next_ecm_;
  ServiceCounts counts_;
};

}  // namespace hearth::scs
