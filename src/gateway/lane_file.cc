#include "src/gateway/lane_file.h"

#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/app/ecm_seal.h"
#include "src/base/mutex.h"

namespace hearth::gateway {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr size_t kMaxFileBytes = size_t{256} << 20;

Error FileFailed(const fs::path& file, std::string_view what, int error) {
  return Error(Reason::kLaneFileInvalid, fmt::format("{} cannot be {}", file.string(), what))
      .Detail(std::strerror(error));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

// Whole or not at all, also after a power cut.
Status Replace(const fs::path& file, ByteView bytes) {
  const std::string beside = file.string() + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return FileFailed(beside, "written", errno);
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t now = ::write(fd, bytes.data() + written, bytes.size() - written);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) break;
    written += static_cast<size_t>(now);
  }
  const bool synced = written == bytes.size() && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!synced) return FileFailed(beside, "written", error);
  if (::rename(beside.c_str(), file.c_str()) != 0) return FileFailed(file, "replaced", errno);
  return Ok();
}

// nullopt: there is none.
std::optional<Bytes> Read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  Bytes bytes{std::istreambuf_iterator<char>(in), {}};
  if (bytes.size() > kMaxFileBytes) return std::nullopt;
  return bytes;
}

fs::path AckOf(const fs::path& file, std::string_view name) {
  return fmt::format("{}.ack.{}", file.string(), name);
}

// What a lane holds; nullopt while it has not said so.
std::optional<uint64_t> ReadAck(const fs::path& file, std::string_view name) {
  std::ifstream in(AckOf(file, name));
  uint64_t generation = 0;
  uint64_t holds_through = 0;
  in >> generation >> holds_through;
  return in ? std::optional(holds_through) : std::nullopt;
}

