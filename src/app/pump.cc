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

using records::Urgency;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr store::BucketId kPumpBucket{store::kFirstViewBucket.value + 1};
// Outbox items taken at once: few enough that an urgent one behind them waits some milliseconds only.
constexpr size_t kOutboxItems = 256;
constexpr milliseconds kSaveInterval{200};
constexpr milliseconds kOutboxIdle{50};
constexpr milliseconds kPumpRetry{500};
// A group's section waits for the watermark, which follows the second.
constexpr milliseconds kWatermark{1300};
constexpr std::string_view kRenewedKey = "renewed";
// Keys that are the carousel's own.
constexpr std::array<std::string_view, 3> kAirPrefixes = {"line/", "cycle/", "unconfirmed/"};

Tier TierOf(Urgency urgency, Tier normal) {
  switch (urgency) {
    case Urgency::kNormal:
      return normal;
    case Urgency::kImmediate:
      return Tier::kIndividual;
    case Urgency::kBulk:
      return Tier::kBulk;
  }
  return normal;
}

// A group's section that cards wait for.
struct Due {
  Stamp at_least;
  Tier tier = Tier::kBulk;
  std::vector<Ticket> tickets;
};

struct Member {
  Ticket ticket;
  Urgency urgency = Urgency::kNormal;
  records::MemberChanged changed;
};

class PumpImpl final : public Pump {
 public:
  PumpImpl(Executor& executor, KeyKeeper& keys, GeoState& geo, MetricsRegistry& metrics, Logger& log,
           ViewBucket kept)
      : executor_(executor),
        keys_(keys),
        geo_(geo),
        builder_(executor, keys, geo),
        log_(log),
        kept_(std::move(kept)),
        waiting_gauge_(
            metrics.GetGauge("hearth_outbox_waiting", "Commits whose messages are not all sent.")) {}

  ~PumpImpl() override { Stop(); }

  Status Load(const std::vector<SectionSink*>& sinks, const AirOptions& options, MetricsRegistry& metrics);
  void Start() override;
  void Notify(store::BucketId bucket, uint64_t sequence) override;
  void Renew() override;
  void SetReported(std::function<UnixMillis(CardNumber)> reported) override {
    reported_time_ = std::move(reported);
  }
  void Heard(std::span<const CardNumber> cards) override { air_->Heard(cards); }
  void HoldGroups(bool held) override;
  void Stop() override;
  uint64_t waiting() const override;
  uint64_t sent() const override;
  uint64_t renewed() const override { return renewed_.load(); }
  uint64_t CursorOf(store::BucketId bucket) const override;
  Result<Refreshed> RefreshCard(const Request& request, CardNumber card, const Limits& limits) override;
  Result<Delivery> DeliveryOf(CardNumber card) override;
  AirStatus air() const override { return air_->status(); }
  UnixMillis BoundedByEpoch() const override {
    const EpochPlan& plan = keys_.plan();
    return UnixMillis(plan.zero.value + static_cast<int64_t>(keys_.on_air() + 1) * plan.length.count());
  }

 private:
  struct Progress {
    std::set<uint64_t> open;
    uint64_t cursor = 0;  // everything up to here is sent
    uint64_t seen = 0;
  };

  Status LoadOutboxes();
  Status LoadAir();
  void Run();
  std::vector<Ticket> TakeTickets(bool& stopping);
  void Process(std::vector<Ticket> tickets);
  bool IsLoaded(const records::OutboxEntry& entry);
  void Handle(const Ticket& ticket, const records::OutboxEntry& entry);
  void ApplyMembers();
  void PutDueGroups();
  void Open(const Ticket& ticket) { ++open_[{ticket.bucket.value, ticket.sequence}]; }
  void Finish(const Ticket& ticket);
  void TakeReport();
  void Save(bool now);
  void Renewal();
  bool StoppedWhileWaiting();

  Executor& executor_;
  KeyKeeper& keys_;
  GeoState& geo_;
  const SectionBuilder builder_;
  Logger& log_;
  ViewBucket kept_;  // pump thread only, like all without a guard
  Gauge& waiting_gauge_;
  std::atomic<uint64_t> renewed_{0};
  std::unique_ptr<Air> air_;
  std::function<UnixMillis(CardNumber)> reported_time_;

