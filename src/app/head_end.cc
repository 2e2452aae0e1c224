#include "src/app/head_end.h"

namespace hearth::app {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr seconds kTick{1};
constexpr seconds kEachMinute{60};
constexpr seconds kRenewLeases{600};
constexpr std::string_view kRestoreName = "restore";

}  // namespace

Result<std::unique_ptr<HeadEnd>> HeadEnd::Create(store::Store& store, const Clock& clock,
                                                 RandomSource& random, crypto::MasterKey master,
                                                 const std::vector<SectionSink*>& sinks,
                                                 const HeadEndOptions& options, MetricsRegistry& metrics,
                                                 Logger& log) {
  HEARTH_RETURN_IF_ERROR(options.policy.Check());
  std::unique_ptr<HeadEnd> head(new HeadEnd(options, log));
  head->stamps_ = std::make_unique<StampTracker>(clock);
  HEARTH_ASSIGN_OR_RETURN(head->executor_,
                          Executor::Create(store, clock, *head->stamps_, log, options.owner));
  Executor& executor = *head->executor_;
  const archive::Identity identity{.site = options.site, .key_check = master.check_value()};
  std::unique_ptr<archive::Writer> writer;
  if (!options.archive.empty()) {
    HEARTH_ASSIGN_OR_RETURN(writer, archive::Writer::Open({.directory = options.archive,
                                                           .identity = identity,
                                                           .segment_bytes = options.archive_segment_bytes}));
    if (writer->cut_bytes() > 0) log.Warn("archive.tail_cut", {{"bytes", writer->cut_bytes()}});
    if (writer->damage()) log.Error("archive.damaged", {{"error", writer->damage()->ToString()}});
  }
  // Before anything is committed.
  HEARTH_ASSIGN_OR_RETURN(head->restore_, RestoreHold::Create(executor, metrics, log));
  HEARTH_RETURN_IF_ERROR(head->FindWhetherRestored(writer.get()));
  HEARTH_ASSIGN_OR_RETURN(head->site_clock_, SiteClock::Create(executor, clock, metrics, log));
  HEARTH_ASSIGN_OR_RETURN(head->plan_book_, PlanBook::Create(executor));
  HEARTH_ASSIGN_OR_RETURN(head->keys_, KeyKeeper::Create(executor, *head->plan_book_, std::move(master),
                                                         random, options.epochs, head->site_clock_->start()));
  head->keys_->SetEmergencySigner(options.emergency_signer);
  if (writer) {
    head->archiver_ =
        std::make_unique<Archiver>(executor, *head->keys_, std::move(writer), identity, metrics, log);
  }
  HEARTH_ASSIGN_OR_RETURN(head->geo_, GeoState::Create(executor, options.policy, options.limits));
  head->cell_register_ = CellRegister::Create(options.survey, executor, *head->geo_, metrics, log);
  HEARTH_ASSIGN_OR_RETURN(head->views_, Views::Create(executor, *head->geo_, options.limits, metrics, log));
  head->area_desk_ = std::make_unique<AreaDesk>(*head->geo_, *head->views_, *head->cell_register_);
  HEARTH_ASSIGN_OR_RETURN(
      head->pump_, Pump::Create(executor, *head->keys_, *head->geo_, options.air, sinks, metrics, log));
  head->column_ = std::make_unique<HeardColumn>(head->cells_);
  executor.SetCardListener([column = head->column_.get()](std::string_view bytes) {
    if (const auto card = records::Decode<records::CardRecord>(bytes)) column->Put(*card, /*fresh=*/true);
  });
  executor.SetHomeListener([self = head.get()](std::string_view key, std::string_view bytes) {
    if (key.starts_with(kExemptionPrefix)) {
      const auto one = records::Decode<records::ExemptionRecord>(bytes);
      if (one) self->exempt_homes_.Put(one->exemption.card, Exemptions::RowOf(*one));
    } else {
      const auto one = records::Decode<records::RelocationRecord>(bytes);
      if (one) self->moving_homes_.Put(one->relocation.card, Relocations::RowOf(*one));
    }
  });
  head->pump_->SetReported([column = head->column_.get()](CardNumber card) {
    const auto row = column->Find(card);
    return row ? row->reported_time() : UnixMillis(0);
  });
  // Everything committed so far was found in the store by views and pump; from here on they are told.
  executor.SetListener(
      [views = head->views_.get(), pump = head->pump_.get(), archiver = head->archiver_.get()](
          store::BucketId bucket, uint64_t sequence, bool has_outbox) {
        if (archiver != nullptr) archiver->Notify(bucket, sequence);
        views->Notify(bucket, sequence);
        if (has_outbox) pump->Notify(bucket, sequence);
      });
  head->pump_->HoldGroups(head->restore_->held());
  head->pump_->Start();
  head->registry_ = std::make_unique<Registry>(executor, *head->keys_, *head->geo_, options.limits, log);
  head->evictions_ =
      std::make_unique<Evictions>(executor, *head->registry_, *head->keys_, *head->geo_, options.limits, log);
  if (!head->restore_->held()) {
    HEARTH_ASSIGN_OR_RETURN(const size_t settled, head->registry_->Recover());
    if (settled > 0) log.Info("sagas_settled", {{"accounts", settled}});
    HEARTH_RETURN_IF_ERROR(head->evictions_->Recover());
  }
  HEARTH_RETURN_IF_ERROR(head->LoadHomes());
  executor.SetGate([self = head.get()]() -> Status {
    if (self->shutting_down_.load()) return Error(Reason::kShuttingDown, "the head-end is stopping");
    HEARTH_RETURN_IF_ERROR(self->restore_->Gate());
    return self->site_clock_->Gate();
  });
  head->schedule_ = std::make_unique<Schedule>(executor, *head->keys_, options.limits);
  head->plans_ = std::make_unique<Plans>(executor, *head->keys_, *head->plan_book_, options.limits);
  head->emergencies_ = std::make_unique<Emergencies>(executor, *head->keys_, *head->geo_,
                                                     options.emergency_two_people, options.limits);
  head->ecm_ = std::make_unique<EcmService>(*head->keys_, *head->site_clock_);
  HEARTH_ASSIGN_OR_RETURN(head->alarms_, Alarms::Create(executor, options.limits, metrics, log));
  head->guard_ = std::make_unique<Guard>(*head->geo_, *head->column_, *head->alarms_, metrics);
  HEARTH_RETURN_IF_ERROR(head->guard_->Replay(*head->views_, clock.Now(), options.limits));
  head->saver_ = std::make_unique<ObservedSaver>(executor, *head->column_, options.limits, metrics, log);
  head->gateways_ = std::make_unique<Gateways>(options.gateways, clock, metrics);
  head->location_ = std::make_unique<Location>(
      executor, *head->registry_, *head->keys_, *head->geo_, *head->column_, *head->saver_, *head->alarms_,
      *head->guard_, options.limits, *head->pump_, head->WhereaboutsOf(options), metrics);
  HEARTH_ASSIGN_OR_RETURN(head->rollouts_,
                          Rollouts::Create(executor, *head->geo_, *head->column_, *head->location_,
                                           *head->alarms_, options.limits, log));
  head->location_->SetDarkened(
      [rollouts = head->rollouts_.get()](uint64_t number) { rollouts->NoteDark(number); });
  head->held_ = std::make_unique<Held>(executor, *head->geo_, *head->column_, *head->location_,
                                       *head->rollouts_, options.limits);
  head->exemptions_ = std::make_unique<Exemptions>(executor, *head->registry_, *head->location_,
                                                   head->exempt_homes_, options.limits, log);
  head->relocations_ = std::make_unique<Relocations>(
      executor, *head->registry_, *head->location_, head->moving_homes_, options.centre, options.limits, log);
  head->reconciler_ = std::make_unique<Reconciler>(
      executor, *head->keys_, *head->restore_, head->archiver_.get(), identity, options.limits,
      [self = head.get()](const Request& request, std::string_view action, bool set_aside) {
        return self->EndHold(request, action, set_aside);
      });
  head->housekeeper_ = std::thread([self = head.get()] { self->Housekeep(); });
  head->column_loader_ = std::thread([self = head.get()] { self->LoadColumn(); });
  return head;
}

