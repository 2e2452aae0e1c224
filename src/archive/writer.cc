#include "src/archive/writer.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "src/archive/reader.h"

namespace hearth::archive {
namespace {

namespace fs = std::filesystem;

Error Unwritable(const fs::path& path, std::string_view what, int error) {
  return Error(Reason::kArchiveUnwritable, fmt::format("{} cannot be {}", path.string(), what))
      .Detail(std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

bool WriteAll(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

// A new name in a directory is durable only after this.
Status SyncDirectory(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Unwritable(directory, "opened", errno);
  const bool synced = ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  return synced ? Ok() : Status(Unwritable(directory, "synced", error));
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::Open(const WriterOptions& options) {
  std::unique_ptr<Writer> writer(new Writer(options));
  std::error_code error;
  fs::create_directories(options.directory, error);
  if (error) {
    return Error(Reason::kArchiveUnwritable, fmt::format("{} cannot be made", options.directory.string()))
        .Detail(error.message());
  }
  HEARTH_RETURN_IF_ERROR(writer->Lock());
  HEARTH_ASSIGN_OR_RETURN(const auto files, SegmentsOf(options.directory));
  if (!files.empty()) HEARTH_RETURN_IF_ERROR(writer->ReadNewest(files.back()));
  return writer;
}

Writer::~Writer() {
  Close();
  if (lock_ >= 0) ::close(lock_);
}

void Writer::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Status Writer::Lock() {
  const fs::path file = options_.directory / "lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return Unwritable(file, "opened", errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return Error(Reason::kArchiveUnwritable,
                 fmt::format("{} is in use by another hearthd", options_.directory.string()));
  }
  return Ok();
}

Status Writer::ReadNewest(const fs::path& file) {
  HEARTH_ASSIGN_OR_RETURN(const Bytes bytes, ReadSegment(file));
  size_t at = 0;
  auto header = DecodeHeader(bytes, at);
  if (!header) return Error(Reason::kArchiveDamaged, file.string() + ": " + header.error().message());
  if (header->identity != options_.identity) {
    return Error(Reason::kArchiveForeign,
                 fmt::format("{} holds the archive of site \"{}\" or of another master key; this is \"{}\"",
                             options_.directory.string(), header->identity.site, options_.identity.site));
  }
  tails_ = std::move(header->tails);
  number_ = *SegmentNumber(file.filename().string());
  Frame frame;
  for (; (frame = DecodeFrame(ByteView(bytes).subspan(at))).state == FrameState::kWhole; at += frame.bytes) {
    tails_[frame.change.bucket] = {.sequence = frame.change.sequence,
                                   .checksum = Checksum(frame.change.record)};
  }
  size_ = at;
  // A wrong checksum in the very last frame is a tear as well: the file has its length, the pages are not all
  // there.
  const bool torn = frame.state == FrameState::kTorn || (frame.state == FrameState::kDamaged &&
                                                         frame.bytes > 0 && at + frame.bytes == bytes.size());
  if (frame.state == FrameState::kDamaged && !torn) {
    damage_ = Error(Reason::kArchiveDamaged, fmt::format("{} at byte {}", file.string(), at));
    return Ok();  // fresh_: a new segment begins behind what could be read
  }
  fd_ = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) return Unwritable(file, "opened", errno);
  fresh_ = false;
  cut_bytes_ = bytes.size() - at;
  dirty_ = torn;
  return CutBack();
}

// Whatever an append left behind that was not finished.
Status Writer::CutBack() {
  if (!dirty_) return Ok();
  const fs::path file = options_.directory / SegmentName(number_);
  if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0 || ::fdatasync(fd_) != 0) {
    return Unwritable(file, "cut back", errno);
  }
  dirty_ = false;
  return Ok();
}

Status Writer::BeginSegment(int64_t now_ms) {
  const uint64_t number = number_ + 1;
  const fs::path file = options_.directory / SegmentName(number);
  const Bytes header =
      EncodeHeader({.number = number, .created_ms = now_ms, .identity = options_.identity, .tails = tails_});
  // Under another name until it is whole: a header that was cut off would be no archive at all.
  const fs::path beside = file.string() + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return Unwritable(beside, "made", errno);
  const auto failed = [&] {
    const int error = errno;
    ::close(fd);
    ::unlink(beside.c_str());
    return Unwritable(beside, "written", error);
  };
  if (!WriteAll(fd, header) || ::fsync(fd) != 0) return failed();
  if (::rename(beside.c_str(), file.c_str()) != 0) return failed();
  Close();
  fd_ = fd;
  number_ = number;
  size_ = header.size();
  dirty_ = false;
  fresh_ = false;
  return SyncDirectory(options_.directory);
}

Status Writer::Append(std::span<const Change> changes, int64_t now_ms) {
  if (changes.empty()) return Ok();
  Tails next = tails_;
  Bytes bytes;
  for (const Change& change : changes) {
    Tail& tail = next[change.bucket];
    if (change.sequence != tail.sequence + 1) {
      return Error(Reason::kInternal, fmt::format("bucket {} is archived up to {}, not up to {}",
                                                  change.bucket, tail.sequence, change.sequence - 1));
    }
    tail = {.sequence = change.sequence, .checksum = Checksum(change.record)};
    AppendFrame(change, bytes);
  }
  if (fd_ >= 0) HEARTH_RETURN_IF_ERROR(CutBack());
  if (fresh_ || size_ >= options_.segment_bytes) HEARTH_RETURN_IF_ERROR(BeginSegment(now_ms));
  dirty_ = true;
  if (!WriteAll(fd_, bytes) || ::fdatasync(fd_) != 0) {
    const Error error = Unwritable(options_.directory / SegmentName(number_), "written", errno);
    (void)CutBack();  // or before the next try
    return error;
  }
  dirty_ = false;
  size_ += bytes.size();
  tails_ = std::move(next);
  return Ok();
}

void Writer::Skip(uint16_t bucket, uint64_t sequence) {
  tails_[bucket] = {.sequence = sequence, .checksum = 0};
  fresh_ = true;
}

Result<fs::path> Writer::SetAside(int64_t now_ms) {
  const fs::path aside = options_.directory / fmt::format("set-aside-{}", now_ms);
  HEARTH_ASSIGN_OR_RETURN(const auto files, SegmentsOf(options_.directory));
  Close();
  std::error_code error;
  fs::create_directories(aside, error);
  for (const fs::path& file : files) {
    if (!error) fs::rename(file, aside / file.filename(), error);
  }
  if (error) {
    return Error(Reason::kArchiveUnwritable, fmt::format("{} cannot be filled", aside.string()))
        .Detail(error.message());
  }
  HEARTH_RETURN_IF_ERROR(SyncDirectory(options_.directory));
  tails_.clear();
  number_ = 0;
  size_ = 0;
  dirty_ = false;
  fresh_ = true;
  return aside;
}

}  // namespace hearth::archive
