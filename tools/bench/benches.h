// The benchmarks. Each runs its sides in turns and takes about `seconds` for all of them together, without
// preparation. Errors are those of the parts measured; a check that fails is no error.
#pragma once

#include <cstdint>
#include <filesystem>

#include "src/base/status.h"
#include "tools/bench/figures.h"

namespace hearth::bench {

struct StoreOptions {
  double seconds = 10;
  uint64_t seed = 1;
  std::filesystem::path dir;  // where the store's directory is made; empty: the system's temporary one
  size_t threads = 8;         // that commit
  size_t window = 64;         // commits each has under way
};
Result<Findings> BenchStore(const StoreOptions& options);

struct EmmOptions {
  double seconds = 10;
  uint64_t seed = 1;
  size_t record_cells = 32;  // cell hashes in a unique record, at most 32
};
Result<Findings> BenchEmm(const EmmOptions& options);

struct VerdictOptions {
  double seconds = 10;
  uint64_t seed = 1;
  size_t cells = 2'000'000;
};
Result<Findings> BenchVerdict(const VerdictOptions& options);

struct ReportOptions {
  double seconds = 10;
  uint64_t seed = 1;
  std::filesystem::path dir;
  size_t threads = 64;  // that report, one report under way each
  size_t cards = 1024;
};
Result<Findings> BenchReport(const ReportOptions& options);

}  // namespace hearth::bench
