#include "geofence/area.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

constexpr size_t kMaxAreaViolations = 100;

using Fault = std::optional<std::pair<Reason, std::string>>;

// Cable at the place, around it, or in a part of it.
Fault CableFault(PlaceCode place, const VillageQuestions& ask) {
  const RegionCode village = VillageOf(place);
  if (ask.cable(place))
    return std::pair(Reason::kAreaVillageCable, fmt::format("{} has cable", ToString(place)));
  if (ask.cable(WholeVillage(village))) {
    return std::pair(Reason::kAreaVillageCable, fmt::format("village {}, which {} belongs to, has cable",
                                                            ToString(village), ToString(place)));
  }
  if (IsNatural(place)) return std::nullopt;
  for (const PlaceCode natural : ask.naturals(village)) {
    if (!ask.cable(natural)) continue;
    return std::pair(Reason::kAreaVillageCable,
                     fmt::format("natural village {} of {} has cable: name those without one by one",
                                 ToString(natural), ToString(place)));
  }
  return std::nullopt;
}

// Another area at the place, around it, or in a part of it.
Fault HolderFault(PlaceCode place, AreaId area, const VillageQuestions& ask) {
  std::vector<PlaceCode> overlapping = {place};
  if (IsNatural(place)) {
    overlapping.push_back(WholeVillage(VillageOf(place)));
  } else {
    const auto naturals = ask.naturals(VillageOf(place));
    overlapping.insert(overlapping.end(), naturals.begin(), naturals.end());
  }
  for (const PlaceCode other : overlapping) {
    const auto holder = ask.holder(other);
    if (!holder || *holder == area) continue;
    return std::pair(Reason::kAreaVillageTaken,
                     fmt::format("{} {} belongs to area {}", IsNatural(other) ? "natural village" : "village",
                                 ToString(other), ToString(*holder)));
  }
  return std::nullopt;
}

// Why one village may not be in the area; nullopt when it may.
Fault VillageFault(PlaceCode place, const NewArea& wish, const RegionTree& regions,
                   const VillageQuestions& ask) {
  const RegionCode village = VillageOf(place);
  const std::string code = ToString(place);
  if (LevelOf(village) != RegionLevel::kVillage) {
    return std::pair(Reason::kRegionNotVillage, fmt::format("{} is not the code of a village", code));
  }
  if (Ancestor(village, RegionLevel::kCounty).value != AreaDivision(wish.id)) {
    return std::pair(Reason::kAreaOutsideCounty,
                     fmt::format("village {} is not in county {}", code, AreaDivision(wish.id)));
  }
  if (regions.Find(village) == nullptr) {
    return std::pair(Reason::kRegionUnknown, fmt::format("village {} is unknown", code));
  }
  if (IsNatural(place)) {
    const auto known = ask.naturals(village);
    if (std::find(known.begin(), known.end(), place) == known.end()) {
      return std::pair(Reason::kRegionUnknown, fmt::format("natural village {} is unknown", code));
    }
    if (std::find(wish.villages.begin(), wish.villages.end(), WholeVillage(village)) != wish.villages.end()) {
      return std::pair(
          Reason::kFieldInvalid,
          fmt::format("{} is part of village {}, which is there as a whole", code, ToString(village)));
    }
  }
  if (Fault fault = HolderFault(place, wish.id, ask)) return fault;
  return CableFault(place, ask);
}

// The reason of the first fault, a violation for each.
class Faults {
 public:
  void Add(std::string field, Fault fault) {
    if (!fault || ++count_ > kMaxAreaViolations) return;
    if (!error_) error_ = Error(fault->first, fault->second);
    error_ = Error(std::move(*error_).Field(std::move(field), std::move(fault->second)));
  }
  Status status() && {
    if (error_) return *std::move(error_);
    return Ok();
  }

 private:
  std::optional<Error> error_;
  size_t count_ = 0;
};

Status CheckVillages(const NewArea& wish, const RegionTree& regions, const VillageQuestions& ask) {
  Faults faults;
  for (size_t i = 0; i < wish.villages.size(); ++i) {
    faults.Add(fmt::format("villages[{}]", i), VillageFault(wish.villages[i], wish, regions, ask));
  }
  return std::move(faults).status();
}

Status CheckText(const std::string& text, std::string_view field, const Limits& limits) {
  if (text.empty()) return MissingField(std::string(field), "a name");
  if (text.size() <= limits.text_bytes) return Ok();
  return Error(Reason::kLimitExceeded, fmt::format("{} is longer than {} bytes", field, limits.text_bytes))
      .Field(std::string(field), fmt::format("at most {} bytes", limits.text_bytes));
}

