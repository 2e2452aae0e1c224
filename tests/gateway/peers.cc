#include "tests/gateway/peers.h"

#include <atomic>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hearth::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool Readable(int fd, milliseconds wait) {
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, static_cast<int>(wait.count())) > 0;
}

}  // namespace

std::chrono::nanoseconds SteadyNow() { return steady_clock::now().time_since_epoch(); }

Socket::~Socket() { ::close(fd_); }

std::unique_ptr<Socket> Socket::Connect(uint16_t port) {
  auto socket = std::make_unique<Socket>(::socket(AF_INET, SOCK_STREAM, 0));
  const sockaddr_in address = Loopback(port);
  if (::connect(socket->fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return nullptr;
  const int on = 1;
  ::setsockopt(socket->fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return socket;
}

std::unique_ptr<Socket> Socket::Listen(uint16_t port) {
  auto socket = std::make_unique<Socket>(::socket(AF_INET, SOCK_STREAM, 0));
  const int on = 1;
  ::setsockopt(socket->fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = Loopback(port);
  if (::bind(socket->fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return nullptr;
  ::listen(socket->fd_, 16);
  return socket;
}

std::unique_ptr<Socket> Socket::Accept() const {
  if (!Readable(fd_, kPatience)) return nullptr;
  return std::make_unique<Socket>(::accept(fd_, nullptr, nullptr));
}

uint16_t Socket::port() const {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void Socket::Send(ByteView bytes) const {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t now = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) return;
    sent += static_cast<size_t>(now);
  }
}

Bytes Socket::Receive(milliseconds wait, bool& closed) const {
  Bytes bytes;
  if (!Readable(fd_, wait)) return bytes;
  bytes.resize(65'536);
  const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
  closed = count <= 0;
  bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return bytes;
}

void Socket::Break() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

TestScs::TestScs(uint16_t port, const simulcrypt::ScsOptions& options)
    : socket_(Socket::Connect(port)), session_(std::move(*simulcrypt::ScsSession::Create(options, *this))) {}

bool TestScs::SetUp() {
  using State = simulcrypt::ScsSession::State;
  session_->Start(SteadyNow(), out);
  return Until([&] { return session_->state() == State::kOpen || session_->state() == State::kClosed; }) &&
         session_->state() == State::kOpen;
}

void TestScs::Send() {
  socket_->Send(out);
  out.clear();
}

bool TestScs::Until(const std::function<bool()>& done) {
  const auto end = steady_clock::now() + kPatience;
  for (;;) {
    Send();
    if (done()) return true;
    if (closed_ || steady_clock::now() > end) return false;
    session_->Push(socket_->Receive(milliseconds(20), closed_), SteadyNow(), out);
  }
}

std::optional<TestScs::Answer> TestScs::Ask(uint16_t stream_id, uint16_t cp, const std::vector<Bytes>& words,
                                            const simulcrypt::ProvisionExtras& extras) {
  const auto& parameters = session_->parameters();
  std::vector<simulcrypt::CpCw> cws;
  uint16_t next = simulcrypt::FirstCp(cp, parameters.lead_cw, parameters.cw_per_msg);
  for (const Bytes& word : words) cws.push_back({next++, word});
  if (session_->Provide(stream_id, cp, cws, extras, SteadyNow(), out) !=
      simulcrypt::ScsSession::ProvideResult::kSent) {
    return std::nullopt;
  }
  const size_t before = answers.size();
  const size_t errors_before = errors.size();
  if (!Until([&] { return answers.size() > before || errors.size() > errors_before; })) return std::nullopt;
  if (answers.size() == before) return std::nullopt;
  return answers.back();
}

void TestScs::OnEcm(uint16_t stream_id, uint16_t cp_number, ByteView datagram,
                    std::optional<simulcrypt::SteadyTime> /*waited*/) {
  answers.push_back({stream_id, cp_number, Bytes(datagram.begin(), datagram.end())});
}

TestMux::TestMux(const simulcrypt::MuxOptions& options, uint16_t port)
    : options_(options), listener_(Socket::Listen(port)) {}

bool TestMux::Accept() {
  socket_ = listener_->Accept();
  session_ = std::move(*simulcrypt::MuxSession::Create(options_, *this));
  closed_ = false;
  out.clear();
  return socket_ != nullptr;
}

void TestMux::Send() {
  socket_->Send(out);
  out.clear();
}

void TestMux::Read(milliseconds wait) {
  Send();
  session_->Push(socket_->Receive(wait, closed_), SteadyNow(), out);
  Send();
}

bool TestMux::Until(const std::function<bool()>& done) {
  const auto end = steady_clock::now() + kPatience;
  while (!done()) {
    if (closed_ || steady_clock::now() > end) return false;
    Read(milliseconds(20));
  }
  return true;
}

void TestMux::ReadFor(milliseconds time) {
  const auto end = steady_clock::now() + time;
  while (steady_clock::now() < end && !closed_) Read(milliseconds(1));
}

void TestMux::Break() {
  socket_->Break();
  socket_.reset();
  session_.reset();
}

void TestMux::OnDatagram(const simulcrypt::MuxChannel& /*channel*/, const simulcrypt::MuxStream& /*stream*/,
                         ByteView datagram) {
  datagrams.push_back({SteadyNow(), Bytes(datagram.begin(), datagram.end())});
}

struct KeptMetrics::Series final : Counter, Gauge, Histogram {
  void Add(double amount) override { value.store(value.load() + amount); }
  void Set(double now) override { value.store(now); }
  void Observe(double /*seen*/) override { value.store(value.load() + 1); }
  std::atomic<double> value{0};
};

KeptMetrics::KeptMetrics() = default;
KeptMetrics::~KeptMetrics() = default;

KeptMetrics::Series& KeptMetrics::Of(std::string_view name, const Labels& labels) {
  std::string key(name);
  if (!labels.empty()) {
    key += "{";
    for (const auto& [label, value] : labels) key += (key.back() == '{' ? "" : ",") + value;
    key += "}";
  }
  const MutexLock lock(mu_);
  auto& series = series_[key];
  if (!series) series = std::make_unique<Series>();
  return *series;
}

Counter& KeptMetrics::GetCounter(std::string_view name, std::string_view /*help*/, const Labels& labels) {
  return Of(name, labels);
}
Gauge& KeptMetrics::GetGauge(std::string_view name, std::string_view /*help*/, const Labels& labels) {
  return Of(name, labels);
}
Histogram& KeptMetrics::GetHistogram(std::string_view name, std::string_view /*help*/,
                                     std::vector<double> /*bounds*/, const Labels& labels) {
  return Of(name, labels);
}
double KeptMetrics::Value(const std::string& key) const {
  const MutexLock lock(mu_);
  const auto found = series_.find(key);
  return found == series_.end() ? 0 : found->second->value.load();
}

}  // namespace hearth::gateway
