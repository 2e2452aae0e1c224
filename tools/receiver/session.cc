// What the subcommands share: loading and saving a receiver, and printing.
#include <chrono>
#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/json/json.h"
#include "tools/receiver/commands.h"

namespace hearth::receiver {

UnixMillis SystemNow() {
  return UnixMillis(std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count());
}

Result<Session> Session::Open(const Place& place, bool lock) {
  std::vector<StateLock> locks;
  // Cards before boxes: two processes never wait for each other.
  for (const std::string& path : {place.card_state, place.box_state}) {
    if (!lock || path.empty()) continue;
    HEARTH_ASSIGN_OR_RETURN(auto taken, StateLock::Take(path));
    locks.push_back(std::move(taken));
  }
  HEARTH_ASSIGN_OR_RETURN(Box box, LoadBox(place.box_state));
  Session session(place, Receiver(std::move(box)));
  session.box_before_ = session.receiver_.box().state();
  if (!place.card_state.empty()) {
    HEARTH_ASSIGN_OR_RETURN(Card card, LoadCard(place.card_state));
    session.card_before_ = card.state();
    session.receiver_.Insert(std::move(card));
  }
  session.receiver_.SetTime(SystemNow());
  session.locks_ = std::move(locks);
  return session;
}

Status Session::Save() {
  const auto& card = receiver_.card();
  if (card && card->state() != card_before_) {
    HEARTH_RETURN_IF_ERROR(SaveCard(*card, place_.card_state));
    card_before_ = card->state();
  }
  if (receiver_.box().state() != box_before_) {
    HEARTH_RETURN_IF_ERROR(SaveBox(receiver_.box(), place_.box_state));
    box_before_ = receiver_.box().state();
  }
  return Ok();
}

int Fail(const Error& error) {
  fmt::print(stderr, "hearth-receiver: {}\n", error.message());
  const bool option = error.reason() == Reason::kFieldInvalid || error.reason() == Reason::kFieldMissing;
  return option ? kExitUsage : kExitBadInput;
}

int ExitCode(const Result<int>& result) { return result ? *result : Fail(result.error()); }

Result<std::vector<HeardCell>> ParseCells(const std::vector<std::string>& cells, bool no_signal) {
  if (no_signal != cells.empty()) {
    return InvalidField("cell", "give --cell for each cell heard, or --no-signal");
  }
  if (cells.size() > Reading::kMaxCells) {
    return InvalidField("cell", fmt::format("at most {} cells", Reading::kMaxCells));
  }
  std::vector<HeardCell> heard;
  for (const std::string& text : cells) {
    HEARTH_ASSIGN_OR_RETURN(const HeardCell cell, ParseHeardCell(text));
    heard.push_back(cell);
  }
  return heard;
}

void AddScreen(JsonObject& json, const Screen& screen) {
  json.Add("lit", screen.lit()).Add("screen", screen.code).Add("sentence", screen.sentence);
}

std::string AlarmJson(const Receiver& receiver) {
  const auto alarms = receiver.alarms();
  if (alarms.empty()) return "null";
  const Alert& alert = alarms.front();
  JsonObject json;
  json.Add("alert", alert.number).Add("drill", alert.drill).Add("kind", KindName(alert.kind));
  json.Add("severity", SeverityName(alert.severity));
  json.Add("until", ToString(UnixMillis((static_cast<int64_t>(alert.end()) + kEpoch2024Seconds) * 1000)));
  const bool tunes = alert.service[2] != 0;
  return json.Add("service", tunes ? fmt::format("{}", fmt::join(alert.service, ".")) : "").Take();
}

std::string AlarmLine(const Receiver& receiver) {
  const auto alarms = receiver.alarms();
  return alarms.empty() ? "" : AlarmText(alarms.front());
}

std::string ScreenText(const Screen& screen) {
  return screen.lit() ? "lit" : screen.code + ": " + screen.sentence;
}

}  // namespace hearth::receiver
