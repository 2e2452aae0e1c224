// Message 0x84, to the cards of one group: who is on, and the package keys for those who are.
//
//   0x84  header 3 ‖ suite 1 ‖ group 3 ‖ generation 1 ‖ stamp 5 ‖ epoch 2 ‖ bitmap 32 ‖ SIV 16 ‖ enc
//   enc   k × (package 2 ‖ key 16), k = 0 to 6
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "src/base/ids.h"
#include "src/cas/wire.h"
#include "src/crypto/ladder.h"

namespace hearth::cas {

inline constexpr size_t kGroupPackages = 6;

// 256 cards; slot s is bit 7 − s mod 8 of byte s / 8; set: on.
class GroupBitmap {
 public:
  GroupBitmap() = default;
  explicit GroupBitmap(const std::array<uint8_t, 32>& bytes) : bytes_(bytes) {}
  void Set(uint8_t slot, bool on);
  bool IsOn(uint8_t slot) const { return (bytes_[slot / 8] & (0x80 >> slot % 8)) != 0; }
  const std::array<uint8_t, 32>& bytes() const { return bytes_; }
  bool operator==(const GroupBitmap&) const = default;

 private:
  std::array<uint8_t, 32> bytes_{};
};

struct PackageKeyEntry {
  PackageId package;
  crypto::PackageKey key;

  bool operator==(const PackageKeyEntry&) const = default;
};

struct GroupMessage {
  GroupId group;  // not 0
  uint8_t generation = 0;
  // Every change of a member's standing stamped at most this is in the bitmap.
  Stamp stamp;
  Epoch epoch;  // of the keys
  GroupBitmap bitmap;
  std::vector<PackageKeyEntry> keys;  // each package once

  bool operator==(const GroupMessage&) const = default;
};

// 63 + 18k bytes. `key` is the group key of the message's generation.
Result<Bytes> EncodeGroup(const GroupMessage& message, const crypto::GroupKey& key);
Result<GroupMessage> DecodeGroup(ByteView section, const crypto::GroupKey& key);

}  // namespace hearth::cas
