// Values that both ends of EMMG <=> MUX speak of, and data_provision, which also goes over UDP.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "src/base/bytes.h"
#include "src/simulcrypt/message.h"

namespace hearth::simulcrypt {

enum class DataType : uint8_t { kEmm = 0, kPrivateData = 1, kEcm = 2 };

// Names one data stream. On UDP the channel and stream ids may be left out.
struct DataAddress {
  uint32_t client_id = 0;
  std::optional<uint16_t> channel_id;
  std::optional<uint16_t> stream_id;
  // Unique per client_id across the system and stable: the CAT maps (client_id, data_id) to a PID.
  uint16_t data_id = 0;
};

// Appends one data_provision with these datagrams (sections or whole TS packets, as agreed), at least one.
// False, and `out` as before, when it would be longer than `max_message_bytes` or there is no datagram. A UDP
// payload that must not be fragmented has at most 1,472 bytes.
[[nodiscard]] bool WriteDataProvision(Bytes& out, uint8_t version, const DataAddress& address,
                                      std::span<const ByteView> datagrams, size_t max_message_bytes);
// Bytes of that message without its datagrams; each adds kParameterHeaderBytes and its own.
size_t DataProvisionBytes(const DataAddress& address);

// True for whole TS packets, each with its sync byte: a packet without one was seen to hang a MUX.
bool AreTsPackets(ByteView datagram);
// True for one or several whole sections (ISO/IEC 13818-1), by their section_length.
bool AreSections(ByteView datagram);

}  // namespace hearth::simulcrypt
