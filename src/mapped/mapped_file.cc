#include "src/mapped/mapped_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::mapped {
namespace {

Error Unreadable(const std::filesystem::path& path, std::string_view what) {
  const int error = errno;
  return Error(Reason::kFileUnreadable, fmt::format("{} cannot be {}", path.string(), what))
      .Detail(std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

}  // namespace

Result<MappedFile> MappedFile::Open(const std::filesystem::path& path, Access access) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Unreadable(path, "opened");
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return Unreadable(path, "taken for a file");
  }
  MappedFile file;
  if (info.st_size > 0) {
    const auto size = static_cast<size_t>(info.st_size);
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
      const Error error = Unreadable(path, "mapped");
      ::close(fd);
      return error;
    }
    (void)::madvise(data, size, access == Access::kSequential ? MADV_SEQUENTIAL : MADV_RANDOM);
    file.data_ = static_cast<const uint8_t*>(data);
    file.size_ = size;
  }
  ::close(fd);
  return file;
}

MappedFile::~MappedFile() {
  // munmap takes what mmap gave, which is not const.
  if (data_ != nullptr) ::munmap(const_cast<uint8_t*>(data_), size_);  // NOLINT
}

}  // namespace hearth::mapped
