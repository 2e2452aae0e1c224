// Key material in memory: wiped when it dies, never printed, compared in constant time, copied only on
// purpose, and read only by code that says SecretAccess (grep for it to review every such place).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/bytes.h"
#include "src/base/random.h"
#include "src/base/status.h"

namespace hearth::crypto {

// The token that reading key bytes asks for. It grants nothing; it makes the reading visible.
class SecretAccess {
 public:
  explicit SecretAccess() = default;
};

// Overwrites memory in a way the compiler keeps.
void Wipe(std::span<uint8_t> memory);

// True when both have the same length and content; the time depends on the length alone.
bool ConstantTimeEqual(ByteView a, ByteView b);

// Secret bytes of any length. Not thread-safe for writing; moved-from is empty.
class Secret {
 public:
  Secret() = default;
  // Takes the bytes over; the caller's copies elsewhere are the caller's to wipe.
  explicit Secret(Bytes bytes) : bytes_(std::move(bytes)) {}
  ~Secret() { Wipe(bytes_); }
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  Secret Copy() const { return Secret(Bytes(bytes_)); }
  ByteView bytes(SecretAccess) const { return bytes_; }
  std::span<uint8_t> mutable_bytes(SecretAccess) { return bytes_; }
  size_t size() const { return bytes_.size(); }

  friend bool operator==(const Secret& a, const Secret& b) { return ConstantTimeEqual(a.bytes_, b.bytes_); }

 private:
  Bytes bytes_;
};

// A key of N bytes; the default is all zero, which stands for "no key". Moved-from is all zero.
template <size_t N>
class FixedKey {
 public:
  static constexpr size_t kSize = N;

  FixedKey() = default;
  explicit FixedKey(const std::array<uint8_t, N>& bytes) : bytes_(bytes) {}
  ~FixedKey() { Wipe(bytes_); }
  FixedKey(FixedKey&& other) noexcept : bytes_(other.bytes_) { Wipe(other.bytes_); }
  FixedKey& operator=(FixedKey&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      Wipe(other.bytes_);
    }
    return *this;
  }
  FixedKey(const FixedKey&) = delete;
  FixedKey& operator=(const FixedKey&) = delete;

  // FIELD_INVALID naming "key" unless there are exactly N bytes.
  static Result<FixedKey> FromBytes(ByteView bytes) {
    if (bytes.size() != N) return InvalidField("key", "exactly " + std::to_string(N) + " bytes");
    FixedKey key;
    std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
    return key;
  }
  static FixedKey Random(RandomSource& random) {
    FixedKey key;
    random.Fill(key.bytes_);
    return key;
  }

  FixedKey Copy() const { return FixedKey(bytes_); }
  ByteView bytes(SecretAccess) const { return bytes_; }
  std::span<uint8_t, N> mutable_bytes(SecretAccess) { return bytes_; }
  bool IsZero() const { return ConstantTimeEqual(bytes_, std::array<uint8_t, N>{}); }

  friend bool operator==(const FixedKey& a, const FixedKey& b) {
    return ConstantTimeEqual(a.bytes_, b.bytes_);
  }

 private:
  std::array<uint8_t, N> bytes_{};
};

using Key128 = FixedKey<16>;
using Key256 = FixedKey<32>;

}  // namespace hearth::crypto
