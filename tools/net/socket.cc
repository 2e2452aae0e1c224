#include "tools/net/socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hearth::net {
namespace {

constexpr size_t kReadBytes = size_t{64} * 1024;
constexpr int kBacklog = 16;

Error Failed(std::string_view what, const Endpoint& endpoint, std::string_view cause) {
  return Error(Reason::kOutputFailed, fmt::format("cannot {} {}: {}", what, ToString(endpoint), cause));
}

struct Addresses {
  addrinfo* list = nullptr;
  ~Addresses() {
    if (list != nullptr) freeaddrinfo(list);
  }
};

Status Resolve(const Endpoint& endpoint, int type, bool passive, Addresses* out) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = type;
  hints.ai_flags = passive ? AI_PASSIVE : 0;
  const int code =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &out->list);
  if (code != 0) return Failed("find", endpoint, gai_strerror(code));
  return Ok();
}

Fd Open(const addrinfo& address) {
  return Fd(
      socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
}

void NoDelay(const Fd& fd) {
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// 0, or the error of a connection attempt that ends within `timeout`.
int FinishConnect(const Fd& fd, std::chrono::milliseconds timeout) {
  pollfd waiting{fd.get(), POLLOUT, 0};
  if (poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

Result<Fd> Bind(const Endpoint& endpoint, int type) {
  Addresses addresses;
  HEARTH_RETURN_IF_ERROR(Resolve(endpoint, type, true, &addresses));
  int cause = 0;
  for (const addrinfo* one = addresses.list; one != nullptr; one = one->ai_next) {
    Fd fd = Open(*one);
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd.open() && bind(fd.get(), one->ai_addr, one->ai_addrlen) == 0) return fd;
    cause = errno;
  }
  return Failed("listen on", endpoint, std::strerror(cause));
}

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

void Fd::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Result<Fd> ConnectTcp(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
  Addresses addresses;
  HEARTH_RETURN_IF_ERROR(Resolve(endpoint, SOCK_STREAM, false, &addresses));
  int cause = 0;
  for (const addrinfo* one = addresses.list; one != nullptr; one = one->ai_next) {
    Fd fd = Open(*one);
    if (!fd.open()) continue;
    cause = connect(fd.get(), one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
    if (cause == EINPROGRESS) cause = FinishConnect(fd, timeout);
    if (cause != 0) continue;
    NoDelay(fd);
    return fd;
  }
  return Failed("connect to", endpoint, std::strerror(cause));
}

Result<Fd> ListenTcp(const Endpoint& endpoint) {
  HEARTH_ASSIGN_OR_RETURN(Fd fd, Bind(endpoint, SOCK_STREAM));
  if (listen(fd.get(), kBacklog) != 0) return Failed("listen on", endpoint, std::strerror(errno));
  return fd;
}

Result<Fd> BindUdp(const Endpoint& endpoint) { return Bind(endpoint, SOCK_DGRAM); }

std::optional<Fd> Accept(const Fd& listener) {
  Fd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.open()) return std::nullopt;
  NoDelay(fd);
  return fd;
}

uint16_t LocalPort(const Fd& fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

bool ReadSome(const Fd& fd, Bytes* in) {
  std::array<uint8_t, kReadBytes> chunk;
  const ssize_t got = read(fd.get(), chunk.data(), chunk.size());
  if (got > 0) in->insert(in->end(), chunk.begin(), chunk.begin() + got);
  return got > 0 || (got < 0 && WouldBlock());
}

std::optional<Bytes> ReadDatagram(const Fd& fd) {
  Bytes datagram(kReadBytes);
  const ssize_t got = recv(fd.get(), datagram.data(), datagram.size(), 0);
  if (got < 0) return std::nullopt;
  datagram.resize(static_cast<size_t>(got));
  return datagram;
}

bool WriteSome(const Fd& fd, Bytes* out) {
  if (out->empty()) return true;
  const ssize_t sent = send(fd.get(), out->data(), out->size(), MSG_NOSIGNAL);
  if (sent > 0) out->erase(out->begin(), out->begin() + sent);
  return sent >= 0 || WouldBlock();
}

}  // namespace hearth::net
