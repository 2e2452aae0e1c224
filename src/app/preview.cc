#include "src/app/preview.h"

#include <algorithm>
#include <map>
#include <thread>
#include <unordered_map>

#include <fmt/format.h>

#include "src/app/card_turn.h"

namespace hearth::app {
namespace {

using geofence::Verdict;
using intervention::Forecast;

constexpr size_t kJudgingThreads = 2;
constexpr int64_t kDayMillis = 24LL * 3600 * 1000;

void Count(Effect effect, Forecast& counts) {
  switch (effect) {
    case Effect::kGoesDark:
      ++counts.dark;
      break;
    case Effect::kWouldGoDark:
      ++counts.old_dark;
      break;
    case Effect::kComesBack:
      ++counts.back;
      break;
    case Effect::kBecomesUnknown:
      ++counts.unknown;
      break;
    case Effect::kIsProposed:
      ++counts.proposed;
      break;
    case Effect::kSilent:
      ++counts.silent;
      break;
    case Effect::kDarkInBox:
      ++counts.box;
      break;
  }
}

void Add(const Forecast& from, Forecast& to) {
  to.judged += from.judged;
  to.dark += from.dark;
  to.old_dark += from.old_dark;
  to.back += from.back;
  to.unknown += from.unknown;
  to.proposed += from.proposed;
  to.silent += from.silent;
  to.box += from.box;
}

// Homes that would lose their service, at once or after the grace of their box.
uint64_t CutOff(const Forecast& counts) {
  return counts.dark + counts.old_dark + counts.unknown + counts.silent + counts.box;
}

void FindNeedOfApprover(const intervention::ChangeRules& rules, const std::vector<AreaForecast>& areas,
                        Forecast& total) {
  if (CutOff(total) > rules.total) {
    total.needs_approver = true;
    total.why_approver =
        fmt::format("{} homes would be cut off in all, {} are allowed", CutOff(total), rules.total);
    return;
  }
  for (const AreaForecast& area : areas) {
    if (!intervention::AboveCap(rules, CutOff(area.counts), area.installed)) continue;
    total.needs_approver = true;
    total.why_approver =
        fmt::format("area {}: {} of {} homes would be cut off, more than max({}, {} %)", ToString(area.area),
                    CutOff(area.counts), area.installed, rules.cards, rules.percent);
    return;
  }
}

}  // namespace

RowJudge::RowJudge(CellNumbers& cells, const UnderWay& under_way, const intervention::PolicyBook& policy)
    : cells_(cells), under_way_(under_way), policy_(policy) {
  for (const geofence::Cell& cell : under_way.touched) {
    const uint32_t number = cells_.Find(cell);
    if (number == 0) continue;
    if (touched_.size() <= number / 64) touched_.resize(number / 64 + 1);
    touched_[number / 64] |= uint64_t{1} << (number % 64);
  }
}

bool RowJudge::MayChange(const HeardRow& row) const {
  if (row.location_standing() == intervention::Standing::kWaiting) return false;
  const auto heard = row.heard();
  if (std::any_of(heard.begin(), heard.end(), [&](uint32_t cell) { return Touches(cell); })) return true;
  const AreaId area(row.area);
  return under_way_.policy && policy_.For(area).strictness != under_way_.policy->For(area).strictness;
}

geofence::Evidence RowJudge::EvidenceOf(const HeardRow& row) const {
  geofence::Evidence evidence;
  for (const uint32_t cell : row.heard()) evidence.cells.push_back({.cell = cells_.CellOf(cell)});
  evidence.no_signal = evidence.cells.empty();
  return evidence;
}

std::optional<AffectedCard> RowJudge::Judge(const HeardRow& row, const GeoSnapshot& geo,
                                            UnixMillis oldest) const {
  const CardNumber card(row.card);
  const AreaId area(row.area);
  const geofence::Evidence evidence = EvidenceOf(row);
  const auto judged = [&](bool inside) {
    const CardRules rules = geo.RulesFor(card, area, GeoSnapshot::Suppose{under_way_.rollout.number, inside});
    return geofence::Judge(geo.cells_in_force.index(),
                           {.area = area, .strictness = rules.policy.strictness, .exempt = row.exempt != 0},
                           evidence, rules.filter());
  };
  const geofence::Judgement before = judged(false);
  const geofence::Judgement after = judged(true);
  AffectedCard affected{.card = card,
                        .area = area,
                        .before = before.verdict,
                        .after = after.verdict,
                        .serving_cell = row.count > 0 ? row.cells[0] : 0,
                        .reported = UnixMillis(int64_t{row.reported} * 1000)};
  const auto becomes = [&](Effect effect) {
    affected.effect = effect;
    return std::optional(affected);
  };
  const bool old = affected.reported < oldest;
  if (row.location_standing() == intervention::Standing::kIntervened) {
    return !AtHome(before.verdict) && AtHome(after.verdict) ? becomes(Effect::kComesBack) : std::nullopt;
  }
  const auto goes = [](const geofence::Judgement& judgement) {
    return judgement.verdict == Verdict::kBlacklisted && !judgement.whitelisted_neighbour;
  };
  if (goes(after) && !goes(before)) {
    if (!old) return becomes(Effect::kGoesDark);
    // The head-end does not act on old evidence, but a box that holds the list does as soon as it hears it.
    return becomes(geofence::Covers(after.findings.front().list.id, area) ? Effect::kDarkInBox
                                                                          : Effect::kWouldGoDark);
  }
  if (AtHome(before.verdict) && after.verdict == Verdict::kOutOfArea && !after.whitelisted_neighbour) {
    return becomes(Effect::kIsProposed);
  }
  const bool lost = AtHome(before.verdict) && after.verdict == Verdict::kUnknownCell;
  if (lost) return becomes(old ? Effect::kSilent : Effect::kBecomesUnknown);
  return std::nullopt;
}

Result<Preview> MakePreview(const HeardColumn& column, CellNumbers& cells, const GeoSnapshot& geo,
                            uint64_t rollout, UnixMillis now,
                            const std::function<void(const AffectedCard&)>& each) {
  if (!column.loaded()) {
    return Error(Reason::kRolloutLoading,
                 fmt::format("the last reports of {} cards have been read so far", column.size()));
  }
  const auto under_way = std::find_if(geo.under_way.begin(), geo.under_way.end(),
                                      [&](const UnderWay& one) { return one.rollout.number == rollout; });
  if (under_way == geo.under_way.end()) return Error(Reason::kInternal, "the rollout is not under way");
  const RowJudge judge(cells, *under_way, geo.policy);
  const UnixMillis oldest(now.value - int64_t{geo.policy.changes.evidence_days} * kDayMillis);
  struct Part {
    std::unordered_map<uint32_t, uint64_t> installed;  // by area
    std::map<uint32_t, Forecast> areas;
    Forecast total;
  };
  std::vector<Part> parts(kJudgingThreads);
  Mutex mu;
  const auto work = [&](size_t index) {
    Part& part = parts[index];
    uint32_t last_area = 0;
    uint64_t* installed = nullptr;
    column.ForEachPart(index, kJudgingThreads, [&](const HeardRow& row) {
      if (row.location_standing() == intervention::Standing::kWaiting) return true;
      if (installed == nullptr || row.area != last_area) {
        installed = &part.installed[row.area];
        last_area = row.area;
      }
      ++*installed;
      if (row.reported != 0) ++part.total.judged;
      if (!judge.MayChange(row)) return true;
      const auto affected = judge.Judge(row, geo, oldest);
      if (!affected) return true;
      Forecast& area = part.areas[row.area];
      ++area.judged;
      Count(affected->effect, area);
      Count(affected->effect, part.total);
      if (each) {
        const MutexLock lock(mu);
        each(*affected);
      }
      return true;
    });
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < kJudgingThreads; ++i) threads.emplace_back(work, i);
  work(0);
  for (std::thread& thread : threads) thread.join();

  Preview preview;
  preview.total.at = now;
  std::map<uint32_t, AreaForecast> areas;
  for (const Part& part : parts) {
    Add(part.total, preview.total);
    for (const auto& [area, counts] : part.areas) {
      AreaForecast& forecast = areas[area];
      forecast.area = AreaId(area);
      Add(counts, forecast.counts);
    }
  }
  for (auto& [number, area] : areas) {
    for (const Part& part : parts) {
      const auto found = part.installed.find(number);
      if (found != part.installed.end()) area.installed += found->second;
    }
    preview.areas.push_back(std::move(area));
  }
  std::stable_sort(preview.areas.begin(), preview.areas.end(),
                   [](const auto& a, const auto& b) { return CutOff(a.counts) > CutOff(b.counts); });
  FindNeedOfApprover(geo.policy.changes, preview.areas, preview.total);
  return preview;
}

}  // namespace hearth::app
