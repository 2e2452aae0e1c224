#include "tools/scs/run.h"

#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <sys/random.h>

#include "tools/json/json.h"
#include "tools/scs/ecm_client.h"
#include "tools/scs/scrambler.h"
#include "tools/ts/input.h"
#include "tools/ts/output.h"

namespace hearth::scs {
namespace {

using json::JsonObject;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

volatile std::sig_atomic_t stop_asked = 0;
void AskToStop(int) { stop_asked = 1; }

milliseconds Milliseconds(double seconds) { return milliseconds(static_cast<int64_t>(seconds * 1000)); }
int64_t Count(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<milliseconds>(time).count();
}

// The kernel's: control words are keys.
class SystemRandom final : public RandomSource {
 public:
  void Fill(std::span<uint8_t> out) override {
    for (size_t at = 0; at < out.size();) {
      const ssize_t got = getrandom(out.data() + at, out.size() - at, 0);
      if (got > 0) at += static_cast<size_t>(got);
    }
  }
};

// The n-th of values given one for all, one for each, or not at all.
template <typename T, typename Default>
Result<T> Nth(const std::vector<T>& values, size_t n, size_t services, Default otherwise,
              const char* option) {
  if (values.empty()) return static_cast<T>(otherwise);
  if (values.size() != services)
    return InvalidField(option, fmt::format("give --{} once for each --service", option));
  return values[n];
}

struct Plan {
  ScramblerOptions scrambler;
  EcmClientOptions client;
};

Status PlanService(const Options& options, size_t n, size_t services, Plan* plan) {
  const bool numbered = !options.services.empty();
  const uint16_t programme = numbered ? options.services[n] : uint16_t{1};
  constexpr uint16_t kFirstEcmPid = 0x0300;
  HEARTH_ASSIGN_OR_RETURN(const uint16_t ecm_id, Nth(options.ecm_ids, n, services, programme, "ecm-id"));
  HEARTH_ASSIGN_OR_RETURN(const uint16_t ecm_pid,
                          Nth(options.ecm_pids, n, services, kFirstEcmPid + n, "ecm-pid"));
  HEARTH_ASSIGN_OR_RETURN(const std::string criteria,
                          Nth(options.access_criteria, n, services, "", "access-criteria"));
  plan->scrambler.services.push_back(
      {numbered ? std::optional(programme) : std::nullopt, mpegts::Pid(ecm_pid)});
  EcmClientOptions::Stream stream{ecm_id, {}};
  if (!options.access_criteria.empty()) {
    auto bytes = FromHex(criteria);
    if (!bytes) return InvalidField("access-criteria", "hexadecimal digits in pairs");
    stream.access_criteria = *std::move(bytes);
  }
  plan->client.streams.push_back(std::move(stream));
  return Ok();
}

Result<Plan> MakePlan(const Options& options) {
  Plan plan;
  for (const std::string& text : options.ecmgs) {
    HEARTH_ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(text, "ecmg"));
    plan.client.ecmgs.push_back(endpoint);
  }
  plan.client.super_cas_id = options.super_cas_id;
  plan.client.channel_id = options.channel_id;
  plan.client.version = static_cast<uint8_t>(options.version);
  plan.client.crypto_period = Milliseconds(options.crypto_period_s);
  plan.scrambler.crypto.crypto_period = plan.client.crypto_period;
  plan.scrambler.crypto.algorithm = options.algorithm == "csa" ? ts::Algorithm::kCsa : ts::Algorithm::kCissa;
  plan.scrambler.ca_system_id = simulcrypt::CaSystemId(options.super_cas_id);
  plan.scrambler.wait_for_ecms = !options.realtime;
  plan.scrambler.patience = Milliseconds(options.patience_s);
  auto private_bytes = FromHex(options.private_hex);
  if (!private_bytes) return InvalidField("private", "hexadecimal digits in pairs");
  plan.scrambler.private_bytes = *std::move(private_bytes);
  const size_t services = std::max<size_t>(options.services.size(), 1);
  for (size_t n = 0; n < services; ++n) HEARTH_RETURN_IF_ERROR(PlanService(options, n, services, &plan));
  return plan;
}

// What is said, and where.
class Teller {
 public:
  Teller(bool json, bool to_stderr) : json_(json), to_(to_stderr ? stderr : stdout) {}

