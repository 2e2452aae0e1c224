// Where a stream goes: a file, or standard output.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::ts {

// One thread. Closes the file when it goes.
class Output {
 public:
  // PATH, - for standard output, or "" for nowhere. OUTPUT_FAILED with the cause.
  static Result<Output> Open(const std::string& path);

  // OUTPUT_FAILED with the cause.
  Status Write(ByteView bytes);
  Status Flush();
  // True for standard output: what else there is to say belongs on standard error then.
  bool is_stdout() const { return file_.get() == stdout; }

 private:
  struct Close {
    void operator()(FILE* file) const {
      if (file != stdout) std::fclose(file);
    }
  };
  Output(std::string path, FILE* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<FILE, Close> file_;
};

}  // namespace hearth::ts
