// Values that both ends of ECMG <=> SCS speak of.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/simulcrypt/message.h"

namespace hearth::simulcrypt {

// channel_status (TS 103 197, 5.3 and 5.5): what an ECMG tells of itself. Defaults are what most equipment
// takes.
struct ChannelParameters {
  bool ts_packets = false;  // section_TSpkt_flag: ECM_datagrams are TS packets, else sections
  std::optional<int16_t> ac_delay_start_ms;
  std::optional<int16_t> ac_delay_stop_ms;
  // With lead_CW 1 and CW_per_msg 2: 0 to 500. A negative one takes the ECM with the current CW off the air.
  int16_t delay_start_ms = 0;
  int16_t delay_stop_ms = 0;
  std::optional<int16_t> transition_delay_start_ms;
  std::optional<int16_t> transition_delay_stop_ms;
  uint16_t ecm_rep_period_ms = 100;
  uint16_t max_streams = 0;  // 0: no bound of this channel's own
  uint16_t min_cp_duration_100ms = 10;
  uint8_t lead_cw = 1;
  uint8_t cw_per_msg = 2;
  uint16_t max_comp_time_ms = 100;

  bool operator==(const ChannelParameters&) const = default;
};

// FIELD_INVALID: cw_per_msg 0.
Status CheckChannelParameters(const ChannelParameters& parameters);

// channel_status with these parameters.
void WriteChannelStatus(Bytes& out, uint8_t version, uint16_t channel_id,
                        const ChannelParameters& parameters);
ChannelParameters ReadChannelStatus(const MessageView& message);

// One CP_CW_combination. `cw` (8 or 16 bytes) is a clear key, taken as it is; it points into the buffer the
// message came in.
struct CpCw {
  uint16_t cp = 0;
  ByteView cw;
};

// The CP of the first CW that belongs into a message: CP_number + lead_CW - CW_per_msg + 1, modulo 65,536.
// CW_per_msg of them follow each other.
constexpr uint16_t FirstCp(uint16_t cp_number, uint8_t lead_cw, uint8_t cw_per_msg) {
  return static_cast<uint16_t>(cp_number + lead_cw - cw_per_msg + 1);
}

}  // namespace hearth::simulcrypt
