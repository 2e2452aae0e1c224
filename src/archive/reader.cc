#include "src/archive/reader.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace hearth::archive {
namespace {

namespace fs = std::filesystem;

// One pass over an archive.
class Walker {
 public:
  Walker(const WalkOptions& options, const std::function<Status(Change&&)>& visit)
      : options_(options), visit_(visit) {}

  Status Run(const std::vector<fs::path>& files);
  Survey TakeSurvey() && { return std::move(survey_); }

 private:
  void AddFault(uint64_t offset, Reason reason, const std::string& what) {
    survey_.faults.push_back(
        {.file = file_,
         .offset = offset,
         .error = Error(reason, fmt::format("{} at byte {}: {}", file_.filename().string(), offset, what))});
  }
  Status Stopped() const {
    return options_.stop_at_fault && !survey_.faults.empty() ? Status(survey_.faults[0].error) : Ok();
  }
  bool HasAllOf(const Tails& tails) const;
  bool IsSkipped(const fs::path& next) const;
  void NoteAtHave(uint16_t bucket, const Tail& tail);
  void TakeHeader(const Header& header);
  Status TakeFrames(ByteView bytes, size_t at, bool last);
  void Follow(const Change& change, uint64_t offset);

  const WalkOptions& options_;
  const std::function<Status(Change&&)>& visit_;
  Survey survey_;
  fs::path file_;
  bool begun_ = false;
  uint64_t number_ = 0;
};

bool Walker::HasAllOf(const Tails& tails) const {
  return std::all_of(tails.begin(), tails.end(), [&](const auto& entry) {
    const auto it = options_.have.find(entry.first);
    return it != options_.have.end() && entry.second.sequence <= it->second;
  });
}

// Whether what lies before segment `next` is known already.
bool Walker::IsSkipped(const fs::path& next) const {
  if (options_.have.empty() || begun_) return false;
  const auto bytes = ReadSegment(next, kMaxHeaderBytes + 64);
  size_t used = 0;
  if (!bytes) return false;
  const auto header = DecodeHeader(*bytes, used);
  return header && HasAllOf(header->tails);
}

void Walker::NoteAtHave(uint16_t bucket, const Tail& tail) {
  const auto have = options_.have.find(bucket);
  const bool there = have != options_.have.end() && have->second == tail.sequence;
  if (there && tail.checksum != 0) survey_.at_have[bucket] = tail.checksum;
}

void Walker::TakeHeader(const Header& header) {
  if (!begun_) {
    survey_.identity = header.identity;
    survey_.begin = header.tails;
    survey_.end = header.tails;
    begun_ = true;
  } else {
    if (header.identity != survey_.identity) {
      AddFault(0, Reason::kArchiveForeign,
               fmt::format("is of site \"{}\" or of another master key, those before are of \"{}\"",
                           header.identity.site, survey_.identity.site));
    }
    if (header.number != number_ + 1) {
      AddFault(0, Reason::kArchiveGap, fmt::format("segment {} does not follow {}", header.number, number_));
    }
    for (const auto& [bucket, tail] : header.tails) {
      Tail& known = survey_.end[bucket];
      // A bucket that comes in later begins where its header says.
      if (known.sequence != 0 && known.sequence != tail.sequence) {
        AddFault(0, Reason::kArchiveGap,
                 fmt::format("bucket {} ends at sequence {} and goes on behind {}", bucket, known.sequence,
                             tail.sequence));
      } else if (known.sequence != 0 && known.checksum != tail.checksum && known.checksum != 0 &&
                 tail.checksum != 0) {
        AddFault(0, Reason::kArchiveDamaged,
                 fmt::format("bucket {} has another change at sequence {} than the segments before", bucket,
                             tail.sequence));
      }
      known = tail;
    }
  }
  for (const auto& [bucket, tail] : header.tails) NoteAtHave(bucket, tail);
  number_ = header.number;
}

void Walker::Follow(const Change& change, uint64_t offset) {
  Tail& tail = survey_.end[change.bucket];
  if (change.sequence != tail.sequence + 1) {
    AddFault(
        offset, Reason::kArchiveGap,
        fmt::format("bucket {} goes from sequence {} to {}", change.bucket, tail.sequence, change.sequence));
  }
  tail = {.sequence = change.sequence, .checksum = Checksum(change.record)};
  NoteAtHave(change.bucket, tail);
}

Status Walker::TakeFrames(ByteView bytes, size_t at, bool last) {
  for (;;) {
    Frame frame = DecodeFrame(bytes.subspan(at));
    switch (frame.state) {
      case FrameState::kEnd:
        return Ok();
      case FrameState::kTorn:
        if (last) {
          survey_.torn_bytes = bytes.size() - at;
        } else {
          AddFault(at, Reason::kArchiveDamaged, "the file ends inside a frame");
        }
        return Stopped();
      case FrameState::kDamaged:
        AddFault(at, Reason::kArchiveDamaged,
                 frame.bytes == 0 ? "no frame begins here; what follows is not read"
                                  : "the checksum of the frame is wrong");
        if (frame.bytes == 0) return Stopped();
        break;
      case FrameState::kWhole:
        Follow(frame.change, at);
        HEARTH_RETURN_IF_ERROR(Stopped());
        ++survey_.changes;
        HEARTH_RETURN_IF_ERROR(visit_(std::move(frame.change)));
        break;
    }
    HEARTH_RETURN_IF_ERROR(Stopped());
    at += frame.bytes;
  }
}

Status Walker::Run(const std::vector<fs::path>& files) {
  for (size_t i = 0; i < files.size(); ++i) {
    ++survey_.segments;
    const bool last = i + 1 == files.size();
    file_ = files[i];
    if (!last && IsSkipped(files[i + 1])) {
      ++survey_.skipped;
      continue;
    }
    HEARTH_ASSIGN_OR_RETURN(const Bytes bytes, ReadSegment(file_));
    survey_.bytes += bytes.size();
    size_t at = 0;
    const auto header = DecodeHeader(bytes, at);
    if (!header) {
      AddFault(0, Reason::kArchiveDamaged, header.error().message());
      HEARTH_RETURN_IF_ERROR(Stopped());
      continue;
    }
    TakeHeader(*header);
    HEARTH_RETURN_IF_ERROR(Stopped());
    HEARTH_RETURN_IF_ERROR(TakeFrames(bytes, at, last));
  }
  return Ok();
}

}  // namespace

