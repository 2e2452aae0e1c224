// Metrics, as an interface: libraries ask for a series once and bump it; src/metrics serves Prometheus.
// Names follow Prometheus: hearth_<part>_<what>_<unit>[_total].
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth {

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void Add(double amount) = 0;
  void Increment() { Add(1); }
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value) = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void Observe(double value) = 0;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// Any thread. Series live as long as the registry; asking twice for the same name and labels gives the same
// series. Ask at construction, not on a hot path.
class MetricsRegistry {
 public:
  virtual ~MetricsRegistry() = default;
  virtual Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels = {}) = 0;
  virtual Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels = {}) = 0;
  // `bounds` ascending, in the unit of the name.
  virtual Histogram& GetHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                                  const Labels& labels = {}) = 0;
};

// Counts nothing; for tests and tools. Any thread.
class NullMetrics final : public MetricsRegistry {
 public:
  Counter& GetCounter(std::string_view, std::string_view, const Labels&) override { return counter_; }
  Gauge& GetGauge(std::string_view, std::string_view, const Labels&) override { return gauge_; }
  Histogram& GetHistogram(std::string_view, std::string_view, std::vector<double>, const Labels&) override {
    return histogram_;
  }

 private:
  struct NoCounter final : Counter {
    void Add(double) override {}
  } counter_;
  struct NoGauge final : Gauge {
    void Set(double) override {}
  } gauge_;
  struct NoHistogram final : Histogram {
    void Observe(double) override {}
  } histogram_;
};

}  // namespace hearth
