#include "geofence/position.h"

#include <algorithm>
#include <cmath>

namespace hearth::geofence {
namespace {

constexpr double kEarthKm = 6371.0;
constexpr int32_t kMaxLatitude = 900'000'000;
constexpr int32_t kMaxLongitude = 1'800'000'000;

double Radians(int32_t e7) { return static_cast<double>(e7) / 1e7 * M_PI / 180.0; }

}  // namespace

bool InRange(const Position& position) {
  return position.latitude_e7 >= -kMaxLatitude && position.latitude_e7 <= kMaxLatitude &&
         position.longitude_e7 >= -kMaxLongitude && position.longitude_e7 <= kMaxLongitude;
}

double DistanceKm(const Position& a, const Position& b) {
  const double lat_a = Radians(a.latitude_e7);
  const double lat_b = Radians(b.latitude_e7);
  const double half_lat = std::sin((lat_b - lat_a) / 2);
  const double half_lon = std::sin((Radians(b.longitude_e7) - Radians(a.longitude_e7)) / 2);
  const double h = half_lat * half_lat + std::cos(lat_a) * std::cos(lat_b) * half_lon * half_lon;
  return 2 * kEarthKm * std::asin(std::sqrt(std::min(1.0, h)));
}

}  // namespace hearth::geofence
