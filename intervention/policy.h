// How much evidence an automatic intervention needs. Data of the site: versioned, changed by operators.
#pragma once

#include <chrono>
#include <cstdint>

#include "src/base/status.h"

namespace hearth::intervention {

struct Policy {
  // Quoted beside every decision, so that it can be explained later.
  uint32_t version = 1;
  // A BLACKLISTED card is switched off after this many such reports (1 to 100) …
  int blacklisted_reports = 2;
  // … of which the first and the last are at least this far apart (0 to 24 h; no meaning with one report).
  std::chrono::seconds blacklisted_gap{60};
  // An OUT_OF_AREA card is proposed for intervention after this many reports (1 to 100) …
  int out_of_area_reports = 3;
  // … over at least this time (0 to 30 days), and again at most once in each such window.
  std::chrono::minutes out_of_area_window{30};
  // Hours powered on that a box stays lit on cells it does not know; sent to the boxes, not used here.
  // 0 to 240: strict regions may set 0.
  uint8_t grace_hours = 72;

  bool operator==(const Policy&) const = default;

  // FIELD_INVALID with one violation for each field out of its range.
  Status Check() const;
};

}  // namespace hearth::intervention
