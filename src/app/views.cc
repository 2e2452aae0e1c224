// Keys of the views' bucket:
//   format                                 version of this layout; another one: everything is rebuilt
//   cur/<bucket>                           see ViewBucket
//   acc/<village>/<form>                   AccountSummary: card 5 ‖ state 1 ‖ name
//   dim/<card>                             what the card is counted as: village 8 ‖ class 1
//   cnt/<level, 2 digits>/<division>       three counts of 8 bytes: waiting, activated, dark; level 00: all
//   unk/<area>/<cell, hex>                 first seen 8 ‖ last seen 8 ‖ cards 4
//   unkc/<area>/<cell, hex>/<card>         the card has been counted there
//   ivl/<~decided, hex>/<id>               event of an intervention, newest first
//   w/…, wpos/…, wgen                      see WatchLog
#include "src/app/views.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "intervention/policy.h"
#include "src/app/watch.h"

namespace hearth::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr store::BucketId kViewsBucket = store::kFirstViewBucket;
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "1";
constexpr size_t kBatch = 512;
// Rows that one call for a page looks at.
constexpr size_t kRowsPerPage = 32'768;
constexpr milliseconds kViewsIdle{100};

enum class CountClass : uint8_t { kNone = 0, kWaiting = 1, kActivated = 2, kDark = 3 };

struct Dimension {
  RegionCode village;
  CountClass counted_as = CountClass::kNone;
};

std::string EncodeDimension(const Dimension& dimension) {
  ByteWriter out(9);
  out.U64(dimension.village.value).U8(static_cast<uint8_t>(dimension.counted_as));
  return std::string(AsChars(out.bytes()));
}

Dimension DimensionOf(const entitlement::Card& card) {
  if (!card.claim.held() || card.village.value == 0) return {};
  if (card.standing != entitlement::Standing::kDark) return {card.village, CountClass::kActivated};
  const bool waiting = card.reason == entitlement::StandingReason::kWaiting;
  return {card.village, waiting ? CountClass::kWaiting : CountClass::kDark};
}

std::string CountKey(int level, RegionCode region) {
  return fmt::format("cnt/{:02}/{}", level, region.value);
}

std::array<uint64_t, 3> DecodeCounts(const std::optional<std::string>& bytes) {
  std::array<uint64_t, 3> counts{};
  if (!bytes) return counts;
  ByteReader reader(AsBytes(*bytes));
  for (uint64_t& count : counts) count = reader.U64();
  return counts;
}

Counts ToCounts(const std::array<uint64_t, 3>& counts) {
  return {.registered = counts[0] + counts[1] + counts[2],
          .waiting = counts[0],
          .activated = counts[1],
          .dark = counts[2]};
}

// 0 stands for the whole site.
constexpr int kLevels[] = {0, 2, 4, 6, 9, 12};

RegionCode AtLevel(RegionCode village, int level) {
  return level == 0 ? RegionCode(0) : Ancestor(village, static_cast<RegionLevel>(level));
}

std::string EncodeAccount(const entitlement::Account& account) {
  ByteWriter out;
  out.U40(account.form.devices.card.value).U8(static_cast<uint8_t>(account.state));
  out.Put(AsBytes(account.form.person.name));
  return std::string(AsChars(out.bytes()));
}

InterventionKind KindOf(const intervention::Intervention& intervention) {
  switch (intervention.state) {
    case intervention::InterventionState::kInForce:
      return InterventionKind::kSwitchOff;
    case intervention::InterventionState::kLifted:
      return intervention.lifted_by.empty() ? InterventionKind::kRestore
                                            : InterventionKind::kLiftedByOperator;
    case intervention::InterventionState::kRefusedInstall:
      return InterventionKind::kRefusedInstall;
    case intervention::InterventionState::kProposed:
      return InterventionKind::kProposal;
    case intervention::InterventionState::kHeld:
      return InterventionKind::kHeld;
    case intervention::InterventionState::kDropped:
      return InterventionKind::kDropped;
    case intervention::InterventionState::kExpired:
      return InterventionKind::kExpired;
  }
  return InterventionKind::kProposal;
}

std::string InterventionListKey(const intervention::Intervention& intervention) {
  return fmt::format("ivl/{:016x}/{}", ~static_cast<uint64_t>(intervention.decided.value), intervention.id);
}

