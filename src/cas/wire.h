// What all messages of docs/messages.md share: the numbers, the suite byte, and the sealed form
// AAD ‖ SIV(…; AAD; enc). Encoders refuse what the format cannot say (FIELD_INVALID, SECTION_TOO_LONG);
// decoders refuse everything else than one whole, authentic, well-formed section. Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/status.h"
#include "src/crypto/primitives.h"
#include "src/crypto/secret.h"
#include "src/crypto/siv.h"

namespace hearth::cas {

enum class TableId : uint8_t {
  kEcmEven = 0x80,
  kEcmOdd = 0x81,
  kUniqueRecord = 0x82,
  kUniqueStanding = 0x83,
  kGroup = 0x84,
  kServiceKeys = 0x85,
  kAreaTable = 0x86,
  kEmergency = 0x87,
  kPairing = 0x88,
};

inline constexpr uint8_t kSuite1 = 1;
inline constexpr size_t kCellBytes = 11;

// A cell as 84 bits padded to 11 bytes (docs/messages.md section 3), and the first 8 bytes of a CMAC.
using CellBytes = std::array<uint8_t, kCellBytes>;
using Mac64 = std::array<uint8_t, 8>;

inline constexpr uint64_t kMaxStamp = (uint64_t{1} << 40) - 1;
inline constexpr uint32_t kMaxGroup = 0xFFFFFF;
inline constexpr uint64_t kMaxSimNumber = 99'999'999'999;

// FIELD_INVALID naming the field when the value does not fit what it stands for.
Status CheckCard(CardNumber card);
Status CheckBox(BoxSerial box);  // 0, none, is fine here
Status CheckStamp(Stamp stamp);
Status CheckArea(AreaId area);  // a six-digit division and a serial of 1 to 999; not 0

// Begins a section of `total_bytes`: header and suite. SECTION_TOO_LONG when it would not fit 183 bytes.
Result<ByteWriter> BeginMessage(TableId table, size_t total_bytes);
// AAD ‖ SIV(key; AAD; enc), where `aad` holds all fields before the SIV.
Result<Bytes> FinishSealed(ByteWriter aad, const crypto::SivKey& key, const crypto::Secret& enc);

// Checks header, table and suite; returns a reader behind the suite byte. SECTION_TRUNCATED,
// SECTION_MALFORMED, SECTION_UNKNOWN_TABLE (any other), SECTION_UNKNOWN_SUITE.
Result<ByteReader> ReadMessage(ByteView section, TableId table);
// Opens the sealed part that begins at `aad_bytes`. SECTION_TRUNCATED, SECTION_NOT_AUTHENTIC.
Result<crypto::Secret> OpenSealed(ByteView section, size_t aad_bytes, const crypto::SivKey& key);

// SECTION_MALFORMED with the rule that an authentic section breaks.
Error Malformed(std::string rule);
// A decoded value failed the check of its encoder: the same rule, as SECTION_MALFORMED.
Status AsMalformed(const Status& status);

// The first `width` (3 to 8) bytes of SHA-256("hearth/cell" ‖ [area]4 ‖ cell). FIELD_INVALID on another
// width.
Result<Bytes> CellHash(AreaId area, const CellBytes& cell, uint8_t width);

}  // namespace hearth::cas
