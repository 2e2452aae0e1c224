#include "src/app/pump.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "src/app/section_builder.h"
#include "src/app/view_bucket.h"

namespace hearth::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr store::BucketId kPumpBucket{store::kFirstViewBucket.value + 1};
// Outbox items taken at once: few enough that an urgent one behind them waits some milliseconds only.
constexpr size_t kBatchItems = 256;
// The common sections of a county (service keys, tables) follow a group's at most this often.
constexpr milliseconds kCommonInterval{1000};
constexpr milliseconds kCursorInterval{200};
constexpr milliseconds kIdle{50};
constexpr milliseconds kRetry{500};
constexpr std::string_view kRenewedKey = "renewed";

// One commit's outbox entries, as long as not all of them are on the air.
struct Item {
  store::BucketId bucket;
  uint64_t sequence = 0;
};

struct Due {
  Stamp at_least;
  bool keys = false;
  std::vector<Item> items;
};

class PumpImpl final : public Pump {
 public:
  PumpImpl(Executor& executor, KeyKeeper& keys, GeoState& geo, const intervention::Policy& policy,
           std::vector<SectionSink*> sinks, MetricsRegistry& metrics, Logger& log, ViewBucket cursors)
      : executor_(executor),
        keys_(keys),
        geo_(geo),
        builder_(executor, keys, geo, policy),
        sinks_(std::move(sinks)),
        log_(log),
        cursors_(std::move(cursors)),
        sent_counter_(metrics.GetCounter("hearth_sections_sent_total", "Sections handed to the outputs.")),
        sent_bytes_(metrics.GetCounter("hearth_section_bytes_sent_total", "Their bytes.")),
        failed_(metrics.GetCounter("hearth_output_failed_total", "Writes that an output refused.")),
        waiting_gauge_(
            metrics.GetGauge("hearth_outbox_waiting", "Commits whose messages are not all sent.")) {}

  ~PumpImpl() override { Stop(); }

  Status Load();
  void Start() override {
    thread_ = std::thread([this] { Run(); });
  }
  void Notify(store::BucketId bucket, uint64_t sequence) override;
  void Renew() override;
  void HoldGroups(bool held) override {
    const MutexLock lock(mu_);
    held_ = held;
    wake_.NotifyOne();
  }
  void Stop() override;
  uint64_t waiting() const override;
  uint64_t sent() const override { return sent_.load(); }
  uint64_t renewed() const override { return renewed_.load(); }
  uint64_t CursorOf(store::BucketId bucket) const override;
  Result<Change> RefreshCard(const Request& request, CardNumber card, const Limits& limits) override;

 private:
  struct Progress {
    std::set<uint64_t> open;
    uint64_t cursor = 0;  // everything up to here is sent
    uint64_t seen = 0;
  };

  void Run();
  std::vector<Item> TakeItems(bool& stopping);
  void Process(std::vector<Item> items);
  bool IsLoaded(const records::OutboxEntry& entry);
  void Handle(const Item& item, const records::OutboxEntry& entry);
  void ApplyMembers();
  void SendDueGroups();
  void SendCommon();
  Status Build(const std::function<Result<Sections>()>& build);
  bool Flush();
  void Finish(const Item& item);
  void Complete(const Item& item);
  void CompleteAired();
  void SaveCursors(bool now);
  Status RenewAll();
  void EndRenewal();
  bool StoppedWhileWaiting();

  Executor& executor_;
  KeyKeeper& keys_;
  GeoState& geo_;
  const SectionBuilder builder_;
  const std::vector<SectionSink*> sinks_;
  Logger& log_;
  ViewBucket cursors_;  // pump thread only, like all without a guard
  Counter& sent_counter_;
  Counter& sent_bytes_;
  Counter& failed_;
  Gauge& waiting_gauge_;
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> renewed_{0};

  mutable Mutex mu_;
  CondVar wake_;
  std::deque<Item> first_ HEARTH_GUARDED_BY(mu_);  // taken before those of queue_
  std::deque<Item> queue_ HEARTH_GUARDED_BY(mu_);
  std::map<uint16_t, Progress> progress_ HEARTH_GUARDED_BY(mu_);
  std::set<uint16_t> dirty_ HEARTH_GUARDED_BY(mu_);
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  bool renew_ HEARTH_GUARDED_BY(mu_) = false;
  bool held_ HEARTH_GUARDED_BY(mu_) = false;

