// The messages and parameters of DVB SimulCrypt's two interfaces as data: ECMG <=> SCS (ETSI TS 103 197
// V1.5.1, clause 5) and EMMG <=> MUX (clause 6). Names are spelt as in the standard. One decoder (message.h)
// reads them; nothing else knows which parameter belongs where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::simulcrypt {

enum class Interface : uint8_t { kEcmgScs, kEmmgMux };

// Who listens for TCP: the ECMG and the MUX. Who connects: the SCS and the EMMG.
enum class Side : uint8_t { kServer, kClient };

namespace ecmg {

enum MessageType : uint16_t {
  kChannelSetup = 0x0001,
  kChannelTest = 0x0002,
  kChannelStatus = 0x0003,
  kChannelClose = 0x0004,
  kChannelError = 0x0005,
  kStreamSetup = 0x0101,
  kStreamTest = 0x0102,
  kStreamStatus = 0x0103,
  kStreamCloseRequest = 0x0104,
  kStreamCloseResponse = 0x0105,
  kStreamError = 0x0106,
  kCwProvision = 0x0201,
  kEcmResponse = 0x0202,
};

enum ParameterType : uint16_t {
  kSuperCasId = 0x0001,
  kSectionTspktFlag = 0x0002,
  kDelayStart = 0x0003,
  kDelayStop = 0x0004,
  kTransitionDelayStart = 0x0005,
  kTransitionDelayStop = 0x0006,
  kEcmRepPeriod = 0x0007,
  kMaxStreams = 0x0008,
  kMinCpDuration = 0x0009,
  kLeadCw = 0x000A,
  kCwPerMsg = 0x000B,
  kMaxCompTime = 0x000C,
  kAccessCriteria = 0x000D,
  kEcmChannelId = 0x000E,
  kEcmStreamId = 0x000F,
  kNominalCpDuration = 0x0010,
  kAccessCriteriaTransferMode = 0x0011,
  kCpNumber = 0x0012,
  kCpDuration = 0x0013,
  kCpCwCombination = 0x0014,
  kEcmDatagram = 0x0015,
  kAcDelayStart = 0x0016,
  kAcDelayStop = 0x0017,
  kCwEncryption = 0x0018,
  kEcmId = 0x0019,
  kErrorStatus = 0x7000,
  kErrorInformation = 0x7001,
};

}  // namespace ecmg

namespace emmg {

enum MessageType : uint16_t {
  kChannelSetup = 0x0011,
  kChannelTest = 0x0012,
  kChannelStatus = 0x0013,
  kChannelClose = 0x0014,
  kChannelError = 0x0015,
  kStreamSetup = 0x0111,
  kStreamTest = 0x0112,
  kStreamStatus = 0x0113,
  kStreamCloseRequest = 0x0114,
  kStreamCloseResponse = 0x0115,
  kStreamError = 0x0116,
  kStreamBwRequest = 0x0117,
  kStreamBwAllocation = 0x0118,
  kDataProvision = 0x0211,
};

enum ParameterType : uint16_t {
  kClientId = 0x0001,
  kSectionTspktFlag = 0x0002,
  kDataChannelId = 0x0003,
  kDataStreamId = 0x0004,
  kDatagram = 0x0005,
  kBandwidth = 0x0006,
  kDataType = 0x0007,
  kDataId = 0x0008,
  kErrorStatus = 0x7000,
  kErrorInformation = 0x7001,
};

}  // namespace emmg

// error_status of ECMG <=> SCS. kNone is ours: it is never sent.
enum class EcmgError : uint16_t {
  kNone = 0,
  kInvalidMessage = 0x0001,
  kUnsupportedVersion = 0x0002,
  kUnknownMessageType = 0x0003,
  kMessageTooLong = 0x0004,
  kUnknownSuperCasId = 0x0005,
  kUnknownChannelId = 0x0006,
  kUnknownStreamId = 0x0007,
  kTooManyChannels = 0x0008,
  kTooManyStreamsOnChannel = 0x0009,
  kTooManyStreamsOnEcmg = 0x000A,
  kNotEnoughControlWords = 0x000B,
  kOutOfStorage = 0x000C,
  kOutOfComputation = 0x000D,
  kUnknownParameterType = 0x000E,
  kInconsistentLength = 0x000F,
  kMissingParameter = 0x0010,
  kInvalidValue = 0x0011,
  kUnknownEcmId = 0x0012,
  kChannelIdInUse = 0x0013,
  kStreamIdInUse = 0x0014,
  kEcmIdInUse = 0x0015,
  kUnknownError = 0x7000,
  kUnrecoverable = 0x7001,
};