  void Event(const std::string& text) const {
    if (json_) {
      Line(JsonObject().Add("event", "ecmg").Add("what", text));
    } else {
      Line(text);
    }
  }
  void Period(uint16_t programme, uint64_t period, StreamTime at) const {
    if (json_) {
      Line(JsonObject()
               .Add("event", "period")
               .Add("service", programme)
               .Add("number", period)
               .Add("time_ms", Count(at)));
    } else {
      Line(fmt::format("{:9.3f} s  programme {}: crypto period {}", static_cast<double>(Count(at)) / 1000,
                       programme, period));
    }
  }
  void End(const Scrambler& scrambler, const EcmClient& client) const {
    std::vector<std::string> services;
    for (size_t i = 0; i < scrambler.service_count(); ++i) {
      const ServiceCounts& counts = scrambler.counts(i);
      services.push_back(JsonObject()
                             .Add("service", scrambler.programme(i))
                             .Add("periods", counts.periods)
                             .Add("late_periods", counts.late)
                             .Add("latest_ms", Count(counts.late_longest))
                             .Add("ecms", counts.ecms)
                             .Add("ecm_packets", counts.ecm_packets)
                             .Add("scrambled_packets", counts.scrambled)
                             .Take());
      if (json_) continue;
      Line(fmt::format("programme {}: {} crypto periods ({} late), {} packets scrambled, {} ECM packets",
                       scrambler.programme(i), counts.periods, counts.late, counts.scrambled,
                       counts.ecm_packets));
    }
    const ts::Inserter& inserter = scrambler.inserter();
    if (json_) {
      Line(JsonObject()
               .Add("event", "end")
               .Add("time_ms", Count(scrambler.now()))
               .Raw("services", json::JsonArray(services))
               .Add("null_packets_replaced", inserter.replaced())
               .Add("packets_inserted", inserter.inserted())
               .Add("already_scrambled", scrambler.already_scrambled())
               .Add("reconnects", client.reconnects())
               .Add("slowest_ecm_us", client.slowest_answer().count() / 1000));
    } else {
      Line(fmt::format("{} null packets replaced, {} packets inserted, slowest ECM {:.3f} ms",
                       inserter.replaced(), inserter.inserted(),
                       static_cast<double>(client.slowest_answer().count()) / 1e6));
    }
  }

 private:
  void Line(JsonObject& object) const { Line(object.Take()); }
  void Line(JsonObject&& object) const { Line(object.Take()); }
  void Line(const std::string& text) const {
    fmt::print(to_, "{}\n", text);
    std::fflush(to_);
  }

  bool json_;
  FILE* to_;
};

// Holds the stream back to the pace of its own clock.
class Pacer {
 public:
  // True when `at` has come; else it sleeps towards it.
  void WaitFor(StreamTime at) {
    if (!begin_) begin_ = Steady::now() - at;
    std::this_thread::sleep_until(*begin_ + at);
  }

 private:
  std::optional<Steady::time_point> begin_;
};

Status Pump(const Options& options, ts::Input& input, ts::Output& output, Scrambler& scrambler) {
  // In real time the output is let go in steps of this.
  constexpr milliseconds kStep{10};
  ts::PacketReader reader;
  Pacer pacer;
  StreamTime let_go{0};
  Bytes out;
  while (!input.ended() && stop_asked == 0) {
    HEARTH_ASSIGN_OR_RETURN(const Bytes bytes, input.Read(milliseconds(100)));
    reader.Add(bytes);
    while (const auto packet = stop_asked == 0 ? reader.Next() : std::nullopt) {
      HEARTH_RETURN_IF_ERROR(scrambler.Push(*packet, &out));
      if (!options.realtime || scrambler.now() < let_go + kStep) continue;
      let_go = scrambler.now();
      pacer.WaitFor(let_go);
      HEARTH_RETURN_IF_ERROR(output.Write(std::exchange(out, {})));
      HEARTH_RETURN_IF_ERROR(output.Flush());
    }
    HEARTH_RETURN_IF_ERROR(output.Write(std::exchange(out, {})));
    HEARTH_RETURN_IF_ERROR(output.Flush());
  }
  HEARTH_RETURN_IF_ERROR(scrambler.Finish(&out));
  HEARTH_RETURN_IF_ERROR(output.Write(out));
  return output.Flush();
}

Status Work(const Options& options) {
  HEARTH_ASSIGN_OR_RETURN(const Plan plan, MakePlan(options));
  const Teller teller(options.json, options.out == "-");
  SystemRandom random;
  HEARTH_ASSIGN_OR_RETURN(const auto client, EcmClient::Create(plan.client));
  HEARTH_ASSIGN_OR_RETURN(const auto scrambler, Scrambler::Create(plan.scrambler, *client, random));
  HEARTH_ASSIGN_OR_RETURN(ts::Input input, ts::Input::Open(options.in));
  HEARTH_ASSIGN_OR_RETURN(ts::Output output, ts::Output::Open(options.out));
  client->set_on_event([&](const std::string& text) { teller.Event(text); });
  scrambler->set_on_period([&](uint16_t p, uint64_t n, StreamTime at) { teller.Period(p, n, at); });
  HEARTH_RETURN_IF_ERROR(client->Open());
  Status done = Pump(options, input, output, *scrambler);
  client->Close();
  if (done) teller.End(*scrambler, *client);
  return done;
}

}  // namespace

int Run(const Options& options) {
  std::signal(SIGINT, AskToStop);
  std::signal(SIGTERM, AskToStop);
  std::signal(SIGPIPE, SIG_IGN);
  const Status done = Work(options);
  if (done) return kExitOk;
  const Error& error = done.error();
  if (!error.violations().empty()) {
    const FieldViolation& first = error.violations().front();
    fmt::print(stderr, "hearth-scs: --{}: {}\n", first.field, first.description);
    return kExitUsage;
  }
  fmt::print(stderr, "hearth-scs: {}\n", error.message());
  return error.reason() == Reason::kOutputFailed ? kExitEcmg : kExitBadInput;
}

}  // namespace hearth::scs
