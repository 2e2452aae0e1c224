// Administrative divisions, service areas, and the heads of cell lists.
#include "src/records/values.h"

namespace hearth::records {
namespace {

using geofence::Area;
using geofence::AreaStep;
using geofence::Region;

pb::Region Write(const Region& value) {
  pb::Region out;
  out.set_code(value.code.value);
  out.set_name(value.name);
  out.set_parent(value.parent.value);
  return out;
}

// The level is that of the code's digits and not stored.
Region ReadRegion(const pb::Region& in, Checker& check) {
  Region out;
  out.code = check.Division(in.code(), "code");
  out.name = in.name();
  if (in.parent() != 0) out.parent = check.Division(in.parent(), "parent");
  out.level = LevelOf(out.code);
  return out;
}

pb::Area Write(const Area& value) {
  pb::Area out;
  out.set_id(value.id.value);
  out.set_name(value.name);
  for (const RegionCode village : value.villages) out.add_villages(village.value);
  out.set_state(static_cast<uint32_t>(value.state));
  for (const AreaStep& step : value.steps) {
    pb::AreaStep& to = *out.add_steps();
    to.set_state(static_cast<uint32_t>(step.state));
    to.set_actor(step.actor);
    to.set_at_ms(step.at.value);
  }
  for (const geofence::PlaceCode natural : value.naturals) out.add_naturals(natural.value);
  return out;
}

// 14 digits of a natural village.
geofence::PlaceCode ReadNatural(uint64_t value, Checker& check, std::string_view field) {
  const geofence::PlaceCode place(value);
  check.Require(geofence::IsNatural(place) && value % 100 != 0, field, "a natural village");
  check.Division(geofence::VillageOf(place).value, field);
  return place;
}

Area ReadArea(const pb::Area& in, Checker& check) {
  Area out;
  out.id = check.NeedId<AreaId>(in.id(), "id");
  out.name = in.name();
  for (const uint64_t village : in.villages()) {
    out.villages.push_back(check.Division(village, "village"));
  }
  out.state = check.Enum<geofence::AreaState>(in.state(), "state");
  for (const pb::AreaStep& step : in.steps()) {
    out.steps.push_back({.state = check.Enum<geofence::AreaState>(step.state(), "step.state"),
                         .actor = step.actor(),
                         .at = UnixMillis(step.at_ms())});
  }
  for (const uint64_t natural : in.naturals()) out.naturals.push_back(ReadNatural(natural, check, "natural"));
  return out;
}

pb::Village Write(const geofence::Village& value) {
  pb::Village out;
  out.set_place(value.place.value);
  out.set_name(value.name);
  out.set_cable(value.cable);
  if (value.planned_homes) out.set_planned_homes(*value.planned_homes);
  if (value.position) {
    out.set_latitude_e7(value.position->latitude_e7);
    out.set_longitude_e7(value.position->longitude_e7);
  }
  return out;
}

geofence::Village ReadVillage(const pb::Village& in, Checker& check) {
  geofence::Village out;
  out.place = geofence::PlaceCode(in.place());
  if (geofence::IsNatural(out.place)) {
    ReadNatural(in.place(), check, "place");
  } else {
    out.place = geofence::WholeVillage(check.Division(in.place(), "place"));
    check.Require(out.place.value >= 100'000'000'000, "place", "a village");
  }
  out.name = in.name();
  out.cable = in.cable();
  if (in.has_planned_homes()) out.planned_homes = in.planned_homes();
  check.Require(in.has_latitude_e7() == in.has_longitude_e7(), "position", "whole");
  if (in.has_latitude_e7()) {
    out.position = geofence::Position{.latitude_e7 = in.latitude_e7(), .longitude_e7 = in.longitude_e7()};
    check.Require(geofence::InRange(*out.position), "position", "on the earth");
  }
  return out;
}

pb::CellListHead Write(const CellListHead& value) {
  pb::CellListHead out;
  out.set_kind(static_cast<uint32_t>(value.kind));
  out.set_id(value.id.value);
  out.set_name(value.name);
  out.set_version(value.version);
  out.set_cells(value.cells);
  out.set_activated_ms(value.activated.value);
  out.set_actor(value.actor);
  out.set_stamp(value.stamp.value);
  out.set_last_version(value.last_version);
  return out;
}

CellListHead ReadCellListHead(const pb::CellListHead& in, Checker& check) {
  return {.kind = check.Enum<geofence::ListKind>(in.kind(), "kind"),
          .id = check.NeedId<AreaId>(in.id(), "id"),
          .name = in.name(),
          .version = in.version(),
          .cells = in.cells(),
          .activated = UnixMillis(in.activated_ms()),
          .actor = in.actor(),
          .stamp = check.MaybeId<Stamp>(in.stamp(), "stamp"),
          .last_version = in.last_version()};
}

}  // namespace

std::string Encode(const Region& value) { return Write(value).SerializeAsString(); }
template <>
Result<Region> Decode(std::string_view bytes) {
  return DecodeWith(ReadRegion, "region", bytes);
}

std::string Encode(const Area& value) { return Write(value).SerializeAsString(); }
template <>
Result<Area> Decode(std::string_view bytes) {
  return DecodeWith(ReadArea, "area", bytes);
}

std::string Encode(const CellListHead& value) { return Write(value).SerializeAsString(); }
template <>
Result<CellListHead> Decode(std::string_view bytes) {
  return DecodeWith(ReadCellListHead, "cell list", bytes);
}

std::string Encode(const geofence::Village& value) { return Write(value).SerializeAsString(); }
template <>
Result<geofence::Village> Decode(std::string_view bytes) {
  return DecodeWith(ReadVillage, "village", bytes);
}

}  // namespace hearth::records
