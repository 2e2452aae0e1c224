// Which section goes on the air next: the tiers, their shares of the rate, and what flows where when one
// needs less.
//
// One scheduler serves one output. It thinks in transport packets: each call fills the next one (or the next
// few, for a long section), first by what is most urgent, then with whatever still fits, because room in a
// packet begun costs nothing. Shares are kept as credits in bytes: what is sent is shared out among the
// tiers, what a tier sends is taken off its own. A tier goes when it is the most urgent one that has credit;
// a credit is capped, and what is above the cap flows to the next tier down. So an urgent tier is served at
// once within its share, and a tier that always has something to send gets its share over any time longer
// than the cap is worth.
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

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
  // How the multiplexer lays sections into packets. Padded: one section a packet, whatever its size.
  mpegts::Packing packing = mpegts::Packing::kPacked;
  Decay individual;
  Decay bulk;
  Decay change{.first = std::chrono::seconds(10), .bound = std::chrono::hours(6)};
  Decay emergency{.first = std::chrono::seconds(1), .bound = std::chrono::seconds(30)};
};

// A section to be sent now.
struct Chosen {
  Tier tier = Tier::kGroups;
  Section section;
  bool first = false;  // never on the air before; of queues only
  Time wait{0};        // since it was put; of first ones only
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

  // Fills `out` with what goes next, in the order in which it must be packed, and returns the packets it
  // starts; 0 when nothing is due at `now`. The caller waits until that is on the air, by its pacer, before
  // it asks again.
  size_t Next(Time now, std::vector<Chosen>& out);

  // Bytes of air time each tier has had, packets shared by sections counted by their parts.
  uint64_t air_bytes(Tier tier) const { return air_bytes_[static_cast<size_t>(tier)]; }
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
  bool TryLine(const Line& line, Time now, size_t room, std::vector<Chosen>& out);
  // Puts the most deserving section of at most `room` bytes into `out`; without a room the one to begin a
  // packet with.
  bool Pick(Time now, std::optional<size_t> room, std::vector<Chosen>& out);
  void Charge(size_t packets, const std::vector<Chosen>& sent);

  SchedulerOptions options_;
  std::array<std::unique_ptr<Queue>, 4> queues_;
  std::array<Feed*, kTiers> feeds_{};
  std::array<double, kTiers> shares_{};
  std::array<double, kTiers> credits_{};
  std::array<uint64_t, kTiers> air_bytes_{};
  uint32_t kbps_ = 0;
  double burst_bytes_ = 0;
  bool borrowing_ = false;
  Time borrowed_at_{-1};
};

}  // namespace hearth::carousel
