// The sections of each subject, built from what is committed now. Reads the store; changes nothing.
#pragma once

#include <vector>

#include "src/app/executor.h"
#include "src/app/geo.h"
#include "src/app/keys.h"

namespace hearth::app {

using Sections = std::vector<Bytes>;

// By which packages are kept.
inline uint16_t ProvinceOf(RegionCode region) {
  return static_cast<uint16_t>(Ancestor(region, RegionLevel::kProvince).value);
}

// Any thread.
class SectionBuilder {
 public:
  SectionBuilder(Executor& executor, const KeyKeeper& keys, const GeoState& geo)
      : executor_(executor), keys_(keys), geo_(geo) {}

  // The card's standing as it is now.
  Result<Bytes> Standing(CardNumber card) const;
  // The card's whole state as it is now; stamped with the newer of its record and its standing, or with
  // StampTracker::record_floor where that is newer.
  Result<Bytes> Record(CardNumber card) const;
  // Nothing when the card has no box any more.
  Result<Sections> Pairing(CardNumber card) const;
  // `watermark` must have been read before this call. Nothing when the group does not exist.
  Result<Sections> Group(GroupId group, Stamp watermark) const;
  // The service keys on air of one package: of the present epoch, and in the lead of the next.
  Result<Sections> ServiceKeys(PackageId package, Stamp stamp) const;
  // Nothing when the alert never was on the air or is over. EMERGENCY_KEY_MISSING.
  Result<Sections> Emergency(uint64_t number) const;
  // One list, under the keys of all packages whose cards it concerns.
  Result<Sections> Table(geofence::ListKind kind, AreaId id) const;
  // All lists that concern the cards of a county: the whitelists of its areas, the deny lists that cover it.
  Result<Sections> TablesOf(uint32_t county) const;

 private:
  Executor& executor_;
  const KeyKeeper& keys_;
  const GeoState& geo_;
};

}  // namespace hearth::app