Status CheckWish(const NewArea& wish, const Area* existing, const RegionTree& regions, const Limits& limits) {
  if (auto id = ParseAreaId(ToString(wish.id)); !id) return std::move(id).error();
  if (existing != nullptr) {
    return Error(Reason::kAreaExists, fmt::format("area {} exists: {}, {}", ToString(wish.id), existing->name,
                                                  NameOf(existing->state)));
  }
  HEARTH_RETURN_IF_ERROR(CheckText(wish.name, "name", limits));
  if (wish.villages.empty()) return MissingField("villages", "at least one village");
  if (wish.villages.size() > limits.villages_per_area) {
    return Error(Reason::kLimitExceeded, fmt::format("{} villages; an area has at most {}",
                                                     wish.villages.size(), limits.villages_per_area))
        .Field("villages", fmt::format("at most {}", limits.villages_per_area));
  }
  const Region* county = regions.Find(RegionCode(AreaDivision(wish.id)));
  if (county == nullptr || county->level != RegionLevel::kCounty) {
    return Error(Reason::kAreaOutsideCounty,
                 fmt::format("area {} does not begin with the code of a county", ToString(wish.id)))
        .Field("area_id", "the 6-digit code of a county and a serial 001 to 999");
  }
  return Ok();
}

Result<Area> Advance(Area area, AreaState from, AreaState to, const Actor& actor) {
  if (area.state != from) {
    return Error(Reason::kAreaStateInvalid,
                 fmt::format("area {} is {}; to become {} it must be {}", ToString(area.id),
                             NameOf(area.state), NameOf(to), NameOf(from)));
  }
  if (actor.name.empty()) return Error(Reason::kActorMissing, "the step has no actor");
  area.state = to;
  area.steps.push_back({to, actor.name, actor.now});
  return area;
}

}  // namespace

std::string_view NameOf(AreaState state) {
  switch (state) {
    case AreaState::kDraft:
      return "DRAFT";
    case AreaState::kSubmitted:
      return "SUBMITTED";
    case AreaState::kApproved:
      return "APPROVED";
    case AreaState::kOnFile:
      return "ON_FILE";
    case AreaState::kRetired:
      return "RETIRED";
  }
  return "UNKNOWN";
}

bool MaySell(AreaState state) { return state == AreaState::kApproved || state == AreaState::kOnFile; }

Result<Area> DecideCreate(const NewArea& wish, const Area* existing, const RegionTree& regions,
                          const VillageQuestions& ask, const Limits& limits, const Actor& actor) {
  if (actor.name.empty()) return Error(Reason::kActorMissing, "the step has no actor");
  HEARTH_RETURN_IF_ERROR(CheckWish(wish, existing, regions, limits));
  HEARTH_RETURN_IF_ERROR(CheckVillages(wish, regions, ask));
  std::vector<PlaceCode> places = wish.villages;
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  Area area = {.id = wish.id,
               .name = wish.name,
               .villages = {},
               .state = AreaState::kDraft,
               .steps = {{AreaState::kDraft, actor.name, actor.now}}};
  for (const PlaceCode place : places) {
    if (IsNatural(place)) {
      area.naturals.push_back(place);
    } else {
      area.villages.push_back(VillageOf(place));
    }
  }
  return area;
}

std::vector<PlaceCode> PlacesOf(const Area& area) {
  std::vector<PlaceCode> places;
  for (const RegionCode village : area.villages) places.push_back(WholeVillage(village));
  places.insert(places.end(), area.naturals.begin(), area.naturals.end());
  return places;
}

Status CheckCable(const Area& area, const VillageQuestions& ask) {
  Faults faults;
  for (const PlaceCode place : PlacesOf(area)) faults.Add(ToString(place), CableFault(place, ask));
  return std::move(faults).status();
}

Result<Area> DecideSubmit(Area area, const Actor& actor) {
  return Advance(std::move(area), AreaState::kDraft, AreaState::kSubmitted, actor);
}

Result<Area> DecideApprove(Area area, const Actor& actor) {
  for (const AreaStep& step : area.steps) {
    if (area.state == AreaState::kSubmitted && step.state == AreaState::kSubmitted &&
        step.actor == actor.name) {
      return Error(Reason::kSecondApproverNeeded,
                   fmt::format("area {} was submitted by {}, who cannot approve it too", ToString(area.id),
                               actor.name));
    }
  }
  return Advance(std::move(area), AreaState::kSubmitted, AreaState::kApproved, actor);
}

Result<Area> DecideFile(Area area, const Actor& actor) {
  return Advance(std::move(area), AreaState::kApproved, AreaState::kOnFile, actor);
}

Result<Area> DecideRetire(Area area, const Actor& actor) {
  if (area.state == AreaState::kRetired) {
    return Error(Reason::kAreaStateInvalid, fmt::format("area {} is retired already", ToString(area.id)));
  }
  const AreaState from = area.state;
  return Advance(std::move(area), from, AreaState::kRetired, actor);
}

}  // namespace hearth::geofence
