// The bytes of a snapshot. All numbers are big-endian.
//
//   snapshot = header, lists, sets, members, padding, fences, cells
//   header   = magic 8 "HEARTHCL", format 2 (1), zero 2, list count 4, set count 4, member count 4,
//              cell count 8, size of the whole in bytes 8                                        (40 bytes)
//   list     = kind 1, id 4, version 4                          sorted by (kind, id, version), no double
//   set      = number of whitelists 4, number of blacklists 4            not both 0
//   member   = position of a list 4      the sets' lists one set after the other, each ascending
//   padding  = zeros up to a multiple of 64 bytes, so that cells never straddle cache lines
//   cell     = key 84 bits (see cell.h), number of a set 44 bits         sorted by key, no double
//   fences   = levels, the smallest first. The level above the cells holds the first cell of every 32; each
//              further level holds the first entry of every 32 below it; the topmost has at most 32 entries.
//              Up to 32 cells there is no fence.
//
// A look-up reads one block of 32 entries (512 bytes) per level; of 40 million cells all levels but the
// lowest fence (20 MB) and the cells stay in a processor's cache.
#include "geofence/snapshot.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace hearth::geofence {
namespace {

constexpr uint64_t kMagic = 0x484541525448434C;  // "HEARTHCL"
constexpr uint16_t kFormat = 1;
constexpr size_t kHeaderBytes = 40;
constexpr size_t kListBytes = 9;
constexpr size_t kSetBytes = 8;
constexpr size_t kMemberBytes = 4;
constexpr size_t kCellBytes = 16;
constexpr size_t kFanOut = 32;
constexpr size_t kAlign = 64;
constexpr int kSetBits = 44;
constexpr uint64_t kSetMask = (uint64_t{1} << kSetBits) - 1;

// A key cut into what fits a register: bits 83 to 20, and bits 19 to 0.
struct Key {
  uint64_t high = 0;
  uint64_t low = 0;

