// The gRPC server: all services of hearth.v1, the standard health service and reflection, on one address.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "src/app/head_end.h"
#include "src/base/clock.h"
#include "src/base/endpoint.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/random.h"
#include "src/base/status.h"

namespace hearth::rpc {

// PEM files, read once at start.
struct TlsFiles {
  std::filesystem::path certificate;  // the server's chain
  std::filesystem::path key;
  std::filesystem::path client_ca;  // who may connect
};

struct ServerOptions {
  Endpoint listen;
  // Mutual TLS; without it the server is insecure, whoever connects names himself, and only development may
  // do so.
  std::optional<TlsFiles> tls;
  Limits limits;
  std::string version;
  std::string site;
};

// Serves from Start on. Any thread. What is passed to Start must outlive it.
class Server {
 public:
  // FILE_UNREADABLE (a TLS file), CONFIG_VALUE_INVALID (the address cannot be bound, or TLS refuses a file).
  static Result<std::unique_ptr<Server>> Start(app::HeadEnd& head_end, const ServerOptions& options,
                                               const Clock& clock, RandomSource& random,
                                               MetricsRegistry& metrics, Logger& log);
  // Shuts down without patience, unless Shutdown was called.
  ~Server();

  // As given, with the port that is really bound.
  const Endpoint& listening() const { return listening_; }

  // Health answers NOT_SERVING from now on; calls are still taken.
  void Drain();
  // No new calls; those that run may finish within `patience`, the others are cancelled. Blocks until all
  // are gone.
  void Shutdown(std::chrono::milliseconds patience);

 private:
  struct Impl;

  explicit Server(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
  Endpoint listening_;
};

}  // namespace hearth::rpc
