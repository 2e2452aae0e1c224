// feed, watch and ecm: what comes from the air.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include <fmt/format.h>

#include "tools/json/json.h"
#include "tools/receiver/commands.h"
#include "tools/receiver/files.h"
#include "tools/receiver/source.h"

namespace hearth::receiver {
namespace {

using Steady = std::chrono::steady_clock;

bool IsEcm(ByteView section) { return !section.empty() && (section[0] == kEcmEven || section[0] == kEcmOdd); }

// What --until waits for.
class Condition {
 public:
  static Result<Condition> Parse(const std::string& text, const std::string& ecm) {
    Condition condition;
    condition.text_ = text;
    const char* known[] = {"",      "dark",  "lit", "opens", "paired", "record", "keys",
                           "alarm", "drill", "E01", "E04",   "E09",    "E14"};
    if (std::find(std::begin(known), std::end(known), text) == std::end(known)) {
      return InvalidField("until",
                          "dark, lit, opens, paired, record, keys, alarm, drill, E01, E04, E09 or E14");
    }
    HEARTH_ASSIGN_OR_RETURN(condition.ecm_, FromHex(ecm));
    return condition;
  }

  // Tells it of an ECM of the stream that was opened.
  void Opened() { opened_ = true; }
  bool Holds(const Receiver& receiver) const {
    if (text_.empty()) return false;
    const Screen screen = receiver.screen();
    const auto& card = receiver.card();
    if (text_ == "dark") return !screen.lit();
    if (text_ == "lit") return screen.lit();
    if (text_ == "alarm" || text_ == "drill") {
      const auto alarms = receiver.alarms();
      return !alarms.empty() && alarms.front().drill == (text_ == "drill");
    }
    if (text_ == "record") return card && card->state().record.has_value();
    if (text_ == "keys") return card && !card->state().service_keys.empty();
    if (text_ == "paired") {
      const auto& pairing = receiver.box().state().pairing;
      return pairing && card && pairing->card == card->number();
    }
    if (text_ == "opens") return opened_ || TriedEcmOpens(receiver);
    return screen.code == text_;
  }
  bool empty() const { return text_.empty(); }

 private:
  // On a copy: trying must not set the card's clock.
  bool TriedEcmOpens(Receiver receiver) const { return !ecm_.empty() && receiver.Ecm(ecm_).opened(); }

  std::string text_;
  Bytes ecm_;
  bool opened_ = false;
};

// How long a command may go on.
class Deadline {
 public:
  explicit Deadline(const std::optional<double>& seconds) : begin_(Steady::now()) {
    if (seconds) end_ = begin_ + std::chrono::milliseconds(static_cast<int64_t>(*seconds * 1000));
  }
  std::chrono::milliseconds left(std::chrono::milliseconds at_most) const {
    if (!end_) return at_most;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*end_ - Steady::now());
    return std::clamp(left, std::chrono::milliseconds(0), at_most);
  }
  bool over() const { return end_ && Steady::now() >= *end_; }
  int64_t elapsed_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begin_).count();
  }

 private:
  Steady::time_point begin_;
  std::optional<Steady::time_point> end_;
};

struct Tally {
  int64_t sections = 0;
  int64_t taken = 0;
  std::map<std::string_view, int64_t> ignored;

  void Count(const Outcome& outcome) {
    ++sections;
    if (outcome.taken()) {
      ++taken;
    } else {
      ++ignored[NameOf(outcome.why)];
    }
  }
};

void PrintSection(ByteView section, const Outcome& outcome, bool json) {
  if (json) {
    JsonObject line;
    line.Add("event", "section").Add("table_id", section[0]).Add("bytes", section.size());
    line.Add("outcome", NameOf(outcome.why)).Add("what", outcome.what);
    fmt::print("{}\n", line.Take());
  } else {
    fmt::print("0x{:02x} {:3} bytes {}: {}\n", section[0], section.size(), NameOf(outcome.why), outcome.what);
  }
}

// What the viewer has before him.
struct View {
  explicit View(const Receiver& receiver)
      : screen(receiver.screen()), alarm_json(AlarmJson(receiver)), alarm_line(AlarmLine(receiver)) {}

  Screen screen;
  std::string alarm_json;
  std::string alarm_line;
};

