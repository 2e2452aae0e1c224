#include "src/app/air_output.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "src/carousel/compile.h"

namespace hearth::app {
namespace {

using carousel::Chosen;
using carousel::CyclePosition;
using carousel::Queue;
using carousel::Section;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// What an output is handed before its turn: enough to last over a late wake-up, little enough that nothing
// urgent waits behind it for long.
constexpr milliseconds kAhead{40};
constexpr milliseconds kOutputRetry{500};
constexpr size_t kAtOnce = 256;
// Between two looks at the mailbox.
constexpr int kRounds = 64;
// So much of the individual tier waiting is no longer individual.
constexpr seconds kCrowded{1};
constexpr minutes kWorstOver{15};
constexpr uint32_t kGroupSegments = 16;
// Of the records' turns one in so many is of all cards, the others of those that no report has confirmed.
constexpr uint32_t kAllRecordsEvery = 10;

constexpr std::array kLineTiers = {Tier::kEmergency, Tier::kIndividual, Tier::kBulk, Tier::kChange};
constexpr std::array kCycles = {Tier::kServiceKeys, Tier::kGroups, Tier::kRecords, Tier::kAreas};

size_t At(Tier tier) { return static_cast<size_t>(tier); }

// A cycle of another output begins elsewhere.
CyclePosition First(std::string_view name, Tier tier) {
  uint64_t seed = 0xCBF29CE484222325 + At(tier);  // FNV-1a
  for (const char c : name) seed = (seed ^ static_cast<uint8_t>(c)) * 0x100000001B3;
  return {.seed = seed};
}

std::string LinePrefix(std::string_view name, Tier tier) {
  return fmt::format("line/{}/{}/", name, At(tier));
}

std::string CycleKey(std::string_view name, Tier tier) { return fmt::format("cycle/{}/{}", name, At(tier)); }

std::set<uint16_t> RegionsOf(const AirOptions& options, std::string_view name) {
  for (const AirOptions::Region& region : options.regions) {
    if (region.output == name) return region.provinces;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<AirOutput>> AirOutput::Create(SectionSink& sink, const AirOptions& options,
                                                     AirContent& content, AirListener& listener,
                                                     MetricsRegistry& metrics, Logger& log) {
  carousel::SchedulerOptions wish = options.scheduler;
  if (const auto pace = sink.pace()) wish.packing = pace->packing;
  HEARTH_ASSIGN_OR_RETURN(auto scheduler, carousel::Scheduler::Create(wish));
  return std::unique_ptr<AirOutput>(
      new AirOutput(sink, options, content, listener, metrics, log, std::move(scheduler)));
}

AirOutput::AirOutput(SectionSink& sink, const AirOptions& options, AirContent& content, AirListener& listener,
                     MetricsRegistry& metrics, Logger& log, carousel::Scheduler scheduler)
    : sink_(sink),
      options_(options),
      content_(content),
      listener_(listener),
      log_(log),
      name_(sink.name()),
      regions_(RegionsOf(options, sink.name())),
      scheduler_(std::move(scheduler)),
      pacer_(scheduler_.options().packing, kAhead),
      service_keys_([this](uint64_t n) { return Covered(content_.ServiceKeysAt(n)); },
                    First(name_, Tier::kServiceKeys), {.min_pass = options.least.service_keys}),
      groups_([this](uint64_t n) { return Covered(content_.GroupAt(n)); }, First(name_, Tier::kGroups),
              {.segments = kGroupSegments, .min_pass = options.least.groups}),
      all_records_([this](uint64_t n) { return Covered(content_.RecordAt(n)); }, First(name_, Tier::kRecords),
                   {.min_pass = options.least.records}),
      areas_([this](uint64_t n) { return Covered(content_.TablePartAt(n)); }, First(name_, Tier::kAreas),
             {.min_pass = options.least.areas}),
      unconfirmed_(First(name_, Tier::kRecords).seed, options.least.records),
      records_(unconfirmed_, all_records_, kAllRecordsEvery),
      sections_(metrics.GetCounter("hearth_sections_sent_total", "Sections handed to an output.",
                                   {{"output", name_}})),
      bytes_(metrics.GetCounter("hearth_section_bytes_sent_total", "Their bytes.", {{"output", name_}})),
      failed_(metrics.GetCounter("hearth_output_failed_total", "Writes that an output refused.",
                                 {{"output", name_}})) {
  for (size_t i = 0; i < carousel::kTiers; ++i) {
    const Labels labels = {{"output", name_}, {"tier", std::string(NameOf(static_cast<Tier>(i)))}};
    gauges_[i] = {
        .kbps = &metrics.GetGauge("hearth_carousel_kbps", "What a tier has of the air now.", labels),
        .waiting = &metrics.GetGauge("hearth_carousel_waiting", "Messages never on the air yet.", labels),
        .predicted =
            &metrics.GetGauge("hearth_carousel_wait_predicted_seconds",
                              "How long a message put now would wait; of cycles, a whole pass.", labels),
        .worst = &metrics.GetGauge(
            "hearth_carousel_wait_worst_seconds",
            "The longest wait of the last quarter of an hour; of cycles, the last pass.", labels)};
  }
  scheduler_.SetCycle(Tier::kServiceKeys, &service_keys_);
  scheduler_.SetCycle(Tier::kGroups, &groups_);
  scheduler_.SetCycle(Tier::kRecords, &records_);
  scheduler_.SetCycle(Tier::kAreas, &areas_);
}

carousel::Cycle& AirOutput::cycle(Tier tier) {
  switch (tier) {
    case Tier::kServiceKeys:
      return service_keys_;
    case Tier::kGroups:
      return groups_;
    case Tier::kRecords:
      return all_records_;
    default:
      return areas_;
  }
}

Section AirOutput::Covered(const AirItem& item) const {
  return Covers(item.province) ? item.section : Section{};
}

void AirOutput::Put(Tier tier, Section section, AirTime now) {
  // Nobody said that these are many, but they are: those that come now must not wait behind them.
  if (tier == Tier::kIndividual && scheduler_.rate_kbps() > 0 && IsCrowded()) tier = Tier::kBulk;
  for (const Tier other : kLineTiers) {
    if (other == tier) continue;
    const Queue::Item* const item = scheduler_.queue(other).Find(section.subject);
    if (!item) continue;
    if (item->sends == 0 && other < tier) return scheduler_.queue(other).Put(section, now);
    scheduler_.queue(other).Remove(section.subject);
    changed_.emplace(other, section.subject.value);
  }
  scheduler_.queue(tier).Put(section, now);
  changed_.emplace(tier, section.subject.value);
}

bool AirOutput::IsCrowded() const {
  const double share = options_.scheduler.shares.individual * scheduler_.rate_kbps() * 125.0;
  return static_cast<double>(scheduler_.queue(Tier::kIndividual).waiting_bytes()) >
         share * std::chrono::duration<double>(kCrowded).count();
}

void AirOutput::Remove(Subject subject) {
  for (const Tier tier : kLineTiers) {
    if (scheduler_.queue(tier).Remove(subject)) changed_.emplace(tier, subject.value);
  }
}

void AirOutput::Hold(bool held) {
  groups_.Hold(held);
  all_records_.Hold(held);
  unconfirmed_.Hold(held);
  if (!held) return;
  std::vector<Subject> theirs;
  for (const Tier tier : kLineTiers) {
    scheduler_.queue(tier).ForEach([&](const Queue::Item& item) {
      if (item.subject.kind() <= carousel::Kind::kGroup) theirs.push_back(item.subject);
    });
  }
  for (const Subject subject : theirs) {
    Remove(subject);
    listener_.Gone(subject);
  }
}

void AirOutput::Resize() {
  service_keys_.SetCount(content_.service_keys());
  groups_.SetCount(content_.groups());
  all_records_.SetCount(content_.seats());
  areas_.SetCount(content_.table_parts());
}

std::optional<AirOutput::LinePlace> AirOutput::LineOf(Subject subject, AirTime now) {
  for (const Tier tier : kLineTiers) {
    const Queue::Item* const item = scheduler_.queue(tier).Find(subject);
    if (!item) continue;
    return LinePlace{
        .sends = item->sends, .on_air = item->on_air, .forecast = scheduler_.status(tier, now).forecast};
  }
  return std::nullopt;
}

// At national size a group pass takes what its share allows, and never less: what it has no use for goes to
// the records.
void AirOutput::SetRate(uint32_t kbps, AirTime now) {
  if (kbps != scheduler_.rate_kbps()) {
    scheduler_.SetRate(kbps);
    pacer_.SetRate(kbps, now);
  }
  groups_.SetMinPass(std::max(options_.least.groups, Predicted(Tier::kGroups)));
}

AirTime AirOutput::Predicted(Tier tier) {
  const double rate = scheduler_.rate_kbps() * 125.0 * options_.scheduler.shares.Array()[At(tier)];
  if (rate <= 0) return AirTime(0);
  double bytes = 0;
  switch (tier) {
    case Tier::kGroups:
      bytes = static_cast<double>(content_.groups()) * scheduler_.CostOf(content_.group_bytes());
      break;
    case Tier::kRecords:
      bytes = static_cast<double>(content_.seats()) * scheduler_.CostOf(carousel::kRecordBytes) *
              kAllRecordsEvery;
      break;
    default:
      bytes = static_cast<double>(cycle(tier).count()) * mpegts::kPacketBytes;
  }
  return AirTime(static_cast<int64_t>(bytes / rate * 1e9));
}

void AirOutput::Choose(AirTime now, double budget) {
  while (budget > 0 && batch_.size() < kAtOnce) {
    const auto chosen = scheduler_.Next(now);
    if (!chosen) return;
    budget -= scheduler_.CostOf(chosen->section.bytes);
    if (chosen->tier <= Tier::kChange) changed_.emplace(chosen->tier, chosen->section.subject.value);
    batch_.push_back(*chosen);
  }
}

bool AirOutput::Send(AirTime now) {
  if (retry_at_ > now) return false;
  for (int round = 0; round < kRounds; ++round) {
    const auto pace = sink_.pace();
    SetRate(pace ? pace->kbps : options_.kbps, now);
    if (scheduler_.rate_kbps() == 0) return false;
    const AirTime ahead = pace ? pace->ahead : std::max(AirTime(0), pacer_.free_at() - now);
    if (ahead >= kAhead && batch_.empty() && scheduler_.queue(Tier::kEmergency).waiting() == 0) return false;
    if (batch_.empty()) {
      const double left = std::chrono::duration<double>(kAhead - ahead).count();
      // At least one: what is urgent does not wait for room.
      Choose(now, std::max(1.0, scheduler_.rate_kbps() * 125.0 * left));
    }
    if (batch_.empty()) return false;
    if (!Write(now)) return false;
  }
  return true;
}

// What was chosen and not taken is built anew at the next attempt.
bool AirOutput::Write(AirTime now) {
  std::vector<Bytes> urgent;
  std::vector<Bytes> others;
  std::vector<const Chosen*> built;
  for (const Chosen& chosen : batch_) {
    auto section = content_.Build(chosen.section.subject);
    if (!section) {
      log_.Error("section_not_built",
                 {{"error", section.error().ToString()}, {"detail", section.error().detail()}});
    }
    if (!section || !*section) {
      Remove(chosen.section.subject);
      listener_.Gone(chosen.section.subject);
      continue;
    }
    (chosen.tier == Tier::kEmergency ? urgent : others).push_back(std::move(**section));
    built.push_back(&chosen);
  }
  Status status = urgent.empty() ? Ok() : sink_.WriteFirst(urgent);
  if (status && !others.empty()) status = sink_.Write(others);
  if (!status) {
    failed_.Increment();
    log_.Error(
        "output_failed",
        {{"output", name_}, {"error", status.error().ToString()}, {"detail", status.error().detail()}});
    retry_at_ = now + kOutputRetry;
    return false;
  }
  // What goes before the others delays them by as much.
  for (Handed& handed : on_way_) handed.count += urgent.size();
  handed_ += urgent.size() + others.size();
  for (const Chosen* chosen : built) {
    const Subject subject = chosen->section.subject;
    if (const auto version = listener_.Awaited(subject)) on_way_.push_back({handed_, subject, *version});
  }
  size_t bytes = 0;
  for (const auto* sections : {&urgent, &others}) {
    for (const Bytes& section : *sections) {
      bytes += section.size();
      pacer_.Take(section.size(), now);
    }
  }
  sections_.Add(static_cast<double>(urgent.size() + others.size()));
  bytes_.Add(static_cast<double>(bytes));
  batch_.clear();
  return true;
}

void AirOutput::Settle() {
  if (on_way_.empty()) return;
  const uint64_t aired = handed_ - std::min<uint64_t>(handed_, sink_.Backlog());
  for (; !on_way_.empty() && on_way_.front().count <= aired; on_way_.pop_front())
    listener_.Aired(on_way_.front().subject, on_way_.front().version);
}

void AirOutput::Save(Writes& writes, AirTime now, UnixMillis wall) {
  const auto to_wall = [&](AirTime time) {
    return static_cast<uint64_t>(wall.value + std::chrono::duration_cast<milliseconds>(time - now).count());
  };
  for (const Tier tier : kLineTiers) {
    for (const Subject subject : scheduler_.queue(tier).TakeLeft()) changed_.emplace(tier, subject.value);
  }
  for (const auto& [tier, value] : changed_) {
    Subject subject;
    subject.value = value;
    const Queue::Item* const item = scheduler_.queue(tier).Find(subject);
    std::optional<std::string>& write = writes[fmt::format("{}{:016x}", LinePrefix(name_, tier), value)];
    // What was never on the air is in an outbox.
    if (!item || item->sends == 0) continue;
    ByteWriter out(32);
    out.U32(item->bytes).U32(item->sends).U64(to_wall(item->on_air)).U64(to_wall(item->due));
    write = std::string(AsChars(out.bytes()));
  }
  changed_.clear();
  for (size_t i = 0; i < kCycles.size(); ++i) {
    const CyclePosition& position = cycle(kCycles[i]).position();
    if (position == saved_[i]) continue;
    saved_[i] = position;
    ByteWriter out(24);
    out.U64(position.seed).U64(position.pass).U64(position.place);
    writes[CycleKey(name_, kCycles[i])] = std::string(AsChars(out.bytes()));
  }
}

bool AirOutput::Restore(std::string_view key, std::string_view value, AirTime now, UnixMillis wall) {
  ByteReader in(AsBytes(value));
  for (const Tier tier : kCycles) {
    if (key != CycleKey(name_, tier)) continue;
    CyclePosition position;
    position.seed = in.U64();
    position.pass = in.U64();
    position.place = in.U64();
    if (!in.ok()) return false;
    cycle(tier).Resume(position);
    return true;
  }
  for (const Tier tier : kLineTiers) {
    const std::string prefix = LinePrefix(name_, tier);
    if (!key.starts_with(prefix)) continue;
    Queue::Item item;
    const std::string_view digits = key.substr(prefix.size());
    const auto parsed =
        std::from_chars(digits.data(), digits.data() + digits.size(), item.subject.value, /*base=*/16);
    item.bytes = in.U32();
    item.sends = in.U32();
    const auto to_steady = [&](uint64_t time) {
      return now + milliseconds(static_cast<int64_t>(time) - wall.value);
    };
    item.on_air = item.put = to_steady(in.U64());
    item.due = to_steady(in.U64());
    if (!in.ok() || parsed.ptr != digits.data() + digits.size() || item.sends == 0) return false;
    scheduler_.queue(tier).Restore(item);
    return true;
  }
  return false;
}

AirOutput::Mark AirOutput::MarkNow() const {
  return {.groups = groups_.position().pass, .service_keys = service_keys_.position().pass};
}

bool AirOutput::Passed(const Mark& mark) const {
  const auto passed = [](const carousel::Cycle& cycle, uint64_t since) {
    return cycle.count() == 0 || cycle.position().pass >= since + 2;
  };
  return passed(groups_, mark.groups) && passed(service_keys_, mark.service_keys);
}

AirOutputStatus AirOutput::Look(AirTime now) {
  AirOutputStatus status;
  status.name = name_;
  status.kbps = scheduler_.rate_kbps();
  status.borrowing = scheduler_.borrowing();
  status.sections = handed_;
  const double since = std::chrono::duration<double>(now - status_at_).count();
  const bool turn = now - worst_since_ >= kWorstOver;
  for (size_t i = 0; i < carousel::kTiers; ++i) {
    const auto tier = static_cast<Tier>(i);
    AirTierStatus& out = status.tiers[i];
    out.tier = scheduler_.status(tier, now);
    out.kbps = since > 0 ? (out.tier.air_bytes - air_seen_[i]) / since / 125 : 0;
    air_seen_[i] = out.tier.air_bytes;
    if (turn) {
      worst_[i] = out.tier.worst;
      scheduler_.ResetWorst(tier);
    }
    out.worst = std::max({worst_[i], out.tier.worst, out.tier.oldest});
    if (tier < Tier::kServiceKeys) continue;
    const carousel::Cycle& of_tier = cycle(tier);
    out.cycle = {.count = of_tier.count(),
                 .passes = of_tier.position().pass,
                 .done = of_tier.done(),
                 .predicted = std::max(Predicted(tier), of_tier.min_pass()),
                 .last_pass = of_tier.last_pass()};
  }
  if (turn) worst_since_ = now;
  for (size_t i = 0; i < carousel::kTiers; ++i) {
    const AirTierStatus& tier = status.tiers[i];
    const auto seconds_of = [](AirTime time) {
      return time == AirTime::max() ? std::numeric_limits<double>::infinity()
                                    : std::chrono::duration<double>(time).count();
    };
    gauges_[i].kbps->Set(tier.kbps);
    gauges_[i].waiting->Set(static_cast<double>(tier.tier.waiting));
    gauges_[i].predicted->Set(seconds_of(tier.cycle ? tier.cycle->predicted : tier.tier.forecast));
    gauges_[i].worst->Set(seconds_of(tier.cycle ? tier.cycle->last_pass : tier.worst));
  }
  status.unconfirmed = unconfirmed_.size();
  status.unconfirmed_pass = unconfirmed_.last_pass();
  status_at_ = now;
  return status;
}

}  // namespace hearth::app
