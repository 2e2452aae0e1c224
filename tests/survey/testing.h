// Rows and directories for the tests of the register.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "src/survey/table.h"
#include "src/survey/table_writer.h"

namespace hearth::survey {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-survey-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Row LteRow(uint64_t cell, Source source, uint32_t updated) {
  Row row{.cell = {.radio = geofence::Radio::kLte, .mcc = 460, .mnc = 0, .area = 33301, .cell = cell},
          .source = source};
  row.position = geofence::Position{.latitude_e7 = 385'500'000, .longitude_e7 = 1'063'500'000};
  row.updated = updated;
  return row;
}

// Some cells of some networks, so that rows meet; anywhere on the earth or nowhere.
inline Row RandomRow(std::mt19937_64& random, uint64_t cells) {
  const auto below = [&](uint64_t n) { return random() % n; };
  Row row{.cell = {.radio = below(2) == 0 ? geofence::Radio::kLte : geofence::Radio::kGsm,
                   .mcc = 460,
                   .mnc = static_cast<uint16_t>(below(3)),
                   .area = static_cast<uint32_t>(below(4)),
                   .cell = below(cells)},
          .source = static_cast<Source>(1 + below(3))};
  if (below(4) > 0) {
    row.position = geofence::Position{
        .latitude_e7 = static_cast<int32_t>(below(1'800'000'001)) - 900'000'000,
        .longitude_e7 = static_cast<int32_t>(static_cast<int64_t>(below(3'600'000'001)) - 1'800'000'000)};
  }
  if (below(2) == 0) row.range_m = static_cast<uint32_t>(below(5000));
  if (below(2) == 0) row.samples = static_cast<uint32_t>(below(100));
  if (below(4) > 0) row.updated = static_cast<uint32_t>(1 + below(5));
  return row;
}

inline Bytes PackAll(const std::vector<Row>& rows) {
  Bytes bytes;
  for (const Row& row : rows) {
    const PackedRow packed = Pack(row);
    bytes.insert(bytes.end(), packed.bytes.begin(), packed.bytes.end());
  }
  return bytes;
}

// The rows in order of their cells, each cell once, as a table.
inline std::shared_ptr<const Table> WriteTable(const std::filesystem::path& path,
                                               const std::vector<Row>& rows,
                                               TableKind kind = TableKind::kRegister,
                                               uint64_t points_at_once = 1000) {
  auto writer = TableWriter::Create(path, kind, 1, UnixMillis(1000));
  EXPECT_TRUE(writer);
  for (const Row& row : rows) EXPECT_TRUE(writer->Append(Pack(row)));
  EXPECT_TRUE(writer->Finish(points_at_once));
  auto table = Table::Open(path, kind);
  EXPECT_TRUE(table) << table.error().ToString();
  return table ? *table : nullptr;
}

inline std::map<geofence::Cell, Row> Contents(const Table* table) {
  std::map<geofence::Cell, Row> rows;
  for (uint64_t i = 0; table != nullptr && i < table->rows(); ++i) {
    const auto packed = table->At(i);
    EXPECT_TRUE(packed);
    const Row row = *Unpack(packed->bytes);
    rows[row.cell] = row;
  }
  return rows;
}

}  // namespace hearth::survey
