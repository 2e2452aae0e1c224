#include "src/metrics/process.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <malloc.h>
#include <unistd.h>

namespace hearth::metrics {
namespace {

prometheus::MetricFamily Family(std::string name, std::string help, prometheus::MetricType type,
                                double value) {
  prometheus::ClientMetric metric;
  metric.gauge.value = value;
  metric.counter.value = value;
  return {std::move(name), std::move(help), type, {std::move(metric)}};
}

// Fields of /proc/self/stat by their numbers in proc(5), from the fourth on: the second may hold spaces.
std::vector<double> Stat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t end = text.rfind(')');
  std::vector<double> fields(4, 0);
  if (end == std::string::npos || end + 4 > text.size()) return {};
  for (size_t at = end + 4; at < text.size();) {
    size_t used = 0;
    try {
      fields.push_back(std::stod(text.substr(at), &used));
    } catch (const std::exception&) {
      break;
    }
    at += used + 1;
  }
  return fields;
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessFigures::Collect() const {
  constexpr auto kGauge = prometheus::MetricType::Gauge;
  constexpr size_t kUtime = 14;
  constexpr size_t kStime = 15;
  constexpr size_t kVsize = 23;
  constexpr size_t kRss = 24;
  std::vector<prometheus::MetricFamily> families;
  if (const auto stat = Stat(); stat.size() > kRss) {
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    families.push_back(Family("process_cpu_seconds_total", "Processor time, user and system.",
                              prometheus::MetricType::Counter, (stat[kUtime] + stat[kStime]) / ticks));
    families.push_back(Family("process_virtual_memory_bytes", "Virtual memory.", kGauge, stat[kVsize]));
    families.push_back(Family("process_resident_memory_bytes", "Resident memory.", kGauge,
                              stat[kRss] * static_cast<double>(::sysconf(_SC_PAGESIZE))));
  }
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (!error) {
    families.push_back(Family("process_open_fds", "Open file descriptors.", kGauge,
                              static_cast<double>(std::distance(begin(open), end(open)))));
  }
  const auto heap = ::mallinfo2();
  families.push_back(Family("hearth_heap_in_use_bytes", "Heap in use, without what the allocator keeps.",
                            kGauge, static_cast<double>(heap.uordblks + heap.hblkhd)));
  families.push_back(Family("hearth_heap_held_bytes", "Heap in use, and what the allocator keeps for later.",
                            kGauge, static_cast<double>(heap.arena + heap.hblkhd)));
  return families;
}

}  // namespace hearth::metrics
