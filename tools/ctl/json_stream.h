// Cuts a stream into its JSON objects: one object over several lines, JSON lines, or objects behind each
// other.
#pragma once

#include <istream>
#include <string>

#include "src/base/status.h"

namespace hearth::ctl {

// One thread. Does not check the objects; it only finds where they end.
class JsonObjects {
 public:
  // `in` must outlive it.
  JsonObjects(std::istream& in, size_t max_bytes) : in_(in), max_bytes_(max_bytes) {}

  // The next object; "" at the end. FIELD_INVALID when something else stands between objects or the stream
  // ends inside one; LIMIT_EXCEEDED over max_bytes.
  Result<std::string> Next();

 private:
  std::istream& in_;
  const size_t max_bytes_;
};

}  // namespace hearth::ctl
