// The carousel over a whole country in simulated time; the targets are those at 1 Mbit/s with 130 million
// cards.
#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "tools/bench/air_sim.h"
#include "tools/bench/benches.h"

namespace hearth::bench {
namespace {

void AddWaits(Findings& findings, const std::string& name, const Waits& waits) {
  findings.Add(name + ": sent", static_cast<double>(waits.count), "count");
  findings.Add(name + ": wait, median", waits.median, "ms");
  findings.Add(name + ": wait, p99", waits.p99, "ms");
  findings.Add(name + ": wait, worst", waits.worst, "ms");
}

void ExpectTargets(Findings& findings, const AirResult& air, bool whole) {
  findings.Expect("a pass of the groups takes at most 15 minutes", air.group_pass_worst_s <= 900);
  findings.Expect("99.9 % of the cards that are on hold the next key after two passes",
                  air.key_two_passes >= 0.999);
  findings.Expect("an individual event: p99 under 100 ms", air.individual.p99 < 100);
  findings.Expect("an individual event during a mass event: p99 under 1 s",
                  air.individual_in_bulk.p99 < 1000);
  findings.Expect("300,000 scattered switch-offs within 120 s",
                  air.scattered_seconds > 0 && air.scattered_seconds <= 120);
  findings.Expect("a regional event of 5 % within 60 s",
                  air.regional_seconds > 0 && air.regional_seconds <= 60);
  findings.Expect("back after three months: 98.5 % hold the key after 15 minutes",
                  air.returned_keys_15_min >= 0.985);
  findings.Expect("a refresh within 10 s", air.refresh.worst <= 10'000);
  if (!whole) return;
  findings.Expect("back after three months: 95 % hold their record after three evenings",
                  air.returned_record_3_evenings >= 0.95);
}

}  // namespace

Result<Findings> BenchCarousel(const CarouselOptions& options) {
  AirOptions air_options;
  air_options.cards = options.cards;
  air_options.kbps = options.kbps;
  air_options.seed = options.seed;
  air_options.evenings = options.evenings;
  air_options.scheduler.packing = options.padded ? mpegts::Packing::kPadded : mpegts::Packing::kPacked;
  if (!options.quiet) {
    air_options.progress = [](double done, double hours) {
      fmt::print(stderr, "\r{:5.1f} of {:.1f} simulated hours", done, hours);
      if (done + 0.25 >= hours) fmt::print(stderr, "\n");
    };
  }
  HEARTH_ASSIGN_OR_RETURN(const AirResult air, SimulateAir(air_options));
  Findings findings{.bench = "carousel", .seed = options.seed};
  findings.Add("cards", static_cast<double>(options.cards), "count");
  findings.Add("rate granted", options.kbps * 1000.0, "1/s");
  findings.Add("packets", air.packets_per_second, "1/s");
  findings.Add("simulated", air.simulated_hours * 3600, "s");
  findings.Add("rate used", air.used, "ratio");
  AddWaits(findings, "individual", air.individual);
  AddWaits(findings, "individual, during a mass event", air.individual_in_bulk);
  AddWaits(findings, "change of record", air.change);
  AddWaits(findings, "refresh, whole home", air.refresh);
  findings.Add("mass event, scattered: all sent after", air.scattered_seconds, "s");
  findings.Add("mass event, regional: all sent after", air.regional_seconds, "s");
  findings.Add("service keys: a pass", air.service_pass_s, "s");
  findings.Add("groups: a pass, median", air.group_pass_median_s, "s");
  findings.Add("groups: a pass, worst", air.group_pass_worst_s, "s");
  findings.Add("records not confirmed", static_cast<double>(air.stale_records), "count");
  findings.Add("records not confirmed: a pass", air.stale_pass_s, "s");
  findings.Add("next key: 99.9 % of those on hold it after", air.key_999_s, "s");
  findings.Add("next key: held after two passes", air.key_two_passes, "ratio");
  findings.Add("back after three months: key held after 15 minutes", air.returned_keys_15_min, "ratio");
  findings.Add("back after three months: record held at the end", air.returned_record_3_evenings, "ratio");
  for (size_t i = 0; i < carousel::kTiers; ++i) {
    const auto tier = static_cast<carousel::Tier>(i);
    findings.Add(fmt::format("air time: {}", carousel::NameOf(tier)), air.air[i], "ratio");
    Curve curve{.name = fmt::format("air {}", carousel::NameOf(tier)), .points = {}};
    for (size_t quarter = 0; quarter < air.air_by_quarter.size(); ++quarter) {
      curve.points.emplace_back(static_cast<double>(quarter + 1) / 4, air.air_by_quarter[quarter][i]);
    }
    findings.curves.push_back(std::move(curve));
  }
  findings.curves.push_back({"next key held, by seconds", air.key_curve});
  findings.curves.push_back({"stale record renewed, by hours on", air.record_curve});
  const bool national = options.kbps >= 1000 && !options.padded;
  if (national) ExpectTargets(findings, air, options.evenings == 3);
  findings.Expect("the granted rate is used to 99 %", air.used >= 0.99);
  return findings;
}

}  // namespace hearth::bench
