// Times counted into classes of about 3 % width: no memory per time, whatever their number.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace hearth::bench {

// One thread.
class Latencies {
 public:
  void Add(std::chrono::nanoseconds time);
  Latencies& operator+=(const Latencies& other);

  uint64_t count() const { return count_; }
  std::chrono::nanoseconds max() const { return max_; }
  // The upper bound of the class that holds the quantile `q` (0 to 1), never above max(); 0 when empty.
  std::chrono::nanoseconds Quantile(double q) const;

 private:
  static constexpr size_t kClassesPerOctave = 32;
  static constexpr size_t kOctaves = 48;

  static size_t ClassOf(uint64_t nanos);
  static uint64_t UpperBound(size_t index);

  std::array<uint64_t, kClassesPerOctave * kOctaves> counts_{};
  uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
};

double Micros(std::chrono::nanoseconds time);
double Millis(std::chrono::nanoseconds time);

}  // namespace hearth::bench
