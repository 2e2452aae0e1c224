#include "src/store/store.h"

#include <future>

#include "src/base/bytes.h"

namespace hearth::store {

std::string SequenceKey(uint64_t sequence) {
  return std::string(AsChars(ByteWriter(8).U64(sequence).bytes()));
}

std::string OutboxKey(uint64_t sequence, uint32_t n) {
  return std::string(AsChars(ByteWriter(12).U64(sequence).U32(n).bytes()));
}

uint64_t SequenceOfKey(std::string_view key) { return ByteReader(AsBytes(key)).U64(); }

Result<uint64_t> Store::CommitAndWait(const Lease& lease, BucketId bucket, uint64_t expected_sequence,
                                      Batch batch) {
  // Shared with the callback, which may still be inside set_value when the waiter returns.
  auto promise = std::make_shared<std::promise<Result<uint64_t>>>();
  auto future = promise->get_future();
  Commit(lease, bucket, expected_sequence, std::move(batch),
         [promise](Result<uint64_t> result) { promise->set_value(std::move(result)); });
  return future.get();
}

}  // namespace hearth::store
