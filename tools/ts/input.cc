#include "tools/ts/input.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace hearth::ts {
namespace {

constexpr size_t kReadBytes = size_t{64} * 1024;

Error CannotRead(const std::string& path) {
  return Error(Reason::kFileUnreadable, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
}

}  // namespace

Result<Input> Input::Open(const std::string& path) {
  const int fd = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CannotRead(path);
  return Input(path, fd);
}

Input::Input(Input&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), ended_(other.ended_) {}

Input& Input::operator=(Input&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(ended_, other.ended_);
  return *this;
}

Input::~Input() {
  if (fd_ > STDIN_FILENO) close(fd_);
}

Result<Bytes> Input::Read(std::chrono::milliseconds timeout) {
  pollfd waiting{fd_, POLLIN, 0};
  if (ended_ || poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return Bytes();
  Bytes bytes(kReadBytes);
  const ssize_t got = read(fd_, bytes.data(), bytes.size());
  if (got < 0 && errno != EINTR && errno != EAGAIN) return CannotRead(path_);
  ended_ = got == 0;
  bytes.resize(static_cast<size_t>(got > 0 ? got : 0));
  return bytes;
}

}  // namespace hearth::ts
