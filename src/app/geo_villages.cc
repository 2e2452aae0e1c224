// The part of GeoState that notes what is known of villages.
#include <algorithm>

#include <fmt/format.h>

#include "src/app/geo.h"

namespace hearth::app {

using geofence::PlaceCode;
using geofence::Village;

geofence::VillageQuestions GeoState::Questions(const GeoSnapshot& now) const {
  return {.holder = [&now](PlaceCode place) { return now.HolderOf(place); },
          .naturals =
              [this](RegionCode village) {
                std::vector<PlaceCode> naturals;
                for (const Village& natural : villages_->NaturalsOf(village))
                  naturals.push_back(natural.place);
                return naturals;
              },
          .cable = [this](PlaceCode place) { return villages_->HasCable(place); }};
}

std::optional<AreaId> GeoSnapshot::HolderOf(PlaceCode place) const {
  if (geofence::IsNatural(place)) {
    const auto it = area_of_natural.find(place);
    return it == area_of_natural.end() ? std::nullopt : std::optional(it->second);
  }
  const auto it = area_of_village.find(geofence::VillageOf(place));
  return it == area_of_village.end() ? std::nullopt : std::optional(it->second);
}

// Cable would come to what an approved area sells in.
Status GeoState::CheckNewCable(const GeoSnapshot& now, PlaceCode place) const {
  std::vector<PlaceCode> touched = {place};
  if (geofence::IsNatural(place)) {
    touched.push_back(geofence::WholeVillage(geofence::VillageOf(place)));
  } else {
    for (const Village& natural : villages_->NaturalsOf(geofence::VillageOf(place)))
      touched.push_back(natural.place);
  }
  std::vector<std::string> areas;
  for (const PlaceCode one : touched) {
    const auto holder = now.HolderOf(one);
    if (!holder || !geofence::MaySell(now.areas.at(*holder).value.state)) continue;
    const std::string name = ToString(*holder);
    if (std::find(areas.begin(), areas.end(), name) == areas.end()) areas.push_back(name);
  }
  if (areas.empty()) return Ok();
  return Error(Reason::kAreaVillageCable, fmt::format("{} is in approved area {}: retire it first",
                                                      ToString(place), fmt::join(areas, ", ")))
      .Field("cable", "of a village that no approved area holds");
}

Result<Village> GeoState::Edited(const GeoSnapshot& now, const geofence::VillageEdit& edit,
                                 const std::optional<Village>& existing) const {
  const RegionCode village = geofence::VillageOf(edit.place);
  if (now.regions.Find(village) == nullptr) {
    return Error(Reason::kRegionUnknown, fmt::format("village {} is not known", ToString(village)))
        .Field("village", "a village of the imported divisions");
  }
  if (edit.cable.value_or(false) && !(existing && existing->cable)) {
    HEARTH_RETURN_IF_ERROR(CheckNewCable(now, edit.place));
  }
  return geofence::DecideEdit(edit, existing ? &*existing : nullptr, limits_);
}

std::vector<RowResult> GeoState::ImportVillages(const Request& request, const std::vector<VillageRow>& rows) {
  const MutexLock change(change_mu_);
  const auto now = snapshot();
  std::vector<RowResult> results;
  std::map<PlaceCode, Village> edited;
  for (const VillageRow& row : rows) {
    RowResult& result = results.emplace_back(RowResult{.line = row.line});
    const auto refuse = [&](const Error& error) {
      result.outcome = RowOutcome::kRefused;
      result.error = error;
    };
    if (!row.edit) {
      refuse(row.edit.error());
      continue;
    }
    const auto before = edited.find(row.edit->place);
    const auto existing =
        before != edited.end() ? std::optional(before->second) : villages_->Get(row.edit->place);
    auto village = Edited(*now, *row.edit, existing);
    if (!village) {
      refuse(village.error());
    } else if (existing && *existing == *village) {
      result.outcome = RowOutcome::kExisted;
    } else {
      edited[village->place] = *village;
    }
  }
  if (edited.empty()) return results;
  auto outcome = RunOnce(
      executor_, store::kSystemBucket, request,
      {.action = "village.import", .object = "site", .detail = fmt::format("{} villages", edited.size())},
      limits_, [&](Txn& txn) -> Result<std::string> {
        for (const auto& [place, village] : edited) txn.Write(VillageKey(place).key, village);
        return std::string();
      });
  if (!outcome) {
    for (RowResult& result : results) {
      if (result.outcome != RowOutcome::kDone) continue;
      result.outcome = RowOutcome::kRefused;
      result.error = outcome.error();
    }
  } else if (outcome->change.committed.wrote) {
    for (const auto& [place, village] : edited) villages_->Put(village);
  }
  return results;
}

}  // namespace hearth::app
