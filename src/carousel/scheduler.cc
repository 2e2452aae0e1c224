#include "src/carousel/scheduler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

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

bool Scheduler::TryLine(const Line& line, Time now, size_t room, std::vector<Chosen>& out) {
  const auto section = line.feed->Peek(now);
  if (!section || section->bytes > room) return false;
  Chosen chosen{.tier = line.tier, .section = *section, .first = line.first};
  if (line.first) chosen.wait = now - queue(line.tier).Find(section->subject)->put;
  out.push_back(chosen);
  line.feed->Advance(now);
  return true;
}

bool Scheduler::Pick(Time now, std::optional<size_t> room, std::vector<Chosen>& out) {
  std::array<Line, 2 * 4 + 4> lines;
  size_t count = 0;
  for (size_t i = 0; i < queues_.size(); ++i) {
    Queue& queue = *queues_[i];
    if (queue.size() == 0) continue;
    const auto tier = static_cast<Tier>(i);
    if (queue.waiting() > 0) lines[count++] = {tier, &queue.firsts(), true, 0};
    if (queue.size() == queue.waiting() || (!room && !queue.RepeatIsLate(now))) continue;
    // Repeats leave half of the credit to what has never been on the air.
    lines[count++] = {tier, &queue.repeats(), false, burst_bytes_ * shares_[i] / 2};
  }
  for (size_t i = kFirstCycle; i < kTiers; ++i) {
    if (feeds_[i]) lines[count++] = {static_cast<Tier>(i), feeds_[i], false, 0};
  }
  const size_t most = room.value_or(SIZE_MAX);
  for (size_t i = 0; i < count; ++i) {
    const bool may = lines[i].tier == Tier::kEmergency || credits_[At(lines[i].tier)] > lines[i].reserve;
    if (may && TryLine(lines[i], now, most, out)) return true;
  }
  // Nobody who has credit has something to send: the one least behind its share.
  std::stable_sort(
      lines.begin(), lines.begin() + static_cast<ptrdiff_t>(count), [&](const Line& a, const Line& b) {
        return credits_[At(a.tier)] * shares_[At(b.tier)] > credits_[At(b.tier)] * shares_[At(a.tier)];
      });
  return std::any_of(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(count),
                     [&](const Line& line) { return TryLine(line, now, most, out); });
}

size_t Scheduler::Next(Time now, std::vector<Chosen>& out) {
  out.clear();
  if (kbps_ == 0) return 0;
  UpdateBorrow(now);
  if (!Pick(now, std::nullopt, out)) return 0;
  const size_t bytes = out.front().section.bytes + 1;  // with the pointer_field
  const size_t packets = (bytes + kPayload - 1) / kPayload;
  if (options_.packing == mpegts::Packing::kPacked) {
    // In the last of several packets no section has begun yet; its own pointer_field comes with the first.
    size_t room = packets * kPayload - bytes;
    if (packets > 1 && room > 0) --room;
    while (room > 0 && Pick(now, room, out)) room -= out.back().section.bytes;
  }
  Charge(packets, out);
  return packets;
}

void Scheduler::Charge(size_t packets, const std::vector<Chosen>& sent) {
  const auto cost = static_cast<double>(packets * mpegts::kPacketBytes);
  double payload = 0;
  for (const Chosen& chosen : sent) payload += chosen.section.bytes;
  double shared_out = cost;
  for (const Chosen& chosen : sent) {
    const double part = cost * chosen.section.bytes / payload;
    air_bytes_[At(chosen.tier)] += static_cast<uint64_t>(part);
    if (chosen.tier == Tier::kEmergency) {
      shared_out -= part;  // beside the shares: nobody has it, nobody pays for it
    } else {
      credits_[At(chosen.tier)] -= part;
    }
  }
  // Service keys come last: a province's few sections gain nothing from coming more often than they must.
  constexpr std::array kDownwards = {Tier::kIndividual, Tier::kBulk,  Tier::kChange,     Tier::kGroups,
                                     Tier::kRecords,    Tier::kAreas, Tier::kServiceKeys};
  double above = 0;
  for (const Tier tier : kDownwards) {
    const size_t i = At(tier);
    const double cap = burst_bytes_ * shares_[i];
    credits_[i] += shared_out * shares_[i] + above;
    above = std::max(0.0, credits_[i] - cap);
    credits_[i] = std::clamp(credits_[i], -burst_bytes_, cap);
  }
}

}  // namespace hearth::carousel
