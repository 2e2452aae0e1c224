// Travel that no box can have made: two reports of one card that are too far apart for the time between them.
// A sign of a forged report or of a cloned card, not a proof: where a cell stands may be wrong in a list.
#pragma once

#include <optional>

#include "geofence/position.h"
#include "src/base/ids.h"

namespace hearth::geofence {

// Where a box was: a satellite fix, or the place of the cell it heard.
struct Whereabouts {
  Position position;
  UnixMillis time;            // the report's own
  double uncertainty_km = 0;  // radius around the position: a cell's range, a fix's accuracy; 0 and up
};

// An airliner.
inline constexpr double kMaxTravelKmh = 1000;

// The speed in km/h, if even the nearest points within both uncertainties need more than `max_kmh`; nullopt
// when the travel is possible. The order of the two does not matter. Boxes' clocks may differ by 5 minutes
// (as much as a report may lie in the future), so that much is added to the time between; at equal times that
// allows some 80 km.
std::optional<double> ImpossibleSpeed(const Whereabouts& a, const Whereabouts& b,
                                      double max_kmh = kMaxTravelKmh);

}  // namespace hearth::geofence
