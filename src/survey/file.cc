#include "src/survey/file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace hearth::survey {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

Error Unwritable(const std::filesystem::path& path, std::string_view what) {
  const int error = errno;
  return Error(Reason::kSurveyUnwritable, fmt::format("{} cannot be {}", path.string(), what))
      .Detail(std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

}  // namespace

OutFile::OutFile(OutFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      buffer_(std::move(other.buffer_)) {}

OutFile::~OutFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<OutFile> OutFile::Create(const std::filesystem::path& path) {
  OutFile file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file.fd_ < 0) return Unwritable(path, "made");
  file.buffer_.reserve(kBufferBytes);
  return file;
}

Status OutFile::Write(ByteView bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) HEARTH_RETURN_IF_ERROR(Flush());
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  size_ += bytes.size();
  return buffer_.size() < kBufferBytes ? Ok() : Flush();
}

Status OutFile::Flush() {
  for (ByteView left = buffer_; !left.empty();) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Unwritable(path_, "written");
    left = left.subspan(static_cast<size_t>(written));
  }
  buffer_.clear();
  return Ok();
}

Status OutFile::WriteAt(uint64_t offset, ByteView bytes) {
  HEARTH_RETURN_IF_ERROR(Flush());
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Unwritable(path_, "written");
    offset += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return Ok();
}

Status OutFile::Close() {
  HEARTH_RETURN_IF_ERROR(Flush());
  if (::fsync(fd_) != 0) return Unwritable(path_, "synced");
  ::close(std::exchange(fd_, -1));
  return Ok();
}

Status SyncDirectory(const std::filesystem::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Unwritable(directory, "opened");
  const bool synced = ::fsync(fd) == 0;
  Status status = synced ? Ok() : Status(Unwritable(directory, "synced"));
  ::close(fd);
  return status;
}

Status Replace(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return Unwritable(to, "replaced");
  return SyncDirectory(to.parent_path());
}

Status WriteWhole(const std::filesystem::path& path, ByteView bytes) {
  const std::filesystem::path beside = path.string() + ".new";
  HEARTH_ASSIGN_OR_RETURN(OutFile file, OutFile::Create(beside));
  HEARTH_RETURN_IF_ERROR(file.Write(bytes));
  HEARTH_RETURN_IF_ERROR(file.Close());
  return Replace(beside, path);
}

Result<Bytes> ReadWhole(const std::filesystem::path& path, size_t max_bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(Reason::kFileUnreadable, fmt::format("{} cannot be opened", path.string()));
  Bytes bytes;
  std::string part(size_t{64} << 10, '\0');
  while (in) {
    in.read(part.data(), static_cast<std::streamsize>(part.size()));
    bytes.insert(bytes.end(), part.begin(), part.begin() + in.gcount());
    if (bytes.size() > max_bytes) {
      return Error(Reason::kLimitExceeded,
                   fmt::format("{} is larger than {} bytes", path.string(), max_bytes));
    }
  }
  if (in.bad()) return Error(Reason::kFileUnreadable, fmt::format("{} cannot be read", path.string()));
  return bytes;
}

}  // namespace hearth::survey
