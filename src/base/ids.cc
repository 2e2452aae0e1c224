#include "src/base/ids.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "src/base/hex_digit.h"

namespace hearth {
namespace {

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// `text` holds at most 18 digits.
uint64_t DigitsValue(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Result<uint64_t> ParseDigits(std::string_view text, size_t digits, std::string_view field) {
  if (text.empty()) return MissingField(std::string(field), fmt::format("{} digits", digits));
  if (text.size() != digits || !AllDigits(text)) {
    return InvalidField(std::string(field),
                        fmt::format("exactly {} digits, not \"{}\"", digits, text.substr(0, 40)));
  }
  return DigitsValue(text);
}

template <typename Id>
Result<Id> ParseId(std::string_view text, size_t digits, std::string_view field) {
  HEARTH_ASSIGN_OR_RETURN(const uint64_t value, ParseDigits(text, digits, field));
  return Id(static_cast<typename Id::Rep>(value));
}

constexpr uint64_t Pow10(int n) {
  uint64_t p = 1;
  while (n-- > 0) p *= 10;
  return p;
}

int DigitCount(uint64_t value) {
  int digits = 1;
  while (value >= 10) {
    value /= 10;
    ++digits;
  }
  return digits;
}

}  // namespace

uint32_t MessageSeconds(UnixMillis time) {
  const int64_t seconds = time.value / 1000 - kEpoch2024Seconds;
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, UINT32_MAX));
}

uint16_t MessageDay(UnixMillis time) {
  return static_cast<uint16_t>(std::min<uint32_t>(MessageSeconds(time) / 86400, 65534));
}

Result<CardNumber> ParseCardNumber(std::string_view text, std::string_view field) {
  return ParseId<CardNumber>(text, 12, field);
}
Result<BoxSerial> ParseBoxSerial(std::string_view text, std::string_view field) {
  return ParseId<BoxSerial>(text, 16, field);
}
Result<SimNumber> ParseSimNumber(std::string_view text, std::string_view field) {
  HEARTH_ASSIGN_OR_RETURN(const uint64_t value, ParseDigits(text, 11, field));
  if (value < 10'000'000'000) return InvalidField(std::string(field), "11 digits beginning with 1 to 9");
  return SimNumber(value);
}

Result<RegionCode> ParseRegionCode(std::string_view text, std::string_view field) {
  if (text.empty()) return MissingField(std::string(field), "a division code");
  const bool length_ok =
      text.size() == 2 || text.size() == 4 || text.size() == 6 || text.size() == 9 || text.size() == 12;
  if (!length_ok || !AllDigits(text) || text[0] == '0') {
    return InvalidField(
        std::string(field),
        fmt::format("a division code of 2, 4, 6, 9 or 12 digits, not \"{}\"", text.substr(0, 40)));
  }
  return RegionCode(DigitsValue(text));
}

Result<AreaId> ParseAreaId(std::string_view text, std::string_view field) {
  HEARTH_ASSIGN_OR_RETURN(const uint64_t value, ParseDigits(text, 9, field));
  if (value < 100'000'000 || value % 1000 == 0) {
    return InvalidField(std::string(field), "a 6-digit division code followed by a serial 001 to 999");
  }
  return AreaId(static_cast<uint32_t>(value));
}

std::string ToString(CardNumber card) { return fmt::format("{:012}", card.value); }
std::string ToString(BoxSerial box) { return fmt::format("{:016}", box.value); }
std::string ToString(SimNumber sim) { return fmt::format("{:011}", sim.value); }
std::string ToString(RegionCode region) { return fmt::format("{}", region.value); }
std::string ToString(AreaId area) { return fmt::format("{:09}", area.value); }

Status CheckPersonId(std::string_view text, std::string_view field) {
  constexpr int kWeights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  constexpr char kCheck[] = "10X98765432";
  if (text.size() != 18 || !AllDigits(text.substr(0, 17))) {
    return InvalidField(std::string(field), "18 characters: 17 digits and a check character");
  }
  int sum = 0;
  for (size_t i = 0; i < 17; ++i) sum += (text[i] - '0') * kWeights[i];
  const char last = text[17] == 'x' ? 'X' : text[17];
  if (last != kCheck[sum % 11]) {
    return InvalidField(std::string(field), "the check character does not match (GB 11643)");
  }
  return Ok();
}

RegionLevel LevelOf(RegionCode region) {
  const int digits = DigitCount(region.value);
  if (digits <= 2) return RegionLevel::kProvince;
  if (digits <= 4) return RegionLevel::kPrefecture;
  if (digits <= 6) return RegionLevel::kCounty;
  if (digits <= 9) return RegionLevel::kTownship;
  return RegionLevel::kVillage;
}

RegionCode Ancestor(RegionCode region, RegionLevel level) {
  const int drop = static_cast<int>(LevelOf(region)) - static_cast<int>(level);
  return drop <= 0 ? region : RegionCode(region.value / Pow10(drop));
}

bool Contains(RegionCode outer, RegionCode inner) {
  return LevelOf(outer) <= LevelOf(inner) && Ancestor(inner, LevelOf(outer)) == outer;
}

uint32_t AreaDivision(AreaId area) { return area.value / 1000; }

bool DivisionContains(uint32_t scope, uint32_t county) {
  if (scope == 0) return true;
  if (scope % 10000 == 0) return county / 10000 == scope / 10000;
  if (scope % 100 == 0) return county / 100 == scope / 100;
  return county == scope;
}

std::string ToString(UnixMillis time) {
  using std::chrono::floor;
  constexpr int64_t kYear0 = -62'167'219'200'000;
  constexpr int64_t kYear10000 = 253'402'300'800'000;
  if (time.value < kYear0 || time.value >= kYear10000) return fmt::format("{} ms since 1970", time.value);
  const std::chrono::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds(time.value)};
  const auto day = floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const int64_t of_day = (point - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     of_day / 3'600'000, of_day / 60'000 % 60, of_day / 1000 % 60, of_day % 1000);
}

Result<UnixMillis> ParseTime(std::string_view text, std::string_view field) {
  const auto bad = [&] {
    return InvalidField(std::string(field),
                        fmt::format("a time like 2026-11-23T04:50:12Z, not \"{}\"", text.substr(0, 40)));
  };
  const auto number = [&](size_t at, size_t width, int max) -> int {
    if (text.size() < at + width || !AllDigits(text.substr(at, width))) return -1;
    const auto value = static_cast<int>(DigitsValue(text.substr(at, width)));
    return value <= max ? value : -1;
  };
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') ||
      text[13] != ':' || text[16] != ':') {
    return bad();
  }
  const int year = number(0, 4, 9999);
  const int month = number(5, 2, 12);
  const int day = number(8, 2, 31);
  const int hour = number(11, 2, 23);
  const int minute = number(14, 2, 59);
  const int second = number(17, 2, 59);
  if (year < 1970 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0) return bad();
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return bad();
  size_t at = 19;
  int64_t millis = 0;
  if (text[at] == '.') {
    size_t digits = 0;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      if (digits < 3) millis = millis * 10 + (text[at] - '0');
    }
    if (digits == 0 || digits > 9) return bad();
    for (; digits < 3; ++digits) millis *= 10;
  }
  int64_t offset_minutes = 0;
  if (at + 1 == text.size() && text[at] == 'Z') {
    offset_minutes = 0;
  } else if (at + 6 == text.size() && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
    const int h = number(at + 1, 2, 23);
    const int m = number(at + 4, 2, 59);
    if (h < 0 || m < 0) return bad();
    offset_minutes = (text[at] == '+' ? 1 : -1) * (h * 60 + m);
  } else {
    return bad();
  }
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return UnixMillis((((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second) * 1000 + millis);
}

Result<RequestId> RequestId::Parse(std::string_view text) {
  const auto bad = [&] {
    return Error(Reason::kRequestIdInvalid, fmt::format("\"{}\" is no UUID version 7", text.substr(0, 40)))
        .Field("request_id", "a UUID version 7 in the 8-4-4-4-12 form");
  };
  if (text.size() != 36) return Error(bad());
  RequestId id;
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return Error(bad());
      continue;
    }
    const int digit = HexDigit(text[i]);
    if (digit < 0) return Error(bad());
    id.bytes_[nibble / 2] = static_cast<uint8_t>(id.bytes_[nibble / 2] << 4 | digit);
    ++nibble;
  }
  if (id.bytes_[6] >> 4 != 7 || id.bytes_[8] >> 6 != 2) return Error(bad());
  return id;
}

