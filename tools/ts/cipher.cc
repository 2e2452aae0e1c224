#include "tools/ts/cipher.h"

#include <cstdlib>

#include <dvbcsa/dvbcsa.h>
#include <openssl/evp.h>

namespace hearth::ts {
namespace {

constexpr size_t kCsaWordBytes = 8;
constexpr size_t kCissaWordBytes = 16;
constexpr size_t kBlockBytes = 16;
// "DVBTMCPTAESCISSA", TS 103 127, 6.3.1.2.
constexpr uint8_t kCissaVector[kBlockBytes] = {0x44, 0x56, 0x42, 0x54, 0x4D, 0x43, 0x50, 0x54,
                                               0x41, 0x45, 0x53, 0x43, 0x49, 0x53, 0x53, 0x41};

// No memory for the cipher: nobody could go on.
void Require(bool done) {
  if (!done) std::abort();
}

class CsaCipher final : public PayloadCipher {
 public:
  explicit CsaCipher(ByteView word) : key_(dvbcsa_key_alloc()) {
    Require(key_ != nullptr);
    dvbcsa_key_set(word.data(), key_.get());
  }
  ~CsaCipher() override {
    constexpr dvbcsa_cw_t kNoWord = {};
    dvbcsa_key_set(kNoWord, key_.get());
  }
  void Encrypt(std::span<uint8_t> payload) override {
    dvbcsa_encrypt(key_.get(), payload.data(), static_cast<unsigned>(payload.size()));
  }
  void Decrypt(std::span<uint8_t> payload) override {
    dvbcsa_decrypt(key_.get(), payload.data(), static_cast<unsigned>(payload.size()));
  }

 private:
  struct Free {
    void operator()(dvbcsa_key_t* key) const { dvbcsa_key_free(key); }
  };
  std::unique_ptr<dvbcsa_key_t, Free> key_;
};

class CissaCipher final : public PayloadCipher {
 public:
  explicit CissaCipher(ByteView word) : encrypt_(Make(word, 1)), decrypt_(Make(word, 0)) {}
  void Encrypt(std::span<uint8_t> payload) override { Run(encrypt_.get(), payload); }
  void Decrypt(std::span<uint8_t> payload) override { Run(decrypt_.get(), payload); }

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

  static Context Make(ByteView word, int encrypt) {
    Context context(EVP_CIPHER_CTX_new());
    Require(context != nullptr);
    Require(EVP_CipherInit_ex(context.get(), EVP_aes_128_cbc(), nullptr, word.data(), kCissaVector,
                              encrypt) == 1);
    Require(EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1);
    return context;
  }
  static void Run(EVP_CIPHER_CTX* context, std::span<uint8_t> payload) {
    const size_t whole = payload.size() - payload.size() % kBlockBytes;
    if (whole == 0) return;
    int done = 0;
    Require(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, kCissaVector, -1) == 1);
    Require(EVP_CipherUpdate(context, payload.data(), &done, payload.data(), static_cast<int>(whole)) == 1);
  }

  Context encrypt_;
  Context decrypt_;
};

}  // namespace

std::string_view NameOf(Algorithm algorithm) { return algorithm == Algorithm::kCsa ? "csa" : "cissa"; }

size_t WordBytes(Algorithm algorithm) {
  return algorithm == Algorithm::kCsa ? kCsaWordBytes : kCissaWordBytes;
}

uint8_t ScramblingMode(Algorithm algorithm) { return algorithm == Algorithm::kCsa ? 0x02 : 0x10; }

std::string_view NameOf(Parity parity) { return parity == Parity::kEven ? "even" : "odd"; }

Result<std::unique_ptr<PayloadCipher>> PayloadCipher::Create(ByteView word) {
  if (word.size() == kCsaWordBytes) return std::unique_ptr<PayloadCipher>(new CsaCipher(word));
  if (word.size() == kCissaWordBytes) return std::unique_ptr<PayloadCipher>(new CissaCipher(word));
  return InvalidField("word", "a control word has 8 bytes (DVB-CSA) or 16 (DVB-CISSA)");
}

Status WordPair::Set(Parity parity, ByteView word) {
  HEARTH_ASSIGN_OR_RETURN(Slot(parity), PayloadCipher::Create(word));
  return Ok();
}

bool WordPair::Scramble(Parity parity, mpegts::Packet& packet) {
  const auto header = mpegts::ReadPacketHeader(packet);
  PayloadCipher* cipher = Slot(parity).get();
  if (!header || header->scrambling != mpegts::kClear || cipher == nullptr) return false;
  if (header->payload_bytes() == 0) return true;
  cipher->Encrypt(std::span(packet).subspan(header->payload_at));
  mpegts::SetScrambling(packet, parity == Parity::kEven ? mpegts::kEvenKey : mpegts::kOddKey);
  return true;
}

WordPair::Outcome WordPair::Descramble(mpegts::Packet& packet) {
  const auto header = mpegts::ReadPacketHeader(packet);
  if (!header || header->scrambling == mpegts::kClear) return Outcome::kClear;
  if (header->scrambling == 1) return Outcome::kNoWord;  // reserved
  PayloadCipher* cipher = Slot(header->scrambling == mpegts::kEvenKey ? Parity::kEven : Parity::kOdd).get();
  if (cipher == nullptr) return Outcome::kNoWord;
  if (header->payload_bytes() > 0) cipher->Decrypt(std::span(packet).subspan(header->payload_at));
  mpegts::SetScrambling(packet, mpegts::kClear);
  return Outcome::kDescrambled;
}

}  // namespace hearth::ts
