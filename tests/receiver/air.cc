#include "tests/receiver/air.h"

#include <algorithm>

namespace hearth::receiver::air {
namespace {

Key SubKey(const Key& card_key, std::string_view label) { return Kdf(card_key, label, {}); }

ByteWriter Begin(uint8_t table_id) {
  ByteWriter out;
  out.U8(table_id).U16(0x7000).U8(1);
  return out;
}

// Sets section_length for `sealed` more bytes, seals `plain` and joins.
Bytes Finish(ByteWriter head, const Key& key, std::string_view use, const Bytes& plain) {
  head.PatchU(1, 0x7000 + head.size() - 3 + 16 + plain.size(), 2);
  Bytes section = head.bytes();
  const Bytes sealed = SivSeal(DeriveSivKey(key, use), section, plain);
  section.insert(section.end(), sealed.begin(), sealed.end());
  return section;
}

Key EncKey(const Key& card_key) { return SubKey(card_key, "hearth/1/card-enc"); }

std::string_view UseOf(uint8_t table_id) {
  switch (table_id) {
    case kRecord:
      return "82";
    case kGroup:
      return "84";
    case kServiceKeys:
      return "85";
    case kTable:
      return "86";
    case kPairing:
      return "88";
    default:
      return "ecm";
  }
}

crypto::SigningKey SigningKeyOf(uint8_t key_id) {
  std::array<uint8_t, 32> seed{};
  seed.fill(static_cast<uint8_t>(key_id ^ 0xE0));
  return crypto::SigningKey::FromSeed(crypto::Key256(seed)).value();
}

// `section` with its last 64 bytes made the signature over all before.
Bytes Signed(Bytes section, const crypto::SigningKey& key) {
  ByteWriter text;
  text.Put(AsBytes("hearth/1/emergency")).Put(ByteView(section).first(section.size() - 64));
  const crypto::Signature signature = key.Sign(text.bytes()).value();
  std::copy(signature.begin(), signature.end(), section.end() - 64);
  return section;
}

}  // namespace

Key TestKey(uint8_t number) {
  std::array<uint8_t, 16> bytes{};
  bytes.fill(number);
  return Key(bytes);
}

Bytes MakeRecord(const Key& card_key, CardNumber card, Stamp stamp, const Record& record) {
  ByteWriter head = Begin(kRecord);
  head.U40(card.value).U40(stamp.value);
  ByteWriter plain;
  plain.U8(static_cast<uint8_t>(record.standing.standing)).U8(static_cast<uint8_t>(record.standing.reason));
  plain.U16(record.validity_day).U24(record.group.value).U8(record.slot).U8(record.generation);
  plain.Put(record.group_key.secret_bytes()).U56(record.box.value).U32(record.area.value);
  plain.U16(record.area_version).Put(record.rights).U16(record.expiry_day).Put(record.cells);
  return Finish(std::move(head), EncKey(card_key), "82", plain.bytes());
}

Bytes MakeStanding(const Key& card_key, CardNumber card, Stamp stamp, StandingPair standing) {
  ByteWriter out = Begin(kStanding);
  out.U40(card.value).U40(stamp.value);
  out.U8(static_cast<uint8_t>(standing.standing)).U8(static_cast<uint8_t>(standing.reason));
  out.PatchU(1, 0x7000 + 21, 2);
  const Mac mac = Cmac(SubKey(card_key, "hearth/1/card-mac"), out.bytes());
  out.Put(ByteView(mac).first(8));
  return std::move(out).Take();
}

Bytes MakeGroup(const Key& group_key, GroupId group, uint8_t generation, Stamp stamp, Epoch epoch,
                const std::vector<int>& slots, const std::vector<std::pair<PackageId, Key>>& keys) {
  ByteWriter head = Begin(kGroup);
  head.U24(group.value).U8(generation).U40(stamp.value).U16(epoch.value);
  Bytes bitmap(32, 0);
  for (const int slot : slots) {
    auto& byte = bitmap[static_cast<size_t>(slot) / 8];
    byte = static_cast<uint8_t>(byte | 0x80U >> (slot % 8));
  }
  head.Put(bitmap);
  ByteWriter plain;
  for (const auto& [package, key] : keys) plain.U16(package.value).Put(key.secret_bytes());
  return Finish(std::move(head), group_key, "84", plain.bytes());
}

Bytes MakeServiceKeys(const Key& package_key, const ServiceKeysHead& head, ServiceId first,
                      const std::vector<Key>& keys) {
  ByteWriter out = Begin(kServiceKeys);
  out.U16(head.package.value).U16(head.package_epoch.value).U40(head.stamp.value).U16(head.key_epoch.value);
  ByteWriter plain;
  plain.U16(first.value).U8(keys.size());
  for (const Key& key : keys) plain.Put(key.secret_bytes());
  return Finish(std::move(out), package_key, "85", plain.bytes());
}

Bytes MakeTable(const Key& package_key, const TableHead& head, const TablePart& part) {
  ByteWriter out = Begin(kTable);
  out.U32(head.list.value).U16(head.version).U8(head.part).U8(head.parts).U40(head.stamp.value);
  out.U16(head.package.value).U16(head.package_epoch.value);
  ByteWriter plain;
  plain.U8(static_cast<unsigned>(part.kind) << 4 | part.width).U8(part.grace_hours).Put(part.hashes);
  return Finish(std::move(out), package_key, "86", plain.bytes());
}

Bytes MakePairing(const Key& chip_key, const PairingHead& head, const Key& pairing_key) {
  ByteWriter out = Begin(kPairing);
  out.U40(head.card.value).U56(head.box.value).U40(head.stamp.value);
  const ByteView key = pairing_key.secret_bytes();
  return Finish(std::move(out), chip_key, "88", Bytes(key.begin(), key.end()));
}

Bytes MakeEcm(const Key& service_key, const EcmHead& head, const std::vector<AcRecord>& criteria,
              const std::vector<Bytes>& words) {
  ByteWriter out = Begin(head.table_id);
  out.U16(head.service.value).U16(head.key_epoch.value).U32(head.utc).U16(7);
  ByteWriter plain;
  for (const AcRecord& ac : criteria) plain.U8(ac.mode).U8(ac.product).U24(ac.region).U8(0);
  for (const Bytes& word : words) plain.Put(word);
  return Finish(std::move(out), service_key, "ecm", plain.bytes());
}

PublicKey EmergencyKey(uint8_t key_id) { return SigningKeyOf(key_id).public_key().bytes(); }

Bytes MakeEmergency(const EmergencyMessage& message) {
  return MakeEmergency(message, SigningKeyOf(message.key_id));
}

Bytes MakeEmergency(const EmergencyMessage& message, const crypto::SigningKey& key) {
  const Alert& alert = message.alert;
  ByteWriter out = Begin(kEmergency);
  out.U8(message.key_id).U16(alert.number).U40(alert.stamp.value).U32(alert.start).U16(alert.minutes);
  out.U8(alert.kind).U8((alert.drill ? 0x80U : 0U) | (alert.cancelled ? 0x40U : 0U) | alert.severity);
  for (const uint16_t part : alert.service) out.U16(part);
  for (const uint32_t region : message.regions) out.U24(region);
  out.Put(Bytes(64, 0));
  out.PatchU(1, 0x7000 + out.size() - 3, 2);
  return Signed(std::move(out).Take(), key);
}

Bytes Reseal(Bytes section, const Key& key) {
  if (section.size() < 4) return section;
  section[1] = static_cast<uint8_t>(0x70 | ((section.size() - 3) >> 8 & 0x0F));
  section[2] = static_cast<uint8_t>(section.size() - 3);
  section[3] = 1;
  if (section[0] == kStanding && section.size() == 24) {
    const Mac mac = Cmac(SubKey(key, "hearth/1/card-mac"), ByteView(section).first(16));
    std::copy_n(mac.begin(), 8, section.begin() + 16);
    return section;
  }
  const uint8_t id = section.size() > 4 ? section[4] : 0;
  if (section[0] == kEmergency && section.size() > 70) return Signed(std::move(section), SigningKeyOf(id));
  const auto parts = SplitSealed(section);
  if (!parts) return section;
  const Bytes plain(parts->sealed.begin() + 16, parts->sealed.end());
  const Bytes sealed = SivSeal(DeriveSivKey(section[0] == kRecord ? EncKey(key) : key, UseOf(section[0])),
                               parts->associated, plain);
  std::copy(sealed.begin(), sealed.end(), section.end() - static_cast<ptrdiff_t>(sealed.size()));
  return section;
}

Key PairingKey(const Key& card_key, CardNumber card, BoxSerial box) {
  ByteWriter context;
  context.U40(card.value).U56(box.value);
  return Kdf(SubKey(card_key, "hearth/1/card-pair"), "hearth/1/pairing", context.bytes());
}

Key PackageKeyBefore(const Key& key, PackageId package, Epoch epoch_of_result) {
  ByteWriter context;
  context.U16(package.value).U16(epoch_of_result.value);
  return Kdf(key, "hearth/1/package-chain", context.bytes());
}

}  // namespace hearth::receiver::air
