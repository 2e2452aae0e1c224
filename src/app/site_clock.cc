#include "src/app/site_clock.h"

#include <fmt/format.h>

namespace hearth::app {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kJumpRunning = std::chrono::hours(1);
constexpr milliseconds kJumpOverRestart = std::chrono::hours(24 * 30);
constexpr uint64_t kPersistSeconds = 60;  // how often Tick is called
constexpr std::string_view kClockName = "clock";

milliseconds Since(UnixMillis from, UnixMillis to) { return milliseconds(to.value - from.value); }

// site/clock: time 8, milliseconds since 1970 ‖ seconds of the stamps 8, since 2024
struct Persisted {
  UnixMillis time;
  uint64_t stamp_seconds = 0;
};

std::string Encode(const Persisted& persisted) {
  ByteWriter out(16);
  out.U64(static_cast<uint64_t>(persisted.time.value)).U64(persisted.stamp_seconds);
  return std::string(AsChars(out.bytes()));
}

Result<Persisted> Decode(std::string_view bytes) {
  ByteReader reader(AsBytes(bytes));
  Persisted persisted;
  persisted.time = UnixMillis(static_cast<int64_t>(reader.U64()));
  persisted.stamp_seconds = reader.U64();
  if (!reader.done()) return Error(Reason::kStoreCorrupt, "the persisted time of the site is no 16 bytes");
  return persisted;
}

}  // namespace

SiteClock::SiteClock(Executor& executor, const Clock& clock, MetricsRegistry& metrics, Logger& log)
    : executor_(executor),
      clock_(clock),
      log_(log),
      jump_gauge_(metrics.GetGauge("hearth_clock_jump", "1 while a clock jump waits to be accepted.")) {}

Result<std::unique_ptr<SiteClock>> SiteClock::Create(Executor& executor, const Clock& clock,
                                                     MetricsRegistry& metrics, Logger& log) {
  std::unique_ptr<SiteClock> site(new SiteClock(executor, clock, metrics, log));
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor.Get(SiteKey(kClockName)));
  const UnixMillis now = clock.Now();
  bool jumped = false;
  UnixMillis last = now;
  if (stored) {
    HEARTH_ASSIGN_OR_RETURN(const Persisted persisted, Decode(stored->value));
    last = persisted.time;
    const milliseconds gap = Since(last, now);
    // After a step back and a crash, what was sent in the last minute before it is above what was persisted.
    const uint64_t unknown = gap < milliseconds(0) ? kPersistSeconds + 1 : 0;
    executor.stamps().Raise(persisted.stamp_seconds + unknown);
    jumped = gap > kJumpOverRestart || gap < -kJumpRunning;
  }
  site->jumped_at_start_ = jumped;
  site->start_ = jumped ? last : now;
  site->SetJumped(jumped, last);
  {
    const MutexLock lock(site->mu_);
    site->last_wall_ = site->start_;
    site->last_steady_ = clock.Steady();
  }
  if (!jumped) HEARTH_RETURN_IF_ERROR(site->Tick());
  return site;
}

void SiteClock::SetJumped(bool jumped, UnixMillis expected) {
  jumped_.store(jumped);
  executor_.stamps().Freeze(jumped);
  jump_gauge_.Set(jumped ? 1 : 0);
  if (jumped) {
    log_.Error("clock_jump", {{"now", ToString(clock_.Now())}, {"expected_about", ToString(expected)}});
  }
}

void SiteClock::Detect() {
  const MutexLock lock(mu_);
  const UnixMillis now = clock_.Now();
  const auto steady = clock_.Steady();
  const milliseconds drift =
      Since(last_wall_, now) - std::chrono::duration_cast<milliseconds>(steady - last_steady_);
  if (!jumped_.load() && (drift > kJumpRunning || drift < -kJumpRunning)) SetJumped(true, last_wall_);
}

Status SiteClock::Gate() {
  if (!jumped_.load()) Detect();
  if (!jumped_.load()) return Ok();
  return Error(Reason::kClockJump, fmt::format("the site's clock jumped to {}", ToString(clock_.Now())));
}

UnixMillis SiteClock::OnAir() {
  if (!jumped_.load()) Detect();
  if (!jumped_.load()) return clock_.Now();
  const MutexLock lock(mu_);
  const auto passed = std::chrono::duration_cast<milliseconds>(clock_.Steady() - last_steady_);
  return UnixMillis(last_wall_.value + passed.count());
}

Status SiteClock::AfterReplay() {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.Get(SiteKey(kClockName)));
  if (!stored) return Ok();
  HEARTH_ASSIGN_OR_RETURN(const Persisted persisted, Decode(stored->value));
  executor_.stamps().Raise(persisted.stamp_seconds);
  const milliseconds gap = Since(persisted.time, clock_.Now());
  if (!jumped_at_start_ || gap > kJumpOverRestart || gap < -kJumpRunning) return Ok();
  jumped_at_start_ = false;
  {
    const MutexLock lock(mu_);
    last_wall_ = clock_.Now();
    last_steady_ = clock_.Steady();
  }
  SetJumped(false, clock_.Now());
  return Ok();
}

Status SiteClock::Persist(Txn& txn) {
  txn.Put(SiteKey(kClockName).key,
          Encode({.time = txn.now(), .stamp_seconds = executor_.stamps().Seconds()}));
  return Ok();
}

Status SiteClock::Tick() {
  if (!jumped_.load()) Detect();
  if (jumped_.load() || executor_.held()) return Ok();
  {
    const MutexLock lock(mu_);
    last_wall_ = clock_.Now();
    last_steady_ = clock_.Steady();
  }
  auto committed = executor_.RunUngated(store::kSystemBucket, {.actor = "hearthd", .action = "clock.persist"},
                                        [&](Txn& txn) { return Persist(txn); });
  return committed ? Ok() : Status(committed.error());
}

Result<Change> SiteClock::Accept(const Request& request) {
  if (request.reason.empty()) return MissingField("change.reason", "say why: it goes into the audit");
  const Act act{.actor = request.actor,
                .action = "clock.accept",
                .object = "site",
                .reason = request.reason,
                .approver = request.approver,
                .detail = ToString(clock_.Now())};
  if (request.dry_run) return Change{};
  // A repeat must not accept a later jump that nobody has looked at.
  Change change;
  HEARTH_ASSIGN_OR_RETURN(change.committed,
                          executor_.RunUngated(store::kSystemBucket, act, [&](Txn& txn) -> Status {
                            HEARTH_ASSIGN_OR_RETURN(const auto former, FindRepeat(txn, request));
                            change.repeated = former.has_value();
                            change.revision = former ? former->revision : txn.next_sequence();
                            if (former) return Ok();
                            txn.Remember(request.id, {.content_hash = request.content_hash,
                                                      .time = txn.now(),
                                                      .revision = change.revision,
                                                      .answer = {}});
                            return Persist(txn);
                          }));
  if (change.repeated) return change;
  {
    const MutexLock lock(mu_);
    last_wall_ = clock_.Now();
    last_steady_ = clock_.Steady();
  }
  jumped_at_start_ = false;
  SetJumped(false, clock_.Now());
  return change;
}

}  // namespace hearth::app
