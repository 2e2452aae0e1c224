// The runs of one import and the register become the next register.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "src/survey/table.h"
#include "src/survey/table_writer.h"

namespace hearth::survey {

// What the cells of an import did to the register. The sum of all is the number of its rows.
struct MergeCounts {
  uint64_t fresh = 0;      // cells that the register did not have
  uint64_t changed = 0;    // rows that took the place of others
  uint64_t unchanged = 0;  // said what the register says
  uint64_t older = 0;      // less recent than what the register has of the same source
  uint64_t lower = 0;      // the register has the cell from a source of more authority
  uint64_t doubles = 0;    // rows of the import that a later or more recent one of it took the place of

  bool operator==(const MergeCounts&) const = default;
};

// Reads every table once, in order, and writes the result to `out` (nullptr: only counts). Rows of `runs` for
// one cell are taken in the order of the runs. `register_now` may be nullptr: empty. `stopped` is asked now
// and then; true ends it with SHUTTING_DOWN. `merged` counts the rows that are behind, for whoever watches.
Result<MergeCounts> Merge(const Table* register_now, std::span<const std::shared_ptr<const Table>> runs,
                          TableWriter* out, const std::function<bool()>& stopped,
                          const std::function<void(uint64_t merged)>& progress);

}  // namespace hearth::survey
