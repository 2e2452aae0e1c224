// The same work done with OpenSSL alone, to measure ours against. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/status.h"

namespace hearth::bench {

// Peer A: what a careful caller of OpenSSL's own CMAC and AES-SIV writes. Algorithms are fetched once and
// contexts made once; each key is one EVP_MAC_init, each SIV key one EVP_EncryptInit_ex2. It is handed its
// plaintext ready made, so encoding is no part of its work, and writes into a buffer that is there already.
// Functions return false when OpenSSL refuses.
class OpenSslPeer {
 public:
  // CRYPTO_FAILED when OpenSSL lacks CMAC or AES-SIV.
  static Result<std::unique_ptr<OpenSslPeer>> Create();
  ~OpenSslPeer();
  OpenSslPeer(const OpenSslPeer&) = delete;
  OpenSslPeer& operator=(const OpenSslPeer&) = delete;

  // card key ← master, encryption key ← card key, SIV key ← encryption key; then seals. `sealed` has
  // 16 + plaintext.size() bytes and gets the synthetic IV and the ciphertext.
  bool Record(ByteView master, ByteView card, ByteView aad, ByteView plaintext, std::span<uint8_t> sealed);
  // card key ← master, MAC key ← card key; then the MAC, of which a section holds the first 8 bytes.
  bool Standing(ByteView master, ByteView card, ByteView message, std::span<uint8_t, 16> mac);

 private:
  struct Contexts;
  explicit OpenSslPeer(std::unique_ptr<Contexts> contexts);
  // `out` has 16 or 32 bytes.
  bool Derive(ByteView key, std::string_view label, ByteView context, std::span<uint8_t> out);

  std::unique_ptr<Contexts> contexts_;
};

// Ceiling B: nothing but the AES key set-ups and the AES blocks that the messages need, the blocks of each
// key in a single call of AES-128-ECB, which no chained mode can reach.
class AesCeiling {
 public:
  static Result<std::unique_ptr<AesCeiling>> Create();
  ~AesCeiling();
  AesCeiling(const AesCeiling&) = delete;
  AesCeiling& operator=(const AesCeiling&) = delete;

  // blocks[k]: blocks under the k-th key, at most 64.
  bool Run(ByteView key, std::span<const size_t> blocks);

 private:
  struct Contexts;
  explicit AesCeiling(std::unique_ptr<Contexts> contexts);

  std::unique_ptr<Contexts> contexts_;
};

}  // namespace hearth::bench