  mutable Mutex mu_;
  CondVar wake_;
  std::deque<Ticket> first_ HEARTH_GUARDED_BY(mu_);  // taken before those of queue_
  std::deque<Ticket> queue_ HEARTH_GUARDED_BY(mu_);
  std::map<uint16_t, Progress> progress_ HEARTH_GUARDED_BY(mu_);
  std::set<uint16_t> dirty_ HEARTH_GUARDED_BY(mu_);
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  bool renew_ HEARTH_GUARDED_BY(mu_) = false;
  bool reported_ HEARTH_GUARDED_BY(mu_) = false;
  bool held_ HEARTH_GUARDED_BY(mu_) = false;

  std::vector<Ticket> held_back_;  // see IsLoaded
  std::vector<Member> members_;
  std::map<uint32_t, Due> due_groups_;                    // by group
  std::map<std::pair<uint16_t, uint64_t>, size_t> open_;  // what a ticket still waits for
  std::optional<uint64_t> renewing_;                      // to this epoch on air
  nanoseconds saved_{0};
  std::thread thread_;
};

Status PumpImpl::Load(const std::vector<SectionSink*>& sinks, const AirOptions& options,
                      MetricsRegistry& metrics) {
  const auto wake = [this] {
    const MutexLock lock(mu_);
    reported_ = true;
    wake_.NotifyOne();
  };
  HEARTH_ASSIGN_OR_RETURN(air_,
                          Air::Create(executor_, keys_, geo_, builder_, sinks, options, wake, metrics, log_));
  HEARTH_RETURN_IF_ERROR(LoadOutboxes());
  HEARTH_RETURN_IF_ERROR(LoadAir());
  HEARTH_ASSIGN_OR_RETURN(const auto renewed, kept_.Get(std::string(kRenewedKey)));
  const uint64_t on_air = keys_.on_air();
  renewed_ = renewed ? ByteReader(AsBytes(*renewed)).U64() : on_air;
  const MutexLock lock(mu_);
  renew_ = renewed_ != on_air;
  if (!renewed) {
    ByteWriter value(8);
    value.U64(on_air);
    kept_.Put(std::string(kRenewedKey), std::string(AsChars(value.bytes())));
  }
  return Ok();
}

Status PumpImpl::LoadOutboxes() {
  HEARTH_ASSIGN_OR_RETURN(const auto cursors, kept_.LoadCursors());
  HEARTH_ASSIGN_OR_RETURN(const auto buckets, executor_.store().Sequences());
  std::vector<std::pair<UnixMillis, Ticket>> found;
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
        HEARTH_ASSIGN_OR_RETURN(const auto entry, records::Decode<records::OutboxEntry>(item.value));
        if (progress.open.insert(sequence).second) found.push_back({entry.time, {bucket.bucket, sequence}});
        if (const auto* member = std::get_if<records::MemberChanged>(&entry.effect)) {
          executor_.stamps().Reopen(member->change.stamp);
        }
      }
      if (!page.more || page.items.empty()) break;
      after = page.items.back().key;
    }
  }
  // In the order in which they came, whatever bucket they are of.
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [time, ticket] : found) {
    (ticket.bucket == store::kSystemBucket ? first_ : queue_).push_back(ticket);
  }
  return Ok();
}

Status PumpImpl::LoadAir() {
  for (const std::string_view prefix : kAirPrefixes) {
    std::string after;
    for (;;) {
      HEARTH_ASSIGN_OR_RETURN(const auto page, kept_.Scan(prefix, after, 1000));
      for (const auto& item : page.items) air_->Restore(item.key, item.value);
      if (!page.more || page.items.empty()) break;
      after = page.items.back().key;
    }
  }
  return Ok();
}

