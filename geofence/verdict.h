// What a location report means for one card, and how strictly. Only values: intervention/ includes just this
// header.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::geofence {

// The numbers are on disk: never reused.
enum class Verdict : uint8_t {
  kInArea = 1,       // the serving cell belongs to the card's place
  kOutOfArea = 2,    // the serving cell is known and belongs elsewhere
  kBlacklisted = 3,  // the serving cell is a city cell
  kUnknownCell = 4,  // the serving cell is on no list
  kNoSignal = 5,     // no cell heard
  kExempt = 6,       // the card needs no whitelist, and hears no city cell
};

// "IN_AREA", "OUT_OF_AREA" …; "UNKNOWN" for a value that is no Verdict.
constexpr std::string_view NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kInArea:
      return "IN_AREA";
    case Verdict::kOutOfArea:
      return "OUT_OF_AREA";
    case Verdict::kBlacklisted:
      return "BLACKLISTED";
    case Verdict::kUnknownCell:
      return "UNKNOWN_CELL";
    case Verdict::kNoSignal:
      return "NO_SIGNAL";
    case Verdict::kExempt:
      return "EXEMPT";
  }
  return "UNKNOWN";
}

// How far the card's own place reaches; policy per region. The numbers are on disk: never reused.
enum class Strictness : uint8_t {
  kVillage = 1,   // the whitelist of the card's own area
  kCounty = 2,    // whitelists of areas of its county
  kProvince = 3,  // whitelists of areas of its province
};

// "VILLAGE", "COUNTY", "PROVINCE"; "UNKNOWN" for a value that is no Strictness.
constexpr std::string_view NameOf(Strictness strictness) {
  switch (strictness) {
    case Strictness::kVillage:
      return "VILLAGE";
    case Strictness::kCounty:
      return "COUNTY";
    case Strictness::kProvince:
      return "PROVINCE";
  }
  return "UNKNOWN";
}

}  // namespace hearth::geofence
