#include "src/app/alarms.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace hearth::app {
namespace {

constexpr size_t kCards = 1000;
constexpr std::string_view kAlarmPrefix = "alarm/";

template <typename T>
void AddSorted(std::vector<T>& into, const std::vector<T>& more, size_t limit) {
  for (const T& one : more) {
    const auto at = std::lower_bound(into.begin(), into.end(), one);
    if (at != into.end() && *at == one) continue;
    if (into.size() >= limit) return;
    into.insert(at, one);
  }
}

}  // namespace

Alarms::Alarms(Executor& executor, const Limits& limits, MetricsRegistry& metrics, Logger& log)
    : executor_(executor),
      limits_(limits),
      metrics_(metrics),
      log_(log),
      open_gauge_(metrics.GetGauge("hearth_alarms_open",
                                   "Alarms of the location side that nobody has closed yet.")) {}

Result<std::unique_ptr<Alarms>> Alarms::Create(Executor& executor, const Limits& limits,
                                               MetricsRegistry& metrics, Logger& log) {
  std::unique_ptr<Alarms> alarms(new Alarms(executor, limits, metrics, log));
  HEARTH_RETURN_IF_ERROR(alarms->Reload());
  return alarms;
}

Status Alarms::Reload() {
  std::map<std::pair<records::AlarmKind, std::string>, records::Alarm> open;
  uint64_t last = 0;
  HEARTH_RETURN_IF_ERROR(executor_.ForEach(
      store::kSystemBucket, kAlarmPrefix, [&](std::string_view, std::string_view value) -> Status {
        HEARTH_ASSIGN_OR_RETURN(auto alarm, records::Decode<records::Alarm>(value));
        last = std::max(last, alarm.number);
        if (alarm.closed.value == 0) open[{alarm.kind, alarm.subject}] = std::move(alarm);
        return Ok();
      }));
  const MutexLock lock(mu_);
  open_ = std::move(open);
  last_number_ = std::max(last_number_, last);
  open_gauge_.Set(static_cast<double>(open_.size()));
  return Ok();
}

void Alarms::Raise(const Sign& sign) {
  const std::pair key(sign.kind, sign.subject);
  const MutexLock lock(mu_);
  ++counts_[key];
  auto [it, fresh] = noted_.try_emplace(key, sign);
  if (fresh) return;
  it->second.text = sign.text;
  it->second.at = std::max(it->second.at, sign.at);
  AddSorted(it->second.areas, sign.areas, kCards);
  AddSorted(it->second.cards, sign.cards, kCards);
}

Status Alarms::Tick() {
  decltype(noted_) noted;
  decltype(counts_) counts;
  std::vector<records::Alarm> alarms;
  {
    const MutexLock lock(mu_);
    if (noted_.empty()) return Ok();
    noted.swap(noted_);
    counts.swap(counts_);
    for (auto& [key, sign] : noted) {
      const auto open = open_.find(key);
      records::Alarm alarm;
      if (open != open_.end()) {
        alarm = open->second;
      } else {
        alarm.number = ++last_number_;
        alarm.kind = sign.kind;
        alarm.subject = sign.subject;
        alarm.first = sign.at;
      }
      alarm.text = sign.text;
      alarm.last = std::max(alarm.last, sign.at);
      alarm.count += counts[key];
      AddSorted(alarm.areas, sign.areas, kCards);
      AddSorted(alarm.cards, sign.cards, kCards);
      alarms.push_back(std::move(alarm));
    }
  }
  const auto committed = executor_.Run(store::kSystemBucket, {.actor = "hearthd", .action = "alarm.raise"},
                                       [&](Txn& txn) -> Status {
                                         for (const records::Alarm& alarm : alarms)
                                           txn.Write(AlarmKey(alarm.number).key, alarm);
                                         return Ok();
                                       });
  const MutexLock lock(mu_);
  if (!committed) {
    // Noted again: the next tick tries once more. Numbers given out stay unused.
    for (auto& [key, sign] : noted) {
      noted_.try_emplace(key, std::move(sign));
      counts_[key] += counts[key];
    }
    return committed.error();
  }
  for (records::Alarm& alarm : alarms) {
    std::pair key(alarm.kind, alarm.subject);
    if (!open_.contains(key)) {
      log_.Warn("alarm", {{"number", alarm.number},
                          {"kind", records::NameOf(alarm.kind)},
                          {"subject", alarm.subject},
                          {"text", alarm.text}});
      metrics_
          .GetCounter("hearth_alarms_total", "Alarms of the location side, by kind.",
                      {{"kind", std::string(records::NameOf(alarm.kind))}})
          .Increment();
    }
    open_[std::move(key)] = std::move(alarm);
  }
  open_gauge_.Set(static_cast<double>(open_.size()));
  return Ok();
}

Result<PageOf<records::Alarm>> Alarms::List(bool open_only, size_t size, std::string_view token) const {
  uint64_t below = UINT64_MAX;
  if (!token.empty()) {
    const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), below);
    if (fault != std::errc() || end != token.data() + token.size()) {
      return Error(Reason::kPageTokenInvalid, "the page token is none of ours");
    }
  }
  PageOf<records::Alarm> page;
  if (open_only) {
    const MutexLock lock(mu_);
    for (const auto& [key, alarm] : open_) {
      if (alarm.number < below) page.items.push_back(alarm);
    }
  } else {
    HEARTH_RETURN_IF_ERROR(executor_.ForEach(
        store::kSystemBucket, kAlarmPrefix, [&](std::string_view, std::string_view value) -> Status {
          HEARTH_ASSIGN_OR_RETURN(auto alarm, records::Decode<records::Alarm>(value));
          if (alarm.number < below) page.items.push_back(std::move(alarm));
          return Ok();
        }));
  }
  std::sort(page.items.begin(), page.items.end(),
            [](const auto& a, const auto& b) { return a.number > b.number; });
  if (page.items.size() > size) {
    page.items.resize(size);
    page.next_token = fmt::format("{}", page.items.back().number);
  }
  return page;
}

Result<Change> Alarms::Close(const Request& request, uint64_t number) {
  if (request.reason.empty()) return MissingField("change.reason", "what was done about it");
  const ObjectKey key = AlarmKey(number);
  HEARTH_ASSIGN_OR_RETURN(
      const auto outcome,
      RunOnce(executor_, key.bucket, request,
              {.action = "alarm.close", .object = fmt::format("alarm:{}", number)}, limits_,
              [&](Txn& txn) -> Result<std::string> {
                HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<records::Alarm>(key.key));
                if (!stored) return Error(Reason::kAlarmUnknown, fmt::format("there is no alarm {}", number));
                records::Alarm& alarm = stored->value;
                if (alarm.closed.value != 0) {
                  return Error(Reason::kAlarmClosed,
                               fmt::format("alarm {} was closed by {}", number, alarm.closed_by));
                }
                alarm.closed = txn.now();
                alarm.closed_by = request.actor;
                alarm.closed_reason = request.reason;
                txn.Write(key.key, alarm);
                return std::string();
              }));
  if (outcome.change.committed.wrote) {
    const MutexLock lock(mu_);
    std::erase_if(open_, [&](const auto& open) { return open.second.number == number; });
    open_gauge_.Set(static_cast<double>(open_.size()));
  }
  return outcome.change;
}

}  // namespace hearth::app
