// ECMs over the wire as scramblers ask for them: from the ECMG in this process with real keys and criteria,
// or from any other. Beside it, under the same client, a raw TCP echo of the same questions, and the same
// server without any ECM made.
#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tools/bench/benches.h"
#include "tools/bench/echo_server.h"
#include "tools/bench/ecmg_failover.h"
#include "tools/bench/ecmg_site.h"
#include "tools/bench/scs_load.h"
#include "tools/bench/seeded_random.h"

namespace hearth::bench {
namespace {

constexpr size_t kOpened = 256;  // streams, for the time to open them
constexpr int kOpenings = 10;

// How many connections, and how many questions each has under way.
struct Shape {
  std::string name;
  size_t connections;
  size_t in_flight;
};

// One server and what was found of it.
struct Side {
  std::string name;
  Endpoint ecmg;
  std::optional<uint32_t> super_cas_id;
  std::vector<std::unique_ptr<ScsLoad>> loads;  // one for each shape
  std::vector<Saturated> saturated;
  std::unique_ptr<ScsLoad> boundary_load;
  Periods periods;
};

Saturated& operator+=(Saturated& sum, const Saturated& one) {
  sum.rate += one.rate;
  sum.latencies += one.latencies;
  return sum;
}

Periods& operator+=(Periods& sum, const Periods& one) {
  sum.replies += one.replies;
  sum.slowest += one.slowest;
  sum.late += one.late;
  sum.lost += one.lost;
  return sum;
}

class EcmgBench {
 public:
  explicit EcmgBench(const EcmgOptions& options)
      : options_(options),
        shapes_{{"1 at a time", 1, 1},
                {fmt::format("{} in flight", options.in_flight), 1, options.in_flight},
                {fmt::format("{} connections", options.connections), options.connections, options.in_flight}},
        findings_{.bench = "ecmg", .seed = options.seed, .figures = {}, .checks = {}} {}

  Result<Findings> Run() {
    HEARTH_RETURN_IF_ERROR(Prepare());
    if (options_.throughput) HEARTH_RETURN_IF_ERROR(Throughput());
    if (options_.boundaries) HEARTH_RETURN_IF_ERROR(Boundaries());
    if (options_.opening) HEARTH_RETURN_IF_ERROR(Opening());
    if (options_.failover && !options_.ecmg) HEARTH_RETURN_IF_ERROR(Failover());
    return findings_;
  }

 private:
  bool ours() const { return !options_.ecmg; }
  Side& measured() { return sides_.front(); }

  Status Prepare() {
    SeededRandom random(options_.seed);
    ecm_ids_ = options_.ecm_ids;
    if (ours()) {
      ecm_ids_.resize(std::max({options_.streams, options_.in_flight, kOpened}));
      std::iota(ecm_ids_.begin(), ecm_ids_.end(), uint16_t{1});
      HEARTH_ASSIGN_OR_RETURN(auto snapshot, MakeEcmSnapshot(ecm_ids_.size(), random, clock_.Now()));
      source_.Set(std::move(snapshot));
      HEARTH_ASSIGN_OR_RETURN(site_, EcmgSite::Create(lane_, options_.server_threads));
      HEARTH_ASSIGN_OR_RETURN(idle_site_, EcmgSite::Create(idle_maker_, options_.server_threads));
      AddSide("ECMs", site_->listening(), kBenchSuperCasId);
      AddSide("protocol only", idle_site_->listening(), kBenchSuperCasId);
    } else {
      AddSide("ECMs", *options_.ecmg, options_.super_cas_id);
    }
    HEARTH_ASSIGN_OR_RETURN(echo_, EchoServer::Create(options_.server_threads));
    AddSide("TCP echo", echo_->listening(), std::nullopt);
    return Ok();
  }

  void AddSide(std::string name, Endpoint ecmg, std::optional<uint32_t> super_cas_id) {
    sides_.push_back({.name = std::move(name), .ecmg = std::move(ecmg), .super_cas_id = super_cas_id});
  }

