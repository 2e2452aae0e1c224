#include "geofence/travel.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace hearth::geofence {
namespace {

constexpr double kHourMillis = std::chrono::milliseconds(std::chrono::hours(1)).count();
constexpr double kSkewMillis = std::chrono::milliseconds(std::chrono::minutes(5)).count();

}  // namespace

std::optional<double> ImpossibleSpeed(const Whereabouts& a, const Whereabouts& b, double max_kmh) {
  const double uncertain = std::max(0.0, a.uncertainty_km) + std::max(0.0, b.uncertainty_km);
  const double km = std::max(0.0, DistanceKm(a.position, b.position) - uncertain);
  // In floating point: times come from outside, and their difference must not overflow.
  const double apart = std::abs(static_cast<double>(a.time.value) - static_cast<double>(b.time.value));
  const double kmh = km / ((apart + kSkewMillis) / kHourMillis);
  if (kmh <= max_kmh) return std::nullopt;
  return kmh;
}

}  // namespace hearth::geofence
