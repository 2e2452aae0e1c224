#include "src/app/column.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include <fmt/format.h>

#include "geofence/cell.h"

namespace hearth::app {
namespace {

constexpr size_t kCellShards = 16;  // a power of two: the low bits of a number say which
constexpr size_t kCardShards = 64;
constexpr size_t kFirstRows = 16;  // a power of two

// Cards and packed cells come in runs: spread them.
uint64_t Mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

struct PackedCell {
  uint64_t high = 0;  // the last 8 of the key's 11 bytes
  uint32_t low = 0;   // the first 3
  bool operator==(const PackedCell&) const = default;
};

PackedCell Pack(const geofence::Cell& cell) {
  const geofence::CellKey key = geofence::PackCell(cell);
  PackedCell packed;
  for (size_t i = 0; i < 3; ++i) packed.low = packed.low << 8 | key[i];
  for (size_t i = 3; i < key.size(); ++i) packed.high = packed.high << 8 | key[i];
  return packed;
}

geofence::Cell Unpack(const PackedCell& packed) {
  geofence::CellKey key{};
  for (size_t i = 0; i < 3; ++i) key[i] = static_cast<uint8_t>(packed.low >> (8 * (2 - i)));
  for (size_t i = 3; i < key.size(); ++i) {
    key[i] = static_cast<uint8_t>(packed.high >> (8 * (key.size() - 1 - i)));
  }
  return *geofence::UnpackCell(key);
}

uint64_t HashOf(const PackedCell& packed) { return Mix(packed.high ^ Mix(packed.low)); }

uint32_t ColumnSeconds(UnixMillis time) {
  return static_cast<uint32_t>(std::clamp<int64_t>(time.value / 1000, 0, UINT32_MAX));
}

}  // namespace

uint32_t PairOf(BoxSerial box, SimNumber sim) {
  return static_cast<uint32_t>(Mix(box.value ^ Mix(sim.value)));
}

std::string NetworkName(const geofence::Cell& cell) {
  return fmt::format("{:03}-{:0{}}", cell.mcc, cell.mnc, cell.mnc_digits);
}

// Cells and times by position; `slots` finds the position of a cell (0: free, else position + 1).
struct CellNumbers::Shard {
  mutable Mutex mu;
  std::vector<uint32_t> slots HEARTH_GUARDED_BY(mu) = std::vector<uint32_t>(64);
  std::vector<PackedCell> cells HEARTH_GUARDED_BY(mu);
  std::vector<uint32_t> heard HEARTH_GUARDED_BY(mu);

  size_t SlotOf(const PackedCell& cell, uint64_t hash) const HEARTH_REQUIRES(mu) {
    size_t slot = (hash >> 8) & (slots.size() - 1);
    while (slots[slot] != 0 && !(cells[slots[slot] - 1] == cell)) slot = (slot + 1) & (slots.size() - 1);
    return slot;
  }
  void Grow() HEARTH_REQUIRES(mu) {
    slots.assign(slots.size() * 2, 0);
    for (size_t i = 0; i < cells.size(); ++i) {
      slots[SlotOf(cells[i], HashOf(cells[i]))] = static_cast<uint32_t>(i + 1);
    }
  }
};

CellNumbers::CellNumbers() {
  for (size_t i = 0; i < kCellShards; ++i) shards_.push_back(std::make_unique<Shard>());
}
CellNumbers::~CellNumbers() = default;

uint32_t CellNumbers::NumberOf(const geofence::Cell& cell) { return Hear(cell, UnixMillis(0)); }

uint32_t CellNumbers::Hear(const geofence::Cell& cell, UnixMillis at) {
  const PackedCell packed = Pack(cell);
  const uint64_t hash = HashOf(packed);
  const size_t which = hash % kCellShards;
  Shard& shard = *shards_[which];
  const MutexLock lock(shard.mu);
  size_t slot = shard.SlotOf(packed, hash);
  if (shard.slots[slot] == 0) {
    if ((shard.cells.size() + 1) * 10 > shard.slots.size() * 7) {
      shard.Grow();
      slot = shard.SlotOf(packed, hash);
    }
    shard.cells.push_back(packed);
    shard.heard.push_back(0);
    shard.slots[slot] = static_cast<uint32_t>(shard.cells.size());
  }
  uint32_t& heard = shard.heard[shard.slots[slot] - 1];
  heard = std::max(heard, ColumnSeconds(at));
  return static_cast<uint32_t>(shard.slots[slot] * kCellShards + which);
}

uint32_t CellNumbers::Find(const geofence::Cell& cell) const {
  const PackedCell packed = Pack(cell);
  const uint64_t hash = HashOf(packed);
  const size_t which = hash % kCellShards;
  const Shard& shard = *shards_[which];
  const MutexLock lock(shard.mu);
  const uint32_t found = shard.slots[shard.SlotOf(packed, hash)];
  return found == 0 ? 0 : static_cast<uint32_t>(found * kCellShards + which);
}

geofence::Cell CellNumbers::CellOf(uint32_t number) const {
  const Shard& shard = *shards_[number % kCellShards];
  const MutexLock lock(shard.mu);
  return Unpack(shard.cells[number / kCellShards - 1]);
}

uint32_t CellNumbers::size() const {
  size_t all = 0;
  for (const auto& shard : shards_) {
    const MutexLock lock(shard->mu);
    all += shard->cells.size();
  }
  return static_cast<uint32_t>(all);
}

void CellNumbers::Heard(uint32_t number, UnixMillis at) {
  Shard& shard = *shards_[number % kCellShards];
  const MutexLock lock(shard.mu);
  uint32_t& heard = shard.heard[number / kCellShards - 1];
  heard = std::max(heard, ColumnSeconds(at));
}

UnixMillis CellNumbers::LastHeard(uint32_t number) const {
  if (number == 0) return UnixMillis(0);
  const Shard& shard = *shards_[number % kCellShards];
  const MutexLock lock(shard.mu);
  return UnixMillis(int64_t{shard.heard[number / kCellShards - 1]} * 1000);
}

// Open addressing, linear probing; rows are only ever taken out when a card is.
struct HeardColumn::Shard {
  mutable Mutex mu;
  std::vector<HeardRow> rows HEARTH_GUARDED_BY(mu) = std::vector<HeardRow>(kFirstRows);
  size_t used HEARTH_GUARDED_BY(mu) = 0;
  // Reports of these cards are with the lane that commits: how many.
  std::unordered_map<uint64_t, uint32_t> durable HEARTH_GUARDED_BY(mu);

