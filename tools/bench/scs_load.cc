#include "tools/bench/scs_load.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "src/simulcrypt/scs_session.h"

namespace hearth::bench {
namespace {

namespace ecmg = simulcrypt::ecmg;
using simulcrypt::kHeaderBytes;
using simulcrypt::kParameterHeaderBytes;
using simulcrypt::ScsSession;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::chrono::seconds kPatience{10};
constexpr size_t kAnswerBytes = size_t{128} * 1024;  // more than the longest message
constexpr uint16_t kChannelId = 1;
constexpr uint16_t kFirstStreamId = 1;

// Where the changing parts of our CW_provisions stand: behind two ids, in the order that Build writes.
constexpr size_t kIdBytes = kParameterHeaderBytes + 2;
constexpr size_t kCpNumberAt = kHeaderBytes + 2 * kIdBytes + kParameterHeaderBytes;
constexpr size_t kFirstWordAt = kCpNumberAt + 2;
constexpr size_t kMostMessageBytes = 96;

nanoseconds Now() { return std::chrono::steady_clock::now().time_since_epoch(); }
nanoseconds AsNanos(double seconds) {
  return std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(seconds));
}

uint16_t Read16(ByteView bytes, size_t at) { return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
void Write16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

// SplitMix64: good enough to tell words apart, and nothing beside a message.
uint64_t Mixed(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

}  // namespace

LoadWord WordOf(uint64_t seed, uint16_t ecm_id, uint16_t cp) {
  const uint64_t low = Mixed(seed ^ (uint64_t{ecm_id} << 16 | cp));
  const uint64_t high = Mixed(low);
  LoadWord word;
  std::memcpy(word.data(), &low, sizeof(low));
  std::memcpy(word.data() + sizeof(low), &high, sizeof(high));
  return word;
}

struct ScsLoad::Stream {
  uint16_t stream_id = 0;
  uint16_t ecm_id = 0;
  uint16_t cp = 0;  // of the last question
  bool waits = false;
  nanoseconds asked_at{0};
  size_t message_bytes = 0;
  std::array<uint8_t, kMostMessageBytes> message{};

  // The message of this stream, once and for all but for its CP numbers and words.
  void Build(const ScsLoadOptions& options, size_t words) {
    Bytes built;
    simulcrypt::MessageWriter writer(built, simulcrypt::kDefaultVersion, ecmg::kCwProvision);
    writer.U16(ecmg::kEcmChannelId, kChannelId).U16(ecmg::kEcmStreamId, stream_id).U16(ecmg::kCpNumber, 0);
    const Bytes word(options.word_bytes);
    for (size_t i = 0; i < words; ++i) writer.CpCw(0, word);
    if (!writer.Finish() || built.size() > message.size()) return;
    std::copy(built.begin(), built.end(), message.begin());
    message_bytes = built.size();
  }

  void SetPeriod(const ScsLoadOptions& options, uint16_t first_cp, size_t words) {
    Write16(message.data() + kCpNumberAt, cp);
    uint8_t* at = message.data() + kFirstWordAt;
    for (size_t i = 0; i < words; ++i) {
      const auto of = static_cast<uint16_t>(first_cp + i);
      const LoadWord word = WordOf(options.seed, ecm_id, of);
      at += kParameterHeaderBytes;
      Write16(at, of);
      std::memcpy(at + 2, word.data(), options.word_bytes);
      at += 2 + options.word_bytes;
    }
  }
};

// Beyond set-up the session only answers tests and notes errors; ECM_responses pass it by.
struct ScsLoad::Connection final : simulcrypt::ScsHost {
  Connection(ScsLoad& owner, size_t number, size_t count)
      : load(owner), index(number), streams(count), in(kAnswerBytes) {
    for (size_t i = 0; i < count; ++i) {
      streams[i].stream_id = static_cast<uint16_t>(kFirstStreamId + i);
      streams[i].ecm_id = load.options_.ecm_ids[i];
    }
  }

  Status Start(const Endpoint& peer) {
    HEARTH_ASSIGN_OR_RETURN(fd, net::ConnectTcp(peer, kPatience));
    filled = 0;
    out.clear();
    sent = 0;
    refusal.clear();
    session.reset();
    if (!load.options_.super_cas_id) return Ok();
    simulcrypt::ScsOptions options;
    options.channel_id = kChannelId;
    options.super_cas_id = *load.options_.super_cas_id;
    for (const Stream& stream : streams) {
      options.streams.push_back({stream.stream_id, stream.ecm_id, load.options_.crypto_period_100ms});
    }
    options.step_timeout = kPatience;
    HEARTH_ASSIGN_OR_RETURN(session, ScsSession::Create(options, *this));
    session->Start(Now(), out);
    if (!Flush()) return Error(Reason::kOutputFailed, "the ECMG closed the connection");
    return Ok();
  }

  bool ready() const {
    return session == nullptr ||
           (session->state() == ScsSession::State::kOpen && session->open_streams() == streams.size());
  }

  // Sends what goes. False when the connection is broken.
  bool Flush() {
    while (sent < out.size()) {
      const ssize_t part = send(fd.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (part < 0 && errno == EINTR) continue;
      if (part < 0) return errno == EAGAIN;
      sent += static_cast<size_t>(part);
    }
    out.clear();
    sent = 0;
    return true;
  }

  void OnEcm(uint16_t /*stream*/, uint16_t /*cp*/, ByteView /*datagram*/,
             std::optional<simulcrypt::SteadyTime> /*waited*/) override {}
  void OnError(const simulcrypt::ScsError& error) override {
    ++load.counts_.refused;
    refusal = fmt::format("the ECMG answers: {}", simulcrypt::ErrorName(simulcrypt::Interface::kEcmgScs,
                                                                        static_cast<uint16_t>(error.status)));
    if (!error.stream_id || *error.stream_id < kFirstStreamId) return;
    const size_t place = *error.stream_id - kFirstStreamId;
    if (place < streams.size()) load.NotAnswered(streams[place]);
  }

  ScsLoad& load;
  const size_t index;  // among the connections
  net::Fd fd;
  std::unique_ptr<ScsSession> session;  // none with an echo
  std::vector<Stream> streams;          // ascending by stream_id without gaps
  Bytes in;                             // the first `filled` bytes are not taken yet
  size_t filled = 0;
  Bytes out;  // the first `sent` bytes are sent
  size_t sent = 0;
  bool watched_for_room = false;
  std::string refusal;  // what the ECMG said last that was no answer
};

ScsLoad::ScsLoad(const ScsLoadOptions& options) : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
ScsLoad::~ScsLoad() = default;

Result<std::unique_ptr<ScsLoad>> ScsLoad::Connect(const ScsLoadOptions& options) {
  const size_t connections = std::min(options.connections, options.streams);
  if (connections == 0 || options.streams > connections * options.ecm_ids.size()) {
    return InvalidField("streams", "1 to the number of connections times that of ECM ids");
  }
  std::unique_ptr<ScsLoad> load(new ScsLoad(options));
  for (size_t i = 0; i < connections; ++i) {
    const size_t count = options.streams / connections + (i < options.streams % connections ? 1 : 0);
    load->connections_.push_back(std::make_unique<Connection>(*load, i, count));
  }
  HEARTH_RETURN_IF_ERROR(load->OpenAll(options.ecmg));
  return load;
}

Status ScsLoad::OpenAll(const Endpoint& ecmg) {
  for (const auto& connection : connections_) {
    HEARTH_RETURN_IF_ERROR(connection->Start(ecmg));
    epoll_event event{.events = EPOLLIN, .data = {.u64 = connection->index}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection->fd.get(), &event);
  }
  const nanoseconds end = Now() + kPatience;
  for (const auto& connection : connections_) {
    while (!connection->ready()) {
      if (!connection->refusal.empty()) return Error(Reason::kOutputFailed, connection->refusal);
      if (!connection->fd.open()) return Error(Reason::kOutputFailed, "the ECMG closed the connection");
      if (Now() >= end) return Error(Reason::kOutputFailed, "the ECMG did not open all streams within 10 s");
      Poll(end);
    }
  }
  if (const ScsSession* session = connections_.front()->session.get()) {
    words_ = session->parameters().cw_per_msg;
    lead_ = session->parameters().lead_cw;
  }
  if (words_ > 2) return Error(Reason::kOutputFailed, "the ECMG asks for more than two control words");
  for (const auto& connection : connections_) {
    for (Stream& stream : connection->streams) stream.Build(options_, words_);
  }
  return Ok();
}

void ScsLoad::Ask(Connection& connection, Stream& stream, nanoseconds now) {
  const uint16_t first = simulcrypt::FirstCp(++stream.cp, lead_, words_);
  stream.SetPeriod(options_, first, words_);
  stream.waits = true;
  stream.asked_at = now;
  ++counts_.asked;
  ++waiting_;
  const auto begin = stream.message.begin();
  connection.out.insert(connection.out.end(), begin, begin + static_cast<ptrdiff_t>(stream.message_bytes));
}

void ScsLoad::NotAnswered(Stream& stream) {
  if (!std::exchange(stream.waits, false)) return;
  --waiting_;
}

void ScsLoad::Drop(Connection& connection) {
  connection.fd.Close();
  ++counts_.dropped;
  for (const Stream& stream : connection.streams) {
    if (stream.waits) --waiting_;  // until MoveTo asks again
  }
}

void ScsLoad::Poll(nanoseconds until) {
  std::array<epoll_event, 64> events;
  const auto left = std::chrono::duration_cast<milliseconds>(until - Now());
  const int ready = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                               static_cast<int>(std::max<milliseconds::rep>(0, left.count())));
  for (int i = 0; i < ready; ++i) Read(*connections_[events[static_cast<size_t>(i)].data.u64]);
}

void ScsLoad::Read(Connection& connection) {
  if (!connection.fd.open()) return;
  const ssize_t got = recv(connection.fd.get(), connection.in.data() + connection.filled,
                           connection.in.size() - connection.filled, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return Drop(connection);
  if (got > 0) {
    connection.filled += static_cast<size_t>(got);
    const nanoseconds now = Now();
    const ByteView all = ByteView(connection.in).first(connection.filled);
    size_t at = 0;
    while (all.size() - at >= kHeaderBytes) {
      const size_t bytes = kHeaderBytes + Read16(all, at + 3);
      if (all.size() - at < bytes) break;
      OnMessage(connection, all.subspan(at, bytes), now);
      at += bytes;
    }
    connection.filled -= at;
    std::memmove(connection.in.data(), connection.in.data() + at, connection.filled);
  }
  Flush(connection);
}

void ScsLoad::Flush(Connection& connection) {
  if (!connection.Flush()) return Drop(connection);
  const bool blocked = !connection.out.empty();
  if (blocked == connection.watched_for_room) return;
  connection.watched_for_room = blocked;
  epoll_event event{.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.u64 = connection.index}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd.get(), &event);
}

void ScsLoad::OnMessage(Connection& connection, ByteView message, nanoseconds now) {
  const uint16_t type = Read16(message, 1);
  if (type == ecmg::kEcmResponse || (connection.session == nullptr && type == ecmg::kCwProvision)) {
    OnAnswer(connection, message, now);
  } else if (connection.session != nullptr) {
    connection.session->Push(message, now, connection.out);
  }
}

void ScsLoad::OnAnswer(Connection& connection, ByteView message, nanoseconds now) {
  uint16_t stream_id = 0;
  uint16_t cp = 0;
  ByteView datagram;
  size_t at = kHeaderBytes;
  while (message.size() - at >= kParameterHeaderBytes) {
    const uint16_t type = Read16(message, at);
    const size_t bytes = Read16(message, at + 2);
    at += kParameterHeaderBytes;
    if (message.size() - at < bytes) return;
    if (type == ecmg::kEcmStreamId && bytes == 2) stream_id = Read16(message, at);
    if (type == ecmg::kCpNumber && bytes == 2) cp = Read16(message, at);
    if (type == ecmg::kEcmDatagram) datagram = message.subspan(at, bytes);
    at += bytes;
  }
  const auto index = static_cast<uint16_t>(stream_id - kFirstStreamId);
  if (index >= connection.streams.size()) return;
  Stream& stream = connection.streams[index];
  if (!stream.waits || stream.cp != cp) return;
  stream.waits = false;
  --waiting_;
  ++counts_.answered;
  latencies_.Add(now - stream.asked_at);
  if (on_ecm_) on_ecm_(stream.ecm_id, cp, datagram);
  if (ask_anew_) Ask(connection, stream, now);
}

Saturated ScsLoad::Saturate(double seconds, size_t in_flight) {
  latencies_ = Latencies();
  ask_anew_ = true;
  const uint64_t before = counts_.answered;
  const nanoseconds begin = Now();
  for (const auto& connection : connections_) {
    const size_t asking = std::min(in_flight, connection->streams.size());
    for (size_t i = 0; i < asking; ++i) Ask(*connection, connection->streams[i], Now());
    Flush(*connection);
  }
  const nanoseconds end = begin + AsNanos(seconds);
  while (Now() < end && waiting_ > 0) Poll(end);
  Saturated found;
  found.rate = {counts_.answered - before, std::chrono::duration<double>(Now() - begin).count()};
  ask_anew_ = false;
  Await(std::chrono::duration<double>(kPatience).count());
  found.latencies = latencies_;
  return found;
}

void ScsLoad::AskAll() {
  const nanoseconds now = Now();
  for (const auto& connection : connections_) {
    if (!connection->fd.open()) continue;
    for (Stream& stream : connection->streams) {
      if (!stream.waits) Ask(*connection, stream, now);
    }
    Flush(*connection);
  }
}

bool ScsLoad::Await(double seconds) {
  const nanoseconds end = Now() + AsNanos(seconds);
  while (waiting_ > 0 && Now() < end) Poll(end);
  return counts_.lost() == 0;
}

void ScsLoad::AwaitFirst() {
  const nanoseconds end = Now() + kPatience;
  const uint64_t before = waiting_;
  while (waiting_ > 0 && waiting_ == before && Now() < end) Poll(end);
}

Periods ScsLoad::RunPeriods(double seconds, milliseconds period, const std::function<void(uint64_t)>& each) {
  Periods found;
  const uint64_t count = std::max<uint64_t>(1, static_cast<uint64_t>(AsNanos(seconds) / period));
  const uint64_t lost_before = counts_.lost();
  const nanoseconds begin = Now() + milliseconds(1);
  for (uint64_t n = 0; n < count; ++n) {
    const nanoseconds boundary = begin + n * nanoseconds(period);
    while (Now() < boundary) Poll(boundary);
    latencies_ = Latencies();
    AskAll();
    const nanoseconds end = boundary + period;
    while (waiting_ > 0 && Now() < end) Poll(end);
    found.late += waiting_;
    found.replies += latencies_;
    found.slowest.Add(waiting_ > 0 ? nanoseconds(period) : latencies_.max());
    if (each) each(n);
  }
  Await(std::chrono::duration<double>(kPatience).count());
  found.lost = counts_.lost() - lost_before;
  return found;
}

Status ScsLoad::MoveTo(const Endpoint& ecmg) {
  for (const auto& connection : connections_) connection->fd.Close();
  waiting_ = 0;
  HEARTH_RETURN_IF_ERROR(OpenAll(ecmg));
  for (const auto& connection : connections_) {
    for (Stream& stream : connection->streams) {
      if (!stream.waits) continue;
      --stream.cp;
      --counts_.asked;
      Ask(*connection, stream, stream.asked_at);
    }
    Flush(*connection);
  }
  return Ok();
}

}  // namespace hearth::bench
