#include "src/app/watch.h"

#include <fmt/format.h>

namespace hearth::app {
namespace {

constexpr std::string_view kGenerationKey = "wgen";
// Events kept in each partition for those who resume.
constexpr uint64_t kEventsKept = 100'000;

std::string EventKey(uint16_t partition, uint64_t position) {
  return fmt::format("w/{:05}/{:016x}", partition, position);
}
std::string PositionKey(uint16_t partition) { return fmt::format("wpos/{:05}", partition); }

std::string EncodeNumber(uint64_t value) {
  ByteWriter out(8);
  out.U64(value);
  return std::string(AsChars(out.bytes()));
}

}  // namespace

std::string EncodeToken(uint64_t generation, const Positions& positions) {
  ByteWriter out(9 + positions.size() * 10);
  out.U8(1).U64(generation);
  for (const auto& [partition, position] : positions) out.U16(partition).U64(position);
  return std::string(AsChars(out.bytes()));
}

Result<Positions> DecodeToken(std::string_view token, uint64_t generation) {
  const auto bad = [] { return Error(Reason::kWatchTokenInvalid, "this is no resume token of a watch"); };
  ByteReader reader(AsBytes(token));
  if (reader.U8() != 1) return bad();
  const uint64_t of = reader.U64();
  Positions positions;
  while (reader.ok() && reader.remaining() > 0) {
    const uint16_t partition = reader.U16();
    positions[partition] = reader.U64();
    if (partition >= store::kPartitions) return bad();
  }
  if (!reader.ok()) return bad();
  if (of != generation) {
    return Error(Reason::kWatchCompacted, "the token is from before the views were rebuilt");
  }
  return positions;
}

std::string EncodeEvent(const InterventionEvent& event) {
  return static_cast<char>(event.kind) + records::Encode(event.record);
}

Result<InterventionEvent> DecodeEvent(std::string_view bytes) {
  if (bytes.empty() || bytes[0] < 1 || bytes[0] > static_cast<char>(InterventionKind::kExpired)) {
    return Error(Reason::kStoreCorrupt, "an intervention event of no known kind");
  }
  HEARTH_ASSIGN_OR_RETURN(auto record, records::Decode<records::InterventionRecord>(bytes.substr(1)));
  return InterventionEvent{.kind = static_cast<InterventionKind>(bytes[0]), .record = std::move(record)};
}

// First what lies between its token and the moment it joined, from the store; then what is published.
class WatchLog::Watcher final : public InterventionWatch {
 public:
  Watcher(WatchLog& log, uint64_t generation, Positions at, Positions joined)
      : log_(log), generation_(generation), at_(std::move(at)), joined_(std::move(joined)) {}
  ~Watcher() override {
    const MutexLock lock(log_.mu_);
    log_.watchers_.erase(this);
  }

  Result<Item> Next(std::chrono::milliseconds timeout) override {
    HEARTH_ASSIGN_OR_RETURN(auto backlog, FromStore());
    if (backlog) return std::move(*backlog);
    const MutexLock lock(mu_);
    if (queue_.empty() && !overrun_ && !stopped_) wake_.WaitFor(mu_, timeout);
    if (!queue_.empty()) {
      Numbered next = std::move(queue_.front());
      queue_.pop_front();
      at_[next.partition] = next.position;
      return Item{.event = std::move(next.event), .token = EncodeToken(generation_, at_)};
    }
    if (overrun_) return Error(Reason::kWatchCompacted, "the watcher fell too far behind");
    if (stopped_) return Error(Reason::kShuttingDown, "the head-end is stopping");
    return Item{.event = std::nullopt, .token = EncodeToken(generation_, at_)};
  }

  void Push(const Numbered& event, size_t limit) {
    const MutexLock lock(mu_);
    if (overrun_) return;
    if (queue_.size() >= limit) {
      overrun_ = true;
    } else {
      queue_.push_back(event);
    }
    wake_.NotifyOne();
  }

  void Stop() {
    const MutexLock lock(mu_);
    stopped_ = true;
    wake_.NotifyAll();
  }

