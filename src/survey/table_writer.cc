#include "src/survey/table_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "src/mapped/mapped_file.h"

namespace hearth::survey {

using table::kBlock;
using table::kPointBytes;

namespace {

constexpr size_t kBands = 65'536;
// Zero bits, radio, MCC, MNC and its length: what a network is, in front of the area.
constexpr int kNetworkShift = 36;

}  // namespace

TableWriter::TableWriter(std::filesystem::path path, TableKind kind, uint64_t generation, UnixMillis created,
                         OutFile file)
    : path_(std::move(path)),
      kind_(kind),
      generation_(generation),
      created_(created),
      file_(std::move(file)),
      points_of_band_(kind == TableKind::kRegister ? kBands : 0) {
  block_.reserve(kBlock);
}

Result<TableWriter> TableWriter::Create(const std::filesystem::path& path, TableKind kind,
                                        uint64_t generation, UnixMillis created) {
  HEARTH_ASSIGN_OR_RETURN(OutFile file, OutFile::Create(path));
  HEARTH_RETURN_IF_ERROR(file.Write(Bytes(kBlock)));  // the header, when it is known
  return TableWriter(path, kind, generation, created, std::move(file));
}

Status TableWriter::Append(const PackedRow& row) {
  if (rows_ == table::kMaxRows)
    return Error(Reason::kLimitExceeded, fmt::format("{} is full", path_.string()));
  block_.insert(block_.end(), row.bytes.begin(), row.bytes.end());
  if (kind_ == TableKind::kRegister) Count(row);
  ++rows_;
  return block_.size() < kBlock ? Ok() : Pad();
}

void TableWriter::Count(const PackedRow& row) {
  if (const uint64_t network = row.high() >> kNetworkShift; network != network_ || open_.empty()) {
    CloseNetwork();
    network_ = network;
    const auto cell = geofence::UnpackCell(ByteView(row.bytes).first(11));
    for (const Source source : {Source::kCrowd, Source::kCollector, Source::kTelco}) {
      open_.push_back({.radio = cell->radio,
                       .mcc = cell->mcc,
                       .mnc = cell->mnc,
                       .mnc_digits = cell->mnc_digits,
                       .source = source});
    }
  }
  NetworkCount& count = open_[static_cast<size_t>(row.source()) - 1];
  ++count.rows;
  if (!row.has_position()) return;
  ++count.with_position;
  ++points_;
  ++points_of_band_[GridOf(row.position()) >> 16];
}

void TableWriter::CloseNetwork() {
  for (const NetworkCount& count : open_) {
    if (count.rows > 0) networks_.push_back(count);
  }
  open_.clear();
}

// Ends the block that is being filled.
Status TableWriter::Pad() {
  if (block_.empty()) return Ok();
  block_.resize(kBlock);
  sums_.U64(SumOf(block_));
  HEARTH_RETURN_IF_ERROR(file_.Write(block_));
  block_.clear();
  return Ok();
}

// Bands from south to north, as many at a time as fit: each time the rows are read again.
Status TableWriter::WritePoints(uint64_t at_once) {
  if (points_ == 0) return Ok();
  HEARTH_RETURN_IF_ERROR(file_.Flush());
  auto mapped = mapped::MappedFile::Open(path_, mapped::Access::kSequential);
  if (!mapped)
    return Error(Reason::kSurveyUnwritable, mapped.error().message()).Detail(mapped.error().detail());
  const auto* rows = reinterpret_cast<const PackedRow*>(mapped->bytes().data() + kBlock);
  std::vector<uint64_t> points;
  for (size_t first = 0; first < kBands;) {
    uint64_t count = points_of_band_[first];
    size_t last = first;
    while (last + 1 < kBands && count + points_of_band_[last + 1] <= at_once)
      count += points_of_band_[++last];
    points.clear();
    points.reserve(count);
    for (uint64_t i = 0; count > 0 && i < rows_; ++i) {
      if (!rows[i].has_position()) continue;
      const uint32_t grid = GridOf(rows[i].position());
      if (grid >> 16 >= first && grid >> 16 <= last) points.push_back(uint64_t{grid} << 32 | i);
    }
    std::sort(points.begin(), points.end());
    for (const uint64_t point : points) {
      ByteWriter bytes(kPointBytes);
      bytes.U64(point);
      block_.insert(block_.end(), bytes.bytes().begin(), bytes.bytes().end());
      if (block_.size() == kBlock) HEARTH_RETURN_IF_ERROR(Pad());
    }
    first = last + 1;
  }
  return Pad();
}

Status TableWriter::Finish(uint64_t points_at_once) {
  HEARTH_RETURN_IF_ERROR(Pad());
  CloseNetwork();
  HEARTH_RETURN_IF_ERROR(WritePoints(points_at_once));
  ByteWriter tables;
  for (const NetworkCount& count : networks_) table::AppendNetwork(count, tables);
  tables.Put(sums_.bytes());
  HEARTH_RETURN_IF_ERROR(file_.Write(tables.bytes()));
  HEARTH_RETURN_IF_ERROR(
      file_.WriteAt(0, table::EncodeHeader({.kind = kind_,
                                            .generation = generation_,
                                            .created = created_,
                                            .rows = rows_,
                                            .points = points_,
                                            .networks = static_cast<uint32_t>(networks_.size()),
                                            .sum_of_tables = SumOf(tables.bytes())})));
  return file_.Close();
}

}  // namespace hearth::survey
