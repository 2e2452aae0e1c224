// Subscribers who move house (移机, HomeService): an approved relocation, not an intervention. The rules are
// intervention/relocation.h; here they meet card, account and store. How a confirmed one reaches the account,
// and what the receiver is told: see the .cc.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/app/home_index.h"
#include "src/app/location.h"
#include "src/app/registry.h"
#include "src/app/views.h"

namespace hearth::app {

struct RelocationView {
  records::RelocationRecord record;
  uint64_t revision = 0;
};
struct RelocationChanged {
  Change change;
  RelocationView view;
};

// Where a subscriber goes.
struct MoveWish {
  CardNumber card;
  geofence::PlaceCode to;  // a village, or a natural village
  uint32_t days = 30;      // how long an approved one waits for a report from there; 1 to 180
};

// Threads: any; changes block until synced. What it is given must outlive it.
class Relocations {
 public:
  // `centre`: actors who may let a card go to another county of its province.
  Relocations(Executor& executor, Registry& registry, Location& location, HomeIndex& index,
              std::vector<std::string> centre, const Limits& limits, Logger& log)
      : executor_(executor),
        registry_(registry),
        location_(location),
        index_(index),
        centre_(centre.begin(), centre.end()),
        limits_(limits),
        log_(log) {}

  // What the index holds of a stored one.
  static HomeRow RowOf(const records::RelocationRecord& record);

  // Errors as in home.proto.
  Result<RelocationChanged> Ask(const Request& request, const MoveWish& wish);
  Result<RelocationChanged> Approve(const Request& request, CardNumber card);
  Result<RelocationChanged> Cancel(const Request& request, CardNumber card);

  // RELOCATION_UNKNOWN.
  Result<RelocationView> Get(CardNumber card);
  // By card number. PAGE_TOKEN_INVALID.
  Result<PageOf<RelocationView>> List(const HomeFilter& filter, size_t size, std::string_view token);

  // Times out those that nobody was heard for, and brings confirmed ones to their accounts; what a crash left
  // between two steps as well. The housekeeper calls it, while the gate is open.
  void Tick();

  void SetProbe(SagaProbe probe) { probe_ = std::move(probe); }

 private:
  using Decide = std::function<Result<intervention::Relocation>(const intervention::Relocation&,
                                                                const intervention::RelocationActor&)>;

  Status Probe(std::string_view step) const { return probe_ ? probe_(step) : Ok(); }
  Result<RelocationChanged> Step(const Request& request, CardNumber card, std::string_view action,
                                 const Decide& decide);
  Result<RelocationChanged> Changed(const Request& request, CardNumber card, const Outcome& outcome);
  Status See(CardNumber card);
  Status TimeOut(CardNumber card);
  Status Tell(const records::RelocationRecord& record);
  Result<std::optional<CardNumber>> MoveAccount(const records::RelocationRecord& record);
  Status MoveCard(const records::RelocationRecord& record, CardNumber card);

  Executor& executor_;
  Registry& registry_;
  Location& location_;
  HomeIndex& index_;
  const std::set<std::string> centre_;
  const Limits limits_;
  Logger& log_;
  SagaProbe probe_;
};

}  // namespace hearth::app
