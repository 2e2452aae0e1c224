#include "tools/ctl/json_stream.h"

#include <fmt/format.h>

namespace hearth::ctl {

Result<std::string> JsonObjects::Next() {
  std::string object;
  size_t depth = 0;
  bool in_string = false;
  char c = 0;
  while (in_.get(c)) {
    if (object.empty()) {
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
      if (c != '{') return Error(Reason::kFieldInvalid, "this is no JSON object");
    }
    object.push_back(c);
    if (object.size() > max_bytes_) {
      return Error(Reason::kLimitExceeded, fmt::format("a JSON object is longer than {} bytes", max_bytes_));
    }
    if (in_string) {
      if (c == '\\' && in_.get(c)) {
        object.push_back(c);
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return object;
    }
  }
  if (!object.empty()) return Error(Reason::kFieldInvalid, "the stream ends inside a JSON object");
  return object;
}

}  // namespace hearth::ctl
