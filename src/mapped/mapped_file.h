// A file mapped into memory for reading.
#pragma once

#include <cstddef>
#include <filesystem>
#include <utility>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::mapped {

// How the bytes are going to be read; a hint for the system.
enum class Access { kRandom, kSequential };

// Movable; unmapped at its end. Any thread may read. The file must not become shorter while it is mapped (a
// file that is replaced by renaming another over it keeps its bytes here): reading past its end kills the
// process.
class MappedFile {
 public:
  MappedFile() = default;
  // FILE_UNREADABLE. An empty file gives no bytes.
  static Result<MappedFile> Open(const std::filesystem::path& path, Access access = Access::kRandom);
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedFile();

  // As long as this lives.
  ByteView bytes() const { return {data_, size_}; }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hearth::mapped
