// A file of rows in the order of their cells: the register itself, and the sorted runs of an import.
// Immutable, mapped into memory. The grammar of the bytes stands at the top of table.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "src/base/ids.h"
#include "src/mapped/mapped_file.h"
#include "src/survey/row.h"

namespace hearth::survey {

// The numbers are on disk.
enum class TableKind : uint8_t { kRun = 1, kRegister = 2 };

// How many rows there are of one network from one source.
struct NetworkCount {
  geofence::Radio radio = geofence::Radio::kGsm;
  uint16_t mcc = 0;
  uint16_t mnc = 0;
  uint8_t mnc_digits = 2;
  Source source = Source::kCrowd;
  uint64_t rows = 0;
  uint64_t with_position = 0;

  bool operator==(const NetworkCount&) const = default;
};

// Movable. Any thread may read. Bytes that come from elsewhere never make it crash: Open checks all that is
// small, and each block of rows is checked when it is first read.
class Table {
 public:
  // FILE_UNREADABLE, SURVEY_DAMAGED.
  static Result<std::shared_ptr<const Table>> Open(const std::filesystem::path& path, TableKind kind,
                                                   mapped::Access access = mapped::Access::kRandom);
  // The same over bytes that it keeps; `name` is for errors.
  static Result<std::shared_ptr<const Table>> FromBytes(Bytes bytes, TableKind kind, std::string name);

  // What is known of a cell. SURVEY_DAMAGED.
  Result<std::optional<Row>> Find(const geofence::Cell& cell) const;
  // Calls `take` for every row with a position at most `km` away, in no order; stops when it returns false.
  // Cost: two binary searches for each 300 m from south to north, then the points of the strip. Only a
  // register has points; a run finds nothing. SURVEY_DAMAGED.
  Status Near(const geofence::Position& center, double km,
              const std::function<bool(const Row&, double km)>& take) const;
  // Row `index` as it is stored: SURVEY_DAMAGED when its block is not what was written.
  Result<PackedRow> At(uint64_t index) const;
  // Rows [first, first + count of the block that holds `first`): checked, for reading all in order.
  Result<std::span<const PackedRow>> BlockAt(uint64_t first) const;
  // Reads everything.
  Status Verify() const;

  uint64_t rows() const { return rows_; }
  uint64_t points() const { return points_; }
  // Counts up with each register that takes the place of another; 0 for a run.
  uint64_t generation() const { return generation_; }
  UnixMillis created() const { return created_; }
  uint64_t bytes() const { return data_.size(); }
  // By radio, network and source, in the order of cells.
  const std::vector<NetworkCount>& networks() const { return networks_; }

 private:
  Table() = default;
  Status Parse(TableKind kind);
  Status CheckBlock(uint64_t block) const;
  Error Damaged(std::string_view what) const;
  Result<uint64_t> PointAt(uint64_t index) const;
  Result<uint64_t> FirstPointFrom(uint64_t point) const;

  std::string name_;
  mapped::MappedFile file_;
  Bytes owned_;
  ByteView data_;
  uint64_t rows_ = 0;
  uint64_t points_ = 0;
  uint64_t row_blocks_ = 0;
  uint64_t point_blocks_ = 0;
  uint64_t generation_ = 0;
  UnixMillis created_;
  std::vector<NetworkCount> networks_;
  const uint8_t* sums_ = nullptr;
  std::unique_ptr<std::atomic<bool>[]> checked_;  // by block: rows, then points
};

// The place of a position in the order of points: bands of 1/65,536 of the way from south to north, and in
// each from west to east.
uint32_t GridOf(const geofence::Position& position);

// Sizes and offsets that writer and reader share.
namespace table {
inline constexpr char kMagic[] = "HEARTHCR";
inline constexpr uint16_t kVersion = 1;
inline constexpr size_t kBlock = 4096;
inline constexpr size_t kRowsPerBlock = kBlock / kRowBytes;
inline constexpr size_t kPointBytes = 8;
inline constexpr size_t kPointsPerBlock = kBlock / kPointBytes;
inline constexpr size_t kNetworkBytes = 24;
inline constexpr uint64_t kMaxRows = UINT32_MAX;
inline uint64_t BlocksFor(uint64_t count, uint64_t each) { return (count + each - 1) / each; }

struct Header {
  TableKind kind = TableKind::kRun;
  uint64_t generation = 0;
  UnixMillis created;
  uint64_t rows = 0;
  uint64_t points = 0;
  uint32_t networks = 0;
  uint64_t sum_of_tables = 0;
};
Bytes EncodeHeader(const Header& header);  // 4096 bytes
// What is wrong, or nullptr.
const char* DecodeHeader(ByteView bytes, Header& header);
void AppendNetwork(const NetworkCount& count, ByteWriter& out);
std::optional<NetworkCount> ReadNetwork(ByteReader& in);
}  // namespace table

}  // namespace hearth::survey
