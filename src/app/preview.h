// Who goes dark, who comes back: each card's newest report judged twice, with and without a rollout.
//
// Cards that heard none of the cells the rollout touches keep their verdict and are only counted, so that a
// change of a list costs a look at each row. A change of the policy's strictness judges every card of its
// regions.
#pragma once

#include <functional>
#include <vector>

#include "intervention/rollout.h"
#include "src/app/column.h"
#include "src/app/geo.h"

namespace hearth::app {

// The numbers are those of hearth.v1.Effect.
enum class Effect : uint8_t {
  kGoesDark = 1,
  kWouldGoDark = 2,  // on evidence too old to act upon
  kComesBack = 3,
  kBecomesUnknown = 4,
  kIsProposed = 5,
  kSilent = 6,  // no newer report, and the cell it was at home on leaves the list
  kDarkInBox = 7,
};

struct AffectedCard {
  CardNumber card;
  AreaId area;
  Effect effect = Effect::kGoesDark;
  geofence::Verdict before = geofence::Verdict::kNoSignal;
  geofence::Verdict after = geofence::Verdict::kNoSignal;
  uint32_t serving_cell = 0;  // CellNumbers; 0: none
  UnixMillis reported;
};

struct AreaForecast {
  AreaId area;
  uint64_t installed = 0;
  intervention::Forecast counts;  // `at` and the approver are those of the whole
};

struct Preview {
  intervention::Forecast total;
  // Those with somebody affected, most homes cut off first.
  std::vector<AreaForecast> areas;
};

// `geo` has the rollout under way (GeoState::With). Two threads beside the caller's. `each` is told of every
// affected card, from one thread at a time; it must be quick. ROLLOUT_LOADING until the column is filled.
Result<Preview> MakePreview(const HeardColumn& column, CellNumbers& cells, const GeoSnapshot& geo,
                            uint64_t rollout, UnixMillis now,
                            const std::function<void(const AffectedCard&)>& each = nullptr);

// What one row would become; nullopt when nothing changes for it. For those who judge cards again.
class RowJudge {
 public:
  // Both must outlive it.
  RowJudge(CellNumbers& cells, const UnderWay& under_way, const intervention::PolicyBook& policy);

  // False: the rollout touches nothing the card is judged by.
  bool MayChange(const HeardRow& row) const;
  // `geo` has the rollout under way. Evidence from before `oldest` is listed, not acted upon.
  std::optional<AffectedCard> Judge(const HeardRow& row, const GeoSnapshot& geo, UnixMillis oldest) const;

 private:
  bool Touches(uint32_t cell) const {
    return cell < touched_.size() * 64 && (touched_[cell / 64] >> (cell % 64) & 1) != 0;
  }
  geofence::Evidence EvidenceOf(const HeardRow& row) const;

  CellNumbers& cells_;
  const UnderWay& under_way_;
  const intervention::PolicyBook& policy_;
  std::vector<uint64_t> touched_;  // a bit for each cell number
};

}  // namespace hearth::app
