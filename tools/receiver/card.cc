#include "tools/receiver/card.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::receiver {
namespace {

Outcome Taken(std::string what) { return {Why::kTaken, std::move(what)}; }
Outcome Ignored(Why why, std::string what) { return {why, std::move(what)}; }

Outcome OldStamp(std::string_view subject) {
  return Ignored(Why::kOldStamp, fmt::format("a newer message about {} was obeyed already", subject));
}

Status CheckTable(const std::pair<TableKind, AreaId>& key, const TableSlot& slot) {
  const bool kind_ok = key.first == TableKind::kArea || key.first == TableKind::kDeny;
  const bool table_ok = !slot.table || (slot.table->cells.width >= 3 && slot.table->cells.width <= 8 &&
                                        slot.table->cells.hashes.size() % slot.table->cells.width == 0);
  const bool parts_ok =
      !slot.collecting || (!slot.collecting->parts.empty() && slot.collecting->parts.size() <= 255 &&
                           slot.collecting->width >= 3 && slot.collecting->width <= 8);
  if (!kind_ok || !table_ok || !parts_ok) return InvalidField("table", "whole hashes of 3 to 8 bytes");
  return Ok();
}

}  // namespace

bool SerialNewer(uint16_t a, uint16_t b) {
  const auto ahead = static_cast<uint16_t>(a - b);
  return ahead > 0 && ahead < 32768;
}

bool ScopeHolds(uint32_t scope, uint32_t division) {
  // Divisions nest by pairs of digits: province, prefecture, county. Zero pairs at the right say nothing.
  uint32_t unit = 1;
  while (unit < 1'000'000 && scope / unit % 100 == 0) unit *= 100;
  return scope / unit == division / unit;
}

Screen Refused(std::string_view code, std::string_view sentence) {
  return {std::string(code), std::string(sentence)};
}

Card::Card(CardState state, const CardLimits& limits)
    : state_(std::move(state)),
      limits_(limits),
      record_key_(DeriveSivKey(Kdf(state_.card_key, "hearth/1/card-enc", {}), "82")),
      mac_key_(Kdf(state_.card_key, "hearth/1/card-mac", {})),
      report_key_(Kdf(state_.card_key, "hearth/1/card-report", {})),
      pair_key_(Kdf(state_.card_key, "hearth/1/card-pair", {})) {}

Card Card::Personalised(CardNumber number, const Key& card_key) {
  CardState state;
  state.number = number;
  state.card_key = card_key;
  return Card(std::move(state), CardLimits());
}

Result<Card> Card::Create(CardState state, const CardLimits& limits) {
  if (state.number.value > kMaxCardNumber) return InvalidField("number", "12 digits");
  for (const auto& [key, slot] : state.tables) HEARTH_RETURN_IF_ERROR(CheckTable(key, slot));
  return Card(std::move(state), limits);
}

BoxSerial Card::box() const { return state_.record ? state_.record->box : BoxSerial(); }

Outcome Card::Receive(ByteView section) {
  const Why header = CheckHeader(section);
  if (header != Why::kTaken) return Ignored(header, "not a whole section of this suite");
  switch (section[0]) {
    case kRecord:
      return ReceiveRecord(section);
    case kStanding:
      return ReceiveStanding(section);
    case kGroup:
      return ReceiveGroup(section);
    case kServiceKeys:
      return ReceiveServiceKeys(section);
    case kTable:
      return ReceiveTable(section);
    default:
      return Ignored(Why::kNotMine, "not a message for a card's memory");
  }
}

Outcome Card::ReceiveRecord(ByteView section) {
  if (AddressedCard(section) != state_.number) return Ignored(Why::kNotMine, "a record of another card");
  const auto parts = SplitSealed(section);
  if (!parts) return Ignored(Why::kMalformed, "the record is too short");
  const auto plain = SivOpen(record_key_, parts->associated, parts->sealed);
  if (!plain) return Ignored(Why::kNotAuthentic, "the record is not from this card's head-end");
  auto record = DecodeRecord(plain->secret_bytes());
  if (!record) return Ignored(Why::kMalformed, "the record breaks a rule");
  const Stamp stamp(ByteReader(section.subspan(9)).U40());
  if (stamp < state_.record_stamp) return OldStamp("the record");

  state_.record = std::move(*record);
  state_.record_stamp = stamp;
  const bool with_standing = TakeStanding(state_.record->standing, stamp);
  ForgetForeignTables();
  return Taken(fmt::format("record: standing {} ({}){}, box {}, area {}", NameOf(state_.standing.standing),
                           NameOf(state_.standing.reason), with_standing ? "" : " kept as newer",
                           ToString(state_.record->box), ToString(state_.record->area)));
}

