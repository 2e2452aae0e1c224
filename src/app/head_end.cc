#include "src/app/head_end.h"

namespace hearth::app {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr seconds kTick{1};
constexpr seconds kEachMinute{60};
constexpr seconds kRenewLeases{600};

}  // namespace

Result<std::unique_ptr<HeadEnd>> HeadEnd::Create(store::Store& store, const Clock& clock,
                                                 RandomSource& random, crypto::MasterKey master,
                                                 std::vector<SectionSink*> sinks,
                                                 const HeadEndOptions& options, MetricsRegistry& metrics,
                                                 Logger& log) {
  HEARTH_RETURN_IF_ERROR(options.policy.Check());
  std::unique_ptr<HeadEnd> head(new HeadEnd(options, log));
  head->stamps_ = std::make_unique<StampTracker>(clock);
  HEARTH_ASSIGN_OR_RETURN(head->executor_,
                          Executor::Create(store, clock, *head->stamps_, log, options.owner));
  Executor& executor = *head->executor_;
  HEARTH_ASSIGN_OR_RETURN(head->site_clock_, SiteClock::Create(executor, clock, metrics, log));
  HEARTH_ASSIGN_OR_RETURN(head->plan_book_, PlanBook::Create(executor));
  HEARTH_ASSIGN_OR_RETURN(head->keys_, KeyKeeper::Create(executor, *head->plan_book_, std::move(master),
                                                         random, options.epochs, head->site_clock_->start()));
  head->keys_->SetEmergencySigner(options.emergency_signer);
  HEARTH_ASSIGN_OR_RETURN(head->geo_, GeoState::Create(executor, options.limits));
  HEARTH_ASSIGN_OR_RETURN(head->views_, Views::Create(executor, *head->geo_, options.limits, metrics, log));
  HEARTH_ASSIGN_OR_RETURN(head->pump_, Pump::Create(executor, *head->keys_, *head->geo_, options.policy,
                                                    options.air, std::move(sinks), metrics, log));
  // Everything committed so far was found in the store by views and pump; from here on they are told.
  executor.SetListener([views = head->views_.get(), pump = head->pump_.get()](
                           store::BucketId bucket, uint64_t sequence, bool has_outbox) {
    views->Notify(bucket, sequence);
    if (has_outbox) pump->Notify(bucket, sequence);
  });
  head->pump_->Start();
  head->registry_ = std::make_unique<Registry>(executor, *head->keys_, *head->geo_, options.limits, log);
  HEARTH_ASSIGN_OR_RETURN(const size_t settled, head->registry_->Recover());
  if (settled > 0) log.Info("sagas_settled", {{"accounts", settled}});
  head->evictions_ = std::make_unique<Evictions>(executor, *head->registry_, *head->keys_, *head->geo_,
                                                 options.policy, options.limits, log);
  HEARTH_RETURN_IF_ERROR(head->evictions_->Recover());
  executor.SetGate([self = head.get()]() -> Status {
    if (self->shutting_down_.load()) return Error(Reason::kShuttingDown, "the head-end is stopping");
    return self->site_clock_->Gate();
  });
  head->schedule_ = std::make_unique<Schedule>(executor, *head->keys_, options.limits);
  head->plans_ = std::make_unique<Plans>(executor, *head->keys_, *head->plan_book_, options.limits);
  head->emergencies_ = std::make_unique<Emergencies>(executor, *head->keys_, *head->geo_,
                                                     options.emergency_two_people, options.limits);
  head->ecm_ = std::make_unique<EcmService>(*head->keys_, *head->site_clock_);
  head->location_ = std::make_unique<Location>(
      executor, *head->registry_, *head->keys_, *head->geo_, options.policy, options.limits,
      [pump = head->pump_.get()](CardNumber card) { pump->Heard(card); }, metrics);
  head->housekeeper_ = std::thread([self = head.get()] { self->Housekeep(); });
  return head;
}

