// A real hearthd in a directory of its own: started, killed, started again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace hearth::crash {

// A store in RocksDB, insecure development mode, every port 0, sections into a file. One thread.
//
// The directory is removed at the end, unless the test has failed: then its path is printed.
class Child {
 public:
  Child();
  // Kills what still runs.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Starts the process and returns at once.
  void Spawn();
  // True when it serves; false, with a test failure, when it ended or was not ready within 30 s.
  bool WaitReady();
  // SIGKILL, and waits for the end. False when the process had ended before by itself.
  bool Kill();
  // SIGTERM. The exit code; negative: the signal that ended it, or it did not end within 20 s.
  int Stop();

  // The lines of the daemon's log, of all its runs, that hold `text`; one line each.
  std::string LogLines(std::string_view text) const;

  // "127.0.0.1:<port>" of the gRPC listener, once ready.
  const std::string& address() const { return address_; }
  std::filesystem::path store() const { return directory_ / "store"; }
  std::filesystem::path sections() const { return directory_ / "air.sections"; }

 private:
  void WriteConfig() const;
  bool Ended();
  void PrintLog() const;

  std::filesystem::path directory_;
  std::string address_;
  pid_t pid_ = 0;
  int status_ = 0;
};

}  // namespace hearth::crash
