// From the report that decides to the message on the multiplexer: boxes report by ReportStream, all at home
// but some of them, each of which has just come to the city. Timed is the way of each of those: from the
// batch that holds its report, written by the client, to the message that darkens its card (its own 0x83, or
// the bitmap 0x84 when several of its group wait together), read by a MUX of TS 103 197 from its socket.
// First at rest (the crossings alone), then under the whole load: the
// ratio is the result.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "entitlement/account.h"
#include "hearth/v1/location.grpc.pb.h"
#include "src/base/mutex.h"
#include "src/gateway/emmg_output.h"
#include "src/rpc/server.h"
#include "tools/bench/benches.h"
#include "tools/bench/latencies.h"
#include "tools/bench/measure.h"
#include "tools/bench/report_messages.h"
#include "tools/bench/report_site.h"
#include "tools/mux/emm_server.h"

namespace hearth::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{10};  // a batch each
// Openings and first keys have to be on the air before anything is timed.
constexpr double kAfterLoadSeconds = 120;
constexpr double kLastMessageSeconds = 10;

// Section 4 of docs/messages.md.
constexpr uint8_t kUniqueStanding = 0x83;
constexpr size_t kUniqueStandingBytes = 24;
constexpr size_t kCardOffset = 4;
constexpr size_t kStandingAt = 14;
constexpr uint8_t kGroup = 0x84;
constexpr size_t kLeastGroupBytes = 63;
constexpr size_t kGroupAt = 4;
constexpr size_t kBitmapAt = 15;

