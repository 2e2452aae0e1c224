// Messages to one card: the unique record 0x82 (its whole state) and the unique standing 0x83.
//
//   0x82  header 3 ‖ suite 1 ‖ card 5 ‖ stamp 5 ‖ SIV 16 ‖ enc
//   enc   standing 1 ‖ reason 1 ‖ validity day 2 ‖ group 3 ‖ slot 1 ‖ generation 1 ‖ group key 16 ‖ box 7 ‖
//         area 4 ‖ area version 2 ‖ rights 16 ‖ expiry day 2 ‖ n × cell hash 3, n ≤ 32
//   0x83  header 3 ‖ suite 1 ‖ card 5 ‖ stamp 5 ‖ standing 1 ‖ reason 1 ‖ first 8 of CMAC(card-mac, before)
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "entitlement/standing.h"
#include "src/base/ids.h"
#include "src/cas/wire.h"
#include "src/crypto/ladder.h"

namespace hearth::cas {

inline constexpr size_t kRecordCells = 32;
inline constexpr uint8_t kRecordCellWidth = 3;
using CellHash3 = std::array<uint8_t, kRecordCellWidth>;

// 128 product bits; product n is bit 7 − n mod 8 of byte n / 8.
class Rights {
 public:
  Rights() = default;
  explicit Rights(const std::array<uint8_t, 16>& bytes) : bytes_(bytes) {}
  // product: 0 to 127.
  void Set(uint8_t product) { bytes_[product / 8 % 16] |= static_cast<uint8_t>(0x80 >> product % 8); }
  bool Has(uint8_t product) const { return (bytes_[product / 8 % 16] & (0x80 >> product % 8)) != 0; }
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  bool operator==(const Rights&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

struct UniqueRecord {
  CardNumber card;
  Stamp stamp;
  entitlement::Standing standing = entitlement::Standing::kDark;
  entitlement::StandingReason reason = entitlement::StandingReason::kNone;
  uint16_t validity_day = 0;  // the last day of standing; kNoExpiryDay: without end
  GroupId group;              // 0: none
  uint8_t slot = 0;
  uint8_t generation = 0;
  crypto::GroupKey group_key;  // zero exactly when group is 0
  BoxSerial box;               // 0: none
  AreaId area;                 // 0: none
  uint16_t area_version = 0;
  Rights rights;
  uint16_t expiry_day = 0;  // the last day of the rights
  std::vector<CellHash3> cells;

  bool operator==(const UniqueRecord&) const = default;
};

// 86 + 3n bytes.
Result<Bytes> EncodeUniqueRecord(const UniqueRecord& record, const crypto::CardEncKey& key);
Result<UniqueRecord> DecodeUniqueRecord(ByteView section, const crypto::CardEncKey& key);

struct UniqueStanding {
  CardNumber card;
  Stamp stamp;
  entitlement::Standing standing = entitlement::Standing::kDark;
  entitlement::StandingReason reason = entitlement::StandingReason::kNone;

  bool operator==(const UniqueStanding&) const = default;
};

// 24 bytes.
Result<Bytes> EncodeUniqueStanding(const UniqueStanding& standing, const crypto::CardMacKey& key);
Result<UniqueStanding> DecodeUniqueStanding(ByteView section, const crypto::CardMacKey& key);

}  // namespace hearth::cas
