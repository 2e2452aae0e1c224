// Puts the parts of hearthd together after a configuration, in the right order, and takes them apart again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "src/base/clock.h"
#include "src/base/status.h"
#include "src/daemon/config.h"
#include "src/log/log.h"

namespace hearth::daemon {

// "hearthd 0.1.0".
std::string_view Version();

// What is bound; 0 where there is none.
struct Ports {
  uint16_t grpc = 0;
  uint16_t metrics = 0;
  uint16_t sections = 0;
  uint16_t ecmg = 0;
};

// A running head-end. One thread; clock and log must outlive it.
class Daemon {
 public:
  // Serves when it returns. The port file is written last: who sees it can connect. Errors say which key of
  // the configuration they are about, where there is one.
  // `restored`: the operator says that the store is a copied-back backup; see HeadEndOptions.
  // With Role::kEcm it waits for a lane file until there is one, or `stop` says so: then nullptr.
  static Result<std::unique_ptr<Daemon>> Start(const Config& config, Role role, bool restored,
                                               const Clock& clock, Logger& log,
                                               const std::function<bool()>& stop);
  // Stop, without patience.
  ~Daemon();

  const Ports& ports() const;

  // Health says NOT_SERVING, changes are refused, running calls may finish within `patience`, what is due
  // goes to the outputs, the store is closed. Again: no effect.
  void Stop(std::chrono::milliseconds patience);

 private:
  struct Parts;

  explicit Daemon(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace hearth::daemon
