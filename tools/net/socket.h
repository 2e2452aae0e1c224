// Non-blocking sockets and files for the single-threaded tools. Addresses are names or numbers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "src/base/bytes.h"
#include "src/base/endpoint.h"
#include "src/base/status.h"

namespace hearth::net {

// Owns a file descriptor. One thread.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { Close(); }
  void Close();
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// OUTPUT_FAILED with the cause, here and below. Connected sockets have TCP_NODELAY: without it SimulCrypt's
// short messages wait for each other.
Result<Fd> ConnectTcp(const Endpoint& endpoint, std::chrono::milliseconds timeout);
Result<Fd> ListenTcp(const Endpoint& endpoint);
Result<Fd> BindUdp(const Endpoint& endpoint);
// The next connection, if one waits.
std::optional<Fd> Accept(const Fd& listener);
uint16_t LocalPort(const Fd& fd);

// Appends what is there, at most 64 KiB, to `in`. False when the peer has closed or the connection is broken.
bool ReadSome(const Fd& fd, Bytes* in);
// One datagram, if one waits.
std::optional<Bytes> ReadDatagram(const Fd& fd);
// Writes what goes from the front of `out` and takes it away. False when the connection is broken.
bool WriteSome(const Fd& fd, Bytes* out);

}  // namespace hearth::net
