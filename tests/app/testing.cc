#include "tests/app/testing.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "src/carousel/pacer.h"

namespace hearth::app {

uint64_t TestSeed() {
  const char* text = std::getenv("HEARTH_TEST_SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  std::cout << "HEARTH_TEST_SEED=" << seed << std::endl;
  return seed;
}

bool WaitUntil(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return done();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void TestRandom::Fill(std::span<uint8_t> out) {
  // SplitMix64: enough for keys that only have to differ.
  for (uint8_t& byte : out) {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    byte = static_cast<uint8_t>(z >> 31);
  }
}

Status CollectingSink::Write(std::span<const Bytes> sections) {
  if (failing_) {
    ++refused_;
    return Error(Reason::kOutputFailed, "the sink was told to fail");
  }
  const MutexLock lock(mu_);
  if (holding_) {
    held_ += sections.size();
    return Ok();
  }
  sections_.insert(sections_.end(), sections.begin(), sections.end());
  if (clock_ == nullptr || kbps_ == 0) return Ok();
  double bytes = 0;
  for (const Bytes& section : sections) bytes += carousel::AirBytes(section.size(), mpegts::Packing::kPacked);
  free_at_ = std::max(free_at_, clock_->Steady()) +
             std::chrono::nanoseconds(static_cast<int64_t>(bytes / (kbps_ * 125.0) * 1e9));
  return Ok();
}

std::optional<Pace> CollectingSink::pace() const {
  const MutexLock lock(mu_);
  Pace pace{.kbps = kbps_};
  if (clock_ != nullptr) pace.ahead = std::max(free_at_ - clock_->Steady(), std::chrono::nanoseconds(0));
  return pace;
}

void CollectingSink::SetRate(const Clock& clock, uint32_t kbps) {
  const MutexLock lock(mu_);
  clock_ = &clock;
  kbps_ = kbps;
  free_at_ = clock.Steady();
}

size_t CollectingSink::Backlog() const {
  const MutexLock lock(mu_);
  return held_;
}

void CollectingSink::LoseHeld() {
  const MutexLock lock(mu_);
  holding_ = false;
  held_ = 0;
}

size_t CollectingSink::size() const {
  const MutexLock lock(mu_);
  return sections_.size();
}

std::vector<Bytes> CollectingSink::From(size_t from) const {
  const MutexLock lock(mu_);
  return {sections_.begin() + static_cast<std::ptrdiff_t>(std::min(from, sections_.size())), sections_.end()};
}

void GuardedStore::Commit(const store::Lease& lease, store::BucketId bucket, uint64_t expected_sequence,
                          store::Batch batch, Done done) {
  Guard guard;
  {
    const MutexLock lock(mu_);
    guard = guard_;
  }
  if (guard) {
    if (Status status = guard(bucket, batch); !status) return done(status.error());
  }
  inner_.Commit(lease, bucket, expected_sequence, std::move(batch), std::move(done));
}

}  // namespace hearth::app
