// The factory: numbers and keys for a batch of cards and as many boxes and SIMs, in the CSV files that the
// head-end imports, and single cards and boxes made from those files.
//
//   batches.csv  batch,first_card,last_card,master_key                mode 0600
//   cards.csv    card_number,batch
//   boxes.csv    box_serial,encrypted_serial,imei,model,chip_key      mode 0600
//   sims.csv     sim_number,iccid
//   emergency.csv     key_id,public_key: the public emergency keys 1 and 2 of every box
//   emergency.key     the private half of key 1, for the head-end    mode 0600
//   emergency-2.key   that of key 2, for the safe                    mode 0600
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "src/base/ids.h"
#include "src/base/random.h"
#include "src/base/status.h"
#include "tools/receiver/box.h"
#include "tools/receiver/card.h"

namespace hearth::receiver {

struct BatchPlan {
  BatchId batch;
  CardNumber first_card;
  BoxSerial first_box;
  SimNumber first_sim;
  uint64_t count = 1;  // of cards, boxes and SIMs; at most kMaxBatchCards
  std::string model = "HH-S1";
  std::string emergency_keys;  // an emergency.csv of the site to copy instead of making keys; empty: none
};
inline constexpr uint64_t kMaxBatchCards = 10'000'000;

// Makes `directory` if needed and the files in it. FIELD_INVALID when numbers run out of their digits;
// FILE_UNREADABLE when a file is there already: master keys are never overwritten.
Status Personalise(const BatchPlan& plan, RandomSource& random, const std::string& directory);

// The card key of section 2; only the factory and the head-end can make it.
Key DeriveCardKey(const Key& batch_master, CardNumber card);

// A card, or a box with the SIM of the same row unless `sim` is given, from the files in `directory`.
// CARD_UNKNOWN, BOX_UNKNOWN, SIM_UNKNOWN; ROW_FIELD_INVALID with file and line.
Result<Card> MakeCard(const std::string& directory, CardNumber card);
Result<Box> MakeBox(const std::string& directory, BoxSerial box, std::optional<SimNumber> sim);

// The check digit of ISO/IEC 7812-1 (Luhn) that follows `digits`: the last of an IMEI or ICCID.
char LuhnDigit(std::string_view digits);

}  // namespace hearth::receiver
