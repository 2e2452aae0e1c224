#include "geofence/area.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

constexpr size_t kMaxViolations = 100;

// Why one village may not be in the area; nullopt when it may.
std::optional<std::pair<Reason, std::string>> VillageFault(RegionCode village, AreaId area,
                                                           const RegionTree& regions,
                                                           const VillageHolder& holder) {
  const std::string code = ToString(village);
  if (LevelOf(village) != RegionLevel::kVillage) {
    return std::pair(Reason::kRegionNotVillage, fmt::format("{} is not the code of a village", code));
  }
  if (Ancestor(village, RegionLevel::kCounty).value != AreaDivision(area)) {
    return std::pair(Reason::kAreaOutsideCounty,
                     fmt::format("village {} is not in county {}", code, AreaDivision(area)));
  }
  if (regions.Find(village) == nullptr) {
    return std::pair(Reason::kRegionUnknown, fmt::format("village {} is unknown", code));
  }
  if (const auto other = holder(village); other && *other != area) {
    return std::pair(Reason::kAreaVillageTaken,
                     fmt::format("village {} belongs to area {}", code, ToString(*other)));
  }
  return std::nullopt;
}

Status CheckVillages(const NewArea& wish, const RegionTree& regions, const VillageHolder& holder) {
  std::optional<Error> error;
  size_t faults = 0;
  for (size_t i = 0; i < wish.villages.size(); ++i) {
    auto fault = VillageFault(wish.villages[i], wish.id, regions, holder);
    if (!fault) continue;
    if (++faults > kMaxViolations) break;
    if (!error) error = Error(fault->first, fault->second);
    error = std::move(*error).Field(fmt::format("villages[{}]", i), std::move(fault->second));
  }
  if (error) return *std::move(error);
  return Ok();
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
                          const VillageHolder& holder, const Limits& limits, const Actor& actor) {
  if (actor.name.empty()) return Error(Reason::kActorMissing, "the step has no actor");
  HEARTH_RETURN_IF_ERROR(CheckWish(wish, existing, regions, limits));
  HEARTH_RETURN_IF_ERROR(CheckVillages(wish, regions, holder));
  Area area = {.id = wish.id,
               .name = wish.name,
               .villages = wish.villages,
               .state = AreaState::kDraft,
               .steps = {{AreaState::kDraft, actor.name, actor.now}}};
  std::sort(area.villages.begin(), area.villages.end());
  area.villages.erase(std::unique(area.villages.begin(), area.villages.end()), area.villages.end());
  return area;
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
