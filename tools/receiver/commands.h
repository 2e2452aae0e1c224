// The subcommands of hearth-receiver behind their options. Each prints to standard output, errors to standard
// error, and returns the exit code. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/status.h"
#include "tools/json/json.h"
#include "tools/receiver/receiver.h"
#include "tools/receiver/state.h"

namespace hearth::receiver {

using json::JsonArray;
using json::JsonObject;
using json::JsonText;

inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitRefused = 3;
inline constexpr int kExitBadInput = 4;

// Which receiver, and how to print.
struct Place {
  std::string card_state;  // empty: no card in the box
  std::string box_state;
  bool json = false;
};

struct PersonaliseOptions {
  std::string out;
  uint16_t batch = 1;
  std::string first_card;
  std::string first_box;
  std::string first_sim;
  uint64_t count = 1;
  std::string model = "HH-S1";
  std::string emergency_keys;
  std::optional<uint64_t> seed;
};
int RunPersonalise(const PersonaliseOptions& options, bool json);

struct NewOptions {
  std::string from;
  std::string card;
  std::string box;
  std::string sim;
};
int RunNew(const NewOptions& options, const Place& place);

struct AirOptions {
  std::string sections = "-";
  bool follow = false;
  bool verbose = false;
  bool new_only = false;
  std::optional<double> seconds;
  std::string until;
  std::string ecm;  // hexadecimal; what "opens" tries
};
int RunFeed(const AirOptions& options, const Place& place);
int RunWatch(const AirOptions& options, const Place& place);

struct EcmOptions {
  std::string section;  // hexadecimal
  std::string file;
};
int RunEcm(const EcmOptions& options, const Place& place);

struct PlayOptions {
  std::string in = "-";
  std::string out;  // empty: only say what the viewer would see
  std::optional<uint16_t> service;
  std::optional<uint16_t> ca_system_id;
  uint16_t suite = 1;  // one byte
  bool follow = false;
  std::optional<double> seconds;
};
int RunPlay(const PlayOptions& options, const Place& place);

struct ReadOptions {
  std::vector<std::string> cells;
  bool no_signal = false;
  std::string module = "ok";
  std::string at;
  std::optional<double> powered_hours;
};
int RunRead(const ReadOptions& options, const Place& place);

struct ReportOptions {
  std::string fix;  // "38.4872,106.2309,25": degrees, metres
  std::vector<std::string> cells;
  bool no_signal = false;
  std::string sim;
  std::string at;
};
int RunReport(const ReportOptions& options, const Place& place);

int RunPower(const std::string& state, const Place& place);

int RunStatus(const Place& place);

// The system's clock, which stands for the box's oscillator.
UnixMillis SystemNow();

// A receiver with its states loaded. While it exists no other process changes them, if `lock`.
class Session {
 public:
  static Result<Session> Open(const Place& place, bool lock);

  Receiver& receiver() { return receiver_; }
  // Writes what has changed since Open.
  Status Save();

 private:
  Session(Place place, Receiver receiver) : place_(std::move(place)), receiver_(std::move(receiver)) {}

  Place place_;
  Receiver receiver_;
  std::optional<CardState> card_before_;
  std::optional<BoxState> box_before_;
  std::vector<StateLock> locks_;
};

// Prints "hearth-receiver: message"; kExitUsage when an option's value is wrong, else kExitBadInput.
int Fail(const Error& error);
// The result, or else that of Fail.
int ExitCode(const Result<int>& result);
// --cell and --no-signal as a reading.
Result<std::vector<HeardCell>> ParseCells(const std::vector<std::string>& cells, bool no_signal);
// The screen as fields of a JSON object: "lit", "screen", "sentence".
void AddScreen(JsonObject& json, const Screen& screen);
// The alert that sounds first, as a JSON object; "null" when none does.
std::string AlarmJson(const Receiver& receiver);
// The same as a line: "ALARM: …"; empty when none does.
std::string AlarmLine(const Receiver& receiver);
// "lit" or "E09: sentence".
std::string ScreenText(const Screen& screen);

}  // namespace hearth::receiver
