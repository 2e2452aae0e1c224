#include "tools/receiver/box.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::receiver {
namespace {

constexpr uint64_t kDenySeconds = 60;
constexpr uint8_t kGraceForEver = 255;

bool HearsHome(const Reading& reading, const LocationRules& rules) {
  if (reading.module != Module::kOk || !rules.area_cells) return false;
  return std::any_of(reading.cells.begin(), reading.cells.end(),
                     [&](const HeardCell& heard) { return rules.area_cells->Contains(heard.cell); });
}

bool ServingIsDenied(const Reading& reading, const LocationRules& rules) {
  if (reading.cells.empty()) return false;
  return std::any_of(rules.deny.begin(), rules.deny.end(),
                     [&](const CellSet& list) { return list.Contains(reading.cells.front().cell); });
}

}  // namespace

std::string_view NameOf(Module module) {
  switch (module) {
    case Module::kOk:
      return "ok";
    case Module::kMissing:
      return "missing";
    case Module::kChanged:
      return "changed";
  }
  return "unknown";
}

std::string_view NameOf(Darkness darkness) {
  switch (darkness) {
    case Darkness::kLit:
      return "lit";
    case Darkness::kDenyList:
      return "deny_list";
    case Darkness::kGraceOver:
      return "grace_over";
  }
  return "unknown";
}

Result<Box> Box::Create(BoxState state) {
  if (state.serial.value == 0 || state.serial.value > kMaxBoxSerial) {
    return InvalidField("serial", "16 digits, not all zero");
  }
  if (state.reading && state.reading->cells.size() > Reading::kMaxCells) {
    return InvalidField("reading", "at most 32 cells");
  }
  return Box(std::move(state));
}

Outcome Box::Receive(ByteView section) {
  const Why header = CheckHeader(section);
  if (header != Why::kTaken) return {header, "not a whole section of this suite"};
  if (section[0] != kPairing) return {Why::kNotMine, "not a message for a box"};
  const auto head = DecodePairingHead(section);
  const auto parts = SplitSealed(section);
  if (!head || !parts) return {Why::kMalformed, "the pairing breaks a rule"};
  if (head->box != state_.serial) return {Why::kNotMine, "a pairing of another box"};
  const auto plain = SivOpen(DeriveSivKey(state_.chip_key, "88"), parts->associated, parts->sealed);
  if (!plain) return {Why::kNotAuthentic, "the pairing was not made for this box's chip"};
  if (state_.pairing && head->stamp < state_.pairing->stamp) {
    return {Why::kOldStamp, "a newer pairing was obeyed already"};
  }
  state_.pairing = Pairing{head->card, head->stamp, Key(ByteReader(plain->secret_bytes()).Array<16>())};
  return {Why::kTaken, fmt::format("paired with card {}", ToString(head->card))};
}

void Box::Read(const Reading& reading, uint64_t at, UnixMillis now,
               const std::optional<LocationRules>& rules) {
  at = std::max(at, state_.powered_seconds);
  state_.powered_seconds = at;
  state_.read_at = now;
  state_.reading = reading;
  if (!rules) return;
  if (rules->area.value == 0 || HearsHome(reading, *rules)) {
    state_.darkness = Darkness::kLit;
    state_.denied_since.reset();
    state_.grace_since.reset();
    return;
  }
  const bool denied = ServingIsDenied(reading, *rules);
  if (denied) {
    // The first of them stays the first: readings each 30 s would never be 60 s apart otherwise.
    if (!state_.denied_since) state_.denied_since = at;
    if (at - *state_.denied_since >= kDenySeconds) state_.darkness = Darkness::kDenyList;
  }
  JudgeUnknown(at, *rules, denied);
}

void Box::JudgeUnknown(uint64_t at, const LocationRules& rules, bool denied) {
  if (rules.exempt) {
    state_.grace_since.reset();
    if (state_.darkness == Darkness::kGraceOver) state_.darkness = Darkness::kLit;
    return;
  }
  // Nothing can be unknown while the area's cells are not told yet. A denied reading starts no grace, but one
  // that runs goes on.
  if (!rules.area_cells || (denied && !state_.grace_since)) return;
  if (!state_.grace_since) state_.grace_since = at;
  const uint64_t limit = uint64_t{rules.grace_hours} * 3600;
  if (rules.grace_hours == kGraceForEver || at - *state_.grace_since < limit) return;
  if (state_.darkness == Darkness::kLit) state_.darkness = Darkness::kGraceOver;
}

bool Box::lit(const std::optional<LocationRules>& rules) const {
  if (state_.darkness == Darkness::kGraceOver) return rules && rules->exempt;
  return state_.darkness == Darkness::kLit;
}

Screen Box::DarkScreen() const {
  return Refused("E09", state_.darkness == Darkness::kDenyList
                            ? "The box hears a base station of a place where it may not work."
                            : "The box has not heard a base station of its home for too long.");
}

OpenedWords Box::Open(ByteView ecm, const SealedWords& words, size_t slots) const {
  OpenedWords out;
  const auto head = DecodeEcmHead(ecm);
  if (!state_.pairing || !head || words.card != state_.pairing->card) {
    out.screen = Refused("E14", "The box is not paired with this card.");
    return out;
  }
  ByteWriter associated;
  associated.U8(head->table_id).U16(head->service.value).U32(head->utc).U8(words.flags);
  const auto plain = SivOpen(DeriveSivKey(state_.pairing->key, "cw"), associated.bytes(), words.sealed);
  const bool whole = plain && slots > 0 && (plain->size() == slots * 8 || plain->size() == slots * 16);
  if (!whole) {
    out.screen = Refused("E14", "The box cannot open what the card answers.");
    return out;
  }
  const size_t width = plain->size() / slots;
  for (size_t i = 0; i < slots; ++i) {
    const ByteView word = plain->secret_bytes().subspan(i * width, width);
    const bool granted = (words.flags >> i & 1) != 0;
    out.words.push_back(granted ? std::optional(SecretBytes(Bytes(word.begin(), word.end()))) : std::nullopt);
  }
  return out;
}

}  // namespace hearth::receiver
