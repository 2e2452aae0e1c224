// What a benchmark found, and how it is printed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hearth::bench {

// `unit` is "ratio", "count", "bytes", "1/s", "us", "ms" or "s"; only ratios and counts say something beyond
// this machine.
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
};

// Something that holds whatever the machine does. Never depends on a time.
struct Check {
  std::string name;
  bool holds = false;
};

// For plots; in JSON only.
struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

struct Findings {
  std::string bench;
  uint64_t seed = 0;
  std::vector<Figure> figures;
  std::vector<Check> checks;
  std::vector<Curve> curves;

  void Add(std::string name, double value, std::string unit) {
    figures.push_back({std::move(name), value, std::move(unit)});
  }
  void Expect(std::string name, bool holds) { checks.push_back({std::move(name), holds}); }
  bool all_hold() const;
};

std::string AsTable(const std::vector<Findings>& all);
// {"benches": [{"bench", "seed", "figures": [{"name", "value", "unit"}], "checks": [{"name", "holds"}],
//   "curves": [{"name", "points": [[x, y]]}]}]}
std::string AsJson(const std::vector<Findings>& all);

}  // namespace hearth::bench
