#include "src/simulcrypt/ecmg_types.h"

namespace hearth::simulcrypt {

Status CheckChannelParameters(const ChannelParameters& parameters) {
  if (parameters.cw_per_msg == 0) return InvalidField("cw_per_msg", "1 to 255");
  return Ok();
}

void WriteChannelStatus(Bytes& out, uint8_t version, uint16_t channel_id,
                        const ChannelParameters& parameters) {
  MessageWriter writer(out, version, ecmg::kChannelStatus);
  const auto maybe = [&writer](uint16_t type, std::optional<int16_t> value) {
    if (value) writer.S16(type, *value);
  };
  writer.U16(ecmg::kEcmChannelId, channel_id).U8(ecmg::kSectionTspktFlag, parameters.ts_packets ? 1 : 0);
  maybe(ecmg::kAcDelayStart, parameters.ac_delay_start_ms);
  maybe(ecmg::kAcDelayStop, parameters.ac_delay_stop_ms);
  writer.S16(ecmg::kDelayStart, parameters.delay_start_ms).S16(ecmg::kDelayStop, parameters.delay_stop_ms);
  maybe(ecmg::kTransitionDelayStart, parameters.transition_delay_start_ms);
  maybe(ecmg::kTransitionDelayStop, parameters.transition_delay_stop_ms);
  writer.U16(ecmg::kEcmRepPeriod, parameters.ecm_rep_period_ms)
      .U16(ecmg::kMaxStreams, parameters.max_streams)
      .U16(ecmg::kMinCpDuration, parameters.min_cp_duration_100ms)
      .U8(ecmg::kLeadCw, parameters.lead_cw)
      .U8(ecmg::kCwPerMsg, parameters.cw_per_msg)
      .U16(ecmg::kMaxCompTime, parameters.max_comp_time_ms);
  static_cast<void>(writer.Finish());  // far below the bound
}

ChannelParameters ReadChannelStatus(const MessageView& message) {
  const auto maybe = [&message](uint16_t type) {
    return message.Has(type) ? std::optional<int16_t>(message.S16(type)) : std::nullopt;
  };
  ChannelParameters parameters;
  parameters.ts_packets = message.U8(ecmg::kSectionTspktFlag) != 0;
  parameters.ac_delay_start_ms = maybe(ecmg::kAcDelayStart);
  parameters.ac_delay_stop_ms = maybe(ecmg::kAcDelayStop);
  parameters.delay_start_ms = message.S16(ecmg::kDelayStart);
  parameters.delay_stop_ms = message.S16(ecmg::kDelayStop);
  parameters.transition_delay_start_ms = maybe(ecmg::kTransitionDelayStart);
  parameters.transition_delay_stop_ms = maybe(ecmg::kTransitionDelayStop);
  parameters.ecm_rep_period_ms = message.U16(ecmg::kEcmRepPeriod);
  parameters.max_streams = message.U16(ecmg::kMaxStreams);
  parameters.min_cp_duration_100ms = message.U16(ecmg::kMinCpDuration);
  parameters.lead_cw = message.U8(ecmg::kLeadCw);
  parameters.cw_per_msg = message.U8(ecmg::kCwPerMsg);
  parameters.max_comp_time_ms = message.U16(ecmg::kMaxCompTime);
  return parameters;
}

}  // namespace hearth::simulcrypt