RequestId RequestId::FromParts(UnixMillis time, const std::array<uint8_t, 10>& random) {
  RequestId id;
  for (size_t i = 0; i < 6; ++i) {
    id.bytes_[i] = static_cast<uint8_t>(static_cast<uint64_t>(time.value) >> (8 * (5 - i)));
  }
  for (size_t i = 0; i < random.size(); ++i) id.bytes_[6 + i] = random[i];
  id.bytes_[6] = static_cast<uint8_t>((id.bytes_[6] & 0x0F) | 0x70);
  id.bytes_[8] = static_cast<uint8_t>((id.bytes_[8] & 0x3F) | 0x80);
  return id;
}

RequestId RequestId::ForRow(uint64_t row) const {
  // The row is mixed into the random tail with an odd multiplier, so ids of one call never meet and
  // ids of two calls meet no more often than their random parts do.
  RequestId id = *this;
  const uint64_t mixed = (row + 1) * 0x9E3779B97F4A7C15ULL;
  for (size_t i = 0; i < 7; ++i) {
    id.bytes_[9 + i] = static_cast<uint8_t>(id.bytes_[9 + i] ^ static_cast<uint8_t>(mixed >> (8 * i)));
  }
  return id;
}

UnixMillis RequestId::time() const {
  uint64_t ms = 0;
  for (size_t i = 0; i < 6; ++i) ms = ms << 8 | bytes_[i];
  return UnixMillis(static_cast<int64_t>(ms));
}

std::string RequestId::ToString() const {
  std::string out;
  for (size_t i = 0; i < bytes_.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    out += fmt::format("{:02x}", bytes_[i]);
  }
  return out;
}

}  // namespace hearth