// error_status of EMMG <=> MUX: other numbers for the same faults.
enum class EmmgError : uint16_t {
  kNone = 0,
  kInvalidMessage = 0x0001,
  kUnsupportedVersion = 0x0002,
  kUnknownMessageType = 0x0003,
  kMessageTooLong = 0x0004,
  kUnknownStreamId = 0x0005,
  kUnknownChannelId = 0x0006,
  kTooManyChannels = 0x0007,
  kTooManyStreamsOnChannel = 0x0008,
  kTooManyStreamsOnMux = 0x0009,
  kUnknownParameterType = 0x000A,
  kInconsistentLength = 0x000B,
  kMissingParameter = 0x000C,
  kInvalidValue = 0x000D,
  kUnknownClientId = 0x000E,
  kExceededBandwidth = 0x000F,
  kUnknownDataId = 0x0010,
  kChannelIdInUse = 0x0011,
  kStreamIdInUse = 0x0012,
  kDataIdInUse = 0x0013,
  kClientIdInUse = 0x0014,
  kUnknownError = 0x7000,
  kUnrecoverable = 0x7001,
};

// A parameter, wherever it occurs: `min_bytes` to `max_bytes` of value.
struct ParameterSpec {
  uint16_t type;
  std::string_view name;
  uint16_t min_bytes;
  uint16_t max_bytes;
};

inline constexpr uint16_t kAnyCount = 0xFFFF;
// A parameter in a message: `min_count` to `max_count` times, kAnyCount without an upper bound.
struct ParameterUse {
  const ParameterSpec* parameter;
  uint16_t min_count;
  uint16_t max_count;
};

struct MessageSpec {
  uint16_t type;
  std::string_view name;
  bool to_server;  // the SCS or EMMG may send it
  bool to_client;  // the ECMG or MUX may send it
  bool is_error;   // channel_error, stream_error: never answered with an error
  bool of_stream;  // carries a stream id
  std::span<const ParameterUse> parameters;
};

struct ErrorSpec {
  uint16_t status;
  std::string_view name;
};

// The most parameters any message has.
inline constexpr size_t kMaxParameterTypes = 16;
// Parameter and message types from here on are the user's.
inline constexpr uint16_t kFirstUserType = 0x8000;

// All of one interface, ascending by type or status. Static storage; any thread.
std::span<const MessageSpec> Messages(Interface interface);
std::span<const ParameterSpec> Parameters(Interface interface);
std::span<const ErrorSpec> Errors(Interface interface);

// nullptr when the interface has no such message.
const MessageSpec* FindMessage(Interface interface, uint16_t type);
// "CW_provision", "unknown ECM_stream_id"; "unknown" when the table has no row.
std::string_view MessageName(Interface interface, uint16_t type);
std::string_view ErrorName(Interface interface, uint16_t status);
inline std::string_view ErrorName(EcmgError e) {
  return ErrorName(Interface::kEcmgScs, static_cast<uint16_t>(e));
}
inline std::string_view ErrorName(EmmgError e) {
  return ErrorName(Interface::kEmmgMux, static_cast<uint16_t>(e));
}

// Super_CAS_id and client_id alike: CA_system_id in the upper 16 bits, the subsystem's or client's own number
// in the lower.
constexpr uint32_t MakeCasId(uint16_t ca_system_id, uint16_t subsystem_id) {
  return static_cast<uint32_t>(ca_system_id) << 16 | subsystem_id;
}
constexpr uint16_t CaSystemId(uint32_t cas_id) { return static_cast<uint16_t>(cas_id >> 16); }
constexpr uint16_t CaSubsystemId(uint32_t cas_id) { return static_cast<uint16_t>(cas_id); }

}  // namespace hearth::simulcrypt
