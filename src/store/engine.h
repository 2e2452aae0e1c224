// What the shared commit logic (engine_store.h) needs of a sorted map of bytes. Internal to src/store.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/status.h"
#include "src/store/store.h"

namespace hearth::store {

// A put, or a delete when there is no value.
struct Write {
  std::string key;
  std::optional<std::string> value;
};

// Threads: Get and Scan from any thread, also during Apply; Apply from one thread at a time. Destruction
// closes. Errors: STORE_IO, STORE_CORRUPT, STORE_FULL, with the cause in Error::detail().
class Engine {
 public:
  virtual ~Engine() = default;

  // All in the order given, or nothing; durable on return. After an error the outcome is unknown until the
  // engine is opened again; until then reads show the state before.
  virtual Status Apply(std::vector<Write> writes) = 0;
  virtual Result<std::optional<std::string>> Get(std::string_view key) = 0;
  // The first `limit` (at least 1) keys in [from, end), ascending, from one state of the engine.
  virtual Result<ScanPage> Scan(std::string_view from, std::string_view end, size_t limit) = 0;
};

}  // namespace hearth::store
