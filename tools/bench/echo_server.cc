#include "tools/bench/echo_server.h"

#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace hearth::bench {
namespace {

constexpr size_t kEchoBytes = size_t{64} * 1024;

bool Watch(const net::Fd& epoll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  return epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

// False when the connection is over.
bool Echo(int fd, std::array<uint8_t, kEchoBytes>& buffer) {
  const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  ssize_t sent = 0;
  while (sent < got) {
    const ssize_t part = send(fd, buffer.data() + sent, static_cast<size_t>(got - sent), MSG_NOSIGNAL);
    if (part > 0) {
      sent += part;
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<EchoServer>> EchoServer::Create(size_t threads) {
  std::unique_ptr<EchoServer> server(new EchoServer);
  HEARTH_ASSIGN_OR_RETURN(server->listener_, net::ListenTcp({"127.0.0.1", 0}));
  server->wake_ = net::Fd(eventfd(0, EFD_CLOEXEC));
  bool ok = server->wake_.open();
  for (size_t i = 0; i < threads; ++i) {
    auto worker = std::make_unique<Worker>();
    worker->epoll = net::Fd(epoll_create1(EPOLL_CLOEXEC));
    ok = ok && worker->epoll.open() && Watch(worker->epoll, server->wake_.get());
    server->workers_.push_back(std::move(worker));
  }
  ok = ok && Watch(server->workers_.front()->epoll, server->listener_.get());
  if (!ok) return Error(Reason::kInternal, "the echo server cannot make its descriptors");
  for (const auto& worker : server->workers_) {
    worker->thread = std::thread([&echo = *server, &own = *worker] { echo.Serve(own); });
  }
  return server;
}

EchoServer::~EchoServer() {
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

// On the first worker's thread.
void EchoServer::AcceptAll() {
  while (auto fd = net::Accept(listener_)) {
    Worker& worker = *workers_[next_++ % workers_.size()];
    if (!Watch(worker.epoll, fd->get())) continue;
    worker.connections.push_back(std::move(*fd));
  }
}

void EchoServer::Serve(const Worker& worker) {
  std::array<uint8_t, kEchoBytes> buffer;
  std::array<epoll_event, 64> events;
  while (!stopping_) {
    const int ready = epoll_wait(worker.epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == listener_.get()) {
        AcceptAll();
      } else if (fd != wake_.get() && !Echo(fd, buffer)) {
        epoll_ctl(worker.epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
      }
    }
  }
}

}  // namespace hearth::bench
