// Writes a table: rows in, a synced file out.
#pragma once

#include <filesystem>
#include <vector>

#include "src/survey/file.h"
#include "src/survey/table.h"

namespace hearth::survey {

// One thread. Memory: some MB and, for a register, at most 8 bytes × kPointsAtOnce. All errors are
// SURVEY_UNWRITABLE or LIMIT_EXCEEDED (over 2^32 rows).
class TableWriter {
 public:
  // Points are sorted so many at a time; more of them take more passes over the rows.
  static constexpr uint64_t kPointsAtOnce = uint64_t{16} << 20;

  static Result<TableWriter> Create(const std::filesystem::path& path, TableKind kind, uint64_t generation,
                                    UnixMillis created);
  // Ascending by cell, each cell once.
  Status Append(const PackedRow& row);
  // Writes what follows the rows, and syncs. Nothing may be called afterwards.
  Status Finish(uint64_t points_at_once = kPointsAtOnce);

  uint64_t rows() const { return rows_; }

 private:
  TableWriter(std::filesystem::path path, TableKind kind, uint64_t generation, UnixMillis created,
              OutFile file);
  void Count(const PackedRow& row);
  void CloseNetwork();
  Status Pad();
  Status WritePoints(uint64_t at_once);

  const std::filesystem::path path_;
  const TableKind kind_;
  const uint64_t generation_;
  const UnixMillis created_;
  OutFile file_;
  uint64_t rows_ = 0;
  uint64_t points_ = 0;
  Bytes block_;  // the rows of the block that is being filled
  ByteWriter sums_;
  uint64_t network_ = 0;            // the upper 28 bits of the keys being counted
  std::vector<NetworkCount> open_;  // of that network, by source
  std::vector<NetworkCount> networks_;
  std::vector<uint32_t> points_of_band_;
};

}  // namespace hearth::survey
