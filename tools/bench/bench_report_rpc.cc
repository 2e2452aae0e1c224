// Location reports over gRPC on this machine, both ends in this process: one a call beside a bare echo of the
// same messages, and in batches over ReportStream.
//
// What a client does beyond gRPC is done beforehand: reports are signed and messages serialised before the
// time counts.
#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "hearth/v1/location.grpc.pb.h"
#include "src/rpc/server.h"
#include "tools/bench/benches.h"
#include "tools/bench/measure.h"
#include "tools/bench/report_messages.h"
#include "tools/bench/report_site.h"

namespace hearth::bench {
namespace {

constexpr char kStreamMethod[] = "/hearth.v1.LocationService/ReportStream";
// The pump may still be sending when a slice ends; what it has left would slow the next one.
constexpr double kRpcPumpSeconds = 3;

Error Refused(std::string_view what, const grpc::Status& status) {
  return Error(Reason::kOutputFailed, fmt::format("{}: {}", what, status.error_message()));
}

// Answers what an observed report is answered, and looks at nothing.
class BareEcho final : public v1::LocationService::Service {
 public:
  explicit BareEcho(v1::ReportResponse answer) : answer_(std::move(answer)) {}
  grpc::Status Report(grpc::ServerContext*, const v1::ReportRequest*, v1::ReportResponse* out) override {
    *out = answer_;
    return grpc::Status::OK;
  }

 private:
  const v1::ReportResponse answer_;
};

class Site {
 public:
  static Result<std::unique_ptr<Site>> Create(const ReportRpcOptions& options) {
    std::unique_ptr<Site> site(new Site(options));
    HEARTH_ASSIGN_OR_RETURN(site->dir_, TempDir::Create(options.dir));
    HEARTH_ASSIGN_OR_RETURN(site->site_,
                            ReportSite::Create(site->dir_->path() / "site", options.seed, options.cards, 64));
    const rpc::ServerOptions server{
        .listen = {"127.0.0.1", 0}, .tls = std::nullopt, .limits = {}, .version = "", .site = "bench"};
    HEARTH_ASSIGN_OR_RETURN(site->server_, rpc::Server::Start(site->site_->head(), server, site->clock_,
                                                              site->random_, site->metrics_, site->log_));
    site->site_->AwaitPump(kRpcPumpSeconds);
    return site;
  }

  ReportSite& reports() { return *site_; }
  std::string address() const { return ToString(server_->listening()); }
  Home& Next() { return site_->homes()[next_++ % site_->homes().size()]; }

 private:
  explicit Site(const ReportRpcOptions& options) : random_(), options_(options) {}

  SystemClock clock_;
  crypto::SystemRandom random_;
  NullMetrics metrics_;
  NullLogger log_;
  const ReportRpcOptions options_;
  std::atomic<size_t> next_{0};
  std::unique_ptr<TempDir> dir_;
  std::unique_ptr<ReportSite> site_;
  std::unique_ptr<rpc::Server> server_;
};

// --- One report a call.

class UnaryBench {
 public:
  explicit UnaryBench(const ReportRpcOptions& options) : options_(options) {}

  Result<Findings> Run() {
    HEARTH_ASSIGN_OR_RETURN(site_, Site::Create(options_));
    HEARTH_ASSIGN_OR_RETURN(v1::ReportResponse answer, AnswerOf(site_->address()));
    BareEcho echo(std::move(answer));
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&echo);
    const auto echo_server = builder.BuildAndStart();
    if (!echo_server) return Error(Reason::kInternal, "the echo cannot be served");

    Rate hearth;
    Rate bare;
    const double slice = options_.seconds / (2 * kRounds);
    for (int round = 0; round < kRounds; ++round) {
      HEARTH_ASSIGN_OR_RETURN(const Rate a, Measure(site_->address(), slice));
      HEARTH_ASSIGN_OR_RETURN(const Rate b, Measure(fmt::format("127.0.0.1:{}", port), slice));
      hearth += a;
      bare += b;
    }
    echo_server->Shutdown();
    Findings findings{.bench = "report-unary", .seed = options_.seed, .figures = {}, .checks = {}};
    findings.Add("reports to bare echoes of the same messages", Ratio(hearth, bare), "ratio");
    findings.Add(fmt::format("reports, {} threads", options_.threads), hearth.per_second(), "1/s");
    findings.Add("bare echoes", bare.per_second(), "1/s");
    findings.Expect("every report is observed", other_ == 0);
    findings.Expect(
        "no report is committed before it is answered",
        site_->reports().CountOf("hearth_store_commits_total") <= commits_ + hearth.count / 10 + 1000);
    return findings;
  }

 private:
  Result<v1::ReportResponse> AnswerOf(const std::string& address) {
    commits_ = site_->reports().CountOf("hearth_store_commits_total");
    v1::ReportRequest request;
    HEARTH_ASSIGN_OR_RETURN(const app::Report report, site_->reports().Make(site_->Next(), false));
    FillReport(report, request);
    grpc::ClientContext context;
    v1::ReportResponse answer;
    const auto status =
        v1::LocationService::NewStub(LocalChannel(address))->Report(&context, request, &answer);
    if (!status.ok()) return Refused("Report", status);
    return answer;
  }

