#include "src/daemon/activation.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

namespace hearth::daemon {
namespace {

constexpr int kFirstDescriptor = 3;  // SD_LISTEN_FDS_START

// 0 when it is not set, or no number.
int TakeNumber(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there are no threads yet
  int number = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
  return number;
}

}  // namespace

Result<std::optional<int>> TakeActivatedSocket() {
  const int pid = TakeNumber("LISTEN_PID");
  const int count = TakeNumber("LISTEN_FDS");
  ::unsetenv("LISTEN_FDNAMES");  // NOLINT(concurrency-mt-unsafe)
  // Another's, who did not clean up before it started us.
  if (pid != ::getpid() || count <= 0) return std::optional<int>();
  if (count > 1) {
    return Error(
        Reason::kConfigValueInvalid,
        fmt::format("LISTEN_FDS: {} sockets are passed; hearthd takes one, for scramblers: leave one "
                    "ListenStream= in the socket unit",
                    count));
  }
  ::fcntl(kFirstDescriptor, F_SETFD, FD_CLOEXEC);
  return std::optional(kFirstDescriptor);
}

}  // namespace hearth::daemon
