// hearthctl carousel: what the air can carry.
#include <fmt/format.h>

#include "src/carousel/planner.h"
#include "tools/ctl/air.h"
#include "tools/ctl/tree.h"

namespace hearth::ctl {
namespace {

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

}  // namespace

void AddCarouselCommands(Tree& tree) {
  tree.Noun("carousel", "What the air carries, and how long it takes");
  tree.Add<PlanFlags>("carousel", "plan",
                      "Prints what a rate buys: cycle times, ECMs, how long dropped messages keep a card lit",
                      DeclarePlan, RunPlan);
}

}  // namespace hearth::ctl
