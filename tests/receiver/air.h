// A small head-end for the receiver's tests: builds sections from docs/messages.md with the receiver's own
// crypto. What both sides of these tests could misread in the same way is caught by the published vectors
// (vectors_test.cc) and by the tests that put the head-end's own sections into the receiver.
#pragma once

#include <utility>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/crypto/sign.h"
#include "tools/receiver/alert.h"
#include "tools/receiver/crypto.h"
#include "tools/receiver/messages.h"

namespace hearth::receiver::air {

// A key that is its own number in each byte: easy to tell apart.
Key TestKey(uint8_t number);

Bytes MakeRecord(const Key& card_key, CardNumber card, Stamp stamp, const Record& record);
Bytes MakeStanding(const Key& card_key, CardNumber card, Stamp stamp, StandingPair standing);
// `slots` are on.
Bytes MakeGroup(const Key& group_key, GroupId group, uint8_t generation, Stamp stamp, Epoch epoch,
                const std::vector<int>& slots, const std::vector<std::pair<PackageId, Key>>& keys);
// One run of services beginning with `first`.
Bytes MakeServiceKeys(const Key& package_key, const ServiceKeysHead& head, ServiceId first,
                      const std::vector<Key>& keys);
Bytes MakeTable(const Key& package_key, const TableHead& head, const TablePart& part);
Bytes MakePairing(const Key& chip_key, const PairingHead& head, const Key& pairing_key);
// Words of 8 or 16 bytes, one for each criterion.
Bytes MakeEcm(const Key& service_key, const EcmHead& head, const std::vector<AcRecord>& criteria,
              const std::vector<Bytes>& words);

// The public key of the key id, and a message it signed; the signature is the head-end's own.
PublicKey EmergencyKey(uint8_t key_id);
Bytes MakeEmergency(const EmergencyMessage& message);
Bytes MakeEmergency(const EmergencyMessage& message, const crypto::SigningKey& key);

// The section with its SIV or MAC made right under `key`, taking what stands behind the SIV as plain text:
// lets a fuzzer get behind the lock. The key is that of section 4 for this table_id (card key for 0x82,
// 0x83); 0x87 is signed under the key that its key id names.
Bytes Reseal(Bytes section, const Key& key);

Key PairingKey(const Key& card_key, CardNumber card, BoxSerial box);
Key PackageKeyBefore(const Key& key, PackageId package, Epoch epoch_of_result);

}  // namespace hearth::receiver::air
