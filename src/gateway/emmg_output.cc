#include "src/gateway/emmg_output.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include "src/base/mutex.h"
#include "src/carousel/pacer.h"
#include "src/gateway/steady_now.h"
#include "src/mpegts/section.h"

namespace hearth::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using simulcrypt::EmmgError;
using simulcrypt::EmmgSession;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr milliseconds kOutputTick{100};
constexpr std::chrono::seconds kGoodbye{1};
// What may have been lost in a connection that broke.
constexpr std::chrono::seconds kUncertain{2};
// A multiplexer that reads slowly is given no more than this at a time.
constexpr size_t kUnwrittenBytes = 16 * 1024;
// Datagrams in one data_provision; over UDP a message must not be fragmented.
constexpr size_t kTcpMessageBytes = 4096;
constexpr size_t kUdpMessageBytes = 1400;
// The multiplexer rewrites it.
constexpr mpegts::Pid kPidBeforeMux{0x1FF0};

// Air time that goes by is lost, and this thread needs little else than to wake up in time: on a busy machine
// it goes before all others, where that is permitted (RLIMIT_RTPRIO of 1 or more), and as they do where it is
// not.
void AskForPunctuality() {
  sched_param wish{};
  wish.sched_priority = 1;
  (void)::pthread_setschedparam(::pthread_self(), SCHED_RR, &wish);
}

}  // namespace

// Everything but Write, Backlog and Stop runs on the thread of the io_context.
class EmmgOutput::Impl final : public simulcrypt::EmmgHost {
 public:
  Impl(const EmmgOutputOptions& options, MetricsRegistry& metrics, Logger& log)
      : options_(options),
        metrics_(metrics),
        log_(log),
        labels_{{"mux", options.name}},
        connected_(
            metrics.GetGauge("hearth_emmg_connected", "1 while data may be sent to a multiplexer.", labels_)),
        granted_(metrics.GetGauge("hearth_emmg_bandwidth_granted_kbps", "Bandwidth a multiplexer grants.",
                                  labels_)),
        waiting_(metrics.GetGauge("hearth_emmg_sections_waiting", "Sections not sent to a multiplexer yet.",
                                  labels_)),
        sections_(metrics.GetCounter("hearth_emmg_sections_sent_total", "Sections sent to a multiplexer.",
                                     labels_)),
        packets_(metrics.GetCounter("hearth_emmg_packets_sent_total",
                                    "Transport packets these sections are, as the multiplexer counts.",
                                    labels_)),
        late_(metrics.GetCounter(
            "hearth_emmg_air_lost_seconds_total",
            "Air time that sections waited for and that went by because this process was late.", labels_)),
        connects_(metrics.GetCounter("hearth_emmg_connects_total", "Attempts to connect to a multiplexer.",
                                     labels_)),
        pacer_(options.packing, options.burst),
        packetiser_(kPidBeforeMux, options.packing),
        retry_(options.first_retry) {}

  Status Start();
  void Stop();
  void Write(std::span<const Bytes> sections);
  void WriteFirst(std::span<const Bytes> sections);
  std::string_view name() const { return options_.name; }
  size_t Backlog() const {
    const MutexLock lock(mu_);
    return pending_.size();
  }
  app::Pace pace() const;

  // simulcrypt::EmmgHost
  void OnBandwidth(uint16_t kbps) override;
  void OnWarning(EmmgError status) override;
  void OnErrorReceived(uint16_t status) override { CountError("received", status); }
  void OnErrorSent(uint16_t status) override { CountError("sent", status); }

 private:
  void Connect();
  void Connected(error_code error);
  void Read();
  void Tick();
  void AfterEvents();
  void Flush();
  void Disconnected(const std::string& why);
  void RetryAfter(milliseconds wait);
  bool Waits() const;
  void SendDue();
  void CountPackets(size_t packets);
  bool NextSection(Bytes& section);
  void Provide(const std::vector<Bytes>& sections, const std::vector<ByteView>& datagrams);
  size_t ProvideSections(nanoseconds now, size_t limit);
  size_t ProvidePackets(nanoseconds now, size_t limit);
  void CountError(const char* direction, uint16_t status);
  void CloseSockets();

