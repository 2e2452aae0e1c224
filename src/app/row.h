// One row of a bulk call, and what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/status.h"

namespace hearth::app {

enum class RowOutcome : uint8_t { kDone = 1, kExisted = 2, kRefused = 3 };

struct RowResult {
  uint64_t line = 0;
  RowOutcome outcome = RowOutcome::kDone;
  std::optional<Error> error;  // when refused
};

}  // namespace hearth::app
