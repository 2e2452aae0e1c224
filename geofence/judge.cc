#include "geofence/judge.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

// True when the whitelist of `area` counts as the card's own.
bool IsOwn(AreaId area, const CardPlace& card) {
  switch (card.strictness) {
    case Strictness::kVillage:
      return area == card.area;
    case Strictness::kCounty:
      return AreaDivision(area) == AreaDivision(card.area);
    case Strictness::kProvince:
      return AreaDivision(area) / 10000 == AreaDivision(card.area) / 10000;
  }
  return area == card.area;
}

// The whitelist that makes the cell the card's own: that of its area, else the lowest number; or nullptr.
const ListRef* OwnList(const Membership& membership, const CardPlace& card) {
  const ListRef* own = nullptr;
  for (const ListRef& list : membership.whitelists) {
    if (list.id == card.area) return &list;
    if (own == nullptr && IsOwn(list.id, card)) own = &list;
  }
  return own;
}

CellFinding Locate(const Snapshot& lists, const CardPlace& card, const HeardCell& heard) {
  const Membership membership = lists.Find(heard.cell);
  if (const ListRef* own = OwnList(membership, card)) return {heard, CellFate::kOwnPlace, *own};
  if (!membership.blacklists.empty()) return {heard, CellFate::kBlacklisted, membership.blacklists[0]};
  if (!membership.whitelists.empty()) return {heard, CellFate::kElsewhere, membership.whitelists[0]};
  return {heard, CellFate::kUnknown, {}};
}

Verdict VerdictOf(CellFate serving, bool whitelisted_neighbour) {
  switch (serving) {
    case CellFate::kOwnPlace:
      return Verdict::kInArea;
    case CellFate::kBlacklisted:
      return Verdict::kBlacklisted;
    case CellFate::kElsewhere:
      return Verdict::kOutOfArea;
    case CellFate::kUnknown:
      break;
  }
  return whitelisted_neighbour ? Verdict::kInArea : Verdict::kUnknownCell;
}

}  // namespace

std::string_view NameOf(CellFate fate) {
  switch (fate) {
    case CellFate::kOwnPlace:
      return "OWN_PLACE";
    case CellFate::kBlacklisted:
      return "BLACKLISTED";
    case CellFate::kElsewhere:
      return "ELSEWHERE";
    case CellFate::kUnknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

Status CheckEvidence(const Evidence& evidence, const Limits& limits) {
  if (evidence.cells.empty() && !evidence.no_signal) {
    return Error(Reason::kReportNoEvidence, "the report has neither cells nor says that there is no signal");
  }
  if (!evidence.cells.empty() && evidence.no_signal) {
    return InvalidField("evidence", "either cells or no signal, not both");
  }
  if (evidence.cells.size() > limits.cells_per_report) {
    return Error(Reason::kLimitExceeded, fmt::format("{} cells; a report has at most {}",
                                                     evidence.cells.size(), limits.cells_per_report))
        .Field("evidence.cells", fmt::format("at most {}", limits.cells_per_report));
  }
  for (size_t i = 0; i < evidence.cells.size(); ++i) {
    if (InRange(evidence.cells[i].cell)) continue;
    const Error error = CheckCell(evidence.cells[i].cell).error();
    const FieldViolation& violation = error.violations().front();
    // "cell.area" → "evidence.cells[2].area"
    return InvalidField(
        fmt::format("evidence.cells[{}]{}", i, violation.field.substr(std::string_view("cell").size())),
        violation.description);
  }
  return Ok();
}

Judgement Judge(const Snapshot& lists, const CardPlace& card, const Evidence& evidence) {
  Judgement judgement;
  judgement.findings.reserve(evidence.cells.size());
  for (const HeardCell& heard : evidence.cells) {
    const CellFinding& finding = judgement.findings.emplace_back(Locate(lists, card, heard));
    const bool serving = judgement.findings.size() == 1;
    if (!serving && finding.fate == CellFate::kOwnPlace) judgement.whitelisted_neighbour = true;
    if (finding.fate == CellFate::kUnknown) judgement.unknown_cells.push_back(heard.cell);
  }
  std::vector<Cell>& unknown = judgement.unknown_cells;
  std::sort(unknown.begin(), unknown.end());
  unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());

  if (!judgement.findings.empty()) {
    const CellFate serving = judgement.findings.front().fate;
    judgement.verdict = VerdictOf(serving, judgement.whitelisted_neighbour);
    judgement.by_neighbour = judgement.verdict == Verdict::kInArea && serving == CellFate::kUnknown;
  }
  if (card.exempt && judgement.verdict != Verdict::kBlacklisted) judgement.verdict = Verdict::kExempt;
  return judgement;
}

}  // namespace hearth::geofence
