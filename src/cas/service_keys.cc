#include "src/cas/service_keys.h"

#include <algorithm>
#include <span>
#include <utility>

#include "src/mpegts/section.h"

namespace hearth::cas {
namespace {

using crypto::SecretAccess;
using Entries = std::span<const ServiceKeyEntry>;

constexpr size_t kKeysAadBytes = 15;
constexpr size_t kKeysFixedBytes = kKeysAadBytes + crypto::SivKey::kOverhead;
constexpr size_t kRunBytes = 3;
constexpr size_t kMaxRun = 255;

Status Check(const ServiceKeysMessage& message) {
  if (message.package == PackageId()) return InvalidField("package", "1 to 65535");
  HEARTH_RETURN_IF_ERROR(CheckStamp(message.stamp));
  for (size_t i = 1; i < message.keys.size(); ++i) {
    if (message.keys[i].service <= message.keys[i - 1].service) {
      return InvalidField("keys", "by rising service number, each service once");
    }
  }
  return Ok();
}

// How many entries from the front are one run: services n, n + 1, …
size_t RunLength(Entries entries) {
  size_t length = 1;
  while (length < std::min(entries.size(), kMaxRun) &&
         entries[length].service.value == entries[length - 1].service.value + 1) {
    ++length;
  }
  return length;
}

size_t EncBytes(Entries entries) {
  size_t bytes = 0;
  while (!entries.empty()) {
    const size_t run = RunLength(entries);
    bytes += kRunBytes + run * crypto::Key128::kSize;
    entries = entries.subspan(run);
  }
  return bytes;
}

Result<Bytes> EncodeSome(const ServiceKeysMessage& message, Entries entries, const crypto::SivKey& siv) {
  const size_t enc_bytes = EncBytes(entries);
  HEARTH_ASSIGN_OR_RETURN(ByteWriter out, BeginMessage(TableId::kServiceKeys, kKeysFixedBytes + enc_bytes));
  out.U16(message.package.value).U16(message.package_epoch.value).U40(message.stamp.value);
  out.U16(message.key_epoch.value);
  ByteWriter enc(enc_bytes);
  while (!entries.empty()) {
    const size_t run = RunLength(entries);
    enc.U16(entries.front().service.value).U8(run);
    for (const ServiceKeyEntry& entry : entries.first(run)) enc.Put(entry.key.bytes(SecretAccess()));
    entries = entries.subspan(run);
  }
  return FinishSealed(std::move(out), siv, crypto::Secret(std::move(enc).Take()));
}

Status ReadRuns(ByteView enc, ServiceKeysMessage& message) {
  ByteReader in(enc);
  while (in.remaining() > 0) {
    const unsigned first = in.U16();
    const unsigned count = in.U8();
    if (!in.ok() || count == 0) return Malformed("a run has a first service and at least one key");
    if (first + count - 1 > 0xFFFF) return Malformed("a run ends at service 65535");
    for (unsigned i = 0; i < count; ++i) {
      crypto::ServiceKey key(crypto::Key128(in.Array<16>()));
      if (!in.ok()) return Malformed("a run has as many keys as it says");
      message.keys.push_back({ServiceId(static_cast<uint16_t>(first + i)), std::move(key)});
    }
  }
  return AsMalformed(Check(message));
}

}  // namespace

Result<Bytes> EncodeServiceKeys(const ServiceKeysMessage& message, const crypto::PackageKey& key) {
  HEARTH_RETURN_IF_ERROR(Check(message));
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::ServiceKeysSiv(key));
  return EncodeSome(message, message.keys, siv);
}

Result<ServiceKeysMessage> DecodeServiceKeys(ByteView section, const crypto::PackageKey& key) {
  HEARTH_ASSIGN_OR_RETURN(ByteReader in, ReadMessage(section, TableId::kServiceKeys));
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::ServiceKeysSiv(key));
  HEARTH_ASSIGN_OR_RETURN(const crypto::Secret enc, OpenSealed(section, kKeysAadBytes, siv));
  ServiceKeysMessage message;
  message.package = PackageId(in.U16());
  message.package_epoch = Epoch(in.U16());
  message.stamp = Stamp(in.U40());
  message.key_epoch = Epoch(in.U16());
  HEARTH_RETURN_IF_ERROR(ReadRuns(enc.bytes(SecretAccess()), message));
  return message;
}

Result<std::vector<Bytes>> PackServiceKeys(const ServiceKeysMessage& message, const crypto::PackageKey& key) {
  HEARTH_RETURN_IF_ERROR(Check(message));
  HEARTH_ASSIGN_OR_RETURN(const crypto::SivKey siv, crypto::ServiceKeysSiv(key));
  constexpr size_t room = mpegts::kPacketPayloadBytes - kKeysFixedBytes;
  std::vector<Bytes> sections;
  Entries rest(message.keys);
  while (!rest.empty()) {
    // Taking as many as fit is optimal: a section that begins later never ends earlier.
    size_t take = 1;
    while (take < rest.size() && EncBytes(rest.first(take + 1)) <= room) ++take;
    HEARTH_ASSIGN_OR_RETURN(Bytes section, EncodeSome(message, rest.first(take), siv));
    sections.push_back(std::move(section));
    rest = rest.subspan(take);
  }
  return sections;
}

}  // namespace hearth::cas
