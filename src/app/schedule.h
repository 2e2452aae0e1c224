// Channels and packages (ScheduleService).
#pragma once

#include <vector>

#include "src/app/keys.h"
#include "src/app/request.h"
#include "src/app/row.h"

namespace hearth::app {

struct ChannelRow {
  uint64_t line = 0;
  Result<entitlement::Channel> channel;
};
struct PackageChanged {
  Change change;
  entitlement::Package package;
};

// Threads: any.
class Schedule {
 public:
  Schedule(Executor& executor, KeyKeeper& keys, const Limits& limits)
      : executor_(executor), keys_(keys), limits_(limits) {}

  // Rows: FIELD_INVALID, CHANNEL_EXISTS; of criteria that are new to the channel also PRODUCT_UNKNOWN and
  // PLAN_REGION_CONFLICT.
  std::vector<RowResult> ImportChannels(const Request& request, const std::vector<ChannelRow>& rows);
  Result<PackageChanged> PutPackage(const Request& request, const entitlement::Package& package);

 private:
  Executor& executor_;
  KeyKeeper& keys_;
  const Limits limits_;
};

}  // namespace hearth::app
