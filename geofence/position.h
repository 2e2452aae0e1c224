// A place on the earth (WGS 84), in the unit that satellite receivers and cell lists use.
#pragma once

#include <cstdint>

namespace hearth::geofence {

struct Position {
  int32_t latitude_e7 = 0;   // degrees × 10,000,000: -900,000,000 to 900,000,000
  int32_t longitude_e7 = 0;  // -1,800,000,000 to 1,800,000,000

  bool operator==(const Position&) const = default;
};

bool InRange(const Position& position);
// Along the great circle, on a sphere of 6,371 km: within 0.6 % of the truth.
double DistanceKm(const Position& a, const Position& b);

}  // namespace hearth::geofence
