// Packing: the fewest sections, nothing lost.
#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "src/mpegts/section.h"
#include "tests/cas/samples.h"

namespace hearth::cas {
namespace {

size_t SectionsFor(const ServiceKeysMessage& message) {
  return PackServiceKeys(message, samples::Package()).value().size();
}

TEST(PackServiceKeys, NineInEach) {
  EXPECT_EQ(SectionsFor(samples::ServicesOf(0)), 0U);
  EXPECT_EQ(SectionsFor(samples::ServicesOf(1)), 1U);
  EXPECT_EQ(SectionsFor(samples::ServicesOf(9)), 1U);
  EXPECT_EQ(SectionsFor(samples::ServicesOf(10)), 2U);
  EXPECT_EQ(SectionsFor(samples::ServicesOf(42)), 5U);
  EXPECT_EQ(SectionsFor(samples::ServicesOf(900)), 100U);
}

// Alone, a key costs 19 bytes: eight of them fill the 152 bytes a section has.
TEST(PackServiceKeys, EightWhenNoTwoAreNeighbours) {
  ServiceKeysMessage message = samples::ServicesOf(0);
  for (uint16_t i = 0; i < 42; ++i) {
    message.keys.push_back({ServiceId(static_cast<uint16_t>(2 * i)), samples::Service(2U * i)});
  }
  EXPECT_EQ(SectionsFor(message), 6U);
}

TEST(PackServiceKeys, ServicesUpToTheLast) {
  ServiceKeysMessage message = samples::ServicesOf(0);
  for (unsigned service = 65530; service <= 65535; ++service) {
    message.keys.push_back({ServiceId(static_cast<uint16_t>(service)), samples::Service(service)});
  }
  const std::vector<Bytes> sections = PackServiceKeys(message, samples::Package()).value();
  ASSERT_EQ(sections.size(), 1U);
  EXPECT_EQ(DecodeServiceKeys(sections[0], samples::Package()).value(), message);
}

std::vector<CellBytes> Cells(unsigned count) {
  std::vector<CellBytes> cells;
  for (unsigned i = 0; i < count; ++i) cells.push_back(samples::Cell(i));
  return cells;
}

// All hashes of the parts, after checking what the parts share.
Bytes HashesOf(const std::vector<Bytes>& sections, const AreaTable& table) {
  Bytes hashes;
  for (size_t i = 0; i < sections.size(); ++i) {
    EXPECT_LE(sections[i].size(), mpegts::kPacketPayloadBytes);
    const AreaTablePart part = DecodeAreaTablePart(sections[i], samples::Package()).value();
    EXPECT_EQ(part.table, table);
    EXPECT_EQ(part.part, i);
    EXPECT_EQ(part.parts, sections.size());
    hashes.insert(hashes.end(), part.hashes.begin(), part.hashes.end());
  }
  return hashes;
}

TEST(PackAreaTable, CutsIntoFullParts) {
  struct Row {
    uint8_t width;
    unsigned cells;
    size_t parts;
  };
  for (const Row& row : {Row{3, 0, 1}, Row{3, 1, 1}, Row{3, 48, 1}, Row{3, 49, 2}, Row{5, 28, 1},
                         Row{5, 29, 2}, Row{8, 18, 1}, Row{8, 180, 10}}) {
    const AreaTable table = samples::Table(row.width);
    const auto sections = PackAreaTable(table, Cells(row.cells), samples::Package());
    ASSERT_TRUE(sections);
    EXPECT_EQ(sections->size(), row.parts) << int{row.width} << " × " << row.cells;
    const Bytes hashes = HashesOf(*sections, table);
    std::set<Bytes> expected;
    for (const CellBytes& cell : Cells(row.cells)) {
      expected.insert(CellHash(table.area, cell, row.width).value());
    }
    Bytes joined;
    for (const Bytes& hash : expected) joined.insert(joined.end(), hash.begin(), hash.end());
    EXPECT_EQ(hashes, joined);
  }
}

TEST(PackAreaTable, OrderAndDoublesOfTheFileDoNotShow) {
  const AreaTable table = samples::Table(4);
  std::vector<CellBytes> cells = Cells(100);
  const auto sections = PackAreaTable(table, cells, samples::Package()).value();
  std::reverse(cells.begin(), cells.end());
  cells.push_back(cells.front());
  EXPECT_EQ(PackAreaTable(table, cells, samples::Package()).value(), sections);
}

TEST(PackAreaTable, RefusesMoreThan255Parts) {
  const AreaTable table = samples::Table(8);
  EXPECT_EQ(PackAreaTable(table, Cells(255 * 18), samples::Package())->size(), 255U);
  EXPECT_EQ(PackAreaTable(table, Cells(255 * 18 + 1), samples::Package()).error().reason(),
            Reason::kSectionTooLong);
}

TEST(CellHash, DependsOnTheAreaAndIsAPrefix) {
  const Bytes wide = CellHash(samples::kArea, samples::Cell(1), 8).value();
  for (uint8_t width = kMinCellWidth; width <= kMaxCellWidth; ++width) {
    EXPECT_EQ(CellHash(samples::kArea, samples::Cell(1), width).value(),
              Bytes(wide.begin(), wide.begin() + width));
  }
  EXPECT_NE(CellHash(AreaId(640122002), samples::Cell(1), 8).value(), wide);
  EXPECT_EQ(CellHash(samples::kArea, samples::Cell(1), 2).error().reason(), Reason::kFieldInvalid);
  EXPECT_EQ(CellHash(samples::kArea, samples::Cell(1), 9).error().reason(), Reason::kFieldInvalid);
}

}  // namespace
}  // namespace hearth::cas
