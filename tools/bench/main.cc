// hearth-bench: measures parts of Hearth beside their ceilings and peers. See hearth-bench.1.
#include <cstdio>
#include <functional>
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

    sub = Sub("all", "All of these, one after the other", [this] { RunAll(); });
    AddCommon(sub);
    AddDir(sub);
    sub->add_flag("--quick", quick_,
                  "Small and short, about 20 seconds in all: to see that everything works");
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
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    sub->add_option("--seed", seed_, "What is generated follows from it")->capture_default_str();
    sub->add_flag("--json", json_, "Print JSON instead of a table");
  }
  void AddDir(CLI::App* sub) {
    sub->add_option("--dir", dir_, "Directory on the disk to measure; without it the system's temporary one")
        ->check(CLI::ExistingDirectory);
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

  void RunAll() {
    if (quick_) {
      seconds_ = 2;
      verdict_.cells = 200'000;
      report_.cards = 128;
    }
    Take(BenchStore(StoreWish()));
    Take(BenchEmm(EmmWish()));
    Take(BenchVerdict(VerdictWish()));
    Take(BenchReport(ReportWish()));
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
  std::vector<Findings> findings_;
  bool failed_ = false;
};

}  // namespace
}  // namespace hearth::bench

int main(int argc, char** argv) { return hearth::bench::Program().Run(argc, argv); }
