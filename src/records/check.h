// Inside src/records: from the numbers and bytes of a parsed record to checked values.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "entitlement/group.h"
#include "geofence/cell.h"
#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"
#include "src/records/known.h"

namespace google::protobuf {
class MessageLite;
}

namespace hearth::records {

// The largest value of each kind of number, where it is less than its integer type holds.
template <typename Id>
inline constexpr uint64_t kLargest = std::numeric_limits<typename Id::Rep>::max();
template <>
inline constexpr uint64_t kLargest<CardNumber> = kMaxCardNumber;
template <>
inline constexpr uint64_t kLargest<BoxSerial> = kMaxBoxSerial;
template <>
inline constexpr uint64_t kLargest<SimNumber> = 99'999'999'999;
template <>
inline constexpr uint64_t kLargest<AreaId> = 999'999'999;
template <>
inline constexpr uint64_t kLargest<GroupId> = entitlement::kMaxGroupId;
template <>
inline constexpr uint64_t kLargest<Stamp> = 0xFF'FFFF'FFFF;

// Reads one record. Each function gives the value, or a default value and notes what was wrong; the first
// fault is kept and Give reports it, so that readers need no branch per field. One thread, one record.
class Checker {
 public:
  // `kind`: what the record is, for the message ("account"); must outlive the checker.
  explicit Checker(std::string_view kind) : kind_(kind) {}

  void Parse(std::string_view bytes, google::protobuf::MessageLite& message);

  void Require(bool holds, std::string_view field, std::string_view rule);
  uint64_t Range(uint64_t value, uint64_t low, uint64_t high, std::string_view field);
  uint8_t U8(uint64_t value, std::string_view field) {
    return static_cast<uint8_t>(Range(value, 0, 0xFF, field));
  }
  uint16_t U16(uint64_t value, std::string_view field) {
    return static_cast<uint16_t>(Range(value, 0, 0xFFFF, field));
  }
  int8_t I8(int64_t value, std::string_view field);

  // A number that may be 0 for "none".
  template <typename Id>
  Id MaybeId(uint64_t value, std::string_view field) {
    return Id(static_cast<typename Id::Rep>(Range(value, 0, kLargest<Id>, field)));
  }
  // A number that names the object or what it is about: never 0.
  template <typename Id>
  Id NeedId(uint64_t value, std::string_view field) {
    return Id(static_cast<typename Id::Rep>(Range(value, 1, kLargest<Id>, field)));
  }
  // 2, 4, 6, 9 or 12 digits.
  RegionCode Division(uint64_t value, std::string_view field);
  // 12 digits, or 0.
  RegionCode MaybeVillage(uint64_t value, std::string_view field);

  template <typename E>
  E Enum(uint64_t value, std::string_view field) {
    const E out = static_cast<E>(Range(value, 0, 0xFF, field));
    Require(Known(out), field, "a value that has a name");
    return out;
  }

  template <size_t N>
  std::array<uint8_t, N> Array(std::string_view bytes, std::string_view field) {
    std::array<uint8_t, N> out{};
    Require(bytes.size() == N, field, "of its fixed length");
    if (bytes.size() != N) return out;
    for (size_t i = 0; i < N; ++i) out[i] = static_cast<uint8_t>(bytes[i]);
    return out;
  }
  // 16 bytes of a UUID version 7, or none for the null id.
  RequestId MaybeRequestId(std::string_view bytes, std::string_view field);
  geofence::Cell Cell(std::string_view bytes, std::string_view field);

  // The value, or STORE_CORRUPT.
  template <typename T>
  Result<T> Give(T value) const {
    if (fault_) return Corrupt();
    return value;
  }

 private:
  Error Corrupt() const;

  std::string_view kind_;
  std::optional<std::string> fault_;
};

}  // namespace hearth::records
