#include "tools/mux/run.h"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "tools/json/json.h"
#include "tools/mux/emm_server.h"
#include "tools/mux/multiplex.h"
#include "tools/ts/input.h"
#include "tools/ts/output.h"
#include "tools/ts/stream_clock.h"

namespace hearth::mux {
namespace {

using json::JsonObject;
using std::chrono::milliseconds;

// How often the output goes on in real time.
constexpr milliseconds kStep{5};

volatile std::sig_atomic_t stop_asked = 0;
void AskToStop(int) { stop_asked = 1; }

Time Now() { return std::chrono::steady_clock::now().time_since_epoch(); }
Time Seconds(double seconds) {
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(seconds));
}

// The packets that are due: of a file or pipe at the pace of its clock or as they come, or null packets at a
// rate.
class Source {
 public:
  static Result<Source> Open(const Options& options) {
    Source source(options);
    if (!options.in.empty()) {
      HEARTH_ASSIGN_OR_RETURN(auto input, ts::Input::Open(options.in));
      source.input_ = std::move(input);
    }
    return source;
  }

  // The next packet that is due at `elapsed`; nothing when none is.
  Result<std::optional<mpegts::Packet>> Next(Time elapsed) {
    if (!input_) return NextNull(elapsed);
    if (!options_.fast && clock_ && clock_->now() > elapsed) return std::optional<mpegts::Packet>();
    auto packet = reader_.Next();
    if (!packet) {
      HEARTH_ASSIGN_OR_RETURN(const Bytes bytes, input_->Read(milliseconds(0)));
      reader_.Add(bytes);
      packet = reader_.Next();
    }
    if (packet) Watch(*packet);
    return packet;
  }
  bool ended() const { return input_ && input_->ended() && reader_.pending() < mpegts::kPacketBytes; }

 private:
  explicit Source(const Options& options) : options_(options) {}

  std::optional<mpegts::Packet> NextNull(Time elapsed) {
    if (options_.out.empty()) return std::nullopt;
    const double due = std::chrono::duration<double>(elapsed).count() * options_.rate_kbps * 1000 / (8 * 188);
    if (static_cast<double>(nulls_) >= due) return std::nullopt;
    ++nulls_;
    return mpegts::NullPacket();
  }
  // The first PID with a PCR is the clock.
  void Watch(const mpegts::Packet& packet) {
    if (!clock_ && ts::ReadPcr(packet)) clock_.emplace(mpegts::ReadPacketHeader(packet)->pid);
    if (clock_) clock_->Push(packet);
  }

  const Options& options_;
  std::optional<ts::Input> input_;
  ts::PacketReader reader_;
  std::optional<ts::StreamClock> clock_;
  uint64_t nulls_ = 0;
};

class Runner {
 public:
  explicit Runner(const Options& options) : options_(options), to_(options.out == "-" ? stderr : stdout) {}

  Status Work() {
    HEARTH_RETURN_IF_ERROR(Prepare());
    HEARTH_ASSIGN_OR_RETURN(Source source, Source::Open(options_));
    HEARTH_ASSIGN_OR_RETURN(ts::Output output, ts::Output::Open(options_.out));
    HEARTH_ASSIGN_OR_RETURN(ts::Output sections, ts::Output::Open(options_.sections_out));
    Status kept = Ok();
    multiplex_->set_on_section([&](const DataKey&, ByteView section) {
      ++sections_;
      if (kept) kept = sections.Write(section);
    });
    const Time begin = Now();
    Time next_counts = Seconds(options_.window_seconds.value_or(0));
    while (!Over(Now() - begin) && !source.ended()) {
      server_->Poll(options_.fast ? milliseconds(0) : kStep);
      HEARTH_RETURN_IF_ERROR(kept);
      HEARTH_RETURN_IF_ERROR(sections.Flush());
      Bytes out;
      HEARTH_RETURN_IF_ERROR(PassDue(source, begin, &out));
      HEARTH_RETURN_IF_ERROR(output.Write(out));
      HEARTH_RETURN_IF_ERROR(output.Flush());
      if (options_.window_seconds && Now() - begin >= next_counts) {
        Counts("counts", Now() - begin);
        next_counts += Seconds(*options_.window_seconds);
      }
    }
    Bytes rest;
    if (!options_.out.empty()) multiplex_->Finish(&rest);
    HEARTH_RETURN_IF_ERROR(output.Write(rest));
    HEARTH_RETURN_IF_ERROR(output.Flush());
    server_->set_on_event({});  // connections that end now are no news
    Counts("end", Now() - begin);
    return Ok();
  }

