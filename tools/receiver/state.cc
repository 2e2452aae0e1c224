// Grammar of a state file: lines "word value …", the first names kind and version, the last is "end" and the
// SHA-256 of all lines before it. Numbers are decimal, bytes hexadecimal ("-" for none).
//
//   hearth-card 1                                  hearth-box 1
//   number N                                       serial N
//   card_key KEY                                   chip_key KEY
//   clock SECONDS                                  model TEXT
//   counter N                                      imei TEXT
//   standing STAMP STANDING REASON                 sim N
//   record STAMP BYTES                             pairing CARD STAMP KEY
//   package ID KEYSTAMP SERVICESTAMP EPOCH KEY     powered_seconds N
//   service ID EPOCH KEY                           read_at MILLIS
//   table KIND LIST STAMP                          darkness N
//   cells KIND LIST VERSION WIDTH GRACE BYTES      denied_since N
//   part KIND LIST STAMP VERSION PARTS WIDTH       grace_since N
//        GRACE INDEX BYTES                         module N
//                                                  heard CELL@SIGNAL
//                                                 emergency_key ID KEY
//                                                 emergency LOWEST_KEY CLOCK
//                                                 alert NUMBER STAMP START MINUTES
//                                                       KIND SEVERITY FLAGS SERVICE
//                                                 standby 1
//
// FLAGS: 2 drill, 1 cancelled; SERVICE: three numbers. The bytes of `record` are the message's content as in
// docs/messages.md, 0x82, enc.
#include "tools/receiver/state.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hearth::receiver {
namespace {

constexpr std::string_view kCardFirst = "hearth-card 1";
constexpr std::string_view kBoxFirst = "hearth-box 1";

std::string HexOrDash(ByteView bytes) { return bytes.empty() ? "-" : ToHex(bytes); }

Bytes RecordBytes(const Record& r) {
  ByteWriter out;
  out.U8(static_cast<uint8_t>(r.standing.standing)).U8(static_cast<uint8_t>(r.standing.reason));
  out.U16(r.validity_day).U24(r.group.value).U8(r.slot).U8(r.generation);
  out.Put(r.group_key.secret_bytes()).U56(r.box.value).U32(r.area.value).U16(r.area_version);
  out.Put(r.rights).U16(r.expiry_day).Put(r.cells);
  return std::move(out).Take();
}

std::string Sealed(std::string text) {
  text += fmt::format("end {}\n", ToHex(Sha256(AsBytes(text))));
  return text;
}

// The values of one line, read in order; the first that is wrong or missing makes ok() false.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) { word_ = std::string(Next()); }

  const std::string& word() const { return word_; }
  template <typename T>
  T Number(uint64_t max = std::numeric_limits<T>::max()) {
    const std::string_view text = Next();
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) ok_ = false;
    return ok_ ? static_cast<T>(value) : T();
  }
  template <typename Id>
  Id Strong(uint64_t max = std::numeric_limits<typename Id::Rep>::max()) {
    return Id(Number<typename Id::Rep>(max));
  }
  Bytes Hex() {
    const std::string_view text = Next();
    if (text == "-") return {};
    auto bytes = FromHex(text);
    if (!bytes || bytes->empty()) ok_ = false;
    return ok_ ? *bytes : Bytes();
  }
  Key SecretKey() {
    const auto key = KeyFromHex(Next(), "key");
    if (!key) ok_ = false;
    return key ? *key : Key();
  }
  std::string_view Rest() { return std::exchange(rest_, {}); }
  // Marks the line as wrong unless `rule` holds.
  void Check(bool rule) { ok_ = ok_ && rule; }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view Next() {
    const size_t space = rest_.find(' ');
    const std::string_view value = rest_.substr(0, space);
    rest_ = space == std::string_view::npos ? std::string_view() : rest_.substr(space + 1);
    return value;
  }

  std::string_view rest_;
  std::string word_;
  bool ok_ = true;
};

Error Damaged(std::string what) { return Error(Reason::kStoreCorrupt, std::move(what)); }

