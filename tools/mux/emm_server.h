// The MUX's side of EMMG <=> MUX for several EMMGs at once, over TCP and UDP.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/endpoint.h"
#include "src/simulcrypt/mux_session.h"
#include "tools/mux/multiplex.h"
#include "tools/net/socket.h"

namespace hearth::mux {

struct EmmServerOptions {
  Endpoint listen;
  std::optional<Endpoint> udp;
  simulcrypt::MuxOptions session;
  size_t max_connections = 16;
};

// One thread; waits in Poll only.
class EmmServer {
 public:
  // OUTPUT_FAILED when it cannot listen. `multiplex` must outlive it.
  static Result<std::unique_ptr<EmmServer>> Create(const EmmServerOptions& options, Multiplex& multiplex);
  ~EmmServer();

  // Waits at most `timeout` for something to come, and takes all of it.
  void Poll(std::chrono::milliseconds timeout);

  uint16_t tcp_port() const { return net::LocalPort(listener_); }
  uint16_t udp_port() const { return net::LocalPort(udp_); }
  size_t connections() const { return connections_.size(); }
  uint64_t errors_sent() const { return errors_sent_; }
  // UDP payloads that are no data_provision of an open stream.
  uint64_t udp_refused() const { return udp_refused_; }

  // Told in words of what EMMGs do.
  using OnEvent = std::function<void(const std::string&)>;
  void set_on_event(OnEvent on_event) { on_event_ = std::move(on_event); }

 private:
  class Connection;

  EmmServer(const EmmServerOptions& options, Multiplex& multiplex);
  void AcceptAll();
  void TakeDatagrams();
  void Tell(const std::string& text) const;

  EmmServerOptions options_;
  Multiplex& multiplex_;
  net::Fd listener_;
  net::Fd udp_;
  std::vector<std::unique_ptr<Connection>> connections_;
  uint64_t errors_sent_ = 0;
  uint64_t udp_refused_ = 0;
  OnEvent on_event_;
};

}  // namespace hearth::mux