// Where cells are, as far as the register knows: two reports are compared by it.
Whereabouts HeadEnd::WhereaboutsOf(const HeadEndOptions& options) const {
  Whereabouts whereabouts = options.whereabouts;
  if (!whereabouts.cell_position && !options.survey.empty()) {
    whereabouts.cell_position = [cells = cell_register_.get()](const geofence::Cell& cell) {
      const auto known = cells->Find(cell);
      return known && known->row ? known->row->position : std::nullopt;
    };
  }
  return whereabouts;
}

HeadEnd::~HeadEnd() {
  BeginShutdown();
  {
    const MutexLock lock(mu_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (housekeeper_.joinable()) housekeeper_.join();
  if (column_loader_.joinable()) column_loader_.join();
  // Before views and archive end: what it writes they are to see.
  if (saver_) saver_->Stop();
  if (pump_) pump_->Stop();
  // After the pump: stamps of the next run begin above all that were sent.
  if (views_) (void)site_clock_->Tick();
  if (views_) views_->Stop();
  // The executor waits for its open commits, whose listener still knows views and pump.
  area_desk_.reset();
  relocations_.reset();
  exemptions_.reset();
  held_.reset();
  rollouts_.reset();
  location_.reset();
  cell_register_.reset();
  ecm_.reset();
  emergencies_.reset();
  plans_.reset();
  schedule_.reset();
  evictions_.reset();
  registry_.reset();
  if (executor_) executor_->Drain();
  if (archiver_) archiver_->Stop();
}

// An archive that is ahead, or that somebody says so, or that an earlier start found it.
Status HeadEnd::FindWhetherRestored(const archive::Writer* writer) {
  HEARTH_ASSIGN_OR_RETURN(const auto ended, executor_->Get(SiteKey(kRestoreName)));
  if (ended) stamps_->SetRecordFloor(Stamp(ByteReader(AsBytes(ended->value)).U64()));
  std::optional<std::string> why;
  if (writer != nullptr) {
    HEARTH_ASSIGN_OR_RETURN(why, FindRestore(executor_->store(), writer->tails()));
  }
  if (!why && options_.restored) why = "it was started with --restored";
  if (!why && restore_->held()) why = "an earlier start found it so";
  return why ? restore_->Hold(*why) : Ok();
}

// From here on each commit keeps the indexes up.
Status HeadEnd::LoadHomes() {
  HEARTH_ASSIGN_OR_RETURN(const auto buckets, executor_->store().Sequences());
  for (const auto& bucket : buckets) {
    if (bucket.bucket.value >= store::kDataBuckets) break;
    HEARTH_RETURN_IF_ERROR(executor_->ForEach(
        bucket.bucket, kExemptionPrefix, [&](std::string_view, std::string_view value) -> Status {
          HEARTH_ASSIGN_OR_RETURN(const auto one, records::Decode<records::ExemptionRecord>(value));
          exempt_homes_.Put(one.exemption.card, Exemptions::RowOf(one));
          return Ok();
        }));
    HEARTH_RETURN_IF_ERROR(executor_->ForEach(
        bucket.bucket, kRelocationPrefix, [&](std::string_view, std::string_view value) -> Status {
          HEARTH_ASSIGN_OR_RETURN(const auto one, records::Decode<records::RelocationRecord>(value));
          moving_homes_.Put(one.relocation.card, Relocations::RowOf(one));
          return Ok();
        }));
  }
  return Ok();
}

Status HeadEnd::ReloadAll() {
  HEARTH_RETURN_IF_ERROR(site_clock_->AfterReplay());
  HEARTH_RETURN_IF_ERROR(plan_book_->Reload());
  HEARTH_RETURN_IF_ERROR(geo_->ReloadAll());
  HEARTH_RETURN_IF_ERROR(alarms_->Reload());
  HEARTH_RETURN_IF_ERROR(rollouts_->Recover());
  return keys_->Reload(site_clock_->OnAir());
}

// The store is what it has to be. Everything in memory follows it, then the hold ends. A crash between the
// audit entry and the hold's end leaves a held site, and one entry more after the next try.
Result<Committed> HeadEnd::EndHold(const Request& request, std::string_view action, bool set_aside) {
  HEARTH_RETURN_IF_ERROR(ReloadAll());
  if (set_aside) HEARTH_RETURN_IF_ERROR(archiver_->Resume(true));
  // Above all that was ever sent, and below all that will be decided from here on.
  const Stamp floor(stamps_->Now().value - 1);
  const Act act{.actor = request.actor,
                .action = std::string(action),
                .object = "site",
                .reason = request.reason,
                .approver = request.approver,
                .detail = set_aside ? "the archive is set aside" : ""};
  stamps_->SetRecordFloor(floor);
  // For this one commit; the gate is still closed.
  executor_->Hold(false);
  auto committed = executor_->RunUngated(store::kSystemBucket, act, [&](Txn& txn) -> Status {
    ByteWriter value(8);
    value.U64(floor.value);
    txn.Put(SiteKey(kRestoreName).key, std::string(AsChars(value.bytes())));
    return Ok();
  });
  if (Status lifted = committed ? restore_->Lift() : Status(committed.error()); !lifted) {
    executor_->Hold(true);
    return lifted.error();
  }
  pump_->HoldGroups(false);
  log_.Warn("restore.ended", {{"action", action}, {"actor", request.actor}, {"reason", request.reason}});
  // The hold has ended, whatever comes of these: each is done again by itself.
  const auto note = [&](std::string_view what, const auto& result) {
    if (!result) log_.Error("housekeeping_failed", {{"what", what}, {"error", result.error().ToString()}});
  };
  if (archiver_) note("archive", archiver_->Resume(false));
  note("epoch", keys_->Refresh(site_clock_->OnAir()));
  note("sagas", registry_->Recover());
  note("evictions", evictions_->Recover());
  return committed;
}

void HeadEnd::BeginShutdown() {
  shutting_down_.store(true);
  if (cell_register_) cell_register_->Stop();
  if (views_) views_->StopWatches();
}

void HeadEnd::HousekeepNow() {
  const MutexLock lock(mu_);
  const uint64_t round = ++rounds_asked_;
  wake_.NotifyAll();
  while (rounds_done_ < round) wake_.Wait(mu_);
}

// While the head-end serves already: a card without a row yet is judged from the store.
void HeadEnd::LoadColumn() {
  for (uint16_t bucket = 0; bucket < store::kDataBuckets; ++bucket) {
    const Status read = executor_->ForEach(
        store::BucketId(bucket), kCardPrefix, [&](std::string_view, std::string_view value) -> Status {
          HEARTH_ASSIGN_OR_RETURN(const auto card, records::Decode<records::CardRecord>(value));
          column_->Put(card, /*fresh=*/false);
          return Ok();
        });
    if (!read) log_.Error("column_not_loaded", {{"bucket", bucket}, {"error", read.error().ToString()}});
    if (shutting_down_.load()) return;
  }
  column_->SetLoaded();
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
    if (now - minute >= kEachMinute && !restore_->held()) {
      minute = now;
      note("clock", site_clock_->Tick());
      note("trim", Trim());
      if (site_clock_->Gate()) note("plans", plans_->Trim());
    }
    if (!restore_->held()) note("alarms", alarms_->Tick());
    if (executor_->CheckGate()) {
      exemptions_->Tick();
      relocations_->Tick();
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

// Outbox entries go once they are sent, request ids after their day, change records when views and archive
// have them and their time is over.
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
    uint64_t passed = views_->CursorOf(bucket.bucket);
    if (archiver_) passed = std::min(passed, archiver_->CursorOf(bucket.bucket));
    HEARTH_ASSIGN_OR_RETURN(const auto records,
                            store.Scan(bucket.bucket, store::Space::kRecord, "", "", 256));
    for (const auto& item : records.items) {
      HEARTH_ASSIGN_OR_RETURN(const auto record, records::Decode<records::ChangeRecord>(item.value));
      const uint64_t sequence = store::SequenceOfKey(item.key);
      if (now.value - record.time.value <= record_age_ms || sequence > passed) break;
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