HeadEnd::~HeadEnd() {
  BeginShutdown();
  {
    const MutexLock lock(mu_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (housekeeper_.joinable()) housekeeper_.join();
  if (pump_) pump_->Stop();
  // After the pump: stamps of the next run begin above all that were sent.
  if (views_) (void)site_clock_->Tick();
  if (views_) views_->Stop();
  // The executor waits for its open commits, whose listener still knows views and pump.
  location_.reset();
  ecm_.reset();
  emergencies_.reset();
  plans_.reset();
  schedule_.reset();
  evictions_.reset();
  registry_.reset();
  if (executor_) executor_->Drain();
}

void HeadEnd::BeginShutdown() {
  shutting_down_.store(true);
  if (views_) views_->StopWatches();
}

void HeadEnd::HousekeepNow() {
  const MutexLock lock(mu_);
  const uint64_t round = ++rounds_asked_;
  wake_.NotifyAll();
  while (rounds_done_ < round) wake_.Wait(mu_);
}

void HeadEnd::Housekeep() {
  const Clock& clock = executor_->clock();
  nanoseconds minute = clock.Steady();
  nanoseconds leases = minute;
  uint64_t current = keys_->current();
  uint64_t on_air = keys_->on_air();
  for (uint64_t round = 0;;) {
    {
      const MutexLock lock(mu_);
      rounds_done_ = round;
      wake_.NotifyAll();
      if (!stop_ && rounds_asked_ == round) wake_.WaitFor(mu_, kTick);
      if (stop_) return;
      round = rounds_asked_;
    }
    const auto note = [&](std::string_view what, const Status& status) {
      if (!status) log_.Error("housekeeping_failed", {{"what", what}, {"error", status.error().ToString()}});
    };
    const nanoseconds now = clock.Steady();
    if (now - minute >= kEachMinute) {
      minute = now;
      note("clock", site_clock_->Tick());
      note("trim", Trim());
      if (site_clock_->Gate()) note("plans", plans_->Trim());
    }
    if (now - leases >= kRenewLeases) {
      leases = now;
      note("leases", executor_->RenewLeases());
    }
    if (!site_clock_->Gate()) continue;  // a jump is found within a second, whoever else looks or not
    const UnixMillis wall = clock.Now();
    if (keys_->EpochsAt(wall) == std::pair(current, on_air)) continue;
    auto refreshed = keys_->Refresh(wall);
    if (!refreshed) {
      note("epoch", refreshed.error());
      continue;
    }
    current = keys_->current();
    on_air = keys_->on_air();
    log_.Info("epoch", {{"current", current}, {"on_air", on_air}});
    pump_->Renew();
  }
}

// Outbox entries go once they are sent, request ids after their day, change records when the views have them
// and their time is over.
Status HeadEnd::Trim() {
  store::Store& store = executor_->store();
  const UnixMillis now = executor_->clock().Now();
  const int64_t id_age_ms = std::chrono::milliseconds(options_.limits.request_id_age).count() + 3'600'000;
  ByteWriter oldest_id(8);
  oldest_id.U64(static_cast<uint64_t>((now.value - id_age_ms) / 60'000));
  const std::string dedup_before(AsChars(oldest_id.bytes()));
  const int64_t record_age_ms = std::chrono::milliseconds(options_.change_records).count();
  HEARTH_ASSIGN_OR_RETURN(const auto buckets, store.Sequences());
  for (const auto& bucket : buckets) {
    if (bucket.bucket.value > store::kSystemBucket.value) break;
    const store::Lease& lease = executor_->LeaseOf(store::PartitionOf(bucket.bucket));
    const auto trim_first = [&](store::Space space, const std::string& before) -> Status {
      HEARTH_ASSIGN_OR_RETURN(const auto first, store.Scan(bucket.bucket, space, "", "", 1));
      if (first.items.empty() || first.items[0].key >= before) return Ok();
      return store.Trim(lease, bucket.bucket, space, before);
    };
    HEARTH_RETURN_IF_ERROR(
        trim_first(store::Space::kOutbox, store::SequenceKey(pump_->CursorOf(bucket.bucket) + 1)));
    HEARTH_RETURN_IF_ERROR(trim_first(store::Space::kDedup, dedup_before));
    // Records are in the order of time: the first one still young ends the search.
    uint64_t keep_from = 0;
    HEARTH_ASSIGN_OR_RETURN(const auto records,
                            store.Scan(bucket.bucket, store::Space::kRecord, "", "", 256));
    for (const auto& item : records.items) {
      HEARTH_ASSIGN_OR_RETURN(const auto record, records::Decode<records::ChangeRecord>(item.value));
      const uint64_t sequence = store::SequenceOfKey(item.key);
      if (now.value - record.time.value <= record_age_ms || sequence > views_->CursorOf(bucket.bucket)) break;
      keep_from = sequence + 1;
    }
    if (keep_from > 0) {
      HEARTH_RETURN_IF_ERROR(
          store.Trim(lease, bucket.bucket, store::Space::kRecord, store::SequenceKey(keep_from)));
    }
  }
  return Ok();
}

}  // namespace hearth::app
