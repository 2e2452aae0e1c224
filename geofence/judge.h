// From what a box hears to what it means for its card. Pure: the same lists, card and evidence always give
// the same judgement.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "geofence/cell.h"
#include "geofence/layers.h"
#include "geofence/snapshot.h"
#include "geofence/verdict.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/base/status.h"

namespace hearth::geofence {

struct HeardCell {
  Cell cell;
  int8_t signal_dbm = 0;

  bool operator==(const HeardCell&) const = default;
};

// What one report says. Either cells (the serving cell first, then neighbours) or the statement that there
// is no signal.
struct Evidence {
  std::vector<HeardCell> cells;
  bool no_signal = false;
};

struct CardPlace {
  AreaId area;
  Strictness strictness = Strictness::kVillage;
  bool exempt = false;  // approved: home without base station signal
  // A second area that is home as well, while a relocation is under way.
  std::optional<AreaId> also = std::nullopt;
  // Cells that the card's exemption names: for this card they are on no blacklist. The caller keeps them.
  std::span<const Cell> exempt_cells = {};
};

// Versions of lists that do NOT count for a card, while a rollout is under way and a list is there in two of
// them. Empty: all count. A view; the caller keeps the lists, sorted.
class ListFilter {
 public:
  ListFilter() = default;
  explicit ListFilter(std::span<const ListRef> out) : out_(out) {}

  bool Counts(const ListRef& list) const;

 private:
  std::span<const ListRef> out_;
};

// Where one heard cell belongs, seen from the card.
enum class CellFate : uint8_t {
  kOwnPlace = 1,     // on a whitelist of the card's place, or of the one it moves to
  kBlacklisted = 2,  // on a blacklist, not in the card's place, and not named by its exemption
  kElsewhere = 3,    // only on whitelists of other places
  kUnknown = 4,      // on no list that counts
};

// "OWN_PLACE", "BLACKLISTED", "ELSEWHERE", "UNKNOWN".
std::string_view NameOf(CellFate fate);

struct CellFinding {
  HeardCell heard;
  CellFate fate = CellFate::kUnknown;
  // The list that decided the fate: the card's own area if it holds the cell, then the area it moves to, else
  // the lowest number. id 0 when the cell is unknown.
  ListRef list;
};

struct Judgement {
  Verdict verdict = Verdict::kNoSignal;
  std::vector<CellFinding> findings;  // in the order of the evidence: the serving cell first
  // A cell other than the serving one is in the card's own place.
  bool whitelisted_neighbour = false;
  // IN_AREA only because of a neighbour: the serving cell is on no list and was probably renumbered.
  bool by_neighbour = false;
  std::vector<Cell> unknown_cells;  // sorted, no double; without those that the exemption names
};

// A judgement without what led to it.
struct Outcome {
  Verdict verdict = Verdict::kNoSignal;
  // As in Judgement; but with the serving cell in the card's own place neighbours are not looked at: false.
  bool whitelisted_neighbour = false;
  bool by_neighbour = false;

  bool operator==(const Outcome&) const = default;
};

// One card and what it hears, the serving cell first; views into what the caller keeps.
struct Question {
  CardPlace card;
  std::span<const HeardCell> cells;  // empty: no signal
  ListFilter filter;
};

// Outside input. REPORT_NO_EVIDENCE: neither cells nor no_signal. FIELD_INVALID: both, or a cell out of range
// (field "evidence.cells[2].area"). LIMIT_EXCEEDED over limits.cells_per_report.
Status CheckEvidence(const Evidence& evidence, const Limits& limits);

// The rules, in this order; the first that holds decides:
//   1. no cells                                             NO_SIGNAL
//   2. serving cell in the card's own place                 IN_AREA   (also when a blacklist has it)
//   3. serving cell on any blacklist                        BLACKLISTED
//   4. serving cell on a whitelist of another place         OUT_OF_AREA
//   5. serving cell unknown, a neighbour in the own place   IN_AREA   (by_neighbour)
//   6. otherwise                                            UNKNOWN_CELL
// An exemption lifts the whitelist, never a blacklist, except from the cells it names: of an exempt card, all
// but BLACKLISTED is EXEMPT. The order of neighbours changes neither the verdict nor the flags.
Judgement Judge(const CellIndex& lists, const CardPlace& card, const Evidence& evidence,
                const ListFilter& filter = {});
// The same outcome for many, without allocation and with their cells looked up side by side: for storms of
// reports and for previews. `outcomes` is as long as `questions`.
void JudgeMany(const CellIndex& lists, std::span<const Question> questions, std::span<Outcome> outcomes);

// The parts, for callers that keep fates: where one cell belongs, and what the fates of a report's cells (the
// serving one first) come to.
CellFate FateOf(const CellIndex& lists, const CardPlace& card, const Cell& cell,
                const ListFilter& filter = {});
Outcome Conclude(std::span<const CellFate> fates, bool exempt);

}  // namespace hearth::geofence
