#include "src/import/gzip.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <zlib.h>

namespace hearth::import {
namespace {

constexpr std::string_view kMagic = "\x1F\x8B";
constexpr int kGzipWindow = 15 + 16;  // the largest window, gzip around it
constexpr size_t kOutBytes = size_t{256} << 10;
// What one call of zlib is given: its counters have 32 bits.
constexpr size_t kInBytes = size_t{1} << 30;

Error Damaged(std::string_view what) {
  return Error(Reason::kFileUnreadable, "the gzip file " + std::string(what));
}

}  // namespace

struct Unpacker::Stream {
  z_stream z{};
  bool at_end = false;  // of a member: the file may end here
  std::vector<char> out = std::vector<char>(kOutBytes);
};

Unpacker::Unpacker(Sink sink) : sink_(std::move(sink)) {}

Unpacker::~Unpacker() {
  if (stream_) inflateEnd(&stream_->z);
}

Status Unpacker::Begin() {
  if (form_ != Form::kUnknown) return Ok();
  form_ = head_ == kMagic ? Form::kGzip : Form::kPlain;
  if (form_ == Form::kPlain) return sink_(head_);
  stream_ = std::make_unique<Stream>();
  if (inflateInit2(&stream_->z, kGzipWindow) != Z_OK) return Damaged("cannot be unpacked: out of memory");
  return Inflate(head_);
}

Status Unpacker::Feed(std::string_view chunk) {
  if (form_ == Form::kUnknown) {
    const size_t missing = std::min(kMagic.size() - head_.size(), chunk.size());
    head_ += chunk.substr(0, missing);
    chunk.remove_prefix(missing);
    if (head_.size() < kMagic.size()) return Ok();
    HEARTH_RETURN_IF_ERROR(Begin());
  }
  if (chunk.empty()) return Ok();
  return form_ == Form::kPlain ? sink_(chunk) : Inflate(chunk);
}

Status Unpacker::Inflate(std::string_view chunk) {
  z_stream& z = stream_->z;
  while (!chunk.empty()) {
    const size_t size = std::min(chunk.size(), kInBytes);
    // zlib does not write there.
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(chunk.data()));  // NOLINT
    z.avail_in = static_cast<uInt>(size);
    if (stream_->at_end) {
      // Another member, or the zeros that tapes and block devices pad with.
      if (chunk.front() == '\0') {
        chunk.remove_prefix(1);
        continue;
      }
      inflateReset(&z);
      stream_->at_end = false;
    }
    z.next_out = reinterpret_cast<Bytef*>(stream_->out.data());
    z.avail_out = static_cast<uInt>(stream_->out.size());
    const int result = inflate(&z, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return Damaged("is damaged");
    chunk.remove_prefix(size - z.avail_in);
    stream_->at_end = result == Z_STREAM_END;
    const std::string_view plain(stream_->out.data(), stream_->out.size() - z.avail_out);
    if (!plain.empty()) HEARTH_RETURN_IF_ERROR(sink_(plain));
  }
  // What did not fit is still inside.
  while (!stream_->at_end && z.avail_out == 0) {
    z.next_in = nullptr;
    z.avail_in = 0;
    z.next_out = reinterpret_cast<Bytef*>(stream_->out.data());
    z.avail_out = static_cast<uInt>(stream_->out.size());
    const int result = inflate(&z, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return Damaged("is damaged");
    stream_->at_end = result == Z_STREAM_END;
    const std::string_view plain(stream_->out.data(), stream_->out.size() - z.avail_out);
    if (!plain.empty()) HEARTH_RETURN_IF_ERROR(sink_(plain));
  }
  return Ok();
}

Status Unpacker::Finish() {
  HEARTH_RETURN_IF_ERROR(Begin());
  if (form_ == Form::kGzip && !stream_->at_end) return Damaged("ends before its end");
  return Ok();
}

}  // namespace hearth::import
