#include "src/cas/group.h"

#include <algorithm>
#include <utility>

namespace hearth::cas {
namespace {

using crypto::SecretAccess;

constexpr size_t kGroupAadBytes = 47;
constexpr size_t kEntryBytes = 2 + crypto::Key128::kSize;

Status Check(const GroupMessage& message) {
  if (message.group.value == 0 || message.group.value > kMaxGroup) {
    return InvalidField("group", "1 to 16777215");
  }
  HEARTH_RETURN_IF_ERROR(CheckStamp(message.stamp));
  if (message.keys.size() > kGroupPackages) {
    return Error(Reason::kSectionTooLong, "a group message holds at most 6 package keys");
  }
  for (size_t i = 0; i < message.keys.size(); ++i) {
    const PackageId package = message.keys[i].package;
    const auto same = [&](const PackageKeyEntry& other) { return other.package == package; };
    if (package == PackageId()) return InvalidField("package", "1 to 65535");
    if (std::any_of(message.keys.begin(), message.keys.begin() + static_cast<ptrdiff_t>(i), same)) {
      return InvalidField("package", "each package at most once");
    }
  }
  return Ok();
}

}  // namespace

void GroupBitmap::Set(uint8_t slot, bool on) {
  const auto bit = static_cast<uint8_t>(0x80 >> slot % 8);
  uint8_t& byte = bytes_[slot / 8];
  byte = static_cast<uint8_t>(on ? byte | bit : byte & ~bit);
}

Result<Bytes> EncodeGroup(const GroupMessage& message, const crypto::GroupKey& key) {
  HEARTH_RETURN_IF_ERROR(Check(message));
  ByteWriter enc(kEntryBytes * message.keys.size());
  for (const PackageKeyEntry& entry : message.keys) {
    enc.U16(entry.package.value).Put(entry.key.bytes(SecretAccess()));
  }
  const crypto::Secret secret(std::move(enc).Take());
  HEARTH_ASSIGN_OR_RETURN(
      ByteWriter out,
      BeginMessage(TableId::kGroup, kGroupAadBytes + crypto::SivKey::kOverhead + secret.size()));
  out.U24(message.group.value).U8(message.generation).U40(message.stamp.value).U16(message.epoch.value);
  out.Put(message.bitmap.bytes());
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::GroupSiv(key));
  return FinishSealed(std::move(out), siv, secret);
}

Result<GroupMessage> DecodeGroup(ByteView section, const crypto::GroupKey& key) {
  HEARTH_ASSIGN_OR_RETURN(ByteReader in, ReadMessage(section, TableId::kGroup));
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::GroupSiv(key));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Secret secret, OpenSealed(section, kGroupAadBytes, siv));
  GroupMessage message;
  message.group = GroupId(in.U24());
  message.generation = in.U8();
  message.stamp = Stamp(in.U40());
  message.epoch = Epoch(in.U16());
  message.bitmap = GroupBitmap(in.Array<32>());
  if (secret.size() % kEntryBytes != 0) return Malformed("a group message has 63 + 18k bytes");
  ByteReader enc(secret.bytes(SecretAccess()));
  while (enc.remaining() > 0) {
    const PackageId package(enc.U16());
    message.keys.push_back({package, crypto::PackageKey(crypto::Key128(enc.Array<16>()))});
  }
  HEARTH_RETURN_IF_ERROR(AsMalformed(Check(message)));
  return message;
}

}  // namespace hearth::cas
