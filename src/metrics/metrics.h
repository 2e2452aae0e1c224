// The metrics of the daemon, kept by prometheus-cpp, and the HTTP server that Prometheus scrapes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "src/base/endpoint.h"
#include "src/base/metrics.h"
#include "src/base/status.h"

namespace hearth::metrics {

// Any thread. Asking takes a lock, bumping a series takes none. A name or label that Prometheus does not
// allow, or a name in use for another kind of series, is a defect of ours: such a series counts nothing and
// shows up in hearth_metrics_refused_total. Help and bounds stay as they were first asked for.
class PrometheusRegistry final : public MetricsRegistry {
 public:
  PrometheusRegistry();
  ~PrometheusRegistry() override;

  Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels) override;
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels) override;
  Histogram& GetHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                          const Labels& labels) override;

 private:
  friend class MetricsServer;
  class Impl;  // hides prometheus-cpp
  std::unique_ptr<Impl> impl_;
};

// Serves GET /metrics over plain HTTP (Prometheus text format) with threads of its own, from Create until
// destroyed, which takes up to 2 s: the HTTP library looks for its end only so often. It shows figures to
// anyone who can connect: bind it to an address that only Prometheus reaches.
class MetricsServer {
 public:
  // The registry's series stay alive as long as the server. CONFIG_VALUE_INVALID when the address cannot be
  // bound.
  static Result<std::unique_ptr<MetricsServer>> Create(const PrometheusRegistry& registry,
                                                       const Endpoint& listen);
  ~MetricsServer();

  // As given, with the port that is really bound.
  const Endpoint& listening() const { return listening_; }

 private:
  class Impl;

  MetricsServer(std::unique_ptr<Impl> impl, Endpoint listening);

  std::unique_ptr<Impl> impl_;
  Endpoint listening_;
};

}  // namespace hearth::metrics
