// status: what card and box hold, never keys.
#include <cstdio>

#include <fmt/format.h>

#include "tools/json/json.h"
#include "tools/receiver/commands.h"

namespace hearth::receiver {
namespace {

std::string TimeText(uint32_t since_2024) {
  return since_2024 == 0 ? "never" : ToString(UnixMillis((int64_t{since_2024} + kEpoch2024Seconds) * 1000));
}

std::string DayText(uint16_t day) {
  if (day == kNoExpiryDay) return "without end";
  return ToString(UnixMillis((int64_t{day} * 86400 + kEpoch2024Seconds) * 1000)).substr(0, 10);
}

std::vector<std::string> Rights(const Record& record) {
  std::vector<std::string> rights;
  for (unsigned product = 0; product < 128; ++product) {
    if (record.HasRight(product)) rights.push_back(fmt::format("{}", product));
  }
  return rights;
}

std::string RecordJson(const Record& record) {
  JsonObject json;
  json.Add("validity_day", record.validity_day).Add("group", record.group.value).Add("slot", record.slot);
  json.Add("generation", record.generation).Add("box_serial", ToString(record.box));
  json.Add("area", ToString(record.area)).Add("area_version", record.area_version);
  json.Raw("rights", JsonArray(Rights(record))).Add("expiry_day", record.expiry_day);
  return json.Add("cells", record.cells.size() / 3).Take();
}

std::string TableJson(TableKind kind, AreaId list, const TableSlot& slot) {
  JsonObject json;
  json.Add("kind", NameOf(kind)).Add("list", ToString(list)).Add("stamp", slot.stamp.value);
  json.Add("in_force", slot.table.has_value());
  if (slot.table) {
    json.Add("version", slot.table->version).Add("cells", slot.table->cells.size());
    json.Add("width", slot.table->cells.width).Add("grace_hours", slot.table->grace_hours);
  }
  json.Add("collecting", slot.collecting.has_value());
  return json.Take();
}

std::string CardJson(const CardState& state) {
  std::vector<std::string> packages;
  std::vector<std::string> services;
  std::vector<std::string> tables;
  for (const auto& [id, slot] : state.packages) {
    JsonObject one;
    one.Add("package", id.value).Add("epoch", slot.epoch.value).Add("key_stamp", slot.key_stamp.value);
    packages.push_back(one.Add("service_stamp", slot.service_stamp.value).Take());
  }
  for (const auto& [id, key] : state.service_keys) {
    JsonObject one;
    services.push_back(one.Add("service", id.first.value).Add("key_epoch", id.second.value).Take());
  }
  for (const auto& [id, slot] : state.tables) tables.push_back(TableJson(id.first, id.second, slot));
  JsonObject json;
  json.Add("card_number", ToString(state.number)).Add("standing", NameOf(state.standing.standing));
  json.Add("reason", NameOf(state.standing.reason)).Add("standing_stamp", state.standing_stamp.value);
  json.Add("record_stamp", state.record_stamp.value);
  json.Raw("record", state.record ? RecordJson(*state.record) : "null");
  json.Add("clock", TimeText(state.clock)).Add("counter", state.counter);
  json.Raw("packages", JsonArray(packages)).Raw("services", JsonArray(services));
  return json.Raw("tables", JsonArray(tables)).Take();
}

std::string AlertJson(const Alert& alert) {
  JsonObject json;
  json.Add("alert", alert.number).Add("stamp", alert.stamp.value).Add("drill", alert.drill);
  json.Add("cancelled", alert.cancelled).Add("kind", KindName(alert.kind));
  json.Add("severity", SeverityName(alert.severity)).Add("start", TimeText(alert.start));
  return json.Add("minutes", alert.minutes).Take();
}

std::string BoxJson(const BoxState& state) {
  JsonObject json;
  json.Add("box_serial", ToString(state.serial)).Add("model", state.model).Add("imei", state.imei);
  json.Add("sim_number", state.sim.value == 0 ? "" : ToString(state.sim));
  json.Add("paired_card", state.pairing ? ToString(state.pairing->card) : "");
  json.Add("pairing_stamp", state.pairing ? state.pairing->stamp.value : 0);
  json.Add("powered_seconds", state.powered_seconds).Add("darkness", NameOf(state.darkness));
  json.Raw("denied_since", state.denied_since ? fmt::format("{}", *state.denied_since) : "null");
  json.Raw("grace_since", state.grace_since ? fmt::format("{}", *state.grace_since) : "null");
  std::vector<std::string> cells;
  if (state.reading) {
    for (const HeardCell& heard : state.reading->cells) cells.push_back(JsonText(ToString(heard)));
    json.Add("module", NameOf(state.reading->module)).Add("read_at", ToString(state.read_at));
  }
  std::vector<std::string> keys;
  std::vector<std::string> alerts;
  for (const auto& [id, key] : state.alerts.keys) {
    JsonObject one;
    one.Add("key_id", id).Add("public_key", ToHex(key));
    keys.push_back(one.Add("believed", id >= state.alerts.lowest_key).Take());
  }
  for (const auto& [number, alert] : state.alerts.held) alerts.push_back(AlertJson(alert));
  json.Raw("emergency_keys", JsonArray(keys)).Raw("alerts", JsonArray(alerts));
  return json.Raw("cells", JsonArray(cells)).Take();
}

template <typename T>
void Row(std::string_view name, const T& value) {
  fmt::print("{:<16}{}\n", name, value);
}

void PrintCard(const CardState& state) {
  Row("card", ToString(state.number));
  Row("standing", fmt::format("{} (reason {}, stamp {})", NameOf(state.standing.standing),
                              NameOf(state.standing.reason), state.standing_stamp.value));
  if (state.record) {
    const Record& record = *state.record;
    Row("record",
        fmt::format("stamp {}, valid to {}", state.record_stamp.value, DayText(record.validity_day)));
    Row("group",
        fmt::format("{}, slot {}, generation {}", record.group.value, record.slot, record.generation));
    Row("made for box", ToString(record.box));
    Row("area", fmt::format("{}, version {}, {} cells", ToString(record.area), record.area_version,
                            record.cells.size() / 3));
    Row("rights", fmt::format("{} to {}", fmt::join(Rights(record), " "), DayText(record.expiry_day)));
  } else {
    Row("record", "none yet");
  }
  Row("clock", TimeText(state.clock));
  Row("reports", state.counter);
  for (const auto& [id, slot] : state.packages) {
    Row("package", fmt::format("{}, epoch {}", id.value, slot.epoch.value));
  }
  for (const auto& [id, key] : state.service_keys) {
    Row("service", fmt::format("{}, key epoch {}", id.first.value, id.second.value));
  }
  for (const auto& [id, slot] : state.tables) {
    if (!slot.table && !slot.collecting) continue;
    Row(fmt::format("{} table", NameOf(id.first)),
        slot.table ? fmt::format("{}, version {}, {} cells, grace {} h", ToString(id.second),
                                 slot.table->version, slot.table->cells.size(), slot.table->grace_hours)
                   : fmt::format("{}, parts are missing", ToString(id.second)));
  }
}

void PrintBox(const BoxState& state) {
  Row("box", fmt::format("{} {}", ToString(state.serial), state.model));
  Row("IMEI", state.imei);
  Row("SIM", state.sim.value == 0 ? "none" : ToString(state.sim));
  Row("paired with", state.pairing ? "card " + ToString(state.pairing->card) : "no card yet");
  Row("powered", fmt::format("{} s", state.powered_seconds));
  Row("location", NameOf(state.darkness));
  if (state.denied_since) Row("denied since", fmt::format("{} s", *state.denied_since));
  if (state.grace_since) Row("grace since", fmt::format("{} s", *state.grace_since));
  for (const auto& [id, key] : state.alerts.keys) {
    const bool believed = id >= state.alerts.lowest_key;
    Row("emergency key", fmt::format("{} {}{}", id, ToHex(key), believed ? "" : ", believed no more"));
  }
  for (const auto& [number, alert] : state.alerts.held) {
    Row("alert", fmt::format("{}{}: {}", number, alert.cancelled ? ", cancelled" : "", AlarmText(alert)));
  }
  if (!state.reading) return;
  Row("last reading", fmt::format("{}, module {}", ToString(state.read_at), NameOf(state.reading->module)));
  for (const HeardCell& heard : state.reading->cells) Row("hears", ToString(heard));
}

}  // namespace

int RunStatus(const Place& place) {
  auto session = Session::Open(place, false);
  if (!session) return Fail(session.error());
  const Receiver& receiver = session->receiver();
  if (place.json) {
    JsonObject json;
    AddScreen(json, receiver.screen());
    json.Raw("alarm", AlarmJson(receiver)).Add("standby", receiver.box().state().standby);
    json.Add("awake", receiver.awake());
    json.Raw("card", receiver.card() ? CardJson(receiver.card()->state()) : "null");
    fmt::print("{}\n", json.Raw("box", BoxJson(receiver.box().state())).Take());
    return kExitOk;
  }
  if (const std::string alarm = AlarmLine(receiver); !alarm.empty()) Row("emergency", alarm);
  Row("screen", ScreenText(receiver.screen()));
  if (receiver.box().state().standby) Row("power", receiver.awake() ? "woken from standby" : "standby");
  if (receiver.card()) PrintCard(receiver.card()->state());
  PrintBox(receiver.box().state());
  return kExitOk;
}

}  // namespace hearth::receiver
