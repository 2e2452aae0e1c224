// A list of cells taken into the register in this process: parsed, sorted, merged. Beside it the same file
// read and split into its fields (ceiling A), and raw 16-byte keys sorted in runs of the same length (ceiling
// B).
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "src/base/clock.h"
#include "src/import/cells.h"
#include "src/survey/survey.h"
#include "tools/bench/benches.h"
#include "tools/bench/measure.h"

namespace hearth::bench {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr size_t kBatchRows = 20'000;   // as hearthctl sends them
constexpr uint64_t kDoubleEvery = 50;   // a row for a cell that the file has already, more recent
constexpr uint64_t kBadEvery = 10'007;  // a row that must be refused
constexpr int kLookUps = 20'000;
constexpr int kCircles = 200;
constexpr double kCircleKm = 10;

// Every number below 2^32 once, in an order that looks like none (a product with an odd number, and shifts,
// can be undone).
uint32_t Scatter(uint32_t n, uint32_t salt) {
  n = (n ^ salt) * 2'654'435'761U;
  n ^= n >> 15;
  n *= 2'246'822'519U;
  return n ^ n >> 13;
}

// What the n-th row of the file says of its cell.
struct Made {
  unsigned net;
  uint32_t area;
  uint32_t cell;
  double longitude;
  double latitude;
};

class SurveyBench {
 public:
  explicit SurveyBench(const SurveyOptions& options)
      : options_(options), salt_(static_cast<uint32_t>(options.seed * 2'246'822'519U)) {}

  Result<Findings> Run() {
    HEARTH_ASSIGN_OR_RETURN(dir_, TempDir::Create(options_.dir));
    HEARTH_RETURN_IF_ERROR(Generate());
    HEARTH_ASSIGN_OR_RETURN(survey_, survey::Survey::Open(dir_->path() / "survey", clock_));
    Findings findings{.bench = "survey", .seed = options_.seed, .figures = {}, .checks = {}, .curves = {}};
    findings.Add("rows in the file", static_cast<double>(options_.rows), "count");
    findings.Add("file", static_cast<double>(bytes_), "bytes");

    HEARTH_ASSIGN_OR_RETURN(const Rate split, Split());
    HEARTH_ASSIGN_OR_RETURN(const Taken first, Import(1));
    HEARTH_ASSIGN_OR_RETURN(const Taken again, Import(2));
    const Rate sorted = SortKeys();
    const Rate taken{.count = options_.rows, .seconds = first.seconds};
    findings.Add("import: to reading and splitting (A)", Ratio(taken, split), "ratio");
    findings.Add("import: to sorting raw keys (B)", Ratio(taken, sorted), "ratio");
    findings.Add("import: rows", taken.per_second(), "1/s");
    findings.Add("import: parsing, sorting, writing runs", first.receiving, "s");
    findings.Add("import: merging", first.seconds - first.receiving, "s");
    findings.Add("import: 40 million rows at this rate", 40e6 / taken.per_second(), "s");
    findings.Add("import again: rows", Rate{options_.rows, again.seconds}.per_second(), "1/s");
    findings.Add("A", split.per_second(), "1/s");
    findings.Add("B", sorted.per_second(), "1/s");
    findings.Add("memory of this process, at most", static_cast<double>(memory_), "bytes");
    const survey::MergeCounts& counts = first.state.counts;
    findings.Expect(
        "every good row is accounted for, every bad one refused",
        first.rejected == bad_ && first.state.rows == options_.rows - bad_ &&
            counts == survey::MergeCounts{.fresh = options_.rows - bad_ - doubles_, .doubles = doubles_});
    findings.Expect("the same file again changes nothing",
                    again.state.counts.unchanged == counts.fresh && again.state.counts.fresh == 0 &&
                        again.state.counts.changed == 0 && again.state.generation == first.state.generation);
    HEARTH_RETURN_IF_ERROR(LookUp(findings));
    return findings;
  }

 private:
  struct Taken {
    survey::ImportState state;
    uint64_t rejected = 0;
    double receiving = 0;
    double seconds = 0;
  };

  static bool IsDouble(uint64_t n) { return n % kDoubleEvery == kDoubleEvery - 1; }
  static bool IsBad(uint64_t n) { return n % kBadEvery == kBadEvery - 1; }

  Made RowAt(uint64_t n) const {
    uint64_t of = IsDouble(n) ? n / 2 : n;
    while (of < n && (IsDouble(of) || IsBad(of))) --of;
    const auto number = static_cast<uint32_t>(of);
    const uint32_t key = Scatter(number, salt_);
    const uint32_t place = Scatter(number, salt_ + 1);
    static constexpr unsigned kNets[] = {0, 1, 11, 15};
    return {.net = kNets[key >> 30],
            .area = key >> 14 & 0xFFFF,
            .cell = number & 0xFFF'FFFF,
            .longitude = 75 + (place & 0xFFFF) * (60.0 / 65536),
            .latitude = 18 + (place >> 16) * (35.0 / 65536)};
  }

  // The file, and what is known of it beforehand.
  Status Generate() {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(File().c_str(), "wb"), &std::fclose);
    if (out == nullptr) return Error(Reason::kFileUnreadable, "the file of cells cannot be made");
    fmt::memory_buffer text;
    text.append(std::string_view(
        "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n"));
    for (uint64_t n = 0; n < options_.rows; ++n) {
      const Made row = RowAt(n);
      const bool bad = IsBad(n);
      bad_ += bad ? 1 : 0;
      doubles_ += !bad && IsDouble(n) ? 1 : 0;
      fmt::format_to(std::back_inserter(text), "{},460,{},{},{},{},{:.7f},{:.7f},{},{},1,1459743588,{},-{}\n",
                     bad ? "5G" : "LTE", row.net, row.area, row.cell, n % 504, row.longitude, row.latitude,
                     500 + n % 3000, n % 200, 1'600'000'000 + n, 60 + n % 60);
      if (text.size() > kReadBytes) HEARTH_RETURN_IF_ERROR(Write(out.get(), text));
    }
    return Write(out.get(), text);
  }
  Status Write(std::FILE* out, fmt::memory_buffer& text) {
    bytes_ += text.size();
    const bool written =
        std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0;
    text.clear();
    return written ? Ok() : Status(Error(Reason::kFileUnreadable, "the file of cells cannot be written"));
  }
  std::string File() const { return (dir_->path() / "cells.csv").string(); }

  // Gives the file in pieces to `take`.
  template <typename Take>
  Status ReadFile(Take take) const {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(File().c_str(), "rb"), &std::fclose);
    if (in == nullptr) return Error(Reason::kFileUnreadable, "the file of cells cannot be read");
    std::vector<char> piece(kReadBytes);
    for (size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), in.get())) > 0;) {
      HEARTH_RETURN_IF_ERROR(take(std::string_view(piece.data(), n)));
    }
    return Ok();
  }

  Result<Rate> Split() const {
    uint64_t fields = 0;
    uint64_t lines = 0;
    const double begin = WallSeconds();
    HEARTH_RETURN_IF_ERROR(ReadFile([&](std::string_view piece) -> Status {
      for (const char c : piece) {
        fields += c == ',' ? 1 : 0;
        lines += c == '\n' ? 1 : 0;
      }
      return Ok();
    }));
    const double seconds = WallSeconds() - begin;
    if (lines != options_.rows + 1 || fields != lines * 13)
      return Error(Reason::kInternal, "the file is not as made");
    return Rate{.count = options_.rows, .seconds = seconds};
  }

  Rate SortKeys() const {
    struct Key {
      uint64_t high;
      uint64_t low;
      auto operator<=>(const Key&) const = default;
    };
    const size_t run = survey::SurveyOptions().run_rows;
    std::vector<Key> keys;
    Rate rate;
    for (uint64_t first = 0; first < options_.rows; first += run) {
      keys.clear();
      for (uint64_t n = first; n < std::min<uint64_t>(options_.rows, first + run); ++n) {
        const Made row = RowAt(n);
        keys.push_back({uint64_t{row.net} << 16 | row.area, uint64_t{row.cell} << 32 | (n & 0xFFFFFFFF)});
      }
      const double begin = WallSeconds();
      std::sort(keys.begin(), keys.end());
      rate += {.count = keys.size(), .seconds = WallSeconds() - begin};
    }
    return rate;
  }

  Result<Taken> Import(uint8_t number) {
    Taken taken;
    const double begin = WallSeconds();
    HEARTH_ASSIGN_OR_RETURN(const auto receiver,
                            survey_->Begin({.id = RequestId::FromParts(UnixMillis(1'000'000), {number}),
                                            .source = survey::Source::kTelco,
                                            .file_name = "cells.csv",
                                            .actor = "bench"}));
    std::vector<survey::PackedRow> batch;
    batch.reserve(kBatchRows);
    uint64_t sent = 0;
    Status status;
    const auto send = [&] {
      if (status) {
        status = receiver->Add(sent, {batch.data()->bytes.data(), batch.size() * survey::kRowBytes});
      }
      sent += batch.size();
      batch.clear();
      if (sent % (kBatchRows * 16) == 0) memory_ = std::max(memory_, MemoryNow());
    };
    const auto take_row = [&](const import::CellRow& row) {
      batch.push_back(survey::Pack(survey::RowOf(row, survey::Source::kTelco)));
      if (batch.size() == kBatchRows) send();
    };
    const auto take_error = [&](const import::RowError& error) {
      if (!error.warning) ++taken.rejected;
    };
    import::CellReader reader(Limits(), {take_row, take_error});
    const auto take = [&](std::string_view piece) -> Status {
      if (Status fed = reader.Feed(piece); !fed) return fed;
      return status;
    };
    HEARTH_RETURN_IF_ERROR(ReadFile(take));
    HEARTH_RETURN_IF_ERROR(reader.Finish());
    if (!batch.empty()) send();
    HEARTH_RETURN_IF_ERROR(status);
    taken.receiving = WallSeconds() - begin;
    const auto look = [&](uint64_t) { memory_ = std::max(memory_, MemoryNow()); };
    HEARTH_ASSIGN_OR_RETURN(taken.state, receiver->Finish(taken.rejected, look));
    memory_ = std::max(memory_, MemoryNow());
    taken.seconds = WallSeconds() - begin;
    return taken;
  }

  // Without the pages of mapped files, which the system takes back when it needs them.
  static uint64_t MemoryNow() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
    }
    return 0;
  }

  Status LookUp(Findings& findings) {
    HEARTH_ASSIGN_OR_RETURN(const auto table, survey_->table());
    if (table == nullptr) return Error(Reason::kInternal, "the register is empty");
    std::mt19937_64 random(options_.seed);
    uint64_t found = 0;
    double begin = WallSeconds();
    for (int i = 0; i < kLookUps; ++i) {
      const Made row = RowAt(random() % options_.rows / kBadEvery * kBadEvery);
      const geofence::Cell cell{.radio = geofence::Radio::kLte,
                                .mcc = 460,
                                .mnc = static_cast<uint16_t>(row.net),
                                .area = row.area,
                                .cell = row.cell};
      HEARTH_ASSIGN_OR_RETURN(const auto known, table->Find(cell));
      found += known ? 1 : 0;
    }
    findings.Add("a cell looked up", (WallSeconds() - begin) * 1e6 / kLookUps, "us");
    findings.Expect("every cell of the file is found", found == kLookUps);
    uint64_t near = 0;
    begin = WallSeconds();
    for (int i = 0; i < kCircles; ++i) {
      const Made row = RowAt(random() % options_.rows);
      const geofence::Position center{.latitude_e7 = static_cast<int32_t>(row.latitude * 1e7),
                                      .longitude_e7 = static_cast<int32_t>(row.longitude * 1e7)};
      HEARTH_RETURN_IF_ERROR(table->Near(center, kCircleKm, [&](const survey::Row&, double) {
        ++near;
        return true;
      }));
    }
    findings.Add("cells within 10 km of a place", (WallSeconds() - begin) * 1e6 / kCircles, "us");
    findings.Add("cells within 10 km of a place: found", static_cast<double>(near) / kCircles, "count");
    findings.Add("a cell in the register",
                 static_cast<double>(table->bytes()) / static_cast<double>(table->rows()), "bytes");
    return Ok();
  }

  const SurveyOptions options_;
  const uint32_t salt_;
  SystemClock clock_;
  std::unique_ptr<TempDir> dir_;
  std::unique_ptr<survey::Survey> survey_;
  uint64_t bytes_ = 0;
  uint64_t bad_ = 0;
  uint64_t doubles_ = 0;
  uint64_t memory_ = 0;
};  // namespace hearth::bench

}  // namespace

Result<Findings> BenchSurvey(const SurveyOptions& options) { return SurveyBench(options).Run(); }

}  // namespace hearth::bench