  std::vector<Item> held_back_;  // see IsLoaded
  Sections out_;
  std::vector<std::pair<Item, records::MemberChanged>> members_;
  std::map<uint32_t, Due> due_groups_;                      // by group
  std::map<uint32_t, std::vector<Item>> due_common_;        // by county
  std::map<uint32_t, nanoseconds> common_sent_;             // by county
  std::optional<uint64_t> renewing_;                        // to this epoch on air
  std::set<uint32_t> renewing_groups_;                      // not sent yet
  std::set<uint32_t> renewing_counties_;                    // not sent yet
  std::map<std::pair<uint16_t, uint64_t>, size_t> unsent_;  // entries of an item still open
  // Finished as soon as as many sections are on the air, in this order.
  std::deque<std::pair<uint64_t, Item>> taken_;
  nanoseconds cursors_saved_{0};
  std::thread thread_;
};

Status PumpImpl::Load() {
  HEARTH_ASSIGN_OR_RETURN(const auto cursors, cursors_.LoadCursors());
  HEARTH_ASSIGN_OR_RETURN(const auto buckets, executor_.store().Sequences());
  const MutexLock lock(mu_);
  for (const auto& bucket : buckets) {
    if (bucket.bucket.value > store::kSystemBucket.value) continue;
    Progress& progress = progress_[bucket.bucket.value];
    const auto cursor = cursors.find(bucket.bucket.value);
    progress.cursor = cursor == cursors.end() ? 0 : cursor->second;
    progress.seen = bucket.sequence;
    std::string after = store::OutboxKey(progress.cursor, UINT32_MAX);
    for (;;) {
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              executor_.store().Scan(bucket.bucket, store::Space::kOutbox, "", after, 512));
      for (const auto& item : page.items) {
        const uint64_t sequence = store::SequenceOfKey(item.key);
        if (progress.open.insert(sequence).second) {
          (bucket.bucket == store::kSystemBucket ? first_ : queue_).push_back({bucket.bucket, sequence});
        }
        HEARTH_ASSIGN_OR_RETURN(const auto entry, records::Decode<records::OutboxEntry>(item.value));
        if (const auto* member = std::get_if<records::MemberChanged>(&entry.effect)) {
          executor_.stamps().Reopen(member->change.stamp);
        }
      }
      if (!page.more || page.items.empty()) break;
      after = page.items.back().key;
    }
  }
  HEARTH_ASSIGN_OR_RETURN(const auto renewed, cursors_.Get(std::string(kRenewedKey)));
  const uint64_t on_air = keys_.on_air();
  renewed_ = renewed ? ByteReader(AsBytes(*renewed)).U64() : on_air;
  renew_ = renewed_ != on_air;
  if (!renewed) {
    ByteWriter value(8);
    value.U64(on_air);
    cursors_.Put(std::string(kRenewedKey), std::string(AsChars(value.bytes())));
  }
  return Ok();
}

void PumpImpl::Notify(store::BucketId bucket, uint64_t sequence) {
  const MutexLock lock(mu_);
  Progress& progress = progress_[bucket.value];
  progress.open.insert(sequence);
  progress.seen = std::max(progress.seen, sequence);
  // Alerts come from the system's bucket, and little else does: they never wait behind the cards.
  (bucket == store::kSystemBucket ? first_ : queue_).push_back({bucket, sequence});
  wake_.NotifyOne();
}

void PumpImpl::Renew() {
  const MutexLock lock(mu_);
  renew_ = true;
  wake_.NotifyOne();
}

