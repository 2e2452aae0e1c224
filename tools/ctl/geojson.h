// Areas as a map: GeoJSON (RFC 7946), which every viewer opens.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hearth/v1/geofence.pb.h"

namespace hearth::ctl {

// Longitude, latitude.
using MapPoint = std::pair<double, double>;

// The convex hull, counter-clockwise and closed, as the ring of a polygon has to be (section 3.1.6); empty
// when the points lie on one line. For areas within a continent: none crosses the date line.
std::vector<MapPoint> HullOf(std::vector<MapPoint> points);

// One feature collection. Of each area: its hull (kind "area"), its villages (kind "village") and the cells
// of its whitelist (kind "cell", with their range) as far as they have a place.
std::string ToGeoJson(const std::vector<hearth::v1::DescribeAreaResponse>& areas);

}  // namespace hearth::ctl
