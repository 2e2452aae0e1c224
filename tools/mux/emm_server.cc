#include "tools/mux/emm_server.h"

#include <algorithm>

#include <fmt/format.h>
#include <poll.h>

namespace hearth::mux {
namespace {

using simulcrypt::EmmgError;
using simulcrypt::MuxChannel;
using simulcrypt::MuxSession;
using simulcrypt::MuxStream;

Time Now() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

class EmmServer::Connection final : public simulcrypt::MuxHost {
 public:
  Connection(EmmServer& server, net::Fd fd) : server_(server), fd_(std::move(fd)) {}

  Status Begin(const simulcrypt::MuxOptions& options) {
    HEARTH_ASSIGN_OR_RETURN(session_, MuxSession::Create(options, *this));
    return Ok();
  }

  EmmgError OpenStream(const MuxChannel& channel, const MuxStream& stream) override {
    if (!server_.multiplex_.Open({channel.client_id, stream.data_id}, stream.data_type, Now())) {
      return EmmgError::kTooManyStreamsOnMux;
    }
    server_.Tell(fmt::format("client 0x{:08X} opens data stream {} ({})", channel.client_id, stream.data_id,
                             channel.ts_packets ? "packets" : "sections"));
    return EmmgError::kNone;
  }
  void CloseStream(const MuxChannel& channel, const MuxStream& stream) override {
    server_.Tell(fmt::format("client 0x{:08X} closes data stream {}", channel.client_id, stream.data_id));
  }
  void OnDatagram(const MuxChannel& channel, const MuxStream& stream, ByteView datagram) override {
    server_.multiplex_.Take({channel.client_id, stream.data_id}, channel.ts_packets, datagram, Now());
  }
  void OnErrorSent(uint16_t status) override {
    ++server_.errors_sent_;
    server_.Tell(fmt::format("answers: {}", simulcrypt::ErrorName(simulcrypt::Interface::kEmmgMux, status)));
  }

  pollfd Waiting() const {
    return {fd_.get(), static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
  }
  // False when the connection is over.
  bool Work(short events) {
    Bytes in;
    const bool readable = (events & (POLLIN | POLLHUP | POLLERR)) != 0;
    const bool alive = !readable || net::ReadSome(fd_, &in);
    session_->Push(in, Now(), out_);
    if (!net::WriteSome(fd_, &out_) || !alive) return false;
    return !session_->should_close() || !out_.empty();
  }
  EmmgError TakeUdp(ByteView payload) { return session_->PushUdp(payload, Now()); }

 private:
  EmmServer& server_;
  net::Fd fd_;
  std::unique_ptr<MuxSession> session_;
  Bytes out_;
};

EmmServer::EmmServer(const EmmServerOptions& options, Multiplex& multiplex)
    : options_(options), multiplex_(multiplex) {}

EmmServer::~EmmServer() = default;

Result<std::unique_ptr<EmmServer>> EmmServer::Create(const EmmServerOptions& options, Multiplex& multiplex) {
  std::unique_ptr<EmmServer> server(new EmmServer(options, multiplex));
  HEARTH_ASSIGN_OR_RETURN(server->listener_, net::ListenTcp(options.listen));
  if (options.udp) {
    HEARTH_ASSIGN_OR_RETURN(server->udp_, net::BindUdp(*options.udp));
  }
  return server;
}

void EmmServer::Tell(const std::string& text) const {
  if (on_event_) on_event_(text);
}

void EmmServer::AcceptAll() {
  while (auto fd = net::Accept(listener_)) {
    if (connections_.size() >= options_.max_connections) {
      Tell("refuses a connection: there are too many");
      continue;
    }
    auto connection = std::make_unique<Connection>(*this, *std::move(fd));
    const Status begun = connection->Begin(options_.session);
    if (!begun) {
      Tell(begun.error().message());
      continue;
    }
    connections_.push_back(std::move(connection));
    Tell("an EMMG connects");
  }
}

void EmmServer::TakeDatagrams() {
  while (const auto payload = net::ReadDatagram(udp_)) {
    const bool taken = std::any_of(connections_.begin(), connections_.end(), [&](const auto& connection) {
      return connection->TakeUdp(*payload) == EmmgError::kNone;
    });
    if (!taken) ++udp_refused_;
  }
}

void EmmServer::Poll(std::chrono::milliseconds timeout) {
  std::vector<pollfd> waiting = {{listener_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}};
  for (const auto& connection : connections_) waiting.push_back(connection->Waiting());
  if (poll(waiting.data(), waiting.size(), static_cast<int>(timeout.count())) <= 0) return;
  constexpr size_t kFirstConnection = 2;
  for (size_t i = connections_.size(); i-- > 0;) {
    const short events = waiting[kFirstConnection + i].revents;
    if (events == 0 || connections_[i]->Work(events)) continue;
    connections_.erase(connections_.begin() + static_cast<ptrdiff_t>(i));
    Tell("an EMMG is gone");
  }
  if (waiting[1].revents != 0) TakeDatagrams();
  if (waiting[0].revents != 0) AcceptAll();
}

}  // namespace hearth::mux
