// Judgements over a snapshot of generated cell lists. Beside them a plain binary search for the same cells in
// one sorted array of the same keys.
#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <vector>

#include "geofence/judge.h"
#include "geofence/snapshot.h"
#include "tools/bench/benches.h"
#include "tools/bench/measure.h"

namespace hearth::bench {
namespace {

using geofence::Cell;

constexpr size_t kCellsPerList = 1000;
constexpr size_t kBlacklistEvery = 20;  // every 20th list
constexpr size_t kHeard = 4;            // the serving cell and three neighbours
constexpr size_t kReports = 1 << 16;    // made beforehand and judged in turn
constexpr size_t kBlock = 256;          // judged together, as a batch of reports is
constexpr uint64_t kCellBits = uint64_t{1} << 28;

// 16 bytes in memory, ordered as cells are.
struct PackedKey {
  uint64_t high = 0;
  uint32_t low = 0;
  auto operator<=>(const PackedKey&) const = default;
};

PackedKey Pack(const Cell& cell) {
  const geofence::CellKey key = geofence::PackCell(cell);
  ByteReader in(key);
  const uint64_t high = in.U64();
  return {high, in.U24()};
}

struct Heard {
  geofence::CardPlace place;
  geofence::Evidence evidence;
  std::array<PackedKey, kHeard> keys;
};

class VerdictBench {
 public:
  explicit VerdictBench(const VerdictOptions& options)
      : options_(options),
        lists_((options.cells + kCellsPerList - 1) / kCellsPerList),
        salt_(static_cast<uint32_t>(options.seed * 2'654'435'761U)) {}

  Result<Findings> Run() {
    HEARTH_RETURN_IF_ERROR(Build());
    std::mt19937_64 random(options_.seed);
    const auto near = Reports(random, [&](uint64_t list) {
      const uint64_t kind = random() % 20;  // 18 at home, 1 elsewhere, 1 on no list
      if (kind < 18) return std::pair(list, false);
      return std::pair(random() % lists_, kind == 19);
    });
    std::vector<Heard> uniform = Reports(random, [&](uint64_t list) { return std::pair(list, false); });
    for (Heard& heard : uniform) Scatter(random, heard);

    Findings findings{.bench = "verdict", .seed = options_.seed, .figures = {}, .checks = {}};
    findings.Add("cells", static_cast<double>(snapshot_.cell_count()), "count");
    findings.Add("lists", static_cast<double>(lists_), "count");
    const double bytes_a_cell = static_cast<double>(bytes_) / static_cast<double>(snapshot_.cell_count());
    findings.Add("a cell in the snapshot", bytes_a_cell, "bytes");
    findings.Expect("a cell takes less than 17 bytes", bytes_a_cell < 17);
    HEARTH_RETURN_IF_ERROR(Compare("90 % at home", near, findings));
    HEARTH_RETURN_IF_ERROR(Compare("four uniform cells", uniform, findings));
    return findings;
  }

 private:
  geofence::ListKind KindOf(uint64_t list) const {
    return list % kBlacklistEvery == kBlacklistEvery - 1 ? geofence::ListKind::kBlacklist
                                                         : geofence::ListKind::kWhitelist;
  }
  static AreaId IdOf(uint64_t list) {
    return AreaId(static_cast<uint32_t>((110'101 + list / 999) * 1000 + 1 + list % 999));
  }
  // The k-th cell of a list, the same whenever it is asked for, ascending with k. The upper half of its range
  // stays free, for cells that are on no list.
  Cell CellOf(uint64_t list, uint64_t k, bool listed = true) const {
    constexpr uint64_t kStep = kCellBits / kCellsPerList;
    const uint64_t jitter = (list * 0x9E3779B97F4A7C15 ^ k * 0xC2B2AE3D27D4EB4F ^ salt_) >> 20;
    return {.radio = geofence::Radio::kLte,
            .mcc = 460,
            .mnc = static_cast<uint16_t>(list >> 16),
            .mnc_digits = 2,
            .area = static_cast<uint32_t>(list & 0xFFFF),
            .cell = k * kStep + jitter % (kStep / 2) + (listed ? 0 : kStep / 2)};
  }

  Status Build() {
    geofence::SnapshotBuilder builder;
    keys_.reserve(options_.cells);
    size_t left = options_.cells;
    for (uint64_t list = 0; list < lists_; ++list) {
      geofence::CellList cells{.kind = KindOf(list), .id = IdOf(list), .version = 1, .cells = {}};
      for (uint64_t k = 0; k < kCellsPerList && left > 0; ++k, --left) cells.cells.push_back(CellOf(list, k));
      for (const Cell& cell : cells.cells) keys_.push_back(Pack(cell));
      builder.Add(cells);
    }
    std::sort(keys_.begin(), keys_.end());
    HEARTH_ASSIGN_OR_RETURN(Bytes bytes, std::move(builder).Build());
    bytes_ = bytes.size();
    HEARTH_ASSIGN_OR_RETURN(snapshot_, geofence::Snapshot::FromBytes(std::move(bytes)));
    return Ok();
  }

  // pick(home list) gives the list whose cells are heard, and whether they are cells on no list.
  template <typename Pick>
  std::vector<Heard> Reports(std::mt19937_64& random, const Pick& pick) const {
    std::vector<Heard> reports(kReports);
    for (Heard& heard : reports) {
      uint64_t home = random() % lists_;
      if (KindOf(home) == geofence::ListKind::kBlacklist) --home;
      heard.place.area = IdOf(home);
      const auto [list, unlisted] = pick(home);
      for (PackedKey& key : heard.keys) {
        heard.evidence.cells.push_back(
            {.cell = CellOf(list, random() % CellsOn(list), !unlisted), .signal_dbm = -90});
        key = Pack(heard.evidence.cells.back().cell);
      }
    }
    return reports;
  }
  void Scatter(std::mt19937_64& random, Heard& heard) const {
    for (size_t i = 0; i < kHeard; ++i) {
      const uint64_t list = random() % lists_;
      heard.evidence.cells[i].cell = CellOf(list, random() % CellsOn(list));
      heard.keys[i] = Pack(heard.evidence.cells[i].cell);
    }
  }
  uint64_t CellsOn(uint64_t list) const {
    return std::min<uint64_t>(kCellsPerList, options_.cells - list * kCellsPerList);
  }

  size_t Found(const Heard& heard) const {
    size_t found = 0;
    for (const PackedKey& key : heard.keys) {
      const auto at = std::lower_bound(keys_.begin(), keys_.end(), key);
      if (at != keys_.end() && *at == key) ++found;
    }
    return found;
  }
  static size_t Known(const geofence::Judgement& judgement) {
    return static_cast<size_t>(std::count_if(
        judgement.findings.begin(), judgement.findings.end(),
        [](const geofence::CellFinding& finding) { return finding.fate != geofence::CellFate::kUnknown; }));
  }

  Status Compare(const std::string& what, const std::vector<Heard>& reports, Findings& findings) {
    bool same = true;
    uint64_t in_area = 0;
    std::vector<geofence::Question> questions;
    for (const Heard& heard : reports) {
      const geofence::Judgement judgement = geofence::Judge(snapshot_, heard.place, heard.evidence);
      same = same && Known(judgement) == Found(heard);
      if (judgement.verdict == geofence::Verdict::kInArea) ++in_area;
      questions.push_back({.card = heard.place, .cells = heard.evidence.cells, .filter = {}});
    }
    std::vector<geofence::Outcome> outcomes(kBlock);
    Rate judged;
    Rate searched;
    uint64_t next = 0;
    // Read at the end, so that no search can be left out as useless.
    uint64_t sum = 0;
    const double slice = options_.seconds / (4 * kRounds);
    for (int round = 0; round < kRounds; ++round) {
      HEARTH_ASSIGN_OR_RETURN(const Rate a, RunOnCore(slice, next, [&](uint64_t n) -> Status {
                                const size_t from = n * kBlock % (kReports - kBlock);
                                geofence::JudgeMany(snapshot_, std::span(questions).subspan(from, kBlock),
                                                    outcomes);
                                sum += static_cast<uint64_t>(outcomes.front().verdict);
                                return Ok();
                              }));
      HEARTH_ASSIGN_OR_RETURN(const Rate b, RunOnCore(slice, next, [&](uint64_t n) -> Status {
                                sum += Found(reports[n % kReports]);
                                return Ok();
                              }));
      judged += {.count = a.count * kBlock, .seconds = a.seconds};
      searched += b;
    }
    findings.Add(what + ": to plain binary search", Ratio(judged, searched), "ratio");
    findings.Add(what + ": judgements on one core", judged.per_second(), "1/s");
    findings.Add(what + ": binary searches for as many cells", searched.per_second(), "1/s");
    findings.Add(what + ": IN_AREA of " + std::to_string(kReports), static_cast<double>(in_area), "count");
    findings.Expect(what + ": both find the same cells", same && sum > 0);
    return Ok();
  }

  const VerdictOptions options_;
  const uint64_t lists_;
  const uint64_t salt_;
  geofence::Snapshot snapshot_;
  size_t bytes_ = 0;
  std::vector<PackedKey> keys_;
};

}  // namespace

Result<Findings> BenchVerdict(const VerdictOptions& options) { return VerdictBench(options).Run(); }

}  // namespace hearth::bench
