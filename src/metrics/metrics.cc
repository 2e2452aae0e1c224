#include "src/metrics/metrics.h"

#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "src/base/mutex.h"
#include "src/metrics/process.h"

namespace hearth::metrics {
namespace {

class CounterSeries final : public Counter {
 public:
  explicit CounterSeries(prometheus::Counter& series) : series_(series) {}
  void Add(double amount) override { series_.Increment(amount); }

 private:
  prometheus::Counter& series_;
};

class GaugeSeries final : public Gauge {
 public:
  explicit GaugeSeries(prometheus::Gauge& series) : series_(series) {}
  void Set(double value) override { series_.Set(value); }

 private:
  prometheus::Gauge& series_;
};

class HistogramSeries final : public Histogram {
 public:
  explicit HistogramSeries(prometheus::Histogram& series) : series_(series) {}
  void Observe(double value) override { series_.Observe(value); }

 private:
  prometheus::Histogram& series_;
};

// The wrappers of one kind of series. Any thread.
template <typename Wrapper, typename Base>
class Wrappers {
 public:
  // The wrapper of the series that `builder` and `args` give, made when it is new; nullptr when
  // prometheus-cpp refuses its name or labels, which it says by throwing.
  template <typename Builder, typename... Args>
  Base* Get(prometheus::Registry& registry, Builder builder, std::string_view name, std::string_view help,
            const Labels& labels, Args&&... args) {
    const prometheus::Labels as_map(labels.begin(), labels.end());
    MutexLock lock(mutex_);
    try {
      auto& family = builder.Name(std::string(name)).Help(std::string(help)).Register(registry);
      auto& series = family.Add(as_map, std::forward<Args>(args)...);
      auto& wrapper = by_series_[&series];
      if (!wrapper) wrapper = std::make_unique<Wrapper>(series);
      return wrapper.get();
    } catch (const std::invalid_argument&) {
      return nullptr;
    }
  }

 private:
  Mutex mutex_;
  std::map<const void*, std::unique_ptr<Base>> by_series_ HEARTH_GUARDED_BY(mutex_);
};

}  // namespace

class PrometheusRegistry::Impl {
 public:
  const std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  Wrappers<CounterSeries, Counter> counters;
  Wrappers<GaugeSeries, Gauge> gauges;
  Wrappers<HistogramSeries, Histogram> histograms;
  NullMetrics none;
  prometheus::Counter& refused = prometheus::BuildCounter()
                                     .Name("hearth_metrics_refused_total")
                                     .Help("Series that could not be made: a defect, please report it")
                                     .Register(*registry)
                                     .Add({});
};

PrometheusRegistry::PrometheusRegistry() : impl_(std::make_unique<Impl>()) {}
PrometheusRegistry::~PrometheusRegistry() = default;

Counter& PrometheusRegistry::GetCounter(std::string_view name, std::string_view help, const Labels& labels) {
  Counter* series = impl_->counters.Get(*impl_->registry, prometheus::BuildCounter(), name, help, labels);
  if (series != nullptr) return *series;
  impl_->refused.Increment();
  return impl_->none.GetCounter(name, help, labels);
}

Gauge& PrometheusRegistry::GetGauge(std::string_view name, std::string_view help, const Labels& labels) {
  Gauge* series = impl_->gauges.Get(*impl_->registry, prometheus::BuildGauge(), name, help, labels);
  if (series != nullptr) return *series;
  impl_->refused.Increment();
  return impl_->none.GetGauge(name, help, labels);
}

Histogram& PrometheusRegistry::GetHistogram(std::string_view name, std::string_view help,
                                            std::vector<double> bounds, const Labels& labels) {
  Histogram* series = impl_->histograms.Get(*impl_->registry, prometheus::BuildHistogram(), name, help,
                                            labels, prometheus::Histogram::BucketBoundaries(bounds));
  if (series != nullptr) return *series;
  impl_->refused.Increment();
  return impl_->none.GetHistogram(name, help, std::move(bounds), labels);
}

class MetricsServer::Impl {
 public:
  // Throws when the address cannot be bound. Two threads: a scrape that hangs does not block the next one.
  // A client that sends nothing is dropped after 5 s, so that it cannot hold a thread.
  Impl(const std::shared_ptr<prometheus::Registry>& registry, const std::string& listen)
      : registry_(registry),
        exposer_(std::vector<std::string>{"listening_ports", listen, "num_threads", "2", "request_timeout_ms",
                                          "5000"}) {
    exposer_.RegisterCollectable(registry_);
    exposer_.RegisterCollectable(process_);
  }

  std::vector<int> ports() const { return exposer_.GetListeningPorts(); }

 private:
  std::shared_ptr<prometheus::Registry> registry_;  // the exposer holds it weakly only
  std::shared_ptr<ProcessFigures> process_ = std::make_shared<ProcessFigures>();
  prometheus::Exposer exposer_;
};

Result<std::unique_ptr<MetricsServer>> MetricsServer::Create(const PrometheusRegistry& registry,
                                                             const Endpoint& listen) {
  const std::string address = ToString(listen);
  std::string cause = "no port is bound";
  try {
    auto impl = std::make_unique<Impl>(registry.impl_->registry, address);
    const std::vector<int> ports = impl->ports();
    if (!ports.empty()) {
      Endpoint listening{listen.host, static_cast<uint16_t>(ports.front())};
      return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl), std::move(listening)));
    }
  } catch (const std::exception& failure) {  // CivetException, which the header does not show
    cause = failure.what();
  }
  return Error(Reason::kConfigValueInvalid,
               fmt::format("metrics.listen: cannot listen on {}: is the address this host's, and free?",
                           address))
      .Detail(std::move(cause));
}

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl, Endpoint listening)
    : impl_(std::move(impl)), listening_(std::move(listening)) {}
MetricsServer::~MetricsServer() = default;

}  // namespace hearth::metrics
