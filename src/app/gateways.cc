#include "src/app/gateways.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::app {
namespace {

Counter& CounterOf(MetricsRegistry& metrics, const std::string& gateway, std::string_view what) {
  return metrics.GetCounter(
      "hearth_gateway_reports_total",
      "Reports without the card's MAC, by gateway and what came of them: taken, over its rate, "
      "for a region that is not its own.",
      {{"gateway", gateway}, {"result", std::string(what)}});
}

// "640122" of 640122, 640100 of 6401: the division as DivisionContains wants it.
uint32_t Scope(RegionCode region) {
  uint64_t scope = region.value;
  while (scope != 0 && scope < 100'000) scope *= 100;
  return static_cast<uint32_t>(scope);
}

}  // namespace

Gateway::Gateway(GatewayOptions options, const Clock& clock, MetricsRegistry& metrics)
    : options_(std::move(options)),
      clock_(clock),
      taken_(CounterOf(metrics, options_.name, "taken")),
      over_rate_(CounterOf(metrics, options_.name, "over_rate")),
      elsewhere_(CounterOf(metrics, options_.name, "elsewhere")),
      tokens_(options_.per_second),
      filled_(clock.Steady()) {}

Status Gateway::Admit(AreaId area) {
  const bool its_own = options_.regions.empty() ||
                       std::any_of(options_.regions.begin(), options_.regions.end(), [&](RegionCode region) {
                         return DivisionContains(Scope(region), AreaDivision(area));
                       });
  if (!its_own) {
    elsewhere_.Increment();
    return Error(Reason::kReportGatewayLimit,
                 fmt::format("gateway {} may not report for area {}", options_.name, ToString(area)));
  }
  {
    const MutexLock lock(mu_);
    const auto now = clock_.Steady();
    const double seconds = std::chrono::duration<double>(now - filled_).count();
    filled_ = now;
    tokens_ = std::min<double>(options_.per_second, tokens_ + seconds * options_.per_second);
    if (tokens_ >= 1) {
      tokens_ -= 1;
      taken_.Increment();
      return Ok();
    }
  }
  over_rate_.Increment();
  return Error(Reason::kReportGatewayLimit,
               fmt::format("gateway {} may send {} reports a second", options_.name, options_.per_second));
}

Gateways::Gateways(const std::vector<GatewayOptions>& gateways, const Clock& clock,
                   MetricsRegistry& metrics) {
  for (const GatewayOptions& options : gateways) {
    gateways_.push_back(std::make_unique<Gateway>(options, clock, metrics));
    for (const std::string& name : options.certificates) by_name_.emplace(name, gateways_.back().get());
  }
}

Gateway* Gateways::Find(std::string_view common_name) const {
  const auto found = by_name_.find(common_name);
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace hearth::app
