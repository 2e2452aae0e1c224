// Random orders and reports on a site, repeatable by seed but for the pump's timing.
#pragma once

#include <random>
#include <vector>

#include "tests/app/site.h"

namespace hearth::app {

// The first `cards` cards, each with one receiver's card that keeps its counter. Refusals are part of the
// life. One thread.
class Workload {
 public:
  Workload(Site& site, uint64_t seed, uint64_t cards);

  void Run(int steps);
  // How many orders and reports were taken.
  int taken() const { return taken_; }

 private:
  void Step();
  void SendReport();
  uint64_t Pick() { return 1 + random_() % cards_.size(); }
  template <typename T>
  void Count(const Result<T>& result) {
    if (result) ++taken_;
  }

  Site& site_;
  std::mt19937_64 random_;
  std::vector<receiver::Card> cards_;
  int taken_ = 0;
  int lists_ = 0;
};

}  // namespace hearth::app
