// One suite that every store passes. A store joins by instantiating StoreConformance in backends.cc.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/store/store.h"
#include "tests/store/testing.h"

namespace hearth::store {

struct Backend {
  std::string name;
  bool persistent = false;
  std::function<Result<std::unique_ptr<Store>>(const std::filesystem::path&, const Clock&, MetricsRegistry&,
                                               const Limits&)>
      open;
};

inline void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }
std::vector<Backend> AllBackends();

inline constexpr std::chrono::milliseconds kTtl{10'000};
inline constexpr BucketId kBucket{5};       // in partition 0
inline constexpr BucketId kNeighbour{6};    // the same partition
inline constexpr BucketId kElsewhere{700};  // in partition 10

class StoreConformance : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { Open(); }
  // Closes first, if open.
  void Open();

  Lease MustAcquire(BucketId bucket, std::string_view owner = "a");
  // Commits at the bucket's present sequence.
  uint64_t MustCommit(const Lease& lease, BucketId bucket, Batch batch);
  std::string Read(BucketId bucket, std::string_view key, Space space = Space::kObject);
  // All keys of a space, read in pages of `limit`.
  std::vector<std::string> Keys(BucketId bucket, Space space, std::string_view prefix = "", size_t limit = 3);

  TempDir dir_;
  FakeClock clock_{UnixMillis(1'700'000'000'000)};
  TestMetrics metrics_;
  Limits limits_;
  std::unique_ptr<Store> store_;
};

// Read() of a key that is not there.
inline constexpr std::string_view kAbsent = "(absent)";

Batch Puts(std::vector<KeyValue> puts);
// "OK" or the name of the reason.
template <typename T>
std::string NameOf(const Result<T>& result) {
  return result ? "OK" : std::string(InfoOf(result.error().reason()).name);
}

}  // namespace hearth::store
