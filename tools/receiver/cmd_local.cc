// personalise, new, read, report and power: what happens at the factory and in the home.
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

#include "tools/json/json.h"
#include "tools/receiver/commands.h"
#include "tools/receiver/factory.h"
#include "tools/receiver/files.h"

namespace hearth::receiver {
namespace {

Result<UnixMillis> TimeOr(const std::string& at, UnixMillis otherwise) {
  return at.empty() ? Result<UnixMillis>(otherwise) : ParseTime(at, "at");
}

Result<Module> ParseModule(const std::string& text) {
  for (const Module module : {Module::kOk, Module::kMissing, Module::kChanged}) {
    if (text == NameOf(module)) return module;
  }
  return InvalidField("module", "ok, missing or changed");
}

Result<int> DoPersonalise(const PersonaliseOptions& options, bool json) {
  BatchPlan plan;
  plan.batch = BatchId(options.batch);
  HEARTH_ASSIGN_OR_RETURN(plan.first_card, ParseCardNumber(options.first_card, "first-card"));
  HEARTH_ASSIGN_OR_RETURN(plan.first_box, ParseBoxSerial(options.first_box, "first-box"));
  HEARTH_ASSIGN_OR_RETURN(plan.first_sim, ParseSimNumber(options.first_sim, "first-sim"));
  plan.count = options.count;
  plan.model = options.model;
  plan.emergency_keys = options.emergency_keys;
  SystemRandom system;
  SeededRandom seeded(options.seed.value_or(0));
  RandomSource& random = options.seed ? static_cast<RandomSource&>(seeded) : system;
  HEARTH_RETURN_IF_ERROR(Personalise(plan, random, options.out));
  if (json) {
    JsonObject line;
    line.Add("directory", options.out).Add("batch", options.batch).Add("count", options.count);
    line.Add("first_card", options.first_card).Add("first_box", options.first_box);
    fmt::print("{}\n", line.Add("first_sim", options.first_sim).Take());
  } else {
    fmt::print("batch {}: {} cards, boxes and SIMs in {}\n", options.batch, options.count, options.out);
  }
  return kExitOk;
}

Result<int> DoNew(const NewOptions& options, const Place& place) {
  if (options.card.empty() != place.card_state.empty() || options.box.empty() != place.box_state.empty() ||
      (options.card.empty() && options.box.empty())) {
    return InvalidField("new", "--card with --card-state, --box with --box-state, or all four");
  }
  std::optional<SimNumber> sim;
  if (!options.sim.empty()) {
    HEARTH_ASSIGN_OR_RETURN(sim, ParseSimNumber(options.sim, "sim"));
  }
  JsonObject line;
  // Made before the first is written, so that a wrong number leaves nothing behind.
  std::optional<Card> card;
  std::optional<Box> box;
  if (!options.card.empty()) {
    HEARTH_ASSIGN_OR_RETURN(const CardNumber number, ParseCardNumber(options.card, "card"));
    HEARTH_ASSIGN_OR_RETURN(card, MakeCard(options.from, number));
  }
  if (!options.box.empty()) {
    HEARTH_ASSIGN_OR_RETURN(const BoxSerial serial, ParseBoxSerial(options.box, "box"));
    HEARTH_ASSIGN_OR_RETURN(box, MakeBox(options.from, serial, sim));
  }
  if (card) {
    HEARTH_RETURN_IF_ERROR(CreateFile(place.card_state, CardText(card->state()), 0600));
    line.Add("card_number", ToString(card->number()));
  }
  if (box) {
    HEARTH_RETURN_IF_ERROR(CreateFile(place.box_state, BoxText(box->state()), 0600));
    line.Add("box_serial", ToString(box->state().serial)).Add("sim_number", ToString(box->state().sim));
    line.Add("imei", box->state().imei);
  }
  if (place.json) {
    fmt::print("{}\n", line.Take());
  } else {
    if (card) fmt::print("card {} in {}\n", ToString(card->number()), place.card_state);
    if (box) fmt::print("box {} in {}\n", ToString(box->state().serial), place.box_state);
  }
  return kExitOk;
}

Result<int> DoRead(const ReadOptions& options, const Place& place) {
  Reading reading;
  HEARTH_ASSIGN_OR_RETURN(reading.module, ParseModule(options.module));
  const bool silent = options.no_signal || (reading.module == Module::kMissing && options.cells.empty());
  HEARTH_ASSIGN_OR_RETURN(reading.cells, ParseCells(options.cells, silent));
  if (options.powered_hours && !(*options.powered_hours >= 0 && *options.powered_hours <= 1e6)) {
    return InvalidField("powered-hours", "0 to 1000000");
  }
  HEARTH_ASSIGN_OR_RETURN(Session session, Session::Open(place, true));
  const BoxState& before = session.receiver().box().state();
  const int64_t last = before.read_at.value;
  // Hours given: so long it was powered since the last reading. Else: ever since.
  int64_t powered_ms = 0;
  UnixMillis now = SystemNow();
  if (options.powered_hours) {
    powered_ms = std::llround(*options.powered_hours * 3'600'000);
    if (last != 0) now = UnixMillis(last + powered_ms);
  }
  HEARTH_ASSIGN_OR_RETURN(now, TimeOr(options.at, now));
  if (!options.powered_hours && last != 0) powered_ms = std::max<int64_t>(now.value - last, 0);
  session.receiver().Read(reading, before.powered_seconds + static_cast<uint64_t>(powered_ms) / 1000, now);
  HEARTH_RETURN_IF_ERROR(session.Save());

  const Box& box = session.receiver().box();
  const bool dark = box.state().darkness != Darkness::kLit;
  const Screen screen = session.receiver().screen();
  if (place.json) {
    JsonObject line;
    line.Add("box", NameOf(box.state().darkness)).Add("powered_seconds", box.state().powered_seconds);
    AddScreen(line, screen);
    fmt::print("{}\n", line.Take());
  } else {
    fmt::print("{}\n", ScreenText(screen));
  }
  return dark ? kExitRefused : kExitOk;
}

// "38.4872,106.2309,25": latitude and longitude in degrees, accuracy in metres.
Result<std::optional<Fix>> ParseFix(const std::string& text) {
  double latitude = 0;
  double longitude = 0;
  Fix fix;
  int used = 0;
  const int fields = std::sscanf(text.c_str(), "%lf,%lf,%u%n", &latitude, &longitude, &fix.accuracy_m, &used);
  if (fields != 3 || static_cast<size_t>(used) != text.size() || std::abs(latitude) > 90 ||
      std::abs(longitude) > 180 || fix.accuracy_m < 1 || fix.accuracy_m > 100'000) {
    return InvalidField("fix",
                        "latitude and longitude in degrees, accuracy 1 to 100000 m: 38.4872,106.2309,25");
  }
  fix.latitude_e7 = static_cast<int32_t>(std::llround(latitude * 1e7));
  fix.longitude_e7 = static_cast<int32_t>(std::llround(longitude * 1e7));
  return std::optional(fix);
}

Result<int> DoReport(const ReportOptions& options, const Place& place) {
  if (place.card_state.empty()) return InvalidField("card-state", "a report is signed by a card");
  HEARTH_ASSIGN_OR_RETURN(const UnixMillis now, TimeOr(options.at, SystemNow()));
  HEARTH_ASSIGN_OR_RETURN(Session session, Session::Open(place, true));
  const BoxState& box = session.receiver().box().state();
  ReportEvidence evidence;
  evidence.box = box.serial;
  evidence.sim = box.sim;
  evidence.utc = MessageSeconds(now);
  if (!options.sim.empty()) {
    HEARTH_ASSIGN_OR_RETURN(evidence.sim, ParseSimNumber(options.sim, "sim"));
  }
  if (!options.fix.empty()) {
    if (!options.cells.empty() || options.no_signal)
      return InvalidField("fix", "goes not together with cells");
    HEARTH_ASSIGN_OR_RETURN(evidence.fix, ParseFix(options.fix));
  } else if (!options.cells.empty() || options.no_signal) {
    HEARTH_ASSIGN_OR_RETURN(evidence.cells, ParseCells(options.cells, options.no_signal));
  } else if (box.reading) {
    evidence.cells = box.reading->cells;
  } else {
    return InvalidField("cell",
                        "the box has read nothing yet: give --cell or --no-signal, or use read first");
  }
  HEARTH_ASSIGN_OR_RETURN(const SignedReport report, session.receiver().mutable_card()->SignReport(evidence));
  // First the counter is kept, then the report leaves: a counter is never used twice.
  HEARTH_RETURN_IF_ERROR(session.Save());

  std::vector<std::string> cells;
  for (const HeardCell& heard : evidence.cells) {
    JsonObject cell;
    cells.push_back(cell.Add("cell", ToString(heard.cell)).Add("signal_dbm", heard.signal_dbm).Take());
  }
  JsonObject line;
  line.Add("card_number", ToString(session.receiver().card()->number()));
  line.Add("box_serial", ToString(evidence.box)).Add("sim_number", ToString(evidence.sim));
  line.Add("counter", report.counter);
  line.Add("time", ToString(UnixMillis((int64_t{evidence.utc} + kEpoch2024Seconds) * 1000)));
  if (evidence.fix) {
    JsonObject fix;
    fix.Add("latitude_e7", evidence.fix->latitude_e7).Add("longitude_e7", evidence.fix->longitude_e7);
    line.Raw("fix", fix.Add("accuracy_m", evidence.fix->accuracy_m).Take());
  } else {
    line.Raw("cells", JsonArray(cells));
  }
  line.Add("mac", ToHex(report.mac));
  fmt::print("{}\n", line.Take());
  return kExitOk;
}

Result<int> DoPower(const std::string& state, const Place& place) {
  if (state != "on" && state != "standby") return InvalidField("power", "on or standby");
  HEARTH_ASSIGN_OR_RETURN(Session session, Session::Open(place, true));
  session.receiver().SetStandby(state == "standby");
  HEARTH_RETURN_IF_ERROR(session.Save());
  const bool awake = session.receiver().awake();
  if (place.json) {
    JsonObject line;
    fmt::print("{}\n", line.Add("standby", state == "standby").Add("awake", awake).Take());
  } else {
    fmt::print("{}\n", state == "standby" && awake ? "standby, but an alarm keeps it awake" : state);
  }
  return kExitOk;
}

}  // namespace

int RunPersonalise(const PersonaliseOptions& options, bool json) {
  return ExitCode(DoPersonalise(options, json));
}
int RunNew(const NewOptions& options, const Place& place) { return ExitCode(DoNew(options, place)); }
int RunRead(const ReadOptions& options, const Place& place) { return ExitCode(DoRead(options, place)); }
int RunPower(const std::string& state, const Place& place) { return ExitCode(DoPower(state, place)); }
int RunReport(const ReportOptions& options, const Place& place) { return ExitCode(DoReport(options, place)); }

}  // namespace hearth::receiver
