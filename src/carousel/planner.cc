#include "src/carousel/planner.h"

#include <cmath>

#include "src/carousel/compile.h"

namespace hearth::carousel {
namespace {

constexpr uint32_t kCarriedBytes = mpegts::kPacketBytes - mpegts::kPacketHeaderBytes;
constexpr double kGroupSegments = 16;
constexpr double kRecordsOften = 0.9;  // of the records' share, for those that no report has confirmed
constexpr uint32_t kServiceKeyBytes = 177;
constexpr uint32_t kAreaBytes = 180;

// Packets that so many sections of one size need.
double Packets(double sections, uint32_t bytes, mpegts::Packing packing) {
  if (packing == mpegts::Packing::kPadded) {
    const uint32_t whole = (bytes + 1 + kCarriedBytes - 1) / kCarriedBytes;  // of each section
    return sections * whole;
  }
  return sections * (bytes + 1) / kCarriedBytes;
}

Status Check(const PlanInput& input) {
  if (input.cards == 0 || input.cards > 1'000'000'000'000) return InvalidField("cards", "1 to 10^12");
  if (input.kbps == 0) return InvalidField("rate", "more than 0 kbit/s");
  if (input.packages_per_group == 0 || input.packages_per_group > 100)
    return InvalidField("packages", "1 to 100");
  if (!(input.churn_per_day >= 0 && input.churn_per_day <= 1)) return InvalidField("churn", "a part, 0 to 1");
  if (!(input.record_part >= 0 && input.record_part <= 1))
    return InvalidField("record-part", "a part, 0 to 1");
  if (input.ecm_interval.count() <= 0) return InvalidField("ecm-interval", "more than 0");
  if (input.word_bytes != 8 && input.word_bytes != 16) return InvalidField("word-bytes", "8 or 16");
  if (input.epoch.count() <= 0 || input.lead.count() < 0 || input.lead > input.epoch) {
    return InvalidField("lead", "0 days up to the length of an epoch");
  }
  return input.shares.Check();
}

}  // namespace

Result<AirPlan> PlanAir(const PlanInput& input) {
  HEARTH_RETURN_IF_ERROR(Check(input));
  AirPlan plan;
  plan.packets_per_second = input.kbps * 1000.0 / (8 * mpegts::kPacketBytes);
  const auto cards = static_cast<double>(input.cards);
  const double groups = std::ceil(cards / 256);
  const uint32_t group_bytes = GroupBytes(input.packages_per_group);
  const auto line = [&](std::string what, double sections, uint32_t bytes, double share,
                        double worst_passes) {
    const double seconds = Packets(sections, bytes, input.packing) / (plan.packets_per_second * share);
    plan.lines.push_back(
        {std::move(what), static_cast<uint64_t>(sections), share, seconds, seconds * worst_passes});
  };
  line("service keys", input.service_key_sections, kServiceKeyBytes, input.shares.service_keys, 2);
  line("groups: bitmaps and package keys", groups, group_bytes, input.shares.groups, 1 + 1 / kGroupSegments);
  const double stale = std::min(cards, cards * input.churn_per_day * input.record_part * input.stale_days);
  line("records that no report has confirmed", std::ceil(stale), kRecordBytes,
       input.shares.records * kRecordsOften, 2);
  line("records of all cards", cards, kRecordBytes, input.shares.records * (1 - kRecordsOften), 2);
  line("areas and deny tables", input.area_sections, kAreaBytes, input.shares.areas, 2);
  line("300,000 scattered switch-offs", std::min(cards, 300'000.0), kStandingBytes, input.borrow.share, 1);
  line("a region with 5 % of the cards", std::ceil(groups / 20), group_bytes, input.borrow.share, 1);
  // Once, and repeats of doubling gaps up to the bound of the groups' cycle.
  const Decay decay;
  const double sends = 1 + std::floor(1 + std::log2(static_cast<double>(decay.bound.count()) /
                                                    static_cast<double>(decay.first.count())));
  plan.events_per_second = plan.packets_per_second * input.shares.individual /
                           (sends * Packets(700, kStandingBytes, input.packing) / 700);
  const uint32_t ecm_bytes = input.word_bytes == 8 ? 58 : 74;
  plan.ecm_kbps = input.channels * Packets(1, ecm_bytes, mpegts::Packing::kPadded) * mpegts::kPacketBytes *
                  8 / static_cast<double>(input.ecm_interval.count());
  plan.lit_at_most = input.epoch + input.lead;
  plan.lit_at_least = input.lead;
  return plan;
}

}  // namespace hearth::carousel