  Result<std::unique_ptr<ScsLoad>> Load(const Side& side, size_t connections, size_t streams) const {
    return ScsLoad::Connect({.ecmg = side.ecmg,
                             .super_cas_id = side.super_cas_id,
                             .ecm_ids = ecm_ids_,
                             .connections = connections,
                             .streams = streams,
                             .word_bytes = options_.word_bytes,
                             .seed = options_.seed,
                             .crypto_period_100ms = CryptoPeriod()});
  }
  // What stream_setup says; the questions may come faster. A second is the shortest most ECMGs take.
  uint16_t CryptoPeriod() const {
    return static_cast<uint16_t>(std::max<int64_t>(10, options_.period.count() / 100));
  }

  Status Throughput() {
    for (Side& side : sides_) {
      for (const Shape& shape : shapes_) {
        HEARTH_ASSIGN_OR_RETURN(auto load,
                                Load(side, shape.connections, shape.connections * shape.in_flight));
        side.loads.push_back(std::move(load));
      }
      side.saturated.resize(shapes_.size());
    }
    const double slice =
        0.6 * options_.seconds / (kRounds * static_cast<double>(shapes_.size() * sides_.size()));
    for (int round = 0; round < kRounds; ++round) {
      for (size_t s = 0; s < shapes_.size(); ++s) {
        for (Side& side : sides_) {
          side.saturated[s] += side.loads[s]->Saturate(slice, shapes_[s].in_flight);
        }
      }
    }
    bool none_lost = true;
    for (const auto& load : measured().loads) none_lost = none_lost && load->counts().lost() == 0;
    for (size_t s = 0; s < shapes_.size(); ++s) ReportShape(s);
    findings_.Expect("every CW_provision got its ECM", none_lost);
    for (Side& side : sides_) side.loads.clear();
    return Ok();
  }

  void ReportShape(size_t s) {
    const std::string& shape = shapes_[s].name;
    const Saturated& own = measured().saturated[s];
    for (size_t i = 1; i < sides_.size(); ++i) {
      const Saturated& other = sides_[i].saturated[s];
      findings_.Add(fmt::format("{}: rate to {}", shape, sides_[i].name), Ratio(own.rate, other.rate),
                    "ratio");
    }
    const Saturated& echo = sides_.back().saturated[s];
    findings_.Add(
        fmt::format("{}: p99 to TCP echo", shape),
        Micros(own.latencies.Quantile(0.99)) / std::max(1e-3, Micros(echo.latencies.Quantile(0.99))),
        "ratio");
    for (const Side& side : sides_) {
      const Saturated& found = side.saturated[s];
      findings_.Add(fmt::format("{}: {}", shape, side.name), found.rate.per_second(), "1/s");
      findings_.Add(fmt::format("{}: {}, p50", shape, side.name), Micros(found.latencies.Quantile(0.5)),
                    "us");
      findings_.Add(fmt::format("{}: {}, p99", shape, side.name), Micros(found.latencies.Quantile(0.99)),
                    "us");
      findings_.Add(fmt::format("{}: {}, slowest", shape, side.name), Micros(found.latencies.max()), "us");
    }
  }

  Status Boundaries() {
    const size_t streams = options_.streams;
    const size_t connections =
        std::max(options_.connections, (streams + ecm_ids_.size() - 1) / ecm_ids_.size());
    // One server after the other: questions of one must not fall into the boundary of the other.
    // Watched for long: no turns.
    const bool alone = !ours() && !options_.throughput && !options_.opening;
    const int rounds = alone ? 1 : 2;
    const double share = alone ? 1.0 : 0.3 / (2.0 * static_cast<double>(sides_.size()));
    if (alone) sides_.resize(1);
    for (int round = 0; round < rounds; ++round) {
      for (Side& side : sides_) {
        if (!side.boundary_load) {
          HEARTH_ASSIGN_OR_RETURN(side.boundary_load, Load(side, connections, streams));
        }
        side.periods += side.boundary_load->RunPeriods(share * options_.seconds, options_.period);
      }
    }
    for (const Side& side : sides_) ReportBoundaries(side);
    const Asked& counts = measured().boundary_load->counts();
    findings_.Add("boundaries: asked", static_cast<double>(counts.asked), "count");
    findings_.Add("boundaries: refused", static_cast<double>(counts.refused), "count");
    findings_.Add("boundaries: connections lost", static_cast<double>(counts.dropped), "count");
    findings_.Expect("every stream got its ECM after each boundary", counts.lost() == 0);
    for (Side& side : sides_) side.boundary_load.reset();
    return Ok();
  }

