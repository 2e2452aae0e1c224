// The carousel at work: one thread that keeps every output supplied with what its scheduler says comes next,
// built from the state of that moment.
//
// What is put here is in no other place: whoever puts keeps it (in an outbox) until a report says that it was
// on the air at every output it concerns. A newer state of a subject takes the place of an older one, and
// answers for its tickets.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "src/app/air_output.h"
#include "src/base/mutex.h"

namespace hearth::app {

// A report confirms what had been on the air for so long: a box that is on has had its chances by then.
inline constexpr std::chrono::seconds kConfirmAfter{60};

// A commit whose outbox asked for something to be sent.
struct Ticket {
  store::BucketId bucket;
  uint64_t sequence = 0;
};

struct AirStatus {
  std::vector<AirOutputStatus> outputs;
  uint64_t unconfirmed = 0;  // records on the air that no report has confirmed
  uint64_t confirmed = 0;    // since the start
  bool held = false;
};

// Any thread, unless said otherwise.
class Air {
 public:
  // `wake` is called from its thread when a report is worth taking; it must be quick. What is passed must
  // outlive it.
  static Result<std::unique_ptr<Air>> Create(Executor& executor, const KeyKeeper& keys, const GeoState& geo,
                                             const SectionBuilder& builder,
                                             const std::vector<SectionSink*>& sinks,
                                             const AirOptions& options, std::function<void()> wake,
                                             MetricsRegistry& metrics, Logger& log);
  ~Air();

  // What an earlier run saved. Before Start.
  void Restore(std::string_view key, std::string_view value);
  void Start();
  // Hands over what there is room for at once, and ends the thread.
  void Stop();

  // In the line of a tier. A ticket is reported once for each Put: after the record of a lit card when its
  // group has gone as well, after a group when the service keys of its packages have: each opens only for
  // who has the one before.
  void Put(Tier tier, Subject subject, Ticket ticket);
  void PutServiceKeys(Tier tier, PackageId package, Ticket ticket);
  void PutTable(Tier tier, geofence::ListKind kind, AreaId id, Ticket ticket);
  void GroupChanged(GroupId group);
  // The card has reported, so its home is on: records that were on the air for a while are confirmed.
  void Heard(std::span<const CardNumber> cards);
  void Hold(bool held);

  // What has been done since the last call, to be kept in one commit with what follows from the tickets.
  struct Report {
    std::vector<Ticket> aired;
    AirOutput::Writes writes;
  };
  Report TakeReport();

  // A whole pass of the groups and service keys, on every output, that began after this call.
  void MarkPass();
  bool PassDone() const { return pass_done_.load(); }

  // As it was at most some tenths of a second ago.
  AirStatus status() const;
  // How far the newest messages of a card have come, as the carousel knows it.
  struct CardDelivery {
    bool queued = false;       // in a line, never on the air
    bool repeating = false;    // in a line, on the air since `on_air`
    bool unconfirmed = false;  // among the records that no report has confirmed
    UnixMillis on_air;         // 0: not known any more
    AirTime expected{0};       // of queued: from now
  };
  // Waits for the carousel's thread.
  CardDelivery DeliveryOf(CardNumber card);
  // How long a message of this tier put now would wait, at the output where it waits longest, of those that
  // can send; nothing when none can.
  std::optional<AirTime> Forecast(Tier tier) const;

 private:
  class Ear;  // what an output asks and tells
  enum class What : uint8_t { kSubject, kServiceKeys, kTable, kAwaitServiceKeys };
  struct Wish {
    What what = What::kSubject;
    Tier tier = Tier::kChange;
    Subject subject;  // of a package or a list: its first part; of kAwaitServiceKeys: a group
    Ticket ticket;
  };
  struct Mail {
    std::vector<Wish> wishes;
    std::vector<GroupId> groups;
    std::vector<CardNumber> heard;
    std::optional<bool> hold;
    bool mark_pass = false;
    std::vector<std::pair<CardNumber, std::promise<CardDelivery>>> questions;

    bool empty() const {
      return wishes.empty() && groups.empty() && heard.empty() && !hold && !mark_pass && questions.empty();
    }
  };
  // A ticket whose sections are not all on the air, and what follows them.
  struct Open {
    Ticket ticket;
    size_t left = 0;
    std::optional<Wish> then;
  };
  // A card's record, until a report confirms it.
  struct Unconfirmed {
    UnixMillis since;  // on the air everywhere; 0: not yet
    uint32_t bytes = 0;
    uint16_t province = 0;
    bool pairing = false;  // its pairing as well
  };
  // That a subject is on the air at these outputs, as it was when this began or newer.
  struct Wait {
    uint64_t version = 0;
    uint64_t outputs = 0;  // a bit each
    std::shared_ptr<Open> open;
  };

  Air(Executor& executor, const KeyKeeper& keys, const GeoState& geo, const SectionBuilder& builder,
      const AirOptions& options, std::function<void()> wake, Logger& log);
  void Post(const std::function<void(Mail&)>& add);
  void Run();
  Mail TakeMail(std::chrono::nanoseconds patience, bool& stopping);
  void Refresh(bool at_once);
  void Handle(Mail& mail);
  CardDelivery Answer(CardNumber card) const;
  void Handle(const Wish& wish);
  Result<std::vector<AirItem>> ItemsOf(const Wish& wish);
  void Await(const std::vector<AirItem>& items, const Ticket& ticket, std::optional<Wish> then);
  void Finish(const Open& open);
  void OnAir(size_t output, Subject subject, uint64_t version);
  void NoteStanding(CardNumber card);
  void ForgetStanding(CardNumber card);
  bool IsCheaperAsBitmap(size_t standings, const AirItem& group) const;
  void Compile();
  void SendAsBitmap(const AirItem& group, const std::vector<CardNumber>& cards);
  void SetUnconfirmed(CardNumber card, const Unconfirmed& state);
  void EndUnconfirmed(CardNumber card);
  void DropStale();
  void Deliver(bool now);
  void Publish();

  Executor& executor_;
  AirContent content_;
  const AirOptions options_;
  const std::function<void()> wake_;
  Logger& log_;
  std::vector<std::unique_ptr<Ear>> ears_;
  std::vector<std::unique_ptr<AirOutput>> outputs_;  // at most 64

  // The air's thread only.
  std::unordered_map<uint64_t, std::vector<Wait>> waits_;  // by subject
  uint64_t versions_ = 0;
  std::unordered_map<uint64_t, Unconfirmed> unconfirmed_;  // by card
  // Standings that wait for the air, with their stamps, by group and card; the group of each card; the groups
  // that may be cheaper as a bitmap.
  std::unordered_map<uint32_t, std::map<CardNumber, Stamp>> standings_;
  std::unordered_map<uint64_t, GroupId> group_of_;
  std::set<GroupId> crowded_;
  std::deque<std::pair<UnixMillis, CardNumber>> by_age_;
  uint64_t confirmed_ = 0;
  std::vector<Ticket> finished_;
  std::vector<Wish> following_;
  AirOutput::Writes writes_;
  std::vector<AirOutput::Mark> marks_;
  bool held_ = false;
  AirTime refreshed_{0};
  AirTime saved_{0};
  AirTime published_{0};

  mutable Mutex mu_;
  CondVar mailed_;
  Mail mail_ HEARTH_GUARDED_BY(mu_);
  bool stop_ HEARTH_GUARDED_BY(mu_) = false;
  Report report_ HEARTH_GUARDED_BY(mu_);
  AirStatus status_ HEARTH_GUARDED_BY(mu_);
  std::atomic<bool> pass_done_{true};
  std::thread thread_;
};

}  // namespace hearth::app