void PumpImpl::Stop() {
  {
    const MutexLock lock(mu_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

// Between two attempts; true when the pump is to end instead.
bool PumpImpl::StoppedWhileWaiting() {
  const auto until = std::chrono::steady_clock::now() + kRetry;
  const MutexLock lock(mu_);
  while (!stop_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= nanoseconds(0)) return false;
    wake_.WaitFor(mu_, left);
  }
  return true;
}

uint64_t PumpImpl::waiting() const {
  const MutexLock lock(mu_);
  uint64_t open = 0;
  for (const auto& [bucket, progress] : progress_) open += progress.open.size();
  return open;
}

uint64_t PumpImpl::CursorOf(store::BucketId bucket) const {
  const MutexLock lock(mu_);
  const auto it = progress_.find(bucket.value);
  return it == progress_.end() ? 0 : it->second.cursor;
}

Result<Change> PumpImpl::RefreshCard(const Request& request, CardNumber number, const Limits& limits) {
  const ObjectKey key = CardKey(number);
  HEARTH_ASSIGN_OR_RETURN(
      auto outcome,
      RunOnce(
          executor_, key.bucket, request, {.action = "card.refresh", .object = "card:" + ToString(number)},
          limits, [&](Txn& txn) -> Result<std::string> {
            HEARTH_ASSIGN_OR_RETURN(const auto stored, txn.Read<records::CardRecord>(key.key));
            if (!stored) {
              return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(number)));
            }
            HEARTH_RETURN_IF_ERROR(CheckRevision(request, stored->revision, key.key));
            const entitlement::Card& card = stored->value.card;
            if (!card.claim.held()) {
              return Error(Reason::kCardNotInAccount,
                           fmt::format("card {} belongs to no open account", ToString(number)));
            }
            txn.Emit(records::RecordDue{.card = number});
            txn.Emit(records::PairingDue{.card = number});
            txn.Emit(
                records::GroupDue{.group = card.place.group, .at_least = card.standing_stamp, .keys = true});
            return std::string();
          }));
  return outcome.change;
}

std::vector<Item> PumpImpl::TakeItems(bool& stopping) {
  const MutexLock lock(mu_);
  if (first_.empty() && (queue_.empty() || held_) && !stop_ && !renew_) wake_.WaitFor(mu_, kIdle);
  std::vector<Item> items;
  for (std::deque<Item>* queue : {&first_, &queue_}) {
    if (held_ && queue == &queue_) break;
    while (!queue->empty() && items.size() < kBatchItems) {
      items.push_back(queue->front());
      queue->pop_front();
    }
  }
  stopping = stop_;
  return items;
}

void PumpImpl::Run() {
  for (;;) {
    bool stopping = false;
    const std::vector<Item> items = TakeItems(stopping);
    Process(items);
    bool renew = false;
    {
      const MutexLock lock(mu_);
      std::swap(renew, renew_);
    }
    if (renew) {
      if (Status status = RenewAll(); !status) {
        log_.Error("renewal_failed", {{"error", status.error().ToString()}});
        (void)StoppedWhileWaiting();
        const MutexLock lock(mu_);
        renew_ = true;
      }
    }
    SendDueGroups();
    SendCommon();
    EndRenewal();
    CompleteAired();
    SaveCursors(/*now=*/stopping);
    waiting_gauge_.Set(static_cast<double>(waiting()));
    if (stopping && items.empty()) return;
  }
}

// Builds into out_; what cannot be built (its object is gone or damaged) is logged and passed over, so that
// one bad object never stops the air.
Status PumpImpl::Build(const std::function<Result<Sections>()>& build) {
  auto sections = build();
  if (!sections) {
    log_.Error("section_not_built",
               {{"error", sections.error().ToString()}, {"detail", sections.error().detail()}});
    return sections.error();
  }
  for (Bytes& section : *sections) out_.push_back(std::move(section));
  return Ok();
}

// Packages and lists are sent from memory, which takes a change in only after its commit. Sent before that,
// it would be the former state, and the change would not go out at all.
bool PumpImpl::IsLoaded(const records::OutboxEntry& entry) {
  if (const auto* due = std::get_if<records::ServiceKeysDue>(&entry.effect)) {
    const auto stored = executor_.Read<records::PackageRecord>(PackageKey(due->package));
    if (!stored || !*stored) return true;
    const auto loaded = keys_.Packages();
    return std::find(loaded.begin(), loaded.end(), (*stored)->value.package) != loaded.end();
  }
  if (const auto* due = std::get_if<records::TableDue>(&entry.effect)) {
    const auto stored = executor_.Read<records::CellListHead>(ListKey(due->kind, due->id));
    if (!stored || !*stored) return true;
    const auto geo = geo_.snapshot();
    const auto loaded = geo->lists.find({due->kind, due->id});
    return loaded != geo->lists.end() && loaded->second == (*stored)->value;
  }
  return true;
}