Result<Bytes> ReadSegment(const fs::path& file, size_t max_bytes) {
  std::ifstream in(file, std::ios::binary);
  const auto failed = [&] {
    return Error(Reason::kFileUnreadable, fmt::format("{} cannot be read", file.string()));
  };
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (!in || error) return failed();
  Bytes bytes(std::min<size_t>(size, max_bytes));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (in.bad()) return failed();
  bytes.resize(static_cast<size_t>(in.gcount()));
  return bytes;
}

Result<std::vector<fs::path>> SegmentsOf(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error) {
    return Error(Reason::kFileUnreadable, fmt::format("{} cannot be listed", directory.string()))
        .Detail(error.message());
  }
  std::map<uint64_t, fs::path> found;
  for (const auto& entry : entries) {
    if (const auto number = SegmentNumber(entry.path().filename().string())) found[*number] = entry.path();
  }
  std::vector<fs::path> files;
  for (auto& [number, path] : found) files.push_back(std::move(path));
  return files;
}

Result<Survey> Walk(const fs::path& path, const WalkOptions& options,
                    const std::function<Status(Change&&)>& visit) {
  std::vector<fs::path> files = {path};
  std::error_code error;
  if (fs::is_directory(path, error)) {
    HEARTH_ASSIGN_OR_RETURN(files, SegmentsOf(path));
  }
  if (files.empty()) {
    return Error(Reason::kFileUnreadable, fmt::format("{} holds no segment of an archive", path.string()));
  }
  Walker walker(options, visit);
  HEARTH_RETURN_IF_ERROR(walker.Run(files));
  return std::move(walker).TakeSurvey();
}

}  // namespace hearth::archive