  EmmgOutputOptions options_;
  MetricsRegistry& metrics_;
  Logger& log_;
  const Labels labels_;
  Gauge& connected_;
  Gauge& granted_;
  Gauge& waiting_;
  Counter& sections_;
  Counter& packets_;
  Counter& late_;
  Counter& connects_;

  asio::io_context io_{1};
  tcp::resolver resolver_{io_};
  tcp::socket socket_{io_};
  udp::socket udp_{io_};
  asio::steady_timer retry_timer_{io_};
  asio::steady_timer tick_timer_{io_};
  asio::steady_timer pace_timer_{io_};
  std::unique_ptr<EmmgSession> session_;
  uint64_t connection_ = 0;  // tells a completion of this connection from one of an earlier
  carousel::Pacer pacer_;
  std::atomic<uint32_t> kbps_{0};  // what pacer_ keeps to
  mpegts::Packetiser packetiser_;
  std::vector<mpegts::Packet> made_;  // packets that wait for their time
  milliseconds retry_;
  uint64_t sections_sent_ = 0;
  uint64_t packets_sent_ = 0;
  bool was_ready_ = false;
  bool stopping_ = false;
  bool writing_ = false;
  Bytes out_;      // to be written next
  Bytes written_;  // being written
  std::array<uint8_t, 4096> in_{};
  std::deque<std::pair<nanoseconds, Bytes>> recent_;  // sent, perhaps not arrived

