// The keys and values an Engine holds. Integers are big-endian; letters and numbers are never reused.
//
//   what a commit wrote       bucket:u16 space key      bucket < 16449; space is one of c d o r a
//   format version            0xFFFF 'v'             -> version:u32, now 1
//   generation                0xFFFF 'g'             -> generation:u32, times the store was opened
//   sequence of a bucket      0xFFFF 'b' bucket:u16  -> sequence:u64 epoch:u64
//
// A bucket's sequence and the epoch that wrote it change in the same atomic write as the bucket's keys. They
// lie together, apart from the buckets, so that opening reads them in one go.
//
// Epochs are generation << 32 | acquisitions since opening: they grow over restarts with one write at
// opening, and acquiring a partition writes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/status.h"
#include "src/store/store.h"

namespace hearth::store {

inline constexpr uint32_t kFormatVersion = 1;
// Bytes before the caller's key in a stored one.
inline constexpr size_t kKeyHeader = 3;

std::string StoredKey(BucketId bucket, Space space, std::string_view key);
// The least key greater than all that begin with `prefix`, which must hold a byte other than 0xFF.
std::string PrefixEnd(std::string prefix);

std::string VersionKey();
std::string GenerationKey();
std::string BucketSequenceKey(BucketId bucket);
std::string VersionValue();
std::string GenerationValue(uint32_t generation);
std::string BucketSequenceValue(uint64_t sequence, uint64_t epoch);

// Everything under 0xFFFF.
struct SystemState {
  uint32_t generation = 0;
  std::vector<BucketSequence> sequences;  // ascending by bucket
};

// `items` are all pairs under 0xFFFF of a store that is not new. STORE_CORRUPT when they are not as above,
// with the version in the message when only that is unknown.
Result<SystemState> DecodeSystemState(const std::vector<KeyValue>& items);

}  // namespace hearth::store
