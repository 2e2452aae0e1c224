#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/gateway/section_outputs.h"

namespace hearth::gateway {
namespace {

// How long a full pipe may hold up the pump at a time.
constexpr int kPipePatienceMs = 100;
constexpr size_t kSectionHeader = 3;

Bytes Joined(std::span<const Bytes> sections) {
  size_t size = 0;
  for (const Bytes& section : sections) size += section.size();
  Bytes out;
  out.reserve(size);
  for (const Bytes& section : sections) out.insert(out.end(), section.begin(), section.end());
  return out;
}

// Bytes of the section that begins with these three.
size_t SectionBytes(const uint8_t* header) {
  return kSectionHeader + (static_cast<size_t>(header[1] & 0x0F) << 8 | header[2]);
}

// Where the last whole section of a file ends; -1 when it cannot be read. Reads the file once.
off_t EndOfWholeSections(int fd) {
  Bytes buffer(1024 * 1024);
  off_t end = 0;      // of the whole sections so far
  size_t filled = 0;  // bytes of the file from `end` on that are in the buffer
  for (;;) {
    const ssize_t got =
        ::pread(fd, buffer.data() + filled, buffer.size() - filled, end + static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    filled += static_cast<size_t>(got);
    size_t at = 0;
    while (filled - at >= kSectionHeader && filled - at >= SectionBytes(&buffer[at])) {
      at += SectionBytes(&buffer[at]);
    }
    if (got == 0) return end + static_cast<off_t>(at);
    std::memmove(buffer.data(), buffer.data() + at, filled - at);
    filled -= at;
    end += static_cast<off_t>(at);
  }
}

}  // namespace

Result<std::unique_ptr<FileSink>> FileSink::Create(std::filesystem::path path, Logger& log) {
  std::unique_ptr<FileSink> sink(new FileSink(std::move(path), log));
  const Status status = sink->Open();
  if (!status && !sink->is_pipe_) return status.error();
  return sink;
}

FileSink::~FileSink() { Close(); }

void FileSink::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  pending_.clear();
}

Error FileSink::Failed(std::string what, int error) {
  return Error(Reason::kOutputFailed, fmt::format("{}: {}", path_.string(), what))
      .Detail(std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

Status FileSink::Open() {
  struct stat found {};
  is_pipe_ = ::stat(path_.c_str(), &found) == 0 && S_ISFIFO(found.st_mode);
  // Without O_NONBLOCK opening a pipe waits for its reader.
  const int flags = is_pipe_ ? O_WRONLY | O_NONBLOCK : O_RDWR | O_APPEND | O_CREAT;
  fd_ = ::open(path_.c_str(), flags | O_CLOEXEC, 0640);
  if (fd_ < 0) {
    const int error = errno;
    return Failed(is_pipe_ && error == ENXIO ? "the pipe has no reader" : "cannot be opened for writing",
                  error);
  }
  if (is_pipe_) return Ok();
  Status status = CutTornSection();
  if (!status) Close();
  return status;
}

Status FileSink::CutTornSection() {
  struct stat found {};
  if (::fstat(fd_, &found) != 0) return Failed("cannot be examined", errno);
  if (!S_ISREG(found.st_mode)) return Ok();
  const off_t whole = EndOfWholeSections(fd_);
  if (whole < 0) return Failed("cannot be read", errno);
  if (whole == found.st_size) return Ok();
  if (::ftruncate(fd_, whole) != 0) return Failed("ends in a torn section that cannot be cut off", errno);
  log_.Warn("output.torn_section_cut", {{"file", path_.string()}, {"bytes", found.st_size - whole}});
  return Ok();
}

Status FileSink::Write(std::span<const Bytes> sections) {
  if (fd_ < 0) HEARTH_RETURN_IF_ERROR(Open());
  const Bytes bytes = Joined(sections);
  if (bytes.empty()) return Ok();
  return is_pipe_ ? WritePipe(bytes) : WriteFile(bytes);
}

Status FileSink::WriteFile(ByteView bytes) {
  struct stat before {};
  if (::fstat(fd_, &before) != 0) return Failed("cannot be examined", errno);
  ssize_t written = -1;
  do {
    written = ::write(fd_, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(bytes.size())) return Ok();
  const int error = written < 0 ? errno : ENOSPC;
  if (written > 0 && ::ftruncate(fd_, before.st_size) != 0) {
    // Opening it again cuts it at the last whole section.
    Close();
  }
  return Failed("cannot be written", error);
}

// Sends what is left to send; 0 when nothing is, EAGAIN when the pipe stays full.
int FileSink::SendPending() {
  while (!pending_.empty()) {
    const ssize_t written = ::write(fd_, pending_.data(), pending_.size());
    if (written > 0) pending_.erase(pending_.begin(), pending_.begin() + written);
    if (written > 0 || (written < 0 && errno == EINTR)) continue;
    if (written < 0 && errno != EAGAIN) return errno;
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, kPipePatienceMs) <= 0) return EAGAIN;
  }
  return 0;
}

Error FileSink::PipeFailed(int error) {
  if (error == EAGAIN) return Failed("the pipe is full: its reader is too slow", error);
  Close();
  return Failed("the reader of the pipe has gone", error);
}

Status FileSink::WritePipe(ByteView bytes) {
  if (const int error = SendPending(); error != 0) return PipeFailed(error);
  pending_.assign(bytes.begin(), bytes.end());
  const int error = SendPending();
  if (error == 0 || (error == EAGAIN && pending_.size() < bytes.size())) return Ok();  // the rest goes first
  pending_.clear();  // nothing of it was taken, or there is nobody any more who would want the rest
  return PipeFailed(error);
}

}  // namespace hearth::gateway
