// What store_child writes and kill_test.cc checks.
//
// Bucket b at sequence s holds: objects k0 to k4, each "<s>:" and filler; a record and an audit entry of the
// same text for every sequence; two outbox entries a sequence.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::store {

inline constexpr uint16_t kChildBuckets = 6;
inline constexpr int kChildObjects = 5;

// One acknowledged commit, written to standard output in one piece.
struct Acknowledged {
  uint64_t bucket;
  uint64_t sequence;
};

// The length varies so that commits end anywhere in the log's 32 KiB blocks.
inline std::string ChildValue(uint64_t sequence, int object) {
  const uint64_t length = (sequence * 7919 + static_cast<uint64_t>(object) * 104'729) % 3000;
  return std::to_string(sequence) + ":" + std::string(length, static_cast<char>('a' + sequence % 26));
}

}  // namespace hearth::store
