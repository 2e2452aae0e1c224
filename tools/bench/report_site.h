// A head-end over RocksDB with one area, one city list and a number of cards at home, for `report`.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <vector>

#include "src/app/head_end.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/cas/report.h"
#include "src/crypto/random.h"
#include "src/store/store.h"
#include "tools/bench/measure.h"

namespace hearth::bench {

inline constexpr size_t kMaxCards = 50'000;

// One card, box and SIM. Used by one thread at a time.
struct Home {
  CardNumber card;
  BoxSerial box;
  SimNumber sim;
  crypto::CardReportKey key;
  uint32_t counter = 0;
  UnixMillis last_report;
  bool in_city = false;
};

// Counts sections and throws them away. Any thread.
class CountingSink final : public app::SectionSink {
 public:
  std::string_view name() const override { return "counting"; }
  // Takes all it is given.
  std::optional<app::Pace> pace() const override { return app::Pace{.kbps = 1000}; }
  Status Write(std::span<const Bytes> sections) override {
    count_ += sections.size();
    return Ok();
  }
  uint64_t count() const { return count_; }

 private:
  std::atomic<uint64_t> count_{0};
};

class ReportSite {
 public:
  // Opens an account for each card and lets it report from home once, so that all are lit. One BLACKLISTED
  // report switches a card off and the circuit breaker holds nothing, so that every crossing is a change of
  // standing. `cards`: 1 to kMaxCards. `output`: what the sections go to instead of sink(); must outlive it.
  static Result<std::unique_ptr<ReportSite>> Create(const std::filesystem::path& dir, uint64_t seed,
                                                    size_t cards, size_t threads,
                                                    app::SectionSink* output = nullptr);
  ~ReportSite();

  std::vector<Home>& homes() { return homes_; }
  const Clock& clock() const { return clock_; }
  const CountingSink& sink() const { return sink_; }
  store::Store& store() { return *store_; }
  uint64_t CountOf(std::string_view counter) const { return metrics_.CountOf(counter); }

  app::HeadEnd& head() { return *head_; }
  // The next report of a home, signed, with signals of its own. As Send, without taking it.
  Result<app::Report> Make(Home& home, bool from_city);
  // Signs and takes one report; the card's times are a second apart, beginning three days ago. Different
  // homes from different threads.
  Result<app::ReportAnswer> Send(Home& home, bool from_city);
  // Until everything is sent, but at most `seconds`.
  void AwaitPump(double seconds);

 private:
  explicit ReportSite(uint64_t seed);
  Status Open(const std::filesystem::path& dir, app::SectionSink& output);
  Status Fill(size_t cards, size_t threads);
  Status FillGeography();
  Status FillPackage();
  Status FillStock(size_t cards);
  app::Request NewRequest();

  SystemClock clock_;
  NullLogger log_;
  CountingMetrics metrics_;
  crypto::SystemRandom random_;
  CountingSink sink_;
  app::HeadEndOptions options_;
  std::array<uint8_t, 16> batch_key_{};
  uint64_t requests_ = 0;
  std::atomic<uint32_t> signals_{1};
  std::vector<Home> homes_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<app::HeadEnd> head_;  // before the store goes
};

}  // namespace hearth::bench
