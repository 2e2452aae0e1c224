#include "src/survey/table.h"

#include <algorithm>

#include "src/survey/merge.h"
#include "tests/survey/testing.h"

namespace hearth::survey {
namespace {

using geofence::Position;

std::vector<Row> RandomRows(uint64_t seed, size_t count, uint64_t cells) {
  std::mt19937_64 random(seed);
  std::map<geofence::Cell, Row> rows;
  for (size_t i = 0; i < count; ++i) {
    const Row row = RandomRow(random, cells);
    rows[row.cell] = row;
  }
  std::vector<Row> out;
  for (const auto& [cell, row] : rows) out.push_back(row);
  return out;
}

TEST(Table, EveryRowIsFoundAndNoOther) {
  for (const size_t count : {0U, 1U, 127U, 128U, 129U, 5000U}) {
    const TempDir dir;
    const std::vector<Row> rows = RandomRows(count, count, 60'000);
    const auto table = WriteTable(dir.path() / "t", rows);
    ASSERT_TRUE(table);
    EXPECT_EQ(table->rows(), rows.size());
    EXPECT_TRUE(table->Verify()) << count;
    for (const Row& row : rows) {
      const auto found = table->Find(row.cell);
      ASSERT_TRUE(found && found->has_value()) << ToString(row.cell);
      EXPECT_EQ(**found, row);
      geofence::Cell other = row.cell;
      other.mnc = 77;
      EXPECT_EQ(*table->Find(other), std::nullopt);
    }
    EXPECT_EQ(*table->Find({.radio = geofence::Radio::kNr, .mcc = 999, .cell = 1}), std::nullopt);
    EXPECT_EQ(*table->Find({.mcc = 0}), std::nullopt);
  }
}

TEST(Table, CountsNetworksBySource) {
  const TempDir dir;
  const std::vector<Row> rows = RandomRows(3, 3000, 60'000);
  const auto table = WriteTable(dir.path() / "t", rows);
  std::map<std::tuple<geofence::Radio, uint16_t, Source>, std::pair<uint64_t, uint64_t>> expected;
  for (const Row& row : rows) {
    auto& count = expected[{row.cell.radio, row.cell.mnc, row.source}];
    ++count.first;
    count.second += row.position ? 1 : 0;
  }
  ASSERT_EQ(table->networks().size(), expected.size());
  for (const NetworkCount& network : table->networks()) {
    const std::pair count(network.rows, network.with_position);
    EXPECT_EQ(count, (expected[{network.radio, network.mnc, network.source}]));
  }
}

// The grid finds what looking at every row finds: near the poles, over the date line, anywhere.
TEST(Table, NearFindsWhatIsNear) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const TempDir dir;
  std::vector<Row> rows = RandomRows(seed, 8000, 60'000);
  const auto place = [&](double latitude, double longitude) {
    return Position{.latitude_e7 = static_cast<int32_t>(latitude * 1e7),
                    .longitude_e7 = static_cast<int32_t>(longitude * 1e7)};
  };
  // A crowd around some centres, so that small circles hold something.
  std::vector<Position> centers = {place(38.55, 106.35), place(0, 180),   place(0, -180),     place(90, 0),
                                   place(-90, 17),       place(89.9, 10), place(12, -179.99), place(0, 0)};
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % 2 == 0) continue;
    const Position& center = centers[i / 2 % centers.size()];
    rows[i].position = Position{
        .latitude_e7 = std::clamp(center.latitude_e7 + static_cast<int32_t>(random() % 4'000'000) - 2'000'000,
                                  -900'000'000, 900'000'000),
        .longitude_e7 =
            std::clamp(center.longitude_e7 + static_cast<int32_t>(random() % 4'000'000) - 2'000'000,
                       -1'800'000'000, 1'800'000'000)};
  }
  const auto table = WriteTable(dir.path() / "t", rows);
  ASSERT_TRUE(table->Verify());
  for (size_t i = 0; i < 16; ++i) {
    const size_t pick = random() % rows.size();
    if (rows[pick].position) centers.push_back(*rows[pick].position);
  }
  for (const Position& center : centers) {
    for (const double km : {0.0, 0.4, 5.0, 30.0, 800.0, 9000.0, 21'000.0}) {
      std::vector<geofence::Cell> expected;
      for (const Row& row : rows) {
        if (row.position && geofence::DistanceKm(center, *row.position) <= km) expected.push_back(row.cell);
      }
      std::vector<geofence::Cell> found;
      ASSERT_TRUE(table->Near(center, km, [&](const Row& row, double distance) {
        EXPECT_LE(distance, km);
        found.push_back(row.cell);
        return true;
      }));
      std::sort(found.begin(), found.end());
      EXPECT_EQ(found, expected) << center.latitude_e7 << " " << center.longitude_e7 << " " << km;
    }
  }
}

TEST(Table, PointsAreTheSameHoweverManyAtOnce) {
  const TempDir dir;
  const std::vector<Row> rows = RandomRows(5, 3000, 60'000);
  const auto read = [&](uint64_t at_once) {
    WriteTable(dir.path() / "t", rows, TableKind::kRegister, at_once);
    std::ifstream in(dir.path() / "t", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string all = read(1'000'000);
  EXPECT_EQ(read(1), all);
  EXPECT_EQ(read(100), all);
}

TEST(Table, DamageIsFoundAndKillsNothing) {
  const TempDir dir;
  const std::vector<Row> rows = RandomRows(9, 700, 60'000);
  WriteTable(dir.path() / "t", rows);
  std::ifstream in(dir.path() / "t", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const Bytes good(text.begin(), text.end());
  ASSERT_TRUE(Table::FromBytes(good, TableKind::kRegister, "t"));
  EXPECT_EQ(Table::FromBytes(good, TableKind::kRun, "t").error().reason(), Reason::kSurveyDamaged);
  for (const size_t length : {size_t{0}, size_t{71}, size_t{4096}, good.size() - 1}) {
    EXPECT_FALSE(Table::FromBytes(Bytes(good.begin(), good.begin() + length), TableKind::kRegister, "t"));
  }
  size_t opened = 0;
  for (size_t at = 0; at < good.size(); at += at < 80 ? 1 : 37) {
    Bytes bytes = good;
    bytes[at] ^= 0x10;
    const auto table = Table::FromBytes(std::move(bytes), TableKind::kRegister, "t");
    if (!table) {
      EXPECT_EQ(table.error().reason(), Reason::kSurveyDamaged);
      continue;
    }
    ++opened;
    const bool in_header_padding = at >= 72 && at < 4096;
    EXPECT_EQ((*table)->Verify().has_value(), in_header_padding) << at;
    for (const Row& row : rows) {
      const auto found = (*table)->Find(row.cell);
      EXPECT_TRUE(!found || !*found || **found == row);
    }
    (void)(*table)->Near({.latitude_e7 = 0, .longitude_e7 = 0}, 5000,
                         [](const Row&, double) { return true; });
  }
  EXPECT_GT(opened, 100U);
}

// Merging is what a map of cells would do, row by row.
TEST(Merge, DoesWhatTakingTheRowsOneByOneDoes) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    const TempDir dir;
    const std::vector<Row> present = RandomRows(random(), random() % 400, 40);
    const auto now = WriteTable(dir.path() / "now", present);
    std::map<geofence::Cell, Row> model;
    for (const Row& row : present) model[row.cell] = row;
    const auto source = static_cast<Source>(1 + random() % 3);
    std::vector<std::shared_ptr<const Table>> runs;
    std::map<geofence::Cell, Row> offered;
    MergeCounts expected;
    for (size_t run = 0; run < random() % 6; ++run) {
      std::vector<Row> rows = RandomRows(random(), random() % 300, 40);
      for (Row& row : rows) {
        row.source = source;
        const auto [it, fresh] = offered.emplace(row.cell, row);
        if (fresh) continue;
        ++expected.doubles;
        if (EffectOf(Pack(it->second), Pack(row)) == Effect::kChanged) it->second = row;
      }
      runs.push_back(WriteTable(dir.path() / std::to_string(run), rows, TableKind::kRun));
    }
    for (const auto& [cell, row] : offered) {
      const auto it = model.find(cell);
      if (it == model.end()) {
        ++expected.fresh;
        model[cell] = row;
        continue;
      }
      switch (EffectOf(Pack(it->second), Pack(row))) {
        case Effect::kChanged:
          ++expected.changed;
          it->second = row;
          break;
        case Effect::kUnchanged:
          ++expected.unchanged;
          break;
        case Effect::kOlder:
          ++expected.older;
          break;
        default:
          ++expected.lower;
      }
    }
    auto out = TableWriter::Create(dir.path() / "next", TableKind::kRegister, 2, UnixMillis(5));
    const auto counts = Merge(now.get(), runs, &*out, {}, {});
    ASSERT_TRUE(counts);
    EXPECT_EQ(*counts, expected);
    EXPECT_EQ(*Merge(now.get(), runs, nullptr, {}, {}), expected);
    ASSERT_TRUE(out->Finish());
    const auto next = Table::Open(dir.path() / "next", TableKind::kRegister);
    ASSERT_TRUE(next);
    EXPECT_TRUE((*next)->Verify());
    EXPECT_EQ(Contents(next->get()), model);
  }
}

TEST(Merge, EndsWhenItIsToldTo) {
  const auto stopped = Merge(nullptr, {}, nullptr, [] { return true; }, {});
  EXPECT_TRUE(stopped);  // nothing to do: done before it is asked
  const TempDir dir;
  const auto now = WriteTable(dir.path() / "now", RandomRows(1, 100, 1000));
  EXPECT_EQ(Merge(now.get(), {}, nullptr, [] { return true; }, {}).error().reason(), Reason::kShuttingDown);
}

}  // namespace
}  // namespace hearth::survey