void PumpImpl::Start() {
  // What a former run left of alerts stands in line before anything goes out.
  std::vector<Ticket> alerts;
  {
    const MutexLock lock(mu_);
    alerts.assign(first_.begin(), first_.end());
    first_.clear();
  }
  Process(alerts);
  air_->Start();
  thread_ = std::thread([this] { Run(); });
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

void PumpImpl::HoldGroups(bool held) {
  air_->Hold(held);
  const MutexLock lock(mu_);
  held_ = held;
  wake_.NotifyOne();
}

void PumpImpl::Stop() {
  {
    const MutexLock lock(mu_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  air_->Stop();
  TakeReport();
  Save(/*now=*/true);
}

// Between two attempts; true when the pump is to end instead.
bool PumpImpl::StoppedWhileWaiting() {
  const auto until = std::chrono::steady_clock::now() + kPumpRetry;
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

uint64_t PumpImpl::sent() const {
  uint64_t sections = 0;
  for (const AirOutputStatus& output : air_->status().outputs) sections += output.sections;
  return sections;
}

uint64_t PumpImpl::CursorOf(store::BucketId bucket) const {
  const MutexLock lock(mu_);
  const auto it = progress_.find(bucket.value);
  return it == progress_.end() ? 0 : it->second.cursor;
}

Result<Refreshed> PumpImpl::RefreshCard(const Request& request, CardNumber number, const Limits& limits) {
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
            HEARTH_RETURN_IF_ERROR(entitlement::CheckNotEvicted(card));
            txn.Emit(records::RecordDue{.card = number}, Urgency::kImmediate);
            txn.Emit(records::PairingDue{.card = number}, Urgency::kImmediate);
            txn.Emit(
                records::GroupDue{.group = card.place.group, .at_least = card.standing_stamp, .keys = true},
                Urgency::kImmediate);
            return std::string();
          }));
  Refreshed refreshed{.change = outcome.change, .expected = {}};
  const auto individual = air_->Forecast(Tier::kIndividual);
  const auto service_keys = air_->Forecast(Tier::kServiceKeys);
  if (individual && service_keys) {
    // What the card needs of its group waits for the watermark, and the service keys come by in their cycle.
    const auto in = std::chrono::ceil<milliseconds>(std::max<nanoseconds>(kWatermark, *individual) +
                                                    *individual + *service_keys);
    refreshed.expected = UnixMillis(executor_.clock().Now().value + in.count());
  }
  return refreshed;
}

Result<Delivery> PumpImpl::DeliveryOf(CardNumber number) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Read<records::CardRecord>(CardKey(number)));
  if (!stored) {
    return Error(Reason::kCardUnknown, fmt::format("card {} is not in stock", ToString(number)));
  }
  const entitlement::Card& card = stored->value.card;
  const bool dark = card.standing == entitlement::Standing::kDark;
  const Air::CardDelivery on_air = air_->DeliveryOf(number);
  Delivery delivery;
  if (on_air.on_air.value != 0) delivery.on_air = on_air.on_air;
  if (dark) delivery.bounded = BoundedByEpoch();
  UnixMillis heard = stored->value.observed;
  if (reported_time_) heard = std::max(heard, reported_time_(number));
  const UnixMillis changed = TimeOf(std::max(card.standing_stamp, card.record_stamp));
  if (on_air.queued) {
    delivery.state = DeliveryState::kQueued;
    const auto in = std::chrono::ceil<milliseconds>(on_air.expected);
    delivery.expected = UnixMillis(executor_.clock().Now().value + in.count());
  } else if (heard.value - changed.value >= milliseconds(kConfirmAfter).count()) {
    delivery.state = DeliveryState::kConfirmed;
  } else if (on_air.repeating || on_air.unconfirmed || !dark) {
    delivery.state = DeliveryState::kSent;
  } else {
    delivery.state = DeliveryState::kBoundedByEpoch;
  }
  return delivery;
}

std::vector<Ticket> PumpImpl::TakeTickets(bool& stopping) {
  const MutexLock lock(mu_);
  const bool waits = !first_.empty() || (!queue_.empty() && !held_) || stop_ || renew_ || reported_;
  if (!waits) wake_.WaitFor(mu_, kOutboxIdle);
  reported_ = false;
  std::vector<Ticket> tickets;
  for (std::deque<Ticket>* queue : {&first_, &queue_}) {
    if (held_ && queue == &queue_) break;
    while (!queue->empty() && tickets.size() < kOutboxItems) {
      tickets.push_back(queue->front());
      queue->pop_front();
    }
  }
  stopping = stop_;
  return tickets;
}

