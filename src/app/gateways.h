// Gateways that may pass on reports without the card's MAC: named in the configuration, known by their
// certificates, bound to regions and to a rate. What they pass on is marked, and never switches off a card by
// itself (intervention/decide.h).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/base/ids.h"
#include "src/base/metrics.h"
#include "src/base/mutex.h"
#include "src/base/status.h"

namespace hearth::app {

struct GatewayOptions {
  std::string name;
  std::vector<std::string> certificates;  // common names
  std::vector<RegionCode> regions;        // provinces, prefectures, counties it may report for; empty: all
  uint32_t per_second = 1000;             // reports without a MAC; as many may come at once
};

// One of them. Any thread.
class Gateway {
 public:
  Gateway(GatewayOptions options, const Clock& clock, MetricsRegistry& metrics);

  // One more report without a MAC, for a card of this area. REPORT_GATEWAY_LIMIT.
  Status Admit(AreaId area);
  const std::string& name() const { return options_.name; }

 private:
  const GatewayOptions options_;
  const Clock& clock_;
  Counter& taken_;
  Counter& over_rate_;
  Counter& elsewhere_;
  Mutex mu_;
  double tokens_ HEARTH_GUARDED_BY(mu_);
  std::chrono::nanoseconds filled_ HEARTH_GUARDED_BY(mu_);
};

// All of them. Immutable; any thread.
class Gateways {
 public:
  Gateways(const std::vector<GatewayOptions>& gateways, const Clock& clock, MetricsRegistry& metrics);
  // The gateway whose certificate has this common name, or nullptr.
  Gateway* Find(std::string_view common_name) const;

 private:
  std::vector<std::unique_ptr<Gateway>> gateways_;
  std::map<std::string, Gateway*, std::less<>> by_name_;
};

}  // namespace hearth::app
