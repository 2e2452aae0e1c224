// The bytes of a row, big-endian:
//
//   row  = cell key 11 (geofence::CellKey) ‖ kind 1 ‖ longitude 4 ‖ latitude 4 ‖ range 4 ‖ samples 4 ‖
//   updated 4 kind = bits 1-0: source, 1 crowd, 2 field collector, 3 operator of the network
//          bit 2: there is a position; bit 3: a range; bit 4: samples; bit 5: a time; bits 7-6: 0
//
//   longitude, latitude   degrees × 10,000,000, two's complement
//   range                 metres
//   updated               seconds since 1970, not 0 when there is one
//
// What is not there is 0. A row of other bytes is none: so each row has exactly one form, and rows are
// compared as bytes.
#include "src/survey/row.h"

#include <cstring>

#include "src/survey/big_endian.h"

namespace hearth::survey {
namespace {

constexpr size_t kKeyBytes = 11;
constexpr uint8_t kHasPosition = 4;
constexpr uint8_t kHasRange = 8;
constexpr uint8_t kHasSamples = 16;
constexpr uint8_t kHasUpdated = 32;
constexpr uint8_t kReserved = 0xC0;
constexpr size_t kLongitude = 12;
constexpr size_t kLatitude = 16;
constexpr size_t kRange = 20;
constexpr size_t kSamples = 24;
constexpr size_t kUpdated = 28;

// The cell of a key whose bits may say anything; compare UnpackCell.
geofence::Cell CellOf(const PackedRow& row) {
  const uint64_t high = row.high();  // 4 zero, radio 3, MCC 10, MNC 10, flag 1, area 24, upper 12 of the cell
  return {.radio = static_cast<geofence::Radio>(high >> 57 & 0x7),
          .mcc = static_cast<uint16_t>(high >> 47 & 0x3FF),
          .mnc = static_cast<uint16_t>(high >> 37 & 0x3FF),
          .mnc_digits = static_cast<uint8_t>((high >> 36 & 1) != 0 ? 3 : 2),
          .area = static_cast<uint32_t>(high >> 12 & 0xFFFFFF),
          .cell = (high & 0xFFF) << 24 | row.low()};
}

}  // namespace

std::string_view NameOf(Source source) {
  switch (source) {
    case Source::kCrowd:
      return "CROWD";
    case Source::kCollector:
      return "COLLECTOR";
    case Source::kTelco:
      return "TELCO";
  }
  return "UNKNOWN";
}

uint64_t PackedRow::high() const { return Load64(bytes.data()); }
uint32_t PackedRow::low() const { return Load32(bytes.data() + 8) >> 8; }
uint32_t PackedRow::updated() const { return Load32(bytes.data() + kUpdated); }

geofence::Position PackedRow::position() const {
  return {.latitude_e7 = static_cast<int32_t>(Load32(bytes.data() + kLatitude)),
          .longitude_e7 = static_cast<int32_t>(Load32(bytes.data() + kLongitude))};
}

PackedRow Pack(const Row& row) {
  PackedRow out;
  const geofence::CellKey key = geofence::PackCell(row.cell);
  std::memcpy(out.bytes.data(), key.data(), key.size());
  uint8_t kind = static_cast<uint8_t>(row.source);
  if (row.position) {
    kind |= kHasPosition;
    Store32(out.bytes.data() + kLongitude, static_cast<uint32_t>(row.position->longitude_e7));
    Store32(out.bytes.data() + kLatitude, static_cast<uint32_t>(row.position->latitude_e7));
  }
  if (row.range_m) {
    kind |= kHasRange;
    Store32(out.bytes.data() + kRange, *row.range_m);
  }
  if (row.samples) {
    kind |= kHasSamples;
    Store32(out.bytes.data() + kSamples, *row.samples);
  }
  if (row.updated.value_or(0) != 0) {
    kind |= kHasUpdated;
    Store32(out.bytes.data() + kUpdated, *row.updated);
  }
  out.bytes[kKeyBytes] = kind;
  return out;
}

bool IsRow(const PackedRow& row) {
  const uint8_t kind = row.bytes[kKeyBytes];
  const uint8_t* at = row.bytes.data();
  const auto absent_is_zero = [&](uint8_t flag, size_t field) {
    return (kind & flag) != 0 || Load32(at + field) == 0;
  };
  return (kind & 3) != 0 && (kind & kReserved) == 0 && (row.bytes[0] & 0xF0) == 0 &&
         geofence::InRange(CellOf(row)) && absent_is_zero(kHasPosition, kLongitude) &&
         absent_is_zero(kHasPosition, kLatitude) && absent_is_zero(kHasRange, kRange) &&
         absent_is_zero(kHasSamples, kSamples) &&
         ((kind & kHasUpdated) != 0) == (Load32(at + kUpdated) != 0) &&
         ((kind & kHasPosition) == 0 || geofence::InRange(row.position()));
}

Result<Row> Unpack(ByteView bytes) {
  PackedRow packed;
  if (bytes.size() != kRowBytes) return InvalidField("row", "32 bytes");
  std::memcpy(packed.bytes.data(), bytes.data(), kRowBytes);
  if (!IsRow(packed))
    return InvalidField("row", "a cell in range with its source, and 0 for what is not known");
  const uint8_t kind = packed.bytes[kKeyBytes];
  Row row{.cell = CellOf(packed), .source = packed.source()};
  if ((kind & kHasPosition) != 0) row.position = packed.position();
  if ((kind & kHasRange) != 0) row.range_m = Load32(bytes.data() + kRange);
  if ((kind & kHasSamples) != 0) row.samples = Load32(bytes.data() + kSamples);
  if ((kind & kHasUpdated) != 0) row.updated = packed.updated();
  return row;
}

Effect EffectOf(const PackedRow& present, const PackedRow& offered) {
  if (offered.source() != present.source()) {
    return offered.source() < present.source() ? Effect::kLower : Effect::kChanged;
  }
  if (offered == present) return Effect::kUnchanged;
  return offered.updated() < present.updated() ? Effect::kOlder : Effect::kChanged;
}

void Sum64::Add(ByteView bytes) {
  uint64_t sum = value_;
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    sum = (sum ^ Load64(bytes.data() + at)) * 0x9E3779B97F4A7C15ULL;
    sum ^= sum >> 32;
  }
  value_ = sum;
}

uint64_t SumOf(ByteView bytes) {
  Sum64 sum;
  sum.Add(bytes);
  return sum.value();
}

}  // namespace hearth::survey
