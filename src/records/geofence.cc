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
  return out;
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

}  // namespace hearth::records
