// Villages and the natural villages (自然村) below them: what is known of one beyond its name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "geofence/position.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::geofence {

// A village (12 digits, as RegionCode) or a natural village of it: the village's code and a serial 01 to 99,
// 14 digits. The national code ends with the village; the serial is this site's own.
using PlaceCode = StrongInt<struct PlaceCodeTag, uint64_t>;

inline PlaceCode WholeVillage(RegionCode village) { return PlaceCode(village.value); }
bool IsNatural(PlaceCode place);
// The village that it is, or is part of.
RegionCode VillageOf(PlaceCode place);
// 12 or 14 digits. FIELD_INVALID names `field`; REGION_NOT_VILLAGE for the code of a larger division.
Result<PlaceCode> ParsePlaceCode(std::string_view text, std::string_view field = "village");
std::string ToString(PlaceCode place);

struct Village {
  PlaceCode place;
  std::string name;    // of a natural village; empty for a whole one, which the divisions name
  bool cable = false;  // 有线: cable reaches it, so that no satellite box may be sold there
  std::optional<uint32_t> planned_homes;  // 摸底
  std::optional<Position> position;

  bool operator==(const Village&) const = default;
};

// What somebody wants to note; what is not there stays as it is. Outside input.
struct VillageEdit {
  PlaceCode place;
  std::optional<std::string> name;
  std::optional<bool> cable;
  std::optional<uint32_t> planned_homes;
  std::optional<Position> position;
};

// The village as it is afterwards. `existing`: what was noted so far, or nullptr.
//   FIELD_MISSING, FIELD_INVALID, LIMIT_EXCEEDED   a natural village needs a name and a whole one has none;
//   the name
//     is too long; the position is not on the earth
//   REGION_UNKNOWN   a natural village that nobody has named yet
Result<Village> DecideEdit(const VillageEdit& edit, const Village* existing, const Limits& limits);

}  // namespace hearth::geofence
