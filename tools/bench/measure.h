// Clocks, threads, counters and directories of the benchmarks.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "src/base/metrics.h"
#include "src/base/mutex.h"
#include "src/base/status.h"

namespace hearth::bench {

// Two sides of a comparison take turns this often, so that both see the same state of a shared machine.
inline constexpr int kRounds = 5;

// Work done in a time. Slices add up.
struct Rate {
  uint64_t count = 0;
  double seconds = 0;

  Rate& operator+=(const Rate& other) {
    count += other.count;
    seconds += other.seconds;
    return *this;
  }
  double per_second() const { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }
};

// a's rate by b's; 0 when b did nothing.
double Ratio(const Rate& a, const Rate& b);

double WallSeconds();
// Processor time of the calling thread: what others take from a shared core does not count.
double ThreadCpuSeconds();

// Calls work(n) for ascending n until the thread has used `cpu_seconds`, or three times as much wall time has
// passed; at least once. The first error ends it. Counts processor time of this thread.
Result<Rate> RunOnCore(double cpu_seconds, uint64_t& n, const std::function<Status(uint64_t)>& work);

// Lets `threads` threads work until `seconds` of wall time are over; each calls work(its number) again and
// again, each call counts as one. The first error ends all. Counts wall time until the last has returned.
Result<Rate> RunThreads(size_t threads, double seconds, const std::function<Status(size_t)>& work);

// A new directory below `parent` (empty: the system's temporary one), removed with all it holds.
class TempDir {
 public:
  // FILE_UNREADABLE when it cannot be made.
  static Result<std::unique_ptr<TempDir>> Create(const std::filesystem::path& parent);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// Remembers counters by name (labels add up) and nothing else. Any thread.
class CountingMetrics final : public MetricsRegistry {
 public:
  Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels) override;
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels) override {
    return none_.GetGauge(name, help, labels);
  }
  Histogram& GetHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                          const Labels& labels) override {
    return none_.GetHistogram(name, help, std::move(bounds), labels);
  }
  uint64_t CountOf(std::string_view name) const;

 private:
  struct AtomicCounter final : Counter {
    void Add(double amount) override { value += static_cast<uint64_t>(amount); }
    std::atomic<uint64_t> value{0};
  };

  NullMetrics none_;
  mutable Mutex mu_;
  std::map<std::string, AtomicCounter, std::less<>> counters_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::bench
