// The files of state.h: locks, and replacing a file whole.
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "tools/receiver/files.h"
#include "tools/receiver/state.h"

namespace hearth::receiver {
namespace {

void WipeText(std::string& text) { Wipe({reinterpret_cast<uint8_t*>(text.data()), text.size()}); }

Error InFile(const Error& error, std::string_view what, const std::string& path) {
  return Error(Reason::kStoreCorrupt, fmt::format("the {} state {} is damaged and was left as it is: {}",
                                                  what, path, error.message()));
}

template <typename Thing, typename State>
Result<Thing> Load(const std::string& path, std::string_view what, Result<State> (*parse)(std::string_view)) {
  HEARTH_ASSIGN_OR_RETURN(std::string text, ReadWholeFile(path));
  auto state = parse(text);
  WipeText(text);
  if (!state) return InFile(state.error(), what, path);
  auto thing = Thing::Create(std::move(*state));
  if (!thing) return InFile(thing.error(), what, path);
  return thing;
}

}  // namespace

Result<Card> LoadCard(const std::string& path) {
  return Load<Card, CardState>(path, "card", [](std::string_view text) { return ParseCardText(text); });
}

Result<Box> LoadBox(const std::string& path) { return Load<Box, BoxState>(path, "box", ParseBoxText); }

Status SaveCard(const Card& card, const std::string& path) {
  std::string text = CardText(card.state());
  const Status saved = ReplaceFile(path, text);
  WipeText(text);
  return saved;
}

Status SaveBox(const Box& box, const std::string& path) {
  std::string text = BoxText(box.state());
  const Status saved = ReplaceFile(path, text);
  WipeText(text);
  return saved;
}

Result<StateLock> StateLock::Take(const std::string& path) {
  const std::string lock_path = path + ".lock";
  const int fd = open(lock_path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error(Reason::kFileUnreadable,
                 fmt::format("cannot open the lock {}: {}", lock_path, std::strerror(errno)));
  }
  StateLock lock(fd);
  while (flock(fd, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    return Error(Reason::kStoreIo, fmt::format("cannot lock {}: {}", lock_path, std::strerror(errno)));
  }
  return lock;
}

StateLock::StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

StateLock& StateLock::operator=(StateLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

StateLock::~StateLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace hearth::receiver