  bool operator==(const Key&) const = default;
  bool operator<(const Key& other) const { return high != other.high ? high < other.high : low < other.low; }
};

uint64_t LoadU64(const std::byte* at) {
  uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
  return value;
}

Key KeyAt(const std::byte* entries, size_t index) {
  const std::byte* at = entries + index * kCellBytes;
  return {LoadU64(at), LoadU64(at + 8) >> kSetBits};
}

uint64_t SetAt(const std::byte* entries, size_t index) {
  return LoadU64(entries + index * kCellBytes + 8) & kSetMask;
}

// PackCell, read as two numbers. The cell is in range.
Key KeyOf(const Cell& cell) {
  const uint64_t network = uint64_t{static_cast<uint8_t>(cell.radio)} << 61 | uint64_t{cell.mcc} << 51 |
                           uint64_t{cell.mnc} << 41 | uint64_t{cell.mnc_digits == 3} << 40;
  return {network | uint64_t{cell.area} << 16 | cell.cell >> 20, cell.cell & 0xFFFFF};
}

size_t LevelAbove(size_t count) { return (count + kFanOut - 1) / kFanOut; }

// Entries of each level from the top down to the cells.
std::vector<size_t> LevelCounts(size_t cells) {
  std::vector<size_t> counts = {cells};
  while (counts.back() > kFanOut) counts.push_back(LevelAbove(counts.back()));
  std::reverse(counts.begin(), counts.end());
  return counts;
}

size_t RoundUp(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

Error Damaged(std::string_view what) {
  return Error(Reason::kCellSnapshotInvalid, fmt::format("snapshot of cell lists: {}", what));
}

void Prefetch(const std::byte* at, size_t bytes) {
  for (size_t line = 0; line < bytes; line += kAlign) __builtin_prefetch(at + line);
}

// The last entry of the block that is not above `key`, or `end` when all are. Without branches: which half
// holds the key is a coin toss, and a processor that guesses wrong five times a block is slower than memory.
size_t LastNotAbove(const std::byte* entries, size_t begin, size_t end, const Key& key) {
  const auto not_above = [&](size_t index) {
    const Key entry = KeyAt(entries, index);
    const bool higher = entry.high < key.high;
    const bool same = entry.high == key.high;
    return static_cast<size_t>(higher | (same & (entry.low <= key.low)));
  };
  size_t low = begin;
  size_t count = end - begin;
  while (count > 1) {
    const size_t half = count / 2;
    low += half * not_above(low + half);
    count -= half;
  }
  return not_above(low) != 0 ? low : end;
}

}  // namespace

Result<Snapshot> Snapshot::Open(std::span<const std::byte> bytes) {
  Snapshot snapshot;
  HEARTH_RETURN_IF_ERROR(snapshot.Parse(bytes));
  return snapshot;
}

Result<Snapshot> Snapshot::FromBytes(Bytes bytes) {
  Snapshot snapshot;
  snapshot.owned_ = std::move(bytes);  // moving a vector keeps its heap block, so the views stay right
  HEARTH_RETURN_IF_ERROR(snapshot.Parse(std::as_bytes(std::span<const uint8_t>(snapshot.owned_))));
  return snapshot;
}

Status Snapshot::Parse(std::span<const std::byte> bytes) {
  ByteReader reader(ByteView(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  const uint64_t magic = reader.U64();
  const uint16_t format = reader.U16();
  const uint16_t zero = reader.U16();
  const uint32_t lists = reader.U32();
  const uint32_t sets = reader.U32();
  const uint32_t members = reader.U32();
  const uint64_t cells = reader.U64();
  const uint64_t size = reader.U64();
  if (!reader.ok() || magic != kMagic) return Damaged("not a snapshot");
  if (format != kFormat || zero != 0) return Damaged(fmt::format("unknown format {}", format));
  if (size != bytes.size()) return Damaged(fmt::format("{} bytes instead of {}", bytes.size(), size));

  // The counts come from outside: first make sure that no product or sum of them can overflow.
  if (cells > size / kCellBytes || lists > size || sets > size || members > size) {
    return Damaged("counts beyond its size");
  }
  size_t entries = 0;
  for (const size_t count : LevelCounts(cells)) entries += count;
  const size_t fences =
      RoundUp(kHeaderBytes + lists * kListBytes + sets * kSetBytes + members * kMemberBytes);
  if (fences + entries * kCellBytes != size) return Damaged("counts that do not match its size");

  HEARTH_RETURN_IF_ERROR(ReadLists(reader, lists));
  HEARTH_RETURN_IF_ERROR(ReadSets(reader, sets, members));
  cell_count_ = cells;
  PlaceLevels(bytes.data() + fences);
  return Ok();
}

Status Snapshot::ReadLists(ByteReader& reader, size_t count) {
  lists_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const auto kind = static_cast<ListKind>(reader.U8());
    const AreaId id(reader.U32());
    const ListRef list = {.kind = kind, .id = id, .version = reader.U32()};
    const bool kind_ok = kind == ListKind::kWhitelist || kind == ListKind::kBlacklist;
    const bool order_ok = i == 0 || lists_.back() < list;
    if (!kind_ok || !order_ok) return Damaged(fmt::format("list {} is out of order", i));
    lists_.push_back(list);
  }
  return Ok();
}

Status Snapshot::ReadSets(ByteReader& reader, size_t set_count, size_t member_count) {
  sets_.reserve(set_count);
  uint64_t first = 0;
  for (size_t i = 0; i < set_count; ++i) {
    const uint32_t whitelists = reader.U32();
    const uint32_t blacklists = reader.U32();
    const uint64_t next = first + whitelists + blacklists;
    if (next == first || next > member_count) return Damaged(fmt::format("set {} is empty or too large", i));
    sets_.push_back({static_cast<uint32_t>(first), whitelists, blacklists});
    first = next;
  }
  if (first != member_count) return Damaged("members of no set");

  members_.reserve(member_count);
  for (const Set& set : sets_) {
    int64_t previous = -1;
    for (uint32_t i = 0; i < set.whitelists + set.blacklists; ++i) {
      const uint32_t list = reader.U32();
      const ListKind kind = i < set.whitelists ? ListKind::kWhitelist : ListKind::kBlacklist;
      if (list >= lists_.size() || lists_[list].kind != kind || int64_t{list} <= previous) {
        return Damaged("a set with a wrong list");
      }
      previous = list;
      members_.push_back(lists_[list]);
    }
  }
  return Ok();
}

void Snapshot::PlaceLevels(const std::byte* fences) {
  for (const size_t count : LevelCounts(cell_count_)) {
    levels_.push_back({fences, count});
    fences += count * kCellBytes;
  }
}

Membership Snapshot::Find(const Cell& cell) const {
  if (levels_.empty() || !InRange(cell)) return {};
  const Key key = KeyOf(cell);
  size_t index = 0;
  for (const Level& level : levels_) {
    const size_t begin = index * kFanOut;
    const size_t end = std::min(begin + kFanOut, level.count);
    if (begin >= end) return {};
    Prefetch(level.keys + begin * kCellBytes, (end - begin) * kCellBytes);
    index = LastNotAbove(level.keys, begin, end, key);
    if (index == end) return {};
  }
  const Level& cells = levels_.back();
  if (!(KeyAt(cells.keys, index) == key)) return {};
  return MembershipAt(SetAt(cells.keys, index));
}

Membership Snapshot::MembershipAt(uint64_t set) const {
  if (set >= sets_.size()) return {};
  const auto& [first, whitelists, blacklists] = sets_[set];
  const std::span<const ListRef> members(members_);
  return {members.subspan(first, whitelists), members.subspan(first + whitelists, blacklists)};
}

// Find, one level of all cells after the other, so that the processor loads their blocks side by side.
void Snapshot::FindBatch(std::span<const Cell> cells, std::span<Membership> found) const {
  constexpr size_t kNowhere = SIZE_MAX;
  std::array<Key, kBatch> keys;
  std::array<size_t, kBatch> index{};
  for (size_t i = 0; i < cells.size(); ++i) {
    if (levels_.empty() || !InRange(cells[i])) {
      index[i] = kNowhere;
    } else {
      keys[i] = KeyOf(cells[i]);
    }
  }
  for (const Level& level : levels_) {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (index[i] == kNowhere || index[i] * kFanOut >= level.count) continue;
      Prefetch(level.keys + index[i] * kFanOut * kCellBytes,
               std::min(kFanOut, level.count - index[i] * kFanOut) * kCellBytes);
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      if (index[i] == kNowhere) continue;
      const size_t begin = index[i] * kFanOut;
      const size_t end = std::min(begin + kFanOut, level.count);
      index[i] = begin >= end ? end : LastNotAbove(level.keys, begin, end, keys[i]);
      if (index[i] == end) index[i] = kNowhere;
    }
  }
  // From here on `index` holds numbers of sets.
  for (size_t i = 0; i < cells.size(); ++i) {
    if (index[i] == kNowhere) continue;
    const std::byte* entries = levels_.back().keys;
    index[i] = KeyAt(entries, index[i]) == keys[i] ? SetAt(entries, index[i]) : kNowhere;
    if (index[i] < sets_.size()) __builtin_prefetch(&sets_[index[i]]);
  }
  for (size_t i = 0; i < cells.size(); ++i) {
    found[i] = MembershipAt(index[i]);
    __builtin_prefetch(found[i].whitelists.data());
  }
}

Status Snapshot::Verify() const {
  for (size_t l = 0; l < levels_.size(); ++l) {
    const Level& level = levels_[l];
    const bool cells = l + 1 == levels_.size();
    for (size_t i = 0; i < level.count; ++i) {
      const Key key = KeyAt(level.keys, i);
      if (i > 0 && !(KeyAt(level.keys, i - 1) < key)) return Damaged(fmt::format("entry {} out of order", i));
      if (!cells && !(KeyAt(levels_[l + 1].keys, i * kFanOut) == key)) {
        return Damaged(fmt::format("fence {} leads elsewhere", i));
      }
      if (cells && SetAt(level.keys, i) >= sets_.size()) {
        return Damaged(fmt::format("cell {} is in no set", i));
      }
    }
  }
  return Ok();
}

void SnapshotBuilder::Add(const CellList& list) {
  const auto position = static_cast<uint32_t>(lists_.size());
  lists_.push_back({list.kind, list.id, list.version});
  for (const Cell& cell : list.cells) {
    if (!InRange(cell)) {
      status_ = CheckCell(cell);
      return;
    }
    const Key key = KeyOf(cell);
    entries_.push_back({key.high, static_cast<uint32_t>(key.low), position});
  }
}

Status SnapshotBuilder::SortLists() {
  std::vector<uint32_t> order(lists_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return lists_[a] < lists_[b]; });
  std::vector<ListRef> sorted;
  std::vector<uint32_t> place(lists_.size());
  for (const uint32_t from : order) {
    const ListRef& list = lists_[from];
    if (!sorted.empty() && sorted.back() == list) {
      return InvalidField("list", fmt::format("version {} of {} {} was added twice", list.version,
                                              NameOf(list.kind), ToString(list.id)));
    }
    place[from] = static_cast<uint32_t>(sorted.size());
    sorted.push_back(list);
  }
  lists_ = std::move(sorted);
  for (Entry& entry : entries_) entry.list = place[entry.list];
  return Ok();
}

