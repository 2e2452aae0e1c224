// How much evidence an automatic intervention needs, and how much may happen by itself. Data of the site:
// versioned, previewed, staged and undone like the cell lists; may differ from region to region.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "geofence/verdict.h"
#include "src/base/ids.h"
#include "src/base/status.h"

namespace hearth::intervention {

// The rules for one card, as they are in its region.
struct Policy {
  // Quoted beside every decision, so that it can be explained later.
  uint32_t version = 1;
  // Which whitelists are the card's home.
  geofence::Strictness strictness = geofence::Strictness::kVillage;
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

// When the head-end stops believing that those who go out are thieves (breaker.h).
struct BreakerRules {
  std::chrono::minutes window{15};  // 1 min to 24 h
  // Held when more than max(cards, percent of the area's cards on that network) would go out in the window.
  uint32_t cards = 5;  // 1 to 1,000,000
  double percent = 2;  // 0 to 100
  // Automatic switch-offs in the whole country within an hour; beyond it all are held. 1 to 10,000,000.
  uint32_t national_per_hour = 1000;

  bool operator==(const BreakerRules&) const = default;
};

// What a change of lists or policy may do without a second approver, and how it is staged.
struct ChangeRules {
  // A change that darkens more than max(cards, percent of the installed cards of an area it touches) in one
  // area, or `total` cards in all, needs an approver who did not propose it.
  uint32_t cards = 5;     // 0 to 1,000,000
  double percent = 2;     // 0 to 100
  uint32_t total = 1000;  // 0 to 10,000,000
  // Reports older than this are listed by a change, not acted upon. 1 to 3,650 days.
  uint32_t evidence_days = 30;

  bool operator==(const ChangeRules&) const = default;
};

// A network that is switched off for good on a day. Its cells stay on their lists; homes that hear nothing
// else are counted ahead. Silence never disables.
struct RetiringNetwork {
  uint16_t mcc = 460;
  uint16_t mnc = 0;
  uint8_t mnc_digits = 2;  // 2 or 3
  uint8_t radio = 1;       // geofence::Radio; 0: all of them
  RegionCode region;       // 0: everywhere
  int64_t day = 0;         // since 1970, UTC

  bool operator==(const RetiringNetwork&) const = default;
};

// All of it. `regions` override the whole rules of a division (province, prefecture or county: 2, 4 or 6
// digits); the most specific one that contains the card's area holds.
struct PolicyBook {
  uint32_t version = 1;
  Policy national;
  std::map<uint32_t, Policy> regions;  // division → rules
  BreakerRules breaker;
  ChangeRules changes;
  std::vector<RetiringNetwork> retiring;

  bool operator==(const PolicyBook&) const = default;

  // FIELD_INVALID with one violation for each field out of its range ("regions[640122].grace_hours"); an
  // override of something that is no division of 2, 4 or 6 digits; LIMIT_EXCEEDED over 5,000 overrides or
  // 1,000 networks.
  Status Check() const;
  // The rules for cards of an area, with this book's version.
  Policy For(AreaId area) const;
};

// A province, prefecture or county by its 2, 4 or 6 digits (64, 6401, 640122); not filled with zeros.
bool IsDivision(uint32_t division);
// True when the division (as above) contains the area.
bool DivisionHas(uint32_t division, AreaId area);
// max(cards, percent of `of`, rounded down): what may happen before somebody is asked.
uint64_t CardLimit(uint64_t cards, double percent, uint64_t of);

}  // namespace hearth::intervention
