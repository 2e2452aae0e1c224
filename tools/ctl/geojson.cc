#include "tools/ctl/geojson.h"

#include <algorithm>

#include <fmt/format.h>

#include "tools/ctl/output.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;

// Seven decimals are a centimetre, and what the head-end keeps.
std::string PointText(const MapPoint& point) {
  return fmt::format("[{:.7f},{:.7f}]", point.first, point.second);
}
MapPoint PointOf(const v1::Place& place) { return {place.longitude(), place.latitude()}; }

// Twice the area of the triangle; positive when a, b, c turn to the left.
double Turn(const MapPoint& a, const MapPoint& b, const MapPoint& c) {
  return (b.first - a.first) * (c.second - a.second) - (b.second - a.second) * (c.first - a.first);
}

class Features {
 public:
  void AddPoint(const MapPoint& point, const std::string& properties) {
    Add(fmt::format("{{\"type\":\"Point\",\"coordinates\":{}}}", PointText(point)), properties);
  }
  void AddRing(const std::vector<MapPoint>& ring, const std::string& properties) {
    std::string text;
    for (const MapPoint& point : ring) text += (text.empty() ? "" : ",") + PointText(point);
    Add(fmt::format("{{\"type\":\"Polygon\",\"coordinates\":[[{}]]}}", text), properties);
  }
  // An area that has no place yet is there all the same.
  void AddNowhere(const std::string& properties) { Add("null", properties); }
  std::string Text() const {
    return fmt::format("{{\"type\":\"FeatureCollection\",\"features\":[{}\n]}}\n", text_);
  }

 private:
  void Add(const std::string& geometry, const std::string& properties) {
    text_ += fmt::format("{}\n{{\"type\":\"Feature\",\"geometry\":{},\"properties\":{{{}}}}}",
                         text_.empty() ? "" : ",", geometry, properties);
  }

  std::string text_;
};

std::string PropertiesOf(const v1::DescribeAreaResponse& area) {
  return fmt::format(
      "\"kind\":\"area\",\"area\":{},\"name\":{},\"state\":{},\"villages\":{},\"cells\":{},"
      "\"planned_homes\":{},\"installed_homes\":{}",
      JsonString(area.area().area_id()), JsonString(area.area().name()),
      JsonString(v1::AreaState_Name(area.area().state())), area.villages_size(), area.area().cells(),
      area.planned_homes(), area.installed_homes());
}

std::string PropertiesOf(const std::string& area, const v1::VillageInfo& village) {
  std::string text = fmt::format("\"kind\":\"village\",\"area\":{},\"village\":{},\"name\":{},\"cable\":{}",
                                 JsonString(area), JsonString(village.village()), JsonString(village.name()),
                                 village.cable());
  if (village.has_planned_homes()) text += fmt::format(",\"planned_homes\":{}", village.planned_homes());
  if (village.has_installed_homes())
    text += fmt::format(",\"installed_homes\":{}", village.installed_homes());
  return text;
}

std::string PropertiesOf(const std::string& area, const v1::AreaCell& cell) {
  std::string text = fmt::format("\"kind\":\"cell\",\"area\":{},\"cell\":{},\"source\":{}", JsonString(area),
                                 JsonString(cell.cell()), JsonString(cell.source()));
  if (cell.has_range_m()) text += fmt::format(",\"range_m\":{}", cell.range_m());
  return text;
}

void AddArea(const v1::DescribeAreaResponse& area, Features& features) {
  std::vector<MapPoint> points;
  for (const v1::VillageInfo& village : area.villages()) {
    if (village.has_place()) points.push_back(PointOf(village.place()));
  }
  std::vector<MapPoint> hull = HullOf(points);
  if (hull.empty()) {
    for (const v1::AreaCell& cell : area.cells()) {
      if (cell.has_place()) points.push_back(PointOf(cell.place()));
    }
    hull = HullOf(points);
  }
  if (!hull.empty()) {
    features.AddRing(hull, PropertiesOf(area));
  } else {
    features.AddNowhere(PropertiesOf(area));
  }
  const std::string& id = area.area().area_id();
  for (const v1::VillageInfo& village : area.villages()) {
    if (village.has_place()) features.AddPoint(PointOf(village.place()), PropertiesOf(id, village));
  }
  for (const v1::AreaCell& cell : area.cells()) {
    if (cell.has_place()) features.AddPoint(PointOf(cell.place()), PropertiesOf(id, cell));
  }
}

}  // namespace

// Andrew's monotone chain.
std::vector<MapPoint> HullOf(std::vector<MapPoint> points) {
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  if (points.size() < 3) return {};
  std::vector<MapPoint> hull;
  const auto chain = [&](auto begin, auto end) {
    const size_t first = hull.size();
    for (auto it = begin; it != end; ++it) {
      while (hull.size() >= first + 2 && Turn(hull[hull.size() - 2], hull.back(), *it) <= 0) hull.pop_back();
      hull.push_back(*it);
    }
    hull.pop_back();  // the next chain begins with it
  };
  chain(points.begin(), points.end());
  chain(points.rbegin(), points.rend());
  if (hull.size() < 3) return {};
  hull.push_back(hull.front());
  return hull;
}

std::string ToGeoJson(const std::vector<v1::DescribeAreaResponse>& areas) {
  Features features;
  for (const v1::DescribeAreaResponse& area : areas) AddArea(area, features);
  return features.Text();
}

}  // namespace hearth::ctl
