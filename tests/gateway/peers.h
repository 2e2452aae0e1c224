// The other side of SimulCrypt, on blocking sockets with a time limit: for tests of the servers and clients
// here.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/mutex.h"
#include "src/simulcrypt/mux_session.h"
#include "src/simulcrypt/scs_session.h"

namespace hearth::gateway {

inline constexpr std::chrono::seconds kPatience{10};

// A connected TCP socket. One thread.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  static std::unique_ptr<Socket> Connect(uint16_t port);
  // Port 0 finds one; Accept waits at most kPatience.
  static std::unique_ptr<Socket> Listen(uint16_t port = 0);
  std::unique_ptr<Socket> Accept() const;
  uint16_t port() const;

  void Send(ByteView bytes) const;
  // What came within `wait`; empty: nothing. `closed` is set at the end of the stream.
  Bytes Receive(std::chrono::milliseconds wait, bool& closed) const;
  // Resets the connection instead of closing it in order.
  void Break();

 private:
  int fd_;
};

std::chrono::nanoseconds SteadyNow();

// A scrambler.
class TestScs final : public simulcrypt::ScsHost {
 public:
  struct Answer {
    uint16_t stream_id;
    uint16_t cp_number;
    Bytes datagram;
  };

  TestScs(uint16_t port, const simulcrypt::ScsOptions& options);
  // Sends channel_setup and waits until all streams are open or refused.
  bool SetUp();
  // Sends a CW_provision for the next two CPs and waits for its answer.
  std::optional<Answer> Ask(uint16_t stream_id, uint16_t cp, const std::vector<Bytes>& words,
                            const simulcrypt::ProvisionExtras& extras = {});
  void SendRaw(ByteView bytes) { socket_->Send(bytes); }
  // Reads until `done`, the end of the stream, or patience runs out.
  bool Until(const std::function<bool()>& done);
  bool closed() const { return closed_; }
  simulcrypt::ScsSession& session() { return *session_; }
  void Send();

  std::deque<Answer> answers;
  std::vector<simulcrypt::ScsError> errors;
  Bytes out;

  void OnEcm(uint16_t stream_id, uint16_t cp_number, ByteView datagram,
             std::optional<simulcrypt::SteadyTime> waited) override;
  void OnError(const simulcrypt::ScsError& error) override { errors.push_back(error); }

 private:
  std::unique_ptr<Socket> socket_;
  std::unique_ptr<simulcrypt::ScsSession> session_;
  bool closed_ = false;
};

// A multiplexer that takes one connection at a time.
class TestMux final : public simulcrypt::MuxHost {
 public:
  struct Datagram {
    std::chrono::nanoseconds at;
    Bytes bytes;
  };

  explicit TestMux(const simulcrypt::MuxOptions& options, uint16_t port = 0);
  uint16_t port() const { return listener_->port(); }
  bool Accept();
  bool Until(const std::function<bool()>& done);
  void ReadFor(std::chrono::milliseconds time);
  void Send();
  void Break();  // resets the connection
  bool closed() const { return closed_; }
  simulcrypt::MuxSession& session() { return *session_; }

  std::vector<Datagram> datagrams;
  Bytes out;

  void OnDatagram(const simulcrypt::MuxChannel& channel, const simulcrypt::MuxStream& stream,
                  ByteView datagram) override;

 private:
  void Read(std::chrono::milliseconds wait);

  const simulcrypt::MuxOptions options_;
  std::unique_ptr<Socket> listener_;
  std::unique_ptr<Socket> socket_;
  std::unique_ptr<simulcrypt::MuxSession> session_;
  bool closed_ = false;
};

// Keeps what was set and counted, by "name{label,label}".
class KeptMetrics final : public MetricsRegistry {
 public:
  KeptMetrics();
  ~KeptMetrics() override;
  Counter& GetCounter(std::string_view name, std::string_view help, const Labels& labels) override;
  Gauge& GetGauge(std::string_view name, std::string_view help, const Labels& labels) override;
  Histogram& GetHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                          const Labels& labels) override;
  double Value(const std::string& key) const;

 private:
  struct Series;
  Series& Of(std::string_view name, const Labels& labels);

  mutable Mutex mu_;
  std::map<std::string, std::unique_ptr<Series>> series_ HEARTH_GUARDED_BY(mu_);
};

}  // namespace hearth::gateway
