// Secrets at rest: everything secret that the store holds is wrapped under the site's master key.
//
//   wrapped = version 1 (0x01) ‖ master key id 4 ‖ SIV(master; aad; secret)
//   aad     = "hearth/1/wrap" ‖ version ‖ master key id ‖ [length of purpose]1 ‖ purpose ‖ object id
//   check   = first 8 bytes of SIV(master; "hearth/1/wrap-check"; "")
//   master key id = first 4 bytes of check
//
// Purpose and object id are authenticated, so a wrapped key cannot be moved to another object. SIV needs no
// nonce: wrapping the same key for the same object twice gives the same bytes and tells no more than that.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/status.h"
#include "src/crypto/secret.h"
#include "src/crypto/siv.h"

namespace hearth::crypto {

// The site's master key, 32 bytes. Immutable; const methods from any thread at once.
class MasterKey {
 public:
  // A regular file that only its owner can read (no permission for group or others), holding 64
  // hexadecimal digits and at most white space around them. KEY_FILE_INVALID, FILE_UNREADABLE.
  static Result<MasterKey> FromFile(const std::string& path);
  // The same text from an environment variable. `source` names it in errors. KEY_FILE_INVALID.
  static Result<MasterKey> FromText(std::string_view text, std::string_view source);

  // What the store keeps in the clear to recognise its master key at start.
  const std::array<uint8_t, 8>& check_value() const { return check_; }
  // KEY_UNWRAP_FAILED when `stored` is the check value of another master key.
  Status Verify(ByteView stored) const;

  // purpose: what the secret is ("batch", "group" …), at most 255 bytes; id: the object's natural key.
  Result<Bytes> Wrap(std::string_view purpose, ByteView id, const Key128& secret) const;
  // KEY_UNWRAP_FAILED when made under another master key, for another purpose or object, or damaged.
  Result<Key128> Unwrap(std::string_view purpose, ByteView id, ByteView wrapped) const;

 private:
  MasterKey(SivKey siv, std::array<uint8_t, 8> check) : siv_(std::move(siv)), check_(check) {}
  static Result<MasterKey> FromKey(Key256 key);
  Bytes Aad(std::string_view purpose, ByteView id) const;

  SivKey siv_;
  std::array<uint8_t, 8> check_;
};

// A 16-byte key, e.g. a batch master for import, in a file of the same form with 32 hexadecimal digits.
// KEY_FILE_INVALID, FILE_UNREADABLE.
Result<Key128> ReadKeyFile(const std::string& path);

}  // namespace hearth::crypto
