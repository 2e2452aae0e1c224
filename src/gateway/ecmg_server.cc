#include "src/gateway/ecmg_server.h"

#include <algorithm>
#include <functional>
#include <thread>
#include <unordered_set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "src/gateway/ecmg_connection.h"
#include "src/gateway/ecmg_host.h"
#include "src/gateway/steady_now.h"

namespace hearth::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using simulcrypt::EcmgSession;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLagProbe{20};
constexpr std::chrono::seconds kCalm{2};  // without lag, before new streams are taken again
constexpr std::chrono::seconds kAcceptPause{1};

// One thread and the connections it serves.
struct Worker {
  asio::io_context io{1};
  asio::steady_timer lag_timer{io};
  steady_clock::time_point expected;
  std::thread thread;
};

}  // namespace

class EcmgServer::Impl {
 public:
  Impl(const EcmgServerOptions& options, const EcmMaker& maker, MetricsRegistry& metrics, Logger& log)
      : options_(options), shared_(options_, maker, metrics, log) {
    for (size_t i = 0; i < std::max<size_t>(1, options_.threads); ++i) {
      workers_.push_back(std::make_unique<Worker>());
    }
  }

  // Checks the options, too.
  Result<Endpoint> Listen();
  void Start();
  void Stop();

 private:
  Result<Endpoint> Bind(const Endpoint& listen);
  Result<Endpoint> Inherit(int socket);
  void Accept();
  void Welcome(Worker& worker, tcp::socket socket);
  void ProbeLag(Worker& worker);
  void Lagged(nanoseconds lag);
  void Forget(const std::shared_ptr<EcmgConnection>& connection) {
    const MutexLock lock(mu_);
    connections_.erase(connection);
  }

  const EcmgServerOptions options_;
  EcmgShared shared_;
  std::vector<std::unique_ptr<Worker>> workers_;  // the first one accepts
  size_t next_worker_ = 0;
  std::unique_ptr<EcmgTlsContext> tls_;  // none: in clear
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::unique_ptr<asio::steady_timer> accept_pause_;
  std::atomic<nanoseconds::rep> last_lag_{0};  // when
  std::atomic<bool> stopping_{false};
  Mutex mu_;
  std::unordered_set<std::shared_ptr<EcmgConnection>> connections_ HEARTH_GUARDED_BY(mu_);
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
    HEARTH_ASSIGN_OR_RETURN(tls_, EcmgTlsContext::Create(*options_.tls));
  }
  asio::io_context& io = workers_.front()->io;
  acceptor_ = std::make_unique<tcp::acceptor>(io);
  accept_pause_ = std::make_unique<asio::steady_timer>(io);
  return options_.inherited ? Inherit(*options_.inherited) : Bind(options_.listen);
}

Result<Endpoint> EcmgServer::Impl::Bind(const Endpoint& listen) {
  error_code error;
  tcp::resolver resolver(acceptor_->get_executor());
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

Result<Endpoint> EcmgServer::Impl::Inherit(int socket) {
  const auto option = [socket](int name) {
    int value = 0;
    socklen_t size = sizeof(value);
    return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  const int family = option(SO_DOMAIN);
  error_code error = asio::error::invalid_argument;
  if (option(SO_ACCEPTCONN) == 1 && option(SO_TYPE) == SOCK_STREAM &&
      (family == AF_INET || family == AF_INET6)) {
    acceptor_->assign(family == AF_INET ? tcp::v4() : tcp::v6(), socket, error);
  }
  tcp::endpoint bound;
  if (!error) bound = acceptor_->local_endpoint(error);
  if (error) {
    return Error(Reason::kConfigValueInvalid,
                 "simulcrypt.ecmg: the socket that was passed is no listening TCP socket")
        .Detail(error.message());
  }
  return Endpoint{bound.address().to_string(), bound.port()};
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
  const auto connection =
      EcmgConnection::Create(shared_, std::move(socket), tls_.get(), peer,
                             [this](const std::shared_ptr<EcmgConnection>& gone) { Forget(gone); });
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
