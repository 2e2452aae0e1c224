#include "tests/ts/peers.h"

#include <algorithm>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace hearth::ts {
namespace {

using simulcrypt::EcmgError;
using simulcrypt::EmmgSession;

simulcrypt::SteadyTime Now() { return std::chrono::steady_clock::now().time_since_epoch(); }

}  // namespace

class EcmgThread::Peer final : public simulcrypt::EcmgHost {
 public:
  Peer(EcmgThread& owner, net::Fd fd) : owner_(owner), fd_(std::move(fd)) {
    session_ = simulcrypt::EcmgSession::Create({}, *this, Now()).value();
  }

  EcmgError OpenChannel(simulcrypt::EcmgChannel& channel,
                        simulcrypt::ChannelParameters& parameters) override {
    if (channel.super_cas_id != owner_.options_.super_cas_id) return EcmgError::kUnknownSuperCasId;
    parameters = owner_.options_.parameters;
    return EcmgError::kNone;
  }
  void CloseChannel(const simulcrypt::EcmgChannel&) override {}
  EcmgError OpenStream(const simulcrypt::EcmgChannel&, simulcrypt::EcmgStream& stream) override {
    return stream.ecm_id < 100 ? EcmgError::kUnknownEcmId : EcmgError::kNone;
  }
  void CloseStream(const simulcrypt::EcmgChannel&, const simulcrypt::EcmgStream&) override {}
  EcmgError MakeEcm(const simulcrypt::CwProvision& provision, Bytes& datagram) override {
    std::vector<Bytes> words;
    for (const simulcrypt::CpCw& one : provision.cws) words.emplace_back(one.cw.begin(), one.cw.end());
    if (provision.access_criteria) {
      const MutexLock lock(owner_.mu_);
      owner_.last_criteria_.assign(provision.access_criteria->begin(), provision.access_criteria->end());
    }
    const receiver::EcmHead head{provision.cws[0].cp % 2 == 0 ? receiver::kEcmEven : receiver::kEcmOdd,
                                 ServiceId(provision.stream.ecm_id), Epoch(21), receiver::kNow};
    const std::vector<receiver::AcRecord> criteria(words.size(), {1, 0, 0});
    const Bytes section = receiver::air::MakeEcm(owner_.home_.service_key, head, criteria, words);
    datagram.insert(datagram.end(), section.begin(), section.end());
    ++owner_.ecms_;
    return EcmgError::kNone;
  }

  int fd() const { return fd_.get(); }
  // False when it is over.
  bool Work() {
    Bytes in;
    const bool alive = net::ReadSome(fd_, &in);
    // The version of a message is the first of its bytes.
    if (!in.empty() && in[0] > owner_.options_.highest_version) {
      simulcrypt::MessageWriter writer(out_, owner_.options_.highest_version,
                                       simulcrypt::ecmg::kChannelError);
      writer.U16(simulcrypt::ecmg::kEcmChannelId, 1)
          .U16(simulcrypt::ecmg::kErrorStatus, static_cast<uint16_t>(EcmgError::kUnsupportedVersion));
      const bool written = writer.Finish();
      in.clear();
      if (!written) return false;
    }
    session_->Push(in, Now(), out_);
    return net::WriteSome(fd_, &out_) && alive && !session_->should_close();
  }

 private:
  EcmgThread& owner_;
  net::Fd fd_;
  std::unique_ptr<simulcrypt::EcmgSession> session_;
  Bytes out_;
};

EcmgThread::EcmgThread(const receiver::Home& home, const Options& options) : home_(home), options_(options) {
  listener_ = net::ListenTcp({"127.0.0.1", 0}).value();
  thread_ = std::thread([this] { Serve(); });
}

EcmgThread::~EcmgThread() {
  stop_ = true;
  thread_.join();
}

std::string EcmgThread::address() const { return fmt::format("127.0.0.1:{}", net::LocalPort(listener_)); }

void EcmgThread::Serve() {
  while (!stop_) {
    std::vector<pollfd> waiting = {{listener_.get(), POLLIN, 0}};
    for (const auto& peer : peers_) waiting.push_back({peer->fd(), POLLIN, 0});
    poll(waiting.data(), waiting.size(), 20);
    for (size_t i = peers_.size(); i-- > 0;) {
      if (waiting[i + 1].revents == 0 || peers_[i]->Work()) continue;
      peers_.erase(peers_.begin() + static_cast<ptrdiff_t>(i));
    }
    if (options_.close_after_ecms >= 0 && ecms_ >= options_.close_after_ecms) {
      peers_.clear();
      return;
    }
    while (auto fd = net::Accept(listener_)) {
      ++connections_;
      peers_.push_back(std::make_unique<Peer>(*this, *std::move(fd)));
    }
  }
}

namespace {

class QuietEmmg final : public simulcrypt::EmmgHost {
 public:
  void OnBandwidth(uint16_t kbps) override { granted = kbps; }
  uint16_t granted = 0;
};

void SendUdp(uint16_t port, const Bytes& payload) {
  const net::Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sendto(fd.get(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

}  // namespace

EmmgResult SendEmms(uint16_t port, const simulcrypt::EmmgOptions& options,
                    const std::vector<Bytes>& datagrams, uint16_t udp_port) {
  EmmgResult result;
  QuietEmmg host;
  auto connected = net::ConnectTcp({"127.0.0.1", port}, std::chrono::seconds(5));
  if (!connected) return {false, 0, connected.error().message()};
  const net::Fd fd = *std::move(connected);
  const auto session = EmmgSession::Create(options, host).value();
  Bytes out;
  session->Start(Now(), out);
  const auto end = Now() + std::chrono::seconds(20);
  while (Now() < end && !session->should_close()) {
    pollfd waiting{fd.get(), POLLIN, 0};
    poll(&waiting, 1, 10);
    Bytes in;
    const bool alive = net::ReadSome(fd, &in);
    session->Push(in, Now(), out);
    session->Tick(Now(), out);
    if (session->state() == EmmgSession::State::kReady && !result.sent) {
      result.granted_kbps = session->bandwidth_kbps();
      for (const Bytes& datagram : datagrams) {
        const ByteView view = datagram;
        if (udp_port != 0) {
          Bytes payload;
          if (!simulcrypt::WriteDataProvision(payload, 3, session->address(), {&view, 1}, 1472))
            return result;
          SendUdp(udp_port, payload);
        } else if (session->Send({&view, 1}, out) != EmmgSession::SendResult::kSent) {
          return result;
        }
      }
      result.sent = true;
      // UDP may be overtaken by the close over TCP.
      if (udp_port != 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
      session->Close(Now(), out);
    }
    if (!net::WriteSome(fd, &out) || !alive) break;
  }
  if (session->failure()) result.failure = session->failure()->text;
  return result;
}

}  // namespace hearth::ts
