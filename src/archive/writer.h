// Appending to an archive.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "src/archive/format.h"

namespace hearth::archive {

struct WriterOptions {
  std::filesystem::path directory;
  Identity identity;
  size_t segment_bytes = size_t{64} << 20;  // a new one begins when the last has this size
};

// One thread. What was appended is synced; nothing that lies in a file is ever changed. A tail that a crash
// tore off is cut at Open; frames damaged in another way are left alone, and a new segment begins behind
// them.
class Writer {
 public:
  // Makes the directory. ARCHIVE_FOREIGN when it holds another site's archive, ARCHIVE_DAMAGED when the
  // newest header cannot be read, ARCHIVE_UNWRITABLE also when another process has it open.
  static Result<std::unique_ptr<Writer>> Open(const WriterOptions& options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Where each bucket ends, as synced.
  const Tails& tails() const { return tails_; }
  // Bytes cut off by Open, and whether it found damage.
  uint64_t cut_bytes() const { return cut_bytes_; }
  const std::optional<Error>& damage() const { return damage_; }

  // All or none, each continuing its bucket (INTERNAL otherwise). ARCHIVE_UNWRITABLE: nothing was appended;
  // it may be tried again.
  Status Append(std::span<const Change> changes, int64_t now_ms);
  // The bucket goes on behind `sequence`: what comes before it is not to be had any more. The next Append
  // begins a new segment.
  void Skip(uint16_t bucket, uint64_t sequence);
  // Moves all segments into a directory beside them and begins anew. Returns that directory.
  Result<std::filesystem::path> SetAside(int64_t now_ms);

 private:
  explicit Writer(WriterOptions options) : options_(std::move(options)) {}
  Status Lock();
  Status ReadNewest(const std::filesystem::path& file);
  Status BeginSegment(int64_t now_ms);
  Status CutBack();
  void Close();

  const WriterOptions options_;
  Tails tails_;
  int lock_ = -1;
  int fd_ = -1;
  uint64_t number_ = 0;  // of the newest segment; 0: none
  uint64_t size_ = 0;    // of it, synced
  bool dirty_ = false;   // there may be bytes behind size_
  bool fresh_ = true;    // the next Append begins a segment
  uint64_t cut_bytes_ = 0;
  std::optional<Error> damage_;
};

}  // namespace hearth::archive
