#include "tools/receiver/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::receiver {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error Failed(Reason reason, std::string_view doing, const std::string& path) {
  return Error(reason, fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno)));
}

bool WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

Status WriteNew(const std::string& path, std::string_view content, int flags, unsigned mode) {
  const Fd file(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, mode));
  if (file.get() < 0) {
    return Failed(errno == EEXIST ? Reason::kFileUnreadable : Reason::kStoreIo, "create", path);
  }
  if (fchmod(file.get(), mode) != 0 || !WriteAll(file.get(), content) || fsync(file.get()) != 0) {
    return Failed(Reason::kStoreIo, "write", path);
  }
  return Ok();
}

Status SyncDirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const Fd fd(open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return Failed(Reason::kStoreIo, "sync the directory of", path);
  return Ok();
}

}  // namespace

Result<std::string> ReadWholeFile(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Failed(Reason::kFileUnreadable, "open", path);
  std::string content;
  char chunk[65536];
  while (true) {
    const ssize_t got = read(file.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(Reason::kFileUnreadable, "read", path);
    if (got == 0) return content;
    content.append(chunk, static_cast<size_t>(got));
    if (content.size() > kMaxFileBytes) {
      return Error(Reason::kFileUnreadable, fmt::format("{} is over 256 MiB", path));
    }
  }
}

Status ReplaceFile(const std::string& path, std::string_view content) {
  const std::string fresh = path + ".new";
  HEARTH_RETURN_IF_ERROR(WriteNew(fresh, content, O_TRUNC, 0600));
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return Failed(Reason::kStoreIo, "replace", path);
  return SyncDirectoryOf(path);
}

Status CreateFile(const std::string& path, std::string_view content, unsigned mode) {
  HEARTH_RETURN_IF_ERROR(WriteNew(path, content, O_EXCL, mode));
  return SyncDirectoryOf(path);
}

}  // namespace hearth::receiver
