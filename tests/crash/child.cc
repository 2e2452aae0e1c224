#include "tests/crash/child.h"

#include <cerrno>
#include <csignal>
#include <deque>
#include <fstream>
#include <iostream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::crash {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kProgram[] = HEARTH_BIN_DIR "/hearthd";
constexpr seconds kReadyWithin{30};
constexpr seconds kStoppedWithin{20};

// Between fork and exec of a process with threads: async-signal-safe calls only.
[[noreturn]] void Become(const char* config, const char* output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed itself leaves nothing running
  if (getppid() != parent) _exit(126);
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(126);
  execl(kProgram, kProgram, "--config", config, nullptr);
  _exit(127);
}

}  // namespace

Child::Child() {
  std::string name = (std::filesystem::temp_directory_path() / "hearth-crash-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
  directory_ = name;
  WriteConfig();
}

Child::~Child() {
  if (pid_ != 0) (void)Kill();
  if (testing::Test::HasFailure()) {
    PrintLog();
    std::cout << "kept for inspection: " << directory_ << std::endl;
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void Child::WriteConfig() const {
  const std::filesystem::path key = directory_ / "master.key";
  std::ofstream(key) << std::string(64, '7') << '\n';
  std::filesystem::permissions(key, std::filesystem::perms::owner_read);
  std::ofstream(directory_ / "hearth.toml") << fmt::format(R"([site]
name = "crash"
province = "64"
insecure_development = true
[store]
kind = "rocksdb"
path = "{0}/store"
[keys]
master_key_file = "{0}/master.key"
[grpc]
listen = "127.0.0.1:0"
port_file = "{0}/ports.json"
[metrics]
listen = "127.0.0.1:0"
[output]
file = "{0}/air.sections"
[log]
format = "json"
file = "{0}/hearthd.log"
)",
                                                           directory_.string());
}

void Child::Spawn() {
  std::filesystem::remove(directory_ / "ports.json");
  const std::string config = (directory_ / "hearth.toml").string();
  const std::string output = (directory_ / "hearthd.out").string();
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) Become(config.c_str(), output.c_str(), parent);
  if (pid_ < 0) {
    pid_ = 0;
    ADD_FAILURE() << "fork: " << errno;
  }
}

bool Child::Ended() {
  if (pid_ == 0) return true;
  if (waitpid(pid_, &status_, WNOHANG) != pid_) return false;
  pid_ = 0;
  return true;
}

bool Child::WaitReady() {
  const auto deadline = std::chrono::steady_clock::now() + kReadyWithin;
  const std::filesystem::path port_file = directory_ / "ports.json";
  while (!std::filesystem::exists(port_file)) {
    if (Ended()) {
      ADD_FAILURE() << "hearthd ended at its start, status " << status_;
      return false;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "hearthd was not ready in time";
      return false;
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  std::string text;
  std::getline(std::ifstream(port_file), text);
  const std::string before = "\"grpc\": ";
  const size_t at = text.find(before);
  if (at == std::string::npos) {
    ADD_FAILURE() << "no port in " << text;
    return false;
  }
  address_ = fmt::format("127.0.0.1:{}", std::strtoul(text.c_str() + at + before.size(), nullptr, 10));
  return true;
}

bool Child::Kill() {
  if (Ended()) return false;
  kill(pid_, SIGKILL);
  waitpid(pid_, &status_, 0);
  pid_ = 0;
  return WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL;
}

int Child::Stop() {
  if (!Ended()) kill(pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kStoppedWithin;
  while (!Ended()) {
    if (std::chrono::steady_clock::now() > deadline) return -SIGALRM;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
}

std::string Child::LogLines(std::string_view text) const {
  std::ifstream file(directory_ / "hearthd.log");
  std::string found;
  for (std::string line; std::getline(file, line);) {
    if (line.find(text) != std::string::npos) found += line + '\n';
  }
  return found;
}

void Child::PrintLog() const {
  constexpr size_t lines_shown = 20;
  for (const char* name : {"hearthd.out", "hearthd.log"}) {
    std::ifstream file(directory_ / name);
    std::deque<std::string> last;
    for (std::string line; std::getline(file, line);) {
      last.push_back(line);
      if (last.size() > lines_shown) last.pop_front();
    }
    for (const std::string& line : last) std::cout << name << ": " << line << '\n';
  }
}

}  // namespace hearth::crash