// Checks frame and sum, then gives each line between to `take`, which returns false for a word it does not
// know.
Status ReadLines(std::string_view text, std::string_view first, const std::function<bool(Line&)>& take) {
  const size_t end = text.rfind("end ");
  if (end == std::string_view::npos || (end > 0 && text[end - 1] != '\n') ||
      text.substr(end) != fmt::format("end {}\n", ToHex(Sha256(AsBytes(text.substr(0, end)))))) {
    return Damaged("its end is missing or its checksum does not match");
  }
  std::string_view rest = text.substr(0, end);
  for (int number = 1; !rest.empty(); ++number) {
    const size_t length = rest.find('\n');
    const std::string_view content = rest.substr(0, length);
    rest = rest.substr(length + 1);
    if (number == 1) {
      if (content != first) return Damaged(fmt::format("it does not begin with \"{}\"", first));
      continue;
    }
    Line line(content);
    if (!take(line) || !line.done()) return Damaged(fmt::format("line {} breaks the grammar", number));
  }
  return Ok();
}

std::pair<TableKind, AreaId> TableKey(Line& line) {
  const auto kind = line.Number<uint8_t>(2);
  line.Check(kind >= 1);
  return {static_cast<TableKind>(kind), line.Strong<AreaId>()};
}

uint8_t Width(Line& line) {
  const auto width = line.Number<uint8_t>(8);
  line.Check(width >= 3);
  return std::max<uint8_t>(width, 3);
}

void TakeRecord(Line& line, CardState* state) {
  state->record_stamp = line.Strong<Stamp>();
  const SecretBytes bytes(line.Hex());
  state->record = DecodeRecord(bytes.secret_bytes());
  line.Check(state->record.has_value());
}

void TakePackage(Line& line, CardState* state) {
  PackageSlot& slot = state->packages[line.Strong<PackageId>()];
  slot.key_stamp = line.Strong<Stamp>();
  slot.service_stamp = line.Strong<Stamp>();
  slot.epoch = line.Strong<Epoch>();
  slot.key = line.SecretKey();
}

void TakeCells(Line& line, CardState* state) {
  const auto key = TableKey(line);
  Table table;
  table.version = line.Number<uint16_t>();
  table.cells.list = key.second;
  table.cells.width = Width(line);
  table.grace_hours = line.Number<uint8_t>();
  table.cells.hashes = line.Hex();
  line.Check(table.cells.hashes.size() % table.cells.width == 0);
  state->tables[key].table = std::move(table);
}

void TakePart(Line& line, CardState* state) {
  auto& collecting = state->tables[TableKey(line)].collecting;
  Collection head;
  head.stamp = line.Strong<Stamp>();
  head.version = line.Number<uint16_t>();
  const auto parts = line.Number<uint8_t>();
  head.width = Width(line);
  head.grace_hours = line.Number<uint8_t>();
  const auto index = line.Number<uint8_t>();
  Bytes hashes = line.Hex();
  if (!collecting) {
    head.parts.resize(parts);
    collecting = std::move(head);
  }
  const bool fits = index < parts && collecting->parts.size() == parts;
  line.Check(fits);
  if (fits) collecting->parts[index] = std::move(hashes);
}

bool TakeCardLine(Line& line, CardState* state) {
  const std::string& word = line.word();
  if (word == "number") {
    state->number = line.Strong<CardNumber>(kMaxCardNumber);
  } else if (word == "card_key") {
    state->card_key = line.SecretKey();
  } else if (word == "clock") {
    state->clock = line.Number<uint32_t>();
  } else if (word == "counter") {
    state->counter = line.Number<uint32_t>();
  } else if (word == "standing") {
    state->standing_stamp = line.Strong<Stamp>();
    state->standing.standing = static_cast<Standing>(line.Number<uint8_t>(2));
    state->standing.reason = static_cast<StandingReason>(line.Number<uint8_t>(6));
  } else if (word == "said") {
    state->said_stamp = line.Strong<Stamp>();
  } else if (word == "record") {
    TakeRecord(line, state);
  } else if (word == "package") {
    TakePackage(line, state);
  } else if (word == "service") {
    const auto service = line.Strong<ServiceId>();
    const auto epoch = line.Strong<Epoch>();
    state->service_keys[{service, epoch}] = line.SecretKey();
  } else if (word == "table") {
    const auto key = TableKey(line);
    state->tables[key].stamp = line.Strong<Stamp>();
  } else if (word == "cells") {
    TakeCells(line, state);
  } else if (word == "part") {
    TakePart(line, state);
  } else {
    return false;
  }
  return true;
}

