// How often a foreign cell is taken for one of a table, as docs/security.md states it ("Cell hashes"):
// measured over the head-end's own encoder and the receiver's own look-up, and the other way round: a cell of
// the table is never missed. Seeded; the bounds leave room for chance only.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/cas/area_table.h"
#include "tests/receiver/home.h"

namespace hearth::receiver {
namespace {

constexpr uint64_t kSeed = 1;

// A telco's numbers are anything but random: base stations in a row, each with a few sectors, many to a
// tracking area. So are these; where they begin follows from the seed. `side` 0 and 1 share no cell.
class Cells {
 public:
  explicit Cells(uint32_t side)
      : side_(side), first_(static_cast<uint32_t>(std::mt19937_64(kSeed)() % 100'000)) {}
  Cell At(uint32_t i) const {
    const uint32_t station = first_ + i / 3;
    return {Radio::kLte,
            460,
            static_cast<uint16_t>(side_ == 0 ? 0 : 11),
            false,
            (20'000 + station / 300) % 65'536,
            uint64_t{station % 1'000'000} << 8 | i % 3};
  }

 private:
  uint32_t side_;
  uint32_t first_;
};

// True when a count of chance events of which so many are expected is none of the rarest thousandth.
bool IsChance(double expected, uint64_t found) {
  if (expected > 200) return std::abs(static_cast<double>(found) - expected) < 3.3 * std::sqrt(expected);
  double below = 0;  // probability of fewer than `found`
  double term = std::exp(-expected);
  for (uint64_t i = 0; i < found; ++i) {
    below += term;
    term *= expected / static_cast<double>(i + 1);
  }
  return below + term > 0.0005 && 1 - below > 0.0005;
}

// n / 2^(8w), exactly.
double FalseAccept(size_t n, int width) {
  return -std::expm1(static_cast<double>(n) * std::log1p(-std::ldexp(1.0, -8 * width)));
}

// The table of `count` cells from number `first` on, made by the head-end and taken from the air by the
// receiver; by the width the head-end takes for it, or another.
class Told {
 public:
  Told(TableKind kind, uint32_t first, size_t count, std::optional<uint8_t> width = std::nullopt) {
    home_.SendRecord(100);
    home_.SendGroup(100, true);
    const auto on_air = static_cast<cas::TableKind>(kind);
    std::vector<cas::CellBytes> cells;
    for (size_t i = 0; i < count; ++i)
      cells.push_back(PackCell(Cells(0).At(first + static_cast<uint32_t>(i))));
    const cas::AreaTable table{.kind = on_air,
                               .area = kind == TableKind::kArea ? kArea : kCityDeny,
                               .version = 7,
                               .stamp = Stamp(100),
                               .package = kPackage,
                               .package_epoch = Epoch(9),
                               .width = width.value_or(cas::TableWidth(on_air, count)),
                               .grace_hours = 72};
    std::array<uint8_t, 16> key{};
    key.fill(4);  // air::TestKey(4)
    const auto sections = cas::PackAreaTable(table, cells, crypto::PackageKey(crypto::Key128(key)));
    EXPECT_TRUE(sections) << sections.error().ToString();
    for (const Bytes& section : *sections) EXPECT_EQ(home_.receiver.Feed(section).why, Why::kTaken);
    const auto rules = home_.receiver.card()->Rules();
    set_ = kind == TableKind::kArea ? rules.area_cells.value() : rules.deny.at(0);
  }
  const CellSet& cells() const { return set_; }

 private:
  Home home_;
  CellSet set_;
};

TEST(FalseDeny, ACellOfTheTableIsNeverMissed) {
  struct Row {
    TableKind kind;
    size_t cells;
    uint8_t width;
  };
  for (const Row& row :
       {Row{TableKind::kArea, 20, 3}, Row{TableKind::kArea, 100, 3}, Row{TableKind::kArea, 200, 4},
        Row{TableKind::kArea, 1000, 4}, Row{TableKind::kArea, cas::MaxTableCells(cas::TableKind::kArea), 4},
        Row{TableKind::kDeny, cas::MaxTableCells(cas::TableKind::kDeny), 5}}) {
    const Told told(row.kind, 0, row.cells);
    EXPECT_EQ(told.cells().width, row.width) << row.cells;
    for (uint32_t i = 0; i < row.cells; ++i) {
      ASSERT_TRUE(told.cells().Contains(Cells(0).At(i))) << i << " of " << row.cells;
    }
  }
}

TEST(FalseAccept, LookUpsInTheReceiver) {
  struct Row {
    size_t cells;
    uint32_t lookups;
  };
  for (const Row& row : {Row{100, 1'500'000}, Row{1000, 300'000}}) {
    const Told told(TableKind::kArea, 0, row.cells, 3);
    uint64_t accepted = 0;
    for (uint32_t i = 0; i < row.lookups; ++i) accepted += told.cells().Contains(Cells(1).At(i)) ? 1 : 0;
    const double expected = FalseAccept(row.cells, 3) * row.lookups;
    EXPECT_TRUE(IsChance(expected, accepted))
        << row.cells << " cells: " << accepted << " accepted, " << expected << " expected";
    RecordProperty(fmt::format("accepted_{}", row.cells), static_cast<int>(accepted));
  }
}

// What w = 4 and 5 let through is too rare to wait for in look-ups of one table. So: each of two million
// cells against each of two million others, 4 × 10^12 pairs, by sorting both sides' hashes.
TEST(FalseAccept, EveryWidthOverAllPairs) {
  constexpr uint32_t kEach = 2'000'000;
  constexpr uint64_t kIndexMask = 0xFF'FFFF;  // below the 40 bits of w = 5 there is room for the number
  static_assert(kEach <= kIndexMask);
  std::vector<uint64_t> listed;
  std::vector<uint64_t> foreign;
  listed.reserve(kEach);
  foreign.reserve(kEach);
  for (uint32_t i = 0; i < kEach; ++i) {
    const Bytes hash = cas::CellHash(kCityDeny, PackCell(Cells(0).At(i)), 5).value();  // the head-end's
    listed.push_back(ByteReader(hash).U40() << 24 | i);
    const auto other = CellHash(kCityDeny, Cells(1).At(i));  // the receiver's
    foreign.push_back(ByteReader(ByteView(other)).U40() << 24 | i);
  }
  std::sort(listed.begin(), listed.end());
  std::sort(foreign.begin(), foreign.end());
  std::vector<std::pair<uint32_t, uint32_t>> pairs;  // of w = 5
  for (const int width : {3, 4, 5}) {
    const int shift = 64 - 8 * width;
    uint64_t found = 0;
    for (size_t a = 0, b = 0; a < listed.size() && b < foreign.size();) {
      const uint64_t mine = listed[a] >> shift;
      const uint64_t theirs = foreign[b] >> shift;
      if (mine < theirs) {
        ++a;
      } else if (theirs < mine) {
        ++b;
      } else {
        size_t end_a = a;
        size_t end_b = b;
        while (end_a < listed.size() && listed[end_a] >> shift == mine) ++end_a;
        while (end_b < foreign.size() && foreign[end_b] >> shift == mine) ++end_b;
        found += (end_a - a) * (end_b - b);
        if (width == 5) {
          pairs.emplace_back(static_cast<uint32_t>(listed[a] & kIndexMask),
                             static_cast<uint32_t>(foreign[b] & kIndexMask));
        }
        a = end_a;
        b = end_b;
      }
    }
    const double expected = std::ldexp(static_cast<double>(kEach) * kEach, -8 * width);
    EXPECT_TRUE(IsChance(expected, found))
        << "w = " << width << ": " << found << " pairs, " << expected << " expected";
    RecordProperty(fmt::format("pairs_{}", width), static_cast<int>(found));
  }
  // And the receiver falls for each of them, in a deny table as the head-end makes it.
  ASSERT_FALSE(pairs.empty());
  for (const auto& [mine, theirs] : pairs) {
    EXPECT_TRUE(Told(TableKind::kDeny, mine, 1).cells().Contains(Cells(1).At(theirs)));
  }
}

// 1.2 × 10⁻⁶, as the page writes it.
std::string Scientific(double value) {
  static constexpr const char* kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  int exponent = static_cast<int>(std::floor(std::log10(value)));
  double mantissa = value / std::pow(10, exponent);
  if (mantissa >= 9.95) {
    mantissa = 1;
    ++exponent;
  }
  std::string raised;
  for (const char digit : fmt::format("{}", -exponent)) raised += kDigits[digit - '0'];
  return fmt::format("{:.1f} × 10⁻{}", mantissa, raised);
}

TEST(FalseAccept, ThePageSaysWhatTheFormulaGives) {
  std::ifstream file(HEARTH_SOURCE_DIR "/docs/security.md");
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  struct Row {
    const char* name;
    size_t cells;
    cas::TableKind kind;
  };
  for (const Row& row : {Row{"area of 20 cells", 20, cas::TableKind::kArea},
                         Row{"area of 100 cells", 100, cas::TableKind::kArea},
                         Row{"area of 200 cells", 200, cas::TableKind::kArea},
                         Row{"area of 1,000 cells", 1000, cas::TableKind::kArea},
                         Row{"deny set of 10,000 cells", 10'000, cas::TableKind::kDeny},
                         Row{"deny set of 60,000 cells", 60'000, cas::TableKind::kDeny}}) {
    const int width = cas::TableWidth(row.kind, row.cells);
    const double once = FalseAccept(row.cells, width);
    const auto among = [&](double k) { return Scientific(-std::expm1(k * std::log1p(-once))); };
    const std::string line =
        fmt::format("| {} | {} | {} | {} | {} |", row.name, width, Scientific(once), among(8), among(1000));
    EXPECT_NE(page.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace hearth::receiver
