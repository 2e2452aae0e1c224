#include "geofence/drift.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace hearth::geofence {
namespace {

using CardsByCell = std::map<uint32_t, uint32_t>;

// A cell out of place as one area's cards hear it.
struct Candidate {
  Successor seen;
  uint32_t support = 0;    // cards that speak for it by themselves
  CardsByCell beside;      // cells of home
  CardsByCell instead_of;  // gone cells
  CardsByCell by_unknown;  // of a BLACKLISTED one: cards that support it if that UNKNOWN cell is proposed
};

std::vector<uint32_t> MostCardsFirst(const CardsByCell& cards, size_t limit) {
  std::vector<std::pair<uint32_t, uint32_t>> sorted(cards.begin(), cards.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<uint32_t> cells;
  for (const auto& [cell, count] : sorted) {
    if (cells.size() >= limit) break;
    cells.push_back(cell);
  }
  return cells;
}

// What one report says, each cell once.
struct Report {
  std::vector<uint32_t> own;
  std::vector<uint32_t> unknown;
  std::vector<uint32_t> city;
  bool serving_elsewhere = false;
  bool gone = false;  // the old cell
};

void Once(std::vector<uint32_t>& cells) {
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
}

}  // namespace

struct DriftSurvey::State {
  DriftRules rules;
  std::function<UnixMillis(uint32_t)> last_heard;
  std::unordered_map<AreaId, uint32_t> cards_of_area;
  std::map<std::pair<AreaId, uint32_t>, Candidate> candidates;
  std::vector<bool> home_of_somebody;  // by cell number

  bool IsHome(uint32_t cell) const { return cell < home_of_somebody.size() && home_of_somebody[cell]; }

  void NoteHome(uint32_t cell) {
    if (cell >= home_of_somebody.size()) home_of_somebody.resize(size_t{cell} + 1 + cell / 2);
    home_of_somebody[cell] = true;
  }

  Report Read(const Sighting& sighting) const {
    Report report;
    for (const Sighting::Heard& heard : sighting.heard) {
      if (heard.fate == CellFate::kOwnPlace) report.own.push_back(heard.cell);
      if (heard.fate == CellFate::kUnknown) report.unknown.push_back(heard.cell);
      if (heard.fate == CellFate::kBlacklisted) report.city.push_back(heard.cell);
    }
    Once(report.own);
    Once(report.unknown);
    Once(report.city);
    report.serving_elsewhere = sighting.heard.front().fate == CellFate::kElsewhere;
    const int64_t skew = std::chrono::milliseconds(kSkew).count();
    report.gone = sighting.home_cell != 0 && last_heard(sighting.home_cell).value < sighting.at.value - skew;
    return report;
  }

  Candidate& Count(const Sighting& sighting, const Report& report, uint32_t cell) {
    Candidate& candidate = candidates[{sighting.area, cell}];
    Successor& seen = candidate.seen;
    seen.cell = cell;
    seen.area = sighting.area;
    seen.first = seen.cards == 0 ? sighting.at : std::min(seen.first, sighting.at);
    seen.last = std::max(seen.last, sighting.at);
    ++seen.cards;
    if (!report.own.empty()) ++seen.together;
    if (report.gone) ++seen.instead;
    if (sighting.heard.front().cell == cell) ++seen.as_serving;
    for (const uint32_t own : report.own) ++candidate.beside[own];
    if (report.gone) ++candidate.instead_of[sighting.home_cell];
    return candidate;
  }

  // Enough cards of the area for a proposal.
  uint32_t Enough(AreaId area) const {
    const auto found = cards_of_area.find(area);
    const uint32_t cards = found == cards_of_area.end() ? 0 : found->second;
    return std::max(1U, std::min(rules.min_cards, cards));
  }

  bool UnknownQualifies(AreaId area, const Candidate& candidate) const {
    return candidate.seen.fate == CellFate::kUnknown && candidate.support >= Enough(area) &&
           !IsHome(candidate.seen.cell);
  }

  bool Qualifies(AreaId area, const Candidate& candidate) const {
    if (candidate.seen.fate == CellFate::kUnknown) return UnknownQualifies(area, candidate);
    if (IsHome(candidate.seen.cell)) return false;
    // Cards may stand beside several such cells; those of one alone are a lower bound that needs no list of
    // cards.
    uint32_t by_unknown = 0;
    for (const auto& [unknown, cards] : candidate.by_unknown) {
      const auto found = candidates.find({area, unknown});
      if (found != candidates.end() && UnknownQualifies(area, found->second)) {
        by_unknown = std::max(by_unknown, cards);
      }
    }
    return candidate.support + by_unknown >= Enough(area);
  }
};

DriftSurvey::DriftSurvey(const DriftRules& rules, std::function<UnixMillis(uint32_t cell)> last_heard)
    : state_(std::make_unique<State>()) {
  state_->rules = rules;
  state_->last_heard = std::move(last_heard);
}

DriftSurvey::~DriftSurvey() = default;

void DriftSurvey::Add(const Sighting& sighting) {
  ++state_->cards_of_area[sighting.area];
  bool out_of_place = false;
  for (const Sighting::Heard& heard : sighting.heard) {
    out_of_place = out_of_place || heard.fate == CellFate::kUnknown || heard.fate == CellFate::kBlacklisted;
  }
  if (!sighting.heard.empty() && sighting.heard.front().fate == CellFate::kOwnPlace) {
    state_->NoteHome(sighting.heard.front().cell);
  }
  if (!out_of_place) return;

  const Report report = state_->Read(sighting);
  const bool home_too = !report.own.empty();
  for (const uint32_t cell : report.unknown) {
    Candidate& candidate = state_->Count(sighting, report, cell);
    const bool instead = report.gone && report.city.empty() && !report.serving_elsewhere;
    if (home_too || instead) ++candidate.support;
  }
  for (const uint32_t cell : report.city) {
    Candidate& candidate = state_->Count(sighting, report, cell);
    candidate.seen.fate = CellFate::kBlacklisted;
    if (!report.gone) continue;
    if (home_too) {
      ++candidate.support;
    } else {
      for (const uint32_t unknown : report.unknown) ++candidate.by_unknown[unknown];
    }
  }
}

std::vector<Successor> DriftSurvey::Take() && {
  std::vector<Successor> found;
  for (auto& [key, candidate] : state_->candidates) {
    if (!state_->Qualifies(key.first, candidate)) continue;
    Successor& successor = found.emplace_back(candidate.seen);
    successor.beside = MostCardsFirst(candidate.beside, state_->rules.instead_of_limit);
    successor.instead_of = MostCardsFirst(candidate.instead_of, state_->rules.instead_of_limit);
  }
  const auto order = [](const Successor& s) { return std::tuple(s.area, UINT32_MAX - s.cards, s.cell); };
  std::sort(found.begin(), found.end(),
            [&](const Successor& a, const Successor& b) { return order(a) < order(b); });
  return found;
}

}  // namespace hearth::geofence
