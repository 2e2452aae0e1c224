#include "src/app/area_info.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace hearth::app {

using geofence::PlaceCode;
using geofence::Region;
using geofence::Village;

namespace {

// The cells of an area's whitelist in force; none when it has none.
Result<std::vector<geofence::Cell>> WhitelistOf(const GeoState& geo, const GeoSnapshot& now, AreaId id) {
  const auto head = now.lists.find({geofence::ListKind::kWhitelist, id});
  if (head == now.lists.end()) return std::vector<geofence::Cell>();
  HEARTH_ASSIGN_OR_RETURN(auto list, geo.CellsOf(geofence::ListKind::kWhitelist, id, head->second.version));
  return std::move(list.cells);
}

bool HasName(const Region* region, const std::string& part) {
  return region != nullptr && region->name.find(part) != std::string::npos;
}

// A division of the village, or the village, has that in its name.
bool NameMatches(const geofence::RegionTree& regions, RegionCode village, const std::string& part) {
  for (const RegionLevel level : {RegionLevel::kVillage, RegionLevel::kTownship, RegionLevel::kCounty,
                                  RegionLevel::kPrefecture, RegionLevel::kProvince}) {
    if (HasName(regions.Find(Ancestor(village, level)), part)) return true;
  }
  return false;
}

HomesCount CountOf(const VillageView& view, uint64_t planned_below) {
  HomesCount count;
  const bool plan = view.village.planned_homes.has_value();
  if (geofence::IsNatural(view.village.place)) {
    count.naturals = 1;
    count.naturals_with_plan = plan ? 1 : 0;
    count.naturals_with_cable = view.village.cable ? 1 : 0;
    return count;  // its homes count with its village
  }
  count.villages = 1;
  count.planned = plan ? *view.village.planned_homes : planned_below;
  count.with_plan = count.planned > 0 || plan ? 1 : 0;
  count.installed = view.installed.value_or(0);
  count.with_homes = count.installed > 0 ? 1 : 0;
  count.with_cable = view.village.cable ? 1 : 0;
  return count;
}

}  // namespace

HomesCount& HomesCount::operator+=(const HomesCount& other) {
  villages += other.villages;
  with_plan += other.with_plan;
  with_homes += other.with_homes;
  with_cable += other.with_cable;
  naturals += other.naturals;
  naturals_with_plan += other.naturals_with_plan;
  naturals_with_cable += other.naturals_with_cable;
  planned += other.planned;
  installed += other.installed;
  return *this;
}

Result<AreaDesk::Installed> AreaDesk::InstalledIn(const std::vector<RegionCode>& townships) const {
  Installed installed;
  for (const RegionCode township : townships) {
    HEARTH_ASSIGN_OR_RETURN(const auto counts, views_.CountsBelow(township));
    for (const RegionCounts& count : counts) installed[count.region] = count.counts.activated;
  }
  return installed;
}

VillageView AreaDesk::ViewOf(const GeoSnapshot& now, const Village& village,
                             const Installed& installed) const {
  VillageView view{.village = village, .name = village.name};
  view.area = now.HolderOf(village.place);
  const RegionCode code = geofence::VillageOf(village.place);
  if (geofence::IsNatural(village.place)) {
    if (!view.area) view.area = now.HolderOf(geofence::WholeVillage(code));
    return view;
  }
  const Region* region = now.regions.Find(code);
  if (region != nullptr) view.name = region->name;
  const auto count = installed.find(code);
  view.installed = count == installed.end() ? 0 : count->second;
  return view;
}

Result<AreaInfo> AreaDesk::Describe(AreaId id) const {
  const auto now = geo_.snapshot();
  AreaInfo info;
  HEARTH_ASSIGN_OR_RETURN(info.area, geo_.GetArea(id));
  std::set<RegionCode> townships;
  for (const RegionCode village : info.area.area.villages) {
    townships.insert(Ancestor(village, RegionLevel::kTownship));
  }
  HEARTH_ASSIGN_OR_RETURN(const Installed installed, InstalledIn({townships.begin(), townships.end()}));
  for (const PlaceCode place : geofence::PlacesOf(info.area.area)) {
    const auto village = geo_.villages().Get(place);
    info.villages.push_back(ViewOf(*now, village.value_or(Village{.place = place}), installed));
  }
  HEARTH_ASSIGN_OR_RETURN(const auto cells, WhitelistOf(geo_, *now, id));
  const auto table = cells_.table();
  info.no_register = !table;
  for (const geofence::Cell& cell : cells) {
    CellView view{.cell = cell, .row = std::nullopt};
    if (table && *table != nullptr) {
      auto row = (*table)->Find(cell);
      // The register only informs: where it is damaged nothing is known.
      if (row) view.row = *row;
      info.no_register = info.no_register || !row;
    }
    info.cells.push_back(view);
  }
  return info;
}

std::vector<AreaView> AreaDesk::Find(const std::string& query, size_t limit) const {
  const auto now = geo_.snapshot();
  const bool by_code = !query.empty() && query.find_first_not_of("0123456789") == std::string::npos;
  const auto matches = [&](const geofence::Area& area) {
    if (query.empty()) return false;
    if (by_code && ToString(area.id).starts_with(query)) return true;
    for (const PlaceCode place : geofence::PlacesOf(area)) {
      if (by_code && ToString(place).starts_with(query)) return true;
      if (by_code) continue;
      if (NameMatches(now->regions, geofence::VillageOf(place), query)) return true;
      if (!geofence::IsNatural(place)) continue;
      const auto natural = geo_.villages().Get(place);
      if (natural && natural->name.find(query) != std::string::npos) return true;
    }
    return area.name.find(query) != std::string::npos;
  };
  std::vector<AreaView> found;
  for (const AreaView& view : geo_.ListAreas()) {
    if (found.size() == limit) break;
    if (matches(view.area)) found.push_back(view);
  }
  return found;
}

