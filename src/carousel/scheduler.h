// Which section goes on the air next: the tiers, their shares of the rate, and what flows where when one
// needs less.
//
// One scheduler serves one output, section by section. Shares are kept as credits in bytes of air time: what
// is sent is shared out among the tiers, what a tier sends is taken off its own. A tier goes when it is the
// most urgent one that has credit; a credit is capped, and what is above the cap flows to the next tier down.
// So an urgent tier is served at once within its share, and a tier that always has something to send gets its
// share over any time longer than the cap is worth.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "src/base/status.h"
#include "src/carousel/queue.h"
#include "src/mpegts/packet.h"

namespace hearth::carousel {

// Most urgent first.
enum class Tier : uint8_t {
  kEmergency,    // preempts all, beside the shares
  kIndividual,   // one card switched off, on, activated, refreshed
  kBulk,         // the same for many at once
  kChange,       // swap, relocation, tables that changed
  kServiceKeys,  // cycle
  kGroups,       // cycle of bitmaps and package keys
  kRecords,      // cycle of unique records
  kAreas,        // cycle of area and deny tables
};
inline constexpr size_t kTiers = 8;
std::string_view NameOf(Tier tier);

// Parts of the rate; they add up to 1. Emergency has none.
struct Shares {
  double individual = 0.12;
  double bulk = 0.05;
  double change = 0.03;
  double service_keys = 0.05;
  double groups = 0.45;
  double records = 0.25;
  double areas = 0.05;

  // INVALID_FIELD naming the share: not within 0 and 1, or the sum is not 1.
  Status Check() const;
  std::array<double, kTiers> Array() const;
};

// While more than a packet of bulk waits it has this share: taken from records and areas first, then from
// groups. At most `lasting` at a time, and again `every` after it began.
struct Borrow {
  double share = 0.60;
  Time lasting = std::chrono::seconds(120);
  Time every = std::chrono::minutes(15);
};

struct SchedulerOptions {
  Shares shares;
  Borrow borrow;
  // How long a tier may go ahead of its share, and so how long it may hold up those below it.
  Time burst = std::chrono::seconds(10);
  // How sections are laid into packets, and so what they cost. Packed: each begins where the one before ends,
  // across packets; padded: each in packets of its own.
  mpegts::Packing packing = mpegts::Packing::kPacked;
  Decay individual;
  Decay bulk;
  Decay change{.first = std::chrono::seconds(10), .bound = std::chrono::hours(6)};
  Decay emergency{.first = std::chrono::seconds(1), .bound = std::chrono::seconds(15), .lasting = true};
};

// A section to be sent now.
struct Chosen {
  Tier tier = Tier::kGroups;
  Section section;
  bool first = false;  // never on the air before; of queues only
  Time wait{0};        // since it was put; of first ones only
};

// A tier as operators see it.
struct TierStatus {
  size_t waiting = 0;          // never on the air
  uint64_t waiting_bytes = 0;  // of sections
  size_t repeating = 0;
  Time oldest{0};    // how long the one at the front has waited
  double share = 0;  // of the rate, as it is now, with what is borrowed
  double air_bytes = 0;
  Time worst{0};     // the longest wait of a first send since the last ResetWorst
  Time forecast{0};  // until a section put now would be on the air: queues only
};

// One thread.
class Scheduler {
 public:
  static Result<Scheduler> Create(const SchedulerOptions& options);

  // The rate granted, kbit/s; what a burst is worth follows it. 0: nothing is due.
  void SetRate(uint32_t kbps);
  uint32_t rate_kbps() const { return kbps_; }

  // kEmergency to kChange.
  Queue& queue(Tier tier) { return *queues_[static_cast<size_t>(tier)]; }
  const Queue& queue(Tier tier) const { return *queues_[static_cast<size_t>(tier)]; }
  // kServiceKeys to kAreas; a feed must outlive the scheduler. nullptr: none.
  void SetCycle(Tier tier, Feed* feed) { feeds_[static_cast<size_t>(tier)] = feed; }

  // What goes next; nothing when nothing is due at `now`. The caller waits until that is on the air, by its
  // pacer, before it asks again.
  std::optional<Chosen> Next(Time now);

  // Bytes of air time that each tier has had.
  double air_bytes(Tier tier) const { return air_bytes_[static_cast<size_t>(tier)]; }
  // What a section takes of the air.
  double CostOf(uint32_t section_bytes) const;
  TierStatus status(Tier tier, Time now);
  void ResetWorst(Tier tier) { worst_[static_cast<size_t>(tier)] = Time(0); }
  bool borrowing() const { return borrowing_; }
  const SchedulerOptions& options() const { return options_; }

 private:
  explicit Scheduler(const SchedulerOptions& options);
  struct Line {
    Tier tier;
    Feed* feed;
    bool first;
    double reserve;  // the credit that must be left
  };

  void UpdateBorrow(Time now);
  std::optional<Chosen> Take(const Line& line, Time now);
  Time Forecast(Tier tier) const;
  void Charge(const Chosen& sent);

  SchedulerOptions options_;
  std::array<std::unique_ptr<Queue>, 4> queues_;
  std::array<Feed*, kTiers> feeds_{};
  std::array<double, kTiers> shares_{};
  std::array<double, kTiers> credits_{};
  std::array<double, kTiers> air_bytes_{};
  std::array<Time, kTiers> worst_{};
  uint32_t kbps_ = 0;
  double burst_bytes_ = 0;
  bool borrowing_ = false;
  Time borrowed_at_{-1};
};

}  // namespace hearth::carousel