void PrintFed(const Tally& tally, const View& view, size_t pending, int64_t elapsed_ms, bool json) {
  if (json) {
    JsonObject ignored;
    for (const auto& [name, count] : tally.ignored) ignored.Add(name, count);
    JsonObject line;
    line.Add("sections", tally.sections).Add("taken", tally.taken).Raw("ignored", ignored.Take());
    line.Add("unfinished_bytes", pending).Add("elapsed_ms", elapsed_ms);
    AddScreen(line, view.screen);
    fmt::print("{}\n", line.Raw("alarm", view.alarm_json).Take());
    return;
  }
  std::string ignored;
  for (const auto& [name, count] : tally.ignored) ignored += fmt::format(", {} {}", count, name);
  fmt::print("{} sections: {} taken{}\n{}\n", tally.sections, tally.taken, ignored, ScreenText(view.screen));
  if (!view.alarm_line.empty()) fmt::print("{}\n", view.alarm_line);
}

// Feeds every whole section there is, until the condition holds; then the rest is left.
bool FeedWhole(SectionSplitter& splitter, Receiver& receiver, Condition& condition, bool verbose, bool json,
               Tally* tally) {
  while (!condition.Holds(receiver)) {
    const auto section = splitter.Next();
    if (!section) return false;
    Outcome outcome;
    if (IsEcm(*section)) {
      const EcmResult result = receiver.Ecm(*section);
      if (result.opened()) condition.Opened();
      outcome = result.section;
    } else {
      outcome = receiver.Feed(*section);
    }
    tally->Count(outcome);
    if (verbose) PrintSection(*section, outcome, json);
  }
  return true;
}

std::string EventLine(std::string_view event, const Screen& screen, std::optional<ServiceId> service) {
  JsonObject line;
  line.Add("time", ToString(SystemNow())).Add("event", event);
  if (service) line.Add("service", service->value);
  AddScreen(line, screen);
  return line.Take();
}

// Prints the changes of what the viewer sees, as they happen.
class Watcher {
 public:
  explicit Watcher(Receiver receiver) : receiver_(std::move(receiver)), last_(receiver_.screen()) {
    Print("start", last_, {});
    NoteAlarm();
  }

  void Feed(ByteView section, Condition* condition) {
    if (IsEcm(section)) {
      const EcmResult result = receiver_.Ecm(section);
      if (result.opened()) condition->Opened();
      const bool told = result.opened() || !result.screen.lit();
      auto& last = services_[result.service];
      if (told && last != result.screen) Print("service", result.screen, result.service);
      if (told) last = result.screen;
    } else {
      receiver_.Feed(section);
      NoteAlarm();
    }
    const Screen now = receiver_.screen();
    if (now == last_) return;
    last_ = now;
    Print("screen", now, {});
  }
  // An alert begins and ends by the clock too.
  void Tick() {
    receiver_.SetTime(SystemNow());
    NoteAlarm();
  }
  void CaughtUp() {
    if (!std::exchange(caught_up_, true)) Print("caught_up", last_, {});
  }
  const Receiver& receiver() const { return receiver_; }

 private:
  static void Print(std::string_view event, const Screen& screen, std::optional<ServiceId> service) {
    fmt::print("{}\n", EventLine(event, screen, service));
    std::fflush(stdout);
  }

  void NoteAlarm() {
    const std::string alarm = AlarmJson(receiver_);
    if (alarm == alarm_) return;
    alarm_ = alarm;
    JsonObject line;
    line.Add("time", ToString(SystemNow())).Add("event", "alarm").Raw("alarm", alarm_);
    fmt::print("{}\n", line.Add("text", AlarmLine(receiver_)).Take());
    std::fflush(stdout);
  }

  Receiver receiver_;
  Screen last_;
  std::string alarm_ = "null";
  std::map<ServiceId, std::optional<Screen>> services_;
  bool caught_up_ = false;
};

Result<int> Feed(const AirOptions& options, const Place& place) {
  HEARTH_ASSIGN_OR_RETURN(Condition condition, Condition::Parse(options.until, options.ecm));
  HEARTH_ASSIGN_OR_RETURN(Source source, Source::Open(options.sections, {options.follow, options.new_only}));
  const Deadline deadline(options.seconds);
  SectionSplitter splitter;
  Tally tally;
  HEARTH_ASSIGN_OR_RETURN(Session before, Session::Open(place, false));
  View view(before.receiver());
  bool holds = condition.Holds(before.receiver());
  while (!holds) {
    HEARTH_ASSIGN_OR_RETURN(const Bytes bytes, source.Read(deadline.left(std::chrono::milliseconds(500))));
    if (source.TookNewFile()) splitter.Clear();
    splitter.Add(bytes);
    // The states are held only while something is fed, so that read and report can go on beside --follow.
    if (!bytes.empty()) {
      HEARTH_ASSIGN_OR_RETURN(Session session, Session::Open(place, true));
      holds = FeedWhole(splitter, session.receiver(), condition, options.verbose, place.json, &tally);
      view = View(session.receiver());
      HEARTH_RETURN_IF_ERROR(session.Save());
    }
    if ((bytes.empty() && source.ended()) || deadline.over()) break;
  }
  PrintFed(tally, view, splitter.pending(), deadline.elapsed_ms(), place.json);
  if (!condition.empty()) return holds ? kExitOk : kExitRefused;
  if (splitter.pending() > 0 && !options.follow) {
    return Error(Reason::kSectionTruncated, fmt::format("{} ends within a section: {} bytes are left",
                                                        options.sections, splitter.pending()));
  }
  return kExitOk;
}

