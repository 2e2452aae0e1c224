// Which cells have taken the place of others: proposals of successors, after a network was renumbered.
//
// Pure: fed with the newest report of every card (and the cell where it was last at home), it finds cells
// that are not in those cards' own place and counts what speaks for and against each. It proposes; people
// accept.
//
// Two kinds of evidence speak for a cell:
//   together  a card heard it beside a cell of its own place: both are on the air there
//   instead   a card that was last at home on a cell nobody has heard since hears it now
// And two against it:
//   a card is at home on it, so it is somebody's; or those who hear it hear a city's cells as well, so they
//   are more likely in that city than at home (boxes that were carried there while the village was
//   renumbered)
//
// The rules. `enough` is DriftRules::min_cards, or all cards of a smaller area. Only cells with the fates
// UNKNOWN and BLACKLISTED are ever proposed, none on which a card is at home.
//   UNKNOWN      enough cards hear it together with a cell of home; or instead, in a report without a city's
//   cell
//                and without a serving cell of another place
//   BLACKLISTED  a city has that number too. Enough cards, whose old cell is gone, hear it beside a cell of
//   home,
//                or beside the same UNKNOWN cell that is proposed itself. (The latter has supporters that
//                hear no city's cell, so boxes in a city never make one of its cells a successor.) While the
//                old cells are on the air a city's cell that is heard in the village is no news, and is not
//                proposed.
// What this cannot tell: boxes of a renumbered village that are somewhere else and hear nothing but cells
// that are on no list at all. Who accepts a proposal looks at a map.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "geofence/judge.h"
#include "src/base/ids.h"

namespace hearth::geofence {

// The newest report of one installed card, judged. Cells are the caller's numbers (1 and up), so that ten
// million of these need no memory of their own.
struct Sighting {
  CardNumber card;
  AreaId area;
  UnixMillis at;           // the report's own time
  uint32_t home_cell = 0;  // serving cell when it was last IN_AREA; 0: unknown
  // The serving cell first, with its fate seen from the card.
  struct Heard {
    uint32_t cell = 0;
    CellFate fate = CellFate::kUnknown;
  };
  std::span<const Heard> heard;
};

struct DriftRules {
  uint32_t min_cards = 3;  // cards of one area that must hear it (an area with fewer cards: all of them)
  uint32_t instead_of_limit = 3;  // cells named in `beside` and `instead_of`, most cards first
};

// One cell that an area should probably have.
struct Successor {
  uint32_t cell = 0;
  AreaId area;
  CellFate fate = CellFate::kUnknown;  // kUnknown, or kBlacklisted: a city has that number
  uint32_t cards = 0;                  // that hear it, of this area
  uint32_t together = 0;               // of them: beside a cell of home
  uint32_t instead = 0;                // of them: instead of a cell that is gone
  uint32_t as_serving = 0;             // of them: as serving cell
  UnixMillis first;                    // newest reports of those cards, from …
  UnixMillis last;                     // … to
  std::vector<uint32_t> beside;        // cells of home heard with it, most cards first
  std::vector<uint32_t> instead_of;    // cells that it seems to replace

  bool operator==(const Successor&) const = default;
};

// One thread. Feed every sighting once, in any order, then ask once. Memory is proportional to the cells out
// of place, plus one bit for each cell number and a few bytes for each area; not to the cards.
class DriftSurvey {
 public:
  // `last_heard` gives the newest time at which any card heard a cell (0: never).
  DriftSurvey(const DriftRules& rules, std::function<UnixMillis(uint32_t cell)> last_heard);
  ~DriftSurvey();
  DriftSurvey(const DriftSurvey&) = delete;
  DriftSurvey& operator=(const DriftSurvey&) = delete;

  void Add(const Sighting& sighting);
  // By area, then most cards first, then cell.
  std::vector<Successor> Take() &&;

  // Boxes' clocks may differ by this: a cell that somebody heard later than so long before a report is not
  // gone.
  static constexpr std::chrono::minutes kSkew{5};

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::geofence