uint64_t BigEndian(ByteView bytes) {
  uint64_t value = 0;
  for (const uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

// A multiplexer on a thread of its own, which waits for the darkening messages of cards.
class Watcher {
 public:
  static Result<std::unique_ptr<Watcher>> Start(uint16_t kbps) {
    std::unique_ptr<Watcher> watcher(new Watcher);
    mux::MultiplexOptions plan;
    plan.stream = false;
    HEARTH_ASSIGN_OR_RETURN(watcher->multiplex_, mux::Multiplex::Create(plan));
    watcher->multiplex_->set_on_section(
        [self = watcher.get()](const mux::DataKey&, ByteView section) { self->Take(section); });
    mux::EmmServerOptions serving{.listen = {"127.0.0.1", 0}, .udp = std::nullopt, .session = {}};
    serving.session.bandwidth_kbps = kbps;
    HEARTH_ASSIGN_OR_RETURN(watcher->server_, mux::EmmServer::Create(serving, *watcher->multiplex_));
    watcher->thread_ = std::thread([self = watcher.get()] {
      while (!self->stop_) self->server_->Poll(std::chrono::milliseconds(20));
    });
    return watcher;
  }
  ~Watcher() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  uint16_t port() const { return server_->tcp_port(); }

  void Expect(CardNumber card, entitlement::GroupSlot place, steady_clock::time_point since) {
    const MutexLock lock(mu_);
    expected_[card.value] = {place, since};
  }
  size_t missing() const {
    const MutexLock lock(mu_);
    return expected_.size();
  }
  // What was heard since the last call.
  Latencies TakeLatencies() {
    const MutexLock lock(mu_);
    return std::exchange(latencies_, {});
  }

 private:
  Watcher() = default;

  struct Expected {
    entitlement::GroupSlot place;
    steady_clock::time_point since;
  };

  void Take(ByteView section) {
    if (section.empty()) return;
    const auto now = steady_clock::now();
    const MutexLock lock(mu_);
    if (section[0] == kUniqueStanding && section.size() == kUniqueStandingBytes &&
        section[kStandingAt] == 0) {
      const auto found = expected_.find(BigEndian(section.subspan(kCardOffset, 5)));
      if (found == expected_.end()) return;  // a repeat
      latencies_.Add(now - found->second.since);
      expected_.erase(found);
    } else if (section[0] == kGroup && section.size() >= kLeastGroupBytes) {
      const uint64_t group = BigEndian(section.subspan(kGroupAt, 3));
      std::erase_if(expected_, [&](const auto& each) {
        const auto& [place, since] = each.second;
        if (place.group.value != group) return false;
        if ((section[kBitmapAt + place.slot / 8] & (0x80 >> place.slot % 8)) != 0) return false;  // still lit
        latencies_.Add(now - since);
        return true;
      });
    }
  }

  std::unique_ptr<mux::Multiplex> multiplex_;
  std::unique_ptr<mux::EmmServer> server_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
  mutable Mutex mu_;
  std::map<uint64_t, Expected> expected_ HEARTH_GUARDED_BY(mu_);
  Latencies latencies_ HEARTH_GUARDED_BY(mu_);
};

class CrossingBench {
 public:
  explicit CrossingBench(const CrossingOptions& options) : options_(options) {}

  Result<Findings> Run() {
    HEARTH_RETURN_IF_ERROR(Start());
    Findings findings{.bench = "crossing", .seed = options_.seed, .figures = {}, .checks = {}};
    HEARTH_ASSIGN_OR_RETURN(const Latencies alone, Measure(0, findings, "at rest"));
    HEARTH_ASSIGN_OR_RETURN(const Latencies loaded, Measure(options_.reports, findings, "loaded"));
    findings.Add("p99 loaded to at rest", Millis(loaded.Quantile(0.99)) / Millis(alone.Quantile(0.99)),
                 "ratio");
    return findings;
  }

 private:
  Status Start() {
    HEARTH_ASSIGN_OR_RETURN(dir_, TempDir::Create(options_.dir));
    HEARTH_ASSIGN_OR_RETURN(watcher_, Watcher::Start(options_.kbps));
    gateway::EmmgOutputOptions output;
    output.name = "bench";
    output.mux = {"127.0.0.1", watcher_->port()};
    output.session.client_id = 0x4A750001;
    output.session.bandwidth_kbps = options_.kbps;
    HEARTH_ASSIGN_OR_RETURN(output_, gateway::EmmgOutput::Create(output, metrics_, log_));
    HEARTH_ASSIGN_OR_RETURN(site_, ReportSite::Create(dir_->path() / "site", options_.seed, options_.cards,
                                                      /*threads=*/64, output_.get()));
    const rpc::ServerOptions server{
        .listen = {"127.0.0.1", 0}, .tls = std::nullopt, .limits = {}, .version = "", .site = "bench"};
    HEARTH_ASSIGN_OR_RETURN(server_,
                            rpc::Server::Start(site_->head(), server, clock_, random_, metrics_, log_));
    site_->AwaitPump(kAfterLoadSeconds);
    // Neighbours share a group: crossings come from anywhere.
    std::shuffle(site_->homes().begin(), site_->homes().end(), std::mt19937_64(options_.seed));
    return Ok();
  }

  // `rate` reports a second from home beside the crossings.
  Result<Latencies> Measure(size_t rate, Findings& findings, const std::string& what) {
    grpc::ClientContext context;
    const auto stub = v1::LocationService::NewStub(LocalChannel(ToString(server_->listening())));
    const auto stream = stub->ReportStream(&context);
    uint64_t observed = 0;
    uint64_t darkened = 0;
    uint64_t refused = 0;
    std::thread reader([&] {
      v1::ReportBatchAnswer answer;
      while (stream->Read(&answer)) {
        observed += answer.observed();
        refused += answer.refused();
        for (const auto& result : answer.results()) darkened += result.outcome() == v1::SWITCHED_OFF ? 1 : 0;
      }
    });
    const Status sent = Send(rate, *stream);
    stream->WritesDone();
    reader.join();
    const grpc::Status status = stream->Finish();
    HEARTH_RETURN_IF_ERROR(sent);
    if (!status.ok()) return Error(Reason::kOutputFailed, "ReportStream: " + status.error_message());

    const double until = WallSeconds() + kLastMessageSeconds;
    while (watcher_->missing() > 0 && WallSeconds() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    const Latencies latencies = watcher_->TakeLatencies();
    if (rate > 0) findings.Add(what + ": reports", reported_.per_second(), "1/s");
    findings.Add(what + ": crossings", static_cast<double>(crossed_), "count");
    findings.Add(what + ": report to MUX, median", Millis(latencies.Quantile(0.5)), "ms");
    findings.Add(what + ": report to MUX, p99", Millis(latencies.Quantile(0.99)), "ms");
    findings.Add(what + ": report to MUX, worst", Millis(latencies.max()), "ms");
    findings.Expect(what + ": every crossing darkens its card", darkened == crossed_);
    findings.Expect(what + ": every message reaches the MUX", latencies.count() == crossed_);
    findings.Expect(what + ": no report is refused", refused == 0);
    findings.Expect(what + ": every report from home is observed", observed == reported_.count - crossed_);
    return latencies;
  }

  // A batch each kTick, for options_.seconds / 2. One that is late is sent at once and none is left out, so
  // that the rate is kept unless the stream holds the client back.
  template <typename Stream>
  Status Send(size_t rate, Stream& stream) {
    const auto ticks =
        static_cast<uint64_t>(options_.seconds / 2 * 1000) / static_cast<uint64_t>(kTick.count());
    const double start = WallSeconds();
    auto next = steady_clock::now();
    reported_ = {};
    crossed_ = 0;
    for (uint64_t tick = 1; tick <= ticks; ++tick) {
      v1::ReportBatch batch;
      batch.set_sequence(tick);
      const auto due = [&](size_t per_second, uint64_t at) {
        return per_second * at * static_cast<uint64_t>(kTick.count()) / 1000;
      };
      for (uint64_t n = due(rate, tick - 1); n < due(rate, tick); ++n) {
        HEARTH_RETURN_IF_ERROR(Add(NextAtHome(), /*from_city=*/false, batch));
      }
      std::vector<std::pair<CardNumber, entitlement::GroupSlot>> crossing;
      for (uint64_t n = due(options_.crossings, tick - 1); n < due(options_.crossings, tick); ++n) {
        if (first_at_home_ + 1 == site_->homes().size()) break;  // all the others are in the city by now
        Home& home = site_->homes()[first_at_home_++];
        HEARTH_ASSIGN_OR_RETURN(const auto card, site_->head().registry().Card(home.card));
        crossing.emplace_back(home.card, card.value.card.place);
        HEARTH_RETURN_IF_ERROR(Add(home, /*from_city=*/true, batch));
      }
      std::this_thread::sleep_until(next);
      next += kTick;
      if (batch.reports_size() == 0) continue;
      const auto now = steady_clock::now();
      for (const auto& [card, place] : crossing) watcher_->Expect(card, place, now);
      crossed_ += crossing.size();
      reported_.count += static_cast<uint64_t>(batch.reports_size());
      if (!stream.Write(batch)) return Error(Reason::kOutputFailed, "the report stream broke");
    }
    reported_.seconds = WallSeconds() - start;
    return Ok();
  }

  Status Add(Home& home, bool from_city, v1::ReportBatch& batch) {
    HEARTH_ASSIGN_OR_RETURN(const app::Report report, site_->Make(home, from_city));
    FillReport(report, *batch.add_reports());
    return Ok();
  }

  // From the back: those at the front are on their way to the city.
  Home& NextAtHome() {
    auto& homes = site_->homes();
    if (next_ <= first_at_home_ || next_ > homes.size()) next_ = homes.size();
    return homes[--next_];
  }

  const CrossingOptions options_;
  SystemClock clock_;
  crypto::SystemRandom random_;
  NullMetrics metrics_;
  NullLogger log_;
  std::unique_ptr<TempDir> dir_;
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<gateway::EmmgOutput> output_;
  std::unique_ptr<ReportSite> site_;
  std::unique_ptr<rpc::Server> server_;
  size_t first_at_home_ = 0;  // the homes before it are in the city
  size_t next_ = 0;
  Rate reported_;
  uint64_t crossed_ = 0;
};

}  // namespace

Result<Findings> BenchCrossing(const CrossingOptions& options) { return CrossingBench(options).Run(); }

}  // namespace hearth::bench