Result<int> Watch(const AirOptions& options, const Place& place) {
  HEARTH_ASSIGN_OR_RETURN(Condition condition, Condition::Parse(options.until, options.ecm));
  HEARTH_ASSIGN_OR_RETURN(Session session, Session::Open(place, false));
  HEARTH_ASSIGN_OR_RETURN(Source source, Source::Open(options.sections, {true, options.new_only}));
  const Deadline deadline(options.seconds);
  Watcher watcher(session.receiver());
  SectionSplitter splitter;
  while (!condition.Holds(watcher.receiver())) {
    if (source.ended() || deadline.over()) return condition.empty() ? kExitOk : kExitRefused;
    HEARTH_ASSIGN_OR_RETURN(const Bytes bytes, source.Read(deadline.left(std::chrono::milliseconds(20))));
    if (source.TookNewFile()) splitter.Clear();
    splitter.Add(bytes);
    watcher.Tick();
    while (const auto section = splitter.Next()) {
      watcher.Feed(*section, &condition);
      if (condition.Holds(watcher.receiver())) return kExitOk;
    }
    if (bytes.empty()) watcher.CaughtUp();
  }
  return kExitOk;
}

void PrintEcm(const EcmResult& result, bool json) {
  std::vector<std::string> words;
  for (const Word& word : result.words) {
    const std::string hex = word.screen.lit() ? ToHex(word.word.secret_bytes()) : "";
    if (json) {
      JsonObject one;
      one.Add("granted", word.screen.lit()).Add("word", hex);
      one.Add("screen", word.screen.code).Add("sentence", word.screen.sentence);
      words.push_back(one.Take());
    } else {
      fmt::print("{}\n", word.screen.lit() ? hex : ScreenText(word.screen));
    }
  }
  if (json) {
    JsonObject line;
    line.Add("service", result.service.value).Add("opened", result.opened());
    line.Add("outcome", NameOf(result.section.why)).Raw("words", JsonArray(words));
    line.Add("screen", result.screen.code).Add("sentence", result.screen.sentence);
    fmt::print("{}\n", line.Take());
  } else if (result.words.empty() || !result.screen.lit()) {
    fmt::print("{}\n", result.screen.lit() ? "ignored: " + result.section.what : ScreenText(result.screen));
  }
}

Result<int> Ecm(const EcmOptions& options, const Place& place) {
  Bytes stream;
  if (!options.section.empty()) {
    HEARTH_ASSIGN_OR_RETURN(stream, FromHex(options.section));
  } else {
    HEARTH_ASSIGN_OR_RETURN(const std::string content, ReadWholeFile(options.file));
    const ByteView bytes = AsBytes(content);
    stream.assign(bytes.begin(), bytes.end());
  }
  HEARTH_ASSIGN_OR_RETURN(Session session, Session::Open(place, true));
  SectionSplitter splitter;
  splitter.Add(stream);
  int exit_code = kExitBadInput;
  while (const auto section = splitter.Next()) {
    if (!IsEcm(*section)) continue;
    const EcmResult result = session.receiver().Ecm(*section);
    PrintEcm(result, place.json);
    if (result.opened()) {
      exit_code = kExitOk;
    } else if (!result.screen.lit() && exit_code != kExitOk) {
      exit_code = kExitRefused;
    }
  }
  HEARTH_RETURN_IF_ERROR(session.Save());
  if (exit_code == kExitBadInput) return Error(Reason::kSectionMalformed, "there is no ECM that counts");
  return exit_code;
}

}  // namespace

int RunFeed(const AirOptions& options, const Place& place) { return ExitCode(Feed(options, place)); }
int RunWatch(const AirOptions& options, const Place& place) { return ExitCode(Watch(options, place)); }
int RunEcm(const EcmOptions& options, const Place& place) { return ExitCode(Ecm(options, place)); }

}  // namespace hearth::receiver
