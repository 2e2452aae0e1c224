// The circuit breaker over all cards (intervention/breaker.h), and the alarms it gives.
#pragma once

#include <string>
#include <vector>

#include "intervention/breaker.h"
#include "src/app/alarms.h"
#include "src/app/column.h"
#include "src/app/geo.h"
#include "src/app/views.h"

namespace hearth::app {

// Threads: any.
class Guard {
 public:
  Guard(GeoState& geo, HeardColumn& column, Alarms& alarms, MetricsRegistry& metrics);

  // Counts what was decided before a restart: the interventions of the last days, as the views list them.
  Status Replay(Views& views, UnixMillis now, const Limits& limits);

  // Whether a card that is about to be switched off may be. `away_since`: the first report of this run.
  intervention::BreakerAnswer Judge(const records::CardRecord& record, UnixMillis away_since,
                                    UnixMillis reported, UnixMillis now);
  // It was lit again or its hold dropped by an operator; it was released by one.
  void Forget(CardNumber card);
  void Released(CardNumber card);
  // A card that was at home hears only cells that no list has.
  void LostHome(CardNumber card, AreaId area, const geofence::Cell& home_cell, UnixMillis at);

 private:
  intervention::Departure DepartureOf(const records::CardRecord& record, UnixMillis away_since,
                                      UnixMillis reported, UnixMillis now) const;
  void Raise(const records::CardRecord& record, const intervention::Departure& departure,
             intervention::BreakerAnswer answer) HEARTH_REQUIRES(mu_);

  GeoState& geo_;
  HeardColumn& column_;
  Alarms& alarms_;
  std::vector<Counter*> answers_;  // by BreakerAnswer
  Mutex mu_;
  intervention::Breaker breaker_ HEARTH_GUARDED_BY(mu_);
  // Cards that departed within the window, by prefecture and network: named in the alarm when it comes to
  // one.
  struct Gone {
    UnixMillis at;
    CardNumber card;
    AreaId area;
  };
  std::map<std::string, std::vector<Gone>> departed_ HEARTH_GUARDED_BY(mu_);
  std::map<std::string, std::vector<Gone>> lost_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::app
