// What the process itself takes, by the names that Prometheus' own client libraries use, and how much of its
// heap is in use: memory that grows while that does not is the allocator's, not a leak.
#pragma once

#include <vector>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

namespace hearth::metrics {

// Read anew for each scrape, from /proc/self and the C library. Any thread. What cannot be read is left out.
class ProcessFigures final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace hearth::metrics
