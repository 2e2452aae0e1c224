// Inside src/crypto: files that hold one key.
#pragma once

#include <string>
#include <string_view>

#include "src/base/status.h"
#include "src/crypto/secret.h"

namespace hearth::crypto::internal {

// The content of a regular file that only its owner may read or change, at most `max_bytes`.
// KEY_FILE_INVALID, FILE_UNREADABLE.
Result<Secret> ReadPrivateFile(const std::string& path, size_t max_bytes);

// Exactly 2N hexadecimal digits with white space around them, not all zero. `source` names them in errors.
// KEY_FILE_INVALID.
template <size_t N>
Result<FixedKey<N>> ParseKey(std::string_view text, std::string_view source);

Error KeyFileError(std::string message);

}  // namespace hearth::crypto::internal
