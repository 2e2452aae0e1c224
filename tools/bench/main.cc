// hearth-bench: measures parts of Hearth beside their ceilings and peers. See hearth-bench.1.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tools/bench/benches.h"

namespace hearth::bench {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr const char* kFooter =
    "Exit codes: 0 done, 1 a check did not hold or a part failed, 2 wrong usage. Ratios are the result; "
    "rates belong to this machine.";

Result<uint32_t> ParseSuperCasId(const std::string& text) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text.c_str(), &end, 0);
  if (text.empty() || *end != '\0' || value > UINT32_MAX) {
    return InvalidField("super-cas-id", "a number of 32 bits, such as 0x4A750001");
  }
  return static_cast<uint32_t>(value);
}

// "1-64,100": numbers and ranges.
Result<std::vector<uint16_t>> ParseIds(const std::string& text) {
  std::vector<uint16_t> ids;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    unsigned first = 0;
    unsigned last = 0;
    char dash = 0;
    std::stringstream range(part);
    range >> first;
    last = first;
    if (range >> dash) range >> last;
    const bool whole = !range.bad() && range.eof() && (dash == 0 || dash == '-');
    if (!whole || first > last || last > UINT16_MAX) return InvalidField("ecm-ids", "as 1-64 or 1,5,7");
    for (unsigned id = first; id <= last; ++id) ids.push_back(static_cast<uint16_t>(id));
  }
  if (ids.empty()) return InvalidField("ecm-ids", "at least one");
  return ids;
}

