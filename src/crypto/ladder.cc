#include "src/crypto/ladder.h"

#include <array>
#include <string_view>

#include "src/crypto/primitives.h"

namespace hearth::crypto {
namespace {

// Key contexts are at most 12 bytes, so they are laid out on the stack.
template <size_t N>
void PutInt(std::array<uint8_t, N>& out, size_t at, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) out[at + i] = static_cast<uint8_t>(value >> (8 * (width - 1 - i)));
}

template <typename Rung>
Result<Rung> Derive(const Key128& key, std::string_view label, ByteView context = {}) {
  HEARTH_ASSIGN_OR_RETURN(Key128 derived, Kdf128(key, label, context));
  return Rung(std::move(derived));
}

Result<SivKey> Siv(const Key128& key, std::string_view label) {
  HEARTH_ASSIGN_OR_RETURN(Key256 derived, Kdf256(key, label));
  return SivKey(std::move(derived));
}

}  // namespace

Result<CardKey> CardKeyFor(const BatchMaster& master, CardNumber card) {
  if (card.value > kMaxCardNumber) return InvalidField("card_number", "at most 12 decimal digits");
  std::array<uint8_t, 5> context;
  PutInt(context, 0, card.value, 5);
  return Derive<CardKey>(master, "hearth/1/card", context);
}

Result<CardEncKey> CardEncKeyFor(const CardKey& card_key) {
  return Derive<CardEncKey>(card_key, "hearth/1/card-enc");
}

Result<CardMacKey> CardMacKeyFor(const CardKey& card_key) {
  return Derive<CardMacKey>(card_key, "hearth/1/card-mac");
}

Result<CardReportKey> CardReportKeyFor(const CardKey& card_key) {
  return Derive<CardReportKey>(card_key, "hearth/1/card-report");
}

Result<CardPairKey> CardPairKeyFor(const CardKey& card_key) {
  return Derive<CardPairKey>(card_key, "hearth/1/card-pair");
}

Result<CardKeys> CardKeysFor(const BatchMaster& master, CardNumber card) {
  HEARTH_ASSIGN_OR_RETURN(const CardKey card_key, CardKeyFor(master, card));
  CardKeys keys;
  HEARTH_ASSIGN_OR_RETURN(keys.enc, CardEncKeyFor(card_key));
  HEARTH_ASSIGN_OR_RETURN(keys.mac, CardMacKeyFor(card_key));
  HEARTH_ASSIGN_OR_RETURN(keys.report, CardReportKeyFor(card_key));
  HEARTH_ASSIGN_OR_RETURN(keys.pair, CardPairKeyFor(card_key));
  return keys;
}

Result<PairingKey> PairingKeyFor(const CardPairKey& pair, CardNumber card, BoxSerial box) {
  if (card.value > kMaxCardNumber) return InvalidField("card_number", "at most 12 decimal digits");
  if (box.value > kMaxBoxSerial) return InvalidField("box_serial", "at most 16 decimal digits");
  std::array<uint8_t, 12> context;
  PutInt(context, 0, card.value, 5);
  PutInt(context, 5, box.value, 7);
  return Derive<PairingKey>(pair, "hearth/1/pairing", context);
}

Result<PackageKey> PackageKeyAt(const PackageKey& key, PackageId package, Epoch from, Epoch to,
                                uint16_t max_steps) {
  const auto steps = static_cast<uint16_t>(from.value - to.value);
  if (steps > max_steps) {
    return InvalidField(
        "epoch", "the epoch of the key at hand or one of the " + std::to_string(max_steps) + " before it");
  }
  PackageKey current = key.Copy();
  for (Epoch epoch = from; epoch != to;) {
    epoch = PreviousEpoch(epoch);
    std::array<uint8_t, 4> context;
    PutInt(context, 0, package.value, 2);
    PutInt(context, 2, epoch.value, 2);
    HEARTH_ASSIGN_OR_RETURN(current, Derive<PackageKey>(current, "hearth/1/package-chain", context));
  }
  return current;
}

Result<SivKey> RecordSiv(const CardEncKey& key) { return Siv(key, "hearth/1/siv/82"); }
Result<SivKey> GroupSiv(const GroupKey& key) { return Siv(key, "hearth/1/siv/84"); }
Result<SivKey> ServiceKeysSiv(const PackageKey& key) { return Siv(key, "hearth/1/siv/85"); }
Result<SivKey> AreaTableSiv(const PackageKey& key) { return Siv(key, "hearth/1/siv/86"); }
Result<SivKey> PairingSiv(const ChipKey& key) { return Siv(key, "hearth/1/siv/88"); }
Result<SivKey> EcmSiv(const ServiceKey& key) {
  HEARTH_ASSIGN_OR_RETURN(SivKey siv, Siv(key, "hearth/1/siv/ecm"));
  HEARTH_RETURN_IF_ERROR(siv.KeepSchedules());
  return siv;
}
Result<SivKey> ControlWordSiv(const PairingKey& key) { return Siv(key, "hearth/1/siv/cw"); }

}  // namespace hearth::crypto
