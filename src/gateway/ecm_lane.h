// ECMs for the ECMG, from what is in force: channels, plans and keys in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "src/app/ecm_snapshot.h"
#include "src/gateway/ecmg_server.h"

namespace hearth::gateway {

// Any thread.
class EcmLane final : public EcmMaker {
 public:
  // Where it comes from: version and now are called for every ECM, so they must be quick and never wait.
  struct Source {
    std::function<std::shared_ptr<const app::EcmSnapshot>()> snapshot;
    // Changes after each change of the snapshot: a thread that makes ECMs keeps its snapshot until then,
    // because the count of a shared_ptr that all threads write to costs as much as half an ECM.
    std::function<uint64_t()> version;
    std::function<UnixMillis()> now;  // what goes on the air as UTC
  };
  explicit EcmLane(Source source);

  bool Knows(ServiceId service) const override;
  EcmOutcome Make(const EcmDemand& demand, Bytes& section) const override;

 private:
  // Of this thread, until its next call.
  const app::EcmSnapshot& Current() const;

  const uint64_t id_;  // among the lanes that this process has had
  const Source source_;
};

}  // namespace hearth::gateway
