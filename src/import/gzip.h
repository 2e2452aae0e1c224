// Files that may be compressed: gzip (RFC 1952) is recognised by its first two bytes, anything else is passed
// on as it is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/status.h"

namespace hearth::import {

// One thread. Constant memory, whatever the file expands to. Several members behind each other, as `cat` and
// parallel compressors make them, are one file.
class Unpacker {
 public:
  // Takes the plain bytes, cut anywhere; an error ends the reading.
  using Sink = std::function<Status(std::string_view)>;

  explicit Unpacker(Sink sink);
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  // FILE_UNREADABLE for damaged gzip, else what the sink gave.
  Status Feed(std::string_view chunk);
  // FILE_UNREADABLE when a gzip file ends before its end.
  Status Finish();

 private:
  struct Stream;
  enum class Form : uint8_t { kUnknown, kPlain, kGzip };

  Status Begin();
  Status Inflate(std::string_view chunk);

  const Sink sink_;
  Form form_ = Form::kUnknown;
  std::string head_;  // until the form is known
  std::unique_ptr<Stream> stream_;
};

}  // namespace hearth::import
