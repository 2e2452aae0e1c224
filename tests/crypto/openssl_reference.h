// OpenSSL's own CMAC, AES-SIV and KBKDF, to compare ours with. Abort on failure: they are the reference.
#pragma once

#include <string_view>

#include "src/base/bytes.h"

namespace hearth::reference {

Bytes Cmac(ByteView key, ByteView message);
Bytes Kbkdf(ByteView key, std::string_view label, ByteView context, size_t bytes);
// The synthetic IV and then the ciphertext. OpenSSL's SIV wants at least one byte of plaintext.
Bytes Siv(ByteView key, ByteView aad, ByteView plaintext);

}  // namespace hearth::reference