  static bool Free(const HeardRow& row) { return row.standing == 0; }
  size_t SlotOf(uint64_t card) const HEARTH_REQUIRES(mu) {
    size_t slot = (Mix(card) >> 8) & (rows.size() - 1);
    while (!Free(rows[slot]) && rows[slot].card != card) slot = (slot + 1) & (rows.size() - 1);
    return slot;
  }
  HeardRow& Make(uint64_t card) HEARTH_REQUIRES(mu) {
    size_t slot = SlotOf(card);
    if (Free(rows[slot])) {
      if ((used + 1) * 10 > rows.size() * 8) {
        std::vector<HeardRow> old(rows.size() * 2);
        old.swap(rows);
        for (const HeardRow& row : old) {
          if (!Free(row)) rows[SlotOf(row.card)] = row;
        }
        slot = SlotOf(card);
      }
      ++used;
    }
    return rows[slot];
  }
  // Closes the gap, so that no probe ends too early.
  void Erase(uint64_t card) HEARTH_REQUIRES(mu) {
    size_t hole = SlotOf(card);
    if (Free(rows[hole])) return;
    --used;
    const size_t mask = rows.size() - 1;
    for (size_t next = (hole + 1) & mask; !Free(rows[next]); next = (next + 1) & mask) {
      const size_t wanted = (Mix(rows[next].card) >> 8) & mask;
      if (((next - wanted) & mask) < ((next - hole) & mask)) continue;
      rows[hole] = rows[next];
      hole = next;
    }
    rows[hole] = HeardRow();
  }
};

HeardColumn::HeardColumn(CellNumbers& cells) : cells_(cells) {
  for (size_t i = 0; i < kCardShards; ++i) shards_.push_back(std::make_unique<Shard>());
}
HeardColumn::~HeardColumn() = default;

HeardColumn::Shard& HeardColumn::ShardOf(uint64_t card) const { return *shards_[Mix(card) % kCardShards]; }

void HeardColumn::Put(const records::CardRecord& record, bool fresh) {
  const uint64_t card = record.card.number.value;
  Shard& shard = ShardOf(card);
  if (!record.card.claim.held() || record.card.settled != record.card.claim.intent) {
    const MutexLock lock(shard.mu);
    if (!fresh) return;
    CountPlace(shard.rows[shard.SlotOf(card)], -1);
    shard.Erase(card);
    return;
  }
  HeardRow row;
  row.card = card & ((uint64_t{1} << 40) - 1);
  row.standing = static_cast<uint64_t>(record.location.standing) & 3;
  row.verdict = static_cast<uint64_t>(record.location.last_verdict.value_or(geofence::Verdict{})) & 7;
  row.exempt = record.card.exempt ? 1 : 0;
  row.held = record.held != 0 ? 1 : 0;
  // An exemption that ends, a second area, cells exempt, a fix, an eviction: the row has no room for them,
  // and few cards have them.
  const bool special = entitlement::IsEvicted(record.card) || record.also.value != 0 ||
                       record.exempt_until.value != 0 || !record.exempt_cells.empty() || record.fix;
  row.counting = special || record.held != 0 || record.location.blacklisted_count != 0 ||
                 record.location.out_of_area_count != 0;
  row.area = record.card.area.value;
  row.counter = static_cast<uint32_t>(record.location.last_counter.value_or(0));
  row.reported = ColumnSeconds(record.observed);
  row.decided = ColumnSeconds(record.location.last_decision_time);
  row.saved = row.reported;
  row.network = record.home_cell ? NetworkOf(*record.home_cell) & 1023 : 0;
  row.pair = PairOf(record.card.box, record.card.sim);
  row.home_cell = record.home_cell ? cells_.NumberOf(*record.home_cell) : 0;
  const uint32_t stored_counter = row.counter;
  const size_t count = std::min(record.heard.size(), HeardRow::kCells);
  row.count = count & 0xF;
  for (size_t i = 0; i < count; ++i) {
    row.cells[i] = cells_.NumberOf(record.heard[i].cell);
    cells_.Heard(row.cells[i], record.observed);
  }
  const MutexLock lock(shard.mu);
  HeardRow& there = shard.Make(card);
  if (!fresh && !Shard::Free(there)) return;
  if (!Shard::Free(there)) {
    // A counter is the card's for life, whatever becomes of its account.
    row.counter = std::max(row.counter, there.counter);
    // An observed report may be newer than what the store has.
    const bool same_home = there.pair == row.pair && there.area == row.area;
    const bool newer =
        there.reported > row.reported || (there.reported == row.reported && there.counter > stored_counter);
    if (same_home && newer) {
      row.reported = there.reported;
      row.verdict = there.verdict;
      row.count = there.count;
      row.cells = there.cells;
      if (there.home_cell != 0) row.home_cell = there.home_cell;
    }
    row.dirty = there.dirty;
  }
  CountPlace(there, -1);
  CountPlace(row, 1);
  there = row;
}

void HeardColumn::CountPlace(const HeardRow& row, int64_t by) {
  if (row.standing == 0 || row.location_standing() == intervention::Standing::kWaiting) return;
  const MutexLock lock(places_mu_);
  installed_[uint64_t{row.area} << 10 | row.network] += by;
}

uint64_t HeardColumn::Installed(AreaId area, uint32_t network) const {
  const MutexLock lock(places_mu_);
  const auto found = installed_.find(uint64_t{area.value} << 10 | network);
  return found == installed_.end() ? 0 : static_cast<uint64_t>(std::max<int64_t>(found->second, 0));
}

uint32_t HeardColumn::NetworkOf(const geofence::Cell& cell) {
  const uint32_t name = uint32_t{cell.mcc} << 11 | uint32_t{cell.mnc} << 1 | (cell.mnc_digits == 3 ? 1U : 0U);
  const MutexLock lock(places_mu_);
  const auto found = networks_.find(name);
  if (found != networks_.end()) return found->second;
  if (networks_.size() >= 1023) return 0;
  return networks_[name] = static_cast<uint32_t>(networks_.size() + 1);
}

std::optional<HeardRow> HeardColumn::Find(CardNumber card) const {
  const Shard& shard = ShardOf(card.value);
  const MutexLock lock(shard.mu);
  const HeardRow& row = shard.rows[shard.SlotOf(card.value)];
  return Shard::Free(row) ? std::nullopt : std::optional(row);
}

bool HeardColumn::Update(CardNumber card, const std::function<bool(HeardRow&)>& change) {
  Shard& shard = ShardOf(card.value);
  const MutexLock lock(shard.mu);
  HeardRow& row = shard.rows[shard.SlotOf(card.value)];
  return !Shard::Free(row) && change(row);
}

namespace {

// Neighbours come in any order; what counts is whether one came that was not there, or the serving cell
// moved.
bool HeardOtherCells(const HeardRow& row, const Observation& seen) {
  if (row.count != seen.count) return true;
  if (row.count == 0) return false;
  if (row.cells == seen.cells) return false;
  if (row.cells[0] != seen.cells[0]) return true;
  const auto end = row.cells.begin() + row.count;
  for (size_t i = 1; i < seen.count; ++i) {
    if (std::find(row.cells.begin() + 1, end, seen.cells[i]) == end) return true;
  }
  return false;
}

// What was decided about the card, and by what it is judged: not what it heard.
bool SameCase(const HeardRow& a, const HeardRow& b) {
  return a.standing == b.standing && a.exempt == b.exempt && a.held == b.held && a.counting == b.counting &&
         a.area == b.area && a.decided == b.decided && a.pair == b.pair;
}

constexpr uint32_t kSaveAfterSeconds = 3600;

}  // namespace

HeardColumn::Taken HeardColumn::Observe(const HeardRow& judged, const Observation& seen) {
  Shard& shard = ShardOf(judged.card);
  const MutexLock lock(shard.mu);
  HeardRow& row = shard.rows[shard.SlotOf(judged.card)];
  if (Shard::Free(row) || !SameCase(row, judged)) return Taken::kChanged;
  if (!shard.durable.empty() && shard.durable.contains(judged.card)) return Taken::kChanged;
  if (seen.counts ? seen.counter <= row.counter : seen.reported <= row.reported) return Taken::kReplayed;
  if (seen.counts) row.counter = seen.counter;
  if (seen.reported < row.reported) return Taken::kTaken;  // overtaken: only its counter is new
  const bool worth = HeardOtherCells(row, seen) || seen.reported - row.saved >= kSaveAfterSeconds;
  row.reported = seen.reported;
  row.verdict = static_cast<uint64_t>(seen.verdict) & 7;
  row.count = seen.count & 0xF;
  row.cells = seen.cells;
  if (seen.at_home) row.home_cell = seen.cells[0];
  if (!worth || row.dirty != 0) return Taken::kTaken;
  row.dirty = 1;
  return Taken::kTakenAndDirty;
}

HeardColumn::Claim HeardColumn::BeginDurable(CardNumber card, std::optional<uint32_t> counter) {
  Shard& shard = ShardOf(card.value);
  const MutexLock lock(shard.mu);
  Claim claim{.busy = shard.durable.contains(card.value)};
  HeardRow& row = shard.rows[shard.SlotOf(card.value)];
  if (!Shard::Free(row)) {
    claim.before = row;
    claim.replayed = counter && *counter <= row.counter;
    if (claim.replayed) return claim;
    if (counter) row.counter = *counter;
  }
  ++shard.durable[card.value];
  return claim;
}

void HeardColumn::EndDurable(CardNumber card, std::optional<uint32_t> counter, const Claim& claim,
                             bool done) {
  Shard& shard = ShardOf(card.value);
  const MutexLock lock(shard.mu);
  const auto in_flight = shard.durable.find(card.value);
  if (--in_flight->second == 0) shard.durable.erase(in_flight);
  if (done || !counter || !claim.before) return;
  HeardRow& row = shard.rows[shard.SlotOf(card.value)];
  if (!Shard::Free(row) && row.counter == *counter) row.counter = claim.before->counter;
}

HeardColumn::DirtyRow HeardColumn::TakeDirty(CardNumber card) {
  Shard& shard = ShardOf(card.value);
  const MutexLock lock(shard.mu);
  if (shard.durable.contains(card.value)) return {.row = std::nullopt, .busy = true};
  HeardRow& row = shard.rows[shard.SlotOf(card.value)];
  if (Shard::Free(row) || row.dirty == 0) return {};
  row.dirty = 0;
  row.saved = row.reported;
  return {.row = row};
}

bool HeardColumn::SetDirty(CardNumber card) {
  Shard& shard = ShardOf(card.value);
  const MutexLock lock(shard.mu);
  HeardRow& row = shard.rows[shard.SlotOf(card.value)];
  if (Shard::Free(row) || row.dirty != 0) return false;
  row.dirty = 1;
  return true;
}

void HeardColumn::ForEach(const std::function<bool(const HeardRow&)>& visit) const {
  ForEachPart(0, 1, visit);
}

void HeardColumn::ForEachPart(size_t part, size_t parts,
                              const std::function<bool(const HeardRow&)>& visit) const {
  for (size_t i = part; i < shards_.size(); i += parts) {
    const MutexLock lock(shards_[i]->mu);
    for (const HeardRow& row : shards_[i]->rows) {
      if (!Shard::Free(row) && !visit(row)) return;
    }
  }
}

size_t HeardColumn::size() const {
  size_t all = 0;
  for (const auto& shard : shards_) {
    const MutexLock lock(shard->mu);
    all += shard->used;
  }
  return all;
}

}  // namespace hearth::app
