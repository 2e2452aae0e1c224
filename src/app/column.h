// What every installed card was last heard to hear, in memory: 64 bytes a card. The data lane judges reports
// that change nothing by it, previews replay it, the circuit breaker and the drift survey ask it which cells
// are still heard.
//
// It is derived: filled from the cards in the store after a start, while the head-end serves already, and
// kept up by each report. Cells are numbered as they are first heard, so that a card's cells are 4 bytes
// each; numbers mean nothing outside one run.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "geofence/judge.h"
#include "intervention/decide.h"
#include "src/base/ids.h"
#include "src/base/mutex.h"
#include "src/records/records.h"

namespace hearth::app {

// Numbers for cells, from 1 up; 0 is no cell. Also when each was last heard. Any thread.
class CellNumbers {
 public:
  CellNumbers();
  ~CellNumbers();
  CellNumbers(const CellNumbers&) = delete;
  CellNumbers& operator=(const CellNumbers&) = delete;

  // The cell must be in range.
  uint32_t NumberOf(const geofence::Cell& cell);
  // 0 when it was never numbered.
  uint32_t Find(const geofence::Cell& cell) const;
  // Of a number that was given out.
  geofence::Cell CellOf(uint32_t number) const;
  uint32_t size() const;

  // A card at home, or away, heard it at this time of its report: the newest one stays.
  void Heard(uint32_t number, UnixMillis at);
  // NumberOf and Heard in one.
  uint32_t Hear(const geofence::Cell& cell, UnixMillis at);
  // 0: never in this run, nor in what the cards remember.
  UnixMillis LastHeard(uint32_t number) const;

 private:
  struct Shard;
  std::vector<std::unique_ptr<Shard>> shards_;
};

// One card's row. Plain data, 64 bytes.
struct HeardRow {
  static constexpr size_t kCells = 7;

  uint64_t card : 40 = 0;
  uint64_t standing : 2 = 0;  // intervention::Standing; 0: free row
  uint64_t verdict : 3 = 0;   // of the newest report; 0: none
  uint64_t count : 4 = 0;     // of cells
  uint64_t exempt : 1 = 0;
  uint64_t held : 1 = 0;  // a held or proposed intervention waits
  // Counts towards a decision run, a hold waits, or the card has what a row does not: every report is
  // durable.
  uint64_t counting : 1 = 0;
  uint64_t network : 10 = 0;  // HeardColumn::NetworkOf home_cell; 0: unknown
  uint64_t dirty : 1 = 0;     // newer than the store in what is worth a commit; the saver has been told
  uint32_t area = 0;
  uint32_t counter = 0;    // the highest of a report taken, or being taken by the lane that commits
  uint32_t reported = 0;   // its own time, Unix seconds; 0: none
  uint32_t decided = 0;    // time of the last decision, Unix seconds
  uint32_t saved = 0;      // newest report time that is durable, Unix seconds
  uint32_t home_cell = 0;  // serving cell when it was last IN_AREA
  uint32_t pair = 0;       // PairOf its box and SIM
  // The serving cell first, then neighbours: those of home before others, then as reported.
  std::array<uint32_t, kCells> cells{};

  intervention::Standing location_standing() const { return static_cast<intervention::Standing>(standing); }
  std::span<const uint32_t> heard() const { return std::span(cells).first(count); }
  UnixMillis reported_time() const { return UnixMillis(int64_t{reported} * 1000); }
};
static_assert(sizeof(HeardRow) == 64);

// A report judged by a row and found to change nothing.
struct Observation {
  bool counts = true;  // the card has signed it, so its counter is the card's
  uint32_t counter = 0;
  uint32_t reported = 0;  // Unix seconds
  geofence::Verdict verdict = geofence::Verdict::kNoSignal;
  bool at_home = false;  // the serving cell is the card's home cell from now on
  uint8_t count = 0;
  std::array<uint32_t, HeardRow::kCells> cells{};  // as in HeardRow
};

// Tells that box and SIM of a report are not those of the card, nearly always: the lane that commits knows.
uint32_t PairOf(BoxSerial box, SimNumber sim);
// "460-00".
std::string NetworkName(const geofence::Cell& cell);

// Rows by card, in shards with a lock each. Any thread.
class HeardColumn {
 public:
  explicit HeardColumn(CellNumbers& cells);
  ~HeardColumn();
  HeardColumn(const HeardColumn&) = delete;
  HeardColumn& operator=(const HeardColumn&) = delete;

  // As the store has the card. Called for every card after a start (`fresh` false: a row that is there
  // already is newer and stays), and after each commit that changed it. A card without an account has no row.
  void Put(const records::CardRecord& record, bool fresh);
  std::optional<HeardRow> Find(CardNumber card) const;
  // Changes the row under its lock; false when there is none, or when `change` says so.
  bool Update(CardNumber card, const std::function<bool(HeardRow&)>& change);

  // The data lane: what a report leaves behind, unless the row is no longer as it was judged by, or another
  // report of this card is on its way through the lane that commits.
  enum class Taken : uint8_t { kTaken, kTakenAndDirty, kReplayed, kChanged };
  Taken Observe(const HeardRow& judged, const Observation& seen);

  // The lane that commits has a report of this card from here to EndDurable; the data lane leaves the card
  // alone meanwhile. Takes the counter in advance, so that no second report gets in with it.
  struct Claim {
    std::optional<HeardRow> before;  // as it was; nothing: no row
    bool replayed = false;           // the counter is not above the row's: nothing was claimed
    bool busy = false;               // another report of the card is on its way
  };
  // counter: nothing when the report is not signed by the card.
  Claim BeginDurable(CardNumber card, std::optional<uint32_t> counter);
  // Unless it is `done` the counter is given back, if no later report has taken one.
  void EndDurable(CardNumber card, std::optional<uint32_t> counter, const Claim& claim, bool done);

  // For the saver. A row whose report is with the lane that commits is not taken: `busy`. TakeDirty clears
  // the mark; SetDirty sets it again, false when it is set already or there is no row.
  struct DirtyRow {
    std::optional<HeardRow> row;
    bool busy = false;
  };
  DirtyRow TakeDirty(CardNumber card);
  bool SetDirty(CardNumber card);
  // All rows, shard by shard, each shard as of one moment; `visit` returns false to end it. It must be quick
  // and must not call back.
  void ForEach(const std::function<bool(const HeardRow&)>& visit) const;
  // The same, shard `part` of `parts` only: for several threads.
  void ForEachPart(size_t part, size_t parts, const std::function<bool(const HeardRow&)>& visit) const;
  size_t size() const;
  // A number for the network of a cell (MCC and MNC), from 1 up; 0 when there are more than 1,023.
  uint32_t NetworkOf(const geofence::Cell& cell);
  // Installed cards of an area whose home is on a network.
  uint64_t Installed(AreaId area, uint32_t network) const;

  // Everything in the store has been put.
  void SetLoaded() { loaded_.store(true); }
  bool loaded() const { return loaded_.load(); }

  CellNumbers& cells() { return cells_; }

 private:
  struct Shard;
  Shard& ShardOf(uint64_t card) const;
  void CountPlace(const HeardRow& row, int64_t by);

  CellNumbers& cells_;
  std::vector<std::unique_ptr<Shard>> shards_;
  mutable Mutex places_mu_;
  std::unordered_map<uint64_t, int64_t> installed_ HEARTH_GUARDED_BY(places_mu_);  // area << 10 | network
  std::map<uint32_t, uint32_t> networks_ HEARTH_GUARDED_BY(places_mu_);
  std::atomic<bool> loaded_{false};
};

}  // namespace hearth::app
