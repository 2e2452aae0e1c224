// Where sections come from: a file, a growing file, a pipe, a socket; and cutting the bytes into sections.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::receiver {

// Cuts a stream into sections by their length fields alone. Sections of others are handed out too; a byte
// 0xFF where a table_id is due is stuffing and skipped. One thread.
class SectionSplitter {
 public:
  void Add(ByteView bytes);
  // The next whole section; nothing when more bytes are needed.
  std::optional<Bytes> Next();
  // Bytes of a section whose rest has not come.
  size_t pending() const { return buffer_.size() - at_; }
  void Clear();

 private:
  Bytes buffer_;
  size_t at_ = 0;
};

struct SourceOptions {
  bool follow = false;    // a file: wait for it to come, and to grow; a socket: try until it answers
  bool skip_old = false;  // a file: begin at its present end
};

// One thread.
class Source {
 public:
  // FILE, "-" for standard input, tcp:HOST:PORT or unix:PATH. FILE_UNREADABLE with the cause.
  static Result<Source> Open(const std::string& spec, const SourceOptions& options);
  Source(Source&& other) noexcept;
  Source& operator=(Source&& other) noexcept;
  ~Source();

  // Waits until bytes are there, at most `timeout`; a growing file is looked at each 2 ms. Empty: none came.
  Result<Bytes> Read(std::chrono::milliseconds timeout);
  // No more will come.
  bool ended() const { return ended_; }
  // True once after a followed file began anew: what the splitter holds belongs to the old one.
  bool TookNewFile();

 private:
  Source(std::string spec, const SourceOptions& options) : spec_(std::move(spec)), options_(options) {}

  Status Connect();
  Status OpenFile();
  Result<Bytes> ReadSome();
  void NoticeNewFile();

  std::string spec_;
  SourceOptions options_;
  Bytes buffer_;  // made once: a growing file is read 500 times a second
  int fd_ = -1;
  bool regular_ = false;
  bool any_ = false;  // some bytes came: the end of a pipe counts only then
  bool ended_ = false;
  bool new_file_ = false;
};

}  // namespace hearth::receiver