// A bitmap says on or off and no more: where it came before the unique message that it agrees with, why the
// card is dark, or that it is exempt, is still to be learnt from that.
bool Card::TakeStanding(const StandingPair& standing, Stamp stamp) {
  const auto is_dark = [](const StandingPair& pair) { return pair.standing == Standing::kDark; };
  const bool newest = stamp >= state_.standing_stamp;
  const bool agrees = stamp >= state_.said_stamp && is_dark(standing) == is_dark(state_.standing);
  if (!newest && !agrees) return false;
  state_.standing = standing;
  state_.said_stamp = stamp;
  state_.standing_stamp = std::max(state_.standing_stamp, stamp);
  return true;
}

Outcome Card::ReceiveStanding(ByteView section) {
  if (AddressedCard(section) != state_.number) return Ignored(Why::kNotMine, "standing of another card");
  const auto message = DecodeStanding(section);
  if (!message) return Ignored(Why::kMalformed, "the standing message breaks a rule");
  const Mac mac = Cmac(mac_key_, section.first(16));
  if (!SameBytes(ByteView(mac).first(8), section.subspan(16))) {
    return Ignored(Why::kNotAuthentic, "the standing message is not from this card's head-end");
  }
  if (!TakeStanding(message->standing, message->stamp)) return OldStamp("the standing");
  return Taken(
      fmt::format("standing {} ({})", NameOf(state_.standing.standing), NameOf(state_.standing.reason)));
}

Outcome Card::ReceiveGroup(ByteView section) {
  const auto head = DecodeGroupHead(section);
  const auto parts = SplitSealed(section);
  if (!head || !parts) return Ignored(Why::kMalformed, "the group message is too short");
  if (!state_.record || head->group.value == 0 || head->group != state_.record->group) {
    return Ignored(Why::kNotMine, "another group");
  }
  if (head->generation != state_.record->generation) {
    return Ignored(Why::kNoKey, "another generation of the group key");
  }
  const auto plain = SivOpen(DeriveSivKey(state_.record->group_key, "84"), parts->associated, parts->sealed);
  if (!plain) return Ignored(Why::kNotAuthentic, "the group message was not made under the group key");
  const auto keys = DecodeGroupKeys(plain->secret_bytes());
  if (!keys) return Ignored(Why::kMalformed, "the group message breaks a rule");

  const bool obeyed = head->stamp >= state_.standing_stamp;
  if (obeyed) {
    state_.standing_stamp = head->stamp;
    const bool on = head->On(state_.record->slot);
    if (!on) state_.standing.standing = Standing::kDark;
    if (on && state_.standing.standing == Standing::kDark) state_.standing = {Standing::kOn, {}};
  }
  Outcome outcome{obeyed ? Why::kTaken : Why::kOldStamp,
                  fmt::format("group bitmap {}: standing {}", obeyed ? "obeyed" : "older than the standing",
                              NameOf(state_.standing.standing))};
  TakeKeys(*head, *keys, &outcome);
  return outcome;
}

void Card::TakeKeys(const GroupHead& head, const std::vector<std::pair<PackageId, Key>>& keys,
                    Outcome* outcome) {
  if (state_.standing.standing == Standing::kDark) return;  // a dark card takes no key
  for (const auto& [package, key] : keys) {
    const auto found = state_.packages.find(package);
    if (found != state_.packages.end() && head.stamp < found->second.key_stamp) continue;
    if (found == state_.packages.end() && state_.packages.size() >= limits_.packages) {
      outcome->what += ", no room for another package";
      continue;
    }
    PackageSlot& slot = state_.packages[package];
    slot.key_stamp = head.stamp;
    slot.epoch = head.epoch;
    slot.key = key;
    outcome->why = Why::kTaken;
    outcome->what += fmt::format(", key of package {} epoch {}", package.value, head.epoch.value);
  }
}

