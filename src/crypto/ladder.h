// The key ladder: every derivation of docs/messages.md section 2 as a function, every rung as a type, so
// that a group key cannot be passed where a package key is meant. Nothing is cached. All functions: any
// thread; CRYPTO_FAILED when OpenSSL refuses.
#pragma once

#include <cstdint>
#include <utility>

#include "src/base/ids.h"
#include "src/base/random.h"
#include "src/base/status.h"
#include "src/crypto/secret.h"
#include "src/crypto/siv.h"

namespace hearth::crypto {

// A 16-byte key of one rung. Reads as a Key128; is made of one only explicitly.
template <typename Tag>
class LadderKey : public Key128 {
 public:
  LadderKey() = default;
  explicit LadderKey(Key128 key) : Key128(std::move(key)) {}
  LadderKey Copy() const { return LadderKey(Key128::Copy()); }
  static LadderKey Random(RandomSource& random) { return LadderKey(Key128::Random(random)); }
};

using BatchMaster = LadderKey<struct BatchMasterTag>;   // random, per personalisation batch
using CardKey = LadderKey<struct CardKeyTag>;           // derived from the batch master and the number
using CardEncKey = LadderKey<struct CardEncTag>;        // unique records, 0x82
using CardMacKey = LadderKey<struct CardMacTag>;        // unique standing, 0x83
using CardReportKey = LadderKey<struct CardReportTag>;  // location reports
using CardPairKey = LadderKey<struct CardPairTag>;      // from which pairing keys are derived
using ChipKey = LadderKey<struct ChipKeyTag>;           // random, in the box, from the manufacturer's file
using PairingKey = LadderKey<struct PairingKeyTag>;     // between one card and one box
using GroupKey = LadderKey<struct GroupKeyTag>;         // random, per group and generation
using PackageKey = LadderKey<struct PackageKeyTag>;     // K(package, epoch) of a one-way chain
using ServiceKey = LadderKey<struct ServiceKeyTag>;     // random, per service and key epoch

struct CardKeys {
  CardEncKey enc;
  CardMacKey mac;
  CardReportKey report;
  CardPairKey pair;
};

Result<CardKey> CardKeyFor(const BatchMaster& master, CardNumber card);
// Single rungs, for who needs only one of them.
Result<CardEncKey> CardEncKeyFor(const CardKey& card_key);
Result<CardMacKey> CardMacKeyFor(const CardKey& card_key);
Result<CardReportKey> CardReportKeyFor(const CardKey& card_key);
Result<CardPairKey> CardPairKeyFor(const CardKey& card_key);
// All four at once.
Result<CardKeys> CardKeysFor(const BatchMaster& master, CardNumber card);

Result<PairingKey> PairingKeyFor(const CardPairKey& pair, CardNumber card, BoxSerial box);

// How far back a card derives (docs/messages.md section 5), and the head-end by default.
inline constexpr uint16_t kPackageChainSteps = 64;
// K(package, to) from K(package, from): `to` is `from` or lies up to `max_steps` epochs before it.
// FIELD_INVALID naming "epoch" otherwise: there is no way forward.
Result<PackageKey> PackageKeyAt(const PackageKey& key, PackageId package, Epoch from, Epoch to,
                                uint16_t max_steps = kPackageChainSteps);

// SIVKEY(K, use), one function per use.
Result<SivKey> RecordSiv(const CardEncKey& key);       // "82"
Result<SivKey> GroupSiv(const GroupKey& key);          // "84"
Result<SivKey> ServiceKeysSiv(const PackageKey& key);  // "85"
Result<SivKey> AreaTableSiv(const PackageKey& key);    // "86"
Result<SivKey> PairingSiv(const ChipKey& key);         // "88"
Result<SivKey> EcmSiv(const ServiceKey& key);          // "ecm"; with its schedules kept
Result<SivKey> ControlWordSiv(const PairingKey& key);  // "cw", from the card to its box

}  // namespace hearth::crypto