void PumpImpl::Process(std::vector<Item> items) {
  items.insert(items.begin(), held_back_.begin(), held_back_.end());
  held_back_.clear();
  if (items.empty()) return;
  std::vector<Item> handled;
  for (const Item& item : items) {
    auto page = executor_.store().Scan(item.bucket, store::Space::kOutbox, store::SequenceKey(item.sequence),
                                       "", 1024);
    if (!page) {
      // Never finished: the cursor stays before it, and the next start reads it again.
      log_.Error("outbox_unreadable", {{"bucket", item.bucket.value}, {"error", page.error().ToString()}});
      continue;
    }
    std::vector<records::OutboxEntry> entries;
    for (const auto& stored : page->items) {
      auto entry = records::Decode<records::OutboxEntry>(stored.value);
      if (!entry) {
        log_.Error("outbox_unreadable", {{"bucket", item.bucket.value}, {"error", entry.error().ToString()}});
        continue;
      }
      entries.push_back(*entry);
    }
    if (!std::all_of(entries.begin(), entries.end(), [&](const auto& entry) { return IsLoaded(entry); })) {
      held_back_.push_back(item);
      continue;
    }
    handled.push_back(item);
    unsent_[{item.bucket.value, item.sequence}] = 1;  // held until Finish below lets it go
    for (const records::OutboxEntry& entry : entries) Handle(item, entry);
  }
  if (!Flush()) return;
  ApplyMembers();
  for (const Item& item : handled) Finish(item);
}

void PumpImpl::Handle(const Item& item, const records::OutboxEntry& entry) {
  const auto one = [](Result<Bytes> section) -> Result<Sections> {
    if (!section) return section.error();
    Sections sections;
    sections.push_back(std::move(*section));
    return sections;
  };
  if (const auto* standing = std::get_if<records::StandingChanged>(&entry.effect)) {
    (void)Build([&] { return one(builder_.Standing(*standing)); });
  } else if (const auto* record = std::get_if<records::RecordDue>(&entry.effect)) {
    (void)Build([&] { return one(builder_.Record(record->card)); });
  } else if (const auto* pairing = std::get_if<records::PairingDue>(&entry.effect)) {
    (void)Build([&] { return builder_.Pairing(pairing->card); });
  } else if (const auto* package = std::get_if<records::ServiceKeysDue>(&entry.effect)) {
    (void)Build([&] { return builder_.ServiceKeys(package->package, executor_.stamps().Now()); });
  } else if (const auto* alert = std::get_if<records::EmergencyDue>(&entry.effect)) {
    const auto before = static_cast<ptrdiff_t>(out_.size());
    (void)Build([&] { return builder_.Emergency(alert->number); });
    std::rotate(out_.begin(), out_.begin() + before, out_.end());
  } else if (const auto* table = std::get_if<records::TableDue>(&entry.effect)) {
    (void)Build([&] { return builder_.Table(table->kind, table->id); });
  } else if (const auto* member = std::get_if<records::MemberChanged>(&entry.effect)) {
    members_.emplace_back(item, *member);
  } else if (const auto* group = std::get_if<records::GroupDue>(&entry.effect)) {
    Due& due = due_groups_[group->group.value];
    due.at_least = std::max(due.at_least, group->at_least);
    due.keys = due.keys || group->keys;
    due.items.push_back(item);
    ++unsent_[{item.bucket.value, item.sequence}];
  }
}