// Tells a file from the one before by what rename changes.
struct Identity {
  ino_t inode = 0;
  off_t size = 0;
  int64_t nanoseconds = 0;
  bool operator==(const Identity&) const = default;
};
Identity IdentityOf(const fs::path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return {};
  return {found.st_ino, found.st_size, found.st_mtim.tv_sec * int64_t{1'000'000'000} + found.st_mtim.tv_nsec};
}

// A thread that calls `step` until it is told to end.
class Ticker {
 public:
  void Start(milliseconds interval, std::function<void()> step) {
    thread_ = std::thread([this, interval, step = std::move(step)] {
      for (;;) {
        {
          const MutexLock lock(mu_);
          if (!stop_) wake_.WaitFor(mu_, interval);
          if (stop_) return;
        }
        step();
      }
    });
  }
  ~Ticker() { Stop(); }
  void Stop() {
    {
      const MutexLock lock(mu_);
      stop_ = true;
      wake_.NotifyAll();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  Mutex mu_;
  CondVar wake_;
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace

class LanePublisher::Impl {
 public:
  Impl(const LanePublisherOptions& options, crypto::MasterKey lane_key, app::HeadEnd& head_end,
       const Clock& clock, MetricsRegistry& metrics, Logger& log)
      : options_(options),
        lane_key_(std::move(lane_key)),
        head_end_(head_end),
        clock_(clock),
        log_(log),
        prolonged_(metrics.GetGauge(
            "hearth_ecm_epoch_prolonged",
            "1 while an epoch is used past its end, because a lane does not hold the next.")),
        failed_(metrics.GetCounter("hearth_lane_file_failed_total",
                                   "Times the file for ECM lanes was not written.")) {
    for (const std::string& lane : options_.lanes) {
      silent_.push_back(&metrics.GetGauge("hearth_lane_silent",
                                          "1 while a lane has not acknowledged the keys of the next epoch.",
                                          {{"lane", lane}}));
    }
  }

  Status Begin();
  void Start() {
    ticker_.Start(options_.poll, [this] { Step(); });
  }

 private:
  void Step();
  Status Write();
  uint64_t Confirmed();

  const LanePublisherOptions options_;
  const crypto::MasterKey lane_key_;
  app::HeadEnd& head_end_;
  const Clock& clock_;
  Logger& log_;
  Gauge& prolonged_;
  Counter& failed_;
  std::vector<Gauge*> silent_;
  uint64_t usable_ = 0;
  uint64_t generation_ = 0;
  uint64_t written_version_ = 0;
  bool was_prolonged_ = false;
  Ticker ticker_;  // last: its thread uses the others
};

Status LanePublisher::Impl::Begin() {
  app::KeyKeeper& keys = head_end_.keys();
  // Where the last run stood; the first one begins with the epoch of the plan.
  usable_ = keys.current();
  if (const auto former = Read(options_.file)) {
    HEARTH_ASSIGN_OR_RETURN(const auto lane, app::OpenLane(*former, lane_key_, clock_.Now()));
    usable_ = lane.head.usable;
    generation_ = lane.head.generation;
  }
  keys.KeepAhead(options_.epochs_ahead);
  usable_ = std::max(usable_, Confirmed());
  keys.Permit(usable_);
  HEARTH_ASSIGN_OR_RETURN(const bool changed, keys.Refresh(clock_.Now()));
  if (changed) head_end_.pump().Renew();
  return Write();
}

// The last epoch that every lane holds and that has been sent to the cards.
uint64_t LanePublisher::Impl::Confirmed() {
  uint64_t confirmed = head_end_.pump().renewed();
  const uint64_t next = head_end_.keys().current() + 1;
  for (size_t i = 0; i < options_.lanes.size(); ++i) {
    const uint64_t held = ReadAck(options_.file, options_.lanes[i]).value_or(0);
    silent_[i]->Set(held < next ? 1 : 0);
    confirmed = std::min(confirmed, held);
  }
  return confirmed;
}

void LanePublisher::Impl::Step() {
  app::KeyKeeper& keys = head_end_.keys();
  const uint64_t confirmed = Confirmed();
  const bool more = confirmed > usable_;
  if (more) {
    usable_ = confirmed;
    keys.Permit(usable_);  // the housekeeper refreshes the keys when that changes the epoch
  }
  const bool prolonged = keys.plan().Current(clock_.Now()) > usable_;
  if (prolonged != was_prolonged_) {
    was_prolonged_ = prolonged;
    prolonged_.Set(prolonged ? 1 : 0);
    if (prolonged) {
      log_.Error("lane.epoch_prolonged", {{"epoch", usable_},
                                          {"cure",
                                           "bring back the silent lane, or take it off "
                                           "lanes.lanes: metric hearth_lane_silent"}});
    } else {
      log_.Info("lane.epoch_in_time", {{"epoch", usable_}});
    }
  }
  if (!more && keys.ecm_version() == written_version_) return;
  if (const Status status = Write(); !status) {
    failed_.Increment();
    log_.Error("lane.file_not_written",
               {{"error", status.error().ToString()}, {"detail", status.error().detail()}});
  }
}

Status LanePublisher::Impl::Write() {
  app::KeyKeeper& keys = head_end_.keys();
  const uint64_t version = keys.ecm_version();  // before what it counts, so that none is missed
  const app::LaneHead head{
      .generation = ++generation_, .written = clock_.Now(), .plan = keys.plan(), .usable = usable_};
  HEARTH_ASSIGN_OR_RETURN(const Bytes file,
                          app::SealLane(head, *keys.ecm_snapshot(), keys.ServiceKeys(), lane_key_));
  HEARTH_RETURN_IF_ERROR(Replace(options_.file, file));
  written_version_ = version;
  return Ok();
}

LanePublisher::LanePublisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LanePublisher::~LanePublisher() = default;

Result<std::unique_ptr<LanePublisher>> LanePublisher::Start(const LanePublisherOptions& options,
                                                            crypto::MasterKey lane_key,
                                                            app::HeadEnd& head_end, const Clock& clock,
                                                            MetricsRegistry& metrics, Logger& log) {
  auto impl = std::make_unique<Impl>(options, std::move(lane_key), head_end, clock, metrics, log);
  HEARTH_RETURN_IF_ERROR(impl->Begin());
  impl->Start();
  return std::unique_ptr<LanePublisher>(new LanePublisher(std::move(impl)));
}

class LaneReader::Impl {
 public:
  Impl(const LaneReaderOptions& options, crypto::MasterKey lane_key, const Clock& clock,
       MetricsRegistry& metrics, Logger& log)
      : options_(options),
        lane_key_(std::move(lane_key)),
        clock_(clock),
        log_(log),
        generation_(metrics.GetGauge("hearth_lane_generation", "Number of the lane file in use.")),
        written_gauge_(metrics.GetGauge("hearth_lane_written_seconds", "When it was written, in Unix time.")),
        epoch_(metrics.GetGauge("hearth_lane_epoch", "Epoch of the service keys in use.")),
        refused_(
            metrics.GetCounter("hearth_lane_files_refused_total", "Lane files that could not be used.")) {}

  void Start() {
    ticker_.Start(options_.poll, [this] { Step(); });
  }
  // True when there is something to work from.
  bool Step();
  std::shared_ptr<const app::EcmSnapshot> snapshot() const {
    const MutexLock lock(mu_);
    return snapshot_;
  }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  UnixMillis now() const { return std::max(clock_.Now(), UnixMillis(written_.load())); }

 private:
  void Load(const Bytes& file);
  void Acknowledge(const app::Lane& lane);

  const LaneReaderOptions options_;
  const crypto::MasterKey lane_key_;
  const Clock& clock_;
  Logger& log_;
  Gauge& generation_;
  Gauge& written_gauge_;
  Gauge& epoch_;
  Counter& refused_;
  Identity seen_;
  Bytes file_;  // the one in use
  app::LaneHead head_;
  uint64_t opened_at_ = 0;  // the epoch that the clock said then
  std::string acknowledged_;
  std::atomic<int64_t> written_{0};
  std::atomic<uint64_t> version_{0};
  mutable Mutex mu_;
  std::shared_ptr<const app::EcmSnapshot> snapshot_ HEARTH_GUARDED_BY(mu_);
  Ticker ticker_;  // last: its thread uses the others
};

bool LaneReader::Impl::Step() {
  const Identity now = IdentityOf(options_.file);
  if (now != seen_) {
    seen_ = now;
    if (const auto file = Read(options_.file)) Load(*file);
  } else if (!file_.empty() && head_.EpochAt(this->now()) != opened_at_) {
    Load(file_);
  }
  return snapshot() != nullptr;
}

void LaneReader::Impl::Load(const Bytes& file) {
  auto lane = app::OpenLane(file, lane_key_, now());
  if (!lane) {
    refused_.Increment();
    log_.Error("lane.file_refused",
               {{"file", options_.file.string()},
                {"error", lane.error().ToString()},
                {"effect", file_.empty() ? "nothing is served" : "the former one stays in use"}});
    return;
  }
  if (lane->head.generation < head_.generation) {
    refused_.Increment();
    log_.Error("lane.file_older", {{"generation", lane->head.generation}, {"in_use", head_.generation}});
    return;
  }
  head_ = lane->head;
  opened_at_ = head_.EpochAt(now());
  written_ = head_.written.value;
  generation_.Set(static_cast<double>(head_.generation));
  written_gauge_.Set(static_cast<double>(head_.written.value) / 1000);
  if (!lane->snapshot.services.empty())
    epoch_.Set(static_cast<double>(lane->snapshot.services.front().epoch));
  Acknowledge(*lane);
  auto snapshot = std::make_shared<const app::EcmSnapshot>(std::move(lane->snapshot));
  {
    const MutexLock lock(mu_);
    snapshot_ = std::move(snapshot);
  }
  version_.fetch_add(1, std::memory_order_release);
  if (&file != &file_) file_ = file;
}

void LaneReader::Impl::Acknowledge(const app::Lane& lane) {
  const std::string text = fmt::format("{} {}\n", lane.head.generation, lane.holds_through);
  if (text == acknowledged_) return;
  if (const Status status = Replace(AckOf(options_.file, options_.name), AsBytes(text)); !status) {
    log_.Error(
        "lane.not_acknowledged",
        {{"error", status.error().ToString()},
         {"effect", "the head-end does not use the next epoch until this lane acknowledges its keys"}});
    return;
  }
  acknowledged_ = text;
}

LaneReader::LaneReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LaneReader::~LaneReader() = default;

std::unique_ptr<LaneReader> LaneReader::Start(const LaneReaderOptions& options, crypto::MasterKey lane_key,
                                              const Clock& clock, MetricsRegistry& metrics, Logger& log,
                                              const std::function<bool()>& stop) {
  auto impl = std::make_unique<Impl>(options, std::move(lane_key), clock, metrics, log);
  bool told = false;
  while (!impl->Step()) {
    if (!std::exchange(told, true)) log.Warn("lane.waiting", {{"file", options.file.string()}});
    if (stop()) return nullptr;
    std::this_thread::sleep_for(options.poll);
  }
  impl->Start();
  return std::unique_ptr<LaneReader>(new LaneReader(std::move(impl)));
}

std::shared_ptr<const app::EcmSnapshot> LaneReader::snapshot() const { return impl_->snapshot(); }
uint64_t LaneReader::version() const { return impl_->version(); }
UnixMillis LaneReader::now() const { return impl_->now(); }

}  // namespace hearth::gateway
