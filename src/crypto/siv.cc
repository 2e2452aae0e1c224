#include "src/crypto/siv.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <utility>

#include "src/crypto/aes.h"

namespace hearth::crypto {
namespace {

using internal::Aes128;
using internal::Block;
using internal::CmacContext;
using internal::kBlock;

// Longer than any section; longer texts take memory from the heap.
constexpr size_t kOnStack = 256;

// What S2V begins with, whatever the message: double(CMAC(zero)).
bool BeginS2v(CmacContext& cmac, Block& begin) {
  if (!cmac.Mac(Block{}, begin)) return false;
  begin = internal::Double(begin);
  return true;
}

// S2V of RFC 5297 section 2.4 with one string of associated data.
bool SyntheticIv(CmacContext& cmac, const Block& begin, ByteView aad, ByteView plaintext, Block& iv) {
  Block d = begin;
  Block mac;
  if (!cmac.Mac(aad, mac)) return false;
  internal::XorInto(d, mac.data());
  if (plaintext.size() < kBlock) {
    d = internal::Double(d);
    for (size_t i = 0; i < plaintext.size(); ++i) d[i] = static_cast<uint8_t>(d[i] ^ plaintext[i]);
    d[plaintext.size()] = static_cast<uint8_t>(d[plaintext.size()] ^ 0x80);
    return cmac.Mac(d, iv);
  }
  std::array<uint8_t, kOnStack> small;
  Bytes large(plaintext.size() > kOnStack ? plaintext.size() : 0);
  const std::span<uint8_t> t =
      large.empty() ? std::span<uint8_t>(small).first(plaintext.size()) : std::span<uint8_t>(large);
  std::copy(plaintext.begin(), plaintext.end(), t.begin());
  for (size_t i = 0; i < kBlock; ++i) {
    uint8_t& byte = t[t.size() - kBlock + i];
    byte = static_cast<uint8_t>(byte ^ d[i]);
  }
  const bool ok = cmac.Mac(t, iv);
  Wipe(t);
  return ok;
}

// CTR of RFC 5297 section 2.5. Bit 31 of the starting counter is cleared, so its low 32 bits do not overflow
// within 2^31 blocks.
bool Ctr(Aes128& aes, Block counter, ByteView in, uint8_t* out) {
  counter[8] &= 0x7F;
  counter[12] &= 0x7F;
  auto low = static_cast<uint32_t>(ByteReader(ByteView(counter).subspan(12)).U(4));
  std::array<uint8_t, 16 * kBlock> stream;
  size_t used = 0;
  bool ok = true;
  while (ok && !in.empty()) {
    const size_t part = std::min(in.size(), stream.size());
    const size_t blocks = (part + kBlock - 1) / kBlock;
    used = std::max(used, blocks * kBlock);
    for (size_t b = 0; b < blocks; ++b, ++low) {
      for (size_t i = 0; i < 4; ++i) counter[12 + i] = static_cast<uint8_t>(low >> (24 - 8 * i));
      std::copy(counter.begin(), counter.end(), stream.begin() + static_cast<ptrdiff_t>(b * kBlock));
    }
    ok = aes.Encrypt(stream.data(), stream.data(), blocks * kBlock);
    for (size_t i = 0; i < part; ++i) out[i] = static_cast<uint8_t>(in[i] ^ stream[i]);
    in = in.subspan(part);
    out += part;
  }
  Wipe(std::span(stream).first(used));
  return ok;
}

// The synthetic IV of `plaintext` with the thread's own AES.
bool SyntheticIv(ByteView key, ByteView aad, ByteView plaintext, Block& iv) {
  CmacContext cmac;
  Block begin;
  return cmac.Init(Aes128::OfThisThread(), key) && BeginS2v(cmac, begin) &&
         SyntheticIv(cmac, begin, aad, plaintext, iv);
}

bool Ctr(ByteView key, const Block& counter, ByteView in, uint8_t* out) {
  Aes128& aes = Aes128::OfThisThread();
  return aes.SetKey(key) && Ctr(aes, counter, in, out);
}

}  // namespace

struct SivKey::Schedules {
  ~Schedules() { Wipe(begin); }

  // False when another thread has them; nothing is made then.
  bool Take() { return !taken.test_and_set(std::memory_order_acquire); }
  void GiveBack() { taken.clear(std::memory_order_release); }

  std::atomic_flag taken;
  Aes128 mac_aes;
  CmacContext cmac;
  Block begin{};
  Aes128 ctr_aes;
};

SivKey::SivKey(Key256 key) : key_(std::move(key)) {}
SivKey::~SivKey() = default;
SivKey::SivKey(SivKey&& other) noexcept = default;
SivKey& SivKey::operator=(SivKey&& other) noexcept = default;

Status SivKey::KeepSchedules() {
  auto schedules = std::make_unique<Schedules>();
  const ByteView key = key_.bytes(SecretAccess());
  if (!schedules->cmac.Init(schedules->mac_aes, key.first(kBlock)) ||
      !BeginS2v(schedules->cmac, schedules->begin) || !schedules->ctr_aes.SetKey(key.last(kBlock))) {
    return internal::CryptoError("AES refused a key");
  }
  schedules_ = std::move(schedules);
  return Ok();
}

Result<Bytes> SivKey::Seal(ByteView aad, ByteView plaintext) const {
  Bytes out(kOverhead + plaintext.size());
  HEARTH_RETURN_IF_ERROR(SealInto(aad, plaintext, out));
  return out;
}

Status SivKey::SealInto(ByteView aad, ByteView plaintext, std::span<uint8_t> out) const {
  assert(out.size() == kOverhead + plaintext.size());
  const ByteView key = key_.bytes(SecretAccess());
  Block iv;
  bool sealed = false;
  if (schedules_ != nullptr && schedules_->Take()) {
    sealed = SyntheticIv(schedules_->cmac, schedules_->begin, aad, plaintext, iv) &&
             Ctr(schedules_->ctr_aes, iv, plaintext, out.data() + kOverhead);
    schedules_->GiveBack();
  } else {
    sealed = SyntheticIv(key.first(kBlock), aad, plaintext, iv) &&
             Ctr(key.last(kBlock), iv, plaintext, out.data() + kOverhead);
  }
  if (!sealed) return internal::CryptoError("AES refused to seal");
  std::copy(iv.begin(), iv.end(), out.begin());
  return Ok();
}

Result<Secret> SivKey::Open(ByteView aad, ByteView sealed) const {
  const auto refused = [] {
    return Error(Reason::kSectionNotAuthentic, "the section was not sealed under this key");
  };
  if (sealed.size() < kOverhead) return refused();
  const ByteView key = key_.bytes(SecretAccess());
  Block iv;
  std::copy_n(sealed.begin(), kOverhead, iv.begin());
  Secret plaintext(Bytes(sealed.size() - kOverhead));
  uint8_t* const out = plaintext.mutable_bytes(SecretAccess()).data();
  Block expected;
  if (!Ctr(key.last(kBlock), iv, sealed.subspan(kOverhead), out) ||
      !SyntheticIv(key.first(kBlock), aad, plaintext.bytes(SecretAccess()), expected)) {
    return internal::CryptoError("AES refused to open");
  }
  if (!ConstantTimeEqual(iv, expected)) return refused();
  return plaintext;
}

}  // namespace hearth::crypto
