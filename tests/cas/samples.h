// Keys and messages that tests and vectors share. All of them are made from fixed labels: nothing here is
// secret, nothing is random.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "src/cas/area_table.h"
#include "src/cas/ecm.h"
#include "src/cas/emergency.h"
#include "src/cas/group.h"
#include "src/cas/pairing.h"
#include "src/cas/report.h"
#include "src/cas/service_keys.h"
#include "src/cas/unique.h"
#include "src/crypto/ladder.h"
#include "src/crypto/primitives.h"

namespace hearth::samples {

// The first 16 bytes of SHA-256("hearth sample " ‖ label).
template <typename K>
K SampleKey(std::string_view label) {
  const crypto::Digest256 digest = crypto::Sha256(AsBytes("hearth sample "), AsBytes(label), {});
  std::array<uint8_t, 16> half;
  std::copy_n(digest.begin(), half.size(), half.begin());
  return K(crypto::Key128(half));
}

inline constexpr CardNumber kCard{640122000017};
inline constexpr BoxSerial kBox{1064012200000017};
inline constexpr SimNumber kSim{13909500017};
inline constexpr AreaId kArea{640122001};
inline constexpr Stamp kStamp{uint64_t{91'000'000} << 8 | 3};

inline crypto::BatchMaster Master() { return SampleKey<crypto::BatchMaster>("batch master"); }
inline crypto::CardKeys Keys(CardNumber card = kCard) { return crypto::CardKeysFor(Master(), card).value(); }
inline crypto::GroupKey Group() { return SampleKey<crypto::GroupKey>("group 4711 generation 2"); }
inline crypto::PackageKey Package() { return SampleKey<crypto::PackageKey>("package 64 epoch 9"); }
inline crypto::ChipKey Chip() { return SampleKey<crypto::ChipKey>("chip"); }
inline crypto::ServiceKey Service(unsigned service) {
  return SampleKey<crypto::ServiceKey>("service " + std::to_string(service));
}

// Whose seed is SHA-256("hearth sample emergency key " ‖ the digits of the id).
crypto::SigningKey EmergencyKey(unsigned key_id = 1);

// LTE, MCC 460, MNC 00, TAC 0x7A31, ECI 0x0A1B2C00 + i, as docs/messages.md section 3 packs it.
cas::CellBytes Cell(unsigned i);

cas::UniqueRecord Record(size_t cells);
cas::UniqueStanding Standing();
cas::GroupMessage GroupOf(size_t packages);
// Services 100, 101, … (count of them), one run.
cas::ServiceKeysMessage ServicesOf(size_t count);
cas::AreaTable Table(uint8_t width, cas::TableKind kind = cas::TableKind::kArea);
cas::AreaTablePart TablePart(uint8_t width, size_t cells, cas::TableKind kind = cas::TableKind::kArea);
cas::PairingMessage Pairing();
// With so many regions, from 640000 up; 0: everywhere.
cas::EmergencyMessage Emergency(size_t regions);
cas::Ecm EcmOf(size_t words, size_t word_bytes);
cas::ReportBody Report(size_t cells);

}  // namespace hearth::samples
