#include "src/store/layout.h"

#include <fmt/format.h>

#include "src/base/bytes.h"

namespace hearth::store {
namespace {

constexpr uint16_t kSystemPrefix = 0xFFFF;
constexpr char kVersion = 'v';
constexpr char kGeneration = 'g';
constexpr char kSequence = 'b';

// The `width` low bytes, big-endian.
void Append(std::string& out, uint64_t value, int width) {
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::string SystemKey(char letter) {
  std::string key;
  Append(key, kSystemPrefix, 2);
  key.push_back(letter);
  return key;
}

Error Corrupt(std::string message) { return Error(Reason::kStoreCorrupt, std::move(message)); }

Error BadRecord(const KeyValue& item) {
  return Corrupt("the store's own records are damaged")
      .Detail(fmt::format("key {} value {}", ToHex(AsBytes(item.key)), ToHex(AsBytes(item.value))));
}

Result<BucketSequence> DecodeSequence(const KeyValue& item) {
  ByteReader key(AsBytes(item.key).subspan(kKeyHeader));
  ByteReader value(AsBytes(item.value));
  const BucketId bucket(key.U16());
  const uint64_t sequence = value.U64();
  value.U64();  // the epoch: for people who look into a store
  if (!key.done() || !value.done() || bucket.value >= kAllBuckets || sequence == 0) return BadRecord(item);
  return BucketSequence{bucket, sequence};
}

Result<uint32_t> DecodeU32(const KeyValue& item) {
  ByteReader value(AsBytes(item.value));
  const uint32_t number = value.U32();
  if (item.key.size() != kKeyHeader || !value.done()) return BadRecord(item);
  return number;
}

}  // namespace

std::string StoredKey(BucketId bucket, Space space, std::string_view key) {
  std::string stored;
  stored.reserve(kKeyHeader + key.size());
  Append(stored, bucket.value, 2);
  stored.push_back(static_cast<char>(space));
  stored.append(key);
  return stored;
}

std::string PrefixEnd(std::string prefix) {
  while (prefix.back() == '\xFF') prefix.pop_back();
  prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

std::string VersionKey() { return SystemKey(kVersion); }
std::string GenerationKey() { return SystemKey(kGeneration); }

std::string BucketSequenceKey(BucketId bucket) {
  std::string key = SystemKey(kSequence);
  Append(key, bucket.value, 2);
  return key;
}

std::string VersionValue() {
  std::string value;
  Append(value, kFormatVersion, 4);
  return value;
}

std::string GenerationValue(uint32_t generation) {
  std::string value;
  Append(value, generation, 4);
  return value;
}

std::string BucketSequenceValue(uint64_t sequence, uint64_t epoch) {
  std::string value;
  Append(value, sequence, 8);
  Append(value, epoch, 8);
  return value;
}

Result<SystemState> DecodeSystemState(const std::vector<KeyValue>& items) {
  SystemState state;
  uint32_t version = 0;
  // Of a newer format nothing but the version may be judged.
  for (const KeyValue& item : items) {
    if (item.key != VersionKey()) continue;
    HEARTH_ASSIGN_OR_RETURN(version, DecodeU32(item));
  }
  if (version == 0) return Corrupt("this is not a store of Hearth: it has no format version");
  if (version != kFormatVersion) {
    return Corrupt(fmt::format("the store has format version {}; this release knows only version {}", version,
                               kFormatVersion));
  }
  for (const KeyValue& item : items) {
    const char letter = item.key.size() < kKeyHeader ? '\0' : item.key[kKeyHeader - 1];
    if (letter == kSequence) {
      HEARTH_ASSIGN_OR_RETURN(const BucketSequence sequence, DecodeSequence(item));
      state.sequences.push_back(sequence);
    } else if (letter == kGeneration) {
      HEARTH_ASSIGN_OR_RETURN(state.generation, DecodeU32(item));
    } else if (letter != kVersion) {
      return BadRecord(item);
    }
  }
  // Without it, or at its end, epochs could repeat.
  if (state.generation == 0 || state.generation == UINT32_MAX) {
    return Corrupt(fmt::format("the store's generation {} cannot be", state.generation));
  }
  return state;
}

}  // namespace hearth::store