 private:
  // The next event before the moment of joining; nullopt when there is none left.
  Result<std::optional<Item>> FromStore() {
    for (auto it = joined_.begin(); it != joined_.end(); it = joined_.erase(it)) {
      const uint16_t partition = it->first;
      if (at_[partition] >= it->second) continue;
      HEARTH_ASSIGN_OR_RETURN(const auto page, log_.bucket_.Scan(fmt::format("w/{:05}/", partition),
                                                                 EventKey(partition, at_[partition]), 1));
      if (page.items.empty() || page.items[0].key != EventKey(partition, at_[partition] + 1)) {
        return Error(Reason::kWatchCompacted, "events behind the token are gone");
      }
      HEARTH_ASSIGN_OR_RETURN(auto event, DecodeEvent(page.items[0].value));
      ++at_[partition];
      return std::optional<Item>(Item{.event = std::move(event), .token = EncodeToken(generation_, at_)});
    }
    return std::optional<Item>();
  }

  WatchLog& log_;
  const uint64_t generation_;
  Positions at_;
  Positions joined_;
  Mutex mu_;
  CondVar wake_;
  std::deque<Numbered> queue_ HEARTH_GUARDED_BY(mu_);
  bool overrun_ HEARTH_GUARDED_BY(mu_) = false;
  bool stopped_ HEARTH_GUARDED_BY(mu_) = false;
};

WatchLog::~WatchLog() = default;

Status WatchLog::Load(ViewBucket& writes, uint64_t fresh_generation) {
  HEARTH_ASSIGN_OR_RETURN(const auto stored, writes.Get(std::string(kGenerationKey)));
  if (!stored) writes.Put(std::string(kGenerationKey), EncodeNumber(fresh_generation));
  HEARTH_ASSIGN_OR_RETURN(const auto page, writes.Scan("wpos/", "", store::kPartitions));
  for (const auto& item : page.items) {
    appended_[static_cast<uint16_t>(std::stoul(item.key.substr(5)))] = ByteReader(AsBytes(item.value)).U64();
  }
  const MutexLock lock(mu_);
  generation_ = stored ? ByteReader(AsBytes(*stored)).U64() : fresh_generation;
  positions_ = appended_;
  return Ok();
}

void WatchLog::Append(ViewBucket& writes, store::PartitionId partition, InterventionEvent event) {
  const uint64_t position = ++appended_[partition.value];
  writes.Put(EventKey(partition.value, position), EncodeEvent(event));
  writes.Put(PositionKey(partition.value), EncodeNumber(position));
  if (position > kEventsKept) writes.Delete(EventKey(partition.value, position - kEventsKept));
  collected_.push_back({partition.value, position, std::move(event)});
}

void WatchLog::Publish() {
  if (collected_.empty()) return;
  const MutexLock lock(mu_);
  for (const Numbered& event : collected_) {
    positions_[event.partition] = event.position;
    for (Watcher* watcher : watchers_) watcher->Push(event, limits_.watch_queue_events);
  }
  collected_.clear();
}

void WatchLog::Discard() {
  collected_.clear();
  const MutexLock lock(mu_);
  appended_ = positions_;
}

void WatchLog::Stop() {
  const MutexLock lock(mu_);
  stopped_ = true;
  for (Watcher* watcher : watchers_) watcher->Stop();
}

Result<std::unique_ptr<InterventionWatch>> WatchLog::Watch(std::string_view resume_token) {
  const MutexLock lock(mu_);
  if (stopped_) return Error(Reason::kShuttingDown, "the head-end is stopping");
  if (watchers_.size() >= limits_.open_watches) {
    return Error(Reason::kLimitExceeded, fmt::format("{} watches are open already", watchers_.size()));
  }
  Positions at = positions_;
  if (!resume_token.empty()) {
    HEARTH_ASSIGN_OR_RETURN(at, DecodeToken(resume_token, generation_));
    for (const auto& [partition, position] : at) {
      const auto now = positions_.find(partition);
      if (now == positions_.end() || position > now->second) {
        return Error(Reason::kWatchTokenInvalid, "the token is ahead of the log");
      }
    }
  }
  auto watcher = std::make_unique<Watcher>(*this, generation_, std::move(at), positions_);
  watchers_.insert(watcher.get());
  return std::unique_ptr<InterventionWatch>(std::move(watcher));
}

}  // namespace hearth::app
