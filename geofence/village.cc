#include "geofence/village.h"

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

constexpr uint64_t kFirstNatural = 10'000'000'000'000;  // 14 digits
constexpr size_t kNaturalDigits = 14;

}  // namespace

bool IsNatural(PlaceCode place) { return place.value >= kFirstNatural; }

RegionCode VillageOf(PlaceCode place) {
  return RegionCode(IsNatural(place) ? place.value / 100 : place.value);
}

std::string ToString(PlaceCode place) { return fmt::format("{}", place.value); }

Result<PlaceCode> ParsePlaceCode(std::string_view text, std::string_view field) {
  const bool natural = text.size() == kNaturalDigits;
  HEARTH_ASSIGN_OR_RETURN(const RegionCode village,
                          ParseRegionCode(natural ? text.substr(0, kNaturalDigits - 2) : text, field));
  if (LevelOf(village) != RegionLevel::kVillage) {
    return Error(Reason::kRegionNotVillage, fmt::format("{} is not the code of a village", text))
        .Field(std::string(field), "the 12 digits of a village, or 14 of a natural village");
  }
  if (!natural) return WholeVillage(village);
  const char tens = text[kNaturalDigits - 2];
  const char ones = text[kNaturalDigits - 1];
  if (tens < '0' || tens > '9' || ones < '0' || ones > '9' || (tens == '0' && ones == '0')) {
    return InvalidField(std::string(field),
                        "a village of 12 digits and the serial 01 to 99 of a natural village");
  }
  return PlaceCode(village.value * 100 + static_cast<uint64_t>((tens - '0') * 10 + (ones - '0')));
}

Result<Village> DecideEdit(const VillageEdit& edit, const Village* existing, const Limits& limits) {
  Village village = existing != nullptr ? *existing : Village{.place = edit.place};
  if (edit.name) {
    if (!IsNatural(edit.place)) return InvalidField("name", "only natural villages are named here");
    if (edit.name->empty()) return MissingField("name", "what people call the natural village");
    if (edit.name->size() > limits.text_bytes) {
      return Error(Reason::kLimitExceeded, fmt::format("the name is longer than {} bytes", limits.text_bytes))
          .Field("name", fmt::format("at most {} bytes", limits.text_bytes));
    }
    village.name = *edit.name;
  } else if (IsNatural(edit.place) && existing == nullptr) {
    return Error(Reason::kRegionUnknown,
                 fmt::format("there is no natural village {}: name it first", ToString(edit.place)));
  }
  if (edit.position && !InRange(*edit.position)) return InvalidField("position", "degrees of WGS 84");
  if (edit.cable) village.cable = *edit.cable;
  if (edit.planned_homes) village.planned_homes = edit.planned_homes;
  if (edit.position) village.position = edit.position;
  return village;
}

}  // namespace hearth::geofence
