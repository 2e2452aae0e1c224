#include "src/records/check.h"

#include <limits>

#include <fmt/format.h>
#include <google/protobuf/message_lite.h>

namespace hearth::records {

void Checker::Parse(std::string_view bytes, google::protobuf::MessageLite& message) {
  const bool fits = bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
  Require(fits && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), "bytes",
          "a protobuf message of its type");
}

void Checker::Require(bool holds, std::string_view field, std::string_view rule) {
  if (!holds && !fault_) fault_ = fmt::format("{}: {} is not {}", kind_, field, rule);
}

uint64_t Checker::Range(uint64_t value, uint64_t low, uint64_t high, std::string_view field) {
  if (value >= low && value <= high) return value;
  if (!fault_) fault_ = fmt::format("{}: {} is {}, not {} to {}", kind_, field, value, low, high);
  return low;
}

int8_t Checker::I8(int64_t value, std::string_view field) {
  const bool fits =
      value >= std::numeric_limits<int8_t>::min() && value <= std::numeric_limits<int8_t>::max();
  Require(fits, field, "-128 to 127");
  return fits ? static_cast<int8_t>(value) : int8_t{0};
}

RegionCode Checker::Division(uint64_t value, std::string_view field) {
  const size_t digits = ToString(RegionCode(value)).size();
  Require(digits == 2 || digits == 4 || digits == 6 || digits == 9 || digits == 12, field,
          "a code of 2, 4, 6, 9 or 12 digits");
  return RegionCode(value);
}

RegionCode Checker::MaybeVillage(uint64_t value, std::string_view field) {
  if (value == 0) return RegionCode(0);
  return RegionCode(Range(value, 100'000'000'000, 999'999'999'999, field));
}

RequestId Checker::MaybeRequestId(std::string_view bytes, std::string_view field) {
  if (bytes.empty()) return {};
  const auto raw = Array<16>(bytes, field);
  ByteReader reader(raw);
  const UnixMillis time(static_cast<int64_t>(reader.U(6)));
  const RequestId id = RequestId::FromParts(time, reader.Array<10>());
  Require(id.bytes() == raw, field, "a UUID version 7");
  return id;
}

geofence::Cell Checker::Cell(std::string_view bytes, std::string_view field) {
  const Result<geofence::Cell> cell = geofence::UnpackCell(AsBytes(bytes));
  Require(cell.has_value(), field, "a packed cell");
  return cell.value_or(geofence::Cell{});
}

Error Checker::Corrupt() const {
  return Error(Reason::kStoreCorrupt, fmt::format("a stored {} is damaged", kind_)).Detail(*fault_);
}

}  // namespace hearth::records
