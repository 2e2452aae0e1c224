// A service area (服务区域): the villages that one licence to sell covers, and its way from draft to file.
// Pure decisions: each takes the present state and gives the next one or a refusal.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geofence/region.h"
#include "geofence/village.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::geofence {

// The numbers are on disk: never reused. The way is draft → submitted → approved → on file; any of them can
// be retired, and a retired area stays retired (its number is not used again).
enum class AreaState : uint8_t { kDraft = 1, kSubmitted = 2, kApproved = 3, kOnFile = 4, kRetired = 5 };

// "DRAFT", "SUBMITTED", "APPROVED", "ON_FILE", "RETIRED".
std::string_view NameOf(AreaState state);

// Who took the area into a state, and when.
struct AreaStep {
  AreaState state = AreaState::kDraft;
  std::string actor;
  UnixMillis at;

  bool operator==(const AreaStep&) const = default;
};

struct Area {
  AreaId id;  // its division is the county
  std::string name;
  std::vector<RegionCode> villages;  // sorted, no double, all in the county
  AreaState state = AreaState::kDraft;
  std::vector<AreaStep> steps;  // oldest first, one per state passed
  // Natural villages beside the whole ones, never of one of them; sorted, no double.
  std::vector<PlaceCode> naturals = {};

  bool operator==(const Area&) const = default;
};

// What someone asks for; outside input.
struct NewArea {
  AreaId id;
  std::string name;
  std::vector<PlaceCode> villages;  // whole or natural
};

// Who acts, and the time of the decision.
struct Actor {
  std::string name;
  UnixMillis now;
};

// What a decision asks about villages. All three must be set.
struct VillageQuestions {
  // The area, other than a retired one, that holds exactly this place now; nullopt when none does.
  std::function<std::optional<AreaId>(PlaceCode)> holder;
  // The natural villages of a village that are known, in order.
  std::function<std::vector<PlaceCode>(RegionCode)> naturals;
  // Marked as having cable, itself.
  std::function<bool(PlaceCode)> cable;
};

// Only an approved area may sell.
bool MaySell(AreaState state);

// A draft. `existing` is the area that has this number already, or nullptr.
//   AREA_EXISTS          the number is taken
//   FIELD_MISSING, FIELD_INVALID, LIMIT_EXCEEDED   name or villages are empty or too many
//   AREA_OUTSIDE_COUNTY  the number does not begin with a county, or a village lies elsewhere
//   REGION_UNKNOWN, REGION_NOT_VILLAGE, AREA_VILLAGE_TAKEN, AREA_VILLAGE_CABLE   per village. A whole village
//   is
//     taken, or has cable, also when a natural village of it is or has; and the other way round
// The error has the reason of the first bad village and one violation ("villages[3]") for each, at most 100.
Result<Area> DecideCreate(const NewArea& wish, const Area* existing, const RegionTree& regions,
                          const VillageQuestions& ask, const Limits& limits, const Actor& actor);

// Every place of the area, whole villages first.
std::vector<PlaceCode> PlacesOf(const Area& area);
// AREA_VILLAGE_CABLE naming each place of the area that has cable by now: it can be neither submitted nor
// approved.
Status CheckCable(const Area& area, const VillageQuestions& ask);

// The steps. AREA_STATE_INVALID when the area is not in the state the step starts from.
Result<Area> DecideSubmit(Area area, const Actor& actor);
// SECOND_APPROVER_NEEDED when the actor is the one who submitted it.
Result<Area> DecideApprove(Area area, const Actor& actor);
Result<Area> DecideFile(Area area, const Actor& actor);
Result<Area> DecideRetire(Area area, const Actor& actor);

}  // namespace hearth::geofence
