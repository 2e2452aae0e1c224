// One row of the register of cells: what one source knows of one cell, and its 32 bytes, which files of the
// register and the messages of an import share.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "geofence/cell.h"
#include "geofence/position.h"
#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::survey {

// Who says so. The numbers are on disk and rank the sources: a higher one has the authority.
enum class Source : uint8_t {
  kCrowd = 1,      // OpenCellID, Ichnaea
  kCollector = 2,  // field collectors (采集仪)
  kTelco = 3,      // the operator of the network
};

// "CROWD", "COLLECTOR", "TELCO"; "UNKNOWN" for a value that is no Source.
std::string_view NameOf(Source source);

struct Row {
  geofence::Cell cell;
  Source source = Source::kCrowd;
  std::optional<geofence::Position> position;
  std::optional<uint32_t> range_m;
  std::optional<uint32_t> samples;
  std::optional<uint32_t> updated;  // Unix seconds

  bool operator==(const Row&) const = default;
};

inline constexpr size_t kRowBytes = 32;

// The bytes of a row. Their order is the order of cells.
struct PackedRow {
  std::array<uint8_t, kRowBytes> bytes{};

  // The key in two parts that compare as it does: 64 bits and 24 bits.
  uint64_t high() const;
  uint32_t low() const;
  Source source() const { return static_cast<Source>(bytes[11] & 3); }
  bool has_position() const { return (bytes[11] & 4) != 0; }
  // Only with has_position.
  geofence::Position position() const;
  // 0 when it is not known, which is older than any.
  uint32_t updated() const;

  bool operator==(const PackedRow&) const = default;
};
static_assert(sizeof(PackedRow) == kRowBytes);

// The row must be in range: a cell of CheckCell, a position of InRange.
PackedRow Pack(const Row& row);
// Outside input: FIELD_INVALID unless these are 32 bytes that Pack gives for some row.
Result<Row> Unpack(ByteView bytes);
// The same question without the words and the row, for hot paths.
bool IsRow(const PackedRow& row);

// What a row that is offered does to the one that the register has.
enum class Effect : uint8_t {
  kNew,        // there was none
  kChanged,    // takes its place
  kUnchanged,  // says the same
  kOlder,      // of the same source, but less recent
  kLower,      // of a source of less authority
};
// Both rows are of the same cell. A source of more authority takes the place of any row of less; within one
// source the more recent row does, and between two of the same time (or without one) the one that is offered.
Effect EffectOf(const PackedRow& present, const PackedRow& offered);

// The row of a cell list (import::CellRow, which this library does not know). Needs both coordinates for a
// position, and a time that 32 bits hold.
template <typename CellRow>
Row RowOf(const CellRow& in, Source source) {
  Row row{.cell = {.radio = static_cast<geofence::Radio>(in.radio),
                   .mcc = in.mcc,
                   .mnc = in.mnc,
                   .mnc_digits = in.mnc_digits,
                   .area = in.area,
                   .cell = in.cell},
          .source = source,
          .position = std::nullopt,
          .range_m = in.range_m,
          .samples = in.samples,
          .updated = std::nullopt};
  if (in.longitude && in.latitude) {
    row.position = geofence::Position{.latitude_e7 = static_cast<int32_t>(std::lround(*in.latitude * 1e7)),
                                      .longitude_e7 = static_cast<int32_t>(std::lround(*in.longitude * 1e7))};
  }
  if (in.updated && *in.updated > 0 && *in.updated <= UINT32_MAX)
    row.updated = static_cast<uint32_t>(*in.updated);
  return row;
}

// A sum over rows in their order, to know a file again and to find damage: any change of one 8-byte word
// changes it. No protection against people.
//   sum(0) = 0x486561727468; for each word w of 8 bytes, big-endian:
//   sum = (sum ^ w) × 0x9E3779B97F4A7C15 mod 2^64; sum ^= sum >> 32
class Sum64 {
 public:
  Sum64() = default;
  explicit Sum64(uint64_t value) : value_(value) {}
  // A multiple of 8 bytes.
  void Add(ByteView bytes);
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0x486561727468;
};
uint64_t SumOf(ByteView bytes);

}  // namespace hearth::survey
