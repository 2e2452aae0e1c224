#include "src/carousel/scheduler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "src/carousel/pacer.h"

namespace hearth::carousel {
namespace {

constexpr size_t kPayload = mpegts::kPacketBytes - mpegts::kPacketHeaderBytes;
constexpr size_t kFirstQueue = static_cast<size_t>(Tier::kIndividual);
constexpr size_t kFirstCycle = static_cast<size_t>(Tier::kServiceKeys);

size_t At(Tier tier) { return static_cast<size_t>(tier); }

}  // namespace

std::string_view NameOf(Tier tier) {
  constexpr std::array<std::string_view, kTiers> kNames = {"emergency",    "individual", "bulk",    "change",
                                                           "service_keys", "groups",     "records", "areas"};
  return kNames[At(tier)];
}

std::array<double, kTiers> Shares::Array() const {
  return {0, individual, bulk, change, service_keys, groups, records, areas};
}

Status Shares::Check() const {
  double sum = 0;
  const auto shares = Array();
  for (size_t i = kFirstQueue; i < kTiers; ++i) {
    if (!(shares[i] >= 0 && shares[i] <= 1)) {
      return InvalidField(fmt::format("shares.{}", NameOf(static_cast<Tier>(i))),
                          "a part of the rate, 0 to 1");
    }
    sum += shares[i];
  }
  if (std::abs(sum - 1) > 1e-6)
    return InvalidField("shares", fmt::format("parts that add up to 1, not {:.3f}", sum));
  return Ok();
}

Result<Scheduler> Scheduler::Create(const SchedulerOptions& options) {
  HEARTH_RETURN_IF_ERROR(options.shares.Check());
  const Borrow& borrow = options.borrow;
  if (!(borrow.share >= 0 && borrow.share <= 0.9)) return InvalidField("borrow.share", "0 to 0.9");
  if (borrow.every < borrow.lasting) return InvalidField("borrow.every", "no shorter than borrow.lasting");
  if (options.burst <= Time(0)) return InvalidField("burst", "more than 0");
  return Scheduler(options);
}

Scheduler::Scheduler(const SchedulerOptions& options) : options_(options), shares_(options.shares.Array()) {
  const std::array<Decay, 4> decays = {options.emergency, options.individual, options.bulk, options.change};
  for (size_t i = 0; i < queues_.size(); ++i) queues_[i] = std::make_unique<Queue>(decays[i]);
}

void Scheduler::SetRate(uint32_t kbps) {
  kbps_ = kbps;
  burst_bytes_ = kbps * 125.0 * std::chrono::duration<double>(options_.burst).count();
  for (size_t i = 0; i < kTiers; ++i) credits_[i] = std::clamp(credits_[i], -burst_bytes_, burst_bytes_);
}

void Scheduler::UpdateBorrow(Time now) {
  const bool wanted = queues_[At(Tier::kBulk)]->waiting_bytes() > kPayload;
  const bool may = borrowed_at_ < Time(0) || now - borrowed_at_ >= options_.borrow.every;
  const bool lasts = borrowing_ && now - borrowed_at_ < options_.borrow.lasting;
  const bool on = wanted && (lasts || may);
  if (on == borrowing_) return;
  borrowing_ = on;
  if (on && !lasts) borrowed_at_ = now;
  shares_ = options_.shares.Array();
  if (!on) return;
  double& bulk = shares_[At(Tier::kBulk)];
  for (const Tier lender : {Tier::kRecords, Tier::kAreas, Tier::kGroups}) {
    const double lent = std::clamp(options_.borrow.share - bulk, 0.0, shares_[At(lender)]);
    shares_[At(lender)] -= lent;
    bulk += lent;
  }
}

std::optional<Chosen> Scheduler::Take(const Line& line, Time now) {
  const auto section = line.feed->Peek(now);
  if (!section) return std::nullopt;
  Chosen chosen{.tier = line.tier, .section = *section, .first = line.first};
  if (line.first) {
    chosen.wait = now - queue(line.tier).Find(section->subject)->put;
    worst_[At(line.tier)] = std::max(worst_[At(line.tier)], chosen.wait);
  }
  line.feed->Advance(now);
  Charge(chosen);
  return chosen;
}

std::optional<Chosen> Scheduler::Next(Time now) {
  if (kbps_ == 0) return std::nullopt;
  UpdateBorrow(now);
  std::array<Line, 2 * 4 + 4> lines;
  size_t count = 0;
  for (size_t i = 0; i < queues_.size(); ++i) {
    Queue& queue = *queues_[i];
    const auto tier = static_cast<Tier>(i);
    if (queue.waiting() > 0) lines[count++] = {tier, &queue.firsts(), true, 0};
    // Repeats leave half of the credit to what has never been on the air.
    if (queue.size() > queue.waiting()) {
      lines[count++] = {tier, &queue.repeats(), false, burst_bytes_ * shares_[i] / 2};
    }
  }
  for (size_t i = kFirstCycle; i < kTiers; ++i) {
    if (feeds_[i]) lines[count++] = {static_cast<Tier>(i), feeds_[i], false, 0};
  }
  for (size_t i = 0; i < count; ++i) {
    const bool may = lines[i].tier == Tier::kEmergency || credits_[At(lines[i].tier)] > lines[i].reserve;
    if (!may) continue;
    if (auto chosen = Take(lines[i], now)) return chosen;
  }
  // Nobody who has credit has something to send: the one least behind its share.
  std::stable_sort(
      lines.begin(), lines.begin() + static_cast<ptrdiff_t>(count), [&](const Line& a, const Line& b) {
        return credits_[At(a.tier)] * shares_[At(b.tier)] > credits_[At(b.tier)] * shares_[At(a.tier)];
      });
  for (size_t i = 0; i < count; ++i) {
    if (auto chosen = Take(lines[i], now)) return chosen;
  }
  return std::nullopt;
}

double Scheduler::CostOf(uint32_t section_bytes) const { return AirBytes(section_bytes, options_.packing); }

// What waits more urgently goes first as far as it has credit, and so does what waits before it in its own
// tier; what is above the credit comes at the pace of the share, with those of idle tiers above it.
Time Scheduler::Forecast(Tier tier) const {
  const double rate = kbps_ * 125.0;
  if (rate == 0) return Time::max();
  double at_once = 0;
  double later = 0;
  double share = 0;
  for (size_t i = 0; i <= At(tier); ++i) {
    const auto waiting = static_cast<double>(queues_[i]->waiting_bytes());
    const double now = i == 0 ? waiting : std::min(waiting, std::max(0.0, credits_[i]));
    at_once += now;
    if (i == At(tier)) later = waiting - now;
    if (i == At(tier) || waiting == 0) share += shares_[i];
  }
  const double seconds = at_once / rate + (later > 0 ? later / (rate * std::max(share, 1e-3)) : 0);
  return Time(static_cast<int64_t>(seconds * 1e9));
}

TierStatus Scheduler::status(Tier tier, Time now) {
  UpdateBorrow(now);
  TierStatus status{.share = shares_[At(tier)], .air_bytes = air_bytes(tier), .worst = worst_[At(tier)]};
  if (At(tier) >= queues_.size()) return status;
  Queue& of_tier = queue(tier);
  status.waiting = of_tier.waiting();
  status.waiting_bytes = of_tier.waiting_bytes();
  status.repeating = of_tier.size() - of_tier.waiting();
  status.oldest = of_tier.Oldest(now);
  status.forecast = Forecast(tier);
  return status;
}

void Scheduler::Charge(const Chosen& sent) {
  const double cost = CostOf(sent.section.bytes);
  air_bytes_[At(sent.tier)] += cost;
  if (sent.tier == Tier::kEmergency) return;  // beside the shares: nobody has it, nobody pays for it
  credits_[At(sent.tier)] -= cost;
  // Service keys come last: a province's few sections gain nothing from coming more often than they must.
  constexpr std::array kDownwards = {Tier::kIndividual, Tier::kBulk,  Tier::kChange,     Tier::kGroups,
                                     Tier::kRecords,    Tier::kAreas, Tier::kServiceKeys};
  double above = 0;
  for (const Tier tier : kDownwards) {
    const size_t i = At(tier);
    const double cap = burst_bytes_ * shares_[i];
    credits_[i] += cost * shares_[i] + above;
    above = std::max(0.0, credits_[i] - cap);
    credits_[i] = std::clamp(credits_[i], -burst_bytes_, cap);
  }
}

}  // namespace hearth::carousel
