#include "src/gateway/ecmg_server.h"

#include <algorithm>
#include <array>
#include <functional>
#include <thread>
#include <unordered_set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "src/gateway/ecmg_host.h"

namespace hearth::gateway {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using simulcrypt::CloseReason;
using simulcrypt::EcmgSession;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::milliseconds kLagProbe{20};
constexpr std::chrono::seconds kCalm{2};  // without lag, before new streams are taken again
constexpr std::chrono::seconds kAcceptPause{1};
constexpr std::chrono::seconds kHandshake{10};
// Answers that a scrambler does not read: then nothing more is read from it either.
constexpr size_t kUnreadBytes = size_t{1} << 20;

nanoseconds SteadyNow() { return steady_clock::now().time_since_epoch(); }

std::string_view NameOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kMalformed:
      return "three malformed messages in a row";
    case CloseReason::kIdle:
      return "idle";
    case CloseReason::kTestFailed:
      return "channel_test not answered";
    default:
      return "finished";
  }
}

// One thread and the connections it serves.
struct Worker {
  asio::io_context io{1};
  asio::steady_timer lag_timer{io};
  steady_clock::time_point expected;
  std::thread thread;
};

// A connection; lives as long as an operation on it does. On its worker's thread, but for Close.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void Start() = 0;
  // Any thread: the end comes on the worker's.
  virtual void Close() = 0;
};
using Forget = std::function<void(const std::shared_ptr<Connection>&)>;

void Handshake(tcp::socket& /*stream*/, const std::function<void(error_code)>& done) { done({}); }
void Handshake(ssl::stream<tcp::socket>& stream, std::function<void(error_code)> done) {
  stream.async_handshake(ssl::stream_base::server, std::move(done));
}

template <typename Stream>
class ConnectionOver final : public Connection, public std::enable_shared_from_this<ConnectionOver<Stream>> {
 public:
  ConnectionOver(EcmgShared& shared, Stream stream, std::string peer, Forget forget)
      : shared_(shared),
        host_(shared, std::move(peer)),
        stream_(std::move(stream)),
        timer_(stream_.get_executor()),
        forget_(std::move(forget)) {}

  void Start() override {
    auto session = EcmgSession::Create(shared_.options.session, host_, SteadyNow());
    if (!session) return End(session.error().ToString());  // checked by the server already
    session_ = std::move(*session);
    timer_.expires_after(kHandshake);
    timer_.async_wait([self = this->shared_from_this()](error_code aborted) {
      if (!aborted && !self->ready_) self->End("no TLS handshake");
    });
    Handshake(stream_, [self = this->shared_from_this()](error_code error) {
      if (error) return self->End("TLS: " + error.message());
      self->ready_ = true;
      self->timer_.cancel();
      self->Tick();
      self->Read();
    });
  }
  void Close() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->End("stopping"); });
  }

 private:
  void Read() {
    if (reading_ || ended_) return;
    reading_ = true;
    stream_.async_read_some(
        asio::buffer(in_), [self = this->shared_from_this()](error_code error, size_t bytes) {
          self->reading_ = false;
          if (self->ended_) return;
          if (error)
            return self->End(error == asio::error::eof ? "closed by the scrambler" : error.message());
          const nanoseconds now = SteadyNow();
          self->host_.ReceivedAt(now);
          self->session_->Push(ByteView(self->in_).first(bytes), now, self->out_);
          self->Proceed();
        });
  }

  void Tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([self = this->shared_from_this()](error_code aborted) {
      if (aborted || self->ended_) return;
      self->session_->Tick(SteadyNow(), self->out_);
      self->Proceed();
      if (!self->ended_) self->Tick();
    });
  }

  void Proceed() {
    Write();
    if (session_->should_close()) {
      if (!writing_) End(std::string(NameOf(session_->close_reason())));
      return;
    }
    if (out_.size() < kUnreadBytes) Read();
  }

  void Write() {
    if (writing_ || out_.empty()) return;
    writing_ = true;
    std::swap(out_, written_);
    asio::async_write(stream_, asio::buffer(written_),
                      [self = this->shared_from_this()](error_code error, size_t) {
                        self->writing_ = false;
                        self->written_.clear();
                        if (self->ended_) return;
                        if (error) return self->End(error.message());
                        self->Proceed();
                      });
  }

  // Ids, channels and streams are free at once, whether or not a close message came.
  void End(const std::string& why) {
    if (std::exchange(ended_, true)) return;
    if (session_) session_->Closed();
    timer_.cancel();
    error_code ignored;
    stream_.lowest_layer().close(ignored);
    shared_.connections_gauge.Set(--shared_.connections);
    shared_.log.Info("ecmg.disconnected", {{"scrambler", host_.peer()}, {"cause", why}});
    forget_(this->shared_from_this());
  }

  EcmgShared& shared_;
  ConnectionHost host_;
  Stream stream_;
  asio::steady_timer timer_;
  const Forget forget_;
  std::unique_ptr<EcmgSession> session_;
  std::array<uint8_t, 16 * 1024> in_{};
  Bytes out_;      // to be written next
  Bytes written_;  // being written
  bool ready_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool ended_ = false;
};

