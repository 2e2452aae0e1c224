#include "tools/receiver/alert.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/receiver/card.h"
#include "tools/receiver/crypto.h"

namespace hearth::receiver {
namespace {

constexpr std::string_view kLabel = "hearth/1/emergency";
constexpr size_t kSignatureBytes = 64;
constexpr size_t kBeforeRegions = 26;

bool RegionsFit(const std::vector<uint32_t>& regions) {
  if (regions.size() == 1 && regions[0] == 0) return true;
  for (size_t i = 0; i < regions.size(); ++i) {
    if (regions[i] < 100'000 || regions[i] > 999'999) return false;
    if (i > 0 && regions[i] <= regions[i - 1]) return false;
  }
  return true;
}

bool Concerns(const std::vector<uint32_t>& regions, uint32_t division) {
  return std::any_of(regions.begin(), regions.end(), [&](uint32_t region) {
    return region == 0 || (division != 0 && ScopeHolds(region, division));
  });
}

Bytes SignedText(ByteView section) {
  Bytes text(kLabel.begin(), kLabel.end());
  text.insert(text.end(), section.begin(), section.end() - kSignatureBytes);
  return text;
}

}  // namespace

std::string_view KindName(uint8_t kind) {
  constexpr std::string_view kNames[] = {
      "other", "earthquake",         "flood",         "storm",         "landslide",
      "fire",  "hazardous material", "public health", "public safety", "cold and snow"};
  return kind >= 1 && kind <= std::size(kNames) ? kNames[kind - 1] : kNames[0];
}

std::string_view SeverityName(uint8_t severity) {
  constexpr std::string_view kNames[] = {"red", "orange", "yellow", "blue"};
  return kNames[std::clamp<size_t>(severity, 1, std::size(kNames)) - 1];
}

std::string AlarmText(const Alert& alert) {
  constexpr std::string_view kGrades[] = {"I", "II", "III", "IV"};
  std::string text = fmt::format(
      "{}: {}, {} ({}), until {}", alert.drill ? "DRILL (演练)" : "ALARM", KindName(alert.kind),
      SeverityName(alert.severity), kGrades[std::clamp<size_t>(alert.severity, 1, std::size(kGrades)) - 1],
      ToString(UnixMillis((static_cast<int64_t>(alert.end()) + kEpoch2024Seconds) * 1000)));
  if (alert.service[2] != 0) text += fmt::format(", tune to {}", fmt::join(alert.service, "."));
  return text;
}

std::optional<EmergencyMessage> DecodeEmergency(ByteView section) {
  if (section.size() < kBeforeRegions + 3 + kSignatureBytes) return std::nullopt;
  ByteReader in(section);
  in.Take(4);
  EmergencyMessage message;
  Alert& alert = message.alert;
  message.key_id = in.U8();
  alert.number = in.U16();
  alert.stamp = Stamp(in.U40());
  alert.start = in.U32();
  alert.minutes = in.U16();
  alert.kind = in.U8();
  const unsigned flags = in.U8();
  alert.drill = (flags & 0x80) != 0;
  alert.cancelled = (flags & 0x40) != 0;
  alert.severity = flags & 7;
  for (uint16_t& part : alert.service) part = in.U16();
  while (in.remaining() >= kSignatureBytes + 3) message.regions.push_back(in.U24());
  message.signature = in.Rest();
  const bool pointer_fits = alert.service[2] != 0 || (alert.service[0] == 0 && alert.service[1] == 0);
  const bool good = message.signature.size() == kSignatureBytes && message.key_id != 0 &&
                    alert.minutes != 0 && alert.kind != 0 && (flags & 0x38) == 0 && alert.severity >= 1 &&
                    alert.severity <= 4 && pointer_fits && message.regions.size() <= 31 &&
                    RegionsFit(message.regions);
  if (!good) return std::nullopt;
  return message;
}

Outcome ReceiveEmergency(ByteView section, uint32_t division, uint32_t now, AlertState* state) {
  const Why header = CheckHeader(section);
  if (header != Why::kTaken) return {header, "not a whole section of this suite"};
  const auto message = DecodeEmergency(section);
  if (!message) return {Why::kMalformed, "the emergency message breaks a rule"};
  const auto key = state->keys.find(message->key_id);
  if (key == state->keys.end() || message->key_id < state->lowest_key) {
    return {Why::kNoKey, fmt::format("emergency key {} is not believed", message->key_id)};
  }
  if (!VerifyEd25519(key->second, SignedText(section), message->signature)) {
    return {Why::kNotAuthentic, "the emergency message was not signed by the head-end"};
  }
  if (message->key_id > state->lowest_key) {
    state->lowest_key = message->key_id;
    state->held.clear();
    state->clock = 0;
  }
  state->clock = std::max(state->clock, static_cast<uint32_t>(message->alert.stamp.value >> 8));

  now = std::max(now, state->clock);
  std::erase_if(state->held, [&](const auto& held) { return held.second.end() <= now; });
  const Alert& alert = message->alert;
  if (alert.end() <= now) return {Why::kOver, fmt::format("alert {} is over", alert.number)};
  const auto held = state->held.find(alert.number);
  if (held != state->held.end() && alert.stamp < held->second.stamp) {
    return {Why::kOldStamp, "a newer state of this alert was obeyed already"};
  }
  if (held == state->held.end()) {
    if (!Concerns(message->regions, division)) return {Why::kNotMine, "an alert of other regions"};
    if (state->held.size() >= AlertState::kRoom) return {Why::kFull, "no room for another alert"};
  }
  state->held[alert.number] = alert;
  return {Why::kTaken, fmt::format("alert {}{}", alert.number, alert.cancelled ? " is cancelled" : "")};
}

std::vector<Alert> AlarmsAt(const AlertState& state, uint32_t now) {
  now = std::max(now, state.clock);
  std::vector<Alert> alarms;
  for (const auto& [number, alert] : state.held) {
    if (!alert.cancelled && alert.start <= now && now < alert.end()) alarms.push_back(alert);
  }
  const auto rank = [](const Alert& a) { return std::tuple(a.drill, a.severity, ~a.stamp.value); };
  std::sort(alarms.begin(), alarms.end(), [&](const Alert& a, const Alert& b) { return rank(a) < rank(b); });
  return alarms;
}

}  // namespace hearth::receiver