// Takes the changes of standing into their groups, one commit a group. The group's own outbox then says that
// its section is due.
void PumpImpl::ApplyMembers() {
  std::map<uint32_t, std::vector<records::MemberChanged>> by_group;
  for (const auto& [item, member] : members_) by_group[member.group.value].push_back(member);
  members_.clear();
  for (const auto& group : by_group) {
    const uint32_t id = group.first;
    const std::vector<records::MemberChanged>& changes = group.second;
    const ObjectKey key = GroupKey(GroupId(id));
    for (;;) {
      auto applied = executor_.RunUngated(
          key.bucket, {.actor = "hearthd", .action = "group.bitmap"}, [&](Txn& txn) -> Status {
            HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<records::GroupRecord>(key.key));
            if (!stored) return Ok();
            const auto before = entitlement::Bitmap(stored->value.group);
            bool changed = false;
            bool switched_on = false;
            Stamp newest;
            for (const records::MemberChanged& change : changes) {
              if (!entitlement::Apply(stored->value.group, change.change)) continue;
              changed = true;
              switched_on = switched_on || change.change.on;
              newest = std::max(newest, change.change.stamp);
            }
            if (!changed) return Ok();
            txn.Write(key.key, stored->value);
            if (switched_on || before != entitlement::Bitmap(stored->value.group)) {
              txn.Emit(records::GroupDue{.group = GroupId(id), .at_least = newest, .keys = switched_on});
            }
            return Ok();
          });
      if (applied) break;
      log_.Error("group_not_changed", {{"group", id}, {"error", applied.error().ToString()}});
      if (StoppedWhileWaiting()) return;
    }
    for (const records::MemberChanged& change : changes) executor_.stamps().Close(change.change.stamp);
  }
}

void PumpImpl::SendDueGroups() {
  if (due_groups_.empty()) return;
  {
    const MutexLock lock(mu_);
    if (held_) return;
  }
  const Stamp watermark = executor_.stamps().Watermark();
  std::vector<Item> done;
  std::vector<uint32_t> sent;
  for (auto it = due_groups_.begin(); it != due_groups_.end() && out_.size() < kBatchItems;) {
    if (it->second.at_least > watermark) {
      ++it;
      continue;
    }
    const GroupId id(it->first);
    (void)Build([&] { return builder_.Group(id, watermark); });
    if (it->second.keys) {
      const auto group = executor_.Read<records::GroupRecord>(GroupKey(id));
      if (group && *group) {
        const auto county =
            static_cast<uint32_t>(Ancestor((*group)->value.group.township, RegionLevel::kCounty).value);
        std::vector<Item>& waiting = due_common_[county];
        if (renewing_groups_.contains(it->first)) renewing_counties_.insert(county);
        for (const Item& item : it->second.items) {
          waiting.push_back(item);
          ++unsent_[{item.bucket.value, item.sequence}];
        }
      }
    }
    done.insert(done.end(), it->second.items.begin(), it->second.items.end());
    sent.push_back(it->first);
    it = due_groups_.erase(it);
  }
  if (!Flush()) return;
  for (const uint32_t group : sent) renewing_groups_.erase(group);
  for (const Item& item : done) Finish(item);
}

// Service keys and tables of the counties whose groups have just been sent: whoever took the package key
// from the group's section can read them now.
void PumpImpl::SendCommon() {
  const nanoseconds now = executor_.clock().Steady();
  std::vector<Item> done;
  std::vector<uint32_t> sent;
  for (auto it = due_common_.begin(); it != due_common_.end();) {
    const uint32_t county = it->first;
    const auto last = common_sent_.find(county);
    if (last != common_sent_.end() && now - last->second < kCommonInterval) {
      ++it;
      continue;
    }
    for (const entitlement::Package& package : keys_.PackagesOf(static_cast<uint16_t>(county / 10000))) {
      (void)Build([&] { return builder_.ServiceKeys(package.id, executor_.stamps().Now()); });
    }
    (void)Build([&] { return builder_.TablesOf(county); });
    common_sent_[county] = now;
    done.insert(done.end(), it->second.begin(), it->second.end());
    sent.push_back(county);
    it = due_common_.erase(it);
  }
  if (!Flush()) return;
  for (const uint32_t county : sent) renewing_counties_.erase(county);
  for (const Item& item : done) Finish(item);
}

