// hearthd: reads its configuration, serves until it is told to stop. See deploy/hearthd.8.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <malloc.h>
#include <pthread.h>

#include "src/base/clock.h"
#include "src/daemon/config.h"
#include "src/daemon/wiring.h"
#include "src/log/log.h"

namespace hearth::daemon {
namespace {

// Exit codes; hearthd(8) lists them.
constexpr int kOk = 0;
constexpr int kFailed = 1;    // could not start
constexpr int kBadUsage = 2;  // the command line or the configuration is wrong

// Running calls may finish within this time after SIGTERM.
constexpr std::chrono::seconds kPatience{10};

constexpr std::string_view kUsage =
    R"(Usage: hearthd --config FILE [--role ROLE] [--restored] [--check-config]
       hearthd --help | --version

The Hearth head-end: conditional access and location authorisation. Serves the API hearth.v1 by gRPC and
writes the sections for the air, until SIGTERM or SIGINT. SIGHUP opens the log file anew.

  --config FILE    the configuration (TOML); deploy/hearth.example.toml describes every key
  --role ROLE      "all", or "ecm": a lane that answers scramblers from the file of [lanes] alone, whatever
                   happens to the head-end (default: all)
  --restored       the store is a backup that was copied back: take no changes and send no groups until it
                   is reconciled (hearthctl archive reconcile)
  --check-config   only read the configuration and say what is wrong with it
  --version        print the version
  --help           print this

Exit status: 0 stopped as told, or the configuration is sound; 1 could not start; 2 the command line or the
configuration is wrong.
)";

struct Arguments {
  std::string config;
  Role role = Role::kAll;
  bool restored = false;
  bool check_config = false;
  bool version = false;
  bool help = false;
};

// nullopt after saying what is wrong.
std::optional<Arguments> ParseArguments(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--check-config") {
      out.check_config = true;
    } else if (argument == "--restored") {
      out.restored = true;
    } else if (argument == "--version") {
      out.version = true;
    } else if (argument == "--help" || argument == "-h") {
      out.help = true;
    } else if (argument == "--role" || argument.starts_with("--role=")) {
      const std::string_view role = argument != "--role" ? argument.substr(7) : i + 1 < argc ? argv[++i] : "";
      if (role != "all" && role != "ecm") {
        fmt::print(stderr, "hearthd: --role is \"{}\", must be all or ecm\nTry hearthd --help.\n", role);
        return std::nullopt;
      }
      out.role = role == "ecm" ? Role::kEcm : Role::kAll;
    } else if (argument == "--config" && i + 1 < argc) {
      out.config = argv[++i];
    } else if (argument.starts_with("--config=")) {
      out.config = argument.substr(std::string_view("--config=").size());
    } else {
      fmt::print(stderr, "hearthd: {} {}\nTry hearthd --help.\n", argument,
                 argument == "--config" ? "needs a file" : "is not known");
      return std::nullopt;
    }
  }
  if (out.restored && out.role == Role::kEcm) {
    fmt::print(stderr, "hearthd: --restored is for the head-end: a lane has no store\nTry hearthd --help.\n");
    return std::nullopt;
  }
  if (out.config.empty() && !out.version && !out.help) {
    fmt::print(stderr, "hearthd: --config FILE is missing\nTry hearthd --help.\n");
    return std::nullopt;
  }
  return out;
}

// The signals that main waits for. Blocked before the first thread is made, so that every thread has them
// blocked.
sigset_t BlockSignals() {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of the output that goes away is an error of write, not the end
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Returns at SIGTERM or SIGINT. Each minute what the allocator has piled up goes back to the system.
void WaitForTheEnd(const sigset_t& signals, log::LineLogger& log) {
  constexpr timespec kMinute{60, 0};
  for (;;) {
    const int signal = sigtimedwait(&signals, nullptr, &kMinute);
    if (signal < 0) {
      if (errno == EAGAIN) ::malloc_trim(0);
      continue;
    }
    if (signal != SIGHUP) {
      log.Info("daemon.signal", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      return;
    }
    if (const Status status = log.Reopen(); !status) {
      log.Warn("daemon.log_not_reopened", {{"cause", status.error().ToString()}});
    } else {
      log.Info("daemon.log_reopened");
    }
  }
}

// True once SIGTERM or SIGINT waits to be taken.
bool EndIsAsked() {
  sigset_t waiting;
  return sigpending(&waiting) == 0 &&
         (sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1);
}

int Serve(const Config& config, Role role, bool restored, const sigset_t& signals) {
  const SystemClock clock;
  auto log = log::LineLogger::Create(config.log, clock);
  if (!log) {
    fmt::print(stderr, "hearthd: log.file: {}\n", log.error().ToString());
    return kFailed;
  }
  auto daemon = Daemon::Start(config, role, restored, clock, **log, EndIsAsked);
  if (!daemon) {
    const Error& error = daemon.error();
    (*log)->Error("daemon.start_failed", {{"reason", InfoOf(error.reason()).name},
                                          {"message", error.message()},
                                          {"detail", error.detail()},
                                          {"cure", error.cure()}});
    // Whoever started it by hand looks there, not into the file.
    if (!config.log.file.empty()) fmt::print(stderr, "hearthd: {}\n", error.ToString());
    return kFailed;
  }
  WaitForTheEnd(signals, **log);
  if (*daemon) (*daemon)->Stop(kPatience);
  return kOk;
}

// glibc gives each of some thirty threads a heap of its own, which stays as large as it ever was, and raises
// by itself the size from which memory goes back to the system. Nothing hot allocates: two heaps are enough,
// and what the store takes in large pieces goes back when it is given up.
void KeepMemoryFlat() {
  constexpr int kLarge = 512 * 1024;
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  ::mallopt(M_TRIM_THRESHOLD, kLarge);
}

int Main(int argc, char** argv) {
  KeepMemoryFlat();
  const auto arguments = ParseArguments(argc, argv);
  if (!arguments) return kBadUsage;
  if (arguments->help) {
    fmt::print("{}", kUsage);
    return kOk;
  }
  if (arguments->version) {
    fmt::print("{}\n", Version());
    return kOk;
  }
  const sigset_t signals = BlockSignals();
  const auto config = LoadConfig(arguments->config, arguments->role);
  if (!config) {
    fmt::print(stderr, "{}", FormatErrors(arguments->config, config.error()));
    return kBadUsage;
  }
  if (arguments->check_config) {
    fmt::print("{}: ok\n", arguments->config);
    return kOk;
  }
  return Serve(*config, arguments->role, arguments->restored, signals);
}

}  // namespace
}  // namespace hearth::daemon

int main(int argc, char** argv) { return hearth::daemon::Main(argc, argv); }
