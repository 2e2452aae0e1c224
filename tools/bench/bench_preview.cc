// Previews of a change of lists over a whole country's cards: who would go dark. Beside them, in the same
// run, a bare look at all rows of the column, which is the least that any preview does.
#include <algorithm>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "src/app/preview.h"
#include "tools/bench/benches.h"
#include "tools/bench/measure.h"

namespace hearth::bench {
namespace {

using geofence::ListKind;

constexpr uint64_t kHomesPerArea = 250;
constexpr uint32_t kCellsPerArea = 20;
constexpr uint64_t kAreasChanged = 100;
constexpr size_t kThreads = 2;
constexpr UnixMillis kNow{1'790'000'000'000};
constexpr AreaId kCity{110000001};

AreaId AreaOf(uint64_t n) { return AreaId(static_cast<uint32_t>((110101 + n / 999) * 1000 + n % 999 + 1)); }

geofence::Cell CellOf(uint64_t area, uint64_t n) {
  return {.radio = geofence::Radio::kLte,
          .mcc = 460,
          .mnc = static_cast<uint16_t>(n % 2),
          .mnc_digits = 2,
          .area = static_cast<uint32_t>(area % 65'000),
          .cell = area * kCellsPerArea + n};
}

class PreviewBench {
 public:
  explicit PreviewBench(const PreviewOptions& options)
      : options_(options), areas_((options.cards + kHomesPerArea - 1) / kHomesPerArea), column_(cells_) {}

  Result<Findings> Run() {
    const double begun = WallSeconds();
    Fill();
    const double filled = WallSeconds();
    HEARTH_RETURN_IF_ERROR(MakeLists());
    Findings findings{.bench = "preview", .seed = options_.seed};
    double preview_seconds = 1e9;
    double scan_seconds = 1e9;
    app::Preview preview;
    uint64_t rows = 0;
    for (int round = 0; round < kRounds; ++round) {
      double from = WallSeconds();
      HEARTH_ASSIGN_OR_RETURN(preview, app::MakePreview(column_, cells_, geo_, 1, kNow));
      preview_seconds = std::min(preview_seconds, WallSeconds() - from);
      from = WallSeconds();
      rows = Scan();
      scan_seconds = std::min(scan_seconds, WallSeconds() - from);
    }
    const auto cards = static_cast<double>(options_.cards);
    findings.Add("cards", cards, "count");
    findings.Add("areas", static_cast<double>(areas_), "count");
    findings.Add("column filled", cards / (filled - begun), "1/s");
    findings.Add("preview", preview_seconds, "s");
    findings.Add("bare look at all rows", scan_seconds, "s");
    findings.Add("bare look by the preview", scan_seconds / preview_seconds, "ratio");
    findings.Add("homes cut off", static_cast<double>(preview.total.dark + preview.total.unknown), "count");
    const uint64_t touched = std::min<uint64_t>(options_.cards, kAreasChanged * kHomesPerArea);
    uint64_t dark = 0;
    for (uint64_t i = 0; i < touched; ++i) dark += i % kHomesPerArea % kCellsPerArea == 0 ? 1 : 0;
    findings.Expect("every card is counted",
                    rows == options_.cards && preview.total.judged == options_.cards);
    findings.Expect("who goes dark is exact", preview.total.dark == dark);
    findings.Expect("who becomes unknown is exact", preview.total.unknown == touched - dark);
    return findings;
  }

 private:
  // Each home hears three cells of its village.
  void Fill() {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t] {
        records::CardRecord record;
        record.card.claim.account = "bench";
        record.location.standing = intervention::Standing::kActive;
        record.location.last_verdict = geofence::Verdict::kInArea;
        record.observed = UnixMillis(kNow.value - 3'600'000);
        for (uint64_t i = t; i < options_.cards; i += kThreads) {
          const uint64_t area = i / kHomesPerArea;
          record.card.number = CardNumber(110'000'000'000 + i);
          record.card.area = AreaOf(area);
          record.heard.clear();
          for (uint64_t c = 0; c < 3; ++c)
            record.heard.push_back({CellOf(area, (i % kHomesPerArea + c) % kCellsPerArea)});
          record.home_cell = record.heard[0].cell;
          column_.Put(record, /*fresh=*/true);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    column_.SetLoaded();
  }

  // Somebody imported the wrong file: a hundred villages lose their lists to another cell, and the city gets
  // the first cell of each.
  Status MakeLists() {
    geofence::SnapshotBuilder base;
    geofence::SnapshotBuilder overlay;
    app::UnderWay under_way;
    under_way.rollout.number = 1;
    under_way.rollout.state = intervention::RolloutState::kPreviewed;
    const auto bring = [&](const geofence::CellList& list) {
      overlay.Add(list);
      under_way.brings.push_back({list.kind, list.id, list.version});
    };
    geofence::CellList city{.kind = ListKind::kBlacklist, .id = kCity, .version = 1};
    for (uint64_t a = 0; a < areas_; ++a) {
      geofence::CellList list{.kind = ListKind::kWhitelist, .id = AreaOf(a), .version = 1};
      for (uint64_t c = 0; c < kCellsPerArea; ++c) list.cells.push_back(CellOf(a, c));
      std::sort(list.cells.begin(), list.cells.end());
      base.Add(list);
      if (a >= kAreasChanged) continue;
      under_way.replaces.push_back({list.kind, list.id, 1});
      under_way.touched.insert(under_way.touched.end(), list.cells.begin(), list.cells.end());
      city.cells.push_back(CellOf(a, 0));
      bring({.kind = ListKind::kWhitelist, .id = AreaOf(a), .version = 2, .cells = {CellOf(areas_ + a, 0)}});
    }
    std::sort(city.cells.begin(), city.cells.end());
    bring(city);
    std::sort(under_way.brings.begin(), under_way.brings.end());
    geo_.under_way.push_back(std::move(under_way));
    HEARTH_ASSIGN_OR_RETURN(auto below, Take(std::move(base)));
    HEARTH_ASSIGN_OR_RETURN(auto above, Take(std::move(overlay)));
    geo_.cells_in_force = geofence::Layers(std::move(below), std::move(above), {});
    return Ok();
  }
  static Result<std::shared_ptr<const geofence::Snapshot>> Take(geofence::SnapshotBuilder builder) {
    HEARTH_ASSIGN_OR_RETURN(Bytes bytes, std::move(builder).Build());
    HEARTH_ASSIGN_OR_RETURN(auto snapshot, geofence::Snapshot::FromBytes(std::move(bytes)));
    return std::make_shared<const geofence::Snapshot>(std::move(snapshot));
  }

  uint64_t Scan() const {
    std::vector<uint64_t> rows(kThreads);
    std::vector<uint64_t> sums(kThreads);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        column_.ForEachPart(t, kThreads, [&](const app::HeardRow& row) {
          ++rows[t];
          for (const uint32_t cell : row.heard()) sums[t] += cell;
          return true;
        });
      });
    }
    for (std::thread& thread : threads) thread.join();
    return rows[0] + rows[1] + (sums[0] == 1 ? 1 : 0);
  }

  const PreviewOptions options_;
  const uint64_t areas_;
  app::CellNumbers cells_;
  app::HeardColumn column_;
  app::GeoSnapshot geo_;
};

}  // namespace

Result<Findings> BenchPreview(const PreviewOptions& options) { return PreviewBench(options).Run(); }

}  // namespace hearth::bench
