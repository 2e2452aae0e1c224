// Strong types for everything people confuse: numbers on cards, boxes, SIMs, divisions, areas, groups,
// packages, services, epochs, stamps, times. Parsing is strict; printing gives back what was parsed.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "src/base/status.h"

namespace hearth {

// An integer that is only comparable with its own kind. Tag is any (incomplete) struct.
template <typename Tag, typename T>
struct StrongInt {
  using Rep = T;
  T value{};

  constexpr StrongInt() = default;
  constexpr explicit StrongInt(T v) : value(v) {}
  constexpr auto operator<=>(const StrongInt&) const = default;
};

// 12 decimal digits as printed on the card (leading zeros count); 5 bytes on the air.
using CardNumber = StrongInt<struct CardNumberTag, uint64_t>;
// 16 decimal digits as printed on the box; 7 bytes on the air.
using BoxSerial = StrongInt<struct BoxSerialTag, uint64_t>;
// 11 decimal digits: the phone number of the SIM in the box.
using SimNumber = StrongInt<struct SimNumberTag, uint64_t>;
// Administrative division (行政区划代码): 2 digits province, 4 prefecture, 6 county, 9 township, 12 village.
using RegionCode = StrongInt<struct RegionCodeTag, uint64_t>;
// Service area or deny list: 6-digit division code × 1000 + serial 1 to 999; 4 bytes on the air.
using AreaId = StrongInt<struct AreaIdTag, uint32_t>;
// Group of up to 256 cards; 3 bytes on the air; 0 means none.
using GroupId = StrongInt<struct GroupIdTag, uint32_t>;
// Package of services of one province; 0 means none.
using PackageId = StrongInt<struct PackageIdTag, uint16_t>;
// A broadcast service (channel), site-wide; also the ECM_id.
using ServiceId = StrongInt<struct ServiceIdTag, uint16_t>;
// Key epoch, compared by serial number arithmetic (RFC 1982): see EpochNewer.
using Epoch = StrongInt<struct EpochTag, uint16_t>;
// Order of messages of one subject: 40 bits, seconds since 2024-01-01T00:00:00Z << 8 | counter.
using Stamp = StrongInt<struct StampTag, uint64_t>;
// Personalisation batch of cards, 16 bits.
using BatchId = StrongInt<struct BatchIdTag, uint16_t>;

// Milliseconds since 1970-01-01T00:00:00Z.
using UnixMillis = StrongInt<struct UnixMillisTag, int64_t>;

inline constexpr int64_t kEpoch2024Seconds = 1704067200;  // 2024-01-01T00:00:00Z
inline constexpr uint64_t kMaxCardNumber = 999'999'999'999;
inline constexpr uint64_t kMaxBoxSerial = 9'999'999'999'999'999;

// Seconds since 2024-01-01T00:00:00Z, not below 0, at most 2^32 - 1: the time field of messages.
uint32_t MessageSeconds(UnixMillis time);
// The second of a stamp.
constexpr UnixMillis TimeOf(Stamp stamp) {
  return UnixMillis((static_cast<int64_t>(stamp.value >> 8) + kEpoch2024Seconds) * 1000);
}
// Days since 2024-01-01, at most 65534: the day fields of messages (65535 means without end).
uint16_t MessageDay(UnixMillis time);
inline constexpr uint16_t kNoExpiryDay = 0xFFFF;

// True when a comes after b within half the number space.
constexpr bool EpochNewer(Epoch a, Epoch b) {
  return a != b && static_cast<uint16_t>(a.value - b.value) < 0x8000;
}
constexpr Epoch NextEpoch(Epoch e) { return Epoch(static_cast<uint16_t>(e.value + 1)); }
constexpr Epoch PreviousEpoch(Epoch e) { return Epoch(static_cast<uint16_t>(e.value - 1)); }

// Each parser takes exactly the digits described above; FIELD_INVALID names `field`.
Result<CardNumber> ParseCardNumber(std::string_view text, std::string_view field = "card_number");
Result<BoxSerial> ParseBoxSerial(std::string_view text, std::string_view field = "box_serial");
Result<SimNumber> ParseSimNumber(std::string_view text, std::string_view field = "sim_number");
Result<RegionCode> ParseRegionCode(std::string_view text, std::string_view field = "region");
Result<AreaId> ParseAreaId(std::string_view text, std::string_view field = "area_id");

std::string ToString(CardNumber card);
std::string ToString(BoxSerial box);
std::string ToString(SimNumber sim);
std::string ToString(RegionCode region);
std::string ToString(AreaId area);

// A person's 18-character identity number (GB 11643): digits, last may be X, with its check digit.
Status CheckPersonId(std::string_view text, std::string_view field = "person_id");

enum class RegionLevel : uint8_t {
  kProvince = 2,
  kPrefecture = 4,
  kCounty = 6,
  kTownship = 9,
  kVillage = 12
};
// Level by number of digits; a RegionCode made by ParseRegionCode always has one.
RegionLevel LevelOf(RegionCode region);
// The division of `level` that contains `region` (or region itself); region must be at or below the level.
RegionCode Ancestor(RegionCode region, RegionLevel level);
// True when `outer` is `inner` or contains it.
bool Contains(RegionCode outer, RegionCode inner);
// The 6-digit division in an AreaId: a county code, or a shorter one filled with zeros (640100, 640000).
uint32_t AreaDivision(AreaId area);
// True when the division of `scope` (zeros at the right: 640100, 640000, 0 = everywhere) contains `county`.
bool DivisionContains(uint32_t scope, uint32_t county);

// RFC 3339 in UTC: "2026-11-23T04:50:12.345Z"; outside the years 0 to 9999 "N ms since 1970".
std::string ToString(UnixMillis time);
// Accepts RFC 3339 with Z or an offset, with or without fraction.
Result<UnixMillis> ParseTime(std::string_view text, std::string_view field = "time");

// UUID version 7 (RFC 9562): names a request for deduplication; its time is part of the key.
class RequestId {
 public:
  RequestId() = default;
  // REQUEST_ID_INVALID unless it is a UUIDv7 in the 8-4-4-4-12 form.
  static Result<RequestId> Parse(std::string_view text);
  static RequestId FromParts(UnixMillis time, const std::array<uint8_t, 10>& random);
  // A request id derived from this one for row `row` of a bulk call: same time, stable.
  RequestId ForRow(uint64_t row) const;

  UnixMillis time() const;
  std::string ToString() const;
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  auto operator<=>(const RequestId&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

}  // namespace hearth

template <typename Tag, typename T>
struct std::hash<hearth::StrongInt<Tag, T>> {
  size_t operator()(const hearth::StrongInt<Tag, T>& v) const noexcept { return std::hash<T>{}(v.value); }
};
