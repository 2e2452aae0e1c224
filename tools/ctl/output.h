// What hearthctl prints: aligned tables, sheets of named values, JSON.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

namespace hearth::ctl {

// Columns that `text` (UTF-8) takes on a terminal: East Asian wide characters take two, combining marks none.
// Source: Unicode Standard Annex #11, the ranges that occur in names.
size_t DisplayWidth(std::string_view text);

// `text` with everything replaced by '?' that a terminal could act on: control characters, direction
// overrides, bytes that are no UTF-8. Names come from files that anyone may have typed.
std::string Printable(std::string_view text);

// "2026-11-23 12:50:12" in the zone of the process (TZ); "-" when the field is unset.
std::string LocalTime(const google::protobuf::Timestamp& time);

// "yes" or "no".
std::string_view YesNo(bool value);
// "-" for an empty text, which would leave a hole in a table.
std::string OrDash(std::string_view text);

// A table that may be printed in parts (a page each); later parts keep the widths of the former ones.
class Table {
 public:
  struct Column {
    std::string name;
    bool right = false;  // numbers
  };

  explicit Table(std::vector<Column> columns);
  // As many fields as columns.
  void Add(std::vector<std::string> fields);
  // Prints the rows added since the last call; the header before the first.
  void Print(std::ostream& out);

 private:
  void PrintRow(std::ostream& out, const std::vector<std::string>& fields) const;

  std::vector<Column> columns_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
  bool header_printed_ = false;
};

// Named values, one a line: "card:  640000000001".
class Sheet {
 public:
  void Add(std::string name, std::string_view value);
  // Leaves the line out when there is no value.
  void AddIf(std::string name, std::string_view value);
  void Print(std::ostream& out) const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// `text` as a JSON string, with its quotes.
std::string JsonString(std::string_view text);

enum class JsonStyle : uint8_t {
  kPretty,   // for one object
  kOneLine,  // for JSON lines and elements of arrays
};
// Protobuf JSON: names as in the .proto, enums by name, fields that have their zero value too.
std::string Json(const google::protobuf::Message& message, JsonStyle style);

// The elements of the answer's list (its only repeated message field), one line each.
std::vector<std::string> JsonElements(const google::protobuf::Message& answer);

}  // namespace hearth::ctl
