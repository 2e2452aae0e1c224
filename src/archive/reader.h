// Reading an archive from its first segment to its last: for hearthctl, and for the writer's own start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <vector>

#include "src/archive/format.h"

namespace hearth::archive {

// The whole file, or its first bytes. FILE_UNREADABLE.
Result<Bytes> ReadSegment(const std::filesystem::path& file, size_t max_bytes = SIZE_MAX);
// The segments of a directory, by number. FILE_UNREADABLE when it cannot be listed.
Result<std::vector<std::filesystem::path>> SegmentsOf(const std::filesystem::path& directory);

// Something wrong with an archive. `error` names the segment's file, and the bucket with both sequences or
// the place in the file.
struct Fault {
  std::filesystem::path file;
  uint64_t offset = 0;  // in the file
  Error error;          // ARCHIVE_DAMAGED, ARCHIVE_GAP, ARCHIVE_FOREIGN
};

struct Survey {
  Identity identity;
  size_t segments = 0;
  size_t skipped = 0;  // of them, not read: see WalkOptions::have
  uint64_t changes = 0;
  uint64_t bytes = 0;
  uint64_t torn_bytes = 0;  // at the end of the last segment: being written, or cut off by a crash
  Tails begin;              // before the first change read
  Tails end;
  // Of each bucket whose change at WalkOptions::have was met: its checksum there.
  std::map<uint16_t, uint32_t> at_have;
  std::vector<Fault> faults;
};

struct WalkOptions {
  // What the reader of the changes has already, by bucket: segments that hold nothing beyond it are skipped.
  // Empty: everything is read.
  std::map<uint16_t, uint64_t> have;
  // The first fault ends it, as an error: nothing behind it is to be believed.
  bool stop_at_fault = false;
};

// Reads the segments of a directory in order, or one file, and calls `visit` for each whole change, whether
// faults were found before or not. Beyond a damaged frame it goes on with the next one if it can. An error of
// `visit` ends it. FILE_UNREADABLE when there is nothing to read; all else is among the faults.
Result<Survey> Walk(const std::filesystem::path& path, const WalkOptions& options,
                    const std::function<Status(Change&&)>& visit);

}  // namespace hearth::archive
