// hearthctl carousel: what the air can carry, and what it carries now.
#include <algorithm>
#include <array>
#include <climits>
#include <cmath>

#include <fmt/format.h>

#include "hearth/v1/entitlement.grpc.pb.h"
#include "src/carousel/planner.h"
#include "tools/ctl/air.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

namespace v1 = hearth::v1;

struct PlanFlags {
  carousel::PlanInput input;
  std::string rate = "1Mbit/s";
  bool padded = false;
  int64_t ecm_interval_ms = 100;
  int epoch_days = 14;
  int lead_days = 7;
};

void PrintJson(Session& session, const carousel::PlanInput& input, const carousel::AirPlan& plan) {
  std::string lines;
  for (const carousel::PlanLine& line : plan.lines) {
    lines += fmt::format(
        R"({}{{"what":"{}","sections":{},"share":{:.4f},"seconds":{:.2f},"worst_seconds":{:.2f}}})",
        lines.empty() ? "" : ",", line.what, line.sections, line.share, line.seconds, line.worst);
  }
  session.out() << fmt::format(
      "{{\"cards\":{},\"rate_kbps\":{},\"packets_per_second\":{:.1f},\"lines\":[{}],\"events_per_second\":{:."
      "1f},"
      "\"ecm_kbps\":{:.1f},\"lit_at_most_days\":{},\"lit_at_least_days\":{}}}\n",
      input.cards, input.kbps, plan.packets_per_second, lines, plan.events_per_second, plan.ecm_kbps,
      plan.lit_at_most.count(), plan.lit_at_least.count());
}

void PrintText(Session& session, const carousel::PlanInput& input, const carousel::AirPlan& plan) {
  session.out() << fmt::format("{} cards, {} kbit/s for EMMs: {:.1f} packets a second\n\n", input.cards,
                               input.kbps, plan.packets_per_second);
  Table table({{"what"}, {"sections"}, {"share"}, {"one pass"}, {"longest wait"}});
  for (const carousel::PlanLine& line : plan.lines) {
    table.Add({line.what, std::to_string(line.sections), fmt::format("{:.1f} %", 100 * line.share),
               Duration(line.seconds), Duration(line.worst)});
  }
  table.Print(session.out());
  session.out() << fmt::format(
      "\nwhile every tier has more to send than its share; what one does not use flows to the next\n"
      "individual events carried, with their repeats: {:.0f} a second\n"
      "ECMs of {} channels beside it, one each {} ms: {:.0f} kbit/s\n"
      "a card that drops its messages goes dark {} to {} days later\n",
      plan.events_per_second, input.channels, input.ecm_interval.count(), plan.ecm_kbps,
      plan.lit_at_least.count(), plan.lit_at_most.count());
}

int RunPlan(Session& session, const PlanFlags& flags) {
  const auto kbps = ParseRate(flags.rate);
  if (!kbps) return session.FailUsage(kbps.error());
  carousel::PlanInput input = flags.input;
  input.kbps = *kbps;
  input.packing = flags.padded ? mpegts::Packing::kPadded : mpegts::Packing::kPacked;
  input.ecm_interval = std::chrono::milliseconds(flags.ecm_interval_ms);
  input.epoch = std::chrono::days(flags.epoch_days);
  input.lead = std::chrono::days(flags.lead_days);
  const auto plan = carousel::PlanAir(input);
  if (!plan) return session.FailUsage(plan.error());
  if (session.json()) {
    PrintJson(session, input, *plan);
  } else {
    PrintText(session, input, *plan);
  }
  return kExitOk;
}

void DeclarePlan(CLI::App& command, PlanFlags& flags) {
  carousel::PlanInput& input = flags.input;
  command.add_option("--cards", input.cards, "Cards in the country (default: 130000000)")->type_name("N");
  command.add_option("--rate", flags.rate, "Rate for EMMs, 300kbit/s (default: 1Mbit/s)")->type_name("RATE");
  command.add_flag("--padded", flags.padded, "The multiplexer starts a packet for each section");
  command.add_option("--packages", input.packages_per_group, "Packages of a group (default: 1)")
      ->type_name("N");
  command
      .add_option("--service-key-sections", input.service_key_sections,
                  "Sections of service keys (default: 155)")
      ->type_name("N");
  command
      .add_option("--area-sections", input.area_sections, "Parts of area and deny tables (default: 40000)")
      ->type_name("N");
  command
      .add_option("--churn", input.churn_per_day, "Part of the cards that change in a day (default: 0.001)")
      ->type_name("PART");
  command
      .add_option("--record-part", input.record_part, "Of these, part whose record changes (default: 0.2)")
      ->type_name("PART");
  command.add_option("--stale-days", input.stale_days, "Days a record waits for its report (default: 90)")
      ->type_name("DAYS");
  command.add_option("--channels", input.channels, "Scrambled channels (default: 42)")->type_name("N");
  command
      .add_option("--ecm-interval", flags.ecm_interval_ms, "From one ECM to its repeat, in ms (default: 100)")
      ->type_name("MS");
  command.add_option("--word-bytes", input.word_bytes, "Bytes of a control word: 8 or 16 (default: 8)")
      ->type_name("N");
  command.add_option("--epoch", flags.epoch_days, "Days that a package key is in force (default: 14)")
      ->type_name("DAYS");
  command.add_option("--lead", flags.lead_days, "Days that the next one is on the air before (default: 7)")
      ->type_name("DAYS");
}

