// What area tables and deny sets cost on the air, by the real encoder. docs/benchmarks.md has these figures,
// and this test keeps them true: a wider hash, a longer header or another share shows here.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/carousel/compile.h"
#include "src/carousel/planner.h"
#include "tests/cas/samples.h"

namespace hearth::cas {
namespace {

struct Load {
  uint64_t sections = 0;
  uint64_t bytes = 0;

  Load& operator+=(const Load& other) {
    sections += other.sections;
    bytes += other.bytes;
    return *this;
  }
  friend Load operator*(uint64_t times, const Load& load) {
    return {times * load.sections, times * load.bytes};
  }
  uint64_t packets() const { return carousel::PackedPackets(sections, bytes); }
  // With this part of the rate.
  double Seconds(double share, uint32_t kbps) const { return carousel::AirSeconds(packets(), kbps) / share; }
};

// As the head-end sends them: cut into lists as long as a table can be.
Load Of(TableKind kind, size_t cells) {
  const AreaTable table = samples::Table(TableWidth(kind, cells), kind);
  Load load;
  for (size_t from = 0; from < cells; from += MaxTableCells(kind)) {
    std::vector<CellBytes> some;
    for (size_t i = from; i < std::min(cells, from + MaxTableCells(kind)); ++i)
      some.push_back(samples::Cell(static_cast<unsigned>(i)));
    const auto sections = PackAreaTable(table, some, samples::Package()).value();
    for (const Bytes& section : sections) load += {1, section.size()};
  }
  return load;
}

std::string Grouped(uint64_t number) {
  if (number < 1000) return fmt::format("{}", number);
  return fmt::format("{},{:03}", Grouped(number / 1000), number % 1000);
}

std::string Time(double seconds) {
  if (seconds < 100) return fmt::format("{:.1f} s", seconds);
  if (seconds < 600) return fmt::format("{:.0f} s", seconds);
  if (seconds < 100 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

class AirTime : public testing::Test {
 protected:
  AirTime() {
    std::ifstream file(HEARTH_SOURCE_DIR "/docs/benchmarks.md");
    page.assign((std::istreambuf_iterator<char>(file)), {});
  }
  void ExpectOnPage(const std::string& line) {
    EXPECT_NE(page.find(line), std::string::npos) << "docs/benchmarks.md lacks\n" << line;
  }

  const carousel::Shares shares;
  std::string page;
};

TEST_F(AirTime, OneTable) {
  struct Row {
    const char* name;
    TableKind kind;
    size_t cells;
    Load load;
  };
  for (const Row& row :
       {Row{"area of 20 cells", TableKind::kArea, 20, {1, 99}},
        Row{"area of 48 cells", TableKind::kArea, 48, {1, 183}},
        Row{"area of 200 cells", TableKind::kArea, 200, {6, 6 * 39 + 4 * 200}},
        Row{"area of 1,000 cells", TableKind::kArea, 1000, {28, 28 * 39 + 4 * 1000}},
        Row{"deny list of 7,140 cells", TableKind::kDeny, 7140, {255, 255 * 179}},
        Row{"deny set of 10,000 cells, 2 lists", TableKind::kDeny, 10'000, {358, 358 * 39 + 5 * 10'000}},
        Row{"deny set of 60,000 cells, 9 lists", TableKind::kDeny, 60'000, {2143, 2143 * 39 + 5 * 60'000}}}) {
    const Load load = Of(row.kind, row.cells);
    EXPECT_EQ(load.sections, row.load.sections) << row.name;
    EXPECT_EQ(load.bytes, row.load.bytes) << row.name;
    ExpectOnPage(fmt::format("| {} | {} | {} | {} | {} |", row.name, Grouped(load.sections),
                             Grouped(load.bytes), Time(load.Seconds(shares.change, 1000)),
                             Time(load.Seconds(shares.change, 300))));
  }
}

TEST_F(AirTime, TheCountry) {
  const Load townships = 40'000 * Of(TableKind::kArea, 48);
  const Load villages = 600'000 * Of(TableKind::kArea, 20);
  const Load small_cities = 333 * Of(TableKind::kDeny, 10'000);
  const Load large_cities = 333 * Of(TableKind::kDeny, 60'000);
  struct Row {
    const char* name;
    Load load;
  };
  for (const Row& row :
       {Row{"40,000 townships of 48 cells", townships}, Row{"600,000 villages of 20 cells", villages},
        Row{"deny sets of 333 prefectures, 10,000 cells each", small_cities},
        Row{"deny sets of 333 prefectures, 60,000 cells each", large_cities}}) {
    // A pass draws its order anew: twice a pass is the longest that a box which is on waits.
    ExpectOnPage(
        fmt::format("| {} | {} | {:.1f} MB | {}, {} | {}, {} |", row.name, Grouped(row.load.sections),
                    static_cast<double>(row.load.bytes) / 1e6, Time(row.load.Seconds(shares.areas, 1000)),
                    Time(2 * row.load.Seconds(shares.areas, 1000)), Time(row.load.Seconds(shares.areas, 300)),
                    Time(2 * row.load.Seconds(shares.areas, 300))));
  }
}

// `hearthctl carousel plan` counts sections of 180 bytes: right for full ones.
TEST_F(AirTime, ThePlannersFiguresAreThoseOfFullSections) {
  for (const uint32_t kbps : {300U, 1000U}) {
    for (const Load& load : {40'000 * Of(TableKind::kArea, 48), 333 * Of(TableKind::kDeny, 7140)}) {
      const auto plan =
          carousel::PlanAir({.kbps = kbps, .area_sections = static_cast<uint32_t>(load.sections)});
      ASSERT_TRUE(plan);
      for (const carousel::PlanLine& line : plan->lines) {
        if (!line.what.starts_with("areas")) continue;
        EXPECT_NEAR(line.seconds / load.Seconds(shares.areas, kbps), 1, 0.02);
        EXPECT_DOUBLE_EQ(line.worst, 2 * line.seconds);
      }
    }
  }
}

}  // namespace
}  // namespace hearth::cas
