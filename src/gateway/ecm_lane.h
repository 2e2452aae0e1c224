// ECMs for the ECMG, from what is in force: channels, plans and keys in memory.
#pragma once

#include <functional>
#include <memory>

#include "src/app/ecm_snapshot.h"
#include "src/gateway/ecmg_server.h"

namespace hearth::gateway {

// Any thread.
class EcmLane final : public EcmMaker {
 public:
  // Where it comes from: called for every ECM, so both must be quick and never wait.
  struct Source {
    std::function<std::shared_ptr<const app::EcmSnapshot>()> snapshot;
    std::function<UnixMillis()> now;  // what goes on the air as UTC
  };
  explicit EcmLane(Source source) : source_(std::move(source)) {}

  bool Knows(ServiceId service) const override;
  EcmOutcome Make(const EcmDemand& demand, Bytes& section) const override;

 private:
  const Source source_;
};

}  // namespace hearth::gateway
