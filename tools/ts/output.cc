#include "tools/ts/output.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace hearth::ts {
namespace {

Error CannotWrite(const std::string& path) {
  return Error(Reason::kOutputFailed, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}

}  // namespace

Result<Output> Output::Open(const std::string& path) {
  if (path.empty()) return Output(path, nullptr);
  FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (file == nullptr) return CannotWrite(path);
  return Output(path, file);
}

Status Output::Write(ByteView bytes) {
  if (!file_ || bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size())
    return Ok();
  return CannotWrite(path_);
}

Status Output::Flush() {
  if (!file_ || std::fflush(file_.get()) == 0) return Ok();
  return CannotWrite(path_);
}

}  // namespace hearth::ts
