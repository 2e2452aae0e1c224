// A TCP server that sends back what it gets, with nothing in between: what the network and the kernel allow
// an ECMG under the same client.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "src/base/endpoint.h"
#include "src/base/status.h"
#include "tools/net/socket.h"

namespace hearth::bench {

// Serves on 127.0.0.1 from Create until destroyed, with `threads` threads, each with the connections it was
// given in turn.
class EchoServer {
 public:
  static Result<std::unique_ptr<EchoServer>> Create(size_t threads);
  ~EchoServer();

  Endpoint listening() const { return {"127.0.0.1", net::LocalPort(listener_)}; }

 private:
  struct Worker {
    net::Fd epoll;
    std::vector<net::Fd> connections;  // for their end only
    std::thread thread;
  };

  EchoServer() = default;
  void Serve(const Worker& worker);
  void AcceptAll();

  net::Fd listener_;
  net::Fd wake_;
  std::vector<std::unique_ptr<Worker>> workers_;
  size_t next_ = 0;
  std::atomic<bool> stopping_{false};
};

}  // namespace hearth::bench
