// What the store's tests share: directories, seeds, metrics that can be read, engines that misbehave.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/metrics.h"
#include "src/base/mutex.h"
#include "src/store/engine.h"

namespace hearth::store {

// A new directory, removed with all it holds at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// HEARTH_TEST_SEED, or a new one; printed either way.
uint64_t TestSeed();
// The number in the environment variable, or `otherwise`.
int EnvNumber(const char* name, int otherwise);

// Remembers the sum of counters, the last value of gauges, the count of histograms. Any thread.
class TestMetrics final : public MetricsRegistry {
 public:
  Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels) override;
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels) override;
  Histogram& GetHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                          const Labels& labels) override;
  double Value(std::string_view name);

 private:
  struct Series;
  Series& Get(std::string_view name);

  Mutex mu_;
  std::map<std::string, std::shared_ptr<Series>, std::less<>> series_ HEARTH_GUARDED_BY(mu_);
};

// Forwards to an engine that may outlive it, so that a store in memory can be reopened; `on_apply` is asked
// before each Apply and may refuse (nothing is written), or refuse after the write.
class HookedEngine final : public Engine {
 public:
  enum class Verdict : uint8_t { kApply, kFailBefore, kFailAfter };
  using Hook = std::function<Verdict()>;

  explicit HookedEngine(std::shared_ptr<Engine> inner, Hook on_apply = nullptr)
      : inner_(std::move(inner)), on_apply_(std::move(on_apply)) {}

  Status Apply(std::vector<Write> writes) override;
  Result<std::optional<std::string>> Get(std::string_view key) override { return inner_->Get(key); }
  Result<ScanPage> Scan(std::string_view from, std::string_view end, size_t limit) override {
    return inner_->Scan(from, end, limit);
  }

 private:
  const std::shared_ptr<Engine> inner_;
  const Hook on_apply_;
};

}  // namespace hearth::store