// Hands out_ to every output, again and again until it is taken. False when the pump is stopped meanwhile.
bool PumpImpl::Flush() {
  if (out_.empty()) return true;
  for (SectionSink* sink : sinks_) {
    for (;;) {
      const Status status = sink->Write(out_);
      if (status) break;
      failed_.Increment();
      log_.Error("output_failed",
                 {{"error", status.error().ToString()}, {"detail", status.error().detail()}});
      if (StoppedWhileWaiting()) return false;
    }
  }
  size_t bytes = 0;
  for (const Bytes& section : out_) bytes += section.size();
  sent_ += out_.size();
  sent_counter_.Add(static_cast<double>(out_.size()));
  sent_bytes_.Add(static_cast<double>(bytes));
  out_.clear();
  return true;
}

void PumpImpl::Finish(const Item& item) {
  const auto it = unsent_.find({item.bucket.value, item.sequence});
  if (it == unsent_.end() || --it->second > 0) return;
  unsent_.erase(it);
  taken_.emplace_back(sent_.load(), item);
}

void PumpImpl::CompleteAired() {
  if (taken_.empty()) return;
  size_t backlog = 0;
  for (const SectionSink* sink : sinks_) backlog = std::max(backlog, sink->Backlog());
  const uint64_t aired = sent_.load() - backlog;
  for (; !taken_.empty() && taken_.front().first <= aired; taken_.pop_front())
    Complete(taken_.front().second);
}

void PumpImpl::Complete(const Item& item) {
  const MutexLock lock(mu_);
  Progress& progress = progress_[item.bucket.value];
  progress.open.erase(item.sequence);
  progress.cursor = progress.open.empty() ? progress.seen : *progress.open.begin() - 1;
  dirty_.insert(item.bucket.value);
}

void PumpImpl::SaveCursors(bool now) {
  const nanoseconds time = executor_.clock().Steady();
  if (!now && time - cursors_saved_ < kCursorInterval) return;
  cursors_saved_ = time;
  {
    const MutexLock lock(mu_);
    for (const uint16_t bucket : dirty_)
      cursors_.PutCursor(store::BucketId(bucket), progress_[bucket].cursor);
    dirty_.clear();
  }
  if (Status status = cursors_.Commit(); !status) {
    // Nothing is lost: after a restart some messages go out twice.
    log_.Warn("cursors_not_saved", {{"error", status.error().ToString()}});
  }
}

Status PumpImpl::RenewAll() {
  HEARTH_ASSIGN_OR_RETURN(const auto counter, executor_.Get(SiteKey("group-counter")));
  const uint64_t groups = counter ? ByteReader(AsBytes(counter->value)).U64() : 0;
  for (uint64_t id = 1; id <= groups; ++id) {
    due_groups_[static_cast<uint32_t>(id)].keys = true;
    renewing_groups_.insert(static_cast<uint32_t>(id));
  }
  renewing_ = keys_.on_air();
  log_.Info("renewal_begins", {{"groups", groups}});
  return Ok();
}

// A renewal is remembered when all of it has been sent: one that a restart cuts off begins anew.
void PumpImpl::EndRenewal() {
  if (!renewing_ || !renewing_groups_.empty() || !renewing_counties_.empty()) return;
  ByteWriter value(8);
  value.U64(*renewing_);
  cursors_.Put(std::string(kRenewedKey), std::string(AsChars(value.bytes())));
  renewed_ = *renewing_;
  renewing_.reset();
}

}  // namespace

Result<std::unique_ptr<Pump>> Pump::Create(Executor& executor, KeyKeeper& keys, GeoState& geo,
                                           const intervention::Policy& policy,
                                           std::vector<SectionSink*> sinks, MetricsRegistry& metrics,
                                           Logger& log) {
  HEARTH_ASSIGN_OR_RETURN(auto cursors, ViewBucket::Create(executor, kPumpBucket));
  auto pump = std::make_unique<PumpImpl>(executor, keys, geo, policy, std::move(sinks), metrics, log,
                                         std::move(cursors));
  HEARTH_RETURN_IF_ERROR(pump->Load());
  return std::unique_ptr<Pump>(std::move(pump));
}

}  // namespace hearth::app
