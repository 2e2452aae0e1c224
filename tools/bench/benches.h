// The benchmarks. Each runs its sides in turns and takes about `seconds` for all of them together, without
// preparation. Errors are those of the parts measured; a check that fails is no error.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "src/base/endpoint.h"
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

struct CrossingOptions {
  double seconds = 10;
  uint64_t seed = 1;
  std::filesystem::path dir;
  size_t cards = 4'000;     // that report in turns
  size_t reports = 50'000;  // a second, by one stream
  size_t crossings = 50;    // of them: a second, to the city; each switches a card off
  uint16_t kbps = 10'000;   // granted by the multiplexer
};

struct ReportRpcOptions {
  double seconds = 10;
  uint64_t seed = 1;
  std::filesystem::path dir;
  size_t cards = 10'000;  // that report in turns
  size_t threads = 8;     // unary: calls under way, each over its own connection
  size_t streams = 2;
  size_t batch = 2000;  // reports of a batch
  size_t window = 4;    // batches of a stream that are not answered yet
};
// Only where there is gRPC.
Result<Findings> BenchCrossing(const CrossingOptions& options);
Result<Findings> BenchReportUnary(const ReportRpcOptions& options);
Result<Findings> BenchReportStream(const ReportRpcOptions& options);

struct EcmgOptions {
  double seconds = 10;
  uint64_t seed = 1;
  // Another ECMG to ask instead of one in this process; with its Super_CAS_id and the ECM_ids it knows.
  std::optional<Endpoint> ecmg;
  uint32_t super_cas_id = 0;
  std::vector<uint16_t> ecm_ids;
  size_t connections = 8;
  size_t in_flight = 16;  // questions under way on each connection
  size_t streams = 2000;  // that ask at once at each boundary; on more connections when ecm_ids are fewer
  std::chrono::milliseconds period{100};  // from boundary to boundary
  size_t word_bytes = 8;                  // or 16
  size_t server_threads = 2;
  int failovers = 3;
  // What is measured.
  bool throughput = true;
  bool boundaries = true;
  bool opening = true;
  bool failover = true;  // in this process only
};
Result<Findings> BenchEcmg(const EcmgOptions& options);

struct SurveyOptions {
  uint64_t seed = 1;
  std::filesystem::path dir;  // some 250 bytes of disk a row
  uint64_t rows = 2'000'000;  // at most 250 million
};
// Takes as long as it takes.
Result<Findings> BenchSurvey(const SurveyOptions& options);

struct PreviewOptions {
  uint64_t seed = 1;
  uint64_t cards = 1'000'000;  // 64 bytes of memory each, and as much again while they are filled in
};
// Takes as long as it takes.
Result<Findings> BenchPreview(const PreviewOptions& options);

struct CarouselOptions {
  uint64_t seed = 1;
  uint64_t cards = 130'000'000;
  uint32_t kbps = 1000;
  int evenings = 3;  // of the simulated time
  bool padded = false;
  bool quiet = false;  // no progress on standard error
};
// In simulated time, so that nothing depends on this machine.
Result<Findings> BenchCarousel(const CarouselOptions& options);

struct RefreshOptions {
  double seconds = 10;
  uint64_t seed = 1;
  std::string server;       // HOST:PORT of a daemon with insecure_development
  uint64_t first_card = 0;  // these, in turns, must belong to open accounts
  uint64_t cards = 1;
  size_t waiting = 4000;  // changes whose messages wait for the air: kept at about so many
  size_t threads = 16;    // one refresh under way each
};
// Only where there is gRPC.
Result<Findings> BenchRefresh(const RefreshOptions& options);

}  // namespace hearth::bench
