#include "tools/bench/figures.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::bench {
namespace {

std::string Number(const Figure& figure) {
  if (figure.unit == "ratio" || figure.unit == "bytes") return fmt::format("{:.3f}", figure.value);
  if (figure.unit == "us" || figure.unit == "ms" || figure.unit == "s")
    return fmt::format("{:.2f}", figure.value);
  return fmt::format("{:.0f}", figure.value);
}

}  // namespace

bool Findings::all_hold() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.holds; });
}

std::string AsTable(const std::vector<Findings>& all) {
  std::string out;
  for (const Findings& findings : all) {
    out += fmt::format("{} (seed {})\n", findings.bench, findings.seed);
    for (const Figure& figure : findings.figures) {
      out += fmt::format("  {:<58} {:>14} {}\n", figure.name, Number(figure), figure.unit);
    }
    for (const Check& check : findings.checks) {
      out += fmt::format("  {:<58} {:>14}\n", check.name, check.holds ? "holds" : "DOES NOT HOLD");
    }
  }
  return out;
}

// All names are ours and hold nothing that JSON would have escaped.
std::string AsJson(const std::vector<Findings>& all) {
  std::string out = "{\"benches\": [";
  for (const Findings& findings : all) {
    if (&findings != all.data()) out += ",";
    out +=
        fmt::format("\n {{\"bench\": \"{}\", \"seed\": {},\n  \"figures\": [", findings.bench, findings.seed);
    for (const Figure& figure : findings.figures) {
      if (&figure != findings.figures.data()) out += ",";
      out += fmt::format("\n   {{\"name\": \"{}\", \"value\": {}, \"unit\": \"{}\"}}", figure.name,
                         Number(figure), figure.unit);
    }
    out += "],\n  \"checks\": [";
    for (const Check& check : findings.checks) {
      if (&check != findings.checks.data()) out += ",";
      out += fmt::format("\n   {{\"name\": \"{}\", \"holds\": {}}}", check.name, check.holds);
    }
    out += "],\n  \"curves\": [";
    for (const Curve& curve : findings.curves) {
      if (&curve != findings.curves.data()) out += ",";
      out += fmt::format("\n   {{\"name\": \"{}\", \"points\": [", curve.name);
      for (size_t i = 0; i < curve.points.size(); ++i) {
        out += fmt::format("{}[{:.4g}, {:.5f}]", i > 0 ? ", " : "", curve.points[i].first,
                           curve.points[i].second);
      }
      out += "]}";
    }
    out += "]}";
  }
  return out + "]}\n";
}

}  // namespace hearth::bench
