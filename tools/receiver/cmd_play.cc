// play: a programme of a transport stream, as the viewer gets it.
#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "tools/json/json.h"
#include "tools/receiver/commands.h"
#include "tools/receiver/source.h"
#include "tools/receiver/tuner.h"
#include "tools/ts/output.h"

namespace hearth::receiver {
namespace {

using Steady = std::chrono::steady_clock;

int64_t Milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

// Card and box behind the tuner. Their states are held only while bytes are taken, so that read and report
// can go on beside a live stream, and what they change counts from the next bytes.
class Viewer final : public TunerHost {
 public:
  Viewer(const PlayOptions& options, const Place& place)
      : place_(place), report_(options.out == "-" ? stderr : stdout) {}

  Status Begin() {
    HEARTH_ASSIGN_OR_RETURN(Session session, Session::Open(place_, true));
    session_ = std::make_unique<Session>(std::move(session));
    NoteAlarm();
    return Ok();
  }
  Status End() {
    Status saved = session_->Save();
    session_.reset();
    return saved;
  }

  void OnEmm(ByteView section) override {
    ++emms_;
    if (session_->receiver().Feed(section).taken()) ++emms_taken_;
    NoteAlarm();
  }
  EcmResult OnEcm(ByteView section) override {
    ++ecms_;
    return session_->receiver().Ecm(section);
  }
  void OnPeriod(const Period& period) override {
    ++periods_;
    if (period.lit()) ++periods_lit_;
    packets_ += period.packets;
    dark_packets_ += period.dark;
    last_ = period.screen;
    Print(period);
  }

  bool lit_at_end() const { return periods_ > 0 && last_.lit(); }

  void Summary(const Tuner& tuner, uint64_t skipped) const {
    if (!place_.json) {
      fmt::print(report_,
                 "{} of {} crypto periods lit, {} of {} packets dark, {} ECMs, {} of {} EMMs taken\n{}\n",
                 periods_lit_, periods_, dark_packets_, packets_, ecms_, emms_taken_, emms_,
                 tuner.announced_clear() ? "in the clear" : ScreenText(last_));
      return;
    }
    JsonObject line;
    line.Add("event", "end").Add("service", tuner.service().value_or(0));
    line.Add("time_ms", Milliseconds(tuner.now()));
    line.Add("clear", tuner.announced_clear()).Add("periods", periods_).Add("periods_lit", periods_lit_);
    line.Add("packets", packets_).Add("dark_packets", dark_packets_).Add("ecms", ecms_);
    line.Add("emms", emms_).Add("emms_taken", emms_taken_).Add("skipped_bytes", skipped);
    AddScreen(line, last_);
    fmt::print(report_, "{}\n", line.Raw("alarm", alarm_).Take());
  }

 private:
  void NoteAlarm() {
    const std::string alarm = AlarmJson(session_->receiver());
    if (alarm == alarm_) return;
    alarm_ = alarm;
    const std::string text = AlarmLine(session_->receiver());
    if (place_.json) {
      JsonObject line;
      fmt::print(report_, "{}\n", line.Add("event", "alarm").Raw("alarm", alarm_).Add("text", text).Take());
    } else {
      fmt::print(report_, "{}\n", text.empty() ? "the alarm has ended" : text);
    }
    std::fflush(report_);
  }

  void Print(const Period& period) const {
    if (place_.json) {
      JsonObject line;
      line.Add("event", "period").Add("number", period.number).Add("time_ms", Milliseconds(period.begin));
      line.Add("parity", ts::NameOf(period.parity)).Add("packets", period.packets);
      line.Add("dark_packets", period.dark);
      AddScreen(line, period.screen);
      fmt::print(report_, "{}\n", line.Take());
    } else {
      fmt::print(report_, "{:9.3f} s  {:4}  {:6} packets  {}\n",
                 static_cast<double>(Milliseconds(period.begin)) / 1000, ts::NameOf(period.parity),
                 period.packets, ScreenText(period.screen));
    }
    std::fflush(report_);
  }

  Place place_;
  FILE* report_;
  std::unique_ptr<Session> session_;
  uint64_t emms_ = 0;
  uint64_t emms_taken_ = 0;
  uint64_t ecms_ = 0;
  uint64_t periods_ = 0;
  uint64_t periods_lit_ = 0;
  uint64_t packets_ = 0;
  uint64_t dark_packets_ = 0;
  Screen last_;
  std::string alarm_ = "null";
};

// Everything that `reader` holds goes through the tuner to `out`.
Status PlayWhole(ts::PacketReader& reader, Tuner& tuner, Viewer& viewer, ts::Output& out) {
  Bytes shown;
  auto packet = reader.Next();
  if (!packet) return Ok();
  HEARTH_RETURN_IF_ERROR(viewer.Begin());
  for (; packet; packet = reader.Next()) {
    tuner.Push(*packet);
    shown.insert(shown.end(), packet->begin(), packet->end());
  }
  HEARTH_RETURN_IF_ERROR(viewer.End());
  HEARTH_RETURN_IF_ERROR(out.Write(shown));
  return out.Flush();
}

Result<int> Play(const PlayOptions& options, const Place& place) {
  TunerOptions tuning;
  tuning.service = options.service;
  tuning.ca_system_id = options.ca_system_id;
  tuning.suite = static_cast<uint8_t>(options.suite);
  HEARTH_ASSIGN_OR_RETURN(Source source, Source::Open(options.in, {options.follow, false}));
  HEARTH_ASSIGN_OR_RETURN(ts::Output out, ts::Output::Open(options.out));
  Viewer viewer(options, place);
  HEARTH_RETURN_IF_ERROR(viewer.Begin());  // a state that cannot be read is told at once
  HEARTH_RETURN_IF_ERROR(viewer.End());
  Tuner tuner(tuning, viewer);
  ts::PacketReader reader;
  const auto end =
      options.seconds
          ? Steady::now() + std::chrono::milliseconds(static_cast<int64_t>(*options.seconds * 1000))
          : Steady::time_point::max();
  while (Steady::now() < end) {
    HEARTH_ASSIGN_OR_RETURN(const Bytes bytes, source.Read(std::chrono::milliseconds(100)));
    if (bytes.empty() && source.ended()) break;
    reader.Add(bytes);
    HEARTH_RETURN_IF_ERROR(PlayWhole(reader, tuner, viewer, out));
  }
  tuner.Finish();
  viewer.Summary(tuner, reader.skipped_bytes());
  if (const std::string missing = tuner.Missing(); !missing.empty()) {
    return Error(Reason::kSectionMalformed, fmt::format("{} cannot be played: {}", options.in, missing));
  }
  return viewer.lit_at_end() || tuner.announced_clear() ? kExitOk : kExitRefused;
}

}  // namespace

int RunPlay(const PlayOptions& options, const Place& place) {
  const Result<int> result = Play(options, place);
  return result ? *result : Fail(result.error());
}

}  // namespace hearth::receiver
