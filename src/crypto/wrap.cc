#include "src/crypto/wrap.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "src/crypto/key_file.h"

namespace hearth::crypto {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kHeaderBytes = 1 + kKeyIdBytes;
// 64 digits and a few line ends; anything longer is not a key file.
constexpr size_t kMaxKeyFileBytes = 256;

template <size_t N>
Result<FixedKey<N>> KeyFromFile(const std::string& path) {
  HEARTH_ASSIGN_OR_RETURN(const Secret content, internal::ReadPrivateFile(path, kMaxKeyFileBytes));
  return internal::ParseKey<N>(AsChars(content.bytes(SecretAccess())), "key file " + path);
}

}  // namespace

Result<MasterKey> MasterKey::FromFile(const std::string& path) {
  HEARTH_ASSIGN_OR_RETURN(Key256 key, KeyFromFile<32>(path));
  return FromKey(std::move(key));
}

Result<MasterKey> MasterKey::FromText(std::string_view text, std::string_view source) {
  HEARTH_ASSIGN_OR_RETURN(Key256 key, internal::ParseKey<32>(text, source));
  return FromKey(std::move(key));
}

Result<MasterKey> MasterKey::FromKey(Key256 key) {
  SivKey siv(std::move(key));
  HEARTH_ASSIGN_OR_RETURN(const Bytes sealed, siv.Seal(AsBytes("hearth/1/wrap-check"), {}));
  std::array<uint8_t, 8> check;
  std::copy_n(sealed.begin(), check.size(), check.begin());
  return MasterKey(std::move(siv), check);
}

Status MasterKey::Verify(ByteView stored) const {
  if (ConstantTimeEqual(stored, check_)) return Ok();
  return Error(Reason::kKeyUnwrapFailed,
               "the store was made under master key " + ToHex(stored) + ", not " + ToHex(check_));
}

Bytes MasterKey::Aad(std::string_view purpose, ByteView id) const {
  ByteWriter aad(32 + purpose.size() + id.size());
  aad.Put(AsBytes("hearth/1/wrap")).U8(kVersion).Put(ByteView(check_).first(kKeyIdBytes));
  aad.U8(purpose.size()).Put(AsBytes(purpose)).Put(id);
  return std::move(aad).Take();
}

Result<Bytes> MasterKey::Wrap(std::string_view purpose, ByteView id, const Key128& secret) const {
  if (purpose.empty() || purpose.size() > 255) return InvalidField("purpose", "1 to 255 bytes");
  HEARTH_ASSIGN_OR_RETURN(const Bytes sealed, siv_.Seal(Aad(purpose, id), secret.bytes(SecretAccess())));
  ByteWriter out(kHeaderBytes + sealed.size());
  out.U8(kVersion).Put(ByteView(check_).first(kKeyIdBytes)).Put(sealed);
  return std::move(out).Take();
}

Result<Key128> MasterKey::Unwrap(std::string_view purpose, ByteView id, ByteView wrapped) const {
  const auto refused = [&](std::string why) {
    return Error(Reason::kKeyUnwrapFailed, "the stored " + std::string(purpose) + " key " + std::move(why));
  };
  ByteReader in(wrapped);
  const uint8_t version = in.U8();
  const ByteView key_id = in.Take(kKeyIdBytes);
  if (!in.ok() || version != kVersion) return refused("has an unknown form");
  if (!ConstantTimeEqual(key_id, ByteView(check_).first(kKeyIdBytes))) {
    return refused("was wrapped under master key " + ToHex(key_id) + "…, not " + ToHex(check_));
  }
  auto opened = siv_.Open(Aad(purpose, id), in.Rest());
  if (!opened) return refused("is damaged or belongs to another object").Detail(opened.error().ToString());
  auto key = Key128::FromBytes(opened->bytes(SecretAccess()));
  if (!key) return refused("is not 16 bytes");
  return key;
}

Result<Key128> ReadKeyFile(const std::string& path) { return KeyFromFile<16>(path); }

}  // namespace hearth::crypto
