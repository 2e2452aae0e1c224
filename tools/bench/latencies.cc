#include "tools/bench/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hearth::bench {

using std::chrono::nanoseconds;

// Below 64 ns each nanosecond has a class; from there on each octave has 32.
size_t Latencies::ClassOf(uint64_t nanos) {
  if (nanos < 2 * kClassesPerOctave) return static_cast<size_t>(nanos);
  const auto shift = static_cast<size_t>(std::bit_width(nanos) - std::bit_width(uint64_t{kClassesPerOctave}));
  const size_t index = kClassesPerOctave * shift + static_cast<size_t>(nanos >> shift);
  return std::min(index, kClassesPerOctave * kOctaves - 1);
}

uint64_t Latencies::UpperBound(size_t index) {
  if (index < 2 * kClassesPerOctave) return index;
  const size_t shift = index / kClassesPerOctave - 1;
  const uint64_t first = kClassesPerOctave + index % kClassesPerOctave;
  return ((first + 1) << shift) - 1;
}

void Latencies::Add(nanoseconds time) {
  ++counts_[ClassOf(static_cast<uint64_t>(std::max<nanoseconds::rep>(0, time.count())))];
  ++count_;
  max_ = std::max(max_, time);
}

Latencies& Latencies::operator+=(const Latencies& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  return *this;
}

nanoseconds Latencies::Quantile(double q) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(q * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0) return std::min(max_, nanoseconds(UpperBound(i)));
  }
  return max_;
}

double Micros(nanoseconds time) { return static_cast<double>(time.count()) * 1e-3; }
double Millis(nanoseconds time) { return static_cast<double>(time.count()) * 1e-6; }

}  // namespace hearth::bench
