// Message 0x85: the service keys of a package, under its package key.
//
//   0x85  header 3 ‖ suite 1 ‖ package 2 ‖ package epoch 2 ‖ stamp 5 ‖ key epoch 2 ‖ SIV 16 ‖ enc
//   enc   runs of: first service 2 ‖ count 1 (≥ 1) ‖ count × key 16, for services first, first + 1, …
#pragma once

#include <cstdint>
#include <vector>

#include "src/base/ids.h"
#include "src/cas/wire.h"
#include "src/crypto/ladder.h"

namespace hearth::cas {

struct ServiceKeyEntry {
  ServiceId service;
  crypto::ServiceKey key;

  bool operator==(const ServiceKeyEntry&) const = default;
};

struct ServiceKeysMessage {
  PackageId package;  // not 0
  Epoch package_epoch;
  Stamp stamp;                        // the same in all sections of one version
  Epoch key_epoch;                    // of the service keys
  std::vector<ServiceKeyEntry> keys;  // by rising service number, each once

  bool operator==(const ServiceKeysMessage&) const = default;
};

// One section: 31 + Σ (3 + 16 · count) bytes. SECTION_TOO_LONG when the keys need more than one.
Result<Bytes> EncodeServiceKeys(const ServiceKeysMessage& message, const crypto::PackageKey& key);
Result<ServiceKeysMessage> DecodeServiceKeys(ByteView section, const crypto::PackageKey& key);

// All keys in the fewest sections that keep them in rising order; none when there are no keys.
Result<std::vector<Bytes>> PackServiceKeys(const ServiceKeysMessage& message, const crypto::PackageKey& key);

}  // namespace hearth::cas
