#include "tools/bench/measure.h"

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include <stdlib.h>
#include <time.h>

namespace hearth::bench {
namespace {

// Work between two looks at the clock.
constexpr int kBurst = 32;
// On a crowded machine a second of processor time may take long; then less of it has to do.
constexpr double kMostWall = 3;

}  // namespace

double Ratio(const Rate& a, const Rate& b) {
  return b.per_second() > 0 ? a.per_second() / b.per_second() : 0;
}

double WallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double ThreadCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Result<Rate> RunOnCore(double cpu_seconds, uint64_t& n, const std::function<Status(uint64_t)>& work) {
  Rate rate;
  const double begin = ThreadCpuSeconds();
  const double wall_end = WallSeconds() + kMostWall * cpu_seconds;
  do {
    for (int i = 0; i < kBurst; ++i) HEARTH_RETURN_IF_ERROR(work(n++));
    rate.count += kBurst;
    rate.seconds = ThreadCpuSeconds() - begin;
  } while (rate.seconds < cpu_seconds && WallSeconds() < wall_end);
  return rate;
}

Result<Rate> RunThreads(size_t threads, double seconds, const std::function<Status(size_t)>& work) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> count{0};
  Mutex mu;
  std::optional<Error> failure;
  const double begin = WallSeconds();
  const auto run = [&](size_t thread) {
    uint64_t done = 0;
    while (!stop) {
      if (Status status = work(thread); !status) {
        const MutexLock lock(mu);
        failure = status.error();
        stop = true;
        break;
      }
      ++done;
      if (WallSeconds() - begin >= seconds) stop = true;
    }
    count += done;
  };
  std::vector<std::thread> pool;
  for (size_t t = 0; t < threads; ++t) pool.emplace_back(run, t);
  for (std::thread& thread : pool) thread.join();
  if (failure) return *failure;
  return Rate{.count = count, .seconds = WallSeconds() - begin};
}

Result<std::unique_ptr<TempDir>> TempDir::Create(const std::filesystem::path& parent) {
  std::error_code code;
  const auto base = parent.empty() ? std::filesystem::temp_directory_path(code) : parent;
  std::string name = (base / "hearth-bench-XXXXXX").string();
  if (code || mkdtemp(name.data()) == nullptr) {
    return Error(Reason::kFileUnreadable,
                 "no directory can be made in " + base.string() + "; name one with --dir");
  }
  return std::unique_ptr<TempDir>(new TempDir(name));
}

TempDir::~TempDir() {
  std::error_code code;
  std::filesystem::remove_all(path_, code);
}

Counter& CountingMetrics::GetCounter(std::string_view name, std::string_view, const Labels&) {
  const MutexLock lock(mu_);
  return counters_[std::string(name)];
}

uint64_t CountingMetrics::CountOf(std::string_view name) const {
  const MutexLock lock(mu_);
  const auto found = counters_.find(name);
  return found == counters_.end() ? 0 : found->second.value.load();
}

}  // namespace hearth::bench
