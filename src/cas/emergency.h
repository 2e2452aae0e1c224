// Message 0x87, to every box: an alert of the emergency broadcast, or its cancel.
//
//   0x87  header 3 ‖ suite 1 ‖ key id 1 ‖ alert 2 ‖ stamp 5 ‖ start 4 ‖ minutes 2 ‖ kind 1 ‖ flags 1 ‖
//         original network 2 ‖ transport stream 2 ‖ service 2 ‖ n × region 3 ‖ signature 64
//   flags drill 1 bit ‖ cancelled 1 bit ‖ 0 3 bits ‖ severity 3 bits (1 to 4)
//
// signature = Ed25519 over "hearth/1/emergency" ‖ everything before it
#pragma once

#include <cstdint>
#include <vector>

#include "entitlement/emergency.h"
#include "src/base/ids.h"
#include "src/cas/wire.h"
#include "src/crypto/sign.h"

namespace hearth::cas {

struct EmergencyMessage {
  uint8_t key_id = 1;  // not 0
  uint16_t alert = 0;
  Stamp stamp;
  uint32_t start = 0;    // MessageSeconds
  uint16_t minutes = 1;  // not 0
  // Not 0. A number without a name is taken: a receiver shows it as kOther.
  entitlement::EmergencyKind kind = entitlement::EmergencyKind::kOther;
  entitlement::Severity severity = entitlement::Severity::kRed;
  bool drill = false;
  bool cancelled = false;
  entitlement::ServicePointer service;
  std::vector<uint32_t> regions;  // 1 to 31 divisions of 6 digits, ascending, none twice; or 0 alone

  bool operator==(const EmergencyMessage&) const = default;
};

// 90 + 3n bytes.
Result<Bytes> EncodeEmergency(const EmergencyMessage& message, const crypto::SigningKey& key);
// `key` is the one that the message's key id names.
Result<EmergencyMessage> DecodeEmergency(ByteView section, const crypto::VerifyingKey& key);

}  // namespace hearth::cas
