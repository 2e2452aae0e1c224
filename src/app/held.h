// What waits for an operator: interventions that the circuit breaker holds or that are proposed, and cells
// that have probably taken the place of others (InterventionService).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geofence/drift.h"
#include "src/app/column.h"
#include "src/app/geo.h"
#include "src/app/location.h"
#include "src/app/rollouts.h"

namespace hearth::app {

struct Successor {
  geofence::Cell cell;
  AreaId area;
  std::vector<AreaId> blacklists;  // of cities that have this number and are told to boxes of the area
  geofence::Successor counts;
  std::vector<geofence::Cell> beside;
  std::vector<geofence::Cell> instead_of;
};

// Which successors are meant; all that are given must hold.
struct SuccessorFilter {
  std::optional<AreaId> area;
  uint32_t division = 0;  // 2, 4 or 6 digits; 0: all
  std::vector<geofence::Cell> cells;
};

struct Accepted {
  uint64_t rollout = 0;  // 0: nothing to accept
  uint32_t cells = 0;
  uint32_t areas = 0;
  uint32_t dropped = 0;
  uint32_t lifted = 0;
  bool needs_approver = false;
  std::string why_approver;
};

// Threads: any.
class Held {
 public:
  Held(Executor& executor, GeoState& geo, HeardColumn& column, Location& location, Rollouts& rollouts,
       const Limits& limits)
      : executor_(executor),
        geo_(geo),
        column_(column),
        location_(location),
        rollouts_(rollouts),
        limits_(limits) {}

  // Held and proposed interventions by card.
  Result<PageOf<InterventionEvent>> List(std::optional<AreaId> area, size_t size, std::string_view token);
  // One commit a card; the request's id is varied by position. LIMIT_EXCEEDED over rows_per_batch.
  Result<std::vector<RowResult>> Decide(const Request& request, const std::vector<CardNumber>& cards,
                                        bool release);

  // ROLLOUT_LOADING until the column is filled.
  Result<std::vector<Successor>> Successors(const SuccessorFilter& filter);
  // One rollout that adds them to their areas and takes them from the blacklists told there. Below the cap,
  // or with an approver, it is in force when this returns; else it waits, previewed.
  Result<Accepted> Accept(const Request& request, const SuccessorFilter& filter);

 private:
  Executor& executor_;
  GeoState& geo_;
  HeardColumn& column_;
  Location& location_;
  Rollouts& rollouts_;
  const Limits limits_;
};

}  // namespace hearth::app