 private:
  Status Prepare() {
    MultiplexOptions plan;
    plan.stream = !options_.out.empty();
    plan.emm_pid = mpegts::Pid(options_.emm_pid);
    plan.packing = options_.packed ? mpegts::Packing::kPacked : mpegts::Packing::kPadded;
    auto private_bytes = FromHex(options_.private_hex);
    if (!private_bytes) return InvalidField("private", "hexadecimal digits in pairs");
    plan.private_bytes = *std::move(private_bytes);
    HEARTH_ASSIGN_OR_RETURN(multiplex_, Multiplex::Create(plan));
    EmmServerOptions serving;
    HEARTH_ASSIGN_OR_RETURN(serving.listen, ParseEndpoint(options_.listen, "listen"));
    if (!options_.udp.empty()) {
      HEARTH_ASSIGN_OR_RETURN(serving.udp, ParseEndpoint(options_.udp, "udp"));
    }
    using Mode = simulcrypt::MuxOptions::Mode;
    serving.session.mode = options_.mode == "sections"  ? Mode::kSections
                           : options_.mode == "packets" ? Mode::kTsPackets
                                                        : Mode::kAsAsked;
    serving.session.bandwidth_kbps = options_.bandwidth_kbps;
    serving.session.bandwidth_slack_percent = options_.slack_percent;
    HEARTH_ASSIGN_OR_RETURN(server_, EmmServer::Create(serving, *multiplex_));
    server_->set_on_event([this](const std::string& text) { Event(text); });
    Event(fmt::format("listens on port {}{}", server_->tcp_port(),
                      serving.udp ? fmt::format(", UDP {}", server_->udp_port()) : ""));
    return WritePorts();
  }

  // TCP, then UDP; written beside and renamed, so that whoever waits for the file reads all of it.
  Status WritePorts() const {
    if (options_.port_file.empty()) return Ok();
    const std::string fresh = options_.port_file + ".new";
    std::ofstream file(fresh);
    file << server_->tcp_port() << '\n';
    if (!options_.udp.empty()) file << server_->udp_port() << '\n';
    file.close();
    std::error_code error;
    std::filesystem::rename(fresh, options_.port_file, error);
    if (file && !error) return Ok();
    return Error(Reason::kOutputFailed, fmt::format("cannot write {}", options_.port_file));
  }

  bool Over(Time elapsed) const {
    if (stop_asked != 0) return true;
    if (options_.seconds && std::chrono::duration<double>(elapsed).count() >= *options_.seconds) return true;
    return options_.until_sections > 0 && sections_ >= options_.until_sections;
  }

  Status PassDue(Source& source, Time begin, Bytes* out) {
    // With --fast, a part at a time, so that EMMs get their turn.
    constexpr int kAtOnce = 1000;
    for (int i = 0; i < kAtOnce; ++i) {
      HEARTH_ASSIGN_OR_RETURN(const auto packet, source.Next(Now() - begin));
      if (!packet) return Ok();
      HEARTH_RETURN_IF_ERROR(multiplex_->Pass(*packet, Now(), out));
    }
    return Ok();
  }

  void Event(const std::string& text) const {
    Line(options_.json ? JsonObject().Add("event", "emmg").Add("what", text).Take() : text);
  }

  // Since the beginning.
  void Counts(const char* event, Time elapsed) const {
    std::vector<std::string> streams;
    for (const auto& [key, counts] : multiplex_->counts()) {
      streams.push_back(JsonObject()
                            .Add("client_id", key.client_id)
                            .Add("data_id", key.data_id)
                            .Add("pid", counts.pid.value)
                            .Add("datagrams", counts.datagrams)
                            .Add("sections", counts.sections)
                            .Add("section_bytes", counts.section_bytes)
                            .Add("packets", counts.packets)
                            .Add("refused", counts.refused)
                            .Take());
      if (options_.json) continue;
      Line(fmt::format("client 0x{:08X} data {} on PID 0x{:04X}: {} sections, {} bytes, {} packets",
                       key.client_id, key.data_id, counts.pid.value, counts.sections, counts.section_bytes,
                       counts.packets));
    }
    if (!options_.json) return;
    Line(JsonObject()
             .Add("event", event)
             .Add("elapsed_us", std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count())
             .Raw("streams", json::JsonArray(streams))
             .Add("null_packets_replaced", multiplex_->inserter().replaced())
             .Add("packets_inserted", multiplex_->inserter().inserted())
             .Add("errors_sent", server_->errors_sent())
             .Add("udp_refused", server_->udp_refused())
             .Take());
  }

  void Line(const std::string& text) const {
    fmt::print(to_, "{}\n", text);
    std::fflush(to_);
  }

  const Options& options_;
  FILE* to_;
  std::unique_ptr<Multiplex> multiplex_;
  std::unique_ptr<EmmServer> server_;
  uint64_t sections_ = 0;
};

}  // namespace

int Run(const Options& options) {
  std::signal(SIGINT, AskToStop);
  std::signal(SIGTERM, AskToStop);
  std::signal(SIGPIPE, SIG_IGN);
  const Status done = Runner(options).Work();
  if (done) return kExitOk;
  const Error& error = done.error();
  if (!error.violations().empty()) {
    const FieldViolation& first = error.violations().front();
    fmt::print(stderr, "hearth-mux: --{}: {}\n", first.field, first.description);
    return kExitUsage;
  }
  fmt::print(stderr, "hearth-mux: {}\n", error.message());
  return error.reason() == Reason::kOutputFailed ? kExitFailed : kExitBadInput;
}

}  // namespace hearth::mux
