#include "src/app/observed.h"

#include <algorithm>
#include <map>

#include "src/app/layout.h"

namespace hearth::app {
namespace {

using records::CardRecord;

constexpr std::chrono::milliseconds kRound(250);
// Commits of one round that are under way together: enough to fill one sync.
constexpr size_t kTogether = 2048;

bool SameCells(const std::vector<geofence::HeardCell>& heard, const std::vector<geofence::Cell>& cells) {
  return heard.size() == cells.size() &&
         std::equal(cells.begin(), cells.end(), heard.begin(),
                    [](const geofence::Cell& a, const geofence::HeardCell& b) { return a == b.cell; });
}

}  // namespace

bool ApplyRow(const HeardRow& row, uint32_t counter, const CellNumbers& cells, CardRecord& record) {
  const entitlement::Card& card = record.card;
  if (!card.claim.held() || card.settled != card.claim.intent || card.area.value != row.area ||
      PairOf(card.box, card.sim) != row.pair) {
    return false;
  }
  bool behind = false;
  intervention::LocationState& location = record.location;
  const uint64_t stored_counter = location.last_counter.value_or(0);
  if (counter > stored_counter) {
    location.last_counter = counter;
    behind = true;
  }
  const int64_t stored = record.observed.value / 1000;
  const bool newer = row.reported > stored || (row.reported == stored && counter > stored_counter);
  if (!newer || row.verdict == 0) return behind;
  std::vector<geofence::Cell> heard;
  for (const uint32_t number : row.heard()) heard.push_back(cells.CellOf(number));
  if (!SameCells(record.heard, heard)) {
    // A row keeps no signals.
    record.heard.clear();
    for (const geofence::Cell& cell : heard) record.heard.push_back({.cell = cell, .signal_dbm = 0});
  }
  record.fix.reset();
  record.observed = row.reported_time();
  if (record.observed >= location.last_report_time) {
    location.last_report_time = record.observed;
    location.last_verdict = static_cast<geofence::Verdict>(row.verdict);
  }
  if (row.home_cell != 0) record.home_cell = cells.CellOf(row.home_cell);
  return true;
}

ObservedSaver::ObservedSaver(Executor& executor, HeardColumn& column, const Limits& limits,
                             MetricsRegistry& metrics, Logger& log)
    : executor_(executor),
      column_(column),
      limits_(limits),
      log_(log),
      rows_gauge_(metrics.GetGauge("hearth_observed_dirty_rows",
                                   "Cards whose newest observed report is not durable yet and has to be.")),
      age_gauge_(metrics.GetGauge("hearth_observed_oldest_dirty_seconds",
                                  "Age of the oldest of them; above 5 the store does not keep up.")),
      saved_(metrics.GetCounter("hearth_observed_saved_total",
                                "Cards whose observed reports were made durable.")),
      thread_([this] { Run(); }) {}

ObservedSaver::~ObservedSaver() { Stop(); }

void ObservedSaver::Add(CardNumber card) {
  const MutexLock lock(mu_);
  queue_.push_back({card, executor_.clock().Steady()});
}

void ObservedSaver::Stop() {
  {
    const MutexLock lock(mu_);
    if (stop_) return;
    stop_ = true;
    wake_.NotifyAll();
  }
  thread_.join();
  if (const Status saved = SaveNow(); !saved) {
    log_.Error("observed_not_saved", {{"error", saved.error().ToString()}});
  }
}

void ObservedSaver::Run() {
  const size_t most =
      std::max<size_t>(1, limits_.observed_saves_per_second * static_cast<size_t>(kRound.count()) / 1000);
  for (;;) {
    {
      const MutexLock lock(mu_);
      if (!stop_) wake_.WaitFor(mu_, kRound);
      if (stop_) return;
    }
    Status saved;
    {
      const MutexLock round(save_mu_);
      saved = Save(TakeDue(executor_.clock().Steady() - kWait, most));
    }
    if (!saved) log_.Warn("observed_not_saved_yet", {{"error", saved.error().ToString()}});
    Tell();
  }
}

void ObservedSaver::Tell() {
  const MutexLock lock(mu_);
  rows_gauge_.Set(static_cast<double>(queue_.size()));
  const auto age =
      queue_.empty() ? std::chrono::nanoseconds(0) : executor_.clock().Steady() - queue_.front().since;
  age_gauge_.Set(std::chrono::duration<double>(age).count());
}

Status ObservedSaver::SaveNow() {
  const MutexLock round(save_mu_);
  const auto now = std::chrono::nanoseconds::max();
  Status first;
  size_t left = 0;
  {
    const MutexLock lock(mu_);
    left = queue_.size();
  }
  // What comes in meanwhile is not waited for.
  while (left > 0) {
    const auto entries = TakeDue(now, std::min<size_t>(left, kTogether));
    if (entries.empty()) break;
    left -= entries.size();
    if (Status saved = Save(entries); !saved && first) first = saved;
  }
  Tell();
  return first;
}

std::vector<ObservedSaver::Entry> ObservedSaver::TakeDue(std::chrono::nanoseconds not_after, size_t most) {
  const MutexLock lock(mu_);
  std::vector<Entry> due;
  while (!queue_.empty() && due.size() < most && queue_.front().since <= not_after) {
    due.push_back(queue_.front());
    queue_.pop_front();
  }
  return due;
}

void ObservedSaver::PutBack(const std::vector<Entry>& entries) {
  std::vector<Entry> marked;
  for (const Entry& entry : entries) {
    if (column_.SetDirty(entry.card)) marked.push_back(entry);
  }
  const MutexLock lock(mu_);
  queue_.insert(queue_.begin(), marked.begin(), marked.end());
}

// One command for the cards of a bucket, all commands under way together.
Status ObservedSaver::Save(const std::vector<Entry>& entries) {
  std::map<store::BucketId, std::vector<Entry>> buckets;
  for (const Entry& entry : entries) buckets[CardKey(entry.card).bucket].push_back(entry);
  struct Command {
    std::vector<Entry> taken;
    Executor::Begun begun;
  };
  std::vector<Command> under_way;
  std::vector<Entry> back;
  Status first;
  const auto failed = [&](const Error& error, const std::vector<Entry>& these) {
    if (first) first = error;
    back.insert(back.end(), these.begin(), these.end());
  };
  const auto finish = [&] {
    for (Command& each : under_way) {
      const auto committed = Executor::Wait(std::move(each.begun));
      if (!committed)
        failed(committed.error(), each.taken);
      else
        saved_.Add(static_cast<double>(each.taken.size()));
    }
    under_way.clear();
  };
  for (const auto& each : buckets) {
    const std::vector<Entry>& cards = each.second;  // not a structured binding: the command captures it
    std::vector<Entry> taken;
    std::vector<Entry> busy;
    auto begun = executor_.BeginUngated(
        each.first, {.actor = "hearthd", .action = "location.observed"}, [&](Txn& txn) -> Status {
          for (const Entry& entry : cards) {
            const auto dirty = column_.TakeDirty(entry.card);
            if (dirty.busy) busy.push_back(entry);
            if (!dirty.row) continue;
            taken.push_back(entry);
            const std::string key = CardKey(entry.card).key;
            HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<CardRecord>(key));
            if (stored && ApplyRow(*dirty.row, dirty.row->counter, column_.cells(), stored->value)) {
              txn.Write(key, stored->value);
            }
          }
          return Ok();
        });
    if (begun) {
      under_way.push_back({std::move(taken), std::move(*begun)});
    } else {
      failed(begun.error(), taken);
    }
    if (!busy.empty()) {
      // Its mark still stands; only its place in the queue was taken.
      const MutexLock lock(mu_);
      for (Entry entry : busy) queue_.push_back({entry.card, executor_.clock().Steady()});
    }
    if (under_way.size() >= kTogether) finish();
  }
  finish();
  PutBack(back);
  return first;
}

}  // namespace hearth::app