Error TlsFailed(std::string_view what, const std::filesystem::path& file, const error_code& error) {
  return Error(Reason::kConfigValueInvalid, fmt::format("{}: {} cannot be used", what, file.string()))
      .Detail(error.message());
}

Status LoadTls(ssl::context& context, const EcmgTls& tls) {
  error_code error;
  context.use_certificate_chain_file(tls.certificate.string(), error);
  if (error) return TlsFailed("tls_certificate", tls.certificate, error);
  context.use_private_key_file(tls.key.string(), ssl::context::pem, error);
  if (error) return TlsFailed("tls_key", tls.key, error);
  context.load_verify_file(tls.client_ca.string(), error);
  if (error) return TlsFailed("tls_client_ca", tls.client_ca, error);
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return Ok();
}

}  // namespace

class EcmgServer::Impl {
 public:
  Impl(const EcmgServerOptions& options, const EcmMaker& maker, MetricsRegistry& metrics, Logger& log)
      : options_(options), shared_(options_, maker, metrics, log) {
    for (size_t i = 0; i < std::max<size_t>(1, options_.threads); ++i) {
      workers_.push_back(std::make_unique<Worker>());
    }
  }

  Result<Endpoint> Listen();
  void Start();
  void Stop();

 private:
  void Accept();
  void Welcome(Worker& worker, tcp::socket socket);
  void ProbeLag(Worker& worker);
  void Lagged(nanoseconds lag);
  void Forget(const std::shared_ptr<Connection>& connection) {
    const MutexLock lock(mu_);
    connections_.erase(connection);
  }

  const EcmgServerOptions options_;
  EcmgShared shared_;
  std::vector<std::unique_ptr<Worker>> workers_;  // the first one accepts
  size_t next_worker_ = 0;
  std::unique_ptr<ssl::context> tls_;
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::unique_ptr<asio::steady_timer> accept_pause_;
  std::atomic<nanoseconds::rep> last_lag_{0};  // when
  std::atomic<bool> stopping_{false};
  Mutex mu_;
  std::unordered_set<std::shared_ptr<Connection>> connections_ HEARTH_GUARDED_BY(mu_);
};