  mutable Mutex mu_;
  std::deque<Bytes> pending_ HEARTH_GUARDED_BY(mu_);
  double pending_air_ HEARTH_GUARDED_BY(mu_) = 0;  // bytes of air time
  bool woken_ HEARTH_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

Status EmmgOutput::Impl::Start() {
  if (options_.udp) {
    error_code error;
    udp::resolver resolver(io_);
    const auto found = resolver.resolve(options_.udp->host, std::to_string(options_.udp->port),
                                        udp::resolver::numeric_service, error);
    if (!error && !found.empty()) udp_.connect(found.begin()->endpoint(), error);
    if (error || found.empty()) {
      return Error(Reason::kConfigValueInvalid, fmt::format("multiplexer {}: {} cannot be used for UDP",
                                                            options_.name, ToString(*options_.udp)))
          .Detail(error.message());
    }
    udp_.non_blocking(true, error);
  }
  connected_.Set(0);
  granted_.Set(0);
  asio::post(io_, [this] { Connect(); });
  thread_ = std::thread([this] {
    AskForPunctuality();
    io_.run();
  });
  return Ok();
}

void EmmgOutput::Impl::Stop() {
  asio::post(io_, [this] {
    stopping_ = true;
    if (!session_ || session_->state() != EmmgSession::State::kReady) return Disconnected("stopping");
    session_->Close(SteadyNow(), out_);
    AfterEvents();
    retry_timer_.expires_after(kGoodbye);
    retry_timer_.async_wait([this](error_code aborted) {
      if (!aborted) Disconnected("stopping");
    });
  });
  thread_.join();  // the io_context ends when nothing is left to do
  log_.Info("emmg.stopped",
            {{"mux", options_.name}, {"sections", sections_sent_}, {"packets", packets_sent_}});
}

void EmmgOutput::Impl::Write(std::span<const Bytes> sections) {
  bool wake = false;
  {
    const MutexLock lock(mu_);
    pending_.insert(pending_.end(), sections.begin(), sections.end());
    for (const Bytes& section : sections)
      pending_air_ += carousel::AirBytes(section.size(), options_.packing);
    wake = !std::exchange(woken_, true);
    waiting_.Set(static_cast<double>(pending_.size()));
  }
  if (wake) asio::post(io_, [this] { SendDue(); });
}

void EmmgOutput::Impl::WriteFirst(std::span<const Bytes> sections) {
  {
    const MutexLock lock(mu_);
    pending_.insert(pending_.begin(), sections.begin(), sections.end());
    for (const Bytes& section : sections)
      pending_air_ += carousel::AirBytes(section.size(), options_.packing);
    woken_ = true;
  }
  asio::post(io_, [this] { SendDue(); });
}

app::Pace EmmgOutput::Impl::pace() const {
  const uint32_t kbps = kbps_.load();
  app::Pace pace{.kbps = kbps, .packing = options_.packing};
  if (kbps == 0) return pace;
  const MutexLock lock(mu_);
  pace.ahead = nanoseconds(static_cast<int64_t>(pending_air_ / (kbps * 125.0) * 1e9));
  return pace;
}

void EmmgOutput::Impl::Connect() {
  if (stopping_) return;
  connects_.Increment();
  auto session = EmmgSession::Create(options_.session, *this);
  if (!session) {  // checked at Create already
    log_.Error("emmg.session", {{"mux", options_.name}, {"error", session.error().ToString()}});
    return;
  }
  session_ = std::move(*session);
  tick_timer_.expires_after(options_.connect_timeout);
  tick_timer_.async_wait([this](error_code aborted) {
    if (aborted) return;
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
  });
  resolver_.async_resolve(
      options_.mux.host, std::to_string(options_.mux.port), tcp::resolver::numeric_service,
      [this](error_code error, const tcp::resolver::results_type& found) {
        if (error) return Connected(error);
        asio::async_connect(socket_, found,
                            [this](error_code failed, const tcp::endpoint&) { Connected(failed); });
      });
}

void EmmgOutput::Impl::Connected(error_code error) {
  tick_timer_.cancel();
  if (error || stopping_) return Disconnected(error.message());
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  session_->Start(SteadyNow(), out_);
  Read();
  Tick();
  AfterEvents();
}

void EmmgOutput::Impl::Read() {
  socket_.async_read_some(asio::buffer(in_), [this, of = connection_](error_code error, size_t bytes) {
    if (of != connection_) return;
    if (error) return Disconnected(error.message());
    session_->Push(ByteView(in_).first(bytes), SteadyNow(), out_);
    AfterEvents();
    if (of == connection_) Read();
  });
}

void EmmgOutput::Impl::Tick() {
  tick_timer_.expires_after(kOutputTick);
  tick_timer_.async_wait([this, of = connection_](error_code aborted) {
    if (aborted || of != connection_) return;
    session_->Tick(SteadyNow(), out_);
    AfterEvents();
    if (of == connection_) Tick();
  });
}

void EmmgOutput::Impl::AfterEvents() {
  const bool ready = session_->state() == EmmgSession::State::kReady;
  if (ready && !was_ready_) {
    was_ready_ = true;
    retry_ = options_.first_retry;
    connected_.Set(1);
    log_.Info("emmg.ready", {{"mux", options_.name},
                             {"kbps", session_->bandwidth_kbps()},
                             {"ts_packets", session_->ts_packets()}});
  }
  Flush();
  if (session_->should_close() && out_.empty() && !writing_) return Disconnected("closed");
  if (ready) SendDue();
}

void EmmgOutput::Impl::Flush() {
  if (writing_ || out_.empty()) return;
  writing_ = true;
  std::swap(out_, written_);
  asio::async_write(socket_, asio::buffer(written_), [this, of = connection_](error_code error, size_t) {
    writing_ = false;
    written_.clear();
    if (of != connection_) return;
    if (error) return Disconnected(error.message());
    AfterEvents();
  });
}

void EmmgOutput::Impl::CloseSockets() {
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
  tick_timer_.cancel();
  pace_timer_.cancel();
  retry_timer_.cancel();
  out_.clear();
}

void EmmgOutput::Impl::Disconnected(const std::string& why) {
  if (!session_) {
    if (stopping_) CloseSockets();
    return;
  }
  session_->Closed();
  const auto failure = session_->failure();
  session_.reset();
  ++connection_;
  CloseSockets();
  connected_.Set(0);
  granted_.Set(0);
  pacer_.SetRate(0, SteadyNow());
  kbps_ = 0;
  made_.clear();
  {
    const MutexLock lock(mu_);
    const nanoseconds certain = SteadyNow() - kUncertain;
    for (; !recent_.empty() && recent_.back().first >= certain; recent_.pop_back()) {
      pending_air_ += carousel::AirBytes(recent_.back().second.size(), options_.packing);
      pending_.push_front(std::move(recent_.back().second));
    }
  }
  recent_.clear();
  was_ready_ = false;
  if (stopping_) return;
  using simulcrypt::Remedy;
  const Remedy remedy = failure ? failure->remedy : Remedy::kRetry;
  if (remedy == Remedy::kLowerVersion && options_.session.version > 1) {
    --options_.session.version;
    log_.Warn("emmg.version",
              {{"mux", options_.name}, {"version", static_cast<int>(options_.session.version)}});
    return RetryAfter(milliseconds(0));
  }
  const std::string cause = failure ? failure->text : why;
  if (remedy == Remedy::kConfiguration) {
    log_.Error("emmg.refused",
               {{"mux", options_.name}, {"address", ToString(options_.mux)}, {"cause", cause}});
    return RetryAfter(options_.last_retry);
  }
  log_.Warn("emmg.disconnected", {{"mux", options_.name},
                                  {"address", ToString(options_.mux)},
                                  {"cause", cause},
                                  {"retry_ms", retry_.count()}});
  RetryAfter(retry_);
  retry_ = std::min(retry_ * 2, options_.last_retry);
}

void EmmgOutput::Impl::RetryAfter(milliseconds wait) {
  retry_timer_.expires_after(wait);
  retry_timer_.async_wait([this](error_code aborted) {
    if (!aborted) Connect();
  });
}

void EmmgOutput::Impl::OnBandwidth(uint16_t kbps) {
  pacer_.SetRate(kbps, SteadyNow());
  kbps_ = kbps;
  granted_.Set(kbps);
  log_.Info("emmg.bandwidth", {{"mux", options_.name}, {"kbps", kbps}});
}

void EmmgOutput::Impl::OnWarning(EmmgError status) {
  log_.Warn("emmg.warning",
            {{"mux", options_.name}, {"error_status", fmt::format("0x{:04X}", static_cast<int>(status))}});
}

void EmmgOutput::Impl::CountError(const char* direction, uint16_t status) {
  metrics_
      .GetCounter("hearth_emmg_errors_total", "SimulCrypt errors with a multiplexer, by error_status.",
                  {{"mux", options_.name},
                   {"direction", direction},
                   {"error_status", fmt::format("0x{:04X}", status)}})
      .Increment();
}

void EmmgOutput::Impl::CountPackets(size_t packets) {
  packets_.Add(static_cast<double>(packets));
  packets_sent_ += packets;
}

bool EmmgOutput::Impl::NextSection(Bytes& section) {
  const MutexLock lock(mu_);
  woken_ = !pending_.empty();
  if (pending_.empty()) return false;
  section = std::move(pending_.front());
  pending_.pop_front();
  pending_air_ -= carousel::AirBytes(section.size(), options_.packing);
  waiting_.Set(static_cast<double>(pending_.size()));
  return true;
}

bool EmmgOutput::Impl::Waits() const {
  const MutexLock lock(mu_);
  return !pending_.empty();
}

// Sends what the air has room for by now, and comes again when it has room for more.
void EmmgOutput::Impl::SendDue() {
  if (!session_ || session_->state() != EmmgSession::State::kReady) {
    const MutexLock lock(mu_);
    woken_ = false;
    return;
  }
  const nanoseconds now = SteadyNow();
  const size_t limit = options_.udp ? kUdpMessageBytes : kTcpMessageBytes;
  while (out_.size() < kUnwrittenBytes && pacer_.free_at() <= now) {
    const size_t sent = session_->ts_packets() ? ProvidePackets(now, limit) : ProvideSections(now, limit);
    if (sent == 0) return Flush();  // nothing waits: Write wakes us
  }
  Flush();
  if (pacer_.free_at() == nanoseconds::max()) return;  // OnBandwidth comes with a message, hence AfterEvents
  pace_timer_.expires_at(steady_clock::time_point(std::max(pacer_.free_at(), now + milliseconds(1))));
  pace_timer_.async_wait([this, of = connection_](error_code aborted) {
    if (aborted || of != connection_) return;
    const auto lost = steady_clock::now() - pace_timer_.expiry() - options_.burst;
    if (lost > lost.zero() && Waits()) late_.Add(std::chrono::duration<double>(lost).count());
    SendDue();
  });
}

size_t EmmgOutput::Impl::ProvideSections(nanoseconds now, size_t limit) {
  std::vector<Bytes> sections;
  size_t bytes = 0;
  while (pacer_.free_at() <= now && bytes < limit - mpegts::kMaxSectionBytes) {
    Bytes section;
    if (!NextSection(section)) break;
    CountPackets(pacer_.Take(section.size(), now));
    bytes += section.size() + simulcrypt::kParameterHeaderBytes;
    sections.push_back(std::move(section));
  }
  Provide(sections, std::vector<ByteView>(sections.begin(), sections.end()));
  return sections.size();
}

size_t EmmgOutput::Impl::ProvidePackets(nanoseconds now, size_t limit) {
  std::vector<Bytes> sections;
  const size_t most = limit / mpegts::kPacketBytes;
  while (made_.size() < most) {
    Bytes section;
    if (!NextSection(section)) break;
    if (!packetiser_.Add(section, &made_)) continue;
    sections.push_back(std::move(section));
  }
  if (made_.empty()) packetiser_.Flush(&made_);
  size_t count = 0;
  for (; count < made_.size() && count < most && pacer_.free_at() <= now; ++count) pacer_.TakePackets(1, now);
  CountPackets(count);
  Provide(sections, std::vector<ByteView>(made_.begin(), made_.begin() + static_cast<ptrdiff_t>(count)));
  made_.erase(made_.begin(), made_.begin() + static_cast<ptrdiff_t>(count));
  return count;
}

void EmmgOutput::Impl::Provide(const std::vector<Bytes>& sections, const std::vector<ByteView>& datagrams) {
  if (!datagrams.empty()) {
    bool sent = false;
    if (options_.udp) {
      Bytes message;
      sent = simulcrypt::WriteDataProvision(message, options_.session.version, session_->address(), datagrams,
                                            options_.session.max_message_bytes);
      error_code ignored;  // as the network may lose it, too
      if (sent) udp_.send(asio::buffer(message), 0, ignored);
    } else {
      sent = session_->Send(datagrams, out_) == EmmgSession::SendResult::kSent;
    }
    if (!sent) log_.Error("emmg.not_sent", {{"mux", options_.name}, {"datagrams", datagrams.size()}});
  }
  const nanoseconds now = SteadyNow();
  sections_.Add(static_cast<double>(sections.size()));
  sections_sent_ += sections.size();
  for (const Bytes& section : sections) recent_.emplace_back(now, section);
  while (!recent_.empty() && recent_.front().first < now - kUncertain) recent_.pop_front();
}

EmmgOutput::EmmgOutput(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<EmmgOutput>> EmmgOutput::Create(const EmmgOutputOptions& options,
                                                       MetricsRegistry& metrics, Logger& log) {
  class Nobody final : public simulcrypt::EmmgHost {
    void OnBandwidth(uint16_t /*kbps*/) override {}
  } nobody;
  if (auto session = EmmgSession::Create(options.session, nobody); !session) return session.error();
  auto impl = std::make_unique<Impl>(options, metrics, log);
  HEARTH_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<EmmgOutput>(new EmmgOutput(std::move(impl)));
}

EmmgOutput::~EmmgOutput() { impl_->Stop(); }

Status EmmgOutput::Write(std::span<const Bytes> sections) {
  impl_->Write(sections);
  return Ok();
}

Status EmmgOutput::WriteFirst(std::span<const Bytes> sections) {
  impl_->WriteFirst(sections);
  return Ok();
}

std::string_view EmmgOutput::name() const { return impl_->name(); }
size_t EmmgOutput::Backlog() const { return impl_->Backlog(); }
std::optional<app::Pace> EmmgOutput::pace() const { return impl_->pace(); }

}  // namespace hearth::gateway
