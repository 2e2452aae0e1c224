// Scramblers by the hundred on one thread: asks an ECMG for ECMs as fast as it answers, or all streams at
// once at the beginning of each crypto period. Made to cost little beside what it measures: messages are
// built beforehand and only their numbers and control words change, nothing is allocated for a message, and
// what comes in one read is answered in one write.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/endpoint.h"
#include "src/base/status.h"
#include "tools/bench/latencies.h"
#include "tools/bench/measure.h"
#include "tools/net/socket.h"

namespace hearth::bench {

struct ScsLoadOptions {
  Endpoint ecmg;
  // Nothing: the peer is an EchoServer, there is no set-up, and a CW_provision that comes back is its answer.
  std::optional<uint32_t> super_cas_id;
  // The streams of each connection take the first ones, each at most once.
  std::vector<uint16_t> ecm_ids;
  size_t connections = 1;
  size_t streams = 1;  // of all connections together, spread evenly; at most connections × ecm_ids
  size_t word_bytes = 8;
  uint64_t seed = 1;
  uint16_t crypto_period_100ms = 10;
};

// The control word of a stream's crypto period, so that whoever gets the ECM can say what must be in it.
using LoadWord = std::array<uint8_t, 16>;
LoadWord WordOf(uint64_t seed, uint16_t ecm_id, uint16_t cp);

struct Asked {
  uint64_t asked = 0;     // CW_provisions
  uint64_t answered = 0;  // ECM_responses to them
  uint64_t refused = 0;   // channel_error and stream_error received
  uint64_t dropped = 0;   // connections that ended

  uint64_t lost() const { return asked - answered; }
};

struct Saturated {
  Rate rate;
  Latencies latencies;
};

struct Periods {
  Latencies replies;  // from the beginning of the period
  Latencies slowest;  // of each period
  uint64_t late = 0;  // came after the end of their period, or not at all
  uint64_t lost = 0;  // of these: not at all, within 10 s
};

// One thread.
class ScsLoad {
 public:
  // Connects, and returns when every stream is open. FIELD_INVALID: more streams than the connections and
  // ecm_ids give. OUTPUT_FAILED: no connection, a refusal, or no answer within 10 s.
  static Result<std::unique_ptr<ScsLoad>> Connect(const ScsLoadOptions& options);
  ~ScsLoad();
  ScsLoad(const ScsLoad&) = delete;
  ScsLoad& operator=(const ScsLoad&) = delete;

  // `in_flight` streams of each connection ask anew as soon as they are answered, for `seconds`.
  Saturated Saturate(double seconds, size_t in_flight);
  // All streams ask at once at the beginning of each period, as often as whole ones fit into `seconds`, but
  // at least once. `each` is told the number of each period that is over.
  Periods RunPeriods(double seconds, std::chrono::milliseconds period,
                     const std::function<void(uint64_t)>& each = {});

  // All streams that wait for nothing ask for their next crypto period.
  void AskAll();
  // Until all is answered, at most `seconds`; true then. Ends as well when no connection is left.
  bool Await(double seconds);
  // Until at least one of the questions under way is answered, at most 10 s.
  void AwaitFirst();
  // Connects to another ECMG, sets the same channels and streams up there, and asks again what was not
  // answered. Errors as Connect.
  Status MoveTo(const Endpoint& ecmg);

  // Called for every ECM_datagram, which is valid during the call.
  using OnEcm = std::function<void(uint16_t ecm_id, uint16_t cp, ByteView datagram)>;
  void set_on_ecm(OnEcm on_ecm) { on_ecm_ = std::move(on_ecm); }
  // Since Connect. A question asked again after MoveTo counts once.
  const Asked& counts() const { return counts_; }

 private:
  struct Stream;
  struct Connection;

  explicit ScsLoad(const ScsLoadOptions& options);

  Status OpenAll(const Endpoint& ecmg);
  // Takes what has come, waiting for it until `until`.
  void Poll(std::chrono::nanoseconds until);
  void Read(Connection& connection);
  void Drop(Connection& connection);
  void Flush(Connection& connection);
  void NotAnswered(Stream& stream);
  void Ask(Connection& connection, Stream& stream, std::chrono::nanoseconds now);
  void OnMessage(Connection& connection, ByteView message, std::chrono::nanoseconds now);
  void OnAnswer(Connection& connection, ByteView message, std::chrono::nanoseconds now);

  const ScsLoadOptions options_;
  net::Fd epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  uint8_t words_ = 2;
  uint8_t lead_ = 1;
  Asked counts_;
  uint64_t waiting_ = 0;  // questions that may still be answered
  bool ask_anew_ = false;
  Latencies latencies_;  // of the answers since it was last emptied
  OnEcm on_ecm_;
};

}  // namespace hearth::bench