Result<Endpoint> EcmgServer::Impl::Listen() {
  if (options_.super_cas_ids.empty()) {
    return Error(Reason::kConfigValueInvalid, "simulcrypt.ecmg.super_cas_ids: at least one is needed");
  }
  if (Status status = CheckChannelParameters(options_.channel); !status) {
    return Error(Reason::kConfigValueInvalid, "simulcrypt.ecmg: " + status.error().message());
  }
  ConnectionHost nobody(shared_, "");
  if (auto session = EcmgSession::Create(options_.session, nobody, SteadyNow()); !session) {
    return Error(Reason::kConfigValueInvalid, "simulcrypt.ecmg: " + session.error().message());
  }
  if (options_.tls) {
    tls_ = std::make_unique<ssl::context>(ssl::context::tls_server);
    tls_->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    HEARTH_RETURN_IF_ERROR(LoadTls(*tls_, *options_.tls));
  }
  asio::io_context& io = workers_.front()->io;
  acceptor_ = std::make_unique<tcp::acceptor>(io);
  accept_pause_ = std::make_unique<asio::steady_timer>(io);
  const Endpoint& listen = options_.listen;
  error_code error;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(listen.host, std::to_string(listen.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, error);
  tcp::endpoint bound;
  if (!error && !found.empty()) {
    const tcp::endpoint address = found.begin()->endpoint();
    acceptor_->open(address.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_->bind(address, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (!error) bound = acceptor_->local_endpoint(error);
  }
  if (error || found.empty()) {
    return Error(Reason::kConfigValueInvalid,
                 fmt::format(
                     "simulcrypt.ecmg.listen: cannot listen on {}: is the address this host's, and free?",
                     ToString(listen)))
        .Detail(error.message());
  }
  return Endpoint{listen.host, bound.port()};
}

void EcmgServer::Impl::Start() {
  Accept();
  for (const auto& worker : workers_) {
    worker->expected = steady_clock::now() + kLagProbe;
    ProbeLag(*worker);
    worker->thread = std::thread([&io = worker->io] { io.run(); });
  }
}

void EcmgServer::Impl::Stop() {
  stopping_ = true;
  // Where connections are accepted, so that none comes behind it.
  asio::post(workers_.front()->io, [this] {
    error_code ignored;
    acceptor_->close(ignored);
    accept_pause_->cancel();
    const MutexLock lock(mu_);
    for (const auto& connection : connections_) connection->Close();
  });
  for (const auto& worker : workers_) {
    asio::post(worker->io, [&timer = worker->lag_timer] { timer.cancel(); });
  }
  for (const auto& worker : workers_) worker->thread.join();
}

void EcmgServer::Impl::Accept() {
  Worker& worker = *workers_[next_worker_++ % workers_.size()];
  acceptor_->async_accept(worker.io, [this, &worker](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || stopping_) return;
    if (error) {
      shared_.log.Warn("ecmg.accept_failed", {{"cause", error.message()}});
      // Out of descriptors, most likely: not again at once.
      accept_pause_->expires_after(kAcceptPause);
      accept_pause_->async_wait([this](error_code aborted) {
        if (!aborted && !stopping_) Accept();
      });
      return;
    }
    Welcome(worker, std::move(socket));
    Accept();
  });
}

void EcmgServer::Impl::Welcome(Worker& worker, tcp::socket socket) {
  error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  const std::string peer = error ? "gone" : fmt::format("{}:{}", remote.address().to_string(), remote.port());
  const int connections = ++shared_.connections;
  if (static_cast<size_t>(connections) > options_.max_connections) {
    --shared_.connections;
    shared_.log.Warn("ecmg.connection_refused", {{"scrambler", peer}, {"limit", options_.max_connections}});
    return;
  }
  shared_.connections_gauge.Set(connections);
  shared_.log.Info("ecmg.connected", {{"scrambler", peer}});
  // Without it, small answers wait for the acknowledgement of the ones before: ten times the latency.
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  const auto forget = [this](const std::shared_ptr<Connection>& gone) { Forget(gone); };
  std::shared_ptr<Connection> connection;
  if (tls_) {
    connection = std::make_shared<ConnectionOver<ssl::stream<tcp::socket>>>(
        shared_, ssl::stream<tcp::socket>(std::move(socket), *tls_), peer, forget);
  } else {
    connection = std::make_shared<ConnectionOver<tcp::socket>>(shared_, std::move(socket), peer, forget);
  }
  {
    const MutexLock lock(mu_);
    connections_.insert(connection);
  }
  asio::post(worker.io, [connection] { connection->Start(); });
}

// How late a timer fires is how late an answer would be.
void EcmgServer::Impl::ProbeLag(Worker& worker) {
  worker.lag_timer.expires_at(worker.expected);
  worker.lag_timer.async_wait([this, &worker](error_code aborted) {
    if (aborted || stopping_) return;
    const auto now = steady_clock::now();
    Lagged(now - worker.expected);
    worker.expected = now + kLagProbe;
    ProbeLag(worker);
  });
}

void EcmgServer::Impl::Lagged(nanoseconds lag) {
  const nanoseconds now = SteadyNow();
  if (lag > options_.overload) {
    last_lag_ = now.count();
    if (!shared_.overloaded.exchange(true)) {
      shared_.overload_gauge.Set(1);
      shared_.log.Error("ecmg.overloaded",
                        {{"lag_ms", std::chrono::duration_cast<std::chrono::milliseconds>(lag).count()}});
    }
  } else if (shared_.overloaded && now - nanoseconds(last_lag_) > kCalm &&
             shared_.overloaded.exchange(false)) {
    shared_.overload_gauge.Set(0);
    shared_.log.Info("ecmg.calm_again");
  }
}

EcmgServer::EcmgServer(std::unique_ptr<Impl> impl, Endpoint listening)
    : impl_(std::move(impl)), listening_(std::move(listening)) {}

Result<std::unique_ptr<EcmgServer>> EcmgServer::Create(const EcmgServerOptions& options,
                                                       const EcmMaker& maker, MetricsRegistry& metrics,
                                                       Logger& log) {
  auto impl = std::make_unique<Impl>(options, maker, metrics, log);
  HEARTH_ASSIGN_OR_RETURN(Endpoint listening, impl->Listen());
  impl->Start();
  return std::unique_ptr<EcmgServer>(new EcmgServer(std::move(impl), std::move(listening)));
}

EcmgServer::~EcmgServer() { impl_->Stop(); }

}  // namespace hearth::gateway
