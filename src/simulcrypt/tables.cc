#include "src/simulcrypt/tables.h"

#include <algorithm>
#include <cstdlib>

namespace hearth::simulcrypt {
namespace {

constexpr uint16_t kAnyBytes = 0xFFFF;

constexpr ParameterSpec kEcmgParameters[] = {
    {ecmg::kSuperCasId, "Super_CAS_id", 4, 4},
    {ecmg::kSectionTspktFlag, "section_TSpkt_flag", 1, 1},
    {ecmg::kDelayStart, "delay_start", 2, 2},
    {ecmg::kDelayStop, "delay_stop", 2, 2},
    {ecmg::kTransitionDelayStart, "transition_delay_start", 2, 2},
    {ecmg::kTransitionDelayStop, "transition_delay_stop", 2, 2},
    {ecmg::kEcmRepPeriod, "ECM_rep_period", 2, 2},
    {ecmg::kMaxStreams, "max_streams", 2, 2},
    {ecmg::kMinCpDuration, "min_CP_duration", 2, 2},
    {ecmg::kLeadCw, "lead_CW", 1, 1},
    {ecmg::kCwPerMsg, "CW_per_msg", 1, 1},
    {ecmg::kMaxCompTime, "max_comp_time", 2, 2},
    {ecmg::kAccessCriteria, "access_criteria", 0, kAnyBytes},
    {ecmg::kEcmChannelId, "ECM_channel_id", 2, 2},
    {ecmg::kEcmStreamId, "ECM_stream_id", 2, 2},
    {ecmg::kNominalCpDuration, "nominal_CP_duration", 2, 2},
    {ecmg::kAccessCriteriaTransferMode, "access_criteria_transfer_mode", 1, 1},
    {ecmg::kCpNumber, "CP_number", 2, 2},
    {ecmg::kCpDuration, "CP_duration", 2, 2},
    // CP and a CW. Clear CWs have 8 or 16 bytes, which the session checks: encrypted ones may be longer.
    {ecmg::kCpCwCombination, "CP_CW_combination", 10, kAnyBytes},
    {ecmg::kEcmDatagram, "ECM_datagram", 0, kAnyBytes},
    {ecmg::kAcDelayStart, "AC_delay_start", 2, 2},
    {ecmg::kAcDelayStop, "AC_delay_stop", 2, 2},
    {ecmg::kCwEncryption, "CW_encryption", 0, kAnyBytes},
    {ecmg::kEcmId, "ECM_id", 2, 2},
    {ecmg::kErrorStatus, "error_status", 2, 2},
    {ecmg::kErrorInformation, "error_information", 0, kAnyBytes},
};

constexpr ParameterSpec kEmmgParameters[] = {
    {emmg::kClientId, "client_id", 4, 4},
    {emmg::kSectionTspktFlag, "section_TSpkt_flag", 1, 1},
    {emmg::kDataChannelId, "data_channel_id", 2, 2},
    {emmg::kDataStreamId, "data_stream_id", 2, 2},
    {emmg::kDatagram, "datagram", 0, kAnyBytes},
    {emmg::kBandwidth, "bandwidth", 2, 2},
    {emmg::kDataType, "data_type", 1, 1},
    {emmg::kDataId, "data_id", 2, 2},
    {emmg::kErrorStatus, "error_status", 2, 2},
    {emmg::kErrorInformation, "error_information", 0, kAnyBytes},
};

// An unknown type is an error of these tables and does not compile.
constexpr const ParameterSpec* Find(std::span<const ParameterSpec> table, uint16_t type) {
  for (const ParameterSpec& row : table) {
    if (row.type == type) return &row;
  }
  std::abort();
}
constexpr ParameterUse One(ecmg::ParameterType type) { return {Find(kEcmgParameters, type), 1, 1}; }
constexpr ParameterUse Maybe(ecmg::ParameterType type) { return {Find(kEcmgParameters, type), 0, 1}; }
constexpr ParameterUse Some(ecmg::ParameterType type) { return {Find(kEcmgParameters, type), 1, kAnyCount}; }
constexpr ParameterUse Any(ecmg::ParameterType type) { return {Find(kEcmgParameters, type), 0, kAnyCount}; }
constexpr ParameterUse One(emmg::ParameterType type) { return {Find(kEmmgParameters, type), 1, 1}; }
constexpr ParameterUse Maybe(emmg::ParameterType type) { return {Find(kEmmgParameters, type), 0, 1}; }
constexpr ParameterUse Some(emmg::ParameterType type) { return {Find(kEmmgParameters, type), 1, kAnyCount}; }
constexpr ParameterUse Any(emmg::ParameterType type) { return {Find(kEmmgParameters, type), 0, kAnyCount}; }

// CW_per_msg is one byte.
constexpr uint16_t kMaxCwPerMsg = 255;

constexpr ParameterUse kEcmgChannel[] = {One(ecmg::kEcmChannelId)};
constexpr ParameterUse kEcmgChannelSetup[] = {One(ecmg::kEcmChannelId), One(ecmg::kSuperCasId)};
constexpr ParameterUse kEcmgChannelStatus[] = {One(ecmg::kEcmChannelId),
                                               One(ecmg::kSectionTspktFlag),
                                               Maybe(ecmg::kAcDelayStart),
                                               Maybe(ecmg::kAcDelayStop),
                                               One(ecmg::kDelayStart),
                                               One(ecmg::kDelayStop),
                                               Maybe(ecmg::kTransitionDelayStart),
                                               Maybe(ecmg::kTransitionDelayStop),
                                               One(ecmg::kEcmRepPeriod),
                                               One(ecmg::kMaxStreams),
                                               One(ecmg::kMinCpDuration),
                                               One(ecmg::kLeadCw),
                                               One(ecmg::kCwPerMsg),
                                               One(ecmg::kMaxCompTime)};
constexpr ParameterUse kEcmgChannelError[] = {One(ecmg::kEcmChannelId), Some(ecmg::kErrorStatus),
                                              Any(ecmg::kErrorInformation)};
constexpr ParameterUse kEcmgStream[] = {One(ecmg::kEcmChannelId), One(ecmg::kEcmStreamId)};
constexpr ParameterUse kEcmgStreamSetup[] = {One(ecmg::kEcmChannelId), One(ecmg::kEcmStreamId),
                                             One(ecmg::kEcmId), One(ecmg::kNominalCpDuration)};
constexpr ParameterUse kEcmgStreamStatus[] = {One(ecmg::kEcmChannelId), One(ecmg::kEcmStreamId),
                                              One(ecmg::kEcmId), One(ecmg::kAccessCriteriaTransferMode)};
constexpr ParameterUse kEcmgStreamError[] = {One(ecmg::kEcmChannelId), One(ecmg::kEcmStreamId),
                                             Some(ecmg::kErrorStatus), Any(ecmg::kErrorInformation)};
constexpr ParameterUse kEcmgCwProvision[] = {
    One(ecmg::kEcmChannelId),    One(ecmg::kEcmStreamId),
    One(ecmg::kCpNumber),        {Find(kEcmgParameters, ecmg::kCpCwCombination), 1, kMaxCwPerMsg},
    Maybe(ecmg::kCwEncryption),  Maybe(ecmg::kCpDuration),
    Maybe(ecmg::kAccessCriteria)};
constexpr ParameterUse kEcmgEcmResponse[] = {One(ecmg::kEcmChannelId), One(ecmg::kEcmStreamId),
                                             One(ecmg::kCpNumber), One(ecmg::kEcmDatagram)};

constexpr MessageSpec kEcmgMessages[] = {
    {ecmg::kChannelSetup, "channel_setup", true, false, false, false, kEcmgChannelSetup},
    {ecmg::kChannelTest, "channel_test", true, true, false, false, kEcmgChannel},
    {ecmg::kChannelStatus, "channel_status", true, true, false, false, kEcmgChannelStatus},
    {ecmg::kChannelClose, "channel_close", true, false, false, false, kEcmgChannel},
    {ecmg::kChannelError, "channel_error", true, true, true, false, kEcmgChannelError},
    {ecmg::kStreamSetup, "stream_setup", true, false, false, true, kEcmgStreamSetup},
    {ecmg::kStreamTest, "stream_test", true, true, false, true, kEcmgStream},
    {ecmg::kStreamStatus, "stream_status", true, true, false, true, kEcmgStreamStatus},
    {ecmg::kStreamCloseRequest, "stream_close_request", true, false, false, true, kEcmgStream},
    {ecmg::kStreamCloseResponse, "stream_close_response", false, true, false, true, kEcmgStream},
    {ecmg::kStreamError, "stream_error", true, true, true, true, kEcmgStreamError},
    {ecmg::kCwProvision, "CW_provision", true, false, false, true, kEcmgCwProvision},
    {ecmg::kEcmResponse, "ECM_response", false, true, false, true, kEcmgEcmResponse},
};

constexpr ParameterUse kEmmgChannel[] = {One(emmg::kClientId), One(emmg::kDataChannelId)};
constexpr ParameterUse kEmmgChannelMode[] = {One(emmg::kClientId), One(emmg::kDataChannelId),
                                             One(emmg::kSectionTspktFlag)};
constexpr ParameterUse kEmmgChannelError[] = {One(emmg::kClientId), One(emmg::kDataChannelId),
                                              Some(emmg::kErrorStatus), Any(emmg::kErrorInformation)};
constexpr ParameterUse kEmmgStream[] = {One(emmg::kClientId), One(emmg::kDataChannelId),
                                        One(emmg::kDataStreamId)};
constexpr ParameterUse kEmmgStreamData[] = {One(emmg::kClientId), One(emmg::kDataChannelId),
                                            One(emmg::kDataStreamId), One(emmg::kDataId),
                                            One(emmg::kDataType)};
constexpr ParameterUse kEmmgStreamError[] = {One(emmg::kClientId), One(emmg::kDataChannelId),
                                             One(emmg::kDataStreamId), Some(emmg::kErrorStatus),
                                             Any(emmg::kErrorInformation)};
constexpr ParameterUse kEmmgStreamBandwidth[] = {One(emmg::kClientId), One(emmg::kDataChannelId),
                                                 One(emmg::kDataStreamId), Maybe(emmg::kBandwidth)};
// Both ids are mandatory on TCP, which the session checks; UDP may leave them out.
constexpr ParameterUse kEmmgDataProvision[] = {One(emmg::kClientId), Maybe(emmg::kDataChannelId),
                                               Maybe(emmg::kDataStreamId), One(emmg::kDataId),
                                               Some(emmg::kDatagram)};

constexpr MessageSpec kEmmgMessages[] = {
    {emmg::kChannelSetup, "channel_setup", true, false, false, false, kEmmgChannelMode},
    {emmg::kChannelTest, "channel_test", true, true, false, false, kEmmgChannel},
    {emmg::kChannelStatus, "channel_status", true, true, false, false, kEmmgChannelMode},
    {emmg::kChannelClose, "channel_close", true, false, false, false, kEmmgChannel},
    {emmg::kChannelError, "channel_error", true, true, true, false, kEmmgChannelError},
    {emmg::kStreamSetup, "stream_setup", true, false, false, true, kEmmgStreamData},
    {emmg::kStreamTest, "stream_test", true, true, false, true, kEmmgStream},
    {emmg::kStreamStatus, "stream_status", true, true, false, true, kEmmgStreamData},
    {emmg::kStreamCloseRequest, "stream_close_request", true, false, false, true, kEmmgStream},
    {emmg::kStreamCloseResponse, "stream_close_response", false, true, false, true, kEmmgStream},
    {emmg::kStreamError, "stream_error", true, true, true, true, kEmmgStreamError},
    {emmg::kStreamBwRequest, "stream_BW_request", true, false, false, true, kEmmgStreamBandwidth},
    {emmg::kStreamBwAllocation, "stream_BW_allocation", false, true, false, true, kEmmgStreamBandwidth},
    {emmg::kDataProvision, "data_provision", true, false, false, true, kEmmgDataProvision},
};

constexpr ErrorSpec Row(EcmgError error, std::string_view name) {
  return {static_cast<uint16_t>(error), name};
}
constexpr ErrorSpec Row(EmmgError error, std::string_view name) {
  return {static_cast<uint16_t>(error), name};
}

constexpr ErrorSpec kEcmgErrors[] = {
    Row(EcmgError::kInvalidMessage, "invalid message"),
    Row(EcmgError::kUnsupportedVersion, "unsupported protocol version"),
    Row(EcmgError::kUnknownMessageType, "unknown message_type"),
    Row(EcmgError::kMessageTooLong, "message too long"),
    Row(EcmgError::kUnknownSuperCasId, "unknown Super_CAS_id"),
    Row(EcmgError::kUnknownChannelId, "unknown ECM_channel_id"),
    Row(EcmgError::kUnknownStreamId, "unknown ECM_stream_id"),
    Row(EcmgError::kTooManyChannels, "too many channels on this ECMG"),
    Row(EcmgError::kTooManyStreamsOnChannel, "too many ECM streams on this channel"),
    Row(EcmgError::kTooManyStreamsOnEcmg, "too many ECM streams on this ECMG"),
    Row(EcmgError::kNotEnoughControlWords, "not enough control words to compute ECM"),
    Row(EcmgError::kOutOfStorage, "ECMG out of storage capacity"),
    Row(EcmgError::kOutOfComputation, "ECMG out of computational resources"),
    Row(EcmgError::kUnknownParameterType, "unknown parameter_type"),
    Row(EcmgError::kInconsistentLength, "inconsistent length for DVB parameter"),
    Row(EcmgError::kMissingParameter, "missing mandatory DVB parameter"),
    Row(EcmgError::kInvalidValue, "invalid value for DVB parameter"),
    Row(EcmgError::kUnknownEcmId, "unknown ECM_id"),
    Row(EcmgError::kChannelIdInUse, "ECM_channel_id in use"),
    Row(EcmgError::kStreamIdInUse, "ECM_stream_id in use"),
    Row(EcmgError::kEcmIdInUse, "ECM_id in use"),
    Row(EcmgError::kUnknownError, "unknown error"),
    Row(EcmgError::kUnrecoverable, "unrecoverable error"),
};

constexpr ErrorSpec kEmmgErrors[] = {
    Row(EmmgError::kInvalidMessage, "invalid message"),
    Row(EmmgError::kUnsupportedVersion, "unsupported protocol version"),
    Row(EmmgError::kUnknownMessageType, "unknown message_type"),
    Row(EmmgError::kMessageTooLong, "message too long"),
    Row(EmmgError::kUnknownStreamId, "unknown data_stream_id"),
    Row(EmmgError::kUnknownChannelId, "unknown data_channel_id"),
    Row(EmmgError::kTooManyChannels, "too many channels on this MUX"),
    Row(EmmgError::kTooManyStreamsOnChannel, "too many data streams on this channel"),
    Row(EmmgError::kTooManyStreamsOnMux, "too many data streams on this MUX"),
    Row(EmmgError::kUnknownParameterType, "unknown parameter_type"),
    Row(EmmgError::kInconsistentLength, "inconsistent length for DVB parameter"),
    Row(EmmgError::kMissingParameter, "missing mandatory DVB parameter"),
    Row(EmmgError::kInvalidValue, "invalid value for DVB parameter"),
    Row(EmmgError::kUnknownClientId, "unknown client_id"),
    Row(EmmgError::kExceededBandwidth, "exceeded bandwidth"),
    Row(EmmgError::kUnknownDataId, "unknown data_id"),
    Row(EmmgError::kChannelIdInUse, "data_channel_id in use"),
    Row(EmmgError::kStreamIdInUse, "data_stream_id in use"),
    Row(EmmgError::kDataIdInUse, "data_id in use"),
    Row(EmmgError::kClientIdInUse, "client_id in use"),
    Row(EmmgError::kUnknownError, "unknown error"),
    Row(EmmgError::kUnrecoverable, "unrecoverable error"),
};

}  // namespace

std::span<const MessageSpec> Messages(Interface interface) {
  if (interface == Interface::kEcmgScs) return kEcmgMessages;
  return kEmmgMessages;
}

std::span<const ParameterSpec> Parameters(Interface interface) {
  if (interface == Interface::kEcmgScs) return kEcmgParameters;
  return kEmmgParameters;
}

std::span<const ErrorSpec> Errors(Interface interface) {
  if (interface == Interface::kEcmgScs) return kEcmgErrors;
  return kEmmgErrors;
}

const MessageSpec* FindMessage(Interface interface, uint16_t type) {
  const auto messages = Messages(interface);
  const auto row = std::lower_bound(messages.begin(), messages.end(), type,
                                    [](const MessageSpec& m, uint16_t t) { return m.type < t; });
  return row != messages.end() && row->type == type ? &*row : nullptr;
}

std::string_view MessageName(Interface interface, uint16_t type) {
  const MessageSpec* spec = FindMessage(interface, type);
  return spec != nullptr ? spec->name : "unknown";
}

std::string_view ErrorName(Interface interface, uint16_t status) {
  for (const ErrorSpec& row : Errors(interface)) {
    if (row.status == status) return row.name;
  }
  return "unknown";
}

}  // namespace hearth::simulcrypt