class ViewsImpl final : public Views {
 public:
  ViewsImpl(Executor& executor, GeoState& geo, const Limits& limits, MetricsRegistry& metrics, Logger& log,
            ViewBucket bucket)
      : executor_(executor),
        geo_(geo),
        limits_(limits),
        log_(log),
        bucket_(std::move(bucket)),
        watches_(bucket_, limits),
        lag_(metrics.GetGauge("hearth_view_lag_seconds",
                              "Age of the oldest commit the views have not seen.")) {}

  ~ViewsImpl() override { Stop(); }

  Status Start();
  void Notify(store::BucketId bucket, uint64_t sequence) override;
  Status WaitFor(const Committed& committed, milliseconds timeout) override;
  double LagSeconds() const override;
  uint64_t CursorOf(store::BucketId bucket) const override;
  void Stop() override;
  void StopWatches() override { watches_.Stop(); }

  Result<PageOf<AccountSummary>> ListAccounts(std::optional<RegionCode> region, size_t size,
                                              std::string_view token) override;
  Result<std::vector<RegionCounts>> CountsBelow(std::optional<RegionCode> region) override;
  Result<std::vector<UnknownCell>> UnknownCells(std::optional<AreaId> area, size_t limit) override;
  Result<PageOf<InterventionEvent>> ListInterventions(const InterventionFilter& filter, size_t size,
                                                      std::string_view token) override;
  Result<std::unique_ptr<InterventionWatch>> Watch(std::string_view resume_token) override {
    return watches_.Watch(resume_token);
  }

 private:
  void Run();
  Status ApplyNext(const std::set<uint16_t>& buckets);
  Status ApplyBucket(store::BucketId bucket, uint64_t from, uint64_t to);
  Status Rebuild();
  Status ApplyPut(store::BucketId bucket, std::string_view key, std::string_view stored);
  Status ApplyAccount(std::string_view stored);
  Status ApplyCard(std::string_view stored);
  Status Count(const Dimension& dimension, int64_t by);
  Status CountUnknown(const records::CardRecord& card);
  Status ApplyIntervention(store::BucketId bucket, std::string_view stored);

  Executor& executor_;
  GeoState& geo_;
  const Limits limits_;
  Logger& log_;
  ViewBucket bucket_;  // written by the views' thread only
  WatchLog watches_;
  Gauge& lag_;

  mutable Mutex mu_;
  CondVar wake_;
  CondVar applied_;
  std::map<uint16_t, uint64_t> wanted_ HEARTH_GUARDED_BY(mu_);   // newest commit of each bucket
  std::map<uint16_t, uint64_t> cursors_ HEARTH_GUARDED_BY(mu_);  // applied and committed
  std::set<uint16_t> behind_ HEARTH_GUARDED_BY(mu_);
  bool applying_ HEARTH_GUARDED_BY(mu_) = false;  // buckets taken out of behind_ are being read
  nanoseconds behind_since_ HEARTH_GUARDED_BY(mu_){0};
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

Status ViewsImpl::Start() {
  HEARTH_ASSIGN_OR_RETURN(const auto format, bucket_.Get(std::string(kFormatKey)));
  if (!format || *format != kFormat) HEARTH_RETURN_IF_ERROR(Rebuild());
  HEARTH_RETURN_IF_ERROR(watches_.Load(bucket_, static_cast<uint64_t>(executor_.clock().Now().value)));
  HEARTH_RETURN_IF_ERROR(bucket_.Commit());
  HEARTH_ASSIGN_OR_RETURN(auto cursors, bucket_.LoadCursors());
  HEARTH_ASSIGN_OR_RETURN(const auto buckets, executor_.store().Sequences());
  const MutexLock lock(mu_);
  cursors_ = std::move(cursors);
  for (const auto& bucket : buckets) {
    if (bucket.bucket.value > store::kSystemBucket.value) continue;
    wanted_[bucket.bucket.value] = bucket.sequence;
    if (cursors_[bucket.bucket.value] < bucket.sequence) behind_.insert(bucket.bucket.value);
  }
  behind_since_ = executor_.clock().Steady();
  thread_ = std::thread([this] { Run(); });
  return Ok();
}

// From the objects alone, as if each had just been written. Then the records go on from there.
Status ViewsImpl::Rebuild() {
  std::string after;
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(const auto page, bucket_.Scan("", after, 1000));
    for (const auto& item : page.items) bucket_.Delete(item.key);
    HEARTH_RETURN_IF_ERROR(bucket_.Commit());
    if (!page.more || page.items.empty()) break;
    after = page.items.back().key;
  }
  HEARTH_RETURN_IF_ERROR(watches_.Load(bucket_, static_cast<uint64_t>(executor_.clock().Now().value)));
  HEARTH_ASSIGN_OR_RETURN(const auto buckets, executor_.store().Sequences());
  for (const auto& bucket : buckets) {
    if (bucket.bucket.value > store::kSystemBucket.value) continue;
    std::string from;
    while (bucket.bucket != store::kSystemBucket) {
      HEARTH_ASSIGN_OR_RETURN(const auto page,
                              executor_.store().Scan(bucket.bucket, store::Space::kObject, "", from, 512));
      for (const auto& item : page.items)
        HEARTH_RETURN_IF_ERROR(ApplyPut(bucket.bucket, item.key, item.value));
      if (!page.more || page.items.empty()) break;
      from = page.items.back().key;
    }
    bucket_.PutCursor(bucket.bucket, bucket.sequence);
    HEARTH_RETURN_IF_ERROR(bucket_.Commit());
    watches_.Publish();
  }
  bucket_.Put(std::string(kFormatKey), std::string(kFormat));
  log_.Info("views_rebuilt", {{"buckets", buckets.size()}});
  return bucket_.Commit();
}