  // Both sides are sent reports made and signed alike, each thread's over a connection of its own.
  Result<Rate> Measure(const std::string& address, double seconds) {
    std::vector<std::unique_ptr<v1::LocationService::Stub>> stubs;
    for (size_t t = 0; t < options_.threads; ++t)
      stubs.push_back(v1::LocationService::NewStub(LocalChannel(address)));
    std::vector<size_t> next(options_.threads);
    std::vector<v1::ReportRequest> requests(options_.threads);
    return RunThreads(options_.threads, seconds, [&](size_t t) -> Status {
      // Thread t has the homes t, t + threads …, so that counters are sent in order.
      auto& homes = site_->reports().homes();
      size_t index = t + next[t]++ * options_.threads;
      if (index >= homes.size()) {
        index = t;
        next[t] = 1;
      }
      HEARTH_ASSIGN_OR_RETURN(const app::Report report, site_->reports().Make(homes[index], false));
      requests[t].Clear();
      FillReport(report, requests[t]);
      grpc::ClientContext context;
      v1::ReportResponse answer;
      const grpc::Status status = stubs[t]->Report(&context, requests[t], &answer);
      if (!status.ok()) return Refused("Report", status);
      if (answer.outcome() != v1::OBSERVED) ++other_;
      return Ok();
    });
  }

  const ReportRpcOptions options_;
  std::unique_ptr<Site> site_;
  std::atomic<uint64_t> other_{0};
  uint64_t commits_ = 0;
};

// --- Batches.

// What one stream is to send, serialised, and what came back.
struct Backlog {
  std::vector<grpc::ByteBuffer> batches;
  uint64_t reports = 0;
  uint64_t observed = 0;
  uint64_t refused = 0;
  uint64_t changed = 0;
};

// One stream: keeps `window` batches unanswered. Runs on the thread that waits for its completions.
class StreamClient {
 public:
  StreamClient(grpc::GenericStub& stub, Backlog& backlog, size_t window)
      : backlog_(backlog), window_(window) {
    call_ = stub.PrepareCall(&context_, kStreamMethod, &queue_);
  }

  Status Run() {
    call_->StartCall(Tag(kStarted));
    while (!done_) {
      void* tag = nullptr;
      bool ok = false;
      if (!queue_.Next(&tag, &ok)) break;
      Step(static_cast<Event>(reinterpret_cast<intptr_t>(tag)), ok);
    }
    queue_.Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) {
    }
    if (!status_.ok()) return Refused("ReportStream", status_);
    return Ok();
  }

 private:
  enum Event : intptr_t { kStarted = 1, kWritten, kRead, kFinished };
  static void* Tag(Event event) { return reinterpret_cast<void*>(static_cast<intptr_t>(event)); }

  void Step(Event event, bool ok) {
    switch (event) {
      case kStarted:
        call_->Read(&answer_, Tag(kRead));
        Write();
        break;
      case kWritten:
        writing_ = false;
        if (ok) Write();
        break;
      case kRead:
        if (!ok) {
          call_->Finish(&status_, Tag(kFinished));
          break;
        }
        TakeAnswer();
        if (answered_ == backlog_.batches.size()) {
          context_.TryCancel();
          done_ = true;
          break;
        }
        call_->Read(&answer_, Tag(kRead));
        Write();
        break;
      case kFinished:
        done_ = true;
        break;
    }
  }

  void Write() {
    if (writing_ || sent_ == backlog_.batches.size() || sent_ - answered_ >= window_) return;
    writing_ = true;
    call_->Write(backlog_.batches[sent_++], Tag(kWritten));
  }

  void TakeAnswer() {
    v1::ReportBatchAnswer answer;
    (void)grpc::SerializationTraits<v1::ReportBatchAnswer>::Deserialize(&answer_, &answer);
    ++answered_;
    backlog_.observed += answer.observed();
    backlog_.refused += answer.refused();
    for (const auto& result : answer.results()) {
      backlog_.changed += result.outcome() == v1::SWITCHED_OFF || result.outcome() == v1::RESTORED ? 1 : 0;
    }
  }

  Backlog& backlog_;
  const size_t window_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer answer_;
  grpc::Status status_;
  size_t sent_ = 0;
  size_t answered_ = 0;
  bool writing_ = false;
  bool done_ = false;
};

class StreamBench {
 public:
  explicit StreamBench(const ReportRpcOptions& options) : options_(options), random_(options.seed) {}

  Result<Findings> Run() {
    HEARTH_ASSIGN_OR_RETURN(site_, Site::Create(options_));
    Findings findings{.bench = "report-stream", .seed = options_.seed, .figures = {}, .checks = {}};
    HEARTH_RETURN_IF_ERROR(Measure("observed", 0, findings));
    HEARTH_RETURN_IF_ERROR(Measure("1 % change standing", 100, findings));
    return findings;
  }

