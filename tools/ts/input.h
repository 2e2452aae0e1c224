// Where a stream comes from: a file, a pipe, or standard input.
#pragma once

#include <chrono>
#include <string>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::ts {

// One thread. Closes the file when it goes.
class Input {
 public:
  // PATH, or - for standard input. FILE_UNREADABLE with the cause.
  static Result<Input> Open(const std::string& path);
  Input(Input&& other) noexcept;
  Input& operator=(Input&& other) noexcept;
  ~Input();

  // What is there, at most 64 KiB; waits for something at most `timeout`. Empty: nothing came, or ended().
  Result<Bytes> Read(std::chrono::milliseconds timeout);
  bool ended() const { return ended_; }

 private:
  Input(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
  bool ended_ = false;
};

}  // namespace hearth::ts
