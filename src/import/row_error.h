// What is wrong with one row of a file, in words a person at a keyboard can act on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "src/base/reason.h"

namespace hearth::import {

struct RowError {
  uint64_t line = 0;   // of the file, from 1; where the row begins
  std::string column;  // name of the column as documented; "" when the row as such is bad
  Reason reason = Reason::kRowFieldInvalid;
  std::string message;     // what is wrong; never holds a secret
  std::string suggestion;  // what it probably should be, or ""
  bool warning = false;    // true: the row was kept

  bool operator==(const RowError&) const = default;
};

// Where a reader puts what it finds, in file order. Both are called on the thread that feeds the reader.
template <typename Row>
struct RowSink {
  std::function<void(Row)> row;
  std::function<void(RowError)> error;
};

// A whole file: good rows and the errors beside them. Meant for files that fit into memory.
template <typename Row>
struct Parsed {
  std::vector<Row> rows;
  std::vector<RowError> errors;
};

}  // namespace hearth::import
