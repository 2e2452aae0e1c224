#include "src/gateway/ecmg_host.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::gateway {
namespace {

using simulcrypt::EcmgError;
using std::chrono::milliseconds;

// The SCS puts the packets on a PID of its own.
constexpr mpegts::Pid kPidBeforeScs{0x1FF0};
constexpr int kErrorsLogged = 20;  // of one connection

// What OpenStream put there: the session keeps a number for its host.
StreamSeries& SeriesAt(const simulcrypt::EcmgStream& stream) {
  return *reinterpret_cast<StreamSeries*>(stream.ref);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

EcmgShared::EcmgShared(const EcmgServerOptions& server_options, const EcmMaker& ecm_maker,
                       MetricsRegistry& registry, Logger& logger)
    : options(server_options),
      maker(ecm_maker),
      metrics(registry),
      log(logger),
      response_seconds(registry.GetHistogram(
          "hearth_ecmg_response_seconds", "From the arrival of a CW_provision to its ECM_response.",
          {0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1})),
      connections_gauge(registry.GetGauge("hearth_ecmg_connections", "Scramblers connected.")),
      channels_gauge(registry.GetGauge("hearth_ecmg_channels", "ECM channels open.")),
      streams_gauge(registry.GetGauge("hearth_ecmg_streams", "ECM streams open.")),
      overload_gauge(
          registry.GetGauge("hearth_ecmg_overloaded", "1 while new channels and streams are refused.")) {}

StreamSeries& EcmgShared::SeriesOf(uint16_t ecm_id) {
  const MutexLock lock(mu_);
  auto& series = series_[ecm_id];
  if (!series) {
    const Labels labels{{"ecm_id", std::to_string(ecm_id)}};
    series = std::make_unique<StreamSeries>();
    series->requests =
        &metrics.GetCounter("hearth_ecmg_requests_total", "CW_provisions of a stream, by ECM_id.", labels);
    series->other_criteria = &metrics.GetCounter(
        "hearth_ecmg_other_criteria_total",
        "CW_provisions whose access_criteria were other than the schedule's, by ECM_id.", labels);
    series->open_gauge = &metrics.GetGauge("hearth_ecmg_streams_open",
                                           "Streams open, by ECM_id: one for each scrambler.", labels);
  }
  return *series;
}

void EcmgShared::CountError(const char* direction, uint16_t status) {
  metrics
      .GetCounter("hearth_ecmg_errors_total", "SimulCrypt errors with scramblers, by error_status.",
                  {{"direction", direction}, {"error_status", fmt::format("0x{:04X}", status)}})
      .Increment();
}

EcmgError ConnectionHost::OpenChannel(simulcrypt::EcmgChannel& channel,
                                      simulcrypt::ChannelParameters& parameters) {
  const auto& known = shared_.options.super_cas_ids;
  if (std::find(known.begin(), known.end(), channel.super_cas_id) == known.end()) {
    shared_.log.Warn("ecmg.unknown_super_cas_id",
                     {{"scrambler", peer_}, {"super_cas_id", fmt::format("0x{:08X}", channel.super_cas_id)}});
    return EcmgError::kUnknownSuperCasId;
  }
  if (shared_.overloaded.load()) return EcmgError::kOutOfComputation;
  parameters = shared_.options.channel;
  shared_.channels_gauge.Set(++shared_.channels);
  shared_.log.Info("ecmg.channel_open", {{"scrambler", peer_}, {"channel", channel.channel_id}});
  return EcmgError::kNone;
}

void ConnectionHost::CloseChannel(const simulcrypt::EcmgChannel& channel) {
  shared_.channels_gauge.Set(--shared_.channels);
  shared_.log.Info("ecmg.channel_closed", {{"scrambler", peer_}, {"channel", channel.channel_id}});
}

EcmgError ConnectionHost::OpenStream(const simulcrypt::EcmgChannel& /*channel*/,
                                     simulcrypt::EcmgStream& stream) {
  if (!shared_.maker.Knows(ServiceId(stream.ecm_id))) {
    shared_.log.Warn("ecmg.unknown_ecm_id", {{"scrambler", peer_}, {"ecm_id", stream.ecm_id}});
    return EcmgError::kUnknownEcmId;
  }
  if (stream.nominal_cp_duration_100ms < shared_.options.channel.min_cp_duration_100ms) {
    return EcmgError::kInvalidValue;
  }
  if (shared_.overloaded.load()) return EcmgError::kOutOfComputation;
  const size_t streams = ++shared_.streams;
  if (streams > shared_.options.max_streams) {
    --shared_.streams;
    return EcmgError::kTooManyStreamsOnEcmg;
  }
  StreamSeries& series = shared_.SeriesOf(stream.ecm_id);
  series.open_gauge->Set(++series.open);
  shared_.streams_gauge.Set(static_cast<double>(streams));
  stream.ref = reinterpret_cast<uintptr_t>(&series);
  return EcmgError::kNone;
}

void ConnectionHost::CloseStream(const simulcrypt::EcmgChannel& /*channel*/,
                                 const simulcrypt::EcmgStream& stream) {
  StreamSeries& series = SeriesAt(stream);
  series.open_gauge->Set(--series.open);
  shared_.streams_gauge.Set(static_cast<double>(--shared_.streams));
}

EcmgError ConnectionHost::MakeEcm(const simulcrypt::CwProvision& provision, Bytes& datagram) {
  StreamSeries& series = SeriesAt(provision.stream);
  series.requests->Increment();
  const uint16_t period = provision.cp_duration_100ms.value_or(provision.stream.nominal_cp_duration_100ms);
  const EcmDemand demand{.service = ServiceId(provision.stream.ecm_id),
                         .cp_number = provision.cp_number,
                         .words = provision.cws,
                         .crypto_period = milliseconds(100) * period,
                         .access_criteria = provision.access_criteria};
  EcmgError error = EcmgError::kNone;
  switch (shared_.maker.Make(demand, datagram)) {
    case EcmOutcome::kMade:
      break;
    case EcmOutcome::kMadeOtherCriteria:
      OtherCriteria(provision, series);
      if (shared_.options.strict_criteria) return EcmgError::kInvalidValue;
      break;
    case EcmOutcome::kUnknownChannel:  // taken out of the schedule while the stream was open
      return EcmgError::kUnknownEcmId;
    case EcmOutcome::kNoKey:
      return EcmgError::kUnknownError;
    case EcmOutcome::kBadWord:
      return EcmgError::kInvalidValue;
  }
  if (shared_.options.channel.ts_packets) error = ToPackets(datagram);
  const auto spent = std::chrono::steady_clock::now().time_since_epoch() - received_;
  shared_.response_seconds.Observe(std::chrono::duration<double>(spent).count());
  return error;
}

// The schedule is what was approved; what a scrambler was set to by hand is not.
void ConnectionHost::OtherCriteria(const simulcrypt::CwProvision& provision, StreamSeries& series) {
  series.other_criteria->Increment();
  if (!provision.criteria_changed) return;
  shared_.log.Warn("ecmg.other_criteria", {{"scrambler", peer_},
                                           {"ecm_id", provision.stream.ecm_id},
                                           {"refused", shared_.options.strict_criteria}});
}

EcmgError ConnectionHost::ToPackets(Bytes& datagram) {
  packets_.clear();
  mpegts::Packetiser packetiser(kPidBeforeScs, mpegts::Packing::kPadded);
  if (!packetiser.Add(datagram, &packets_)) return EcmgError::kUnknownError;
  datagram.clear();
  for (const mpegts::Packet& packet : packets_) datagram.insert(datagram.end(), packet.begin(), packet.end());
  return EcmgError::kNone;
}

void ConnectionHost::OnErrorReceived(uint16_t status) { NoteError("received", status); }

void ConnectionHost::OnErrorSent(uint16_t status) { NoteError("sent", status); }

void ConnectionHost::NoteError(const char* direction, uint16_t status) {
  shared_.CountError(direction, status);
  // A scrambler that repeats itself must not fill the log.
  if (++errors_ > kErrorsLogged) return;
  shared_.log.Warn("ecmg.error", {{"scrambler", peer_},
                                  {"direction", direction},
                                  {"error_status", fmt::format("0x{:04X}", status)},
                                  {"logging_more", errors_ < kErrorsLogged}});
}

}  // namespace hearth::gateway