  void ReportBoundaries(const Side& side) {
    const Periods& found = side.periods;
    const auto name = [&](const char* what) { return fmt::format("boundaries: {}, {}", side.name, what); };
    findings_.Add(name("boundaries"), static_cast<double>(found.slowest.count()), "count");
    findings_.Add(name("slowest reply, median"), Millis(found.slowest.Quantile(0.5)), "ms");
    findings_.Add(name("slowest reply, worst"), Millis(found.slowest.max()), "ms");
    findings_.Add(name("reply, median"), Millis(found.replies.Quantile(0.5)), "ms");
    findings_.Add(name("later than their period"), static_cast<double>(found.late), "count");
    findings_.Add(name("lost"), static_cast<double>(found.lost), "count");
  }

  Status Opening() {
    const size_t streams = std::min(kOpened, ecm_ids_.size());
    Latencies times;
    for (int i = 0; i < kOpenings; ++i) {
      const double begin = WallSeconds();
      HEARTH_ASSIGN_OR_RETURN(const auto load, Load(measured(), 1, streams));
      times.Add(std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::duration<double>(WallSeconds() - begin)));
    }
    findings_.Add(fmt::format("opening: connection and {} streams, median", streams),
                  Millis(times.Quantile(0.5)), "ms");
    findings_.Add("opening: worst", Millis(times.max()), "ms");
    return Ok();
  }

  Status Failover() {
    HEARTH_ASSIGN_OR_RETURN(const FailoverFound found,
                            RunFailover({.snapshot = source_.Get(),
                                         .maker = lane_,
                                         .threads = options_.server_threads,
                                         .load = {.ecmg = {},
                                                  .super_cas_id = kBenchSuperCasId,
                                                  .ecm_ids = ecm_ids_,
                                                  .connections = options_.connections,
                                                  .streams = options_.streams,
                                                  .word_bytes = options_.word_bytes,
                                                  .seed = options_.seed,
                                                  .crypto_period_100ms = CryptoPeriod()},
                                         .times = options_.failovers}));
    findings_.Add("failover: ECMGs destroyed", static_cast<double>(options_.failovers), "count");
    findings_.Add("failover: questions unanswered by the one destroyed", static_cast<double>(found.cut_off),
                  "count");
    findings_.Add("failover: until the last was answered by the other, worst", Millis(found.slowest), "ms");
    findings_.Add("failover: ECMs of the first", static_cast<double>(found.by_first), "count");
    findings_.Add("failover: ECMs of the others", static_cast<double>(found.by_others), "count");
    findings_.Expect("no CW_provision without an ECM across failovers", found.lost == 0);
    findings_.Expect("ECMs of all ECMGs open under the same keys to the words asked for", found.wrong == 0);
    findings_.Expect("several ECMGs answered", found.by_first > 0 && found.by_others > 0);
    return Ok();
  }

  const EcmgOptions options_;
  const std::vector<Shape> shapes_;
  std::vector<uint16_t> ecm_ids_;
  SystemClock clock_;
  SnapshotHolder source_;
  gateway::EcmLane lane_{{.snapshot = [this] { return source_.Get(); },
                          .version = [this] { return source_.version(); },
                          .now = [this] { return clock_.Now(); }}};
  IdleMaker idle_maker_;
  std::unique_ptr<EcmgSite> site_;
  std::unique_ptr<EcmgSite> idle_site_;
  std::unique_ptr<EchoServer> echo_;
  std::vector<Side> sides_;  // what is measured, then what stands beside it; the echo last
  Findings findings_;
};

}  // namespace

Result<Findings> BenchEcmg(const EcmgOptions& options) { return EcmgBench(options).Run(); }

}  // namespace hearth::bench
