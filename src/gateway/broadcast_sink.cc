#include <array>
#include <deque>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "src/gateway/section_outputs.h"

namespace hearth::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Chunk = std::shared_ptr<const Bytes>;

constexpr std::chrono::seconds kLastWords{1};

}  // namespace

// Everything but Post and the counters runs on the thread of the io_context.
class BroadcastSink::Impl {
 public:
  Impl(BroadcastOptions options, MetricsRegistry& metrics, Logger& log)
      : options_(options),
        log_(log),
        receivers_gauge_(metrics.GetGauge("hearth_output_receivers", "Receivers connected to the output.")),
        dropped_(metrics.GetCounter("hearth_output_receivers_dropped_total",
                                    "Receivers dropped because they were too slow.")) {}

  Result<Endpoint> Listen(const Endpoint& listen);
  void Start() {
    Accept();
    thread_ = std::thread([this] { io_.run(); });
  }
  void Post(Chunk chunk) {
    asio::post(io_, [this, chunk = std::move(chunk)] { Send(chunk); });
  }
  void Stop();

 private:
  // One connection; lives as long as an operation on it does.
  class Receiver : public std::enable_shared_from_this<Receiver> {
   public:
    Receiver(Impl& sink, tcp::socket socket, std::string name)
        : sink_(sink), socket_(std::move(socket)), name_(std::move(name)) {}

    void Read() {
      socket_.async_read_some(asio::buffer(ignored_), [self = shared_from_this()](error_code error, size_t) {
        if (error) return self->sink_.Remove(self);
        self->Read();
      });
    }
    // False when its queue is full.
    bool Queue(const Chunk& chunk) {
      if (queued_ + chunk->size() > sink_.options_.queue_bytes) return false;
      queued_ += chunk->size();
      queue_.push_back(chunk);
      if (queue_.size() == 1) WriteNext();
      return true;
    }
    void Close() {
      error_code ignored;
      socket_.close(ignored);
    }
    bool idle() const { return queue_.empty(); }
    const std::string& name() const { return name_; }

   private:
    void WriteNext() {
      asio::async_write(socket_, asio::buffer(*queue_.front()),
                        [self = shared_from_this()](error_code error, size_t) {
                          if (error) return self->sink_.Remove(self);
                          self->queued_ -= self->queue_.front()->size();
                          self->queue_.pop_front();
                          if (!self->queue_.empty()) return self->WriteNext();
                          self->sink_.OnIdle();
                        });
    }

    Impl& sink_;
    tcp::socket socket_;
    const std::string name_;
    std::deque<Chunk> queue_;  // the front one is being written
    size_t queued_ = 0;
    std::array<uint8_t, 512> ignored_{};
  };

  void Accept();
  void Welcome(tcp::socket socket);
  void Send(const Chunk& chunk);
  void Remove(const std::shared_ptr<Receiver>& receiver);
  void OnIdle();
  void CloseAll();

  const BroadcastOptions options_;
  Logger& log_;
  Gauge& receivers_gauge_;
  Counter& dropped_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer last_words_{io_};
  std::set<std::shared_ptr<Receiver>> receivers_;
  bool stopping_ = false;
  std::thread thread_;
};

Result<Endpoint> BroadcastSink::Impl::Listen(const Endpoint& listen) {
  const auto refuse = [&](const error_code& error) {
    return Error(Reason::kConfigValueInvalid,
                 fmt::format("output.listen: cannot listen on {}: is the address this host's, and free?",
                             ToString(listen)))
        .Detail(error.message());
  };
  error_code error;
  tcp::resolver resolver(io_);
  const auto found = resolver.resolve(listen.host, std::to_string(listen.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) return refuse(error);
  const tcp::endpoint address = found.begin()->endpoint();
  acceptor_.open(address.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(address, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  const tcp::endpoint bound = error ? tcp::endpoint() : acceptor_.local_endpoint(error);
  if (error) return refuse(error);
  return Endpoint{listen.host, bound.port()};
}

void BroadcastSink::Impl::Accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || stopping_) return;
    if (error) {
      log_.Warn("output.accept_failed", {{"cause", error.message()}});
      // Out of descriptors, most likely: not again at once.
      last_words_.expires_after(kLastWords);
      last_words_.async_wait([this](error_code aborted) {
        if (!aborted && !stopping_) Accept();
      });
      return;
    }
    Welcome(std::move(socket));
    Accept();
  });
}