Result<Homes> AreaDesk::HomesBelow(std::optional<RegionCode> region) const {
  const auto now = geo_.snapshot();
  if (region && now->regions.Find(*region) == nullptr) {
    return Error(Reason::kRegionUnknown, fmt::format("division {} is not known", ToString(*region)));
  }
  const auto inside = [&](RegionCode code) { return !region || Contains(*region, code); };
  std::vector<RegionCode> townships;
  for (const Region& one : now->regions.all()) {
    if (one.level == RegionLevel::kTownship && inside(one.code)) townships.push_back(one.code);
  }
  if (region && LevelOf(*region) == RegionLevel::kVillage) {
    townships = {Ancestor(*region, RegionLevel::kTownship)};
  }
  HEARTH_ASSIGN_OR_RETURN(const Installed installed, InstalledIn(townships));
  std::map<PlaceCode, Village> noted;
  std::map<RegionCode, uint64_t> planned_in_parts;
  std::map<RegionCode, std::vector<Village>> parts;
  for (const Village& village : geo_.villages().Below(region.value_or(RegionCode(0)))) {
    if (!geofence::IsNatural(village.place)) {
      noted[village.place] = village;
      continue;
    }
    const RegionCode whole = geofence::VillageOf(village.place);
    planned_in_parts[whole] += village.planned_homes.value_or(0);
    parts[whole].push_back(village);
  }
  Homes homes;
  const bool of_township = region && LevelOf(*region) >= RegionLevel::kTownship;
  std::map<RegionCode, HomesCount> below;
  for (const Region& one : now->regions.all()) {
    if (one.level != RegionLevel::kVillage || !inside(one.code)) continue;
    const PlaceCode place = geofence::WholeVillage(one.code);
    const auto it = noted.find(place);
    const VillageView view =
        ViewOf(*now, it == noted.end() ? Village{.place = place} : it->second, installed);
    HomesCount count = CountOf(view, planned_in_parts[one.code]);
    if (of_township) homes.villages.push_back(view);
    for (const Village& part : parts[one.code]) {
      const VillageView natural = ViewOf(*now, part, installed);
      count += CountOf(natural, 0);
      if (of_township) homes.villages.push_back(natural);
    }
    homes.total += count;
    if (of_township) continue;
    RegionLevel level = RegionLevel::kProvince;
    if (region) {
      level = LevelOf(*region) == RegionLevel::kProvince     ? RegionLevel::kPrefecture
              : LevelOf(*region) == RegionLevel::kPrefecture ? RegionLevel::kCounty
                                                             : RegionLevel::kTownship;
    }
    below[Ancestor(one.code, level)] += count;
  }
  homes.below.assign(below.begin(), below.end());
  return homes;
}

std::vector<geofence::Position> AreaDesk::PositionsOf(PlaceCode place) const {
  const auto village = geo_.villages().Get(place);
  if (village && village->position) return {*village->position};
  std::vector<geofence::Position> positions;
  if (geofence::IsNatural(place)) return positions;
  for (const Village& natural : geo_.villages().NaturalsOf(geofence::VillageOf(place))) {
    if (natural.position) positions.push_back(*natural.position);
  }
  return positions;
}

Result<Proposal> AreaDesk::Propose(AreaId id, double km, size_t limit) const {
  const auto now = geo_.snapshot();
  HEARTH_ASSIGN_OR_RETURN(const AreaView view, geo_.GetArea(id));
  HEARTH_ASSIGN_OR_RETURN(const auto table, cells_.table());
  Proposal proposal;
  std::map<geofence::Cell, ProposedCell> nearest;
  for (const PlaceCode place : geofence::PlacesOf(view.area)) {
    const auto positions = PositionsOf(place);
    if (positions.empty()) proposal.without_place.push_back(place);
    for (const geofence::Position& position : positions) {
      if (table == nullptr) continue;
      HEARTH_RETURN_IF_ERROR(table->Near(position, km, [&](const survey::Row& row, double distance) {
        const auto [it, fresh] =
            nearest.try_emplace(row.cell, ProposedCell{.row = row, .km = distance, .village = place});
        if (!fresh && distance < it->second.km) it->second = {.row = row, .km = distance, .village = place};
        return nearest.size() <= limit;
      }));
      if (nearest.size() > limit) {
        return Error(
            Reason::kLimitExceeded,
            fmt::format("more than {} cells are within {} km: ask for a smaller distance", limit, km));
      }
    }
  }
  for (auto& [cell, proposed] : nearest) {
    proposed.lists = ListsOf(now->cells_in_force.index(), cell);
    proposal.cells.push_back(std::move(proposed));
  }
  std::stable_sort(proposal.cells.begin(), proposal.cells.end(),
                   [](const ProposedCell& a, const ProposedCell& b) { return a.km < b.km; });
  return proposal;
}

}  // namespace hearth::app