struct StatusFlags {
  bool watch = false;
  double interval_seconds = 1;
  int count = 0;
};

// A bar of 20 columns, in eighths.
std::string Bar(double part) {
  constexpr int kColumns = 20;
  constexpr std::array<std::string_view, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::lround(std::clamp(part, 0.0, 1.0) * kColumns * 8));
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kEighths[eighths % 8];
  const int used = eighths / 8 + (eighths % 8 > 0 ? 1 : 0);
  return bar + std::string(kColumns - used, ' ');
}

std::string DurationOrDash(double seconds) { return seconds > 0 ? Duration(seconds) : "-"; }

void PrintOutput(std::ostream& out, const v1::CarouselOutput& output) {
  out << fmt::format("output {}: {}{}\n", output.name(),
                     output.kbps() == 0 ? std::string("NOT CONNECTED, nothing can be sent")
                                        : fmt::format("{} kbit/s", output.kbps()),
                     output.borrowing() ? ", a mass event borrows" : "");
  Table lines({{"tier"},
               {"on air"},
               {"kbit/s", true},
               {"share", true},
               {"waiting", true},
               {"oldest", true},
               {"repeating", true},
               {"wait now", true},
               {"worst 15 min", true}});
  Table cycles({{"cycle"},
                {"on air"},
                {"kbit/s", true},
                {"share", true},
                {"of", true},
                {"done", true},
                {"pass, predicted", true},
                {"measured", true}});
  const double rate = std::max(1.0, static_cast<double>(output.kbps()));
  for (const v1::CarouselTier& tier : output.tiers()) {
    const std::string kbps = fmt::format("{:.1f}", tier.kbps());
    const std::string share = fmt::format("{:.0f} %", 100 * tier.share());
    if (tier.has_cycle()) {
      const v1::CarouselCycle& cycle = tier.cycle();
      cycles.Add({tier.name(), Bar(tier.kbps() / rate), kbps, share, std::to_string(cycle.count()),
                  fmt::format("{:.0f} %", 100 * cycle.done()), DurationOrDash(cycle.predicted_seconds()),
                  DurationOrDash(cycle.last_seconds())});
    } else {
      lines.Add({tier.name(), Bar(tier.kbps() / rate), kbps, share, std::to_string(tier.waiting()),
                 DurationOrDash(tier.oldest_seconds()), std::to_string(tier.repeating()),
                 output.kbps() == 0 ? "-" : Duration(tier.forecast_seconds()),
                 DurationOrDash(tier.worst_seconds())});
    }
  }
  lines.Print(out);
  out << '\n';
  cycles.Print(out);
  out << '\n';
}

void PrintStatus(std::ostream& out, const v1::GetCarouselResponse& answer) {
  uint64_t queued = 0;
  uint64_t sent = 0;
  for (const v1::CarouselOutput& output : answer.outputs()) {
    uint64_t waiting = 0;
    uint64_t repeating = 0;
    for (const v1::CarouselTier& tier : output.tiers()) {
      waiting += tier.waiting();
      repeating += tier.repeating();
    }
    queued = std::max(queued, waiting);
    sent = std::max(sent, repeating);
    PrintOutput(out, output);
  }
  if (answer.outputs().empty()) out << "no output is configured: nothing is sent\n\n";
  if (answer.groups_held())
    out << "THE GROUP TIER IS HELD: this site was restored from a backup and not reconciled\n";
  out << fmt::format(
      "messages queued {}, sent and repeated {}; records not confirmed by a report {}, confirmed {}\n"
      "a switch-off that a card drops takes effect by {}\n",
      queued, sent, answer.unconfirmed(), answer.confirmed(), LocalTime(answer.bounded()));
}

int RunStatus(Session& session, const StatusFlags& flags) {
  constexpr std::string_view kClear = "\x1B[H\x1B[2J";
  const int times = flags.watch ? (flags.count > 0 ? flags.count : INT_MAX) : 1;
  for (int i = 0; i < times; ++i) {
    if (i > 0) {
      session.io().sleep(std::chrono::milliseconds(std::lround(flags.interval_seconds * 1000)));
    }
    const int code = session.Read(&v1::EntitlementService::Stub::GetCarousel, v1::GetCarouselRequest(),
                                  [&](const v1::GetCarouselResponse& answer) {
                                    if (flags.watch) session.out() << kClear;
                                    PrintStatus(session.out(), answer);
                                    session.out().flush();
                                  });
    if (code != kExitOk) return code;
  }
  return kExitOk;
}

}  // namespace

void AddCarouselCommands(Tree& tree) {
  tree.Noun("carousel", "What the air carries, and how long it takes");
  tree.Add<PlanFlags>("carousel", "plan",
                      "Prints what a rate buys: cycle times, ECMs, how long dropped messages keep a card lit",
                      DeclarePlan, RunPlan);
  tree.Add<StatusFlags>(
      "carousel", "status", "What is on the air now: tiers, cycles, waits, and how far deliveries have come",
      [](CLI::App& command, StatusFlags& flags) {
        command.add_flag("--watch", flags.watch, "Goes on, a new picture each second, until Ctrl-C");
        command.add_option("--interval", flags.interval_seconds, "Seconds between two pictures (default: 1)")
            ->type_name("SECONDS")
            ->check(CLI::Range(0.1, 3600.0));
        command.add_option("--count", flags.count, "Ends after so many pictures")
            ->type_name("N")
            ->check(CLI::Range(1, 1'000'000));
      },
      RunStatus);
}

}  // namespace hearth::ctl
