// A whole site for tests: a head-end over a store in memory that survives it, a clock that is set, and
// receivers that hear what the head-end sends. Its first state is prepared once in a process and copied:
//   regions   Ningxia down to the villages of Helan (640122) and Xingqing (640104)
//   area      640122001, approved: the villages kVillage, kHamlet (one township) and kFarVillage (another)
//   lists     whitelist 640122001: kHome cells; blacklist 640100001: kCity cells
//   schedule  channels CCTV-1 (1), CCTV-2 (2), NX-TV (1064) in package 64; PAY-1 (900) in none
//   stock     batch 1 with cards 1 to 400, of which 1 to kStock are imported with boxes and SIMs of the same
//   n
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/app/head_end.h"
#include "src/store/store.h"
#include "tests/app/testing.h"
#include "tools/receiver/receiver.h"

namespace hearth::app {

inline constexpr uint64_t kVillage = 640122100200;
inline constexpr uint64_t kHamlet = 640122100201;
inline constexpr uint64_t kFarVillage = 640122101200;
inline constexpr AreaId kArea{640122001};
inline constexpr AreaId kCityList{640100001};
inline constexpr uint64_t kStock = 60;

// Cells as their text form. The serving cell comes first.
using Heard = std::vector<std::string>;
inline const Heard kHome = {"lte:460:00:33301:26879745", "lte:460:00:33301:26879746"};
inline const Heard kCity = {"lte:460:00:33281:27340801", "lte:460:00:33281:27340802"};
inline const Heard kRenumbered = {"lte:460:00:33309:11", "lte:460:00:33309:12"};

CardNumber CardOf(uint64_t n);
BoxSerial BoxOf(uint64_t n);
SimNumber SimOf(uint64_t n);
std::string FormNumberOf(uint64_t n);
// A valid identity number (GB 11643), another one for each n.
std::string PersonIdOf(uint64_t n);
entitlement::Form FormOf(uint64_t n, uint64_t village = kVillage);
geofence::Evidence EvidenceOf(const Heard& heard);
std::vector<geofence::Cell> CellsOf(const Heard& heard);

// Card, box and SIM number n as the factory made them, and how far they have listened.
struct Home {
  receiver::Receiver receiver;
  SimNumber sim;
  size_t heard_sections = 0;
};

struct SiteOptions {
  HeadEndOptions head_end;
  bool started = true;
  bool two_outputs = false;  // `other` as well
};

// One thread, but for what is said to be for any.
class Site {
 public:
  explicit Site(const SiteOptions& options = {});
  ~Site();

  // Nothing may hold on to parts of the head-end over these.
  void Start();
  // Start that may be refused.
  Status TryStart();
  void Stop();
  void Restart();
  HeadEnd& head() { return *head_; }
  bool running() const { return head_ != nullptr; }

  // The store as it is now; and that in place of the present one, as if a backup had been copied back.
  std::shared_ptr<store::Engine> Backup() const;
  void Restore(const std::shared_ptr<store::Engine>& backup);

  // A fresh id of now, with a content of its own. Any thread.
  Request NewRequest(std::string reason = "test");
  // Another batch of cards, with boxes and SIMs of the same numbers; once.
  void MoreStock(uint64_t first, uint64_t last);
  // The three orders, with a new request.
  Result<AccountChanged> Open(uint64_t n, uint64_t village = kVillage);
  Result<AccountChanged> Swap(uint64_t n, const entitlement::Devices& wanted);
  Result<AccountChanged> Close(uint64_t n);

  // A report that the receiver's card signs, taken by the head-end at once.
  Report Sign(Home& home, const Heard& heard);
  Report Sign(Home& home, const Heard& heard, UnixMillis at);
  Result<ReportAnswer> Send(Home& home, const Heard& heard);
  // Opens account n, lets it report from home, and listens until it is lit.
  Home Installed(uint64_t n);

  // A receiver with card and box n; another box's number makes a pair that does not match.
  Home NewHome(uint64_t n) const { return NewHome(n, n, n); }
  Home NewHome(uint64_t card, uint64_t box, uint64_t sim) const;
  receiver::Card NewCard(uint64_t n) const;
  // Feeds what was sent since it last listened; `heard` may drop sections.
  void Listen(Home& home, const std::function<bool(const Bytes&)>& heard = nullptr);
  // An ECM of the channel with known control words, opened exactly.
  bool Watches(Home& home, std::string_view channel = "CCTV-1");
  receiver::EcmResult TryWatch(Home& home, std::string_view channel);

  // Waits until the pump has sent everything, moving the clock so that the watermark moves.
  void Drain();
  // Until every cycle has gone by as well.
  void Pass();
  // Makes durable what was observed.
  void SaveObserved();
  // Waits until the views have seen everything committed so far, and everything observed.
  void DrainViews();

  // The sequence of each bucket that is no view's; and the same once nothing more is going to be written
  // unless the clock moves.
  std::map<uint16_t, uint64_t> Sequences();
  std::map<uint16_t, uint64_t> Quiet();
  // All objects of the data and system buckets, without revisions.
  std::map<std::string, std::string> Objects();
  // What may never be broken, whatever was done, once nothing is under way. Empty when all holds.
  // `drained`: the bitmaps must show every standing too.
  std::vector<std::string> BrokenInvariants(bool drained);

  FakeClock clock;
  CollectingSink sink;
  CollectingSink other{"other"};
  NullMetrics metrics;
  NullLogger log;
  TestRandom random;
  HeadEndOptions options;
  std::shared_ptr<store::Engine> engine;
  std::unique_ptr<store::Store> memory;
  std::unique_ptr<GuardedStore> store;

 private:
  friend std::shared_ptr<store::Engine> PreparedEngine();
  // Over this engine, without a head-end.
  Site(std::shared_ptr<store::Engine> engine, HeadEndOptions options);
  void Prepare();
  void Stock(uint64_t first, uint64_t last, BatchId batch);
  void OpenStore();

  std::atomic<uint64_t> requests_{0};
  bool two_outputs_ = false;
  std::unique_ptr<HeadEnd> head_;
};

}  // namespace hearth::app
