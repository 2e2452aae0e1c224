#include "geofence/judge.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

// How closely the whitelist of `area` is the card's own: 0 its area, 1 the area it moves to, 2 the place
// around them; 3 not at all.
int Distance(AreaId area, const CardPlace& card) {
  if (area == card.area) return 0;
  if (card.also && area == *card.also) return 1;
  uint32_t unit = 0;  // of divisions that are the same place
  switch (card.strictness) {
    case Strictness::kVillage:
      return 3;
    case Strictness::kCounty:
      unit = 1;
      break;
    case Strictness::kProvince:
      unit = 10'000;
      break;
  }
  if (unit == 0) return 3;
  const uint32_t place = AreaDivision(area) / unit;
  if (place == AreaDivision(card.area) / unit) return 2;
  return card.also && place == AreaDivision(*card.also) / unit ? 2 : 3;
}

struct Located {
  CellFate fate = CellFate::kUnknown;
  const ListRef* list = nullptr;  // nullptr when unknown
  bool listed = false;            // on some list that counts, be it one that the exemption lifts
};

Located Locate(const CellIndex& lists, const LayeredMembership& found, const CardPlace& card,
               const Cell& cell, const ListFilter& filter) {
  const ListRef* white = nullptr;
  int white_distance = 4;
  const ListRef* black = nullptr;
  lists.ForEach(found, [&](const ListRef& list) {
    if (!filter.Counts(list)) return;
    if (list.kind == ListKind::kBlacklist) {
      if (black == nullptr || list.id < black->id) black = &list;
      return;
    }
    const int distance = Distance(list.id, card);
    const bool closer = distance < white_distance || (distance == white_distance && list.id < white->id);
    if (!closer) return;
    white = &list;
    white_distance = distance;
  });
  if (white_distance < 3) return {CellFate::kOwnPlace, white, true};
  const auto named = [&] {
    return std::find(card.exempt_cells.begin(), card.exempt_cells.end(), cell) != card.exempt_cells.end();
  };
  if (black != nullptr && !named()) return {CellFate::kBlacklisted, black, true};
  if (white != nullptr) return {CellFate::kElsewhere, white, true};
  return {CellFate::kUnknown, nullptr, black != nullptr};
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

Outcome OutcomeOf(CellFate serving, bool whitelisted_neighbour, bool exempt) {
  Outcome outcome;
  outcome.whitelisted_neighbour = whitelisted_neighbour && serving != CellFate::kOwnPlace;
  outcome.verdict = VerdictOf(serving, whitelisted_neighbour);
  outcome.by_neighbour = outcome.verdict == Verdict::kInArea && serving == CellFate::kUnknown;
  if (exempt && outcome.verdict != Verdict::kBlacklisted) outcome.verdict = Verdict::kExempt;
  return outcome;
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

bool ListFilter::Counts(const ListRef& list) const {
  return out_.empty() || !std::binary_search(out_.begin(), out_.end(), list);
}

CellFate FateOf(const CellIndex& lists, const CardPlace& card, const Cell& cell, const ListFilter& filter) {
  return Locate(lists, lists.Find(cell), card, cell, filter).fate;
}

Outcome Conclude(std::span<const CellFate> fates, bool exempt) {
  if (fates.empty()) return {.verdict = exempt ? Verdict::kExempt : Verdict::kNoSignal};
  const auto neighbours = fates.subspan(1);
  const bool own = std::find(neighbours.begin(), neighbours.end(), CellFate::kOwnPlace) != neighbours.end();
  return OutcomeOf(fates.front(), own, exempt);
}

Judgement Judge(const CellIndex& lists, const CardPlace& card, const Evidence& evidence,
                const ListFilter& filter) {
  Judgement judgement;
  judgement.findings.reserve(evidence.cells.size());
  for (const HeardCell& heard : evidence.cells) {
    const Located located = Locate(lists, lists.Find(heard.cell), card, heard.cell, filter);
    const bool serving = judgement.findings.empty();
    judgement.findings.push_back({heard, located.fate, located.list == nullptr ? ListRef() : *located.list});
    if (!serving && located.fate == CellFate::kOwnPlace) judgement.whitelisted_neighbour = true;
    if (!located.listed) judgement.unknown_cells.push_back(heard.cell);
  }
  std::vector<Cell>& unknown = judgement.unknown_cells;
  std::sort(unknown.begin(), unknown.end());
  unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());

  if (judgement.findings.empty()) {
    judgement.verdict = card.exempt ? Verdict::kExempt : Verdict::kNoSignal;
    return judgement;
  }
  const Outcome outcome =
      OutcomeOf(judgement.findings.front().fate, judgement.whitelisted_neighbour, card.exempt);
  judgement.verdict = outcome.verdict;
  judgement.by_neighbour = outcome.by_neighbour;
  return judgement;
}

namespace {

// The questions that their serving cell has not answered, one neighbour after the other, many at a time.
class Neighbours {
 public:
  Neighbours(const CellIndex& lists, std::span<const Question> questions, std::span<Outcome> outcomes)
      : lists_(lists), questions_(questions), outcomes_(outcomes) {}

  void Ask(size_t question) {
    for (size_t i = 1; i < questions_[question].cells.size(); ++i) {
      if (count_ == cells_.size()) Flush();
      if (outcomes_[question].whitelisted_neighbour) return;
      cells_[count_] = questions_[question].cells[i].cell;
      asked_by_[count_++] = question;
    }
  }
  void Flush() {
    lists_.FindMany(std::span(cells_).first(count_), found_);
    for (size_t i = 0; i < count_; ++i) {
      const Question& question = questions_[asked_by_[i]];
      const CellFate fate = Locate(lists_, found_[i], question.card, cells_[i], question.filter).fate;
      if (fate == CellFate::kOwnPlace) outcomes_[asked_by_[i]].whitelisted_neighbour = true;
    }
    count_ = 0;
  }

 private:
  const CellIndex& lists_;
  std::span<const Question> questions_;
  std::span<Outcome> outcomes_;
  std::array<Cell, 4 * Snapshot::kBatch> cells_;
  std::array<size_t, 4 * Snapshot::kBatch> asked_by_{};
  std::array<LayeredMembership, 4 * Snapshot::kBatch> found_;
  size_t count_ = 0;
};

// One batch: the serving cells, then neighbours where they matter.
void JudgeBatch(const CellIndex& lists, std::span<const Question> questions, std::span<Outcome> outcomes) {
  std::array<Cell, Snapshot::kBatch> cells;
  std::array<LayeredMembership, Snapshot::kBatch> found;
  std::array<CellFate, Snapshot::kBatch> serving{};
  for (size_t i = 0; i < questions.size(); ++i) {
    if (!questions[i].cells.empty()) cells[i] = questions[i].cells.front().cell;
  }
  lists.FindMany(std::span(cells).first(questions.size()), found);
  Neighbours neighbours(lists, questions, outcomes);
  for (size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    outcomes[i] = {};
    if (question.cells.empty()) continue;
    serving[i] = Locate(lists, found[i], question.card, cells[i], question.filter).fate;
    if (serving[i] != CellFate::kOwnPlace) neighbours.Ask(i);
  }
  neighbours.Flush();
  for (size_t i = 0; i < questions.size(); ++i) {
    const bool exempt = questions[i].card.exempt;
    outcomes[i] = questions[i].cells.empty()
                      ? Conclude({}, exempt)
                      : OutcomeOf(serving[i], outcomes[i].whitelisted_neighbour, exempt);
  }
}

}  // namespace

void JudgeMany(const CellIndex& lists, std::span<const Question> questions, std::span<Outcome> outcomes) {
  for (size_t at = 0; at < questions.size(); at += Snapshot::kBatch) {
    const size_t count = std::min(Snapshot::kBatch, questions.size() - at);
    JudgeBatch(lists, questions.subspan(at, count), outcomes.subspan(at, count));
  }
}

}  // namespace hearth::geofence