class Program {
 public:
  Program()
      : app_("Measures parts of Hearth, each beside its ceiling or peer in the same run.", "hearth-bench") {
    app_.require_subcommand(1);
    app_.footer(kFooter);
    CLI::App* sub = Sub("store", "Durable commits merged by the commit thread, beside one by one",
                        [this] { Take(BenchStore(StoreWish())); });
    AddCommon(sub);
    AddDir(sub);
    sub->add_option("--threads", store_.threads, "Threads that commit")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    sub->add_option("--window", store_.window, "Commits each thread has under way")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();

    sub = Sub("emm", "Messages to one card built, beside OpenSSL's own calls and bare AES",
              [this] { Take(BenchEmm(EmmWish())); });
    AddCommon(sub);
    sub->add_option("--record-cells", emm_.record_cells, "Cell hashes in a unique record")
        ->check(CLI::Range(0, 32))
        ->capture_default_str();

    sub = Sub("verdict", "Reports judged by cell lists, beside a plain binary search",
              [this] { Take(BenchVerdict(VerdictWish())); });
    AddCommon(sub);
    sub->add_option("--cells", verdict_.cells, "Cells on all lists together; some 50 bytes of memory each")
        ->check(CLI::Range(20'000, 50'000'000))
        ->capture_default_str();

    sub = Sub("report", "Location reports taken in this process, beside bare commits",
              [this] { Take(BenchReport(ReportWish())); });
    AddCommon(sub);
    AddDir(sub);
    sub->add_option("--threads", report_.threads, "Threads that report")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    sub->add_option("--cards", report_.cards, "Cards that report, at least one for each thread")
        ->check(CLI::Range(1, 50'000))
        ->capture_default_str();

    sub = Sub("ecmg", "ECMs over SimulCrypt, beside a TCP echo and a server that makes none",
              [this] { Take(RunEcmg()); });
    AddCommon(sub);
    AddEcmg(sub);

    sub = Sub("survey", "A list of cells taken into the register, beside reading and splitting it",
              [this] { Take(BenchSurvey(SurveyWish())); });
    sub->add_option("--seed", seed_, "What is generated follows from it")->capture_default_str();
    sub->add_flag("--json", json_, "Print JSON instead of a table");
    AddDir(sub);
    sub->add_option("--rows", survey_.rows, "Rows of the list; some 250 bytes of disk each")
        ->check(CLI::Range(1000, 250'000'000))
        ->capture_default_str();

    sub = Sub("preview", "Who a change of lists would cut off, beside a bare look at every card",
              [this] { Take(BenchPreview(PreviewWish())); });
    sub->add_option("--seed", seed_, "What is generated follows from it")->capture_default_str();
    sub->add_flag("--json", json_, "Print JSON instead of a table");
    sub->add_option("--cards", preview_.cards, "Cards in the column; some 100 bytes of memory each")
        ->check(CLI::Range(25'000, 200'000'000))
        ->capture_default_str();

    sub = Sub("carousel", "A country on the air in simulated time",
              [this] { Take(BenchCarousel(CarouselWish())); });
    sub->add_option("--seed", seed_, "What is generated follows from it")->capture_default_str();
    sub->add_flag("--json", json_, "Print JSON, with curves, instead of a table");
    sub->add_option("--cards", carousel_.cards, "Cards in the country")
        ->check(CLI::Range(1000, 1'000'000'000))
        ->capture_default_str();
    sub->add_option("--rate", carousel_.kbps, "Granted for EMMs, kbit/s; the bounds are checked from 1000 on")
        ->check(CLI::Range(10, 100'000))
        ->capture_default_str();
    sub->add_option("--evenings", carousel_.evenings, "How long: 1 to 3 evenings, and the days between")
        ->check(CLI::Range(1, 3))
        ->capture_default_str();
    sub->add_flag("--padded", carousel_.padded, "The multiplexer starts a packet for each section");
    sub->add_flag("--quiet", carousel_.quiet, "No progress on standard error");

#ifdef HEARTH_BENCH_GRPC
    sub =
        Sub("report-unary", "Location reports over gRPC, one a call, beside a bare echo of the same messages",
            [this] { Take(BenchReportUnary(ReportRpcWish())); });
    AddCommon(sub);
    AddDir(sub);
    AddReportCards(sub);
    sub->add_option("--threads", report_rpc_.threads, "Calls under way, each over its own connection")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();

    sub = Sub("report-stream", "Location reports over gRPC in batches",
              [this] { Take(BenchReportStream(ReportRpcWish())); });
    AddCommon(sub);
    AddDir(sub);
    AddReportCards(sub);
    sub->add_option("--streams", report_rpc_.streams, "Streams at once")
        ->check(CLI::Range(1, 32))
        ->capture_default_str();
    sub->add_option("--batch", report_rpc_.batch, "Reports of a batch")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    sub->add_option("--window", report_rpc_.window, "Batches of a stream that are not answered yet")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();

    sub =
        Sub("crossing", "From a report out of a city to the darkening message on the multiplexer, under load",
            [this] { Take(BenchCrossing(CrossingWish())); });
    AddCommon(sub);
    AddDir(sub);
    sub->add_option("--cards", crossing_.cards, "Cards that report in turns")
        ->check(CLI::Range(256, 50'000))
        ->capture_default_str();
    sub->add_option("--reports", crossing_.reports, "Reports from home a second, by one stream")
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
    sub->add_option("--crossings", crossing_.crossings, "Cards that come to the city in a second")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    sub->add_option("--rate", crossing_.kbps, "Granted by the multiplexer, kbit/s")
        ->check(CLI::Range(100, 65'535))
        ->capture_default_str();

    sub = Sub("refresh", "Work for the EMM line of a daemon: its cards refreshed as fast as the air takes it",
              [this] { Take(BenchRefresh(RefreshWish())); });
    AddCommon(sub);
    sub->add_option("--server", refresh_.server, "HOST:PORT of a daemon with insecure_development")
        ->required();
    sub->add_option("--first-card", refresh_.first_card, "Number of the first card")->required();
    sub->add_option("--cards", refresh_.cards, "Cards, with numbers that follow")
        ->check(CLI::Range(1, 10'000'000))
        ->capture_default_str();
    sub->add_option("--waiting", refresh_.waiting, "Changes to keep waiting for the air")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    sub->add_option("--threads", refresh_.threads, "Refreshes under way")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
#endif

    sub = Sub("all", "All of these, one after the other", [this] { RunAll(); });
    AddCommon(sub);
    AddDir(sub);
    sub->add_flag("--quick", quick_,
                  "Small and short, about 25 seconds in all: to see that everything works");
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? kExitOk : kExitUsage;
    }
    if (report_.cards < report_.threads) {
      std::fputs("hearth-bench: --cards must be at least --threads\n", stderr);
      return kExitUsage;
    }
    run_();
    if (!findings_.empty()) std::fputs((json_ ? AsJson(findings_) : AsTable(findings_)).c_str(), stdout);
    for (const Findings& findings : findings_) failed_ = failed_ || !findings.all_hold();
    return failed_ ? kExitFailed : kExitOk;
  }

 private:
  CLI::App* Sub(const char* name, const char* help, std::function<void()> run) {
    CLI::App* sub = app_.add_subcommand(name, help);
    sub->callback([this, run = std::move(run)] { run_ = run; });
    return sub;
  }
  void AddCommon(CLI::App* sub) {
    sub->add_option("--seconds", seconds_, "How long one benchmark measures, without preparation")
        ->check(CLI::Range(0.1, 1e6))
        ->capture_default_str();
    sub->add_option("--seed", seed_, "What is generated follows from it")->capture_default_str();
    sub->add_flag("--json", json_, "Print JSON instead of a table");
  }
  void AddDir(CLI::App* sub) {
    sub->add_option("--dir", dir_, "Directory on the disk to measure; without it the system's temporary one")
        ->check(CLI::ExistingDirectory);
  }

  void AddEcmg(CLI::App* sub) {
    CLI::Option* ecmg =
        sub->add_option("--ecmg", ecmg_at_, "HOST:PORT of an ECMG; without it one in this process");
    sub->add_option("--super-cas-id", super_cas_id_, "Super_CAS_id of that ECMG, as 0x4A750001")->needs(ecmg);
    sub->add_option("--ecm-ids", ecm_ids_, "ECM_ids that it knows, as 1-64 or 1,5,7")->needs(ecmg);
    sub->add_option("--connections", ecmg_.connections, "Connections")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    sub->add_option("--in-flight", ecmg_.in_flight, "Questions under way on each, for throughput")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    sub->add_option("--streams", ecmg_.streams, "Streams that ask at once at each boundary")
        ->check(CLI::Range(1, 60'000))
        ->capture_default_str();
    sub->add_option("--period-ms", period_ms_, "From boundary to boundary")
        ->check(CLI::Range(10, 3'600'000))
        ->capture_default_str();
    sub->add_option("--word-bytes", ecmg_.word_bytes, "Bytes of a control word: 8 or 16")
        ->check(CLI::IsMember({8, 16}))
        ->capture_default_str();
    sub->add_option("--server-threads", ecmg_.server_threads, "Threads of the servers in this process")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    sub->add_option("--parts", parts_, "What to measure")
        ->delimiter(',')
        ->check(CLI::IsMember({"throughput", "boundaries", "opening", "failover"}));
  }

  Result<EcmgOptions> EcmgWish() const {
    EcmgOptions wish = ecmg_;
    wish.seconds = seconds_;
    wish.seed = seed_;
    wish.period = std::chrono::milliseconds(period_ms_);
    if (!ecmg_at_.empty()) {
      HEARTH_ASSIGN_OR_RETURN(wish.ecmg, ParseEndpoint(ecmg_at_, "ecmg"));
      HEARTH_ASSIGN_OR_RETURN(wish.super_cas_id, ParseSuperCasId(super_cas_id_));
      HEARTH_ASSIGN_OR_RETURN(wish.ecm_ids, ParseIds(ecm_ids_));
    }
    const auto wanted = [this](const char* part) {
      return parts_.empty() || std::find(parts_.begin(), parts_.end(), part) != parts_.end();
    };
    wish.throughput = wanted("throughput");
    wish.boundaries = wanted("boundaries");
    wish.opening = wanted("opening");
    wish.failover = wanted("failover");
    return wish;
  }
  Result<Findings> RunEcmg() const {
    HEARTH_ASSIGN_OR_RETURN(const EcmgOptions wish, EcmgWish());
    return BenchEcmg(wish);
  }

  StoreOptions StoreWish() const {
    StoreOptions wish = store_;
    wish.seconds = seconds_;
    wish.seed = seed_;
    wish.dir = dir_;
    return wish;
  }
  EmmOptions EmmWish() const {
    EmmOptions wish = emm_;
    wish.seconds = seconds_;
    wish.seed = seed_;
    return wish;
  }
  VerdictOptions VerdictWish() const {
    VerdictOptions wish = verdict_;
    wish.seconds = seconds_;
    wish.seed = seed_;
    return wish;
  }
  ReportOptions ReportWish() const {
    ReportOptions wish = report_;
    wish.seconds = seconds_;
    wish.seed = seed_;
    wish.dir = dir_;
    return wish;
  }

  SurveyOptions SurveyWish() const {
    SurveyOptions wish = survey_;
    wish.seed = seed_;
    wish.dir = dir_;
    return wish;
  }
  PreviewOptions PreviewWish() const {
    PreviewOptions wish = preview_;
    wish.seed = seed_;
    return wish;
  }
  CarouselOptions CarouselWish() const {
    CarouselOptions wish = carousel_;
    wish.seed = seed_;
    return wish;
  }

#ifdef HEARTH_BENCH_GRPC
  void AddReportCards(CLI::App* sub) {
    sub->add_option("--cards", report_rpc_.cards, "Cards that report in turns")
        ->check(CLI::Range(256, 50'000))
        ->capture_default_str();
  }
  ReportRpcOptions ReportRpcWish() const {
    ReportRpcOptions wish = report_rpc_;
    wish.seconds = seconds_;
    wish.seed = seed_;
    wish.dir = dir_;
    return wish;
  }
  CrossingOptions CrossingWish() const {
    CrossingOptions wish = crossing_;
    wish.seconds = seconds_;
    wish.seed = seed_;
    wish.dir = dir_;
    return wish;
  }
  RefreshOptions RefreshWish() const {
    RefreshOptions wish = refresh_;
    wish.seconds = seconds_;
    wish.seed = seed_;
    return wish;
  }
#endif

  void RunAll() {
    if (quick_) {
      carousel_ = {.cards = 200'000, .kbps = 50, .evenings = 1, .quiet = true};
      seconds_ = 2;
      verdict_.cells = 200'000;
      report_.cards = 128;
      survey_.rows = 200'000;
    }
    Take(BenchStore(StoreWish()));
    Take(BenchEmm(EmmWish()));
    Take(BenchVerdict(VerdictWish()));
    Take(BenchReport(ReportWish()));
#ifdef HEARTH_BENCH_GRPC
    if (quick_) report_rpc_ = {.cards = 512, .threads = 2, .batch = 200};
    Take(BenchReportUnary(ReportRpcWish()));
    Take(BenchReportStream(ReportRpcWish()));
    if (quick_) crossing_ = {.cards = 512, .reports = 2000, .crossings = 20};
    Take(BenchCrossing(CrossingWish()));
#endif
    Take(RunEcmg());
    Take(BenchSurvey(SurveyWish()));
    Take(BenchPreview(PreviewWish()));
    Take(BenchCarousel(CarouselWish()));
  }

  void Take(const Result<Findings>& findings) {
    if (findings) {
      findings_.push_back(*findings);
      return;
    }
    failed_ = true;
    const Error& error = findings.error();
    const std::string detail = error.detail().empty() ? "" : " (" + error.detail() + ")";
    std::fputs(("hearth-bench: " + error.ToString() + detail + "\n").c_str(), stderr);
  }

  CLI::App app_;
  std::function<void()> run_;
  double seconds_ = 10;
  uint64_t seed_ = 1;
  bool json_ = false;
  bool quick_ = false;
  std::string dir_;
  StoreOptions store_;
  EmmOptions emm_;
  VerdictOptions verdict_;
  ReportOptions report_;
  EcmgOptions ecmg_;
  SurveyOptions survey_;
  PreviewOptions preview_;
  CarouselOptions carousel_;

#ifdef HEARTH_BENCH_GRPC
  ReportRpcOptions report_rpc_;
  CrossingOptions crossing_;
  RefreshOptions refresh_;
#endif
  std::string ecmg_at_;
  std::string super_cas_id_ = "0x4A750001";
  std::string ecm_ids_ = "1-64";
  int period_ms_ = 100;
  std::vector<std::string> parts_;
  std::vector<Findings> findings_;
  bool failed_ = false;
};

}  // namespace
}  // namespace hearth::bench

int main(int argc, char** argv) { return hearth::bench::Program().Run(argc, argv); }
