// What the head-end is given before the first kill, and the numbers of everything in it.
//
//   area     640122001, approved: two villages of one township and one of another
//   stock    each worker has cards, boxes and SIMs of its own; each pair of workers has boxes to race for
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/crash/client.h"

namespace hearth::crash {

inline constexpr size_t kWorkers = 8;
inline constexpr size_t kPairs = kWorkers / 2;
inline constexpr uint64_t kCardsEach = 300;
inline constexpr uint64_t kBoxesEach = 450;
inline constexpr uint64_t kSimsEach = 350;
inline constexpr uint64_t kRacedBoxes = 200;  // of each pair

inline constexpr const char* kVillages[] = {"640122100200", "640122100201", "640122101200"};

// Number n, from 1, of a kind.
std::string CardText(uint64_t n);
std::string BoxText(uint64_t n);
std::string SimText(uint64_t n);
// Box n, from 0, that the workers of a pair race for.
std::string RacedBoxText(size_t pair, uint64_t n);
// A valid identity number (GB 11643), another one for each n below 50,000.
std::string PersonId(uint64_t n);

// Regions, area, whitelist, channels, package, batch, stock. Test failures when something is refused.
void SetUpSite(const std::string& address);

// A report of now from the village's cell, signed by the card.
v1::ReportRequest SignedReport(const std::string& card, const std::string& box, const std::string& sim,
                               uint32_t counter);

// Key of the batch that all cards are of.
inline constexpr char kBatchKey[] = "batch-master-key";

}  // namespace hearth::crash
