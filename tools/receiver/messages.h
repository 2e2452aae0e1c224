// The messages of docs/messages.md section 4, decoded. A decoder checks form only: lengths, ranges, sums;
// whose a message is, whether it is authentic and whether it is obeyed is the card's and the box's. Any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "tools/receiver/crypto.h"

namespace hearth::receiver {

inline constexpr uint8_t kEcmEven = 0x80;
inline constexpr uint8_t kEcmOdd = 0x81;
inline constexpr uint8_t kRecord = 0x82;
inline constexpr uint8_t kStanding = 0x83;
inline constexpr uint8_t kGroup = 0x84;
inline constexpr uint8_t kServiceKeys = 0x85;
inline constexpr uint8_t kTable = 0x86;
inline constexpr uint8_t kEmergency = 0x87;  // alert.h
inline constexpr uint8_t kPairing = 0x88;

inline constexpr size_t kMaxSectionBytes = 256;

// Why a section was ignored; kTaken when it was not.
enum class Why : uint8_t {
  kTaken,
  kNotMine,
  kOldStamp,
  kNoKey,
  kNotAuthentic,
  kMalformed,
  kUnknownTable,
  kUnknownSuite,
  kFull,
  kOver,
  kNoCard,
};
// "taken", "not_mine", …: stable, for programs.
std::string_view NameOf(Why why);

// What became of a section. `what` is one sentence for people.
struct Outcome {
  Why why = Why::kMalformed;
  std::string what;

  bool taken() const { return why == Why::kTaken; }
};

// kTaken when it is one whole section of ours: known table_id, header bits, length, suite 1.
Why CheckHeader(ByteView section);

// A section whose content is sealed: what is clear, what is sealed (IV and ciphertext).
struct SealedSection {
  ByteView associated;
  ByteView sealed;
};
// How many bytes stand before the SIV in this table; 0 for 0x83, which has none.
size_t AssociatedBytes(uint8_t table_id);
std::optional<SealedSection> SplitSealed(ByteView section);

// 0 dark, 1 on, 2 on and exempt from the whitelist.
enum class Standing : uint8_t { kDark = 0, kOn = 1, kExempt = 2 };
enum class StandingReason : uint8_t {
  kNone = 0,
  kWaiting = 1,
  kLocation = 2,
  kClosed = 3,
  kSwapped = 4,
  kOperator = 5,
  kEvicted = 6
};

struct StandingPair {
  Standing standing = Standing::kDark;
  StandingReason reason = StandingReason::kNone;

  bool operator==(const StandingPair&) const = default;
};
std::string_view NameOf(Standing standing);
std::string_view NameOf(StandingReason reason);

// 0x82, after the stamp.
struct Record {
  StandingPair standing;
  uint16_t validity_day = 0;
  GroupId group;
  uint8_t slot = 0;
  uint8_t generation = 0;
  Key group_key;
  BoxSerial box;
  AreaId area;
  uint16_t area_version = 0;
  std::array<uint8_t, 16> rights{};
  uint16_t expiry_day = 0;
  Bytes cells;  // hashes of width 3

  bool HasRight(unsigned product) const;
  bool operator==(const Record&) const = default;
};
std::optional<Record> DecodeRecord(ByteView plain);

// The card number of 0x82, 0x83 and 0x88, which stands at one place in all three; 0 when it is too short.
CardNumber AddressedCard(ByteView section);

struct StandingMessage {
  Stamp stamp;
  StandingPair standing;
};
std::optional<StandingMessage> DecodeStanding(ByteView section);

struct GroupHead {
  GroupId group;
  uint8_t generation = 0;
  Stamp stamp;
  Epoch epoch;
  std::array<uint8_t, 32> bitmap{};

  bool On(uint8_t slot) const { return (bitmap[slot / 8] >> (7 - slot % 8) & 1) != 0; }
};
std::optional<GroupHead> DecodeGroupHead(ByteView section);
std::optional<std::vector<std::pair<PackageId, Key>>> DecodeGroupKeys(ByteView plain);

struct ServiceKeysHead {
  PackageId package;
  Epoch package_epoch;
  Stamp stamp;
  Epoch key_epoch;
};
std::optional<ServiceKeysHead> DecodeServiceKeysHead(ByteView section);
std::optional<std::vector<std::pair<ServiceId, Key>>> DecodeServiceKeys(ByteView plain);

enum class TableKind : uint8_t { kArea = 1, kDeny = 2 };
std::string_view NameOf(TableKind kind);

struct TableHead {
  AreaId list;
  uint16_t version = 0;
  uint8_t part = 0;
  uint8_t parts = 1;
  Stamp stamp;
  PackageId package;
  Epoch package_epoch;
};
std::optional<TableHead> DecodeTableHead(ByteView section);

struct TablePart {
  TableKind kind = TableKind::kArea;
  uint8_t width = 3;
  uint8_t grace_hours = 0;
  Bytes hashes;
};
std::optional<TablePart> DecodeTablePart(ByteView plain);

struct PairingHead {
  CardNumber card;
  BoxSerial box;
  Stamp stamp;
};
std::optional<PairingHead> DecodePairingHead(ByteView section);

struct EcmHead {
  uint8_t table_id = 0;
  ServiceId service;
  Epoch key_epoch;
  uint32_t utc = 0;  // seconds since 2024
};
std::optional<EcmHead> DecodeEcmHead(ByteView section);

struct AcRecord {
  uint8_t mode = 0;  // 0 closed, 1 subscribers, 2 product, 3 open
  uint8_t product = 0;
  uint32_t region = 0;
};
struct EcmBody {
  std::vector<AcRecord> criteria;  // 1 or 2
  size_t word_bytes = 8;           // 8 or 16
  SecretBytes words;               // criteria.size() × word_bytes
};
std::optional<EcmBody> DecodeEcmBody(ByteView plain);

}  // namespace hearth::receiver
