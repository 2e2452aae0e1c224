#include "tools/receiver/source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace hearth::receiver {
namespace {

constexpr std::chrono::milliseconds kLookEvery{2};
constexpr size_t kReadBytes = 256 * 1024;

Error Failed(std::string_view doing, std::string_view what, std::string_view cause) {
  return Error(Reason::kFileUnreadable, fmt::format("cannot {} {}: {}", doing, what, cause));
}

Result<int> ConnectTcp(const std::string& host_and_port) {
  const size_t colon = host_and_port.rfind(':');
  if (colon == std::string::npos) return InvalidField("sections", "tcp:HOST:PORT");
  std::string host = host_and_port.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), host_and_port.substr(colon + 1).c_str(), &hints, &found);
  if (error != 0) return Failed("find", host_and_port, gai_strerror(error));
  int fd = -1;
  int cause = ECONNREFUSED;
  for (const addrinfo* one = found; one != nullptr && fd < 0; one = one->ai_next) {
    fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen) != 0) {
      cause = errno;
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  if (fd < 0) return Failed("connect to", host_and_port, std::strerror(cause));
  return fd;
}

Result<int> ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return InvalidField("sections", "unix:PATH of at most 107 bytes");
  }
  std::copy(path.begin(), path.end(), std::begin(address.sun_path));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int cause = errno;
    if (fd >= 0) close(fd);
    return Failed("connect to", path, std::strerror(cause));
  }
  return fd;
}

}  // namespace

void SectionSplitter::Add(ByteView bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(at_));
  at_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<Bytes> SectionSplitter::Next() {
  while (at_ < buffer_.size() && buffer_[at_] == 0xFF) ++at_;
  if (pending() < 3) return std::nullopt;
  const size_t size = 3 + (static_cast<size_t>(buffer_[at_ + 1] & 0x0F) << 8 | buffer_[at_ + 2]);
  if (pending() < size) return std::nullopt;
  const auto begin = buffer_.begin() + static_cast<ptrdiff_t>(at_);
  at_ += size;
  return Bytes(begin, begin + static_cast<ptrdiff_t>(size));
}

void SectionSplitter::Clear() {
  buffer_.clear();
  at_ = 0;
}

Source::Source(Source&& other) noexcept
    : spec_(std::move(other.spec_)),
      options_(other.options_),
      fd_(std::exchange(other.fd_, -1)),
      regular_(other.regular_),
      any_(other.any_),
      ended_(other.ended_),
      new_file_(other.new_file_) {}

Source& Source::operator=(Source&& other) noexcept {
  std::swap(spec_, other.spec_);
  std::swap(options_, other.options_);
  std::swap(fd_, other.fd_);
  std::swap(regular_, other.regular_);
  std::swap(any_, other.any_);
  std::swap(ended_, other.ended_);
  std::swap(new_file_, other.new_file_);
  return *this;
}

Source::~Source() {
  if (fd_ > STDIN_FILENO) close(fd_);
}

Result<Source> Source::Open(const std::string& spec, const SourceOptions& options) {
  Source source(spec, options);
  const Status opened = source.Connect();
  if (!opened && !(options.follow && opened.error().reason() == Reason::kFileUnreadable)) {
    return opened.error();
  }
  source.options_.skip_old = false;  // what comes from now on is new
  return source;
}

Status Source::Connect() {
  if (spec_.rfind("tcp:", 0) == 0) {
    HEARTH_ASSIGN_OR_RETURN(fd_, ConnectTcp(spec_.substr(4)));
    return Ok();
  }
  if (spec_.rfind("unix:", 0) == 0) {
    HEARTH_ASSIGN_OR_RETURN(fd_, ConnectUnix(spec_.substr(5)));
    return Ok();
  }
  return OpenFile();
}

Status Source::OpenFile() {
  // Without O_NONBLOCK, opening a pipe that nobody writes would hang past --for.
  const int fd = spec_ == "-" ? STDIN_FILENO : open(spec_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info {};
  if (fd < 0 || fstat(fd, &info) != 0) return Failed("open", spec_, std::strerror(errno));
  if (S_ISDIR(info.st_mode)) {
    close(fd);
    return Failed("read", spec_, "it is a directory");
  }
  fd_ = fd;
  regular_ = S_ISREG(info.st_mode);
  if (regular_ && options_.skip_old) lseek(fd_, 0, SEEK_END);
  return Ok();
}

Result<Bytes> Source::Read(std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (true) {
    if (fd_ < 0 && !ended_) {
      const Status opened = Connect();
      if (!opened && opened.error().reason() != Reason::kFileUnreadable) return opened.error();
    }
    if (fd_ >= 0) {
      auto bytes = ReadSome();
      if (!bytes || !bytes->empty() || ended_) return bytes;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (ended_ || left.count() <= 0) return Bytes();
    if (fd_ >= 0 && !regular_ && (any_ || spec_.find(':') != std::string::npos)) {
      pollfd waiting{fd_, POLLIN, 0};
      poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left.count(), 1000)));
    } else {
      std::this_thread::sleep_for(std::min(left, kLookEvery));
    }
  }
}

Result<Bytes> Source::ReadSome() {
  if (!regular_) {
    pollfd ready{fd_, POLLIN, 0};
    if (poll(&ready, 1, 0) <= 0) return Bytes();
  }
  buffer_.resize(kReadBytes);
  const ssize_t got = read(fd_, buffer_.data(), buffer_.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return Bytes();
  if (got < 0) return Failed("read", spec_, std::strerror(errno));
  if (got > 0) {
    any_ = true;
  } else if (regular_ && options_.follow) {
    NoticeNewFile();
  } else if (regular_ || any_ || spec_ == "-" || spec_.find(':') != std::string::npos) {
    ended_ = true;
  }
  return Bytes(buffer_.begin(), buffer_.begin() + got);
}

void Source::NoticeNewFile() {
  struct stat held {};
  struct stat named {};
  if (spec_ == "-" || fstat(fd_, &held) != 0) return;
  const bool replaced =
      stat(spec_.c_str(), &named) == 0 && (named.st_ino != held.st_ino || named.st_dev != held.st_dev);
  if (replaced) {
    close(std::exchange(fd_, -1));
    new_file_ = true;
  } else if (held.st_size < lseek(fd_, 0, SEEK_CUR)) {
    lseek(fd_, 0, SEEK_SET);
    new_file_ = true;
  }
}

bool Source::TookNewFile() { return std::exchange(new_file_, false); }

}  // namespace hearth::receiver
