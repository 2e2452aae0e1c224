#include "src/rpc/convert_area.h"

#include <cmath>
#include <map>

#include <fmt/format.h>

#include "src/rpc/convert_in.h"
#include "src/rpc/convert_out.h"
#include "src/rpc/convert_survey.h"

namespace hearth::rpc {
namespace {

v1::Place ToProto(const geofence::Position& position) {
  v1::Place out;
  out.set_longitude(position.longitude_e7 / 1e7);
  out.set_latitude(position.latitude_e7 / 1e7);
  return out;
}

// Only ever within the bounds, so that no number is rounded that does not fit.
Result<geofence::Position> PositionFrom(const v1::Place& place) {
  if (!(std::abs(place.longitude()) <= 180)) return InvalidField("place.longitude", "-180 to 180 degrees");
  if (!(std::abs(place.latitude()) <= 90)) return InvalidField("place.latitude", "-90 to 90 degrees");
  return geofence::Position{.latitude_e7 = static_cast<int32_t>(std::lround(place.latitude() * 1e7)),
                            .longitude_e7 = static_cast<int32_t>(std::lround(place.longitude() * 1e7))};
}

}  // namespace

Result<geofence::VillageEdit> VillageEditFrom(const v1::VillageRow& row, const Limits& limits) {
  FieldErrors errors(limits);
  geofence::VillageEdit out;
  out.place = errors.Take(geofence::ParsePlaceCode(row.village()));
  if (row.has_name()) out.name = errors.Text(row.name(), "name");
  if (row.has_cable()) out.cable = row.cable();
  if (row.has_planned_homes()) out.planned_homes = row.planned_homes();
  if (row.has_place()) out.position = errors.Take(PositionFrom(row.place()));
  errors.Require(out.name || out.cable || out.planned_homes || out.position, "name",
                 "something to note: a name, cable, planned homes or a place");
  return errors.Finish(std::move(out));
}

v1::VillageInfo ToProto(const app::VillageView& view) {
  v1::VillageInfo out;
  out.set_village(ToString(view.village.place));
  out.set_name(view.name);
  out.set_cable(view.village.cable);
  if (view.village.planned_homes) out.set_planned_homes(*view.village.planned_homes);
  if (view.installed) out.set_installed_homes(*view.installed);
  if (view.village.position) *out.mutable_place() = ToProto(*view.village.position);
  if (view.area) out.set_area_id(ToString(*view.area));
  return out;
}

v1::DescribeAreaResponse ToProto(const app::AreaInfo& info, bool with_cells) {
  v1::DescribeAreaResponse out;
  *out.mutable_area() = ToProto(info.area);
  out.set_no_register(info.no_register);
  for (const app::VillageView& village : info.villages) {
    *out.add_villages() = ToProto(village);
    out.set_planned_homes(out.planned_homes() + village.village.planned_homes.value_or(0));
    out.set_installed_homes(out.installed_homes() + village.installed.value_or(0));
  }
  std::map<std::pair<geofence::Radio, std::string>, v1::AreaNetwork> networks;
  for (const app::CellView& view : info.cells) {
    const bool placed = view.row && view.row->position;
    const std::string name = fmt::format("{:03}-{:0{}}", view.cell.mcc, view.cell.mnc, view.cell.mnc_digits);
    v1::AreaNetwork& network = networks[{view.cell.radio, name}];
    network.set_radio(std::string(NameOf(view.cell.radio)));
    network.set_network(name);
    network.set_cells(network.cells() + 1);
    if (!placed) {
      network.set_without_place(network.without_place() + 1);
      out.set_cells_without_place(out.cells_without_place() + 1);
    }
    if (!with_cells) continue;
    v1::AreaCell& cell = *out.add_cells();
    cell.set_cell(ToString(view.cell));
    cell.set_known(view.row.has_value());
    if (placed) *cell.mutable_place() = ToProto(*view.row->position);
    if (view.row && view.row->range_m) cell.set_range_m(*view.row->range_m);
    if (view.row) cell.set_source(std::string(NameOf(view.row->source)));
  }
  for (const auto& [key, network] : networks) *out.add_networks() = network;
  return out;
}

v1::HomesCount ToProto(const app::HomesCount& count) {
  v1::HomesCount out;
  out.set_villages(count.villages);
  out.set_with_plan(count.with_plan);
  out.set_with_homes(count.with_homes);
  out.set_with_cable(count.with_cable);
  out.set_natural_villages(count.naturals);
  out.set_naturals_with_plan(count.naturals_with_plan);
  out.set_naturals_with_cable(count.naturals_with_cable);
  out.set_planned(count.planned);
  out.set_installed(count.installed);
  return out;
}

v1::GetHomesResponse ToProto(const app::Homes& homes, const geofence::RegionTree& regions) {
  v1::GetHomesResponse out;
  *out.mutable_total() = ToProto(homes.total);
  for (const auto& [region, count] : homes.below) {
    v1::HomesBelow& below = *out.add_below();
    below.set_region(ToString(region));
    if (const geofence::Region* found = regions.Find(region)) below.set_name(found->name);
    *below.mutable_count() = ToProto(count);
  }
  for (const app::VillageView& village : homes.villages) *out.add_villages() = ToProto(village);
  return out;
}

v1::ProposedCell ToProto(const app::ProposedCell& cell, AreaId area) {
  v1::ProposedCell out;
  *out.mutable_cell() = ToProto(cell.row);
  out.set_km(cell.km);
  out.set_village(ToString(cell.village));
  for (const geofence::ListRef& list : cell.lists) {
    if (list.kind == geofence::ListKind::kWhitelist && list.id == area) out.set_in_area(true);
    *out.add_lists() = ToProto(list);
  }
  return out;
}

}  // namespace hearth::rpc