void TakeHeard(Line& line, BoxState* state) {
  const auto heard = ParseHeardCell(line.Rest());
  line.Check(heard.has_value() && state->reading.has_value());
  if (heard && state->reading) state->reading->cells.push_back(*heard);
}

void TakeAlert(Line& line, BoxState* state) {
  Alert alert;
  alert.number = line.Number<uint16_t>();
  alert.stamp = line.Strong<Stamp>(0xFF'FFFF'FFFF);
  alert.start = line.Number<uint32_t>();
  alert.minutes = line.Number<uint16_t>();
  alert.kind = line.Number<uint8_t>();
  alert.severity = line.Number<uint8_t>(4);
  const auto flags = line.Number<uint8_t>(3);
  alert.drill = (flags & 2) != 0;
  alert.cancelled = (flags & 1) != 0;
  for (uint16_t& part : alert.service) part = line.Number<uint16_t>();
  line.Check(alert.minutes > 0 && alert.kind > 0 && alert.severity > 0 &&
             state->alerts.held.size() < AlertState::kRoom);
  state->alerts.held[alert.number] = alert;
}

void TakeEmergencyKey(Line& line, BoxState* state) {
  const auto id = line.Number<uint8_t>();
  const Bytes key = line.Hex();
  const bool good = id > 0 && key.size() == PublicKey().size();
  line.Check(good);
  if (good) state->alerts.keys[id] = ByteReader(key).Array<32>();
}

bool TakeEmergencyLine(Line& line, BoxState* state) {
  const std::string& word = line.word();
  if (word == "emergency_key") {
    TakeEmergencyKey(line, state);
  } else if (word == "emergency") {
    state->alerts.lowest_key = line.Number<uint8_t>();
    state->alerts.clock = line.Number<uint32_t>();
  } else if (word == "alert") {
    TakeAlert(line, state);
  } else if (word == "standby") {
    state->standby = line.Number<uint8_t>(1) == 1;
  } else {
    return false;
  }
  return true;
}

bool TakeBoxLine(Line& line, BoxState* state) {
  const std::string& word = line.word();
  if (word == "serial") {
    state->serial = line.Strong<BoxSerial>(kMaxBoxSerial);
  } else if (word == "chip_key") {
    state->chip_key = line.SecretKey();
  } else if (word == "model") {
    state->model = line.Rest();
  } else if (word == "imei") {
    state->imei = line.Rest();
  } else if (word == "sim") {
    state->sim = line.Strong<SimNumber>(99'999'999'999);
  } else if (word == "pairing") {
    Pairing& pairing = state->pairing.emplace();
    pairing.card = line.Strong<CardNumber>(kMaxCardNumber);
    pairing.stamp = line.Strong<Stamp>();
    pairing.key = line.SecretKey();
  } else if (word == "powered_seconds") {
    state->powered_seconds = line.Number<uint64_t>();
  } else if (word == "read_at") {
    state->read_at = UnixMillis(line.Number<int64_t>());
  } else if (word == "darkness") {
    state->darkness = static_cast<Darkness>(line.Number<uint8_t>(2));
  } else if (word == "denied_since") {
    state->denied_since = line.Number<uint64_t>();
  } else if (word == "grace_since") {
    state->grace_since = line.Number<uint64_t>();
  } else if (word == "module") {
    state->reading.emplace().module = static_cast<Module>(line.Number<uint8_t>(2));
  } else if (word == "heard") {
    TakeHeard(line, state);
  } else {
    return TakeEmergencyLine(line, state);
  }
  return true;
}

// Words that stand in a file once, and must.
Status CheckWords(const std::multiset<std::string>& words, std::initializer_list<const char*> once) {
  for (const char* word : once) {
    if (words.count(word) != 1) return Damaged(fmt::format("\"{}\" must stand there once", word));
  }
  return Ok();
}

}  // namespace

