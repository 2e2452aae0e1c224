// EMMs onto a multiplexer: the EMMG of ETSI TS 103 197, clause 6, as a client over TCP, with the data over
// the same connection or over UDP.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "src/app/section_sink.h"
#include "src/base/endpoint.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/status.h"
#include "src/mpegts/packet.h"
#include "src/simulcrypt/emmg_session.h"

namespace hearth::gateway {

struct EmmgOutputOptions {
  std::string name;  // of the multiplexer, in logs and metrics
  Endpoint mux;
  std::optional<Endpoint> udp;  // where data_provision goes; set-up stays on TCP
  simulcrypt::EmmgOptions session;
  // How this multiplexer counts air time.
  mpegts::Packing packing = mpegts::Packing::kPadded;
  // How much air time may be caught up at once after a late wake-up. Multiplexers have short queues.
  std::chrono::microseconds burst{5000};
  // What is kept for a multiplexer that does not take it. More is thrown away whole: what it would say is out
  // of date by then, and on_gap asks for the state as it is.
  size_t queue_sections = 200'000;
  std::chrono::milliseconds first_retry{500};
  std::chrono::milliseconds last_retry{30'000};
  std::chrono::milliseconds connect_timeout{5000};
};

// One multiplexer. Connects, sets up, asks for bandwidth and keeps to what is granted; when the connection is
// lost it tries again, at growing intervals and for ever, and goes on with what was not sent, and with what
// went into the connection in its last two seconds, which may not have arrived.
//
// Write and Backlog: one thread; they never wait. The rest happens on a thread of its own.
class EmmgOutput final : public app::SectionSink {
 public:
  // `on_gap` is called, from the thread of the output, when a multiplexer can be reached again for which
  // sections were thrown away. CONFIG_VALUE_INVALID. Metrics and logger must outlive it.
  static Result<std::unique_ptr<EmmgOutput>> Create(const EmmgOutputOptions& options,
                                                    std::function<void()> on_gap, MetricsRegistry& metrics,
                                                    Logger& log);
  // Closes stream and channel in order, for at most a second.
  ~EmmgOutput() override;

  // That of the multiplexer.
  std::string_view name() const override;
  // Always taken.
  Status Write(std::span<const Bytes> sections) override;
  Status WriteFirst(std::span<const Bytes> sections) override;
  size_t Backlog() const override;
  std::optional<app::Pace> pace() const override;

 private:
  class Impl;  // hides Boost.Asio

  explicit EmmgOutput(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::gateway
