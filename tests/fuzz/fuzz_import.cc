// Any bytes as a file of each format: reading ends, stays inside its memory, and gives the same rows and
// errors wherever the file is cut. The first byte chooses format and size of the pieces.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "src/import/cells.h"
#include "src/import/regions.h"
#include "src/import/roster.h"
#include "src/import/stock.h"

namespace hearth::import {
namespace {

template <typename Reader, typename Row>
void ReadBothWays(std::string_view text, size_t piece, const Limits& limits) {
  Parsed<Row> whole;
  Parsed<Row> cut;
  const auto sink = [](Parsed<Row>& parsed) {
    return RowSink<Row>{[&](Row row) { parsed.rows.push_back(std::move(row)); },
                        [&](RowError error) { parsed.errors.push_back(std::move(error)); }};
  };
  Reader one(limits, sink(whole));
  (void)one.Feed(text);
  const bool whole_ok = one.Finish().has_value();
  Reader many(limits, sink(cut));
  for (size_t at = 0; at < text.size(); at += piece) (void)many.Feed(text.substr(at, piece));
  const bool cut_ok = many.Finish().has_value();
  if (whole_ok != cut_ok || whole.rows != cut.rows || whole.errors != cut.errors) std::abort();
}

}  // namespace
}  // namespace hearth::import

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::import;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = static_cast<size_t>(data[0] >> 3) + 1;
  hearth::Limits limits;
  limits.csv_row_bytes = 200;
  switch (data[0] & 7) {
    case 0:
      ReadBothWays<CellReader, CellRow>(text, piece, limits);
      break;
    case 1:
      ReadBothWays<RegionReader, RegionRow>(text, piece, limits);
      break;
    case 2:
      ReadBothWays<RosterReader, RosterRow>(text, piece, limits);
      break;
    case 3:
      (void)ParseCardStock(text, limits);
      break;
    case 4:
      (void)ParseBoxStock(text, limits);
      break;
    case 5:
      (void)ParseSimStock(text, limits);
      break;
    default:
      break;
  }
  return 0;
}