void ViewsImpl::Notify(store::BucketId bucket, uint64_t sequence) {
  const MutexLock lock(mu_);
  uint64_t& wanted = wanted_[bucket.value];
  wanted = std::max(wanted, sequence);
  if (behind_.empty() && !applying_) behind_since_ = executor_.clock().Steady();
  behind_.insert(bucket.value);
  wake_.NotifyOne();
}

Status ViewsImpl::WaitFor(const Committed& committed, milliseconds timeout) {
  const nanoseconds until = executor_.clock().Steady() + timeout;
  const MutexLock lock(mu_);
  for (;;) {
    const auto it = cursors_.find(committed.bucket.value);
    if (it != cursors_.end() && it->second >= committed.sequence) return Ok();
    const nanoseconds left = until - executor_.clock().Steady();
    if (left <= nanoseconds(0) || !applied_.WaitFor(mu_, left)) {
      return Error(Reason::kOverloaded,
                   fmt::format("the views have not seen {} yet", RevisionToken(committed)));
    }
  }
}

double ViewsImpl::LagSeconds() const {
  const MutexLock lock(mu_);
  if (behind_.empty() && !applying_) return 0;
  return std::chrono::duration<double>(executor_.clock().Steady() - behind_since_).count();
}

uint64_t ViewsImpl::CursorOf(store::BucketId bucket) const {
  const MutexLock lock(mu_);
  const auto it = cursors_.find(bucket.value);
  return it == cursors_.end() ? 0 : it->second;
}

