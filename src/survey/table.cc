// A table of rows, big-endian; all parts begin at a multiple of 4,096 bytes (a block):
//
//   table   = header ‖ rows ‖ points ‖ networks ‖ sums          networks and sums follow each other directly
//   header  = "HEARTHCR" ‖ [format version, 1]2 ‖ [kind: 1 run, 2 register]1 ‖ [bytes of a row, 32]1 ‖ [0]4
//             ‖ generation 8 ‖ created 8, ms since 1970 ‖ rows 8 ‖ points 8 ‖ [networks]4 ‖ [0]4
//             ‖ [sum of networks and sums]8 ‖ [sum of the header up to here]8 ‖ zeros
//   rows    = row of 32 bytes (row.cc), ascending by cell, each cell once ‖ zeros up to a block
//   points  = point of 8 bytes, ascending ‖ zeros up to a block; only a register has them
//   point   = [band from south to north]2 ‖ [band from west to east]2 ‖ [number of the row, from 0]4
//   network = [first 4 bytes of the keys of its cells, the lower 4 bits 0]4 ‖ [source]1 ‖ [0]3
//             ‖ rows 8 ‖ rows with a position 8; ascending by the first 5 bytes
//   sums    = sum of 8 bytes for each block of rows and then of points
//
// Every sum is Sum64 of row.h. A band is floor((degrees + half the range) / range × 65,536).
#include "src/survey/table.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "src/survey/big_endian.h"

