// An ECMG in this process as the daemon has it, over channels, criteria and keys made up here.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "src/app/ecm_snapshot.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mutex.h"
#include "src/base/random.h"
#include "src/gateway/ecm_lane.h"
#include "src/gateway/ecmg_server.h"
#include "src/metrics/metrics.h"

namespace hearth::bench {

inline constexpr uint32_t kBenchSuperCasId = 0x4A75'0001;

// The snapshot in force, handed out under a lock as the daemon does. Any thread.
class SnapshotHolder {
 public:
  std::shared_ptr<const app::EcmSnapshot> Get() const {
    const MutexLock lock(mu_);
    return snapshot_;
  }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void Set(std::shared_ptr<const app::EcmSnapshot> snapshot) {
    const MutexLock lock(mu_);
    snapshot_ = std::move(snapshot);
    version_.fetch_add(1, std::memory_order_release);
  }

 private:
  std::atomic<uint64_t> version_{0};
  mutable Mutex mu_;
  std::shared_ptr<const app::EcmSnapshot> snapshot_ HEARTH_GUARDED_BY(mu_);
};

// Services 1 to `services`, each with a random key for the epoch in use and the next, and the criteria of its
// channel with a few windows of a plan around now. CRYPTO_FAILED.
Result<std::shared_ptr<const app::EcmSnapshot>> MakeEcmSnapshot(size_t services, RandomSource& random,
                                                                UnixMillis now);

// Gives the same bytes whatever is asked: what the protocol costs without any ECM made.
class IdleMaker final : public gateway::EcmMaker {
 public:
  bool Knows(ServiceId /*service*/) const override { return true; }
  gateway::EcmOutcome Make(const gateway::EcmDemand& demand, Bytes& section) const override;
};

// One server with metrics of its own, as Prometheus scrapes them.
class EcmgSite {
 public:
  // Errors as EcmgServer::Create. `maker` must outlive it.
  static Result<std::unique_ptr<EcmgSite>> Create(const gateway::EcmMaker& maker, size_t threads);

  const Endpoint& listening() const { return server_->listening(); }

 private:
  EcmgSite() = default;

  NullLogger log_;
  metrics::PrometheusRegistry metrics_;
  std::unique_ptr<gateway::EcmgServer> server_;
};

}  // namespace hearth::bench