std::optional<Key> Card::PackageKey(PackageId package, Epoch epoch) const {
  const auto found = state_.packages.find(package);
  if (found == state_.packages.end()) return std::nullopt;
  uint16_t at = found->second.epoch.value;
  if (static_cast<uint16_t>(at - epoch.value) > limits_.chain_steps) return std::nullopt;
  Key key = found->second.key;
  while (at != epoch.value) {
    --at;
    key = Kdf(key, "hearth/1/package-chain", ByteWriter(4).U16(package.value).U16(at).bytes());
  }
  return key;
}

Outcome Card::ReceiveServiceKeys(ByteView section) {
  const auto head = DecodeServiceKeysHead(section);
  const auto parts = SplitSealed(section);
  if (!head || !parts) return Ignored(Why::kMalformed, "the service keys message is too short");
  const auto key = PackageKey(head->package, head->package_epoch);
  if (!key) return Ignored(Why::kNoKey, "no key of this package and epoch");
  const auto plain = SivOpen(DeriveSivKey(*key, "85"), parts->associated, parts->sealed);
  if (!plain) return Ignored(Why::kNotAuthentic, "the service keys were not made under the package key");
  const auto keys = DecodeServiceKeys(plain->secret_bytes());
  if (!keys) return Ignored(Why::kMalformed, "the service keys message breaks a rule");
  PackageSlot& slot = state_.packages[head->package];
  if (head->stamp < slot.service_stamp) return OldStamp("the service keys of this package");
  if (state_.service_keys.size() + keys->size() > limits_.services) {
    return Ignored(Why::kFull, "no room for more service keys");
  }
  for (const auto& [service, service_key] : *keys) TakeServiceKey(service, head->key_epoch, service_key);
  slot.service_stamp = head->stamp;
  return Taken(fmt::format("{} service keys of package {}, key epoch {}", keys->size(), head->package.value,
                           head->key_epoch.value));
}

void Card::TakeServiceKey(ServiceId service, Epoch epoch, const Key& key) {
  auto& held = state_.service_keys;
  held[{service, epoch}] = key;
  std::vector<uint16_t> epochs;
  for (auto it = held.lower_bound({service, Epoch(0)}); it != held.end() && it->first.first == service;
       ++it) {
    epochs.push_back(it->first.second.value);
  }
  if (epochs.size() <= 2) return;
  // Of three, the one that is newer than none of the others goes.
  const auto oldest = std::min_element(epochs.begin(), epochs.end(),
                                       [](uint16_t a, uint16_t b) { return SerialNewer(b, a); });
  held.erase({service, Epoch(*oldest)});
}

Result<SignedReport> Card::SignReport(const ReportEvidence& evidence) {
  if (state_.counter == UINT32_MAX) {
    return Error(Reason::kLimitExceeded, "the card has used up its report counters");
  }
  if (evidence.fix && !evidence.cells.empty()) return InvalidField("fix", "either cells or a fix");
  if (evidence.cells.size() > 32) {
    return Error(Reason::kLimitExceeded, "a report holds at most 32 cells");
  }
  SignedReport report;
  report.counter = ++state_.counter;
  ByteWriter input;
  input.Put(AsBytes(evidence.fix ? "hearth/1/fix-report" : "hearth/1/report"));
  input.U40(state_.number.value).U56(evidence.box.value);
  input.U40(evidence.sim.value).U32(report.counter).U32(evidence.utc);
  if (evidence.fix) {
    input.U32(static_cast<uint32_t>(evidence.fix->latitude_e7));
    input.U32(static_cast<uint32_t>(evidence.fix->longitude_e7)).U24(evidence.fix->accuracy_m);
  } else {
    input.U8(evidence.cells.size());
    for (const HeardCell& heard : evidence.cells) {
      input.Put(PackCell(heard.cell)).U8(static_cast<uint8_t>(heard.signal_dbm));
    }
  }
  const Mac mac = Cmac(report_key_, input.bytes());
  std::copy_n(mac.begin(), report.mac.size(), report.mac.begin());
  return report;
}

}  // namespace hearth::receiver
