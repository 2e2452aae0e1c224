// Writing files so that they are there after a crash. Used inside this library.
#pragma once

#include <filesystem>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::survey {

// A new file (an old one of that name is replaced), written through a buffer. One thread.
class OutFile {
 public:
  OutFile() = default;
  OutFile(OutFile&& other) noexcept;
  OutFile& operator=(OutFile&&) = delete;
  ~OutFile();

  // SURVEY_UNWRITABLE, as all below.
  static Result<OutFile> Create(const std::filesystem::path& path);
  Status Write(ByteView bytes);
  Status WriteAt(uint64_t offset, ByteView bytes);
  Status Flush();
  // Flushes, syncs and closes.
  Status Close();
  uint64_t size() const { return size_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  uint64_t size_ = 0;
  Bytes buffer_;
};

// A name that was made, changed or removed in a directory is so for good after this.
Status SyncDirectory(const std::filesystem::path& directory);
// Renames `from` over `to` in the same directory, for good.
Status Replace(const std::filesystem::path& from, const std::filesystem::path& to);
// Writes beside the file, syncs, renames.
Status WriteWhole(const std::filesystem::path& path, ByteView bytes);
// FILE_UNREADABLE; LIMIT_EXCEEDED over max_bytes.
Result<Bytes> ReadWhole(const std::filesystem::path& path, size_t max_bytes);

}  // namespace hearth::survey