 private:
  // Every `each`th card goes to the city and comes back; 0: none.
  Status Measure(const std::string& what, size_t each, Findings& findings) {
    Rate streamed;
    Rate local;
    Backlog all;
    uint64_t expected_changes = 0;
    // As many reports as a slice of the run is expected to take, at first a few.
    uint64_t wanted = options_.batch * options_.streams * 8;
    const double slice = options_.seconds / (2 * kRounds);
    for (int round = 0; round <= kRounds; ++round) {
      std::vector<Backlog> backlogs(options_.streams);
      HEARTH_RETURN_IF_ERROR(Prepare(wanted, each, backlogs, expected_changes));
      grpc::GenericStub stub(LocalChannel(site_->address()));
      std::vector<Status> results(options_.streams);
      const double start = WallSeconds();
      std::vector<std::thread> threads;
      for (size_t s = 0; s < options_.streams; ++s) {
        threads.emplace_back([&, s] { results[s] = StreamClient(stub, backlogs[s], options_.window).Run(); });
      }
      for (std::thread& thread : threads) thread.join();
      Rate rate{0, WallSeconds() - start};
      for (size_t s = 0; s < options_.streams; ++s) {
        HEARTH_RETURN_IF_ERROR(results[s]);
        rate.count += backlogs[s].reports;
        all.reports += backlogs[s].reports;
        all.observed += backlogs[s].observed;
        all.refused += backlogs[s].refused;
        all.changed += backlogs[s].changed;
      }
      site_->reports().AwaitPump(kRpcPumpSeconds);
      if (round > 0) streamed += rate;  // the first one only tells how many there should be
      wanted = std::clamp<uint64_t>(static_cast<uint64_t>(rate.per_second() * slice),
                                    options_.batch * options_.streams, 2'000'000);
      HEARTH_RETURN_IF_ERROR(InProcess(wanted / 4, each, local));
    }
    findings.Add(what + ": reports by stream", streamed.per_second(), "1/s");
    findings.Add(what + ": in this process, one thread", local.per_second(), "1/s");
    findings.Add(what + ": by stream to in this process", Ratio(streamed, local), "ratio");
    findings.Expect(what + ": none is refused", all.refused == 0);
    findings.Expect(what + ": every one that changes standing does", all.changed == expected_changes);
    findings.Expect(what + ": the others are observed", all.observed == all.reports - all.changed);
    return Ok();
  }

  bool Changes(const Home& home, size_t each) const { return each != 0 && home.card.value % each == 0; }

  Status Prepare(uint64_t reports, size_t each, std::vector<Backlog>& backlogs, uint64_t& changes) {
    for (Backlog& backlog : backlogs) {
      for (uint64_t sequence = 1; backlog.reports < reports / backlogs.size(); ++sequence) {
        v1::ReportBatch batch;
        batch.set_sequence(sequence);
        for (size_t i = 0; i < options_.batch; ++i) {
          Home& home = Own(static_cast<size_t>(&backlog - backlogs.data()), backlogs.size());
          const bool change = Changes(home, each);
          changes += change ? 1 : 0;
          HEARTH_ASSIGN_OR_RETURN(const app::Report report,
                                  site_->reports().Make(home, change && !home.in_city));
          FillReport(report, *batch.add_reports());
        }
        backlog.reports += options_.batch;
        const grpc::Slice slice(batch.SerializeAsString());
        backlog.batches.emplace_back(&slice, 1);
      }
    }
    return Ok();
  }

  // Stream s has the homes s, s + streams …: two streams do not agree on an order of one card's counters.
  Home& Own(size_t stream, size_t streams) {
    next_.resize(streams);
    auto& homes = site_->reports().homes();
    size_t index = stream + next_[stream]++ * streams;
    if (index >= homes.size()) {
      index = stream;
      next_[stream] = 1;
    }
    return homes[index];
  }

  // The same without gRPC and protobuf.
  Status InProcess(uint64_t reports, size_t each, Rate& rate) {
    app::Location& location = site_->reports().head().location();
    std::vector<app::Report> batch(options_.batch);
    for (uint64_t done = 0; done < reports; done += batch.size()) {
      for (app::Report& report : batch) {
        Home& home = Own(0, options_.streams);
        HEARTH_ASSIGN_OR_RETURN(report, site_->reports().Make(home, Changes(home, each) && !home.in_city));
      }
      const double start = WallSeconds();
      const app::BatchAnswer answer = location.Finish(location.Begin(batch));
      rate += Rate{batch.size(), WallSeconds() - start};
      for (const auto& [index, item] : answer.items) {
        if (!item) return item.error();
      }
    }
    return Ok();
  }

  const ReportRpcOptions options_;
  std::mt19937_64 random_;
  std::unique_ptr<Site> site_;
  std::vector<size_t> next_;
};

}  // namespace

Result<Findings> BenchReportUnary(const ReportRpcOptions& options) { return UnaryBench(options).Run(); }
Result<Findings> BenchReportStream(const ReportRpcOptions& options) { return StreamBench(options).Run(); }

}  // namespace hearth::bench