void BroadcastSink::Impl::Welcome(tcp::socket socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  const std::string name = error ? "gone" : fmt::format("{}:{}", peer.address().to_string(), peer.port());
  if (receivers_.size() >= options_.receivers) {
    log_.Warn("output.receiver_refused", {{"receiver", name}, {"limit", options_.receivers}});
    return;
  }
  socket.set_option(tcp::no_delay(true), error);
  auto receiver = std::make_shared<Receiver>(*this, std::move(socket), name);
  receivers_.insert(receiver);
  receivers_gauge_.Set(static_cast<double>(receivers_.size()));
  log_.Info("output.receiver_connected", {{"receiver", name}});
  receiver->Read();
}

void BroadcastSink::Impl::Send(const Chunk& chunk) {
  std::vector<std::shared_ptr<Receiver>> slow;
  for (const auto& receiver : receivers_) {
    if (!receiver->Queue(chunk)) slow.push_back(receiver);
  }
  for (const auto& receiver : slow) {
    log_.Warn("output.receiver_too_slow",
              {{"receiver", receiver->name()}, {"queue_bytes", options_.queue_bytes}});
    dropped_.Increment();
    Remove(receiver);
  }
}

void BroadcastSink::Impl::Remove(const std::shared_ptr<Receiver>& receiver) {
  if (receivers_.erase(receiver) == 0) return;
  receivers_gauge_.Set(static_cast<double>(receivers_.size()));
  log_.Info("output.receiver_gone", {{"receiver", receiver->name()}});
  receiver->Close();
  OnIdle();
}

// While stopping: the end, once everybody has everything.
void BroadcastSink::Impl::OnIdle() {
  if (!stopping_) return;
  for (const auto& receiver : receivers_) {
    if (!receiver->idle()) return;
  }
  CloseAll();
}

void BroadcastSink::Impl::CloseAll() {
  last_words_.cancel();
  for (const auto& receiver : receivers_) receiver->Close();
  receivers_.clear();
}

void BroadcastSink::Impl::Stop() {
  asio::post(io_, [this] {  // behind all that was written
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    last_words_.expires_after(kLastWords);
    last_words_.async_wait([this](error_code aborted) {
      if (!aborted) CloseAll();
    });
    OnIdle();
  });
  thread_.join();  // the io_context ends when nothing is left to do
}

BroadcastSink::BroadcastSink(std::unique_ptr<Impl> impl, Endpoint listening)
    : impl_(std::move(impl)), listening_(std::move(listening)) {}

Result<std::unique_ptr<BroadcastSink>> BroadcastSink::Create(const Endpoint& listen, BroadcastOptions options,
                                                             MetricsRegistry& metrics, Logger& log) {
  auto impl = std::make_unique<Impl>(options, metrics, log);
  HEARTH_ASSIGN_OR_RETURN(Endpoint listening, impl->Listen(listen));
  impl->Start();
  return std::unique_ptr<BroadcastSink>(new BroadcastSink(std::move(impl), std::move(listening)));
}

BroadcastSink::~BroadcastSink() { impl_->Stop(); }

Status BroadcastSink::Write(std::span<const Bytes> sections) {
  auto chunk = std::make_shared<Bytes>();
  for (const Bytes& section : sections) chunk->insert(chunk->end(), section.begin(), section.end());
  if (!chunk->empty()) impl_->Post(std::move(chunk));
  return Ok();
}

}  // namespace hearth::gateway