void SnapshotBuilder::SortEntries() {
  const auto tie = [](const Entry& e) { return std::tie(e.high, e.low, e.list); };
  std::sort(entries_.begin(), entries_.end(),
            [&](const Entry& a, const Entry& b) { return tie(a) < tie(b); });
  entries_.erase(std::unique(entries_.begin(), entries_.end(),
                             [&](const Entry& a, const Entry& b) { return tie(a) == tie(b); }),
                 entries_.end());
}

Result<Bytes> SnapshotBuilder::Build() && {
  HEARTH_RETURN_IF_ERROR(status_);
  HEARTH_RETURN_IF_ERROR(SortLists());
  SortEntries();

  // From here on `list` of the first entry of each cell is the number of the cell's set.
  std::map<std::vector<uint32_t>, uint32_t> numbers;
  std::vector<const std::vector<uint32_t>*> sets;
  size_t members = 0;
  size_t cells = 0;
  std::vector<uint32_t> on_lists;
  for (size_t i = 0; i < entries_.size();) {
    Entry cell = entries_[i];
    on_lists.clear();
    for (; i < entries_.size() && entries_[i].high == cell.high && entries_[i].low == cell.low; ++i) {
      on_lists.push_back(entries_[i].list);
    }
    const auto [found, inserted] = numbers.try_emplace(on_lists, static_cast<uint32_t>(sets.size()));
    if (inserted) {
      sets.push_back(&found->first);
      members += on_lists.size();
    }
    cell.list = found->second;
    entries_[cells++] = cell;
  }
  entries_.resize(cells);

  const std::vector<size_t> counts = LevelCounts(cells);
  size_t size =
      RoundUp(kHeaderBytes + lists_.size() * kListBytes + sets.size() * kSetBytes + members * kMemberBytes);
  const size_t fences = size;
  for (const size_t count : counts) size += count * kCellBytes;

  ByteWriter writer(size);
  writer.U64(kMagic)
      .U16(kFormat)
      .U16(0)
      .U32(lists_.size())
      .U32(sets.size())
      .U32(members)
      .U64(cells)
      .U64(size);
  for (const ListRef& list : lists_) {
    writer.U8(static_cast<uint8_t>(list.kind)).U32(list.id.value).U32(list.version);
  }
  const auto is_white = [&](uint32_t list) { return lists_[list].kind == ListKind::kWhitelist; };
  for (const auto* set : sets) {
    const auto whitelists = static_cast<size_t>(std::count_if(set->begin(), set->end(), is_white));
    writer.U32(whitelists).U32(set->size() - whitelists);
  }
  for (const auto* set : sets) {
    for (const uint32_t list : *set) writer.U32(list);
  }
  while (writer.size() < fences) writer.U8(0);
  size_t step = 1;
  for (size_t level = 1; level < counts.size(); ++level) step *= kFanOut;
  for (; step > 0; step /= kFanOut) {
    for (size_t i = 0; i < cells; i += step) {
      const Entry& entry = entries_[i];
      writer.U64(entry.high).U64(uint64_t{entry.low} << kSetBits | entry.list);
    }
  }
  return std::move(writer).Take();
}

}  // namespace hearth::geofence
