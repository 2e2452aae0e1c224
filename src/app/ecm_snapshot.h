// Everything that ECMs are made of, as plain data: no store, no clock, no head-end behind it. It is built at
// each change of channels, plans and keys, published whole and never changed, so that any number of threads
// read it without a lock, and a process without a store can work from one it was given.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"
#include "src/cas/ecm.h"
#include "src/crypto/siv.h"

namespace hearth::app {

// The criteria of a service from an instant on.
struct EcmTerms {
  UnixMillis from;
  cas::AcRecord access;
  uint16_t ac_id = 0;  // low 16 bits of the number of the window on top; 0: the channel's own criteria
};

struct EcmKey {
  uint64_t epoch = 0;  // not wrapped to 16 bits
  crypto::SivKey key;
};

struct EcmServiceOnAir {
  ServiceId service;
  std::string channel;
  std::vector<EcmTerms> terms;  // ascending; the first from the beginning of time, so never empty
  std::vector<EcmKey> keys;     // ascending
  uint64_t epoch = 0;           // the one in use

  const EcmTerms& At(UnixMillis instant) const;
  // nullptr: the key of the epoch in use is not there.
  const EcmKey* KeyInUse() const;
};

struct EcmSnapshot {
  std::vector<EcmServiceOnAir> services;  // ascending by number

  // nullptr: no such channel. They point into the snapshot.
  const EcmServiceOnAir* Find(ServiceId service) const;
  const EcmServiceOnAir* Find(std::string_view channel) const;
};

// What a scrambler asks for. A control word carries the criteria in force at the first instant of its own
// crypto period: that of CP_number `cp_number` begins now, that of cp_number + k begins k periods later (k
// counted modulo 2^16, negative for periods that are over).
struct EcmRequest {
  uint16_t cp_number = 0;                      // CP_number of the message
  uint16_t first_cp = 0;                       // of the first control word; the second is that of the next
  std::chrono::milliseconds crypto_period{0};  // 0: not known, all words carry the criteria of now
  std::span<const ByteView> words;             // 1 or 2, of 8 or 16 bytes each
};

// Appends one ECM section to `out`, which is as before after an error. CONTROL_WORD_INVALID, EPOCH_NOT_READY.
// Any thread.
Status AppendEcm(const EcmServiceOnAir& service, const EcmRequest& request, UnixMillis now, Bytes& out);

}  // namespace hearth::app