std::string CardText(const CardState& s) {
  std::string out = fmt::format("{}\nnumber {}\ncard_key {}\nclock {}\ncounter {}\n", kCardFirst,
                                s.number.value, ToHex(s.card_key.secret_bytes()), s.clock, s.counter);
  out += fmt::format("standing {} {} {}\n", s.standing_stamp.value, static_cast<int>(s.standing.standing),
                     static_cast<int>(s.standing.reason));
  out += fmt::format("said {}\n", s.said_stamp.value);
  if (s.record) out += fmt::format("record {} {}\n", s.record_stamp.value, ToHex(RecordBytes(*s.record)));
  for (const auto& [id, slot] : s.packages) {
    out += fmt::format("package {} {} {} {} {}\n", id.value, slot.key_stamp.value, slot.service_stamp.value,
                       slot.epoch.value, ToHex(slot.key.secret_bytes()));
  }
  for (const auto& [id, key] : s.service_keys) {
    out += fmt::format("service {} {} {}\n", id.first.value, id.second.value, ToHex(key.secret_bytes()));
  }
  for (const auto& [id, slot] : s.tables) {
    const std::string name = fmt::format("{} {}", static_cast<int>(id.first), id.second.value);
    out += fmt::format("table {} {}\n", name, slot.stamp.value);
    if (slot.table) {
      out += fmt::format("cells {} {} {} {} {}\n", name, slot.table->version, slot.table->cells.width,
                         slot.table->grace_hours, HexOrDash(slot.table->cells.hashes));
    }
    if (!slot.collecting) continue;
    const Collection& c = *slot.collecting;
    for (size_t i = 0; i < c.parts.size(); ++i) {
      if (!c.parts[i]) continue;
      out += fmt::format("part {} {} {} {} {} {} {} {}\n", name, c.stamp.value, c.version, c.parts.size(),
                         c.width, c.grace_hours, i, HexOrDash(*c.parts[i]));
    }
  }
  return Sealed(std::move(out));
}

std::string BoxText(const BoxState& s) {
  std::string out =
      fmt::format("{}\nserial {}\nchip_key {}\nmodel {}\nimei {}\nsim {}\n", kBoxFirst, s.serial.value,
                  ToHex(s.chip_key.secret_bytes()), s.model, s.imei, s.sim.value);
  if (s.pairing) {
    out += fmt::format("pairing {} {} {}\n", s.pairing->card.value, s.pairing->stamp.value,
                       ToHex(s.pairing->key.secret_bytes()));
  }
  out += fmt::format("powered_seconds {}\nread_at {}\ndarkness {}\n", s.powered_seconds, s.read_at.value,
                     static_cast<int>(s.darkness));
  if (s.denied_since) out += fmt::format("denied_since {}\n", *s.denied_since);
  if (s.grace_since) out += fmt::format("grace_since {}\n", *s.grace_since);
  if (s.reading) {
    out += fmt::format("module {}\n", static_cast<int>(s.reading->module));
    for (const HeardCell& heard : s.reading->cells) out += fmt::format("heard {}\n", ToString(heard));
  }
  for (const auto& [id, key] : s.alerts.keys) out += fmt::format("emergency_key {} {}\n", id, ToHex(key));
  out += fmt::format("emergency {} {}\n", s.alerts.lowest_key, s.alerts.clock);
  for (const auto& [number, a] : s.alerts.held) {
    out += fmt::format("alert {} {} {} {} {} {} {} {}\n", number, a.stamp.value, a.start, a.minutes, a.kind,
                       a.severity, (a.drill ? 2 : 0) + (a.cancelled ? 1 : 0), fmt::join(a.service, " "));
  }
  if (s.standby) out += "standby 1\n";
  return Sealed(std::move(out));
}

Result<CardState> ParseCardText(std::string_view text) {
  CardState state;
  std::multiset<std::string> words;
  HEARTH_RETURN_IF_ERROR(ReadLines(text, kCardFirst, [&](Line& line) {
    words.insert(line.word());
    return TakeCardLine(line, &state);
  }));
  HEARTH_RETURN_IF_ERROR(CheckWords(words, {"number", "card_key", "clock", "counter", "standing"}));
  return state;
}

Result<BoxState> ParseBoxText(std::string_view text) {
  BoxState state;
  std::multiset<std::string> words;
  HEARTH_RETURN_IF_ERROR(ReadLines(text, kBoxFirst, [&](Line& line) {
    words.insert(line.word());
    return TakeBoxLine(line, &state);
  }));
  HEARTH_RETURN_IF_ERROR(CheckWords(words, {"serial", "chip_key", "powered_seconds", "read_at", "darkness"}));
  return state;
}

}  // namespace hearth::receiver
