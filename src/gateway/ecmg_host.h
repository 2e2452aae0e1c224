// What the sessions of all connections of an ECMG share, and what each of them asks. Not part of the
// interface of src/gateway.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "src/base/mutex.h"
#include "src/gateway/ecmg_server.h"
#include "src/mpegts/packet.h"

namespace hearth::gateway {

// The series of one ECM_id. Any thread.
struct StreamSeries {
  Counter* requests;
  Counter* other_criteria;
  Gauge* open_gauge;
  std::atomic<int> open{0};
};

// Any thread.
class EcmgShared {
 public:
  EcmgShared(const EcmgServerOptions& options, const EcmMaker& maker, MetricsRegistry& metrics, Logger& log);

  // Made at the first stream of an ECM_id the schedule knows, so that nobody can make series at will.
  StreamSeries& SeriesOf(uint16_t ecm_id);
  void CountError(const char* direction, uint16_t status);

  const EcmgServerOptions& options;
  const EcmMaker& maker;
  MetricsRegistry& metrics;
  Logger& log;
  Histogram& response_seconds;
  Gauge& connections_gauge;
  Gauge& channels_gauge;
  Gauge& streams_gauge;
  Gauge& overload_gauge;
  std::atomic<int> connections{0};
  std::atomic<int> channels{0};
  std::atomic<size_t> streams{0};
  std::atomic<bool> overloaded{false};

 private:
  Mutex mu_;
  std::map<uint16_t, std::unique_ptr<StreamSeries>> series_ HEARTH_GUARDED_BY(mu_);
};

// The host of one connection's session; on that connection's thread.
class ConnectionHost final : public simulcrypt::EcmgHost {
 public:
  ConnectionHost(EcmgShared& shared, std::string peer) : shared_(shared), peer_(std::move(peer)) {}

  // Before Push: when the bytes came.
  void ReceivedAt(std::chrono::nanoseconds time) { received_ = time; }
  const std::string& peer() const { return peer_; }

  simulcrypt::EcmgError OpenChannel(simulcrypt::EcmgChannel& channel,
                                    simulcrypt::ChannelParameters& parameters) override;
  void CloseChannel(const simulcrypt::EcmgChannel& channel) override;
  simulcrypt::EcmgError OpenStream(const simulcrypt::EcmgChannel& channel,
                                   simulcrypt::EcmgStream& stream) override;
  void CloseStream(const simulcrypt::EcmgChannel& channel, const simulcrypt::EcmgStream& stream) override;
  simulcrypt::EcmgError MakeEcm(const simulcrypt::CwProvision& provision, Bytes& datagram) override;
  void OnErrorReceived(uint16_t status) override;
  void OnErrorSent(uint16_t status) override;

 private:
  void OtherCriteria(const simulcrypt::CwProvision& provision, StreamSeries& series);
  simulcrypt::EcmgError ToPackets(Bytes& datagram);
  void NoteError(const char* direction, uint16_t status);

  EcmgShared& shared_;
  const std::string peer_;
  std::chrono::nanoseconds received_{0};
  int errors_ = 0;
  std::vector<mpegts::Packet> packets_;
};

}  // namespace hearth::gateway