void ViewsImpl::Stop() {
  {
    const MutexLock lock(mu_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  watches_.Stop();
}

void ViewsImpl::Run() {
  for (;;) {
    std::set<uint16_t> buckets;
    std::optional<nanoseconds> all_taken;
    {
      const MutexLock lock(mu_);
      if (behind_.empty() && !stop_) wake_.WaitFor(mu_, kViewsIdle);
      if (stop_) return;
      while (!behind_.empty() && buckets.size() < kBatch)
        buckets.insert(behind_.extract(behind_.begin()).value());
      if (behind_.empty()) all_taken = executor_.clock().Steady();
      applying_ = !buckets.empty();
    }
    if (!buckets.empty()) {
      const Status status = ApplyNext(buckets);
      if (!status) {
        log_.Error("views_not_applied", {{"error", status.error().ToString()}});
        watches_.Discard();
      }
      const MutexLock lock(mu_);
      applying_ = false;
      if (!status) {
        behind_.insert(buckets.begin(), buckets.end());
        wake_.WaitFor(mu_, kViewsIdle);
      } else if (all_taken) {
        behind_since_ = *all_taken;  // whatever is behind now came after
      }
    }
    lag_.Set(LagSeconds());
  }
}

Status ViewsImpl::ApplyNext(const std::set<uint16_t>& buckets) {
  std::map<uint16_t, std::pair<uint64_t, uint64_t>> ranges;
  {
    const MutexLock lock(mu_);
    for (const uint16_t bucket : buckets) ranges[bucket] = {cursors_[bucket], wanted_[bucket]};
  }
  for (const auto& [bucket, range] : ranges) {
    HEARTH_RETURN_IF_ERROR(ApplyBucket(store::BucketId(bucket), range.first, range.second));
    bucket_.PutCursor(store::BucketId(bucket), range.second);
  }
  HEARTH_RETURN_IF_ERROR(bucket_.Commit());
  watches_.Publish();
  const MutexLock lock(mu_);
  for (const auto& [bucket, range] : ranges) cursors_[bucket] = range.second;
  applied_.NotifyAll();
  return Ok();
}

Status ViewsImpl::ApplyBucket(store::BucketId bucket, uint64_t from, uint64_t to) {
  if (bucket == store::kSystemBucket) return Ok();
  for (uint64_t sequence = from + 1; sequence <= to; ++sequence) {
    HEARTH_ASSIGN_OR_RETURN(const auto stored, executor_.store().Get(bucket, store::Space::kRecord,
                                                                     store::SequenceKey(sequence)));
    if (!stored) {
      return Error(Reason::kStoreCorrupt,
                   fmt::format("bucket {} lacks change record {}", bucket.value, sequence));
    }
    HEARTH_ASSIGN_OR_RETURN(const auto record, records::Decode<records::ChangeRecord>(*stored));
    for (const auto& [key, value] : record.puts) HEARTH_RETURN_IF_ERROR(ApplyPut(bucket, key, value));
  }
  return Ok();
}

Status ViewsImpl::ApplyPut(store::BucketId bucket, std::string_view key, std::string_view stored) {
  const auto apply = [&](auto&& with) -> Status {
    HEARTH_ASSIGN_OR_RETURN(const auto value, SplitRevision(stored));
    return with(value.value);
  };
  if (key.starts_with("card/")) return apply([&](std::string_view v) { return ApplyCard(v); });
  if (key.starts_with("account/")) return apply([&](std::string_view v) { return ApplyAccount(v); });
  if (key.starts_with("iv/")) return apply([&](std::string_view v) { return ApplyIntervention(bucket, v); });
  return Ok();
}

// An account that is only being opened is not listed: it may never come into force.
Status ViewsImpl::ApplyAccount(std::string_view stored) {
  HEARTH_ASSIGN_OR_RETURN(const auto account, records::Decode<entitlement::Account>(stored));
  if (account.state == entitlement::AccountState::kOpening) return Ok();
  for (const RegionCode village : account.left) {
    bucket_.Delete(fmt::format("acc/{}/{}", ToString(village), account.form.form_number));
  }
  bucket_.Put(fmt::format("acc/{}/{}", ToString(account.form.village), account.form.form_number),
              EncodeAccount(account));
  return Ok();
}

Status ViewsImpl::ApplyCard(std::string_view stored) {
  HEARTH_ASSIGN_OR_RETURN(const auto record, records::Decode<records::CardRecord>(stored));
  const std::string key = "dim/" + ToString(record.card.number);
  HEARTH_ASSIGN_OR_RETURN(const auto former, bucket_.Get(key));
  Dimension before;
  if (former) {
    ByteReader reader(AsBytes(*former));
    before.village = RegionCode(reader.U64());
    before.counted_as = static_cast<CountClass>(reader.U8());
  }
  const Dimension after = DimensionOf(record.card);
  if (before.village != after.village || before.counted_as != after.counted_as) {
    HEARTH_RETURN_IF_ERROR(Count(before, -1));
    HEARTH_RETURN_IF_ERROR(Count(after, +1));
    if (after.counted_as == CountClass::kNone) {
      bucket_.Delete(key);
    } else {
      bucket_.Put(key, EncodeDimension(after));
    }
  }
  return CountUnknown(record);
}

Status ViewsImpl::Count(const Dimension& dimension, int64_t by) {
  if (dimension.counted_as == CountClass::kNone) return Ok();
  for (const int level : kLevels) {
    const std::string key = CountKey(level, AtLevel(dimension.village, level));
    HEARTH_ASSIGN_OR_RETURN(const auto stored, bucket_.Get(key));
    std::array<uint64_t, 3> counts = DecodeCounts(stored);
    counts[static_cast<size_t>(dimension.counted_as) - 1] += static_cast<uint64_t>(by);
    if (counts == std::array<uint64_t, 3>{}) {
      bucket_.Delete(key);
      continue;
    }
    ByteWriter out(24);
    for (const uint64_t count : counts) out.U64(count);
    bucket_.Put(key, std::string(AsChars(out.bytes())));
  }
  return Ok();
}

// The serving cell of a bound card, when no list has it.
Status ViewsImpl::CountUnknown(const records::CardRecord& record) {
  if (record.heard.empty() || record.card.area.value == 0) return Ok();
  const geofence::Cell& cell = record.heard.front().cell;
  if (geo_.snapshot()->Known(cell)) return Ok();
  const std::string name = ToString(record.card.area) + "/" + ToHex(geofence::PackCell(cell));
  const std::string key = "unk/" + name;
  const std::string marker = "unkc/" + name + "/" + ToString(record.card.number);
  HEARTH_ASSIGN_OR_RETURN(const auto stored, bucket_.Get(key));
  int64_t first = record.observed.value;
  int64_t last = record.observed.value;
  uint32_t cards = 0;
  if (stored) {
    ByteReader reader(AsBytes(*stored));
    first = std::min(first, static_cast<int64_t>(reader.U64()));
    last = std::max(last, static_cast<int64_t>(reader.U64()));
    cards = reader.U32();
  }
  HEARTH_ASSIGN_OR_RETURN(const auto counted, bucket_.Get(marker));
  if (!counted) {
    ++cards;
    bucket_.Put(marker, "");
  }
  ByteWriter out(20);
  out.U64(static_cast<uint64_t>(first)).U64(static_cast<uint64_t>(last)).U32(cards);
  bucket_.Put(key, std::string(AsChars(out.bytes())));
  return Ok();
}

Status ViewsImpl::ApplyIntervention(store::BucketId bucket, std::string_view stored) {
  HEARTH_ASSIGN_OR_RETURN(auto record, records::Decode<records::InterventionRecord>(stored));
  const std::string key = InterventionListKey(record.intervention);
  const InterventionKind kind = KindOf(record.intervention);
  InterventionEvent event{.kind = kind, .record = std::move(record)};
  bucket_.Put(key, EncodeEvent(event));
  watches_.Append(bucket_, store::PartitionOf(bucket), std::move(event));
  return Ok();
}

Result<PageOf<AccountSummary>> ViewsImpl::ListAccounts(std::optional<RegionCode> region, size_t size,
                                                       std::string_view token) {
  const std::string prefix = region ? fmt::format("acc/{}", ToString(*region)) : "acc/";
  const bool valid = token.empty() || (token.size() > 13 && token[12] == '/' &&
                                       ParseRegionCode(token.substr(0, 12)).has_value());
  if (!valid) return Error(Reason::kPageTokenInvalid, "this is no page token of accounts");
  HEARTH_ASSIGN_OR_RETURN(const auto page,
                          bucket_.Scan(prefix, token.empty() ? "" : "acc/" + std::string(token), size));
  PageOf<AccountSummary> result;
  for (const auto& item : page.items) {
    ByteReader reader(AsBytes(item.value));
    AccountSummary summary;
    summary.card = CardNumber(reader.U40());
    summary.state = static_cast<entitlement::AccountState>(reader.U8());
    summary.name = std::string(AsChars(reader.Rest()));
    const std::string_view place = std::string_view(item.key).substr(4);
    HEARTH_ASSIGN_OR_RETURN(summary.village, ParseRegionCode(place.substr(0, 12)));
    summary.form_number = std::string(place.substr(13));
    result.items.push_back(std::move(summary));
  }
  if (page.more) result.next_token = page.items.back().key.substr(4);
  return result;
}

Result<std::vector<RegionCounts>> ViewsImpl::CountsBelow(std::optional<RegionCode> region) {
  const int level = region ? static_cast<int>(LevelOf(*region)) : 0;
  std::vector<RegionCounts> result;
  const RegionCode top = region.value_or(RegionCode(0));
  HEARTH_ASSIGN_OR_RETURN(const auto page, bucket_.Scan(CountKey(level, top), "", 1));
  const bool found = !page.items.empty() && page.items[0].key == CountKey(level, top);
  result.push_back({top, ToCounts(found ? DecodeCounts(page.items[0].value) : DecodeCounts(std::nullopt))});
  const int* next = std::find(std::begin(kLevels), std::end(kLevels), level) + 1;
  if (next >= std::end(kLevels)) return result;
  const std::string prefix = region ? CountKey(*next, *region) : fmt::format("cnt/{:02}/", *next);
  std::string after;
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(const auto below, bucket_.Scan(prefix, after, 1000));
    for (const auto& item : below.items) {
      HEARTH_ASSIGN_OR_RETURN(const RegionCode code, ParseRegionCode(std::string_view(item.key).substr(7)));
      result.push_back({code, ToCounts(DecodeCounts(item.value))});
    }
    if (!below.more || below.items.empty()) return result;
    after = below.items.back().key;
  }
}

Result<std::vector<UnknownCell>> ViewsImpl::UnknownCells(std::optional<AreaId> area, size_t limit) {
  const auto geo = geo_.snapshot();
  std::vector<UnknownCell> cells;
  const std::string prefix = area ? "unk/" + ToString(*area) + "/" : "unk/";
  std::string after;
  for (;;) {
    HEARTH_ASSIGN_OR_RETURN(const auto page, bucket_.Scan(prefix, after, 1000));
    for (const auto& item : page.items) {
      const std::string_view name = std::string_view(item.key).substr(4);
      HEARTH_ASSIGN_OR_RETURN(const AreaId of, ParseAreaId(name.substr(0, 9)));
      HEARTH_ASSIGN_OR_RETURN(const Bytes packed, FromHex(name.substr(10)));
      HEARTH_ASSIGN_OR_RETURN(const auto cell, geofence::UnpackCell(packed));
      // A list may have taken it in since.
      if (geo->Known(cell)) continue;
      ByteReader reader(AsBytes(item.value));
      UnknownCell unknown{.cell = cell, .area = of, .cards = 0, .first_seen = {}, .last_seen = {}};
      unknown.first_seen = UnixMillis(static_cast<int64_t>(reader.U64()));
      unknown.last_seen = UnixMillis(static_cast<int64_t>(reader.U64()));
      unknown.cards = reader.U32();
      cells.push_back(unknown);
    }
    if (!page.more || page.items.empty()) break;
    after = page.items.back().key;
  }
  std::stable_sort(cells.begin(), cells.end(),
                   [](const UnknownCell& a, const UnknownCell& b) { return a.cards > b.cards; });
  if (cells.size() > limit) cells.resize(limit);
  return cells;
}

Result<PageOf<InterventionEvent>> ViewsImpl::ListInterventions(const InterventionFilter& filter, size_t size,
                                                               std::string_view token) {
  if (!token.empty() && !token.starts_with("ivl/")) {
    return Error(Reason::kPageTokenInvalid, "this is no page token of interventions");
  }
  PageOf<InterventionEvent> result;
  std::string after(token);
  for (size_t scanned = 0; scanned < kRowsPerPage;) {
    HEARTH_ASSIGN_OR_RETURN(const auto page, bucket_.Scan("ivl/", after, kBatch));
    for (const auto& item : page.items) {
      after = item.key;
      HEARTH_ASSIGN_OR_RETURN(auto event, DecodeEvent(item.value));
      if (!filter.Has(event)) continue;
      result.items.push_back(std::move(event));
      if (result.items.size() == size) {
        result.next_token = after;
        return result;
      }
    }
    if (!page.more || page.items.empty()) return result;
    scanned += page.items.size();
  }
  result.next_token = after;
  return result;
}

}  // namespace

bool InterventionFilter::Has(const InterventionEvent& event) const {
  const intervention::Intervention& one = event.record.intervention;
  return (!card || one.card == *card) &&
         (!in_force_only || one.state == intervention::InterventionState::kInForce) &&
         (division == 0 || intervention::DivisionHas(division, event.record.area)) &&
         (kinds.empty() || std::ranges::find(kinds, event.kind) != kinds.end());
}

Result<std::unique_ptr<Views>> Views::Create(Executor& executor, GeoState& geo, const Limits& limits,
                                             MetricsRegistry& metrics, Logger& log) {
  HEARTH_ASSIGN_OR_RETURN(auto bucket, ViewBucket::Create(executor, kViewsBucket));
  auto views = std::make_unique<ViewsImpl>(executor, geo, limits, metrics, log, std::move(bucket));
  HEARTH_RETURN_IF_ERROR(views->Start());
  return std::unique_ptr<Views>(std::move(views));
}

}  // namespace hearth::app
