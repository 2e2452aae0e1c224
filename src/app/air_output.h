// One output on the air: its scheduler, its cycles, and what it has been handed and not put on the air yet.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/app/air_content.h"
#include "src/app/section_sink.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/carousel/cycle.h"
#include "src/carousel/pacer.h"
#include "src/carousel/scheduler.h"

namespace hearth::app {

using carousel::Tier;
using AirTime = std::chrono::nanoseconds;  // steady

// The least time that a pass of a cycle takes: a small site need not say the same all the time.
struct LeastPasses {
  AirTime service_keys = std::chrono::seconds(2);
  AirTime groups = std::chrono::seconds(2);
  AirTime records = std::chrono::seconds(20);
  AirTime areas = std::chrono::seconds(5);
};

struct AirOptions {
  carousel::SchedulerOptions scheduler;
  LeastPasses least;
  // Of outputs that have no pace of their own.
  uint32_t kbps = 1000;
  // An output that does not serve all provinces (2 digits).
  struct Region {
    std::string output;
    std::set<uint16_t> provinces;
  };
  std::vector<Region> regions;
  // How long a record stays among the frequent ones when no report confirms it.
  std::chrono::days stale{90};
};

// A cycle as operators see it.
struct CycleStatus {
  uint64_t count = 0;    // of sections; of seats, for records
  uint64_t passes = 0;   // since the site began
  double done = 0;       // part of the pass under way
  AirTime predicted{0};  // a whole pass, when all tiers have something to send
  AirTime last_pass{0};  // 0: none yet
};
struct AirTierStatus {
  carousel::TierStatus tier;
  double kbps = 0;   // that it had since the last look
  AirTime worst{0};  // longest wait of this and the former quarter of an hour
  std::optional<CycleStatus> cycle;
};
struct AirOutputStatus {
  std::string name;
  uint32_t kbps = 0;
  bool borrowing = false;
  uint64_t sections = 0;  // since the start
  std::array<AirTierStatus, carousel::kTiers> tiers;
  // Records that no report has confirmed, and how long their last pass took.
  size_t unconfirmed = 0;
  AirTime unconfirmed_pass{0};
};

// What happens to what was handed over.
class AirListener {
 public:
  virtual ~AirListener() = default;
  // Whether anybody waits for this subject here; the number tells the waiting of now from a later one.
  virtual std::optional<uint64_t> Awaited(Subject subject) = 0;
  // It is on the air, or never will be.
  virtual void Aired(Subject subject, uint64_t version) = 0;
  // It has no meaning any more.
  virtual void Gone(Subject subject) = 0;
};

// One thread.
class AirOutput {
 public:
  static Result<std::unique_ptr<AirOutput>> Create(SectionSink& sink, const AirOptions& options,
                                                   AirContent& content, AirListener& listener,
                                                   MetricsRegistry& metrics, Logger& log);

  const std::string& name() const { return name_; }
  bool Covers(uint16_t province) const {
    return province == 0 || regions_.empty() || regions_.contains(province);
  }

  mpegts::Packing packing() const { return scheduler_.options().packing; }

  // In the line of its tier; a subject stands in one line only, the most urgent it was put in while it waits.
  void Put(Tier tier, carousel::Section section, AirTime now);
  void Remove(Subject subject);
  // Among the records that no report has confirmed.
  void PutUnconfirmed(carousel::Section section) { unconfirmed_.Put(section); }
  void RemoveUnconfirmed(Subject subject) { unconfirmed_.Remove(subject); }
  // Nothing of cards and groups goes out while they are held, and what they had in line is forgotten.
  void Hold(bool held);

  // Where a subject stands in its line.
  struct LinePlace {
    uint32_t sends = 0;
    AirTime on_air{0};
    AirTime forecast{0};  // of one never on the air
  };
  std::optional<LinePlace> LineOf(Subject subject, AirTime now);

  // The counts of the cycles.
  void Resize();
  // Hands over what there is room for; true when there is more for which there is room.
  bool Send(AirTime now);
  // Tells the listener what is on the air by now.
  void Settle();

  // The place in the order, to be kept: what has changed since the last call. Times on disk are the wall's.
  using Writes = std::map<std::string, std::optional<std::string>>;
  void Save(Writes& writes, AirTime now, UnixMillis wall);
  // One of the entries saved; false when it is none of this output's, or out of date.
  bool Restore(std::string_view key, std::string_view value, AirTime now, UnixMillis wall);

  // A pass of the groups and of the service keys that has begun after this is over when Passed says so.
  struct Mark {
    uint64_t groups = 0;
    uint64_t service_keys = 0;
  };
  Mark MarkNow() const;
  bool Passed(const Mark& mark) const;

  AirOutputStatus Look(AirTime now);

 private:
  struct Handed {
    uint64_t count = 0;  // on the air when so many sections are
    Subject subject;
    uint64_t version = 0;
  };

  AirOutput(SectionSink& sink, const AirOptions& options, AirContent& content, AirListener& listener,
            MetricsRegistry& metrics, Logger& log, carousel::Scheduler scheduler);
  // The cycle of a tier; of records, that over all cards.
  carousel::Cycle& cycle(Tier tier);
  carousel::Section Covered(const AirItem& item) const;
  bool IsCrowded() const;
  AirTime Predicted(Tier tier);
  void SetRate(uint32_t kbps, AirTime now);
  void Choose(AirTime now, double budget);
  bool Write(AirTime now);

  SectionSink& sink_;
  const AirOptions& options_;
  AirContent& content_;
  AirListener& listener_;
  Logger& log_;
  const std::string name_;
  const std::set<uint16_t> regions_;
  carousel::Scheduler scheduler_;
  carousel::Pacer pacer_;
  carousel::Cycle service_keys_;
  carousel::Cycle groups_;
  carousel::Cycle all_records_;
  carousel::Cycle areas_;
  carousel::SetCycle unconfirmed_;
  carousel::Alternate records_;

  std::vector<carousel::Chosen> batch_;  // chosen, not handed over yet
  AirTime retry_at_{0};
  uint64_t handed_ = 0;
  std::deque<Handed> on_way_;
  std::set<std::pair<Tier, uint64_t>> changed_;  // in the lines, since the last Save
  std::array<carousel::CyclePosition, 4> saved_;

  std::array<double, carousel::kTiers> air_seen_{};
  AirTime status_at_{0};
  std::array<AirTime, carousel::kTiers> worst_{};  // of the former quarter of an hour
  AirTime worst_since_{0};

  struct Gauges {
    Gauge* kbps = nullptr;
    Gauge* waiting = nullptr;
    Gauge* predicted = nullptr;
    Gauge* worst = nullptr;
  };
  std::array<Gauges, carousel::kTiers> gauges_;
  Counter& sections_;
  Counter& bytes_;
  Counter& failed_;
};

}  // namespace hearth::app