void PumpImpl::Run() {
  for (;;) {
    bool stopping = false;
    const std::vector<Ticket> tickets = TakeTickets(stopping);
    Process(tickets);
    PutDueGroups();
    Renewal();
    TakeReport();
    Save(/*now=*/false);
    waiting_gauge_.Set(static_cast<double>(waiting()));
    if (stopping && tickets.empty()) return;
  }
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

void PumpImpl::Process(std::vector<Ticket> tickets) {
  tickets.insert(tickets.begin(), held_back_.begin(), held_back_.end());
  held_back_.clear();
  std::vector<Ticket> handled;
  for (const Ticket& ticket : tickets) {
    auto page = executor_.store().Scan(ticket.bucket, store::Space::kOutbox,
                                       store::SequenceKey(ticket.sequence), "", 1024);
    if (!page) {
      // Never finished: the cursor stays before it, and the next start reads it again.
      log_.Error("outbox_unreadable", {{"bucket", ticket.bucket.value}, {"error", page.error().ToString()}});
      continue;
    }
    std::vector<records::OutboxEntry> entries;
    for (const auto& stored : page->items) {
      auto entry = records::Decode<records::OutboxEntry>(stored.value);
      if (!entry) {
        log_.Error("outbox_unreadable",
                   {{"bucket", ticket.bucket.value}, {"error", entry.error().ToString()}});
        continue;
      }
      entries.push_back(*entry);
    }
    if (!std::all_of(entries.begin(), entries.end(), [&](const auto& entry) { return IsLoaded(entry); })) {
      held_back_.push_back(ticket);
      continue;
    }
    handled.push_back(ticket);
    Open(ticket);  // until Finish below
    for (const records::OutboxEntry& entry : entries) Handle(ticket, entry);
  }
  ApplyMembers();
  for (const Ticket& ticket : handled) Finish(ticket);
}

void PumpImpl::Handle(const Ticket& ticket, const records::OutboxEntry& entry) {
  if (const auto* member = std::get_if<records::MemberChanged>(&entry.effect)) {
    members_.push_back({ticket, entry.urgency, *member});
    return;
  }
  if (const auto* group = std::get_if<records::GroupDue>(&entry.effect)) {
    // A bit alone is left to the cycle: whom it concerns has a message of its own.
    if (!group->keys) return;
    Due& due = due_groups_[group->group.value];
    due.at_least = std::max(due.at_least, group->at_least);
    due.tier = std::min(due.tier, TierOf(entry.urgency, Tier::kIndividual));
    due.tickets.push_back(ticket);
    Open(ticket);
    return;
  }
  Open(ticket);
  if (const auto* standing = std::get_if<records::StandingChanged>(&entry.effect)) {
    air_->Put(TierOf(entry.urgency, Tier::kIndividual), StandingOf(standing->card), ticket);
  } else if (const auto* record = std::get_if<records::RecordDue>(&entry.effect)) {
    air_->Put(TierOf(entry.urgency, Tier::kChange), RecordOf(record->card), ticket);
  } else if (const auto* pairing = std::get_if<records::PairingDue>(&entry.effect)) {
    air_->Put(TierOf(entry.urgency, Tier::kChange), PairingOf(pairing->card), ticket);
  } else if (const auto* package = std::get_if<records::ServiceKeysDue>(&entry.effect)) {
    air_->PutServiceKeys(Tier::kChange, package->package, ticket);
  } else if (const auto* alert = std::get_if<records::EmergencyDue>(&entry.effect)) {
    air_->Put(Tier::kEmergency, AlertOf(alert->number), ticket);
  } else if (const auto* table = std::get_if<records::TableDue>(&entry.effect)) {
    air_->PutTable(Tier::kChange, table->kind, table->id, ticket);
  }
}

// Takes the changes of standing into their groups, one commit a group. The group's own outbox then says that
// its section is due.
void PumpImpl::ApplyMembers() {
  std::map<uint32_t, std::vector<Member>> by_group;
  for (const Member& member : members_) by_group[member.changed.group.value].push_back(member);
  members_.clear();
  for (const auto& group : by_group) {
    const uint32_t id = group.first;
    const std::vector<Member>& members = group.second;
    const ObjectKey key = GroupKey(GroupId(id));
    for (;;) {
      auto applied = executor_.RunUngated(
          key.bucket, {.actor = "hearthd", .action = "group.bitmap"}, [&](Txn& txn) -> Status {
            HEARTH_ASSIGN_OR_RETURN(auto stored, txn.Read<records::GroupRecord>(key.key));
            if (!stored) return Ok();
            const auto before = entitlement::Bitmap(stored->value.group);
            bool changed = false;
            bool switched_on = false;
            Urgency urgency = Urgency::kBulk;
            Stamp newest;
            for (const Member& member : members) {
              const entitlement::MemberChange& change = member.changed.change;
              if (!entitlement::Apply(stored->value.group, change)) continue;
              changed = true;
              switched_on = switched_on || change.on;
              if (change.on && member.urgency != Urgency::kBulk) urgency = Urgency::kNormal;
              newest = std::max(newest, change.stamp);
            }
            if (!changed) return Ok();
            txn.Write(key.key, stored->value);
            if (switched_on || before != entitlement::Bitmap(stored->value.group)) {
              txn.Emit(records::GroupDue{.group = GroupId(id), .at_least = newest, .keys = switched_on},
                       urgency);
            }
            return Ok();
          });
      if (applied) break;
      log_.Error("group_not_changed", {{"group", id}, {"error", applied.error().ToString()}});
      if (StoppedWhileWaiting()) return;
    }
    air_->GroupChanged(GroupId(id));
    for (const Member& member : members) executor_.stamps().Close(member.changed.change.stamp);
  }
}

void PumpImpl::PutDueGroups() {
  if (due_groups_.empty()) return;
  const Stamp watermark = executor_.stamps().Watermark();
  for (auto it = due_groups_.begin(); it != due_groups_.end();) {
    if (it->second.at_least > watermark) {
      ++it;
      continue;
    }
    const GroupId id(it->first);
    for (const Ticket& ticket : it->second.tickets) air_->Put(it->second.tier, GroupOf(id), ticket);
    it = due_groups_.erase(it);
  }
}

void PumpImpl::Finish(const Ticket& ticket) {
  const auto it = open_.find({ticket.bucket.value, ticket.sequence});
  if (it == open_.end() || --it->second > 0) return;
  open_.erase(it);
  const MutexLock lock(mu_);
  Progress& progress = progress_[ticket.bucket.value];
  progress.open.erase(ticket.sequence);
  progress.cursor = progress.open.empty() ? progress.seen : *progress.open.begin() - 1;
  dirty_.insert(ticket.bucket.value);
}

void PumpImpl::TakeReport() {
  Air::Report report = air_->TakeReport();
  for (auto& [key, value] : report.writes) {
    if (value) {
      kept_.Put(key, std::move(*value));
    } else {
      kept_.Delete(key);
    }
  }
  for (const Ticket& ticket : report.aired) Finish(ticket);
}

void PumpImpl::Save(bool now) {
  const nanoseconds time = executor_.clock().Steady();
  if (!now && time - saved_ < kSaveInterval) return;
  saved_ = time;
  {
    const MutexLock lock(mu_);
    for (const uint16_t bucket : dirty_) kept_.PutCursor(store::BucketId(bucket), progress_[bucket].cursor);
    dirty_.clear();
  }
  if (Status status = kept_.Commit(); !status) {
    // Nothing is lost: after a restart some messages go out twice.
    log_.Warn("cursors_not_saved", {{"error", status.error().ToString()}});
  }
}

// A renewal is remembered when the cycles have taken it to everybody: one that a restart cuts off begins
// anew.
void PumpImpl::Renewal() {
  bool renew = false;
  {
    const MutexLock lock(mu_);
    std::swap(renew, renew_);
  }
  if (renew) {
    renewing_ = keys_.on_air();
    air_->MarkPass();
    log_.Info("renewal_begins", {{"epoch", *renewing_}});
  }
  if (!renewing_ || !air_->PassDone()) return;
  ByteWriter value(8);
  value.U64(*renewing_);
  kept_.Put(std::string(kRenewedKey), std::string(AsChars(value.bytes())));
  renewed_ = *renewing_;
  log_.Info("renewal_ends", {{"epoch", *renewing_}});
  renewing_.reset();
}

}  // namespace

Result<std::unique_ptr<Pump>> Pump::Create(Executor& executor, KeyKeeper& keys, GeoState& geo,
                                           const AirOptions& air, const std::vector<SectionSink*>& sinks,
                                           MetricsRegistry& metrics, Logger& log) {
  HEARTH_ASSIGN_OR_RETURN(auto kept, ViewBucket::Create(executor, kPumpBucket));
  auto pump = std::make_unique<PumpImpl>(executor, keys, geo, metrics, log, std::move(kept));
  HEARTH_RETURN_IF_ERROR(pump->Load(sinks, air, metrics));
  return std::unique_ptr<Pump>(std::move(pump));
}

}  // namespace hearth::app