namespace hearth::survey {

using geofence::Cell;
using geofence::Position;

namespace table {

namespace {
constexpr size_t kHeaderBytes = 72;
}  // namespace

Bytes EncodeHeader(const Header& header) {
  ByteWriter out(kBlock);
  out.Put(AsBytes(std::string_view(kMagic, 8))).U16(kVersion).U8(static_cast<uint8_t>(header.kind));
  out.U8(kRowBytes).U32(0).U64(header.generation).U64(static_cast<uint64_t>(header.created.value));
  out.U64(header.rows).U64(header.points).U32(header.networks).U32(0).U64(header.sum_of_tables);
  out.U64(SumOf(out.bytes()));
  Bytes bytes = std::move(out).Take();
  bytes.resize(kBlock);
  return bytes;
}

const char* DecodeHeader(ByteView bytes, Header& header) {
  if (bytes.size() < kBlock) return "it is shorter than a header";
  ByteReader in(bytes.first(kHeaderBytes));
  if (AsChars(in.Take(8)) != std::string_view(kMagic, 8)) return "it is no file of the register";
  if (in.U16() != kVersion) return "it is of another version of the format";
  header.kind = static_cast<TableKind>(in.U8());
  const bool rows_fit = in.U8() == kRowBytes;
  in.U32();
  header.generation = in.U64();
  header.created = UnixMillis(static_cast<int64_t>(in.U64()));
  header.rows = in.U64();
  header.points = in.U64();
  header.networks = in.U32();
  in.U32();
  header.sum_of_tables = in.U64();
  const uint64_t sum = in.U64();
  if (!in.ok() || sum != SumOf(bytes.first(kHeaderBytes - 8)) || !rows_fit) return "its header is damaged";
  if (header.rows > kMaxRows || header.points > header.rows)
    return "its header counts more than there can be";
  return nullptr;
}

void AppendNetwork(const NetworkCount& count, ByteWriter& out) {
  const geofence::CellKey key = geofence::PackCell({.radio = count.radio,
                                                    .mcc = count.mcc,
                                                    .mnc = count.mnc,
                                                    .mnc_digits = count.mnc_digits,
                                                    .area = 0,
                                                    .cell = 0});
  out.Put(ByteView(key).first(4)).U8(static_cast<uint8_t>(count.source)).U24(0);
  out.U64(count.rows).U64(count.with_position);
}

std::optional<NetworkCount> ReadNetwork(ByteReader& in) {
  geofence::CellKey key{};
  const ByteView head = in.Take(4);
  std::copy(head.begin(), head.end(), key.begin());
  const auto cell = geofence::UnpackCell(key);
  const uint8_t source = in.U8();
  in.U24();
  const uint64_t rows = in.U64();
  const uint64_t with_position = in.U64();
  if (!in.ok() || !cell || source < 1 || source > 3) return std::nullopt;
  return NetworkCount{.radio = cell->radio,
                      .mcc = cell->mcc,
                      .mnc = cell->mnc,
                      .mnc_digits = cell->mnc_digits,
                      .source = static_cast<Source>(source),
                      .rows = rows,
                      .with_position = with_position};
}

}  // namespace table

namespace {

using table::kBlock;
using table::kPointsPerBlock;
using table::kRowsPerBlock;

constexpr double kEarthKm = 6371.0;  // as DistanceKm
constexpr double kDegrees = M_PI / 180.0;
// Bands are compared by whole numbers: a little more than the circle, and DistanceKm decides.
constexpr double kMargin = 1.000001;

uint32_t Band(int64_t e7, int64_t half) {
  return static_cast<uint32_t>((e7 + half) * 65'536 / (2 * half + 1));
}
uint32_t LatitudeBand(double degrees) {
  return Band(std::llround(std::clamp(degrees, -90.0, 90.0) * 1e7), 900'000'000);
}
uint32_t LongitudeBand(double degrees) {
  return Band(std::llround(std::clamp(degrees, -180.0, 180.0) * 1e7), 1'800'000'000);
}

}  // namespace

uint32_t GridOf(const Position& position) {
  return Band(position.latitude_e7, 900'000'000) << 16 | Band(position.longitude_e7, 1'800'000'000);
}

Error Table::Damaged(std::string_view what) const {
  return Error(Reason::kSurveyDamaged, fmt::format("{}: {}", name_, what));
}

Result<std::shared_ptr<const Table>> Table::Open(const std::filesystem::path& path, TableKind kind,
                                                 mapped::Access access) {
  std::shared_ptr<Table> table(new Table());
  table->name_ = path.string();
  HEARTH_ASSIGN_OR_RETURN(table->file_, mapped::MappedFile::Open(path, access));
  table->data_ = table->file_.bytes();
  HEARTH_RETURN_IF_ERROR(table->Parse(kind));
  return std::shared_ptr<const Table>(std::move(table));
}

Result<std::shared_ptr<const Table>> Table::FromBytes(Bytes bytes, TableKind kind, std::string name) {
  std::shared_ptr<Table> table(new Table());
  table->name_ = std::move(name);
  table->owned_ = std::move(bytes);
  table->data_ = table->owned_;
  HEARTH_RETURN_IF_ERROR(table->Parse(kind));
  return std::shared_ptr<const Table>(std::move(table));
}

Status Table::Parse(TableKind kind) {
  table::Header header;
  if (const char* fault = table::DecodeHeader(data_, header); fault != nullptr) return Damaged(fault);
  if (header.kind != kind) return Damaged("it is a table of the other kind");
  rows_ = header.rows;
  points_ = header.points;
  generation_ = header.generation;
  created_ = header.created;
  row_blocks_ = table::BlocksFor(rows_, kRowsPerBlock);
  point_blocks_ = table::BlocksFor(points_, kPointsPerBlock);
  const uint64_t blocks = row_blocks_ + point_blocks_;
  const uint64_t tables = (1 + blocks) * kBlock;
  const uint64_t networks_bytes = uint64_t{header.networks} * table::kNetworkBytes;
  if (data_.size() != tables + networks_bytes + blocks * 8) return Damaged("it has not its length");
  const ByteView rest = data_.subspan(tables);
  if (SumOf(rest) != header.sum_of_tables) return Damaged("its tables are damaged");
  ByteReader in(rest.first(networks_bytes));
  networks_.reserve(header.networks);
  for (uint32_t i = 0; i < header.networks; ++i) {
    const auto count = table::ReadNetwork(in);
    if (!count) return Damaged("its table of networks is damaged");
    networks_.push_back(*count);
  }
  sums_ = rest.data() + networks_bytes;
  checked_ = std::make_unique<std::atomic<bool>[]>(blocks);
  return Ok();
}

Status Table::CheckBlock(uint64_t block) const {
  if (checked_[block].load(std::memory_order_relaxed)) return Ok();
  if (SumOf(data_.subspan((1 + block) * kBlock, kBlock)) != Load64(sums_ + block * 8)) {
    return Damaged(fmt::format("block {} is damaged", block));
  }
  checked_[block].store(true, std::memory_order_relaxed);
  return Ok();
}

Result<std::span<const PackedRow>> Table::BlockAt(uint64_t first) const {
  const uint64_t block = first / kRowsPerBlock;
  HEARTH_RETURN_IF_ERROR(CheckBlock(block));
  // A row is an array of bytes and has no alignment.
  const auto* rows = reinterpret_cast<const PackedRow*>(data_.data() + kBlock) + first;
  return std::span(rows, std::min(rows_, (block + 1) * kRowsPerBlock) - first);
}

Result<PackedRow> Table::At(uint64_t index) const {
  HEARTH_ASSIGN_OR_RETURN(const auto block, BlockAt(index));
  return block.front();
}

Result<std::optional<Row>> Table::Find(const Cell& cell) const {
  if (!geofence::InRange(cell)) return std::optional<Row>();
  const PackedRow wanted = Pack({.cell = cell});
  const std::pair key(wanted.high(), wanted.low());
  uint64_t first = 0;
  for (uint64_t left = rows_; left > 0;) {
    const uint64_t half = left / 2;
    HEARTH_ASSIGN_OR_RETURN(const PackedRow row, At(first + half));
    if (std::pair(row.high(), row.low()) < key) {
      first += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  if (first == rows_) return std::optional<Row>();
  HEARTH_ASSIGN_OR_RETURN(const PackedRow row, At(first));
  if (std::pair(row.high(), row.low()) != key) return std::optional<Row>();
  auto found = Unpack(row.bytes);
  if (!found) return Damaged(fmt::format("row {} is none", first));
  return std::optional(*found);
}

Result<uint64_t> Table::PointAt(uint64_t index) const {
  HEARTH_RETURN_IF_ERROR(CheckBlock(row_blocks_ + index / kPointsPerBlock));
  return Load64(data_.data() + (1 + row_blocks_) * kBlock + index * table::kPointBytes);
}

Result<uint64_t> Table::FirstPointFrom(uint64_t point) const {
  uint64_t first = 0;
  for (uint64_t left = points_; left > 0;) {
    const uint64_t half = left / 2;
    HEARTH_ASSIGN_OR_RETURN(const uint64_t at, PointAt(first + half));
    if (at < point) {
      first += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return first;
}

Status Table::Near(const Position& center, double km,
                   const std::function<bool(const Row&, double km)>& take) const {
  if (!geofence::InRange(center) || !(km >= 0)) return InvalidField("center", "a place on the earth");
  const double latitude = center.latitude_e7 / 1e7;
  const double longitude = center.longitude_e7 / 1e7;
  const double angle = std::min(km * kMargin / kEarthKm, M_PI);
  const double south = latitude - angle / kDegrees - 1e-6;
  const double north = latitude + angle / kDegrees + 1e-6;
  // How far the circle reaches to either side; all around when it holds a pole.
  double aside = 180;
  if (south > -90 && north < 90) {
    aside = std::asin(std::min(1.0, std::sin(angle) / std::cos(latitude * kDegrees))) / kDegrees + 1e-6;
  }
  std::vector<std::pair<uint32_t, uint32_t>> strips;  // bands from west to east
  if (aside >= 179) {                                 // so that two strips never share a band
    strips.emplace_back(0, 0xFFFF);
  } else {
    strips.emplace_back(LongitudeBand(longitude - aside), LongitudeBand(longitude + aside));
    if (longitude - aside < -180) strips.emplace_back(LongitudeBand(longitude - aside + 360), 0xFFFF);
    if (longitude + aside > 180) strips.emplace_back(0, LongitudeBand(longitude + aside - 360));
  }
  for (uint64_t band = LatitudeBand(south); band <= LatitudeBand(north); ++band) {
    for (const auto& [west, east] : strips) {
      HEARTH_ASSIGN_OR_RETURN(uint64_t at, FirstPointFrom((band << 16 | west) << 32));
      for (; at < points_; ++at) {
        HEARTH_ASSIGN_OR_RETURN(const uint64_t point, PointAt(at));
        if (point >> 32 > (band << 16 | east)) break;
        const uint64_t index = point & 0xFFFFFFFF;
        if (index >= rows_) return Damaged("a point has no row");
        HEARTH_ASSIGN_OR_RETURN(const PackedRow packed, At(index));
        const auto row = Unpack(packed.bytes);
        if (!row || !row->position) return Damaged("a point has no place");
        const double distance = geofence::DistanceKm(center, *row->position);
        if (distance <= km && !take(*row, distance)) return Ok();
      }
    }
  }
  return Ok();
}

Status Table::Verify() const {
  for (uint64_t block = 0; block < row_blocks_ + point_blocks_; ++block) {
    HEARTH_RETURN_IF_ERROR(CheckBlock(block));
  }
  const PackedRow* former = nullptr;
  for (uint64_t first = 0; first < rows_; first += kRowsPerBlock) {
    HEARTH_ASSIGN_OR_RETURN(const auto rows, BlockAt(first));
    for (const PackedRow& row : rows) {
      if (!IsRow(row)) return Damaged("a row is none");
      if (former != nullptr && std::pair(former->high(), former->low()) >= std::pair(row.high(), row.low())) {
        return Damaged("its rows are out of order");
      }
      former = &row;
    }
  }
  uint64_t last = 0;
  for (uint64_t i = 0; i < points_; ++i) {
    HEARTH_ASSIGN_OR_RETURN(const uint64_t point, PointAt(i));
    if ((i > 0 && point <= last) || (point & 0xFFFFFFFF) >= rows_)
      return Damaged("its points are out of order");
    HEARTH_ASSIGN_OR_RETURN(const PackedRow row, At(point & 0xFFFFFFFF));
    if (!row.has_position() || GridOf(row.position()) != point >> 32) return Damaged("a point is elsewhere");
    last = point;
  }
  return Ok();
}

}  // namespace hearth::survey
