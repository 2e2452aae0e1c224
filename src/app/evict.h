// Throwing cards out whose keys somebody else has (EntitlementService.EvictCards). What it costs, in which
// order it goes, and why nobody else misses a picture: see the .cc.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "src/app/geo.h"
#include "src/app/keys.h"
#include "src/app/registry.h"
#include "src/app/section_builder.h"

namespace hearth::app {

struct EvictionAnswer {
  Change change;
  records::Eviction eviction;
};

// What its messages take of the air, sent once, packed, with all of the rate. `kbps` is not 0.
struct AirCost {
  uint64_t packets = 0;
  double seconds = 0;
};
AirCost CostOf(const records::Eviction& eviction, uint32_t kbps);

// Threads: any; one eviction at a time, the others wait. Blocks until all of it is synced, not until it is on
// the air. What it is given must outlive it.
class Evictions {
 public:
  Evictions(Executor& executor, Registry& registry, const KeyKeeper& keys, const GeoState& geo,
            const Limits& limits, Logger& log)
      : executor_(executor),
        registry_(registry),
        keys_(keys),
        limits_(limits),
        log_(log),
        builder_(executor, keys, geo) {}

  // All cards or none. The answer of a dry run is what the eviction would be. FIELD_MISSING (no reason, no
  // card), FIELD_INVALID (a card twice), LIMIT_EXCEEDED (Limits::evicted_cards), CARD_UNKNOWN,
  // CARD_NOT_IN_ACCOUNT (so in no group), CARD_EVICTED (before).
  Result<EvictionAnswer> Evict(const Request& request, const std::vector<CardNumber>& cards);

  // At start, before anything is served: finishes what a crash left behind. What cannot be finished is logged
  // and left for the same request to try again.
  Status Recover();

  void SetProbe(SagaProbe probe) { probe_ = std::move(probe); }

 private:
  Status Probe(std::string_view step) const { return probe_ ? probe_(step) : Ok(); }
  Status CheckCards(const Request& request, const std::vector<CardNumber>& cards) const;
  Result<records::Eviction> Plan(const Request& request, const std::vector<CardNumber>& cards);
  Status PlanGroup(GroupId group, std::span<const CardNumber> evicted, records::Eviction& plan) const;
  Status PlanServiceKeys(uint32_t county, records::Eviction& plan) const;
  Result<bool> Stays(GroupId group, const entitlement::GroupMember& member, uint8_t slot) const;
  UnixMillis OpenUntil() const;

  Status Begin(const records::Eviction& plan);
  Result<EvictionAnswer> Drive(records::Eviction eviction);
  Status EvictCard(records::Eviction& eviction, CardNumber card);
  Result<std::optional<records::Eviction::Card>> TryEvictCard(const records::Eviction& eviction,
                                                              CardNumber card);
  Status NoteInAccount(const records::Eviction& eviction, const records::Eviction::Card& card);
  Status BeginGeneration(const records::Eviction& eviction, GroupId group);
  Status GiveKeys(GroupId group);
  Status GiveKey(CardNumber card, GroupId group, uint8_t generation);
  Status SendGroup(GroupId group);

  Executor& executor_;
  Registry& registry_;
  const KeyKeeper& keys_;
  const Limits limits_;
  Logger& log_;
  const SectionBuilder builder_;
  SagaProbe probe_;
  Mutex one_;
};

}  // namespace hearth::app
